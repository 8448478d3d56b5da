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

    std::thread_local! {
        static LOOKED_AT: Cell<u64> = const { Cell::new(0) };
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn add(bytes: usize) {
        LOOKED_AT.set(LOOKED_AT.get() + bytes as u64);
    }

    /// A byte for a state machine.
    pub(crate) fn step() {
        add(1);
        STEPS.set(STEPS.get() + 1);
    }

    pub(crate) fn take() -> u64 {
        LOOKED_AT.take()
    }

    pub(crate) fn take_steps() -> u64 {
        STEPS.take()
    }
}

/// Bytes classified at a time.
const BLOCK: usize = 64;

/// Bytes of a name classified at a time; half a block.
const NAME: usize = 32;

/// Classifies blocks, the lowest bit for the first byte.
pub(crate) trait Backend: Copy {
    /// CTL but HTAB: what no line may hold but its end.
    fn controls(self, block: &[u8; BLOCK]) -> u64;

    /// How many tchar stand in a row from `from` on, a place in the block; the block's length if nothing else follows.
    /// At the end of the block any number may be said.
    fn token_len(self, block: &[u8; NAME], from: usize) -> usize;
}

/// The first octet from `from` on that is no tchar, counted from there, among those that are not what names are mostly
/// made of.
#[inline(always)]
fn first_of_others(block: &[u8; NAME], others: u32, from: usize) -> usize {
    let mut others = others.wrapping_shr(from as u32);
    while others != 0 {
        let len = others.trailing_zeros() as usize;
        if block.get(from + len).is_some_and(|&byte| !class::is_tchar(byte)) {
            return len;
        }
        others &= others - 1;
    }
    NAME
}

/// What is to be done with a backend.
pub(crate) trait Job {
    type Output;

    /// To be `#[inline(always)]`, and no closure in it to ask the backend, or the backend's instructions become calls.
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

/// How many places are kept between refills.
const KEPT: usize = 64;

/// More line ends than this are rare in one block.
const USUAL: usize = 3;

/// Bytes looked at for one refill, so that a place fits into 16 bits.
const REACH: usize = 1 << 15;

/// Room for places.
pub(crate) struct Kept([u16; KEPT]);

impl Kept {
    /// To stand beside the [`Marks`]: what is counted in them then needs no memory.
    #[inline(always)]
    pub(crate) const fn room() -> Kept {
        Kept([0; KEPT])
    }
}

/// The first bytes of all runs of control octets, found block by block as asked for.
///
/// In a good head each run is a CRLF, so that these are the ends of its lines.
pub(crate) struct Marks<'k> {
    /// Places counted from `base`: half the size, and a mark is made in half the time.
    kept: &'k mut Kept,
    base: u32,
    len: usize,
    next: usize,
    scanned: usize,
    /// Of the block before: the mask, and the mask of those that are not the first of their run.
    before: (u64, u64),
}

impl<'k> Marks<'k> {
    /// Marks of the bytes from `from` on, which are cut to a limit on sections: no place needs more than 32 bits.
    #[inline(always)]
    pub(crate) fn new(from: usize, kept: &'k mut Kept) -> Marks<'k> {
        debug_assert!(u32::try_from(from).is_ok());
        Marks { kept, base: from as u32, len: 0, next: 0, scanned: from, before: (0, 0) }
    }

    /// Those found and not passed yet.
    #[inline(always)]
    pub(crate) fn found(&self) -> Found<'_> {
        Found { base: self.base, places: self.kept.0.get(self.next..self.len).unwrap_or(&[]) }
    }

    /// The first `count` of them are done with.
    #[inline(always)]
    pub(crate) fn pass(&mut self, count: usize) {
        self.next += count;
    }

    /// Find more where all are passed, and pass over those before `from`; false if there are none to the end of the
    /// bytes.
    #[inline(always)]
    pub(crate) fn find<B: Backend>(&mut self, backend: B, bytes: &[u8], from: usize) -> bool {
        loop {
            while let Some(mark) = self.found().first() {
                if mark >= from {
                    return true;
                }
                self.pass(1);
            }
            if self.scanned >= bytes.len() {
                return false;
            }
            self.fill(backend, bytes);
        }
    }

