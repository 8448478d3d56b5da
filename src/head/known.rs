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

    pub(crate) const ALL: [Known; Known::COUNT] = [
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

    /// Octets in the longest of their names.
    pub(crate) const LONGEST: usize = Known::TransferEncoding.name().len();

    /// The field of that name, in any case.
    pub(crate) fn of(name: &[u8]) -> Option<Known> {
        let entry = &TABLE[slot(name.len(), *name.first()?)];
        entry.known.filter(|known| name.eq_ignore_ascii_case(known.name()))
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

    /// Of the letters and digits of its name.
    fn letter(self, nth: usize) -> Option<u8> {
        self.name().iter().copied().filter(u8::is_ascii_alphanumeric).nth(nth)
    }

    /// Is it one of those five?
    pub(crate) fn decides_framing(self) -> bool {
        Known::DECIDING_FRAMING.contains(&self)
    }

    /// May stand once only (RFC 9110 5.5), and a second one is repaired away.
    pub(crate) const fn is_singleton(self) -> bool {
        self as u8 >= Known::Location as u8
    }

    const fn bit(self) -> u32 {
        1 << self.seat()
    }

    /// Its bit in [`Seen`]; four of them make a place there.
    const fn seat(self) -> u8 {
        match self as u8 {
            placed @ 0..Seen::PLACED => placed * 4,
            other => other + Seen::PLACED * 3,
        }
    }
}

/// No two names share a slot, and of all names of one length only those with the same first letter do: there are as
/// many slots as there are octets that a token may hold.
#[inline(always)]
const fn slot(len: usize, first: u8) -> usize {
    (len + (first | CASE) as usize) % SLOTS
}

const SLOTS: usize = 128;

/// What a name is held against: its last sixteen octets. No name that is known has more than one octet before them, and
/// that one is told by the [`slot`].
#[derive(Clone, Copy)]
struct Entry {
    word: u128,
    /// Which bits must agree: not those of octets before the name, nor the case of a letter.
    mask: u128,
    len: usize,
    seat: u8,
    known: Option<Known>,
}

impl Entry {
    const NOTHING: Entry = Entry { word: 0, mask: 0, len: usize::MAX, seat: 0, known: None };

    const fn of(known: Known) -> Entry {
        let name = known.name();
        let (mut word, mut mask) = (0, 0);
        let mut at = name.len().saturating_sub(16);
        assert!(name.len() <= Known::LONGEST && at <= 1);
        while at < name.len() {
            let octet = name[at];
            let bits = if octet.is_ascii_lowercase() { !CASE } else { u8::MAX };
            // The octet before the colon is the highest.
            let shift = 8 * (16 - (name.len() - at));
            word |= (octet as u128) << shift;
            mask |= (bits as u128) << shift;
            at += 1;
        }
        Entry { word, mask, len: name.len(), seat: known.seat(), known: Some(known) }
    }
}

/// The bit in which the cases of a letter differ.
const CASE: u8 = 0x20;

static TABLE: [Entry; SLOTS] = {
    let mut table = [Entry::NOTHING; SLOTS];
    let mut at = 0;
    while at < Known::COUNT {
        let known = Known::ALL[at];
        assert!(known as usize == at);
        let slot = slot(known.name().len(), known.name()[0]);
        assert!(table[slot].known.is_none());
        table[slot] = Entry::of(known);
        at += 1;
    }
    table
};

/// Which of them a section holds, which of them more than once, and where the last Content-Length,
/// Transfer-Encoding and Connection stand.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// A bit each.
    present: u32,
    repeated: u32,
    /// The places past the three take what nobody asks for.
    last: [u32; Seen::PLACES],
}

impl Seen {
    /// How many of them have a place that is kept.
    const PLACED: u8 = 3;

    const PLACES: usize = 16;

    /// By so many bits, from any seat to one that has no bit, and a place that nobody has.
    const AWAY: u8 = 5;

    pub(crate) const NONE: Seen = Seen { present: 0, repeated: 0, last: [0; Seen::PLACES] };

    /// Note the name from `line` to `colon`, which is a token and not empty, if it is known.
    #[inline(always)]
    pub(super) fn add(&mut self, bytes: &[u8], line: usize, colon: usize) {
        let bit = self.place(bytes, line, colon);
        self.repeated |= self.present & bit;
        self.present |= bit;
    }

