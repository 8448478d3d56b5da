//! httparse as a second opinion on heads: what we take it takes too, and reads alike; what it refuses we refuse.
//!
//! Where that is not so is in one table, each line of it with its reason and with a reply that shows it.

use badgateway::{Event, Exchange, Head, Limits, Parser, Policy, Rule, Version};

/// What there is in a reply where the two part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The policy tolerates a breach of this rule.
    Tolerated(Rule),
    /// The reason phrase of a whole head holds obs-text.
    ObsTextInReason,
    /// So far there is the start of `HTTP`, some of it in small letters.
    SmallLetters,
    /// So far there is `HTTP/` and a digit that is not 1.
    OtherMajorVersion,
    /// So far there is a head that ends in a CR right behind a name.
    CrAfterName,
}

/// Of such a head httparse says something else, always.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    pub point: Point,
    pub theirs: Theirs,
    pub why: &'static str,
    #[allow(dead_code, reason = "the properties see that each is one")]
    pub example: &'static [u8],
}

/// What it says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    Refused,
    NoReason,
}

/// All of them.
pub const DIFFERENCES: [Difference; 17] = [
    tolerated(
        Rule::HttpMinorVersionHigher,
        "it knows 1.0 and 1.1 alone; RFC 9110 6.2 has HTTP/1.2 read as the highest minor version one knows",
        b"HTTP/1.2 200 OK\r\n\r\n",
    ),
    tolerated(
        Rule::StatusLineExtraWhitespace,
        "it takes one space alone, unless told; RFC 9112 4 lets a recipient take any run of blanks for it",
        b"HTTP/1.1  200 OK\r\n\r\n",
    ),
    tolerated(
        Rule::InvalidReasonPhrase,
        "nothing depends on a reason phrase, and none is forwarded with a control character in it",
        b"HTTP/1.1 200 O\x01K\r\n\r\n",
    ),
    tolerated(
        Rule::BareCr,
        "RFC 9112 2.2 has a bare CR refused or replaced by a space, and it is replaced",
        b"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n",
    ),
    tolerated(
        Rule::NulInField,
        "RFC 9110 5.5 has a NUL refused or replaced by a space, and it is replaced",
        b"HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n",
    ),
    tolerated(
        Rule::ControlCharacterInFieldValue,
        "RFC 9110 5.5 lets a recipient keep other control characters, and on forwarding they are replaced",
        b"HTTP/1.1 200 OK\r\na: b\x01c\r\n\r\n",
    ),
    tolerated(
        Rule::ObsFold,
        "it takes none, unless told; RFC 9112 5.2 lets a gateway put spaces in the place of a fold",
        b"HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
    ),
    tolerated(
        Rule::WhitespaceBeforeFirstField,
        "it takes none, unless told; RFC 9112 2.2 lets a recipient drop such lines, and they are dropped",
        b"HTTP/1.1 200 OK\r\n a: b\r\n\r\n",
    ),
    tolerated(
        Rule::WhitespaceBeforeColon,
        "it takes none, unless told; RFC 9112 5.1 has a proxy remove such blanks from a response",
        b"HTTP/1.1 200 OK\r\na : b\r\n\r\n",
    ),
    tolerated(
        Rule::MissingColon,
        "such a line is no field to us either, and not forwarded",
        b"HTTP/1.1 200 OK\r\na\r\n\r\n",
    ),
    tolerated(
        Rule::RepeatedStatusLine,
        "such a line is no field to us either, and not forwarded",
        b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n",
    ),
    tolerated(
        Rule::EmptyFieldName,
        "such a line is no field to us either, and not forwarded",
        b"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
    ),
    tolerated(
        Rule::InvalidFieldName,
        "such a line is no field to us either, and not forwarded",
        b"HTTP/1.1 200 OK\r\na/b: c\r\n\r\n",
    ),
    Difference {
        point: Point::ObsTextInReason,
        theirs: Theirs::NoReason,
        why: "it hands out text, and leaves out what is not ASCII; RFC 9112 4 allows it, and we hand out octets",
        example: b"HTTP/1.1 200 D\xe9j\xe0\r\n\r\n",
    },
    Difference {
        point: Point::SmallLetters,
        theirs: Theirs::Refused,
        why: "what follows tells HTTP in small letters from what is no HTTP at all: we wait for it",
        example: b"hT",
    },
    Difference {
        point: Point::OtherMajorVersion,
        theirs: Theirs::Refused,
        why: "the next octet tells another version of HTTP from what is no version at all: we wait for it",
        example: b"HTTP/2",
    },
    Difference {
        point: Point::CrAfterName,
        theirs: Theirs::Refused,
        why: "the next octet tells a line without a colon from a CR that stands alone: we wait for it",
        example: b"HTTP/1.1 200 OK\r\na\r",
    },
];

const fn tolerated(rule: Rule, why: &'static str, example: &'static [u8]) -> Difference {
    Difference { point: Point::Tolerated(rule), theirs: Theirs::Refused, why, example }
}

