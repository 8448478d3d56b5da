//! The chunked transfer coding, RFC 9112 section 7.1, as far as its last-chunk line; the trailer section is
//! field lines.
//!
//! ```text
//! chunk     = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//! chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//! ```
//!
//! The leniency of RFC 9112 2.2 towards a bare LF is for field lines, never for these.
#![forbid(unsafe_code)]

use crate::class::{hex_value, is_blank, is_ctl, is_tchar, is_text};
use crate::judge::{Finding, Halt, Judge};
use crate::policy::Limits;
use crate::rule::Rule;

/// Largest chunk size, so that no sum of sizes and offsets overflows.
const LARGEST: u64 = i64::MAX as u64;

/// Digits that cannot overflow, whatever they are.
const SAFE_DIGITS: usize = 15;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first octet of a size.
    SizeStart,
    Size,
    /// Blanks after the size: the first of them.
    SizeBlank(u8),
    SizeCr,
    /// After a semicolon.
    ExtStart,
    ExtName,
    ExtNameBlank,
    /// After an equals sign.
    ExtValueStart,
    ExtToken,
    ExtQuoted,
    ExtQuotedPair,
    ExtQuotedCr,
    ExtValueEnd,
    ExtValueBlank,
    /// Off the grammar, tolerated; passed over up to the CRLF.
    ExtSlip,
    ExtCr,
    Data,
    DataCr,
    DataLf,
    Last,
}

/// What a call of [`ChunkedReader::read`] came to.
pub(crate) enum Chunk {
    /// All input is used up.
    More,
    /// That many bytes of the input at the reader's place are content.
    Data(usize),
    /// The last-chunk line has ended.
    Last,
}

/// What stands between the data of two chunks and is written as most are: CRLF, one to four HEXDIG, CRLF.
#[derive(Clone, Copy)]
struct PlainSizeLine {
    /// The octets, the first one lowest.
    word: u64,
    mask: u64,
    len: usize,
    /// Bytes of data that follow; never 0.
    size: usize,
}

const CR: u64 = b'\r' as u64;
const CRLF: u64 = CR | (b'\n' as u64) << 8;

impl PlainSizeLine {
    /// A line that no bytes are equal to.
    const NONE: PlainSizeLine = PlainSizeLine { word: 1, mask: 0, len: 0, size: 0 };

    /// Most chunks are as long as the one before.
    #[inline]
    fn is_at(&self, word: u64) -> bool {
        word & self.mask == self.word
    }

    /// The line that eight octets begin with. How many digits there are is asked one by one, so that it is guessed and
    /// not waited for.
    #[inline(always)]
    fn read(word: u64) -> Option<PlainSizeLine> {
        let ends = |digits: u32| (word >> (16 + 8 * digits)) & 0xffff == CRLF;
        if word & 0xffff != CRLF {
            return None;
        }
        if ends(1) {
            return PlainSizeLine::of::<1>(word);
        }
        if ends(2) {
            return PlainSizeLine::of::<2>(word);
        }
        if ends(3) {
            return PlainSizeLine::of::<3>(word);
        }
        if ends(4) { PlainSizeLine::of::<4>(word) } else { None }
    }

    /// The line of so many octets between its CRLFs, if they are digits.
    #[inline(always)]
    fn of<const DIGITS: usize>(word: u64) -> Option<PlainSizeLine> {
        let digits = (word >> 16).to_le_bytes();
        let are_digits = digits[..DIGITS].iter().fold(0, |all, &digit| all | HEX[digit as usize]) <= 0xf;
        // Zeros before the first; a letter is nine more than its low four bits. The last one lowest, then four bits each.
        let octets = ((word >> 16) as u32) << (32 - 8 * DIGITS);
        let values = (octets & 0x0f0f_0f0f) + 9 * ((octets >> 6) & 0x0101_0101);
        let fours = values.swap_bytes();
        let eights = (fours | fours >> 4) & 0x00ff_00ff;
        let size = ((eights | eights >> 8) & 0xffff) as usize;
        let len = DIGITS + 4;
        let mask = u64::MAX >> (64 - 8 * len);
        (are_digits && size > 0).then_some(PlainSizeLine { word: word & mask, mask, len, size })
    }
}

/// The value of a HEXDIG, and more than 0xf for any other byte.
static HEX: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(value) = hex_value(byte as u8) {
            table[byte] = value;
        }
        byte += 1;
    }
    table
};

