//! G8: a reply is forwarded whole, and what comes out is judged again and held against what came in.
//!
//! Of what should come out this has its own idea, written as plainly as can be: names in one list, values cut at
//! commas.

use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use badgateway::forward::{NextHop, Onward};
use badgateway::{
    Close, End, Escaped, Event, Exchange, Fields, Framing, Head, Level, Limits, Parser, Policy, Reuse, Rule,
    Version, Violation, Written,
};

/// A reply as it comes in.
#[derive(Clone, Copy)]
pub struct Incoming<'r> {
    pub reply: &'r [u8],
    /// Where the reads end, but for the last.
    pub cuts: &'r [usize],
    pub exchange: Exchange,
    /// The rest of the request is written once the head of a reply has come.
    pub writes_on: bool,
    pub policy: Policy,
    pub close: Option<Close>,
}

/// How many replies were forwarded whole, and how many were refused on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub whole: usize,
    pub refused: usize,
}

/// To a client of either version, whose connection is to be closed or not.
pub fn check(incoming: &Incoming<'_>, name: &str) -> Tally {
    let mut tally = Tally::default();
    for version in [Version::Http11, Version::Http10] {
        for closing in [false, true] {
            let sent = Sent::of(incoming, &Hop { version, closing, name });
            sent.check(incoming);
            tally.whole += usize::from(sent.whole);
            tally.refused += usize::from(sent.refused);
        }
    }
    tally
}

/// The next hop, in parts.
#[derive(Clone, Copy)]
struct Hop<'n> {
    version: Version,
    closing: bool,
    name: &'n str,
}

const DATE: &[u8] = b"Tue, 21 Jul 2026 10:00:00 GMT";

impl Hop<'_> {
    fn next_hop(&self) -> NextHop<'_> {
        let hop = NextHop::new(self.version, self.name).at(UNIX_EPOCH + Duration::from_secs(1_784_628_000));
        if self.closing { hop.closing() } else { hop }
    }
}

type OwnField = (Vec<u8>, Vec<u8>);

/// A head as the parser told it.
#[derive(Clone)]
struct Told {
    status: u16,
    version: Version,
    framing: Framing,
    reason: Vec<u8>,
    wire: Vec<u8>,
}

impl Told {
    fn of(head: &Head<'_>) -> Told {
        Told {
            status: head.status(),
            version: head.version(),
            framing: head.framing(),
            reason: head.reason().to_vec(),
            wire: head.wire().to_vec(),
        }
    }
}

/// The lines that are fields, taken from the bytes: folds joined, lines without a proper name left out.
pub fn lines(wire: &[u8]) -> Vec<OwnField> {
    let text = wire.strip_suffix(b"\n").unwrap_or(wire);
    let mut lines = text.split(|&byte| byte == b'\n').skip_while(|line| !line.starts_with(b"HTTP/"));
    lines.next();
    let mut joined: Vec<Vec<u8>> = Vec::new();
    for line in lines {
        match joined.last_mut() {
            Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                last.push(b'\n');
                last.extend(line);
            }
            _ => joined.push(line.to_vec()),
        }
    }
    joined.iter().filter_map(|line| field(line)).collect()
}

fn field(line: &[u8]) -> Option<OwnField> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let blanks = line[..colon].iter().rev().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    let name = &line[..colon - blanks];
    let is_name = !name.is_empty() && name.iter().all(|&byte| is_tchar(byte));
    is_name.then(|| (name.to_vec(), repaired(&line[colon + 1..])))
}

/// Runs of octets that may not be sent, and the blanks around them, are one space.
fn repaired(value: &[u8]) -> Vec<u8> {
    let is_ctl = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    let pieces: Vec<&[u8]> = value.split(is_ctl).map(trim).filter(|piece| !piece.is_empty()).collect();
    pieces.join(&b' ')
}