/// A head, or the part of one that has come.
struct Seen<'b> {
    /// What httparse is given: from where this head was due, to the last octet there is.
    bytes: &'b [u8],
    notes: &'b [Rule],
    /// The head, and its length with the empty lines before it.
    whole: Option<(Head<'b>, usize)>,
}

impl Point {
    fn is_in(self, seen: &Seen<'_>) -> bool {
        match (self, &seen.whole) {
            (Point::Tolerated(rule), Some(_)) => seen.notes.contains(&rule),
            (Point::ObsTextInReason, Some((head, _))) => !head.reason().is_ascii(),
            (Point::SmallLetters, None) => {
                let start = b"HTTP".get(..seen.bytes.len()).unwrap_or_default();
                seen.bytes != start && seen.bytes.eq_ignore_ascii_case(start)
            }
            (Point::OtherMajorVersion, None) => {
                seen.bytes.strip_prefix(b"HTTP/").is_some_and(|rest| matches!(rest, [b'0' | b'2'..=b'9']))
            }
            (Point::CrAfterName, None) => {
                let line = seen.bytes.rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
                let is_first = line.len() == seen.bytes.len();
                !is_first && line.len() > 1 && line.ends_with(b"\r") && !line.contains(&b':')
            }
            _ => false,
        }
    }
}

/// What one of the two says.
#[derive(Clone, Debug, PartialEq)]
enum Reading {
    Head { length: usize, status: u16, minor: u8, reason: Vec<u8>, fields: Vec<(Vec<u8>, Vec<u8>)> },
    Open,
    Refused,
}

impl Reading {
    fn ours(seen: &Seen<'_>) -> Reading {
        let Some((head, length)) = &seen.whole else { return Reading::Open };
        Reading::Head {
            length: *length,
            status: head.status(),
            minor: u8::from(head.version() == Version::Http11),
            reason: head.reason().to_vec(),
            fields: head.fields().map(|field| (field.name().to_vec(), field.value().to_vec())).collect(),
        }
    }

    fn theirs(bytes: &[u8]) -> Reading {
        let mut space = [httparse::EMPTY_HEADER; 128];
        let mut parsed = httparse::Response::new(&mut space);
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Reading::Open,
            Err(_) => return Reading::Refused,
        };
        let own = |field: &httparse::Header<'_>| (field.name.as_bytes().to_vec(), field.value.to_vec());
        Reading::Head {
            length,
            status: parsed.code.unwrap_or_default(),
            minor: parsed.version.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().into(),
            fields: parsed.headers.iter().map(own).collect(),
        }
    }

    fn but(self, theirs: Theirs) -> Reading {
        match (self, theirs) {
            (_, Theirs::Refused) => Reading::Refused,
            (Reading::Head { length, status, minor, fields, .. }, Theirs::NoReason) => {
                Reading::Head { length, status, minor, reason: Vec::new(), fields }
            }
            (other, Theirs::NoReason) => other,
        }
    }
}

/// Hold the heads of a reply, up to the final one, against httparse's reading of them: as STRICT has them, with what
/// there is of one that is not whole, and as they are when all is tolerated that may be. `Some` is where the two part
/// otherwise than `known` says.
pub fn disagreement(
    reply: &[u8],
    exchange: Exchange,
    limits: Limits,
    known: &[Difference],
) -> Option<String> {
    let by = |policy: Policy, open_too| {
        let mut parser = Parser::new(policy.with_limits(limits));
        parser.begin(exchange);
        first_parting(&mut parser, reply, open_too, known)
    };
    by(Policy::STRICT, true).or_else(|| by(Policy::observe(), false))
}

fn first_parting(parser: &mut Parser, reply: &[u8], open_too: bool, known: &[Difference]) -> Option<String> {
    let (mut input, mut start, mut notes) = (reply, 0, Vec::new());
    loop {
        let event = parser.next_event(&mut input);
        let (bytes, length) = (&reply[start..], parser.offset() as usize - start);
        match event {
            Ok(Some(Event::Note(note))) => notes.push(note.rule()),
            Ok(Some(Event::Head(head))) => {
                let parting = parting(&Seen { bytes, notes: &notes, whole: Some((head, length)) }, known);
                if parting.is_some() || !head.is_interim() {
                    return parting;
                }
                start += length;
                notes.clear();
            }
            Ok(Some(_)) => {}
            Ok(None) if open_too => return parting(&Seen { bytes, notes: &notes, whole: None }, known),
            // Of what we refuse httparse may think what it likes.
            Ok(None) | Err(_) => return None,
        }
    }
}

fn parting(seen: &Seen<'_>, known: &[Difference]) -> Option<String> {
    let met = || known.iter().filter(|difference| difference.point.is_in(seen));
    let expected = met().fold(Reading::ours(seen), |reading, difference| reading.but(difference.theirs));
    let theirs = Reading::theirs(seen.bytes);
    let told = || {
        let why: Vec<_> = met().map(|difference| difference.why).collect();
        format!("\"{}\"\nhttparse: {theirs:?}\nexpected: {expected:?}, {why:?}", seen.bytes.escape_ascii())
    };
    (theirs != expected).then(told)
}