/// A chunked body as far as it has been read. All positions are absolute offsets, as nothing is kept.
#[derive(Clone, Copy)]
pub(crate) struct ChunkedReader {
    state: State,
    at: u64,
    line: u64,
    size: u64,
    /// Where blanks after the size began, or the CR that may end a line stands.
    mark: u64,
    /// The open quoted-string holds something.
    quoted: bool,
    content: u64,
    overhead: u64,
    /// The plain line before.
    last: PlainSizeLine,
}

/// What chunk lines may take by the time so much content has come.
#[inline]
fn allowed_overhead(content: u64, limits: &Limits) -> u64 {
    let earned = content.saturating_mul(u64::from(limits.chunk_overhead_ratio));
    earned.saturating_add(u64::from(limits.chunk_overhead))
}

impl ChunkedReader {
    pub(crate) const fn new(at: u64) -> ChunkedReader {
        ChunkedReader {
            state: State::SizeStart,
            at,
            line: at,
            size: 0,
            mark: at,
            quoted: false,
            content: 0,
            overhead: 0,
            last: PlainSizeLine::NONE,
        }
    }

    /// The offset of the next byte to read.
    pub(crate) const fn at(&self) -> u64 {
        self.at
    }

    /// Is what has come since the last data a last-chunk line, or the start of one?
    pub(crate) const fn in_last_chunk(&self) -> bool {
        let in_data = matches!(self.state, State::Data | State::DataCr | State::DataLf | State::SizeStart);
        self.size == 0 && !in_data
    }

