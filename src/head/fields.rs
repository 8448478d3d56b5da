//! The fields of a judged section, told apart when asked for.
#![forbid(unsafe_code)]

use core::fmt;

use crate::class::{is_blank, is_text, is_token, trim_blank};
use crate::scan::{Shape, line_shape};

/// Judged field lines, in order. Lines that were tolerated only by dropping them are left out.
#[derive(Clone)]
pub struct Fields<'b> {
    /// From the first field line to the empty line, and its offset.
    section: &'b [u8],
    offset: u64,
    /// Where the next line starts.
    at: usize,
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
    pub const NONE: Fields<'static> = Fields { section: &[], offset: 0, at: 0, sift: Sift::Nothing };

    /// `section` runs from the first field line to the empty line, both included.
    pub(crate) const fn new(section: &'b [u8], offset: u64, sift: Sift) -> Fields<'b> {
        Fields { section, offset, at: 0, sift }
    }

    /// How many bytes the lines ahead take, the empty line included, and the offset of the first.
    #[cfg(feature = "bytes")]
    pub(crate) const fn section(&self) -> (usize, u64) {
        (self.section.len() - self.at, self.line_offset())
    }

    const fn line_offset(&self) -> u64 {
        self.offset + self.at as u64
    }

    fn rest(&self) -> &'b [u8] {
        self.section.get(self.at..).unwrap_or(&[])
    }

    /// The length of a line with its continuation lines, terminator included; `None` at the empty line.
    fn line_len(&self) -> Option<usize> {
        let rest = self.rest();
        if matches!(rest, [b'\r', b'\n', ..] | [b'\n', ..] | []) {
            return None;
        }
        let mut len = 0;
        loop {
            let Some(lf) = memchr::memchr(b'\n', &rest[len..]) else {
                len = rest.len();
                break;
            };
            len += lf + 1;
            if !rest.get(len).is_some_and(|&byte| is_blank(byte)) {
                break;
            }
        }
        #[cfg(test)]
        crate::scan::work::add(len);
        Some(len)
    }

    /// The field whose name ends at `colon`, in a line that ends at `end`, places in the section.
    #[inline]
    fn field(&self, name_end: usize, colon: usize, end: usize) -> Field<'b> {
        let (mut start, mut stop) = (colon + 1, end);
        while start < stop && is_blank(self.section[start]) {
            start += 1;
        }
        while start < stop && is_blank(self.section[stop - 1]) {
            stop -= 1;
        }
        Field {
            name: &self.section[self.at..name_end],
            value: &self.section[start..stop],
            offset: self.line_offset(),
            value_offset: self.offset + start as u64,
        }
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

    #[inline]
    fn next(&mut self) -> Option<Field<'b>> {
        // Nearly every line is of the plain shape.
        if self.sift == Sift::Nothing
            && let Some(Shape { colon, end }) = line_shape(self.section, self.at)
        {
            let field = self.field(colon, colon, end);
            self.at = end + 2;
            return Some(field);
        }
        self.next_of_any_shape()
    }
}

impl<'b> Fields<'b> {
    fn next_of_any_shape(&mut self) -> Option<Field<'b>> {
        loop {
            let len = self.line_len()?;
            let line = &self.rest()[..len];
            let field = memchr::memchr(b':', line).map(|colon| {
                let blanks = line[..colon].iter().rev().take_while(|&&byte| is_blank(byte)).count();
                let end = line
                    .strip_suffix(b"\n")
                    .map_or(len, |line| line.strip_suffix(b"\r").unwrap_or(line).len());
                self.field(self.at + colon - blanks, self.at + colon, self.at + end)
            });
            self.at += len;
            if let Some(field) = field.filter(|field| self.keeps(field)) {
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
        let plain: alloc::vec::Vec<_> =
            Fields::new(section, 0, Sift::Nothing).map(|field| field.is_plain()).collect();
        assert_eq!(plain, [false, true, true]);
    }
}
