//! Strategies for replies, requests, policies and arrivals.
//!
//! Replies are of three kinds: valid ones built from the grammar together with what is to be said of them, mutations
//! of those and of the corpus, and words that look like HTTP in no order at all.

use std::fmt;
use std::sync::OnceLock;

use badgateway::{
    Asked, Close, Exchange, Framing, Level, Limits, Method, Policy, Reason, Reuse, Rule, Version, Written,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::literate;

/// Longest reply of the corpus that is worth mutating: longer ones are there to reach a limit.
const LONGEST: usize = 1200;

/// Bytes that stand escaped in the report of a property that fails.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A reply, what it is held against, and how the connection ends after it, if it does.
#[derive(Clone)]
pub struct Trial {
    pub reply: Bytes,
    pub exchange: Exchange,
    pub policy: Policy,
    pub close: Option<Close>,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial")
            .field("reply", &self.reply)
            .field("close", &self.close)
            .field("policy", &Described(&self.policy))
            .field("exchange", &Asking(&self.exchange))
            .finish()
    }
}

/// A request without the inline space for its offer.
struct Asking<'e>(&'e Exchange);

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exchange = self.0;
        write!(f, "{:?} {:?}", exchange.method(), exchange.request_written())?;
        write!(f, ", offers \"{}\"", exchange.offer().escape_ascii())?;
        write!(f, ", version {:?}, closing {}", exchange.request_version(), exchange.is_closing())?;
        write!(f, ", expect {:?}", exchange.continue_asked())?;
        write!(f, ", range {:?}, conditional {:?}", exchange.range_asked(), exchange.precondition_asked())
    }
}

/// A policy as its differences from DEFAULT.
pub struct Described<'p>(pub &'p Policy);

impl fmt::Debug for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("default with")?;
        for rule in Rule::all().filter(|&rule| self.0.level(rule) != Policy::DEFAULT.level(rule)) {
            write!(f, " {rule}={}", self.0.level(rule).name())?;
        }
        if self.0.limits() != &Limits::DEFAULT { write!(f, " {:?}", self.0.limits()) } else { Ok(()) }
    }
}

/// Any reply, request, policy and end; now and then a limit lies close to what the reply needs.
pub fn trial() -> impl Strategy<Value = Trial> {
    let request = option::weighted(0.25, exchange());
    (message(), request, policy(), option::weighted(0.15, near_limits()), option::weighted(0.8, close()))
        .prop_map(|((reply, own), other, policy, near, close)| Trial {
            policy: match near {
                Some(near) => policy.with_limits(of_size(*policy.limits(), &near, &reply)),
                None => policy,
            },
            reply: Bytes(reply),
            exchange: other.unwrap_or(own),
            close,
        })
}

/// How a reply is cut into reads: the places, in order.
pub fn arrival() -> impl Strategy<Value = Arrival> {
    vec(any::<Index>(), 0..7).prop_map(Arrival)
}

#[derive(Clone, Debug, Default)]
pub struct Arrival(Vec<Index>);

impl Arrival {
    pub fn cuts(&self, len: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = self.0.iter().map(|index| index.index(len + 1)).collect();
        cuts.sort_unstable();
        cuts
    }
}

pub fn close() -> impl Strategy<Value = Close> {
    prop_oneof![
        6 => Just(Close::Eof),
        1 => Just(Close::Truncated),
        1 => Just(Close::Reset),
        1 => Just(Close::Timeout),
        1 => Just(Close::Abandoned),
    ]
}

// Requests

fn asked() -> impl Strategy<Value = Asked> {
    select(vec![Asked::Unknown, Asked::No, Asked::Yes])
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        6 => Just(Method::Idempotent),
        2 => Just(Method::Other),
        2 => Just(Method::Head),
        2 => Just(Method::Connect),
    ]
}

/// Everything about a request that does not decide where the reply ends.
#[derive(Clone, Debug)]
struct Manners {
    version: Option<Version>,
    closing: bool,
    expect: Asked,
    range: Asked,
    conditional: Asked,
    accept: Option<[u8; 28]>,
}