    /// Note where it stands, and tell its bit; 0 if it is not known.
    #[inline(always)]
    pub(super) fn place(&mut self, bytes: &[u8], line: usize, colon: usize) -> u32 {
        let (Some(&last), Some(&first)) = (bytes[..colon].last_chunk(), bytes.get(line)) else {
            return self.place_short(bytes, line, colon);
        };
        let len = colon - line;
        let entry = &TABLE[slot(len, first)];
        let differs = (u128::from_le_bytes(last) ^ entry.word) & entry.mask | (len ^ entry.len) as u128;
        // No branch and no choice: which names are known is nothing to guess at.
        let seat = entry.seat + (u8::from(differs != 0) << Seen::AWAY);
        self.stands(seat, line);
        (1u64 << (seat % 64)) as u32
    }

    /// Fewer than sixteen octets from the front: in a trailer section, or behind the shortest of status lines.
    #[cold]
    fn place_short(&mut self, bytes: &[u8], line: usize, colon: usize) -> u32 {
        let Some(known) = Known::of(&bytes[line..colon]) else { return 0 };
        self.stands(known.seat(), line);
        known.bit()
    }

    /// What of those bits [`place`](Seen::place) told of many names: `any` of them all, and their `sum`, which is more
    /// where one is there again. False then, and nothing is noted.
    #[inline(always)]
    pub(super) fn add_once(&mut self, any: u32, sum: u64) -> bool {
        let present = self.present | any;
        let is_once = u64::from(self.present) + sum == u64::from(present);
        if is_once {
            self.present = present;
        }
        is_once
    }

    #[inline(always)]
    fn stands(&mut self, seat: u8, line: usize) {
        self.last[(seat / 4) as usize % Seen::PLACES] = line as u32;
    }

    pub(crate) const fn has(&self, known: Known) -> bool {
        self.present & known.bit() != 0
    }

    /// Where the only one stands, for the three of which it is kept.
    #[inline]
    pub(crate) fn only(&self, known: Known) -> Option<usize> {
        let is_kept = (known as u8) < Seen::PLACED && self.has(known) && !self.repeats(known);
        is_kept.then(|| self.last[known as usize] as usize)
    }

    pub(crate) const fn repeats(&self, known: Known) -> bool {
        self.repeated & known.bit() != 0
    }

    pub(crate) const fn repeats_any_singleton(&self) -> bool {
        self.repeated >> Known::Location.seat() != 0
    }

    /// Is no field there that takes care to read: none twice, and none that is about the connection but Connection and
    /// Keep-Alive?
    #[inline]
    pub(crate) const fn is_plain(&self) -> bool {
        let odd =
            Known::Upgrade.bit() | Known::Trailer.bit() | Known::ProxyConnection.bit() | Known::Te.bit();
        self.present & odd == 0 && self.repeated == 0
    }
}

/// How far the letters and digits of a damaged name spell a field that decides framing. They do once such a name is whole
/// and ends, or goes on after some other octet.
#[derive(Clone, Copy)]
pub(super) struct Spelling {
    letters: u8,
    /// Which of those fields they may still become, a bit each.
    open: u8,
    is_done: bool,
}

impl Spelling {
    pub(super) const NOTHING: Spelling =
        Spelling { letters: 0, open: (1 << Known::DECIDING_FRAMING.len()) - 1, is_done: false };

    pub(super) fn of(name: &[u8]) -> Spelling {
        let mut spelling = Spelling::NOTHING;
        name.iter().for_each(|&byte| spelling.add(byte));
        spelling
    }

    pub(super) fn add(&mut self, byte: u8) {
        if !byte.is_ascii_alphanumeric() {
            self.is_done |= self.is_whole();
            return;
        }
        for (nth, known) in Known::DECIDING_FRAMING.iter().enumerate() {
            let is_open = self.open >> nth & 1 != 0;
            if is_open && known.letter(self.letters.into()) != Some(byte.to_ascii_lowercase()) {
                self.open &= !(1 << nth);
            }
        }
        self.letters = self.letters.saturating_add(1);
    }

    /// Do they, whatever comes?
    pub(super) fn is_done(self) -> bool {
        self.is_done
    }

    /// Do they, if nothing comes?
    pub(super) fn is_done_here(self) -> bool {
        self.is_done || self.is_whole()
    }