pub fn trim(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

pub fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Is the name one of those in the list?
fn is_in(list: &str, name: &[u8]) -> bool {
    list.split(' ').any(|one| one.as_bytes().eq_ignore_ascii_case(name))
}

const HOP_BY_HOP: &str = "connection close keep-alive proxy-connection te transfer-encoding content-length";
const PROTECTED: &str = "access-control-allow-credentials access-control-allow-headers access-control-allow-methods \
    access-control-allow-origin access-control-expose-headers access-control-max-age age \
    authorization cache-control clear-site-data content-disposition content-encoding \
    content-language content-length content-location content-range content-security-policy \
    content-security-policy-report-only content-type cookie cross-origin-embedder-policy \
    cross-origin-opener-policy cross-origin-resource-policy date etag expires host last-modified \
    location permissions-policy referrer-policy retry-after set-cookie strict-transport-security \
    vary via www-authenticate x-content-type-options x-frame-options";
const ONCE: &str = "location content-type etag date age retry-after content-range last-modified expires";

/// What a head, its content and its trailers are to be on the other side.
struct Wanted {
    fields: Vec<OwnField>,
    framing: Framing,
    closing: bool,
    nominated: Vec<Vec<u8>>,
}

impl Wanted {
    fn of(head: &Told, hop: &Hop<'_>) -> Wanted {
        let lines = lines(&head.wire);
        let framing = framing(head, hop);
        let interim = head.status < 200;
        let tunnel = framing == Framing::Tunnel;
        let closing = !interim && !tunnel && (hop.closing || hop.version == Version::Http10);
        let mut wanted = Wanted { fields: Vec::new(), framing, closing, nominated: nominated(&lines) };
        for (name, value) in &lines {
            if wanted.takes(head, hop, name) {
                wanted.fields.push((name.clone(), value.clone()));
            }
        }
        wanted.add_own(head, hop, &lines);
        wanted
    }

    fn takes(&self, head: &Told, hop: &Hop<'_>, name: &[u8]) -> bool {
        if is_in("upgrade", name) {
            return keeps_upgrade(head, hop);
        }
        let trailer = is_in("trailer", name) && self.framing != Framing::Chunked;
        let again =
            is_in(ONCE, name) && self.fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        !is_in(HOP_BY_HOP, name) && !self.strips(name) && !trailer && !again
    }

    fn strips(&self, name: &[u8]) -> bool {
        self.nominated.iter().any(|one| one.eq_ignore_ascii_case(name)) && !is_in(PROTECTED, name)
    }

    fn add_own(&mut self, head: &Told, hop: &Hop<'_>, lines: &[OwnField]) {
        let mut own = |name: &str, value: &[u8]| self.fields.push((name.into(), value.to_vec()));
        if head.status >= 200 {
            if values(lines, "date").next().is_none() {
                own("Date", DATE);
            }
            own("Via", via(head, hop).as_bytes());
        }
        let upgrade = keeps_upgrade(head, hop) && values(lines, "upgrade").next().is_some();
        match (upgrade, self.closing) {
            (true, true) => own("Connection", b"upgrade, close"),
            (true, false) => own("Connection", b"upgrade"),
            (false, true) => own("Connection", b"close"),
            (false, false) => {}
        }
        match self.framing {
            Framing::Length(length) => own("Content-Length", length.to_string().as_bytes()),
            Framing::Chunked => own("Transfer-Encoding", b"chunked"),
            Framing::None => {
                if let Some(length) = length_of_content_not_sent(head, lines) {
                    own("Content-Length", length.to_string().as_bytes());
                }
            }
            _ => {}
        }
    }
}

fn keeps_upgrade(head: &Told, hop: &Hop<'_>) -> bool {
    head.status == 101 || head.status == 426 && hop.version == Version::Http11
}

fn via(head: &Told, hop: &Hop<'_>) -> String {
    let safe = |c: char| c.is_ascii() && (is_tchar(c as u8) || matches!(c, ':' | '[' | ']'));
    let name: String =
        hop.name.bytes().map(|byte| if safe(char::from(byte)) { char::from(byte) } else { '_' }).collect();
    let version = if head.version == Version::Http10 { "1.0" } else { "1.1" };
    format!("{version} {}", if name.is_empty() { "_" } else { &name })
}

fn values<'l>(lines: &'l [OwnField], wanted: &'l str) -> impl Iterator<Item = &'l [u8]> {
    lines.iter().filter(move |(name, _)| is_in(wanted, name)).map(|(_, value)| &value[..])
}

fn nominated(lines: &[OwnField]) -> Vec<Vec<u8>> {
    let options = values(lines, "connection").flat_map(|value| value.split(|&byte| byte == b','));
    options.map(trim).filter(|option| option.iter().all(|&byte| is_tchar(byte))).map(<[u8]>::to_vec).collect()
}

fn framing(head: &Told, hop: &Hop<'_>) -> Framing {
    match head.framing {
        Framing::None | Framing::Tunnel => head.framing,
        _ if head.status == 205 => Framing::Length(0),
        Framing::Length(_) => head.framing,
        _ if hop.version == Version::Http10 => Framing::UntilClose,
        _ => Framing::Chunked,
    }
}

fn length_of_content_not_sent(head: &Told, lines: &[OwnField]) -> Option<i64> {
    if head.status < 200 || head.status == 204 || values(lines, "transfer-encoding").next().is_some() {
        return None;
    }
    let mut lengths = Vec::new();
    for number in values(lines, "content-length").flat_map(|value| value.split(|&byte| byte == b',')) {
        let digits = std::str::from_utf8(trim(number)).ok()?;
        lengths.push(digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??);
    }
    lengths.dedup();
    if let [length] = lengths[..] { Some(length) } else { None }
}

/// What was heard of a reply.
struct Heard {
    heads: Vec<(Told, Vec<OwnField>)>,
    content: Vec<u8>,
    trailers: Vec<OwnField>,
    end: Result<Option<End>, Violation>,
    /// Where what is no longer HTTP begins, or what has nothing to do with this reply.
    rest: usize,
}

impl Heard {
    fn is_whole(&self) -> bool {
        matches!(self.end, Ok(Some(_)))
    }
}

fn own(fields: Fields<'_>) -> Vec<OwnField> {
    fields.map(|field| (field.name().to_vec(), field.value().to_vec())).collect()
}

/// Read one reply; `each` is shown every event, and says whether to go on.
fn listen(incoming: &Incoming<'_>, mut each: impl FnMut(&Event<'_>) -> bool) -> Heard {
    let mut parser = Parser::new(incoming.policy);
    parser.begin(incoming.exchange);
    let nothing = || (Vec::new(), Vec::new(), Vec::new());
    let (heads, content, trailers) = nothing();
    let mut heard = Heard { heads, content, trailers, end: Ok(None), rest: 0 };
    for &end in incoming.cuts.iter().chain([&incoming.reply.len()]) {
        let mut input = &incoming.reply[heard.rest..end.max(heard.rest)];
        loop {
            let told = parser.next_event(&mut input);
            heard.rest = end.max(heard.rest) - input.len();
            match told {
                Ok(Some(event)) => {
                    if matches!(event, Event::Head(_)) && incoming.writes_on {
                        parser.request_written(Written::Whole);
                    }
                    heard.add(&event);
                    if !each(&event) || matches!(event, Event::End(_)) {
                        return heard;
                    }
                }
                Ok(None) => break,
                Err(violation) => return Heard { end: Err(violation), ..heard },
            }
        }
    }
    heard.end = incoming.close.map(|how| parser.close(how)).transpose();
    heard
}

