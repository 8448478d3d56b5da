//! The classifier for every target: eight bytes at a time in a 64-bit word.
#![forbid(unsafe_code)]

use super::BLOCK;

const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// One bit a byte, lowest first: set where the byte is a CTL, DEL, or 0x80 and above.
pub(super) fn suspicious(block: &[u8; BLOCK]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let mut mask = 0;
    for (place, &word) in words.iter().enumerate() {
        mask |= word_mask(u64::from_le_bytes(word)) << (8 * place);
    }
    mask
}

/// No sum here carries from one byte into the next: at most 0x7f + 0x60.
fn word_mask(word: u64) -> u64 {
    let low = word & LOW;
    let below_space = !(low + 0x6060_6060_6060_6060);
    let del = low + 0x0101_0101_0101_0101;
    let odd = (below_space | del | word) & HIGH;
    // Gather the eight top bits into the top byte, lowest byte first.
    (odd >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