    /// Pass over those that are kept and classify blocks until enough is kept again, the bytes or the reach end, or a run
    /// of four has passed: CRLFCRLF ends a head, and what follows it need not be looked at.
    #[inline(always)]
    pub(crate) fn fill<B: Backend>(&mut self, backend: B, bytes: &[u8]) {
        let base = self.scanned;
        let window = &bytes[base..bytes.len().min(base + REACH)];
        let (blocks, rest) = window.as_chunks::<BLOCK>();
        let (mut at, mut len, mut before, mut is_done) = (0, 0, self.before, false);
        for block in blocks {
            is_done = runs(backend.controls(block), &mut before).keep(at, &mut self.kept.0, &mut len);
            at += BLOCK;
            if is_done {
                break;
            }
        }
        if !is_done && !rest.is_empty() {
            runs(last_controls(backend, bytes, base + at), &mut before).keep(at, &mut self.kept.0, &mut len);
            at = window.len();
        }
        #[cfg(test)]
        work::add(at);
        (self.base, self.scanned, self.len, self.next, self.before) =
            (base as u32, base + at, len, 0, before);
    }
}

/// Of a block: where runs of control octets start, and whether one of four goes on or ends in it.
struct Runs {
    starts: u64,
    ends_head: bool,
}

/// `before`: of the block before, the mask, and the mask of those that are not the first of their run.
#[inline(always)]
fn runs(mask: u64, before: &mut (u64, u64)) -> Runs {
    let seconds = mask & after(before.0, mask, 1);
    let fourths = seconds & after(before.1, seconds, 2);
    *before = (mask, seconds);
    Runs { starts: mask & !seconds, ends_head: fourths != 0 }
}

impl Runs {
    /// Keep the places of the starts, of which there are at most 32; true if that is enough, for now or at all. As many
    /// as most blocks have are written down whether they are there or not: how many there are is nothing to guess at.
    #[inline(always)]
    fn keep(self, block: usize, kept: &mut [u16; KEPT], len: &mut usize) -> bool {
        let Some(free) = kept.get_mut(*len..).and_then(|free| free.first_chunk_mut::<{ BLOCK / 2 }>()) else {
            return true;
        };
        let mut starts = self.starts;
        let count = starts.count_ones() as usize;
        let mut place = |slot: &mut u16| {
            *slot = block as u16 + starts.trailing_zeros() as u16;
            starts &= starts.wrapping_sub(1);
        };
        let (few, rest) = free.split_at_mut(USUAL);
        few.iter_mut().for_each(&mut place);
        if count > USUAL {
            rest.iter_mut().take(count - USUAL).for_each(place);
        }
        *len += count;
        self.ends_head || *len > KEPT - BLOCK / 2
    }
}

/// Marks in order.
#[derive(Clone, Copy)]
pub(crate) struct Found<'m> {
    base: u32,
    places: &'m [u16],
}

impl<'m> Found<'m> {
    #[inline(always)]
    pub(crate) fn first(self) -> Option<usize> {
        self.iter().next()
    }

    #[inline(always)]
    pub(crate) fn nth(self, count: usize) -> Option<usize> {
        self.places.get(count).map(|&place| self.base as usize + usize::from(place))
    }

    /// The first of them, at most so many.
    #[inline(always)]
    pub(crate) fn up_to(self, count: usize) -> Found<'m> {
        Found { places: &self.places[..count.min(self.places.len())], ..self }
    }

    /// All but so many.
    #[inline(always)]
    pub(crate) fn from(self, count: usize) -> Found<'m> {
        Found { places: self.places.get(count..).unwrap_or(&[]), ..self }
    }

    /// The first, and all others.
    #[inline(always)]
    pub(crate) fn split_first(self) -> Option<(usize, Found<'m>)> {
        let (_, places) = self.places.split_first()?;
        Some((self.nth(0)?, Found { places, ..self }))
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.places.len()
    }

    #[inline(always)]
    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + use<'m> {
        self.places.iter().map(move |&place| self.base as usize + usize::from(place))
    }
}