impl Heard {
    fn add(&mut self, event: &Event<'_>) {
        match event {
            Event::Head(head) => self.heads.push((Told::of(head), own(head.fields()))),
            Event::Content(bytes) => self.content.extend(*bytes),
            Event::Trailers(fields) => self.trailers.extend(own(fields.clone())),
            Event::End(end) => self.end = Ok(Some(*end)),
            _ => {}
        }
    }
}

/// What was written for the next hop.
struct Sent<'n> {
    hop: Hop<'n>,
    out: Vec<u8>,
    heard: Heard,
    /// Of each head that was sent: which of those heard it is, and where it stands.
    heads: Vec<(usize, Range<usize>)>,
    /// The last of them.
    onward: Option<Onward>,
    /// The end was written.
    whole: bool,
    /// The reply was refused, or its head could not be sent on.
    refused: bool,
    /// How much was written before the end.
    before_end: usize,
}

impl<'n> Sent<'n> {
    fn of(incoming: &Incoming<'_>, hop: &Hop<'n>) -> Sent<'n> {
        let (mut out, mut heads, mut onward) = (Vec::new(), Vec::new(), None);
        let mut unsendable = None;
        let mut heard_heads = 0;
        let heard = listen(incoming, |event| match (event, &mut onward) {
            (Event::Head(head), _) => {
                heard_heads += 1;
                // HTTP/1.0 has no interim replies.
                if head.is_interim() && hop.version == Version::Http10 {
                    return true;
                }
                let start = out.len();
                match head.forward(&hop.next_hop(), &mut out) {
                    Ok(first) => onward = Some(first),
                    Err(violation) => {
                        assert_eq!(out.len(), start, "written, and then refused");
                        unsendable = Some((Told::of(head), violation));
                        return false;
                    }
                }
                heads.push((heard_heads - 1, start..out.len()));
                true
            }
            (Event::Content(bytes), Some(onward)) => {
                onward.content(bytes, &mut out);
                // What has no octets ends nothing.
                onward.content(b"", &mut out);
                true
            }
            (Event::Trailers(fields), Some(onward)) => {
                onward.trailers(fields.clone());
                true
            }
            _ => true,
        });
        if let Some((head, violation)) = &unsendable {
            check_unsendable(incoming, head, violation);
        }
        let whole = heard.is_whole() && unsendable.is_none();
        if let (Some(onward), Some((last, _))) = (&onward, heard.heads.last())
            && last.framing == Framing::Tunnel
        {
            onward.content(&incoming.reply[heard.rest..], &mut out);
        }
        let before_end = out.len();
        if let Some(onward) = onward.as_mut().filter(|_| whole) {
            onward.end(&mut out);
        }
        let refused = heard.end.is_err() || unsendable.is_some();
        Sent { hop: *hop, out, heard, heads, onward, whole, refused, before_end }
    }

    /// As the next hop may have it: under STRICT, with the limits that hold here and room for what a gateway adds.
    fn again<'s>(&'s self, incoming: &Incoming<'_>, close: Option<Close>) -> Incoming<'s> {
        let above_599 = Rule::StatusCodeAbove599;
        let level = incoming.policy.level(above_599);
        let policy =
            Policy::STRICT.with_limits(widened(&incoming.policy, self.hop.name)).set(above_599, level);
        // The rest of the request was written at an interim reply, even where that is not sent on.
        let is_written = incoming.writes_on && self.heads.len() < self.heard.heads.len();
        let exchange = if is_written { incoming.exchange.written(Written::Whole) } else { incoming.exchange };
        Incoming { reply: &self.out, cuts: &[], exchange, policy, close, ..*incoming }
    }

    fn check(&self, incoming: &Incoming<'_>) {
        for (_, at) in &self.heads {
            check_octets(&self.out[at.clone()]);
        }
        if self.whole {
            self.check_whole(incoming);
        } else {
            let prefix = listen(&self.again(incoming, None), |_| true);
            assert!(prefix.end.is_ok(), "{:?}\nof {}", prefix.end, Escaped(&self.out));
            self.check_heads(&prefix);
        }
        self.check_cut_off(incoming);
    }

    fn check_whole(&self, incoming: &Incoming<'_>) {
        let again = listen(&self.again(incoming, Some(Close::Eof)), |_| true);
        let Ok(Some(end)) = again.end else {
            panic!("{:?}\nof {}\nfrom {}", again.end, Escaped(&self.out), Escaped(incoming.reply));
        };
        self.check_heads(&again);
        let Some((last, _)) = self.heard.heads.last() else { panic!("whole, and no head") };
        let wanted = Wanted::of(last, &self.hop);
        let content = if last.status == 205 { &[][..] } else { &self.heard.content };
        assert!(again.content == content, "{}\n{}", Escaped(&again.content), Escaped(content));
        assert_eq!(again.trailers, self.trailers_wanted(&wanted), "trailers of {}", Escaped(&self.out));
        match wanted.framing {
            Framing::Tunnel => {
                assert!(self.out[again.rest..] == incoming.reply[self.heard.rest..], "bytes of the tunnel");
            }
            _ => assert_eq!(again.rest, self.out.len(), "something follows the message"),
        }
        self.check_reuse(incoming, &wanted, end.reuse());
        self.check_once_more(incoming);
    }

    /// Each head with its status, its phrase, its fields in their order, and the gateway's own behind them.
    fn check_heads(&self, again: &Heard) {
        assert_eq!(again.heads.len(), self.heads.len(), "heads of {}", Escaped(&self.out));
        for ((head, fields), (index, _)) in again.heads.iter().zip(&self.heads) {
            let came = &self.heard.heads[*index].0;
            let wanted = Wanted::of(came, &self.hop);
            assert_eq!((head.status, &head.reason), (came.status, &came.reason));
            assert_eq!(head.version, Version::Http11);
            assert_eq!(head.framing, wanted.framing, "{}", Escaped(&self.out));
            let texts = |fields: &[OwnField]| {
                fields.iter().map(|(name, value)| format!("{}: {}", Escaped(name), Escaped(value))).collect()
            };
            let (one, other): (Vec<String>, Vec<String>) = (texts(fields), texts(&wanted.fields));
            assert_eq!(one, other, "of {}", Escaped(&came.wire));
        }
        if let (Some(onward), Some((index, _))) = (&self.onward, self.heads.last()) {
            let wanted = Wanted::of(&self.heard.heads[*index].0, &self.hop);
            assert_eq!((onward.framing(), onward.is_closing()), (wanted.framing, wanted.closing));
        }
    }

    fn trailers_wanted(&self, wanted: &Wanted) -> Vec<OwnField> {
        let trailers = self.heard.trailers.iter().filter(|_| wanted.framing == Framing::Chunked);
        let kept = trailers.filter(|(name, _)| {
            !is_in(HOP_BY_HOP, name) && !is_in("upgrade trailer", name) && !wanted.strips(name)
        });
        kept.map(|(name, value)| (name.clone(), repaired(value))).collect()
    }

    /// The next hop is told of the close, and of nothing else that would forbid another request.
    fn check_reuse(&self, incoming: &Incoming<'_>, wanted: &Wanted, reuse: Reuse) {
        let by_request = incoming.exchange.is_closing()
            || !incoming.writes_on && incoming.exchange.request_written() != Written::Whole;
        let is_over = wanted.closing || by_request || wanted.framing == Framing::Tunnel;
        assert_eq!(reuse == Reuse::Yes, !is_over, "{reuse:?} of {}", Escaped(&self.out));
    }

    /// Without its end a chunked message is never taken for whole, nor one with a length whose content is missing.
    fn check_cut_off(&self, incoming: &Incoming<'_>) {
        let mut chunked = self.again(incoming, Some(Close::Eof));
        chunked.reply = &self.out[..self.before_end];
        let framing = self.onward.as_ref().map(Onward::framing);
        if framing == Some(Framing::Chunked) {
            assert!(listen(&chunked, |_| true).end.is_err(), "{} is cut off", Escaped(chunked.reply));
        }
    }

    /// Forwarded again it is the same, but for one more Via.
    fn check_once_more(&self, incoming: &Incoming<'_>) {
        let again = Sent::of(&self.again(incoming, Some(Close::Eof)), &self.hop);
        let mut wanted = self.out.clone();
        if let Some((index, at)) = self.heads.last()
            && let head = &self.heard.heads[*index].0
            && head.status >= 200
        {
            let line = |head: &Told| format!("Via: {}\r\n", via(head, &self.hop)).into_bytes();
            let own = line(head);
            let place = self.out[at.clone()].windows(own.len()).rposition(|part| part == own);
            let end = at.start + place.expect("a Via") + own.len();
            wanted.splice(end..end, line(&Told { version: Version::Http11, ..head.clone() }));
        }
        assert!(again.out == wanted, "{}\nis not\n{}", Escaped(&again.out), Escaped(&wanted));
    }
}

