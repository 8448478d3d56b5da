//! Stage one of reading a head: where its lines may end, and how far its names go.
//!
//! The seam for vector backends is [`Backend`]: blocks of bytes in, one bit a byte out. Everything above it is the same
//! on every target. A [`Job`] is compiled once for each backend and dispatched as a whole, so that what it asks of the
//! backend is inlined.
#![cfg_attr(not(target_arch = "x86_64"), forbid(unsafe_code))]

#[cfg(any(test, badgateway_scan = "portable", not(target_arch = "x86_64")))]
mod portable;
#[cfg(all(target_arch = "x86_64", any(test, not(badgateway_scan = "portable"))))]
mod x86_64;

use crate::class;

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

/// Bytes of a name classified at a time.
const NAME: usize = 32;

/// Classifies blocks, the lowest bit for the first byte.
pub(crate) trait Backend: Copy {
    /// CTL but HTAB: what no line may hold but its end.
    fn controls(self, block: &[u8; BLOCK]) -> u64;

    /// How many tchar stand in a row from `from` on, which is less than the length of the block.
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize;
}

/// What is to be done with a backend.
pub(crate) trait Job {
    type Output;

    /// To be `#[inline(always)]`, or the backend's instructions become calls.
    fn run<B: Backend>(self, backend: B) -> Self::Output;
}

/// Do it with the best backend there is. `--cfg badgateway_scan="portable"` and `"sse2"` are for tests of the others.
#[inline]
pub(crate) fn dispatch<J: Job>(job: J) -> J::Output {
    #[cfg(all(target_arch = "x86_64", not(badgateway_scan = "portable")))]
    return x86_64::dispatch(job);
    #[cfg(any(badgateway_scan = "portable", not(target_arch = "x86_64")))]
    return job.run(portable::Portable);
}

/// How many positions are kept between refills.
const KEPT: usize = 64;

/// The first bytes of all runs of control octets, found block by block as asked for.
///
/// In a good head each run is a CRLF, so that these are the ends of its lines.
pub(crate) struct Marks {
    kept: [u32; KEPT],
    len: usize,
    next: usize,
    scanned: usize,
    /// The mask of the 64 bytes before `scanned`.
    before: u64,
}

impl Marks {
    /// Marks of the bytes from `from` on.
    #[inline(always)]
    pub(crate) fn new(from: usize) -> Marks {
        Marks { kept: [0; KEPT], len: 0, next: 0, scanned: from, before: 0 }
    }

    /// Those found and not passed yet.
    #[inline(always)]
    pub(crate) fn found(&self) -> &[u32] {
        self.kept.get(self.next..self.len).unwrap_or(&[])
    }

    /// The first `count` of them are done with.
    #[inline(always)]
    pub(crate) fn pass(&mut self, count: usize) {
        self.next += count;
    }

    /// Find more, once all are passed; false at the end of the bytes.
    #[inline(always)]
    pub(crate) fn find<B: Backend>(&mut self, backend: B, bytes: &[u8]) -> bool {
        while self.next >= self.len {
            if self.scanned >= bytes.len() {
                return false;
            }
            self.fill(backend, bytes);
        }
        true
    }

    /// Classify blocks until enough is kept, the bytes end, or a run of four has passed: CRLFCRLF ends a head, and
    /// what follows it need not be looked at.
    #[inline(always)]
    fn fill<B: Backend>(&mut self, backend: B, bytes: &[u8]) {
        self.len = 0;
        self.next = 0;
        // A block holds at most 32 run starts.
        while self.scanned < bytes.len() && self.len <= KEPT - BLOCK / 2 {
            let (mask, taken) = controls(backend, bytes, self.scanned);
            let shifted = |by: u32| (mask << by) | (self.before >> (BLOCK as u32 - by));
            let (one, two, three) = (shifted(1), shifted(2), shifted(3));
            let mut starts = mask & !one;
            while starts != 0 {
                self.kept[self.len % KEPT] = self.scanned as u32 + starts.trailing_zeros();
                self.len += 1;
                starts &= starts - 1;
            }
            #[cfg(test)]
            work::add(taken);
            // A block cut short is the last one.
            self.before = mask;
            self.scanned += taken;
            if mask & one & two & three != 0 {
                return;
            }
        }
    }
}

/// The mask of a block from `from` on, and how many bytes it holds.
#[inline(always)]
fn controls<B: Backend>(backend: B, bytes: &[u8], from: usize) -> (u64, usize) {
    let rest = &bytes[from..];
    if let Some(block) = rest.first_chunk() {
        return (backend.controls(block), BLOCK);
    }
    let taken = rest.len();
    let mask = match bytes.last_chunk() {
        // The last bytes once more, those before `from` shifted out.
        Some(block) => backend.controls(block) >> (BLOCK - taken),
        None => {
            let mut block = [b' '; BLOCK];
            block[..taken].copy_from_slice(rest);
            backend.controls(&block)
        }
    };
    (mask, taken)
}

/// How many bytes at the front are text: no control octet but HTAB.
#[inline]
pub(crate) fn text_len(bytes: &[u8]) -> usize {
    if bytes.len() < SHORT {
        return bytes.iter().position(|&byte| !class::is_text(byte)).unwrap_or(bytes.len());
    }
    dispatch(TextLen(bytes))
}

/// So few bytes are looked at one by one.
const SHORT: usize = 16;

struct TextLen<'b>(&'b [u8]);