fn manners() -> impl Strategy<Value = Manners> {
    let version = option::of(select(vec![Version::Http10, Version::Http11]));
    let accept = option::weighted(0.2, any::<[u8; 28]>());
    (version, prop::bool::weighted(0.2), asked(), asked(), asked(), accept).prop_map(
        |(version, closing, expect, range, conditional, accept)| Manners {
            version,
            closing,
            expect,
            range,
            conditional,
            accept,
        },
    )
}

impl Manners {
    fn of(&self, method: Method) -> Exchange {
        let mut exchange =
            Exchange::new(method).expect(self.expect).range(self.range).conditional(self.conditional);
        if let Some(version) = self.version {
            exchange = exchange.version(version);
        }
        if let Some(accept) = self.accept {
            exchange = exchange.websocket_accept(accept);
        }
        if self.closing { exchange.closing() } else { exchange }
    }
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![9 => Just(Written::Whole), 1 => Just(Written::Part)]
}

pub fn exchange() -> impl Strategy<Value = Exchange> {
    let offer = option::weighted(0.4, select(vec!["websocket", "h2c, a/1", "a/1,", ",", "\u{e9}", ""]));
    let written = prop_oneof![8 => written(), 1 => Just(Written::Nothing)];
    (method(), manners(), written, offer).prop_map(|(method, manners, written, offer)| {
        let exchange = manners.of(method).written(written);
        match offer {
            Some(offer) => exchange.upgrade(offer.as_bytes()),
            None => exchange,
        }
    })
}

// Policies

fn level() -> impl Strategy<Value = Level> {
    select(vec![Level::Allow, Level::Note, Level::Deny])
}

fn rule() -> impl Strategy<Value = Rule> {
    any::<Index>().prop_map(|index| Rule::all().nth(index.index(Rule::COUNT)).unwrap())
}

fn preset() -> impl Strategy<Value = Policy> {
    select(vec![Policy::COMPAT, Policy::DEFAULT, Policy::STRICT, Policy::observe()])
}

pub fn policy() -> impl Strategy<Value = Policy> {
    let settings = prop_oneof![
        4 => vec((rule(), level()), 0..10),
        1 => vec((rule(), level()), Rule::COUNT),
    ];
    (preset(), settings, option::weighted(0.25, limits())).prop_map(|(preset, settings, limits)| {
        let policy = settings.into_iter().fold(preset, |policy, (rule, level)| policy.set(rule, level));
        match limits {
            Some(limits) => policy.with_limits(limits),
            None => policy,
        }
    })
}

/// Limits of which some are small enough to be reached.
fn limits() -> impl Strategy<Value = Limits> {
    let some = |range: std::ops::Range<u32>| option::weighted(0.3, range);
    let head = (some(0..40), some(0..60), some(0..250), some(0..6));
    let interims = (some(0..3), some(0..120));
    let chunks = (some(0..12), some(0..50), some(0..4));
    (head, interims, chunks, (some(0..60), some(0..4), some(0..30))).prop_map(
        |(head, interims, chunks, (trailer_section, trailer_fields, content))| {
            let mut limits = Limits::DEFAULT;
            let set = |limit: &mut u32, to: Option<u32>| *limit = to.unwrap_or(*limit);
            let set_count = |limit: &mut u16, to: Option<u32>| *limit = to.map_or(*limit, |to| to as u16);
            set(&mut limits.status_line, head.0);
            set(&mut limits.field_line, head.1);
            set(&mut limits.header_section, head.2);
            set_count(&mut limits.fields, head.3);
            set_count(&mut limits.interim_messages, interims.0);
            set(&mut limits.interim_bytes, interims.1);
            set(&mut limits.chunk_line, chunks.0);
            set(&mut limits.chunk_overhead, chunks.1);
            set(&mut limits.chunk_overhead_ratio, chunks.2);
            set(&mut limits.trailer_section, trailer_section);
            set_count(&mut limits.trailer_fields, trailer_fields);
            limits.content = content.map_or(limits.content, u64::from);
            limits
        },
    )
}

