//! The head of a message: status line and header section, read as they arrive, and the judged head handed out.
#![forbid(unsafe_code)]

pub(crate) mod field_line;
mod fields;
pub(crate) mod known;
pub(crate) mod plain;
mod status_line;

use core::fmt;

use crate::class::is_text;
use crate::exchange::{Framing, Version};
use crate::judge::{Halt, Judge};
use crate::policy::Limits;
use crate::violation::{Phase, Span};
use field_line::{Ceiling, FieldLines, Place};
use known::Seen;
use status_line::StatusLine;

pub use fields::{Field, Fields};
pub(crate) use fields::{Sift, is_forbidden_in_trailers};
pub(crate) use status_line::meaning;

/// A head as far as it has been read. Each byte is examined once, whatever the reads.
#[derive(Clone, Copy)]
pub(crate) enum HeadReader {
    StatusLine(StatusLine),
    Fields(Outline),
}

/// What is known of a head past its status line.
#[derive(Clone, Copy)]
pub(crate) struct Outline {
    status_line: StatusLine,
    fields: FieldLines,
}

impl Outline {
    /// Its length; so far, if it is not whole.
    pub(crate) const fn len(&self) -> usize {
        self.fields.examined()
    }

    /// Where the status line starts, after empty lines.
    pub(crate) const fn line(&self) -> usize {
        self.status_line.line()
    }

    pub(crate) const fn code_at(&self) -> usize {
        self.status_line.code_at()
    }

    pub(crate) const fn fields_at(&self) -> usize {
        self.status_line.examined()
    }

    pub(crate) const fn version(&self) -> Version {
        self.status_line.version()
    }

    pub(crate) const fn any_dropped(&self) -> bool {
        self.fields.any_dropped()
    }

    pub(crate) const fn seen(&self) -> &Seen {
        self.fields.seen()
    }
}

impl HeadReader {
    /// Nothing has been read.
    #[inline(always)]
    pub(crate) const fn new() -> HeadReader {
        HeadReader::StatusLine(StatusLine::new())
    }

    /// Bytes examined.
    pub(crate) const fn examined(&self) -> usize {
        match self {
            HeadReader::StatusLine(line) => line.examined(),
            HeadReader::Fields(outline) => outline.len(),
        }
    }

    pub(crate) const fn in_fields(&self) -> bool {
        matches!(self, HeadReader::Fields(_))
    }

    /// Are the bytes not yet examined few, and is nothing odd about them? Then they are judged.
    #[inline(always)]
    pub(crate) fn passes(&mut self, bytes: &[u8], status: Option<u16>, limits: &Limits) -> bool {
        match self {
            HeadReader::Fields(outline) => outline.fields.passes(bytes, limits),
            // The first byte may be one that no reply was due for.
            HeadReader::StatusLine(line) => line.examined() > 0 && line.passes(bytes, status, limits),
        }
    }

    /// Judge the bytes not yet examined; `judge.bytes` starts with the message.
    pub(crate) fn read(&mut self, judge: &mut Judge<'_, '_>) -> Result<Option<Outline>, Halt> {
        if let HeadReader::StatusLine(line) = self {
            let Some(len) = line.read(judge)? else { return Ok(None) };
            let crlf = judge.bytes[..len].ends_with(b"\r\n");
            let fields = FieldLines::new(Place::Header, len, crlf);
            *self = HeadReader::Fields(Outline { status_line: *line, fields });
        }
        judge.record.phase = Phase::Header;
        let HeadReader::Fields(outline) = self else { return Ok(None) };
        let whole = outline.fields.read(judge, Ceiling::of_head(judge))?;
        Ok(whole.map(|_| *outline))
    }
}

/// 1xx, except 101, which is the final reply of its exchange.
pub(crate) const fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}

/// A judged head: everything in it may be forwarded once hop-by-hop fields are taken out and
/// [repairs](Field::pieces) are made.
#[derive(Clone, Copy)]
pub struct Head<'b> {
    wire: &'b [u8],
    parts: HeadParts,
}

/// A [`Head`] without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadParts {
    pub(crate) offset: u64,
    pub(crate) code_at: usize,
    pub(crate) fields_at: usize,
    pub(crate) sift: Sift,
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
}

impl HeadParts {
    /// The head, over the bytes it was made of.
    pub(crate) const fn over(self, wire: &[u8]) -> Head<'_> {
        Head { wire, parts: self }
    }
}