impl Job for TextLen<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> usize {
        let mut at = 0;
        while at < self.0.len() {
            let (mask, taken) = controls(backend, self.0, at);
            if mask != 0 {
                return at + mask.trailing_zeros() as usize;
            }
            at += taken;
        }
        at
    }
}

/// Where the token that starts at `from` ends.
#[inline(always)]
pub(crate) fn token_end<B: Backend>(backend: B, bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from..];
    match (rest.first_chunk(), bytes.last_chunk()) {
        (Some(block), _) => match backend.token_len(block, 0) {
            NAME.. => careful_token_end(bytes, from + NAME),
            len => from + len,
        },
        // The last bytes once more, those before `from` passed over.
        (None, Some(block)) if !rest.is_empty() => from + backend.token_len(block, NAME - rest.len()),
        _ => careful_token_end(bytes, from),
    }
}

/// For long names and very short heads.
#[inline(never)]
fn careful_token_end(bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from..];
    from + rest.iter().position(|&byte| !class::is_tchar(byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Holds a backend against the naive answer.
    struct Oracle<'b> {
        bytes: &'b [u8],
        from: usize,
    }

    fn is_control(byte: u8) -> bool {
        class::is_ctl(byte) && byte != b'\t'
    }

    impl Oracle<'_> {
        fn marks<B: Backend>(&self, backend: B) -> Vec<usize> {
            let mut marks = Marks::new(self.from);
            let mut all = Vec::new();
            while marks.find(backend, self.bytes) {
                let count = marks.found().len() / 2 + 1;
                all.extend(marks.found()[..count].iter().map(|&mark| mark as usize));
                marks.pass(count);
            }
            all
        }

        fn naive_marks(&self) -> Vec<usize> {
            let control = |at: usize| is_control(self.bytes[at]);
            let starts = |&at: &usize| control(at) && (at == self.from || !control(at - 1));
            (self.from..self.bytes.len()).filter(starts).collect()
        }

        fn naive_text_len(&self) -> usize {
            self.bytes[self.from..].iter().take_while(|&&byte| !is_control(byte)).count()
        }

        fn naive_token_end(&self) -> usize {
            let rest = &self.bytes[self.from..];
            self.from + rest.iter().take_while(|&&byte| class::is_tchar(byte)).count()
        }
    }

    impl Job for &Oracle<'_> {
        type Output = ();

        #[inline(always)]
        fn run<B: Backend>(self, backend: B) {
            let place = (self.from, self.bytes.len());
            assert_eq!(self.marks(backend), self.naive_marks(), "{place:?}");
            assert_eq!(TextLen(&self.bytes[self.from..]).run(backend), self.naive_text_len(), "{place:?}");
            assert_eq!(text_len(&self.bytes[self.from..]), self.naive_text_len(), "{place:?}");
            assert_eq!(token_end(backend, self.bytes, self.from), self.naive_token_end(), "{place:?}");
        }
    }

    /// With every backend that this machine has.
    fn hold(oracle: &Oracle<'_>) {
        oracle.run(portable::Portable);
        #[cfg(target_arch = "x86_64")]
        x86_64::tests::each(oracle);
        dispatch(oracle);
    }

    #[test]
    fn every_byte_value_at_every_place_of_every_length() {
        let mut bytes = [b'a'; 200];
        for at in 0..bytes.len() {
            // Around the edges of blocks all values, elsewhere those that are near a border of a class.
            for byte in 0..=255u8 {
                let near = !class::is_tchar(byte) || byte.is_ascii_punctuation();
                if !near && !matches!(at % 32, 0 | 31) {
                    continue;
                }
                bytes[at] = byte;
                for len in [at + 1, (at + 7).min(200), 200] {
                    for from in [0, at.saturating_sub(5), at] {
                        hold(&Oracle { bytes: &bytes[..len], from });
                    }
                }
            }
            bytes[at] = b'a';
        }
    }

    /// The start of the slice at every alignment, and every length.
    #[test]
    fn every_length_and_alignment() {
        let mut seed = 1u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        let texts: [fn(u32) -> u8; 4] = [
            |random| if random & 0xf < 5 { (random >> 8) as u8 } else { b'a' + (random >> 8 & 15) as u8 },
            |random| b"\r\n"[random as usize & 1],
            |random| b"a-Z_9:\r\n"[random as usize & 7],
            |random| b"\t\xe9\x7f\x1f !~"[random as usize % 7],
        ];
        for text in texts {
            let bytes: Vec<u8> = (0..300).map(|_| text(random())).collect();
            for start in 0..64 {
                for len in 0..=200 {
                    let bytes = &bytes[start..start + len];
                    hold(&Oracle { bytes, from: 0 });
                    hold(&Oracle { bytes, from: len / 3 });
                    hold(&Oracle { bytes, from: len });
                }
            }
        }
    }

    #[test]
    fn the_marks_stop_behind_the_end_of_a_head() {
        struct Scanned<'b>(&'b [u8]);
        impl Job for Scanned<'_> {
            type Output = usize;
            #[inline(always)]
            fn run<B: Backend>(self, backend: B) -> usize {
                let mut marks = Marks::new(0);
                marks.find(backend, self.0);
                marks.scanned
            }
        }
        for len in 0..300 {
            let mut bytes = std::vec![b'a'; len];
            bytes.extend(b"\r\n\r\n");
            bytes.extend([b'x'; 4000]);
            let scanned = dispatch(Scanned(&bytes));
            assert!(scanned <= len + 4 + BLOCK, "{scanned} of a head of {}", len + 4);
        }
    }
}