/// Which limits, the sizes they are to have, and how far off they are to be.
fn near_limits() -> impl Strategy<Value = Vec<(usize, Index, i64)>> {
    vec((0..12usize, any::<Index>(), -1..=1i64), 1..3)
}

fn of_size(mut limits: Limits, near: &[(usize, Index, i64)], reply: &[u8]) -> Limits {
    let sizes = sizes(reply);
    for (which, size, off) in near {
        let size = size.get(&sizes).saturating_add_signed(*off);
        match which {
            0 => limits.status_line = size as u32,
            1 => limits.field_line = size as u32,
            2 => limits.header_section = size as u32,
            3 => limits.fields = (size % 8) as u16,
            4 => limits.interim_messages = (size % 4) as u16,
            5 => limits.interim_bytes = size as u32,
            6 => limits.chunk_line = size as u32,
            7 => limits.chunk_overhead = size as u32,
            8 => limits.chunk_overhead_ratio = (size % 4) as u32,
            9 => limits.trailer_section = size as u32,
            10 => limits.trailer_fields = (size % 4) as u16,
            _ => limits.content = size,
        }
    }
    limits
}

/// From where a line starts to where it or one of the next few ends, with the line end and without; and small numbers.
fn sizes(reply: &[u8]) -> Vec<u64> {
    let ends = reply.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let edges: Vec<usize> = [0].into_iter().chain(ends).collect();
    let mut sizes: Vec<u64> = (0..8).collect();
    for (at, start) in edges.iter().enumerate() {
        for end in edges[at + 1..].iter().take(8) {
            sizes.extend([(end - start) as u64, (end - start).saturating_sub(2) as u64]);
        }
    }
    sizes
}

/// A way to make a policy looser: some levels lowered, limits perhaps raised.
#[derive(Clone, Debug)]
pub struct Loosening {
    lowered: Vec<(Rule, Level)>,
    raised: Option<Limits>,
}

pub fn loosening() -> impl Strategy<Value = Loosening> {
    let lowered = prop_oneof![vec((rule(), level()), 0..8), vec((rule(), level()), 2 * Rule::COUNT)];
    (lowered, option::weighted(0.3, limits())).prop_map(|(lowered, raised)| Loosening { lowered, raised })
}

impl Loosening {
    pub fn of(&self, policy: Policy) -> Policy {
        let mut looser = policy;
        for &(rule, level) in &self.lowered {
            looser = looser.set(rule, level.min(looser.level(rule)));
        }
        let Some(other) = &self.raised else { return looser };
        let mut limits = *policy.limits();
        limits.status_line = limits.status_line.max(other.status_line);
        limits.field_line = limits.field_line.max(other.field_line);
        limits.header_section = limits.header_section.max(other.header_section);
        limits.fields = limits.fields.max(other.fields);
        limits.interim_messages = limits.interim_messages.max(other.interim_messages);
        limits.interim_bytes = limits.interim_bytes.max(other.interim_bytes);
        limits.chunk_line = limits.chunk_line.max(other.chunk_line);
        limits.chunk_overhead = limits.chunk_overhead.max(other.chunk_overhead);
        limits.chunk_overhead_ratio = limits.chunk_overhead_ratio.max(other.chunk_overhead_ratio);
        limits.trailer_section = limits.trailer_section.max(other.trailer_section);
        limits.trailer_fields = limits.trailer_fields.max(other.trailer_fields);
        limits.content = limits.content.max(other.content);
        looser.with_limits(limits)
    }
}

// Valid replies

/// A reply from the grammar, and what is to be said of it under STRICT.
#[derive(Clone, Debug)]
pub struct Valid {
    pub reply: Bytes,
    pub exchange: Exchange,
    pub close: Option<Close>,
    pub interims: Vec<u16>,
    pub status: u16,
    pub fields: Vec<(Bytes, Bytes)>,
    pub framing: Framing,
    pub content: Bytes,
    pub trailers: Vec<(Bytes, Bytes)>,
    /// Bytes behind the head of a tunnel.
    pub rest: usize,
    pub reuse: Reuse,
}

