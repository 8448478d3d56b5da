//! The head of a message: status line and header section, read as they arrive, and the judged head handed out.
#![forbid(unsafe_code)]

pub(crate) mod field_line;
pub(crate) mod known;
pub(crate) mod plain;
mod status_line;

use core::fmt;

use crate::class::{is_text, is_token, trim_blank};
use crate::exchange::{Framing, Version};
use crate::judge::{Halt, Judge};
use crate::policy::Limits;
use crate::violation::{Phase, Span};
use field_line::{Ceiling, FieldLines, Place};
use known::Seen;
use status_line::StatusLine;

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
    pub(crate) fn passes(&mut self, bytes: &[u8], limits: &Limits) -> bool {
        match self {
            HeadReader::Fields(outline) => outline.fields.passes(bytes, limits),
            HeadReader::StatusLine(_) => false,
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

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("status", &self.status())
            .field("version", &self.version())
            .field("framing", &self.framing())
            .field("fields", &self.fields())
            .finish_non_exhaustive()
    }
}

/// Judged field lines, in order. Lines that were tolerated only by dropping them are left out.
#[derive(Clone)]
pub struct Fields<'b> {
    rest: &'b [u8],
    offset: u64,
    sift: Sift,
}

/// Which lines there may be that are not to be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sift {
    /// Every line is a field.
    Nothing,
    /// Lines that are no fields.
    Dropped,
    /// Those, and fields that may not stand in a trailer section.
    Trailers,
}

impl<'b> Fields<'b> {
    /// No fields.
    pub const NONE: Fields<'static> = Fields { rest: &[], offset: 0, sift: Sift::Nothing };

    /// `section` runs from the first field line to the empty line, both included.
    pub(crate) const fn new(section: &'b [u8], offset: u64, sift: Sift) -> Fields<'b> {
        Fields { rest: section, offset, sift }
    }

    /// How many bytes the lines ahead take, the empty line included, and the offset of the first.
    #[cfg(feature = "bytes")]
    pub(crate) const fn section(&self) -> (usize, u64) {
        (self.rest.len(), self.offset)
    }

    /// A line with its continuation lines, terminator included; `None` at the empty line.
    fn take_line(&mut self) -> Option<(&'b [u8], u64)> {
        if matches!(self.rest, [b'\r', b'\n', ..] | [b'\n', ..] | []) {
            return None;
        }
        let mut end = 0;
        loop {
            let Some(lf) = memchr::memchr(b'\n', &self.rest[end..]) else {
                end = self.rest.len();
                break;
            };
            end += lf + 1;
            if !self.rest.get(end).is_some_and(|&byte| byte == b' ' || byte == b'\t') {
                break;
            }
        }
        #[cfg(test)]
        crate::scan::work::add(end);
        let (line, rest) = self.rest.split_at(end);
        let offset = self.offset;
        self.rest = rest;
        self.offset += end as u64;
        Some((line, offset))
    }

    fn keeps(&self, field: &Field<'_>) -> bool {
        match self.sift {
            Sift::Nothing => true,
            Sift::Dropped => is_token(field.name),
            Sift::Trailers => is_token(field.name) && !is_forbidden_in_trailers(field.name),
        }
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Field<'b>;

    fn next(&mut self) -> Option<Field<'b>> {
        loop {
            let (line, offset) = self.take_line()?;
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let blanks =
                line[..colon].iter().rev().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
            let value = line[colon + 1..].strip_suffix(b"\n").unwrap_or(&line[colon + 1..]);
            let value = value.strip_suffix(b"\r").unwrap_or(value);
            let leading = value.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
            let field = Field {
                name: &line[..colon - blanks],
                value: trim_blank(value),
                offset,
                value_offset: offset + (colon + 1 + leading) as u64,
            };
            if self.keeps(&field) {
                return Some(field);
            }
        }
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// One judged field line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'b> {
    name: &'b [u8],
    value: &'b [u8],
    offset: u64,
    value_offset: u64,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} @{}: \"{}\"", self.name.escape_ascii(), self.offset, self.value.escape_ascii())
    }
}

impl<'b> Field<'b> {
    /// The name as received: a token, in any case.
    pub const fn name(&self) -> &'b [u8] {
        self.name
    }

    /// The value without the blanks around it. Where `obs-fold`, `bare-cr`, `nul-in-field` or
    /// `control-character-in-field-value` is tolerated it may hold such octets: see [`pieces`](Field::pieces).
    pub const fn value(&self) -> &'b [u8] {
        self.value
    }

    /// The offset of the name's first byte.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The offset of the value's first byte; of the line end where the value is empty.
    pub const fn value_offset(&self) -> u64 {
        self.value_offset
    }

    /// Is the value good to forward as it is?
    pub fn is_plain(&self) -> bool {
        self.value.iter().all(|&byte| is_text(byte))
    }

    /// The value between tolerated folds, bare CRs, NULs and other control octets: what may be forwarded, joined by
    /// single spaces (RFC 9112 2.2 and 5.2).
    pub fn pieces(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        let pieces = self.value.split(|&byte| !is_text(byte)).map(trim_blank);
        let whole = self.value.is_empty().then_some(self.value);
        whole.into_iter().chain(pieces.filter(|piece| !piece.is_empty()))
    }
}

#[cfg(feature = "alloc")]
impl<'b> Field<'b> {
    /// The value as it may be forwarded: itself where it is plain, else its [pieces](Field::pieces) joined by spaces.
    pub fn repaired(&self) -> alloc::borrow::Cow<'b, [u8]> {
        if self.is_plain() {
            return self.value.into();
        }
        let pieces: alloc::vec::Vec<&[u8]> = self.pieces().collect();
        pieces.join(&b' ').into()
    }
}

/// Fields that RFC 9110 6.5.1 keeps out of trailer sections: framing, routing, request modifiers, authentication,
/// response controls and content format.
pub(crate) fn is_forbidden_in_trailers(name: &[u8]) -> bool {
    const FORBIDDEN: [&[u8]; 39] = [
        b"age",
        b"authorization",
        b"cache-control",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-range",
        b"content-type",
        b"cookie",
        b"date",
        b"expect",
        b"expires",
        b"host",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"keep-alive",
        b"location",
        b"max-forwards",
        b"pragma",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"range",
        b"retry-after",
        b"set-cookie",
        b"strict-transport-security",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"vary",
        b"via",
        b"warning",
        b"www-authenticate",
        b"content-security-policy",
        b"access-control-allow-origin",
    ];
    FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "alloc")]
    use super::*;

    #[cfg(feature = "alloc")]
    #[test]
    fn a_repaired_value_has_spaces_for_what_may_not_be_sent() {
        let section = b"A: \tb\r\n\tc\0d\re\x01 f \r\nB:\r\nC: \xa0\tg\r\n\r\n";
        let values: alloc::vec::Vec<_> =
            Fields::new(section, 0, Sift::Nothing).map(|field| field.repaired()).collect();
        assert_eq!(values, [&b"b c d e f"[..], b"", b"\xa0\tg"]);
    }
}
