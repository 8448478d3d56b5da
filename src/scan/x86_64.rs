//! The classifiers for x86-64: AVX2 where the processor has it, else SSE2, which every one has.
#![allow(unsafe_code)]

use core::arch::x86_64::*;
#[cfg(feature = "std")]
use core::sync::atomic::{AtomicU8, Ordering};

use super::{BLOCK, Backend, Job, NAME, first_of_others};
use crate::class::is_tchar;

/// Do it with the best backend of this processor.
#[inline]
pub(super) fn dispatch<J: Job>(job: J) -> J::Output {
    if has_avx2() {
        // SAFETY: the processor has what `with_avx2` is compiled for.
        unsafe { with_avx2(job) }
    } else {
        job.run(Sse2)
    }
}

/// Asked once: the answer costs more than a short line.
#[inline]
fn has_avx2() -> bool {
    if cfg!(badgateway_scan = "sse2") {
        return false;
    }
    #[cfg(all(
        target_feature = "avx2",
        target_feature = "bmi1",
        target_feature = "bmi2",
        target_feature = "popcnt"
    ))]
    return true;
    #[cfg(feature = "std")]
    match KNOWN.load(Ordering::Relaxed) {
        YES => return true,
        NO => return false,
        _ => return ask(),
    }
    #[allow(unreachable_code, reason = "without std nobody can be asked")]
    false
}

/// What the processor said, 0 before it was asked.
#[cfg(feature = "std")]
static KNOWN: AtomicU8 = AtomicU8::new(0);
#[cfg(feature = "std")]
const NO: u8 = 1;
#[cfg(feature = "std")]
const YES: u8 = 2;

#[cfg(feature = "std")]
#[cold]
fn ask() -> bool {
    let has = std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("popcnt");
    KNOWN.store(if has { YES } else { NO }, Ordering::Relaxed);
    has
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn with_avx2<J: Job>(job: J) -> J::Output {
    // SAFETY: this function is only entered where the processor has AVX2.
    job.run(unsafe { Avx2::new() })
}

/// Exists only where the processor has AVX2.
#[derive(Clone, Copy)]
struct Avx2(());

impl Avx2 {
    /// # Safety
    ///
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn new() -> Avx2 {
        Avx2(())
    }
}

impl Backend for Avx2 {
    #[inline(always)]
    fn controls(self, block: &[u8; BLOCK]) -> u64 {
        let (halves, _) = block.as_chunks::<32>();
        // SAFETY: there is an `Avx2`, so the processor has it; each load reads the 32 bytes of its array.
        unsafe {
            let low = controls_avx2(_mm256_loadu_si256(halves[0].as_ptr().cast()));
            let high = controls_avx2(_mm256_loadu_si256(halves[1].as_ptr().cast()));
            u64::from(low) | u64::from(high) << 32
        }
    }

    /// The bit of its high nibble is set in the row of its low nibble: that is a tchar.
    #[inline(always)]
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize {
        // SAFETY: there is an `Avx2`, so the processor has it; each load reads the bytes of its array.
        let others = unsafe {
            let bytes = _mm256_loadu_si256(block.as_ptr().cast());
            let rows = _mm256_broadcastsi128_si256(_mm_loadu_si128(ROWS.as_ptr().cast()));
            let bits = _mm256_broadcastsi128_si256(_mm_loadu_si128(BITS.as_ptr().cast()));
            let nibbles = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
            // A byte of 0x80 and above selects a zero.
            let row = _mm256_shuffle_epi8(rows, bytes);
            let bit = _mm256_shuffle_epi8(bits, nibbles);
            let none = _mm256_cmpeq_epi8(_mm256_and_si256(row, bit), _mm256_setzero_si256());
            _mm256_movemask_epi8(none) as u32
        };
        others.wrapping_shr(from as u32).trailing_zeros() as usize
    }
}

/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn controls_avx2(bytes: __m256i) -> u32 {
    // SAFETY: as above.
    unsafe {
        let below_space = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
        let tab = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x09));
        let del = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f));
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(tab, below_space), del)) as u32
    }
}

/// For each low nibble the high nibbles with which it makes a tchar, a bit each.
static ROWS: [u8; 16] = {
    let mut rows = [0; 16];
    let mut byte = 0;
    while byte < 0x80 {
        if is_tchar(byte) {
            rows[byte as usize & 0x0f] |= 1 << (byte >> 4);
        }
        byte += 1;
    }
    rows
};

/// For each high nibble its bit.
static BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];

#[derive(Clone, Copy)]
struct Sse2;

impl Backend for Sse2 {
    #[inline(always)]
    fn controls(self, block: &[u8; BLOCK]) -> u64 {
        let (quarters, _) = block.as_chunks::<16>();
        let mut mask = 0;
        for (place, quarter) in quarters.iter().enumerate() {
            // SAFETY: x86-64 has SSE2; the load reads the 16 bytes of its array.
            let controls = unsafe {
                let bytes = _mm_loadu_si128(quarter.as_ptr().cast());
                let below_space = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
                let tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x09));
                let del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
                _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, below_space), del))
            };
            mask |= u64::from(controls as u16) << (16 * place);
        }
        mask
    }

    /// Letters and `-` are what names are made of; the other tchar are left to the table.
    #[inline(always)]
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize {
        let (halves, _) = block.as_chunks::<16>();
        let mut others = 0u32;
        for (place, half) in halves.iter().enumerate() {
            // SAFETY: x86-64 has SSE2; the load reads the 16 bytes of its array.
            let like = unsafe {
                let bytes = _mm_loadu_si128(half.as_ptr().cast());
                // `a` to `z`, with `A` to `Z` made them, are moved up to 0x7f, which is the largest there is.
                let lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
                let letters = _mm_cmpgt_epi8(_mm_add_epi8(lower, _mm_set1_epi8(0x05)), _mm_set1_epi8(0x65));
                let hyphens = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x2d));
                _mm_movemask_epi8(_mm_or_si128(letters, hyphens))
            };
            others |= u32::from(!(like as u16)) << (16 * place);
        }
        first_of_others(block, others, from)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every backend that this processor has.
    pub(crate) fn each<J: Job + Copy>(job: J) {
        job.run(Sse2);
        if has_avx2() {
            // SAFETY: the processor has it.
            unsafe { with_avx2(job) };
        }
    }
}