impl<'b> Head<'b> {
    #[cfg(feature = "bytes")]
    pub(crate) const fn parts(&self) -> HeadParts {
        self.parts
    }

    /// The status code; 100 to 599, or up to 999 where `status-code-above-599` is tolerated.
    pub const fn status(&self) -> u16 {
        self.parts.status
    }

    /// The version to treat the message as: HTTP/1.2 and above are 1.1.
    pub const fn version(&self) -> Version {
        self.parts.version
    }

    /// The reason phrase, which may be empty; empty too where `invalid-reason-phrase` is tolerated and what came
    /// cannot be sent on.
    pub fn reason(&self) -> &'b [u8] {
        let line = &self.wire[self.parts.code_at + 3..];
        let end = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
        let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
        let reason = line.split_first().map_or(line, |(_, reason)| reason);
        if reason.iter().all(|&byte| is_text(byte)) { reason } else { b"" }
    }

    /// The field lines in order.
    pub fn fields(&self) -> Fields<'b> {
        let at = self.parts.fields_at;
        Fields::new(&self.wire[at..], self.offset() + at as u64, self.parts.sift)
    }

    /// The value of the first field of that name, in any case.
    pub fn get(&self, name: &str) -> Option<&'b [u8]> {
        self.get_all(name).next().map(|field| field.value())
    }

    /// The fields of that name, in any case, in order.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'b>> + use<'b, 'n> {
        self.fields().filter(move |field| field.name().eq_ignore_ascii_case(name.as_bytes()))
    }

    /// How the end of the content is found.
    pub const fn framing(&self) -> Framing {
        self.parts.framing
    }

    /// 1xx other than 101: another head follows.
    pub const fn is_interim(&self) -> bool {
        is_interim(self.status())
    }

    /// The bytes of the head as received, empty lines before it included.
    pub const fn wire(&self) -> &'b [u8] {
        self.wire
    }

    /// The offset of its first byte.
    pub const fn offset(&self) -> u64 {
        self.parts.offset
    }

    /// Where the status code stands.
    pub(crate) const fn code(&self) -> Span {
        let start = self.parts.offset + self.parts.code_at as u64;
        Span { start, end: start + 3 }
    }
}