/// Only content that is still in a coding stays behind.
fn check_unsendable(incoming: &Incoming<'_>, head: &Told, violation: &Violation) {
    assert_eq!(violation.rule(), Rule::UnsupportedTransferCoding);
    assert_ne!(incoming.policy.level(Rule::TransferCodingNotFinalChunked), Level::Deny);
    assert_eq!(head.framing, Framing::UntilClose);
    let lines = lines(&head.wire);
    let codings = values(&lines, "transfer-encoding").flat_map(|value| value.split(|&byte| byte == b','));
    let last = codings.map(trim).filter(|coding| !coding.is_empty()).last().expect("a coding");
    assert!(!last.eq_ignore_ascii_case(b"chunked"), "{}", Escaped(&head.wire));
    let span = violation.span();
    assert!(span.start < span.end && span.end <= incoming.reply.len() as u64, "{violation:?}");
}

/// A status line, field lines and an empty one, all ended by CRLF, and no other control octet but tabs.
fn check_octets(head: &[u8]) {
    assert!(head.starts_with(b"HTTP/1.1 "), "{}", Escaped(head));
    let text = head.strip_suffix(b"\n\r\n").expect("an empty line at the end");
    let mut framing = 0;
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").expect("a line that ends in CRLF");
        let plain = |&byte: &u8| !byte.is_ascii_control() || byte == b'\t';
        assert!(!line.is_empty() && line.iter().all(plain), "{}", Escaped(head));
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        framing += usize::from(is_in("content-length transfer-encoding", name));
    }
    assert!(framing <= 1, "{}", Escaped(head));
}

/// A gateway adds Date, Via, Connection and one framing field, and a blank after a code or a colon that had none; what
/// came folded is one line. What it makes of content is its own affair.
fn widened(policy: &Policy, name: &str) -> Limits {
    let (lines, longest) = (4, 64 + name.len() as u32);
    let limits = policy.limits();
    let mut wide = Limits::DEFAULT;
    wide.status_line = limits.status_line + 1;
    wide.fields = limits.fields + lines;
    wide.header_section =
        limits.header_section + u32::from(lines) * (longest + 2) + u32::from(limits.fields) * 2 + 4;
    wide.interim_messages = limits.interim_messages;
    wide.interim_bytes =
        limits.interim_bytes + u32::from(limits.interim_messages) * (u32::from(limits.fields) * 2 + 4);
    wide.trailer_fields = limits.trailer_fields;
    wide.trailer_section = limits.trailer_section + u32::from(limits.trailer_fields) * 2 + 2;
    wide.field_line = match policy.level(Rule::ObsFold) {
        Level::Deny => limits.field_line.max(longest) + 1,
        Level::Allow | Level::Note => wide.header_section.max(wide.trailer_section),
    };
    wide
}
