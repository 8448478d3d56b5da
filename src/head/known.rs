//! The few field names the judgement itself looks at.
#![forbid(unsafe_code)]

/// A field whose presence, value or repetition bears on the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Known {
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Trailer,
    KeepAlive,
    ProxyConnection,
    Te,
    Location,
    ContentType,
    ETag,
    Date,
    Age,
    RetryAfter,
    ContentRange,
    LastModified,
    Expires,
}

impl Known {
    pub(crate) const COUNT: usize = Known::Expires as usize + 1;

    /// By length and first letter, so that most names cost one comparison.
    pub(crate) fn of(name: &[u8]) -> Option<Known> {
        let known = match (name.len(), name.first()? | 0x20) {
            (14, b'c') => Known::ContentLength,
            (17, b't') => Known::TransferEncoding,
            (10, b'c') => Known::Connection,
            (7, b'u') => Known::Upgrade,
            (7, b't') => Known::Trailer,
            (10, b'k') => Known::KeepAlive,
            (16, b'p') => Known::ProxyConnection,
            (2, b't') => Known::Te,
            (8, b'l') => Known::Location,
            (12, b'c') => Known::ContentType,
            (4, b'e') => Known::ETag,
            (4, b'd') => Known::Date,
            (3, b'a') => Known::Age,
            (11, b'r') => Known::RetryAfter,
            (13, b'c') => Known::ContentRange,
            (13, b'l') => Known::LastModified,
            (7, b'e') => Known::Expires,
            _ => return None,
        };
        name.eq_ignore_ascii_case(known.name()).then_some(known)
    }

    /// The name in lower case.
    pub(crate) const fn name(self) -> &'static [u8] {
        match self {
            Known::ContentLength => b"content-length",
            Known::TransferEncoding => b"transfer-encoding",
            Known::Connection => b"connection",
            Known::Upgrade => b"upgrade",
            Known::Trailer => b"trailer",
            Known::KeepAlive => b"keep-alive",
            Known::ProxyConnection => b"proxy-connection",
            Known::Te => b"te",
            Known::Location => b"location",
            Known::ContentType => b"content-type",
            Known::ETag => b"etag",
            Known::Date => b"date",
            Known::Age => b"age",
            Known::RetryAfter => b"retry-after",
            Known::ContentRange => b"content-range",
            Known::LastModified => b"last-modified",
            Known::Expires => b"expires",
        }
    }

    /// The five fields that must be read alike by every hop, so that nothing odd is tolerated in them.
    const DECIDING_FRAMING: [Known; 5] =
        [Known::ContentLength, Known::TransferEncoding, Known::Connection, Known::Upgrade, Known::Trailer];

    /// Is it one of those five?
    pub(crate) fn decides_framing(self) -> bool {
        Known::DECIDING_FRAMING.contains(&self)
    }

    /// May stand once only (RFC 9110 5.5), and a second one is repaired away.
    pub(crate) const fn is_singleton(self) -> bool {
        self as u8 >= Known::Location as u8
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// Which of them a section holds, which of them more than once, and where the first Content-Length,
/// Transfer-Encoding and Connection stand.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    present: u32,
    repeated: u32,
    first: [u32; 3],
}

impl Seen {
    pub(super) const NONE: Seen = Seen { present: 0, repeated: 0, first: [0; 3] };

    pub(super) fn add(&mut self, known: Known, line: usize) {
        if self.has(known) {
            self.repeated |= known.bit();
        } else if let Some(first) = self.first.get_mut(known as usize) {
            *first = line as u32;
        }
        self.present |= known.bit();
    }

    pub(crate) const fn has(&self, known: Known) -> bool {
        self.present & known.bit() != 0
    }

    /// Where the first one stands, for the three of which it is kept.
    pub(crate) fn first(&self, known: Known) -> Option<usize> {
        self.first.get(known as usize).map(|&line| line as usize)
    }

    pub(crate) const fn repeats(&self, known: Known) -> bool {
        self.repeated & known.bit() != 0
    }

    pub(crate) const fn repeats_any_singleton(&self) -> bool {
        self.repeated >> Known::Location as u8 != 0
    }

    /// Is none of the fields present that decide framing or the use of the connection?
    pub(crate) const fn has_none_of_consequence(&self) -> bool {
        let idle = Known::Location.bit() - 1;
        self.present & idle == 0 && self.repeated == 0
    }
}

/// Do the letters and digits of a damaged name begin with those of a field that decides framing, and end there or go on
/// after some other octet?
pub(super) fn spells_framing_field(name: &[u8]) -> bool {
    Known::DECIDING_FRAMING.iter().any(|known| spells(name, known.name()))
}

fn spells(name: &[u8], field: &[u8]) -> bool {
    let mut letters = name.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric());
    let mut last = 0;
    for wanted in field.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        match letters.next() {
            Some((at, byte)) if byte.eq_ignore_ascii_case(wanted) => last = at,
            _ => return false,
        }
    }
    !name.get(last + 1).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_only_whole() {
        assert_eq!(Known::of(b"CONTENT-length"), Some(Known::ContentLength));
        assert_eq!(Known::of(b"te"), Some(Known::Te));
        assert_eq!(Known::of(b"Content_Length"), None);
        assert_eq!(Known::of(b"Content-Lengths"), None);
        assert_eq!(Known::of(b""), None);
    }

    #[test]
    fn damaged_framing_names_are_recognised() {
        assert!(spells_framing_field(b"Transfer-Encoding\x0b"));
        assert!(spells_framing_field(b" Content Length"));
        assert!(spells_framing_field(b"Content-Length=5"));
        assert!(spells_framing_field(b"ContentLength 5"));
        assert!(!spells_framing_field(b"Content-Lengthy("));
        assert!(!spells_framing_field(b"Content-Type("));
        assert!(!spells_framing_field(b"Content-"));
    }
}