/// The bits of `mask` moved up by `by`, those of the block before coming in.
#[inline(always)]
fn after(before: u64, mask: u64, by: u32) -> u64 {
    mask << by | before >> (BLOCK as u32 - by)
}

/// The mask of the bytes from `from` on, fewer than a block.
#[inline(always)]
fn last_controls<B: Backend>(backend: B, bytes: &[u8], from: usize) -> u64 {
    let rest = &bytes[from..];
    if let Some(block) = bytes.last_chunk() {
        // The last bytes once more, those before `from` shifted out.
        return backend.controls(block) >> (BLOCK - rest.len());
    }
    let mut block = [b' '; BLOCK];
    if bytes.len() < NAME {
        block[..rest.len()].copy_from_slice(rest);
        return backend.controls(&block);
    }
    let (first, last) = block.split_at_mut(NAME);
    first.copy_from_slice(&bytes[..NAME]);
    last.copy_from_slice(&bytes[bytes.len() - NAME..]);
    let mask = backend.controls(&block);
    // The second half in its place, over what both hold.
    (mask & u64::from(u32::MAX) | mask >> NAME << (bytes.len() - NAME)) >> from
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
        text_end(backend, self.0, 0)
    }
}

/// Where the text that starts at `from` ends.
#[inline(always)]
fn text_end<B: Backend>(backend: B, bytes: &[u8], from: usize) -> usize {
    let (blocks, rest) = bytes[from..].as_chunks::<BLOCK>();
    let mut at = from;
    for block in blocks {
        let mask = backend.controls(block);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    if rest.is_empty() {
        return at;
    }
    match last_controls(backend, bytes, at) {
        0 => bytes.len(),
        mask => at + mask.trailing_zeros() as usize,
    }
}

/// Where the token that starts at `from` ends.
#[inline(always)]
pub(crate) fn token_end<B: Backend>(backend: B, bytes: &[u8], from: usize) -> usize {
    // No closure here: it would be compiled without what the backend may use.
    let end = match Names::new(bytes) {
        Some(names) if from < bytes.len() => names.token_end(backend, from).min(bytes.len()),
        _ => from,
    };
    careful_token_end(bytes, end)
}

/// Bytes of which a block can be looked at from anywhere.
#[derive(Clone, Copy)]
pub(crate) struct Names<'b> {
    bytes: &'b [u8],
    /// Where the last block starts.
    last: usize,
}

impl<'b> Names<'b> {
    /// None for very short heads.
    #[inline(always)]
    pub(crate) fn new(bytes: &'b [u8]) -> Option<Names<'b>> {
        let last = bytes.len().checked_sub(NAME)?;
        Some(Names { bytes, last })
    }

    /// Where the token that starts at `from` ends, if it is no longer than a block; else some place within it, or past
    /// the end of the bytes.
    #[inline(always)]
    pub(crate) fn token_end<B: Backend>(self, backend: B, from: usize) -> usize {
        // Near the end the last block once more, the bytes before `from` passed over.
        let start = from.min(self.last);
        match self.bytes.get(start..).and_then(<[u8]>::first_chunk) {
            Some(block) => from + backend.token_len(block, from - start),
            None => from,
        }
    }
}

/// Where the parts of a field line end.
pub(crate) struct Shape {
    pub(crate) colon: usize,
    /// Its CR.
    pub(crate) end: usize,
}

/// Of the line of a judged section that starts at `line`, if it is of the plain shape: a token, a colon, text, CRLF, and
/// no continuation line.
#[inline]
pub(crate) fn line_shape(section: &[u8], line: usize) -> Option<Shape> {
    dispatch(LineShape(section, line))
}

struct LineShape<'b>(&'b [u8], usize);

