//! Stage one of reading a head: where the bytes are that a line walk must look at.
//!
//! The seam for vector backends is [`suspicious`]: one block of 64 bytes in, one bit a byte out. Everything above it
//! is the same on every target.
#![forbid(unsafe_code)]

mod portable;

use crate::class;
use portable::suspicious;

/// Bytes looked at on this thread, so that a test can hold the work against the bytes that came.
#[cfg(test)]
pub(crate) mod work {
    use std::cell::Cell;

    std::thread_local!(static LOOKED_AT: Cell<u64> = const { Cell::new(0) });

    pub(crate) fn add(bytes: usize) {
        LOOKED_AT.set(LOOKED_AT.get() + bytes as u64);
    }

    pub(crate) fn take() -> u64 {
        LOOKED_AT.take()
    }
}

/// Bytes classified at a time.
const BLOCK: usize = 64;

/// How many positions are kept between refills.
const KEPT: usize = 64;

/// The first bytes of all runs of suspicious bytes (CTL, DEL, and 0x80 and above), found block by block as asked for.
///
/// In a plain head each run is a CRLF, so that these are the ends of its lines.
pub(crate) struct Marks {
    kept: [u32; KEPT],
    len: usize,
    next: usize,
    scanned: usize,
    /// The byte before `scanned` is suspicious: a run goes on across the block's edge.
    in_run: bool,
}

impl Marks {
    /// Marks of the bytes from `from` on.
    pub(crate) fn new(from: usize) -> Marks {
        Marks { kept: [0; KEPT], len: 0, next: 0, scanned: from, in_run: false }
    }

    /// The first run that starts at or after `from`, which must not go back from call to call.
    pub(crate) fn next(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        loop {
            while self.next < self.len {
                let mark = self.kept[self.next] as usize;
                if mark >= from {
                    return Some(mark);
                }
                self.next += 1;
            }
            if self.scanned >= bytes.len() {
                return None;
            }
            self.fill(bytes);
        }
    }

    /// Classify blocks until enough is kept, the bytes end, or a run of four has passed: CRLFCRLF ends a head, and
    /// what follows it need not be looked at.
    fn fill(&mut self, bytes: &[u8]) {
        self.len = 0;
        self.next = 0;
        // A block holds at most 32 run starts.
        while self.scanned < bytes.len() && self.len <= KEPT - BLOCK / 2 {
            let rest = &bytes[self.scanned..];
            let mask = match rest.first_chunk::<BLOCK>() {
                Some(block) => suspicious(block),
                None => {
                    let mut block = [b' '; BLOCK];
                    block[..rest.len()].copy_from_slice(rest);
                    suspicious(&block)
                }
            };
            let mut starts = mask & !((mask << 1) | u64::from(self.in_run));
            while starts != 0 {
                self.kept[self.len] = self.scanned as u32 + starts.trailing_zeros();
                self.len += 1;
                starts &= starts - 1;
            }
            let taken = rest.len().min(BLOCK);
            #[cfg(test)]
            work::add(taken);
            self.in_run = mask >> (taken - 1) & 1 == 1;
            self.scanned += taken;
            if mask & (mask >> 1) & (mask >> 2) & (mask >> 3) != 0 {
                return;
            }
        }
    }
}

/// How many tchar stand at the front.
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !class::is_tchar(byte)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn naive(bytes: &[u8], from: usize) -> Vec<usize> {
        let odd = |at: usize| class::is_ctl(bytes[at]) || bytes[at] >= 0x80;
        (from..bytes.len()).filter(|&at| odd(at) && (at == from || !odd(at - 1))).collect()
    }

    fn found(bytes: &[u8], from: usize) -> Vec<usize> {
        let mut marks = Marks::new(from);
        let mut all = Vec::new();
        let mut at = from;
        while let Some(mark) = marks.next(bytes, at) {
            all.push(mark);
            at = mark + 1;
        }
        all
    }

    #[test]
    fn every_byte_value_at_every_place() {
        for byte in 0..=255u8 {
            for at in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[at] = byte;
                let expected = u64::from(class::is_ctl(byte) || byte >= 0x80) << at;
                assert_eq!(suspicious(&block), expected, "{byte:#04x} at {at}");
            }
        }
    }

    #[test]
    fn marks_equal_the_naive_ones_at_every_length_and_start() {
        let mut bytes = Vec::new();
        let mut seed = 1u32;
        for _ in 0..400 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push(if seed >> 28 < 5 { (seed >> 16) as u8 } else { b'a' + (seed >> 24 & 15) as u8 });
        }
        for len in 0..bytes.len() {
            for from in [0, 1, 63, 64, 65, 130].into_iter().filter(|&from| from <= len) {
                assert_eq!(found(&bytes[..len], from), naive(&bytes[..len], from), "{from}..{len}");
            }
        }
        let full = [0u8; 300];
        assert_eq!(found(&full, 0), naive(&full, 0));
        let every_other: Vec<u8> = (0..500).map(|at| if at % 2 == 0 { b'\t' } else { b'x' }).collect();
        assert_eq!(found(&every_other, 0), naive(&every_other, 0));
    }
}