impl Head<'_> {
    /// What there is to see of it, under the name of the type that holds it.
    pub(crate) fn debug_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("status", &self.status())
            .field("version", &self.version())
            .field("framing", &self.framing())
            .field("fields", &self.fields())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug_as("Head", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Exchange;
    use crate::judge::Record;
    use crate::policy::Policy;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    /// Where the reads start that did not pass, of those that end at `ends`.
    fn refused(bytes: &[u8], policy: &Policy, ends: impl Iterator<Item = usize>) -> Vec<usize> {
        let (mut reader, mut record, mut start) = (HeadReader::new(), Record::NEW, 0);
        let mut refused = Vec::new();
        for end in ends.chain([bytes.len()]) {
            let bytes = &bytes[..end];
            if !reader.passes(bytes, record.status, policy.limits()) {
                refused.push(start);
                let mut judge =
                    Judge { bytes, base: 0, policy, exchange: &Exchange::GET, record: &mut record };
                let _ = reader.read(&mut judge);
            }
            start = end;
        }
        refused
    }

    /// Left to the machine are the first octet, the third digit, the LF of the status line and the empty line.
    #[test]
    fn small_reads_of_a_plain_head_pass() {
        let head = b"HTTP/1.1 200 All right\r\nServer: a\r\nX-Long-Name_!: to\tthis\r\nAge:\r\n\r\n";
        let len = head.len();
        let by = |size: usize| refused(head, &Policy::DEFAULT, (size..len).step_by(size));
        assert_eq!(by(1), [0, 11, 23, len - 2, len - 1]);
        assert_eq!(by(2), [0, 10, 22, len - 3, len - 1]);
        assert_eq!(by(8), [0, 8, 16, len - 3]);
        assert_eq!(by(9).len(), len.div_ceil(9));
    }

    /// All that is told of a head in reads of `size`, by the machine alone or with its quick ways.
    fn told(bytes: &[u8], policy: &Policy, size: usize, passes: bool) -> Vec<String> {
        let (mut reader, mut record, mut told) = (HeadReader::new(), Record::NEW, Vec::new());
        let mut end = 0;
        while end < bytes.len() {
            end = bytes.len().min(end + size);
            let bytes = &bytes[..end];
            if passes && reader.passes(bytes, record.status, policy.limits()) {
                continue;
            }
            loop {
                let mut judge =
                    Judge { bytes, base: 0, policy, exchange: &Exchange::GET, record: &mut record };
                match reader.read(&mut judge) {
                    Ok(None) => break,
                    Ok(Some(outline)) => {
                        let (line, code_at, fields_at) =
                            (outline.line(), outline.code_at(), outline.fields_at());
                        let places = (line, code_at, fields_at, outline.len(), outline.version());
                        let is_last = known::Known::ALL.map(|known| outline.seen().only(known));
                        let seen = known::Known::ALL
                            .map(|known| (outline.seen().has(known), outline.seen().repeats(known)));
                        told.push(format!("{places:?} {is_last:?} {seen:?} {}", outline.any_dropped()));
                        return told;
                    }
                    Err(Halt::Note(note)) => told.push(format!("{note:?}")),
                    Err(Halt::Deny(violation)) => {
                        told.push(format!("{violation:?}"));
                        return told;
                    }
                }
            }
        }
        told
    }

    fn hold(bytes: &[u8], policy: &Policy) {
        let expected = told(bytes, policy, 1, false);
        for size in [1, 2, 5, 8, 20, 1000] {
            assert_eq!(told(bytes, policy, size, true), expected, "{} by {size}", bytes.escape_ascii());
        }
    }

    const HEAD: &[u8] =
        b"HTTP/1.1 200 Fine\r\nConnection: a\r\nX-Name_!: to\tthis\r\nContent-Length: 5\r\n\r\n";

    #[test]
    fn the_quick_ways_say_of_any_octet_what_the_machine_says() {
        for policy in [Policy::DEFAULT, Policy::observe()] {
            for at in 0..HEAD.len() {
                for byte in *b"\0\x01\t\n\x0b\r !\"/019:ATa|\x7f\x80\xff" {
                    let mut head = HEAD.to_vec();
                    head[at] = byte;
                    hold(&head, &policy);
                }
            }
        }
    }

    #[test]
    fn the_quick_ways_keep_to_every_limit() {
        let own = Limits::DEFAULT;
        for most in 0..=HEAD.len() as u32 + 1 {
            for limits in [
                Limits { status_line: most, ..own },
                Limits { field_line: most, ..own },
                Limits { header_section: most, ..own },
                Limits { fields: most as u16, ..own },
            ] {
                hold(HEAD, &Policy::observe().with_limits(limits));
            }
        }
    }

    #[test]
    fn the_quick_ways_see_every_field_that_is_there_again() {
        for field in ["Content-Length: 5", "Connection: a", "Date: x"] {
            for lines in 0..6 {
                let between = "Name: value\r\n".repeat(lines);
                hold(
                    format!("HTTP/1.1 200 OK\r\n{field}\r\n{between}{field}\r\n\r\n").as_bytes(),
                    &Policy::DEFAULT,
                );
            }
        }
    }

    #[test]
    fn the_quick_ways_keep_to_the_limit_of_a_folded_line() {
        for field_line in 0..24 {
            let policy = Policy::observe().with_limits(Limits { field_line, ..Limits::DEFAULT });
            hold(b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nB: c\r\n\r\n", &policy);
        }
    }

    #[test]
    fn interim_replies_have_a_limit_together_and_each_its_own() {
        let head = b"HTTP/1.1 103 Early\r\nLink: </style.css>\r\n\r\n";
        let with = |header_section, interim_bytes| {
            Policy::observe().with_limits(Limits { header_section, interim_bytes, ..Limits::DEFAULT })
        };
        for most in 0..=head.len() as u32 + 1 {
            hold(head, &with(most, 30));
            hold(head, &with(30, most));
        }
        let last = |policy| told(head, &policy, 1, true).pop().unwrap();
        assert!(last(with(30, 29)).contains("TooManyInterimResponses"), "{}", last(with(30, 29)));
        assert!(last(with(30, 30)).contains("HeaderSectionTooLarge"), "{}", last(with(30, 30)));
    }

    #[test]
    fn the_last_code_that_is_defined_is_not_worth_a_note() {
        for (code, told_of_it) in [(599, 1), (600, 2)] {
            let head = format!("HTTP/1.1 {code} \r\nContent-Length: 0\r\n\r\n");
            assert_eq!(told(head.as_bytes(), &Policy::observe(), 1, true).len(), told_of_it);
        }
    }
}