/// Lengths around the edges of the blocks in which a scanner may look at bytes.
fn length() -> impl Strategy<Value = usize> {
    (select(vec![0usize, 2, 8, 16, 32, 64, 128]), 0usize..5)
        .prop_map(|(edge, more)| (edge + more).saturating_sub(2))
}

fn tchar() -> impl Strategy<Value = u8> {
    select(b"abcxyzABCXYZ019!#$%&'*+-.^_`|~".to_vec())
}

/// HTAB, SP, VCHAR or obs-text.
fn text() -> impl Strategy<Value = u8> {
    prop_oneof![10 => 0x21..=0x7eu8, 2 => Just(b' '), 1 => Just(b'\t'), 2 => 0x80..=0xffu8]
}

/// A few bytes over and over, to that length.
fn cycled(byte: impl Strategy<Value = u8>) -> impl Strategy<Value = Vec<u8>> {
    (vec(byte, 1..5), length())
        .prop_map(|(pattern, length)| pattern.iter().copied().cycle().take(length).collect())
}

fn token() -> impl Strategy<Value = Vec<u8>> {
    cycled(tchar()).prop_filter("a token is not empty", |token| !token.is_empty())
}

fn blanks() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", " ", " ", " ", "\t", " \t "])
}

#[derive(Clone, Debug)]
struct Line {
    name: Vec<u8>,
    before: &'static str,
    value: Vec<u8>,
    after: &'static str,
}

impl Line {
    fn plain(name: &str, value: impl Into<Vec<u8>>) -> Line {
        Line { name: name.into(), before: " ", value: value.into(), after: "" }
    }

    fn write(&self, out: &mut Vec<u8>) {
        for part in [&self.name, &b":"[..], self.before.as_bytes(), &self.value, self.after.as_bytes()] {
            out.extend(part);
        }
        out.extend(b"\r\n");
    }

    fn pair(&self) -> (Bytes, Bytes) {
        (Bytes(self.name.clone()), Bytes(self.value.clone()))
    }
}

fn pairs(lines: &[Line]) -> Vec<(Bytes, Bytes)> {
    lines.iter().map(Line::pair).collect()
}

fn trim(value: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    value[start..end].to_vec()
}

/// A field that no rule is about: no registered name starts like these.
fn line() -> impl Strategy<Value = Line> {
    let name = (select(b"xXqQzZ9!#$'*_~".to_vec()), cycled(tchar()));
    let value = (cycled(text()), vec((any::<Index>(), text()), 0..2));
    (name, value, blanks(), blanks()).prop_map(|((first, mut name), (mut value, pokes), before, after)| {
        name.insert(0, first);
        for (at, byte) in pokes {
            if !value.is_empty() {
                let at = at.index(value.len());
                value[at] = byte;
            }
        }
        Line { name, before, value: trim(&value), after }
    })
}

const USUAL: [(&str, &str); 12] = [
    ("Date", "Tue, 21 Jul 2026 10:00:00 GMT"),
    ("Server", "nginx"),
    ("Content-Type", "text/html; charset=utf-8"),
    ("content-encoding", "identity"),
    ("ETag", "\"a\""),
    ("Last-Modified", "Tue, 21 Jul 2026 09:00:00 GMT"),
    ("LOCATION", "/elsewhere"),
    ("Set-Cookie", "a=b; Path=/"),
    ("set-cookie", "c=d"),
    ("Vary", "accept, accept-encoding"),
    ("Age", "0"),
    ("Retry-After", "120"),
];

/// Fields that say nothing about framing or the connection.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    (vec(line(), 0..4), subsequence(USUAL.to_vec(), 0..5)).prop_map(|(mut lines, usual)| {
        lines.extend(usual.into_iter().map(|(name, value)| Line::plain(name, value)));
        lines
    })
}

fn reason() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(b"OK".to_vec()), cycled(text())]
}

#[derive(Clone, Debug)]
struct Interim {
    status: u16,
    reason: Vec<u8>,
    lines: Vec<Line>,
}