impl Job for LineShape<'_> {
    type Output = Option<Shape>;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Option<Shape> {
        let LineShape(section, line) = self;
        if line >= section.len() {
            return None;
        }
        let colon = Names::new(section)?.token_end(backend, line);
        if colon == line || section.get(colon) != Some(&b':') {
            return None;
        }
        let end = text_end(backend, section, colon);
        #[cfg(test)]
        work::add(end + 2 - line);
        match section.get(end..)? {
            [b'\r', b'\n', b' ' | b'\t', ..] => None,
            [b'\r', b'\n', ..] => Some(Shape { colon, end }),
            _ => None,
        }
    }
}

/// For long names and very short heads.
#[inline(never)]
pub(crate) fn careful_token_end(bytes: &[u8], from: usize) -> usize {
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
            let mut kept = Kept::room();
            let mut marks = Marks::new(self.from, &mut kept);
            let mut all = Vec::new();
            loop {
                if !marks.find(backend, self.bytes, self.from) {
                    return all;
                }
                let count = marks.found().len() / 2 + 1;
                all.extend(marks.found().up_to(count).iter());
                marks.pass(count);
            }
        }

        fn naive_marks(&self) -> Vec<usize> {
            let control = |at: usize| is_control(self.bytes[at]);
            let starts = |&at: &usize| control(at) && (at == self.from || !control(at - 1));
            (self.from..self.bytes.len()).filter(starts).collect()
        }

        fn naive_text_len(&self) -> usize {
            self.bytes[self.from..].iter().take_while(|&&byte| !is_control(byte)).count()
        }

        /// A shape is right if there is one, and there is one unless the name is long or the bytes are few.
        fn hold_shape(&self, shape: Option<Shape>) {
            let colon = self.naive_token_end();
            let is_named = colon > self.from && self.bytes.get(colon) == Some(&b':');
            let end = self.from + self.naive_text_len();
            let ends = self.bytes[end..].starts_with(b"\r\n") && colon < end;
            let goes_on = matches!(self.bytes.get(end + 2), Some(b' ' | b'\t'));
            let expected = (is_named && ends && !goes_on).then_some((colon, end));
            let found = shape.map(|shape| (shape.colon, shape.end));
            let may_be_left = colon - self.from >= NAME || self.bytes.len() < NAME;
            assert!(found == expected || found.is_none() && may_be_left, "{found:?} for {expected:?}");
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
            self.hold_shape(LineShape(self.bytes, self.from).run(backend));
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
        let texts: [fn(u32) -> u8; 5] = [
            |random| if random & 0xf < 5 { (random >> 8) as u8 } else { b'a' + (random >> 8 & 15) as u8 },
            |random| b"\r\n"[random as usize & 1],
            |random| b"a-Z_9:\r\n"[random as usize & 7],
            |random| b"ab: c\t\r\n"[random as usize & 7],
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

    /// Lines whose names and values end at every place near the edges of blocks.
    #[test]
    fn lines_of_every_shape() {
        for name in 0..70 {
            for value in 0..140 {
                let mut bytes = std::vec![b'n'; name];
                bytes.push(b':');
                bytes.extend(std::vec![b'v'; value]);
                for tail in [&b"\r\n\r\n"[..], b"\r\n x\r\n\r\n", b"\n\r\n", b"\r\nNext: one\r\n\r\n", b""] {
                    let bytes = [&bytes, tail].concat();
                    hold(&Oracle { bytes: &bytes, from: 0 });
                }
            }
        }
    }

    #[test]
    fn the_marks_stop_behind_the_end_of_a_head() {
        for len in 0..300 {
            let mut bytes = std::vec![b'a'; len];
            bytes.extend(b"\r\n\r\n");
            bytes.extend([b'x'; 4000]);
            let mut kept = Kept::room();
            let mut marks = Marks::new(0, &mut kept);
            marks.fill(portable::Portable, &bytes);
            let scanned = marks.scanned;
            assert!(scanned <= len + 4 + BLOCK, "{scanned} of a head of {}", len + 4);
        }
    }
}