    /// `input` starts at offset `start`, behind so much content; [`at`](Self::at) moves on over what is read. Data stays
    /// for [`take`](Self::take).
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        start: u64,
        content: u64,
        judge: &mut Judge<'_, '_>,
    ) -> Result<Chunk, Halt> {
        (self.at, self.content) = (start, content);
        loop {
            let rest = &input[(self.at - start) as usize..];
            match self.state {
                State::Last => return Ok(Chunk::Last),
                _ if rest.is_empty() => return Ok(Chunk::More),
                State::Data => {
                    return Ok(Chunk::Data(usize::try_from(self.size).unwrap_or(usize::MAX).min(rest.len())));
                }
                State::SizeStart => {
                    if !self.plain_size_line(rest, judge.policy.limits()) {
                        self.step(rest[0], judge)?;
                    }
                }
                _ => self.step(rest[0], judge)?,
            }
        }
    }

    /// The data of the next chunk, behind so much content, and what follows it: if it is at hand whole, and its line is
    /// the same plain one as the line before. What the machine would have done, but that offset and content are the
    /// caller's to count: [`read`](Self::read) is told them.
    #[inline(always)]
    pub(crate) fn same_chunk<'b>(
        &mut self,
        input: &'b [u8],
        content: u64,
        limits: &Limits,
    ) -> Option<(&'b [u8], &'b [u8])> {
        let word = u64::from_le_bytes(*input.first_chunk()?);
        if !self.last.is_at(word) || self.state != State::DataCr {
            return None;
        }
        let chunk = input.get(self.last.len..)?.split_at_checked(self.last.size)?;
        let overhead = self.overhead + self.last.len as u64;
        let is_denied = overhead > allowed_overhead(content, limits);
        if is_denied || self.last.size as u64 > limits.content - content {
            return None;
        }
        #[cfg(test)]
        crate::scan::work::add(self.last.len);
        self.overhead = overhead;
        Some(chunk)
    }

    /// The same for a plain line that is another.
    #[inline(never)]
    pub(crate) fn plain_chunk<'b>(
        &mut self,
        input: &'b [u8],
        content: u64,
        limits: &Limits,
    ) -> Option<(&'b [u8], &'b [u8])> {
        if self.state != State::DataCr {
            return None;
        }
        let line = PlainSizeLine::read(u64::from_le_bytes(*input.first_chunk()?))?;
        // The limit is for the digits: no CRLF counts, not the one before them either.
        if line.len as u64 > 4 + u64::from(limits.chunk_line) {
            return None;
        }
        self.last = line;
        self.same_chunk(input, content, limits)
    }

    /// The first `count` bytes of data are used; the next [`read`](Self::read) is told where that leads.
    pub(crate) fn take(&mut self, count: usize) {
        self.size -= count as u64;
        if self.size == 0 {
            self.state = State::DataCr;
        }
    }

    /// The common line: a few digits and CRLF, whole and within limits. Does what the machine would have done.
    fn plain_size_line(&mut self, rest: &[u8], limits: &Limits) -> bool {
        let mut size = 0;
        let mut digits = 0;
        while let Some(value) = rest.get(digits).and_then(|&byte| hex_value(byte)) {
            size = size << 4 | u64::from(value);
            digits += 1;
            if digits > SAFE_DIGITS {
                return false;
            }
        }
        let line = digits as u64 + 2;
        #[cfg(test)]
        crate::scan::work::add(digits + 2);
        let fits = digits as u32 <= limits.chunk_line
            && self.overhead + line <= allowed_overhead(self.content, limits);
        if digits == 0 || rest.get(digits..digits + 2) != Some(b"\r\n") || !fits {
            return false;
        }
        self.at += line;
        self.overhead += line;
        self.size = size;
        self.state = if size == 0 { State::Last } else { State::Data };
        true
    }

    fn step(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
        #[cfg(test)]
        crate::scan::work::step();
        self.check_limits(byte, judge)?;
        self.state = match self.state {
            State::SizeStart => self.size_start(byte, judge)?,
            State::Size => self.size(byte, judge)?,
            State::SizeBlank(first) => self.size_blank(first, byte, judge)?,
            State::SizeCr => self.size_cr(byte, judge)?,
            State::ExtStart => self.ext_start(byte, judge)?,
            State::ExtName => self.ext_name(byte, judge)?,
            State::ExtNameBlank => self.ext_name_blank(byte, judge)?,
            State::ExtValueStart => self.ext_value_start(byte, judge)?,
            State::ExtToken => self.ext_token(byte, judge)?,
            State::ExtQuoted => self.ext_quoted(byte, judge)?,
            State::ExtQuotedPair => self.ext_quoted_pair(byte, judge)?,
            State::ExtQuotedCr => return Err(self.ext_quoted_cr(byte, judge)),
            State::ExtValueEnd => self.ext_value_end(byte, judge)?,
            State::ExtValueBlank => self.ext_value_blank(byte, judge)?,
            State::ExtSlip => self.ext_slip(byte, judge)?,
            State::ExtCr => self.ext_cr(byte, judge)?,
            State::DataCr => self.data_cr(byte, judge)?,
            State::DataLf => self.data_lf(byte, judge)?,
            State::Data | State::Last => self.state,
        };
        self.at += 1;
        self.overhead += 1;
        Ok(())
    }

    fn check_limits(&self, byte: u8, judge: &Judge<'_, '_>) -> Result<(), Halt> {
        let limits = judge.policy.limits();
        let ends = byte == b'\r' || byte == b'\n';
        let in_line = !matches!(self.state, State::DataCr | State::DataLf);
        let len = if self.state == State::SizeStart { 0 } else { self.at - self.line };
        if in_line && !ends && len >= u64::from(limits.chunk_line) {
            return Err(self.refuse(judge, Rule::ChunkLineTooLong, byte));
        }
        if self.overhead >= allowed_overhead(self.content, limits) {
            return Err(self.refuse(judge, Rule::ExcessChunkOverhead, byte));
        }
        Ok(())
    }

    fn finding(&self, rule: Rule, byte: u8) -> Finding {
        Finding::byte(rule, self.at, byte, self.at)
    }

    fn refuse(&self, judge: &Judge<'_, '_>, rule: Rule, byte: u8) -> Halt {
        judge.refuse(self.finding(rule, byte))
    }

    /// A CR whose successor is not LF.
    fn refuse_cr(&self, judge: &Judge<'_, '_>, rule: Rule) -> Halt {
        judge.refuse(Finding::byte(rule, self.mark, b'\r', self.at))
    }

    fn size_start(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            b'\r' | b'\n' | b';' => Err(self.refuse(judge, Rule::MissingChunkSize, byte)),
            _ => {
                let Some(value) = hex_value(byte) else {
                    return Err(self.refuse(judge, Rule::InvalidChunkSize, byte));
                };
                self.line = self.at;
                self.size = u64::from(value);
                Ok(State::Size)
            }
        }
    }

    fn size(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        if let Some(value) = hex_value(byte) {
            if self.size > LARGEST >> 4 {
                return Err(self.refuse(judge, Rule::ChunkSizeOverflow, byte));
            }
            self.size = self.size << 4 | u64::from(value);
            return Ok(State::Size);
        }
        match byte {
            b'\r' => Ok(self.cr(State::SizeCr)),
            b'\n' => Err(self.refuse(judge, Rule::ChunkLineTerminator, byte)),
            b';' => self.semicolon(byte, judge),
            _ if is_blank(byte) => {
                if judge.denies(Rule::ChunkSizeTrailingWhitespace) {
                    return Err(self.refuse(judge, Rule::ChunkSizeTrailingWhitespace, byte));
                }
                self.mark = self.at;
                Ok(State::SizeBlank(byte))
            }
            _ => Err(self.refuse(judge, Rule::InvalidChunkSize, byte)),
        }
    }

    fn cr(&mut self, state: State) -> State {
        self.mark = self.at;
        state
    }

    fn size_blank(&mut self, first: u8, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            b'\r' | b';' => {
                let rule = Rule::ChunkSizeTrailingWhitespace;
                judge.tolerate(Finding::byte(rule, self.mark, first, self.at))?;
                if byte == b';' { self.semicolon(byte, judge) } else { Ok(self.cr(State::SizeCr)) }
            }
            b'\n' => Err(self.refuse(judge, Rule::ChunkLineTerminator, byte)),
            _ if is_blank(byte) => Ok(State::SizeBlank(first)),
            _ => {
                let finding = self.finding(Rule::InvalidChunkExtension, byte);
                Err(judge.refuse(finding.detail("no semicolon before it")))
            }
        }
    }

    fn size_cr(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<State, Halt> {
        if byte == b'\n' {
            Ok(self.end_line())
        } else {
            Err(self.refuse_cr(judge, Rule::ChunkLineTerminator))
        }
    }

    fn end_line(&self) -> State {
        if self.size == 0 { State::Last } else { State::Data }
    }

    fn semicolon(&self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        judge.tolerate(self.finding(Rule::ChunkExtension, byte))?;
        Ok(State::ExtStart)
    }

    fn ext_start(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_blank(byte) => Ok(State::ExtStart),
            _ if is_tchar(byte) => Ok(State::ExtName),
            _ => self.slip(byte, judge),
        }
    }

    fn ext_name(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_tchar(byte) => Ok(State::ExtName),
            _ if is_blank(byte) => Ok(State::ExtNameBlank),
            b'=' => Ok(State::ExtValueStart),
            b';' => Ok(State::ExtStart),
            b'\r' => Ok(self.cr(State::ExtCr)),
            _ => self.slip(byte, judge),
        }
    }

    fn ext_name_blank(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_blank(byte) => Ok(State::ExtNameBlank),
            b'=' => Ok(State::ExtValueStart),
            b';' => Ok(State::ExtStart),
            _ => self.slip(byte, judge),
        }
    }

    fn ext_value_start(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_blank(byte) => Ok(State::ExtValueStart),
            _ if is_tchar(byte) => Ok(State::ExtToken),
            b'"' => Ok(self.open_quote()),
            _ => self.slip(byte, judge),
        }
    }

    fn ext_token(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        if is_tchar(byte) { Ok(State::ExtToken) } else { self.ext_value_end(byte, judge) }
    }

    fn ext_quoted(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            b'"' => Ok(State::ExtValueEnd),
            b'\\' => Ok(State::ExtQuotedPair),
            _ => self.inside_quotes(byte, judge),
        }
    }

    fn ext_quoted_pair(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        self.quoted = true;
        self.inside_quotes(byte, judge)
    }

    /// A quoted-string cannot hide a line break: one that opens at the end of a line would take it in, one that is
    /// open there was never closed.
    fn inside_quotes(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            b'\r' => Ok(self.cr(State::ExtQuotedCr)),
            b'\n' => Err(self.refuse(judge, Rule::LineBreakInChunkExtension, byte)),
            _ if is_text(byte) => {
                self.quoted = true;
                Ok(State::ExtQuoted)
            }
            _ => Err(self.refuse(judge, Rule::InvalidChunkExtension, byte)),
        }
    }

    fn ext_quoted_cr(&self, byte: u8, judge: &Judge<'_, '_>) -> Halt {
        if byte == b'\n' && self.quoted {
            let finding = Finding::byte(Rule::InvalidChunkExtension, self.mark, b'\r', self.at);
            return judge.refuse(finding.detail("a quoted string is not closed"));
        }
        self.refuse_cr(judge, Rule::LineBreakInChunkExtension)
    }

    fn ext_value_end(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_blank(byte) => Ok(State::ExtValueBlank),
            b';' => Ok(State::ExtStart),
            b'\r' => Ok(self.cr(State::ExtCr)),
            _ => self.slip(byte, judge),
        }
    }

    fn ext_value_blank(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            _ if is_blank(byte) => Ok(State::ExtValueBlank),
            b';' => Ok(State::ExtStart),
            _ => self.slip(byte, judge),
        }
    }

    /// An octet off the grammar that still leaves no doubt where the line ends.
    fn slip(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        if byte == b'\n' {
            return Err(self.refuse(judge, Rule::LineBreakInChunkExtension, byte));
        }
        let finding = self.finding(Rule::InvalidChunkExtension, byte);
        if is_ctl(byte) && byte != b'\r' && byte != b'\t' {
            return Err(judge.refuse(finding));
        }
        judge.tolerate(finding)?;
        self.ext_slip(byte, judge)
    }

    fn open_quote(&mut self) -> State {
        self.quoted = false;
        State::ExtQuoted
    }

    /// A quote counts wherever it stands: what is open at the end of the line was never closed.
    fn ext_slip(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<State, Halt> {
        match byte {
            b'"' => Ok(self.open_quote()),
            b'\r' => Ok(self.cr(State::ExtCr)),
            b'\n' => Err(self.refuse(judge, Rule::LineBreakInChunkExtension, byte)),
            _ if is_text(byte) => Ok(State::ExtSlip),
            _ => Err(self.refuse(judge, Rule::InvalidChunkExtension, byte)),
        }
    }

    fn ext_cr(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<State, Halt> {
        if byte == b'\n' {
            Ok(self.end_line())
        } else {
            Err(self.refuse_cr(judge, Rule::LineBreakInChunkExtension))
        }
    }

    fn data_cr(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<State, Halt> {
        if byte == b'\r' {
            Ok(State::DataLf)
        } else {
            Err(self.refuse(judge, Rule::MissingChunkDataTerminator, byte))
        }
    }

    fn data_lf(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<State, Halt> {
        if byte == b'\n' {
            Ok(State::SizeStart)
        } else {
            Err(self.refuse(judge, Rule::MissingChunkDataTerminator, byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use std::format;
    use std::vec::Vec;

    fn word(octets: &[u8]) -> u64 {
        u64::from_le_bytes(*octets.first_chunk().unwrap())
    }

    #[test]
    fn every_plain_size_line_is_read_and_found_again() {
        for size in 0..=0xffff {
            for digits in [format!("{size:x}"), format!("{size:X}"), format!("{size:04X}")] {
                let octets = format!("\r\n{digits}\r\ndata").into_bytes();
                let line = PlainSizeLine::read(word(&octets));
                assert_eq!(line.map(|line| line.size), (size > 0).then_some(size), "{digits}");
                let Some(line) = line else { continue };
                assert_eq!(line.len, digits.len() + 4);
                for at in 0..8 {
                    let mut other = octets.clone();
                    other[at] ^= 1;
                    assert_eq!(line.is_at(word(&other)), at >= line.len, "{digits} changed at {at}");
                }
            }
        }
        assert!(![0, 1, u64::MAX].into_iter().any(|word| PlainSizeLine::NONE.is_at(word)));
    }

    #[test]
    fn no_other_octets_are_a_plain_size_line() {
        for digits in ["", "a", "1F", "90b", "00fE", "12345", "g", "-1", "x1g"] {
            let octets = format!("\r\n{digits}\r\nfaded").into_bytes();
            for at in 0..8 {
                for byte in 0..=255 {
                    let mut octets = octets.clone();
                    octets[at] = byte;
                    let line = octets[..8].strip_prefix(b"\r\n").and_then(|rest| {
                        let end = rest.windows(2).position(|end| end == b"\r\n")?;
                        rest[..end]
                            .iter()
                            .try_fold(0, |size, &digit| Some(size << 4 | hex_value(digit)? as usize))
                    });
                    let found = PlainSizeLine::read(word(&octets)).map(|line| line.size);
                    assert_eq!(found, line.filter(|&size| size > 0), "{}", octets.escape_ascii());
                }
            }
        }
    }

    fn behind_data() -> ChunkedReader {
        ChunkedReader { state: State::DataCr, ..ChunkedReader::new(0) }
    }

    /// The lengths of the data and of what follows it.
    fn lens(chunk: Option<(&[u8], &[u8])>) -> Option<(usize, usize)> {
        chunk.map(|(data, rest)| (data.len(), rest.len()))
    }

    #[test]
    fn a_plain_chunk_is_taken_if_it_is_whole_and_stands_behind_another() {
        let limits = Policy::DEFAULT.limits();
        let input = b"\r\n5\r\nhello\r\n5\r\nworld\r\n";
        for whole in 0..=input.len() {
            let taken = lens(behind_data().plain_chunk(&input[..whole], 0, limits));
            assert_eq!(taken, (whole >= 10).then(|| (5, whole - 10)));
        }
        let mut reader = behind_data();
        assert_eq!(lens(reader.same_chunk(input, 0, limits)), None, "there is no line before");
        let (_, rest) = reader.plain_chunk(input, 0, limits).unwrap();
        assert_eq!(reader.same_chunk(rest, 5, limits), Some((&b"world"[..], &b"\r\n"[..])));
        assert_eq!(lens(reader.same_chunk(b"\r\n4\r\nhello", 5, limits)), None);
        for state in [State::SizeStart, State::DataLf, State::ExtQuoted] {
            let mut within = ChunkedReader { state, ..reader };
            assert_eq!(lens(within.same_chunk(rest, 5, limits)), None);
            assert_eq!(lens(within.plain_chunk(rest, 5, limits)), None);
        }
    }

    #[test]
    fn a_plain_chunk_is_taken_within_every_limit_and_not_beyond() {
        let roomy = Policy::DEFAULT.limits();
        let input = [&b"\r\n10\r\n"[..], &[b'x'; 16], b"\r\n10\r\n", &[b'x'; 16]].concat();
        let taken = |content: u64, limits: Limits| {
            let mut reader = behind_data();
            let first = reader.plain_chunk(&input, content, &limits);
            let second = first.and_then(|(_, rest)| reader.same_chunk(rest, content + 16, &limits));
            usize::from(first.is_some()) + usize::from(second.is_some())
        };
        let overhead =
            |chunk_overhead, chunk_overhead_ratio| Limits { chunk_overhead, chunk_overhead_ratio, ..*roomy };
        assert_eq!([5, 6, 11, 12].map(|most| taken(0, overhead(most, 0))), [0, 1, 1, 2]);
        assert_eq!([2, 3].map(|content| taken(content, overhead(0, 2))), [0, 2]);
        assert_eq!([15, 16, 31, 32].map(|content| taken(0, Limits { content, ..*roomy })), [0, 1, 1, 2]);
        assert_eq!([3, 4, 5].map(|content| taken(content, Limits { content: 20, ..*roomy })), [1, 1, 0]);
    }

    #[test]
    fn a_plain_chunk_has_no_more_digits_than_a_line_may_have() {
        for digits in ["1", "01", "001", "0001"] {
            for chunk_line in 0..6 {
                let limits = Limits { chunk_line, ..*Policy::DEFAULT.limits() };
                let input = format!("\r\n{digits}\r\nx\r\n");
                let is_taken = behind_data().plain_chunk(input.as_bytes(), 0, &limits).is_some();
                assert_eq!(is_taken, digits.len() <= chunk_line as usize, "{digits} of {chunk_line}");
            }
        }
    }

    #[test]
    fn a_size_line_is_taken_whole_within_every_limit_and_not_beyond() {
        let roomy = Policy::DEFAULT.limits();
        let taken = |rest: &[u8], limits: Limits| {
            let mut reader = ChunkedReader::new(7);
            let is_taken = reader.plain_size_line(rest, &limits);
            assert_eq!(reader.overhead, reader.at - 7);
            is_taken.then_some((reader.at - 7, reader.size, reader.state == State::Last))
        };
        assert_eq!(taken(b"1aF\r\n", *roomy), Some((5, 0x1af, false)));
        assert_eq!(taken(b"00\r\n", *roomy), Some((4, 0, true)));
        assert_eq!(taken(b"123456789abcdef\r\n", *roomy), Some((17, 0x0123_4567_89ab_cdef, false)));
        let odd =
            ["", "\r\n", "1", "1\r", "1\n", "1 \r\n", "1;\r\n", "g\r\n", "1\r\r\n", "1234567890123456\r\n"];
        let taken_of_odd: Vec<_> =
            odd.iter().filter(|rest| taken(rest.as_bytes(), *roomy).is_some()).collect();
        assert!(taken_of_odd.is_empty(), "{taken_of_odd:?}");
        let is_taken = |limits| taken(b"1aF\r\n", limits).is_some();
        assert_eq!([2, 3].map(|chunk_line| is_taken(Limits { chunk_line, ..*roomy })), [false, true]);
        let overhead = |chunk_overhead| Limits { chunk_overhead, chunk_overhead_ratio: 0, ..*roomy };
        assert_eq!([4, 5].map(|most| is_taken(overhead(most))), [false, true]);
    }
}
