//! The classifier for every target: eight bytes at a time in a 64-bit word.
#![forbid(unsafe_code)]

use super::{BLOCK, Backend, NAME};
use crate::class;

const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const HIGH: u64 = 0x8080_8080_8080_8080;

#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Backend for Portable {
    #[inline(always)]
    fn controls(self, block: &[u8; BLOCK]) -> u64 {
        let (words, _) = block.as_chunks::<8>();
        let mut mask = 0;
        for (place, &word) in words.iter().enumerate() {
            mask |= word_mask(u64::from_le_bytes(word)) << (8 * place);
        }
        mask
    }

    #[inline(always)]
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize {
        // Names are short: to go up to the end of this one is less than to classify the block.
        let len = block[from..].iter().position(|&byte| !class::is_tchar(byte));
        len.unwrap_or(NAME)
    }
}

/// No sum here carries from one byte into the next: at most 0x7f + 0x77.
#[inline(always)]
fn word_mask(word: u64) -> u64 {
    let low = word & LOW;
    let below_space = !(low + 0x6060_6060_6060_6060);
    let del = low + 0x0101_0101_0101_0101;
    // The top bit of a byte is set where it is not HTAB.
    let tab = low ^ 0x0909_0909_0909_0909;
    let not_tab = tab + LOW;
    let controls = ((below_space & not_tab) | del) & !word & HIGH;
    // Gather the eight top bits into the top byte, lowest byte first.
    (controls >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}
