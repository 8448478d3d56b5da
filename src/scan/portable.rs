//! The classifier for every target: eight bytes at a time in a 64-bit word.
#![forbid(unsafe_code)]

use super::{BLOCK, Backend, NAME, first_of_others};

const LOW: u64 = each(0x7f);
const HIGH: u64 = each(0x80);

const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Backend for Portable {
    #[inline(always)]
    fn controls(self, block: &[u8; BLOCK]) -> u64 {
        let (words, _) = block.as_chunks();
        words.iter().fold(0, |mask, &word| mask >> 8 | gather(controls(u64::from_le_bytes(word))))
    }

    #[inline(always)]
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize {
        let (words, _) = block.as_chunks();
        let mask = words.iter().fold(0, |mask, &word| mask >> 8 | gather(others(u64::from_le_bytes(word))));
        first_of_others(block, (mask >> (u64::BITS as usize - NAME)) as u32, from)
    }
}

/// The top bit of each byte is set where it is a control octet. No sum here carries from one byte into the next: at most
/// 0x7f + 0x7f.
#[inline(always)]
fn controls(word: u64) -> u64 {
    let low = word & LOW;
    let not_below_space = low + each(0x80 - 0x20);
    let not_tab = (low ^ each(b'\t')) + LOW;
    let del = low + each(0x80 - 0x7f);
    (!not_below_space & not_tab | del) & !word & HIGH
}

/// The top bit of each byte is set where it is no letter and no `-`, which are what names are made of.
#[inline(always)]
fn others(word: u64) -> u64 {
    let low = word & LOW;
    let lower = low | each(0x20);
    let from_a = lower + each(0x80 - b'a');
    let beyond_z = lower + each(0x80 - b'z' - 1);
    let not_hyphen = (low ^ each(b'-')) + LOW;
    ((!from_a | beyond_z) & not_hyphen | word) & HIGH
}

/// The eight top bits together in the top byte, that of the lowest byte lowest.
#[inline(always)]
fn gather(tops: u64) -> u64 {
    (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) & 0xff << 56
}