    fn is_whole(self) -> bool {
        let mut open =
            Known::DECIDING_FRAMING.iter().enumerate().filter(|(nth, _)| self.open >> nth & 1 != 0);
        open.any(|(_, known)| known.letter(self.letters.into()).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

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
        assert!(Spelling::of(b"Transfer-Encoding\x0b").is_done_here());
        assert!(Spelling::of(b" Content Length").is_done_here());
        assert!(Spelling::of(b"Content-Length=5").is_done_here());
        assert!(Spelling::of(b"ContentLength 5").is_done_here());
        assert!(!Spelling::of(b"Content-Lengthy(").is_done_here());
        assert!(!Spelling::of(b"Content-Type(").is_done_here());
        assert!(!Spelling::of(b"Content-").is_done_here());
    }

    /// In three cases: lower, upper, and as most write it.
    fn spellings(name: &[u8]) -> [Vec<u8>; 3] {
        let capitals = |(at, byte): (usize, &u8)| {
            let is_first = at == 0 || name[at - 1] == b'-';
            if is_first { byte.to_ascii_uppercase() } else { *byte }
        };
        [name.to_vec(), name.to_ascii_uppercase(), name.iter().enumerate().map(capitals).collect()]
    }

    /// What is seen of a name behind so many octets; both ways to look it up say the same.
    fn seen_of(name: &[u8], before: usize) -> Seen {
        let bytes = [&std::vec![b' '; before], name, b": x"].concat();
        let mut seen = Seen::NONE;
        seen.add(&bytes, before, before + name.len());
        assert_eq!(seen.present, Known::of(name).map_or(0, Known::bit), "{}", name.escape_ascii());
        seen
    }

    #[test]
    fn every_name_is_seen_wherever_it_stands_and_no_other() {
        for known in Known::ALL {
            let name = known.name();
            assert!(name.len() <= Known::LONGEST);
            for (before, spelling) in (0..24).flat_map(|before| spellings(name).map(|name| (before, name))) {
                let seen = seen_of(&spelling, before);
                assert!(Known::ALL.iter().all(|&other| seen.has(other) == (other == known)), "{known:?}");
                assert_eq!(seen.only(known), ((known as u8) < Seen::PLACED).then_some(before));
            }
            for (at, byte) in (0..name.len()).flat_map(|at| (b'!'..=b'~').map(move |byte| (at, byte))) {
                let mut other = name.to_vec();
                other[at] = byte;
                let is_same = other.eq_ignore_ascii_case(name);
                for before in [0, 20] {
                    assert_eq!(seen_of(&other, before).has(known), is_same, "{}", other.escape_ascii());
                }
            }
            for other in [&name[1..], &name[..name.len() - 1], &[b"x", name].concat(), &[name, b"x"].concat()]
            {
                for before in [0, 20] {
                    assert!(
                        other.is_empty() || !seen_of(other, before).has(known),
                        "{}",
                        other.escape_ascii()
                    );
                }
            }
        }
    }

    /// Its slot is that of Transfer-Encoding, and it is off by as much in its length as in an octet.
    #[test]
    fn no_difference_makes_up_for_another() {
        assert_eq!(seen_of(b"sxqansfer-encoding", 20).present, 0);
    }

    #[test]
    fn a_name_that_is_there_again_is_seen_as_repeated() {
        for known in Known::ALL {
            let mut seen = seen_of(known.name(), 20);
            assert!(!seen.repeats(known) && !seen.repeats_any_singleton());
            let present = seen.present;
            assert!(!seen.add_once(known.bit(), known.bit().into()), "it is there");
            assert!(!Seen::NONE.clone().add_once(known.bit(), 2 * u64::from(known.bit())), "twice at once");
            seen.add(&[&[b' '; 40], known.name()].concat(), 40, 40 + known.name().len());
            assert_eq!((seen.present, seen.repeated), (present, present));
            assert_eq!(seen.only(known), None);
            assert_eq!(seen.repeats_any_singleton(), known.is_singleton());
            let mut others = Seen::NONE;
            assert!(others.add_once(present, present.into()) && others.has(known));
            let about_the_connection =
                matches!(known, Known::Upgrade | Known::Trailer | Known::ProxyConnection | Known::Te);
            assert_eq!((others.is_plain(), seen.is_plain()), (!about_the_connection, false));
        }
    }
}