fn interims() -> impl Strategy<Value = Vec<Interim>> {
    let status = select(vec![100u16, 102, 103, 104, 199]);
    let interim = (status, reason(), lines());
    let interim = interim.prop_map(|(status, reason, lines)| Interim { status, reason, lines });
    prop_oneof![3 => Just(Vec::new()), 1 => vec(interim, 1..4)]
}

#[derive(Clone, Debug)]
struct Chunk {
    data: Vec<u8>,
    zeros: usize,
    upper: bool,
    extensions: Vec<u8>,
}

impl Chunk {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(vec![b'0'; self.zeros]);
        let (len, upper) = (self.data.len(), self.upper);
        out.extend(if upper { format!("{len:X}") } else { format!("{len:x}") }.into_bytes());
        out.extend(&self.extensions);
        out.extend(b"\r\n");
        if len > 0 {
            out.extend(&self.data);
            out.extend(b"\r\n");
        }
    }
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![2 => cycled(any::<u8>()), 1 => cycled(select(b"\r\n0a;:".to_vec()))]
}

/// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ), but no blanks after the size.
fn extensions() -> impl Strategy<Value = Vec<u8>> {
    let qdtext = text().prop_filter("not escaped", |byte| !matches!(byte, b'"' | b'\\'));
    let pair = text().prop_map(|byte| vec![b'\\', byte]);
    let inside = vec(prop_oneof![qdtext.prop_map(|byte| vec![byte]), pair], 0..6);
    let quoted = inside.prop_map(|inside| [&b"\""[..], &inside.concat(), b"\""].concat());
    let value = (blanks(), blanks(), prop_oneof![token(), quoted]);
    let value = value.prop_map(|(a, b, value)| [a.as_bytes(), b"=", b.as_bytes(), &value].concat());
    let extension = (blanks(), blanks(), token(), option::of(value));
    let list = vec(extension, 1..3).prop_map(|list| {
        let mut out = Vec::new();
        for (before, after, name, value) in list {
            // No blanks after the size.
            let before = if out.is_empty() { "" } else { before };
            out.extend(
                [before.as_bytes(), b";", after.as_bytes(), &name, &value.unwrap_or_default()].concat(),
            );
        }
        out
    });
    prop_oneof![4 => Just(Vec::new()), 1 => list]
}

