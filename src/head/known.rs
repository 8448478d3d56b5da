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

    const ALL: [Known; Known::COUNT] = [
        Known::ContentLength,
        Known::TransferEncoding,
        Known::Connection,
        Known::Upgrade,
        Known::Trailer,
        Known::KeepAlive,
        Known::ProxyConnection,
        Known::Te,
        Known::Location,
        Known::ContentType,
        Known::ETag,
        Known::Date,
        Known::Age,
        Known::RetryAfter,
        Known::ContentRange,
        Known::LastModified,
        Known::Expires,
    ];

    /// The field of that name, in any case. Most names are told apart by one look into a table.
    #[inline(always)]
    pub(crate) fn of(name: &[u8]) -> Option<Known> {
        let entry = &TABLE[slot(name.len(), *name.first()?)];
        let is_it = entry.len == name.len() && lower(name) == entry.lower && has_middle(name);
        entry.known.filter(|_| is_it)
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

/// No two names share a slot.
const fn slot(len: usize, first: u8) -> usize {
    (len + (first & 0x1f) as usize) % SLOTS
}

const SLOTS: usize = 32;

/// What is compared of a name.
#[derive(Clone, Copy)]
struct Entry {
    len: usize,
    lower: (u64, u64),
    known: Option<Known>,
}

static TABLE: [Entry; SLOTS] = {
    let mut table = [Entry { len: 0, lower: (0, 0), known: None }; SLOTS];
    let mut at = 0;
    while at < Known::COUNT {
        let known = Known::ALL[at];
        let name = known.name();
        let slot = slot(name.len(), name[0]);
        assert!(table[slot].known.is_none());
        table[slot] = Entry { len: name.len(), lower: lower(name), known: Some(known) };
        at += 1;
    }
    table
};

/// The first and the last octets of a name, up to eight each, letters in lower case. Of two tchar only the two cases of
/// a letter become the same by it.
#[inline]
const fn lower(name: &[u8]) -> (u64, u64) {
    const CASE: u64 = 0x2020_2020_2020_2020;
    match (name.first_chunk::<8>(), name.last_chunk::<8>(), name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last), _, _) => {
            (u64::from_le_bytes(*first) | CASE, u64::from_le_bytes(*last) | CASE)
        }
        (_, _, Some(first), Some(last)) => {
            (u32::from_le_bytes(*first) as u64 | CASE, u32::from_le_bytes(*last) as u64 | CASE)
        }
        _ if name.is_empty() => (0, 0),
        _ => (name[0] as u64 | CASE, (name[name.len() / 2] as u64) << 8 | name[name.len() - 1] as u64 | CASE),
    }
}

/// The one octet that `lower` leaves out, of the one name that is longer than its two words.
#[inline(always)]
fn has_middle(name: &[u8]) -> bool {
    name.len() <= 16 || name[8].eq_ignore_ascii_case(&Known::TransferEncoding.name()[8])
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

    #[inline(always)]
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