fn chunk(data: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Chunk> {
    (data, 0usize..3, any::<bool>(), extensions()).prop_map(|(data, zeros, upper, extensions)| Chunk {
        data,
        zeros,
        upper,
        extensions,
    })
}

/// A chunked body up to its last-chunk line, good or a little damaged.
pub fn chunked_body() -> impl Strategy<Value = Bytes> {
    let some = content().prop_filter("a chunk with data", |data| !data.is_empty());
    let chunks = (vec(chunk(some), 0..4), chunk(Just(Vec::new())));
    (chunks, vec(mutation(), 0..3)).prop_map(|((chunks, last), mutations)| {
        let mut body = Vec::new();
        chunks.iter().chain([&last]).for_each(|chunk| chunk.write(&mut body));
        mutations.iter().for_each(|mutation| mutation.apply(&mut body));
        Bytes(body)
    })
}

/// The ways in which a reply can end.
#[derive(Clone, Debug)]
enum Body {
    Length(Vec<u8>),
    Chunked {
        chunks: Vec<Chunk>,
        last: Chunk,
        trailers: Vec<Line>,
    },
    UntilClose(Vec<u8>),
    /// To HEAD.
    Described(Option<u64>),
    NoContent,
    NotModified(Option<u64>),
    Upgraded(Vec<u8>),
    Connected(Vec<u8>),
}

fn body() -> impl Strategy<Value = Body> {
    let some = content().prop_filter("a chunk with data", |data| !data.is_empty());
    let trailers = prop_oneof![1 => Just(Vec::new()), 1 => vec(line(), 1..4)];
    let chunked = (vec(chunk(some), 0..5), chunk(Just(Vec::new())), trailers);
    let described = option::of(0u64..1 << 40);
    prop_oneof![
        6 => content().prop_map(Body::Length),
        8 => chunked.prop_map(|(chunks, last, trailers)| Body::Chunked { chunks, last, trailers }),
        2 => content().prop_map(Body::UntilClose),
        1 => described.clone().prop_map(Body::Described),
        1 => Just(Body::NoContent),
        1 => described.prop_map(Body::NotModified),
        1 => content().prop_map(Body::Upgraded),
        1 => content().prop_map(Body::Connected),
    ]
}

/// What the reply says of the connection: its Connection lines and fields they name; closes it; keeps it.
type Options = (Vec<(&'static str, &'static str)>, bool, bool);

fn options() -> impl Strategy<Value = Options> {
    let choices: Vec<Options> = vec![
        (vec![], false, false),
        (vec![("Connection", "close")], true, false),
        (vec![("connection", "x-a , CLOSE"), ("x-a", "b")], true, false),
        (vec![("Connection", "x-a"), ("CONNECTION", "Close")], true, false),
        (vec![("Connection", "Keep-Alive"), ("Keep-Alive", "timeout=5, max=99")], false, true),
        (vec![("Connection", "keep-alive\t,x-b")], false, true),
    ];
    select(choices)
}

pub fn valid() -> impl Strategy<Value = Valid> {
    let status = select(vec![200u16, 200, 200, 201, 206, 299, 300, 301, 400, 404, 410, 500, 503, 599]);
    let head = (status, reason(), lines(), options(), prop::bool::weighted(0.15), any::<u64>());
    let request = (manners(), written(), prop::bool::weighted(0.1), option::of(close()));
    (interims(), head, body(), request)
        .prop_map(|(interims, head, body, request)| build(interims, head, body, request))
}

type HeadParts = (u16, Vec<u8>, Vec<Line>, Options, bool, u64);
type RequestParts = (Manners, Written, bool, Option<Close>);

fn build(interims: Vec<Interim>, head: HeadParts, body: Body, request: RequestParts) -> Valid {
    let (mut status, reason, mut lines, (options, closes, keeps), old, seed) = head;
    let (manners, mut written, mut offers, mut close) = request;
    lines.extend(options.into_iter().map(|(name, value)| Line::plain(name, value)));
    let mut method = if seed % 3 == 0 { Method::Other } else { Method::Idempotent };
    let mut trailers = Vec::new();
    let (mut content, mut wire) = (Vec::new(), Vec::new());
    let framing = match &body {
        Body::Length(bytes) => {
            content.clone_from(bytes);
            wire.clone_from(bytes);
            lines.push(Line::plain("Content-Length", bytes.len().to_string()));
            if bytes.is_empty() && seed % 5 == 0 {
                status = 205;
            }
            Framing::Length(bytes.len() as u64)
        }
        Body::Chunked { chunks, last, trailers: fields } => {
            let spelling = ["chunked", "Chunked", "CHUNKED"][(seed % 3) as usize];
            lines.push(Line::plain("Transfer-Encoding", spelling));
            for chunk in chunks {
                chunk.write(&mut wire);
                content.extend(&chunk.data);
            }
            last.write(&mut wire);
            trailers.clone_from(fields);
            trailers.iter().for_each(|line| line.write(&mut wire));
            wire.extend(b"\r\n");
            Framing::Chunked
        }
        Body::UntilClose(bytes) => {
            content.clone_from(bytes);
            wire.clone_from(bytes);
            close = Some(Close::Eof);
            Framing::UntilClose
        }
        Body::Described(length) => {
            method = Method::Head;
            lines.push(match length {
                Some(length) => Line::plain("content-length", length.to_string()),
                None => Line::plain("Transfer-Encoding", "chunked"),
            });
            Framing::None
        }
        Body::NoContent => {
            status = 204;
            Framing::None
        }
        Body::NotModified(length) => {
            status = 304;
            lines.extend(length.map(|length| Line::plain("Content-Length", length.to_string())));
            Framing::None
        }
        Body::Upgraded(bytes) => {
            status = 101;
            offers = true;
            written = Written::Whole;
            wire.clone_from(bytes);
            lines.push(Line::plain("Connection", "Upgrade"));
            lines.push(Line::plain("Upgrade", "WebSocket"));
            Framing::Tunnel
        }
        Body::Connected(bytes) => {
            method = Method::Connect;
            status = 200 + (seed % 100) as u16;
            written = Written::Whole;
            wire.clone_from(bytes);
            Framing::Tunnel
        }
    };
    let old = old && interims.is_empty() && !matches!(framing, Framing::Chunked | Framing::Tunnel);
    let old = old && !matches!(body, Body::Described(None));
    shuffle(&mut lines, seed);

    let mut reply = Vec::new();
    for interim in &interims {
        write_head(&mut reply, b'1', interim.status, &interim.reason, &interim.lines);
    }
    write_head(&mut reply, if old { b'0' } else { b'1' }, status, &reason, &lines);
    let rest = if framing == Framing::Tunnel { wire.len() } else { 0 };
    reply.extend(wire);

    let exchange = manners.of(method).written(written);
    let reuse = match framing {
        Framing::Tunnel => Reuse::No(Reason::Tunnel),
        Framing::UntilClose => Reuse::No(Reason::CloseDelimited),
        _ if written != Written::Whole => Reuse::No(Reason::RequestUnfinished),
        _ if manners.closing => Reuse::No(Reason::RequestClosing),
        _ if closes => Reuse::No(Reason::CloseOption),
        _ if old && !keeps => Reuse::No(Reason::Http10),
        _ => Reuse::Yes,
    };
    Valid {
        reply: Bytes(reply),
        exchange: if offers { exchange.upgrade(b"a/1, websocket") } else { exchange },
        close,
        interims: interims.iter().map(|interim| interim.status).collect(),
        status,
        fields: pairs(&lines),
        framing,
        content: Bytes(content),
        trailers: pairs(&trailers),
        rest,
        reuse,
    }
}

fn write_head(out: &mut Vec<u8>, minor: u8, status: u16, reason: &[u8], lines: &[Line]) {
    out.extend(b"HTTP/1.");
    out.push(minor);
    out.extend(format!(" {status} ").into_bytes());
    out.extend(reason);
    out.extend(b"\r\n");
    lines.iter().for_each(|line| line.write(out));
    out.extend(b"\r\n");
}

/// The order of lines of different names means nothing.
fn shuffle(lines: &mut [Line], mut seed: u64) {
    for at in (1..lines.len()).rev() {
        lines.swap(at, (seed % (at as u64 + 1)) as usize);
        seed /= at as u64 + 1;
    }
}

// Replies that need not be valid

/// The replies of the corpus, with the requests they answer.
fn corpus() -> &'static [(Vec<u8>, Exchange)] {
    static CORPUS: OnceLock<Vec<(Vec<u8>, Exchange)>> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let cases = literate::cases().into_iter().map(|case| (case.reply, case.exchange));
        cases.filter(|(reply, _)| reply.len() <= LONGEST).collect()
    })
}

fn from_corpus() -> impl Strategy<Value = (Vec<u8>, Exchange)> {
    any::<Index>().prop_map(|index| corpus()[index.index(corpus().len())].clone())
}

fn well_formed() -> impl Strategy<Value = (Vec<u8>, Exchange)> {
    valid().prop_map(|valid| (valid.reply.0, valid.exchange))
}

fn message() -> impl Strategy<Value = (Vec<u8>, Exchange)> {
    let base = || prop_oneof![well_formed(), from_corpus()].boxed();
    let mutated = (base(), vec(mutation(), 1..5)).prop_map(|((mut reply, exchange), mutations)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut reply));
        (reply, exchange)
    });
    let spliced = (base(), base(), any::<Index>(), any::<Index>()).prop_map(|(one, two, end, start)| {
        let (end, start) = (end.index(one.0.len() + 1), start.index(two.0.len() + 1));
        ([&one.0[..end], &two.0[start..]].concat(), one.1)
    });
    let in_line = (base(), base()).prop_map(|(one, two)| ([one.0, two.0].concat(), one.1));
    let words = (words(), exchange());
    let noise = (vec(any::<u8>(), 0..80), exchange());
    // What looks like nothing at all is soon refused, but not where content or a tunnel is due.
    let behind = (base(), vec(any::<u8>(), 1..80));
    let behind = behind.prop_map(|((reply, exchange), noise)| ([reply, noise].concat(), exchange));
    prop_oneof![
        2 => base(),
        8 => mutated,
        2 => spliced,
        1 => in_line,
        2 => words,
        1 => noise,
        1 => behind,
    ]
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Replace(Index, &'static [u8]),
    Delete(Index, usize),
    Insert(Index, &'static [u8]),
    Repeat(Index, usize),
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let inserted: Vec<&'static [u8]> = vec![
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b" ",
        b"\t",
        b"\0",
        b":",
        b";",
        b",",
        b"=",
        b"\"",
        b"\\",
        b"\x0b",
        b"\x7f",
        b"\xa0",
        b"0",
        b"f",
        b"x",
        b"\r\n ",
        b"\n\n",
    ];
    prop_oneof![
        3 => (any::<Index>(), 1u8..=255).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        2 => (any::<Index>(), 1usize..4).prop_map(|(at, len)| Mutation::Delete(at, len)),
        2 => (any::<Index>(), select(inserted.clone())).prop_map(|(at, bytes)| Mutation::Replace(at, bytes)),
        6 => (any::<Index>(), select(inserted)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        1 => (any::<Index>(), 1usize..60).prop_map(|(at, len)| Mutation::Repeat(at, len)),
        1 => any::<Index>().prop_map(Mutation::Truncate),
    ]
}

impl Mutation {
    fn apply(&self, reply: &mut Vec<u8>) {
        if reply.is_empty() {
            return;
        }
        let some = |at: &Index, len: usize, reply: &[u8]| {
            let start = at.index(reply.len());
            start..(start + len).min(reply.len())
        };
        match self {
            Mutation::Flip(at, bits) => {
                let at = at.index(reply.len());
                reply[at] ^= bits;
            }
            Mutation::Replace(at, bytes) => drop(reply.splice(some(at, 1, reply), bytes.iter().copied())),
            Mutation::Delete(at, len) => drop(reply.drain(some(at, *len, reply))),
            Mutation::Insert(at, bytes) => {
                let at = at.index(reply.len() + 1);
                reply.splice(at..at, bytes.iter().copied());
            }
            Mutation::Repeat(at, len) => {
                let range = some(at, *len, reply);
                let copy = reply[range.clone()].to_vec();
                reply.splice(range.start..range.start, copy);
            }
            Mutation::Truncate(at) => reply.truncate(at.index(reply.len())),
        }
    }
}

/// What HTTP is made of, in any order.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 \r\n\r\n",
        b"HTTP/1.0 ",
        b"HTTP/1.1 ",
        b"http/1.1 ",
        b"200 ",
        b"204 \r\n",
        b"101 \r\n",
        b"Content-Length:",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding:",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection:",
        b"Upgrade: websocket\r\n",
        b"Trailer: a\r\n",
        b"Date: now\r\n",
        b"chunked",
        b"identity",
        b"close",
        b"keep-alive",
        b"0\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"a",
        b"5",
        b": ",
        b", ",
        b";",
        b"\"",
        b"=",
        b" ",
        b"\t",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\r\n ",
        b"\0",
        b"\x1b",
        b"\xff",
    ];
    let word = prop_oneof![
        12 => select(words).prop_map(<[u8]>::to_vec),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let start = prop_oneof![
        1 => Just(&b""[..]),
        2 => Just(&b"HTTP/1.1 200 OK\r\n"[..]),
        2 => Just(&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..]),
        1 => Just(&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"[..]),
    ];
    (start, vec(word, 0..24)).prop_map(|(start, words)| [start.to_vec(), words.concat()].concat())
}
