//! Replies that nobody wrote: valid ones made from the grammar, the same with faults, and words in no order at all.

use std::ops::{Range, RangeInclusive};
use std::sync::OnceLock;

use badgateway::{Exchange, Limits, Method, Written};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::framing::{END_TO_END, HOP_BY_HOP, NO_TRAILERS, SINGLETONS};
use crate::grammar::{Octets, is_tchar, trim};
use crate::literate;
use crate::reply::Terms;
use crate::trial::Trial;

// Strategies are large values: those made of many are boxed, or a test thread has too little stack for them.

/// Replies of all kinds, under the limits of the presets.
pub fn any_trial() -> impl Strategy<Value = Trial> {
    prop_oneof![
        4 => valid(),
        5 => (valid(), edits(), near_exchange()).prop_map(mutated),
        3 => (of_the_corpus(), edits(), near_exchange()).prop_map(mutated),
        1 => words(),
    ]
    .boxed()
}

// Requests

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop_oneof![
        6 => Just(Method::Idempotent),
        1 => Just(Method::Other),
        2 => Just(Method::Head),
        1 => Just(Method::Connect),
    ];
    let offer = prop_oneof![5 => Just(""), 1 => Just("websocket"), 1 => Just("h2c, Foo/2")];
    (method, offer).prop_map(|(method, offer)| Exchange::new(method).upgrade(offer.as_bytes()))
}

/// Another request than the one that the reply was made for, now and then.
fn near_exchange() -> impl Strategy<Value = Option<Exchange>> {
    let written =
        prop_oneof![8 => Just(Written::Whole), 4 => Just(Written::Part), 1 => Just(Written::Nothing)];
    option::weighted(0.1, (exchange(), written).prop_map(|(exchange, written)| exchange.written(written)))
}

// Octets

/// So many octets: few, or about as many as a vector of some processor holds.
fn octets(of: impl Strategy<Value = u8> + Clone + 'static) -> impl Strategy<Value = Vec<u8>> {
    let about = |edge: usize| vec(of.clone(), edge - 2..edge + 3);
    prop_oneof![
        20 => vec(of.clone(), 0..9),
        2 => about(16),
        2 => about(32),
        2 => about(64),
        1 => about(48),
        1 => about(96),
        1 => about(128),
        1 => vec(of, 0..200),
    ]
    .boxed()
}

/// `HTAB / SP / VCHAR / obs-text`
fn text() -> impl Strategy<Value = Vec<u8>> {
    octets(prop_oneof![9 => 0x21..=0x7eu8, 2 => Just(b' '), 1 => Just(b'\t'), 2 => 0x80..=0xffu8])
}

fn tchar() -> impl Strategy<Value = u8> + Clone {
    let others: Vec<u8> =
        (0..=0xff).filter(|&octet| is_tchar(octet) && !octet.is_ascii_alphabetic()).collect();
    prop_oneof![3 => b'a'..=b'z', 1 => b'A'..=b'Z', 1 => select(others)]
}

/// A token, and none of the field names that mean something here.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let token = (tchar(), octets(tchar())).prop_map(|(first, rest)| [vec![first], rest].concat());
    token.prop_filter("the name of a field that means something", |token| {
        !names().iter().any(|name| token.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn names() -> Vec<&'static str> {
    [&SINGLETONS[..], &HOP_BY_HOP, &END_TO_END, &NO_TRAILERS.concat()].concat()
}

/// `OWS`, mostly the one space that is written by most.
fn ows() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(" "), 2 => Just(""), 1 => select(vec!["\t", "  ", " \t", "\t \t   "])]
}

/// Octets on which a parser of HTTP has reason to look twice.
fn delicate() -> impl Strategy<Value = u8> + Clone {
    let marks = b"\r\n \t:;,=\"\\\0\x0b\x0c\x1f\x7f\x80\xa0\xff/.+-_(0123459aAfFgGxX".to_vec();
    prop_oneof![12 => select(marks), 3 => select(b"\r\n \t:".to_vec()), 1 => any::<u8>()]
}

// Field lines

fn field_line(
    name: impl Strategy<Value = Vec<u8>>,
    value: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = Vec<u8>> {
    (name, ows(), value, ows(), any::<u32>()).prop_map(|(mut name, before, value, after, case)| {
        for (at, octet) in name.iter_mut().enumerate().take(32) {
            if case >> at & 1 == 1 && case % 3 == 0 {
                *octet = if octet.is_ascii_uppercase() {
                    octet.to_ascii_lowercase()
                } else {
                    octet.to_ascii_uppercase()
                };
            }
        }
        [&name[..], b":", before.as_bytes(), &value, after.as_bytes(), b"\r\n"].concat()
    })
}

fn named(name: &str) -> Just<Vec<u8>> {
    Just(name.as_bytes().to_vec())
}

/// Fields without bearing on the message, some of them with names that come close to others.
fn other_field() -> impl Strategy<Value = Vec<u8>> {
    let known = select(vec![
        "Server",
        "Set-Cookie",
        "Cache-Control",
        "Via",
        "Vary",
        "Trailer",
        "Transfer-Encodings",
        "Content-Lengths",
        "Content_Length",
        "Tf",
        "Connections",
        "X-Content-Length",
    ]);
    let name = prop_oneof![1 => known.prop_map(|name| name.as_bytes().to_vec()), 2 => token()];
    field_line(name, text()).boxed()
}

fn singleton_fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let names = prop_oneof![2 => Just(vec![]), 1 => subsequence(SINGLETONS.to_vec(), 0..3)];
    (names, text(), ows()).prop_map(|(names, value, blank)| {
        let line = |name: &str| [name.as_bytes(), b":", blank.as_bytes(), &value, b"\r\n"].concat();
        names.into_iter().map(line).collect()
    })
}

/// Connection, and the fields that it has to name.
fn connection_fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let known = vec!["close", "keep-alive", "Close", "x", "transfer-encoding"];
    let element = prop_oneof![
        4 => select(known).prop_map(|name| name.as_bytes().to_vec()),
        1 => token(),
        1 => Just(vec![]),
    ];
    let value = (vec(element, 0..4), ows())
        .prop_map(|(elements, blank)| elements.join(format!("{blank},{blank}").as_bytes()));
    let lists = vec(field_line(named("Connection"), value), 0..3);
    let hop_by_hop = (subsequence(HOP_BY_HOP.to_vec(), 1..3), token()).prop_map(|(names, value)| {
        let option = |name: &&str| format!("Connection: {name}\r\n").into_bytes();
        let field = |name: &&str| [name.as_bytes(), b":", &value[..], b"\r\n"].concat();
        names.iter().map(option).chain(names.iter().map(field)).collect::<Vec<_>>()
    });
    prop_oneof![3 => Just(vec![]), 2 => lists, 1 => hop_by_hop].boxed()
}

/// Field lines that agree with each other, none of them about framing.
fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let all = (vec(other_field(), 0..5), singleton_fields(), connection_fields());
    all.prop_map(|(other, singleton, connection)| [other, singleton, connection].concat())
        .prop_shuffle()
        .boxed()
}

// Content

#[derive(Clone, Debug)]
enum Body {
    Nothing,
    Length(Vec<u8>),
    Chunked(Vec<Vec<u8>>, Vec<u8>),
    UntilClose(Vec<u8>),
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    octets(prop_oneof![3 => any::<u8>(), 1 => delicate()])
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        1 => Just(Body::Nothing),
        2 => content().prop_map(Body::Length),
        4 => (vec(chunk(), 0..5), last_chunk()).prop_map(|(chunks, last)| Body::Chunked(chunks, last)),
        2 => content().prop_map(Body::UntilClose),
    ]
    .boxed()
}

/// `1*HEXDIG`, in any case and with zeros in front.
fn chunk_size(size: usize, zeros: usize, upper: bool) -> Vec<u8> {
    let digits = if upper { format!("{size:X}") } else { format!("{size:x}") };
    ["0".repeat(zeros), digits].concat().into_bytes()
}

fn zeros() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(0), 1 => 0..20usize]
}

fn chunk() -> impl Strategy<Value = Vec<u8>> {
    (zeros(), any::<bool>(), chunk_ext(), any::<u8>(), content()).prop_map(
        |(zeros, upper, ext, first, rest)| {
            let data = [vec![first], rest].concat();
            [&chunk_size(data.len(), zeros, upper)[..], &ext, b"\r\n", &data, b"\r\n"].concat()
        },
    )
}

/// `last-chunk trailer-section CRLF`
fn last_chunk() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![token(), named("ETag"), named("Server-Timing"), named("Last-Modified")];
    let trailers = prop_oneof![2 => Just(vec![]), 1 => vec(field_line(name, text()), 0..4)];
    (zeros(), chunk_ext(), trailers)
        .prop_map(|(zeros, ext, trailers)| {
            [&chunk_size(0, zeros, false)[..], &ext, b"\r\n", &trailers.concat(), b"\r\n"].concat()
        })
        .boxed()
}

/// `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`, the first without BWS in front.
fn chunk_ext() -> impl Strategy<Value = Vec<u8>> {
    let bws = || prop_oneof![5 => Just(""), 1 => ows()];
    let value = option::of((bws(), bws(), prop_oneof![token(), quoted()]));
    let extension = (bws(), bws(), token(), value).prop_map(|(before, after, name, value)| {
        let value =
            value.map(|(before, after, value)| [before.as_bytes(), b"=", after.as_bytes(), &value].concat());
        [before.as_bytes(), b";", after.as_bytes(), &name, &value.unwrap_or_default()].concat()
    });
    let extensions = vec(extension, 1..4).prop_map(|extensions| trim(&extensions.concat()).to_vec());
    prop_oneof![3 => Just(vec![]), 1 => extensions].boxed()
}

/// `quoted-string`
fn quoted() -> impl Strategy<Value = Vec<u8>> {
    text().prop_map(|text| {
        let escaped = text.into_iter().flat_map(|octet| match octet {
            b'"' | b'\\' | 0x80.. => vec![b'\\', octet],
            _ => vec![octet],
        });
        [vec![b'"'], escaped.collect(), vec![b'"']].concat()
    })
}

// Heads and replies

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        5 => Just(200),
        4 => select(vec![101, 201, 204, 205, 206, 301, 304, 404, 500, 502, 599]),
        1 => 200..=599u16,
    ]
}

fn status_line(minor: u8, status: u16, reason: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.{minor} {status} ").as_bytes(), reason, b"\r\n"].concat()
}

fn interim() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![select(vec![100u16, 102, 103]), 104..=199u16];
    (status, text(), fields())
        .prop_map(|(status, reason, fields)| {
            [&status_line(1, status, &reason)[..], &fields.concat(), b"\r\n"].concat()
        })
        .boxed()
}

/// Everything that a valid reply may be made of.
#[derive(Clone, Debug)]
struct Draft {
    exchange: Exchange,
    interims: Vec<Vec<u8>>,
    is_old: bool,
    status: u16,
    reason: Vec<u8>,
    fields: Vec<Vec<u8>>,
    framing_at: Index,
    body: Body,
    noise: usize,
}

pub fn valid() -> impl Strategy<Value = Trial> {
    let interims = prop_oneof![4 => Just(vec![]), 1 => vec(interim(), 1..3)];
    let line = (prop_oneof![5 => Just(false), 1 => Just(true)], status(), text());
    let noise = prop_oneof![5 => Just(0), 1 => 0..3usize];
    let ended = prop_oneof![3 => Just(true), 1 => Just(false)];
    let rest = (fields(), any::<Index>(), body(), noise);
    (exchange(), interims, line, rest, any::<usize>(), ended)
        .prop_map(
            |(
                exchange,
                interims,
                (is_old, status, reason),
                (fields, framing_at, body, noise),
                cut,
                ended,
            )| {
                let draft =
                    Draft { exchange, interims, is_old, status, reason, fields, framing_at, body, noise };
                let terms = Terms { exchange, limits: Limits::DEFAULT };
                Trial { reply: Octets(draft.assemble()), terms, cut, ended }
            },
        )
        .boxed()
}

impl Draft {
    /// The parts that go together.
    fn assemble(mut self) -> Vec<u8> {
        let offer = self.exchange.offer().to_vec();
        if self.status == 101 && (offer.is_empty() || self.is_old) {
            self.status = 200;
        }
        if self.status == 101 {
            self.fields.retain(|line| !line.starts_with(b"upgrade:"));
        }
        if self.is_old
            && let Body::Chunked(chunks, last) = &self.body
        {
            self.body = Body::Length([chunks.concat(), last.clone()].concat());
        }
        let is_tunnel =
            self.exchange.method() == Method::Connect && self.status / 100 == 2 || self.status == 101;
        let is_empty = self.exchange.method() == Method::Head || matches!(self.status, 204 | 304);
        let (framing, content) = match self.body {
            _ if self.status == 101 => (upgrade_fields(&offer), vec![]),
            _ if self.status == 204 && !is_tunnel => (vec![], vec![]),
            _ if self.status == 205 && !is_tunnel => (content_length(&[]), vec![]),
            Body::Nothing => (vec![], vec![]),
            Body::Length(content) => (content_length(&content), content),
            Body::Chunked(chunks, last) => {
                (transfer_encoding(self.framing_at), [chunks.concat(), last].concat())
            }
            Body::UntilClose(content) => (vec![], content),
        };
        let content = if is_empty && !is_tunnel { vec![] } else { content };
        let until_close = framing.is_empty() && !is_empty && !is_tunnel;
        let noise = if is_tunnel || until_close { 0 } else { self.noise };
        self.fields.insert(self.framing_at.index(self.fields.len() + 1), framing);
        [
            self.interims.concat(),
            status_line(u8::from(!self.is_old), self.status, &self.reason),
            self.fields.concat(),
            b"\r\n".to_vec(),
            content,
            b"\r\n".repeat(noise),
        ]
        .concat()
    }
}

fn content_length(content: &[u8]) -> Vec<u8> {
    format!("Content-Length: {}\r\n", content.len()).into_bytes()
}

fn transfer_encoding(at: Index) -> Vec<u8> {
    let spellings =
        ["Transfer-Encoding: chunked", "transfer-encoding:CHUNKED\t", "TRANSFER-ENCODING:\t Chunked "];
    [at.get(&spellings).as_bytes(), b"\r\n"].concat()
}

fn upgrade_fields(offer: &[u8]) -> Vec<u8> {
    let first = offer.split(|&octet| octet == b',').next().unwrap_or(offer);
    [&b"Upgrade: "[..], first, b"\r\nConnection: upgrade\r\n"].concat()
}

/// A reply of the literate corpus, which has one at least for every way to break a rule.
fn of_the_corpus() -> impl Strategy<Value = Trial> {
    static CASES: OnceLock<Vec<Trial>> = OnceLock::new();
    let cases =
        CASES.get_or_init(|| corpus().into_iter().filter(|trial| trial.reply.0.len() < 1200).collect());
    (select(&cases[..]), any::<usize>(), any::<bool>()).prop_map(|(case, cut, ended)| Trial {
        cut,
        ended,
        ..case
    })
}

pub fn corpus() -> Vec<Trial> {
    let trial = |case: literate::Case| Trial {
        reply: Octets(case.reply),
        terms: Terms { exchange: case.exchange, limits: Limits::DEFAULT },
        cut: 0,
        ended: true,
    };
    literate::cases().into_iter().map(trial).collect()
}

// Faults

#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, u8),
    Delete(Index),
    Duplicate(Index, usize),
    Swap(Index),
    /// A line more, after some line end.
    Line(Index, Vec<u8>),
    /// A line in the place of one for the same field.
    InPlace(Index, Vec<u8>),
    /// An octet more, somewhere in the value of a field that decides framing.
    InValue(Index, Index, u8),
    /// An octet more behind some quotation mark of a chunk line, with or without a backslash.
    Quoted(Index, bool, u8),
    /// An octet more, not far behind the head.
    Behind(Index, u8),
    /// An octet more, before or after some line end.
    AtLineEnd(Index, bool, u8),
    Cut(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = any::<Index>;
    let edit = prop_oneof![
        4 => (at(), delicate()).prop_map(|(at, octet)| Edit::Replace(at, octet)),
        4 => (at(), delicate()).prop_map(|(at, octet)| Edit::Insert(at, octet)),
        3 => at().prop_map(Edit::Delete),
        1 => (at(), 1..40usize).prop_map(|(at, length)| Edit::Duplicate(at, length)),
        2 => at().prop_map(Edit::Swap),
        4 => (at(), line_of_consequence()).prop_map(|(at, line)| Edit::Line(at, line)),
        3 => (at(), line_of_consequence()).prop_map(|(at, line)| Edit::InPlace(at, line)),
        3 => (at(), at(), delicate()).prop_map(|(at, within, octet)| Edit::InValue(at, within, octet)),
        3 => (at(), any::<bool>(), delicate()).prop_map(|(at, escaped, octet)| Edit::Quoted(at, escaped, octet)),
        3 => (at(), delicate()).prop_map(|(at, octet)| Edit::Behind(at, octet)),
        3 => (at(), any::<bool>(), delicate()).prop_map(|(at, after, octet)| Edit::AtLineEnd(at, after, octet)),
        2 => at().prop_map(Edit::Cut),
    ];
    let edit = edit.boxed();
    prop_oneof![3 => vec(edit.clone(), 1..2), 1 => vec(edit, 2..9)]
}

/// Lines that change what a head or a trailer section means.
fn line_of_consequence() -> impl Strategy<Value = Vec<u8>> {
    let fixed = select(vec![
        "Content-Length: 5",
        "Content-Length: 0",
        "Content-Length: 00",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Content-Length: 5,",
        "Content-Length:",
        "Content-Length: 9223372036854775807",
        "Content-Length: 9223372036854775808",
        "Content-Length: 18446744073709551617",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Upgrade: h2c",
        "Upgrade: websocket",
        "Connection: upgrade",
        "Connection: close, \"x\"",
        "Connection: ,,,",
        "Connection: close keep-alive",
        "HTTP/1.1 200 OK",
        "5",
        "5;a=\"b",
        "7fffffffffffffff",
        "8000000000000000",
        " folded",
        "",
    ]);
    let field = select(names()).prop_map(|name| format!("{name}: 1"));
    let option = select(names()).prop_map(|name| format!("Connection: {name}"));
    let line = prop_oneof![3 => fixed.prop_map(str::to_string), 1 => field, 1 => option];
    line.prop_map(|line| [line.as_bytes(), b"\r\n"].concat())
}

fn mutated((mut trial, edits, exchange): (Trial, Vec<Edit>, Option<Exchange>)) -> Trial {
    for edit in edits {
        edit.apply(&mut trial.reply.0);
    }
    trial.terms.exchange = exchange.unwrap_or(trial.terms.exchange);
    trial
}

impl Edit {
    fn apply(self, reply: &mut Vec<u8>) {
        if reply.is_empty() {
            return;
        }
        let length = reply.len();
        match self {
            Edit::Replace(at, octet) => *at.get_mut(reply) = octet,
            Edit::Insert(at, octet) => reply.insert(at.index(length + 1), octet),
            Edit::Delete(at) => drop(reply.remove(at.index(length))),
            Edit::Duplicate(at, long) => {
                let start = at.index(length);
                let part = reply[start..length.min(start + long)].to_vec();
                reply.splice(start..start, part);
            }
            Edit::Swap(at) => {
                let at = at.index(length);
                reply.swap(at, (at + 1) % length);
            }
            Edit::Line(at, line) => {
                let at = *at.get(&line_starts(reply));
                reply.splice(at..at, line);
            }
            Edit::InPlace(at, line) => {
                let name = line.split(|&octet| octet == b':').next().unwrap_or(&line);
                if let Some(old) = some_line(reply, at, |own| own.eq_ignore_ascii_case(name)) {
                    reply.splice(old, line);
                }
            }
            Edit::InValue(at, within, octet) => {
                let decides = |name: &[u8]| {
                    let names = ["content-length", "transfer-encoding", "connection", "upgrade"];
                    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
                };
                if let Some(line) = some_line(reply, at, decides) {
                    let colon = reply[line.clone()].iter().position(|&octet| octet == b':').unwrap_or(0);
                    let value = line.start + colon + 1..line.end;
                    reply.insert(value.start + within.index(value.len().max(1)), octet);
                }
            }
            Edit::Quoted(at, escaped, octet) => {
                let marks: Vec<_> = (end_of_head(reply)..length).filter(|&at| reply[at] == b'"').collect();
                if !marks.is_empty() {
                    let behind = *at.get(&marks) + 1;
                    reply.splice(behind..behind, if escaped { vec![b'\\', octet] } else { vec![octet] });
                }
            }
            Edit::Behind(at, octet) => {
                let head = end_of_head(reply);
                reply.insert(head + at.index((length - head).min(40) + 1), octet);
            }
            Edit::AtLineEnd(at, after, octet) => {
                let end = *at.get(&line_starts(reply));
                reply.insert(if after { end } else { end.saturating_sub(2) }, octet);
            }
            Edit::Cut(at) => reply.truncate(at.index(length)),
        }
    }
}

/// Where lines start: at the front and after each LF.
fn line_starts(reply: &[u8]) -> Vec<usize> {
    let after_lf = |(at, &octet): (usize, &u8)| (octet == b'\n').then_some(at + 1);
    [0].into_iter().chain(reply.iter().enumerate().filter_map(after_lf)).collect()
}

/// Where the octets after the first empty line start.
fn end_of_head(reply: &[u8]) -> usize {
    reply.windows(4).position(|octets| octets == b"\r\n\r\n").map_or(reply.len(), |at| at + 4)
}

/// One of the lines for a field whose name is looked for.
fn some_line(reply: &[u8], at: Index, is_wanted: impl Fn(&[u8]) -> bool) -> Option<Range<usize>> {
    let starts = line_starts(reply);
    let lines = starts.windows(2).map(|line| line[0]..line[1]);
    let name = |line: &Range<usize>| reply[line.clone()].split(|&octet| octet == b':').next().unwrap_or(&[]);
    let wanted: Vec<_> = lines.filter(|line| is_wanted(name(line))).collect();
    (!wanted.is_empty()).then(|| at.get(&wanted).clone())
}

/// What looks like parts of a reply, in no order at all.
fn words() -> impl Strategy<Value = Trial> {
    let known = select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 200 \r\n",
        "HTTP/1.1 103 \r\n",
        "HTTP/",
        "1.",
        "20",
        "0",
        " ",
        "\t",
        ":",
        "\r\n",
        "\r\n\r\n",
        "A: b\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Content-Length: 3\r\n\r\n",
        "0\r\n\r\n",
        "3;a=\"b\"\r\nabc\r\n",
        "abc",
    ]);
    let word = prop_oneof![9 => known.prop_map(|word| word.as_bytes().to_vec()), 1 => vec(delicate(), 1..4)];
    (vec(word, 0..12), exchange(), any::<usize>(), any::<bool>()).prop_map(|(words, exchange, cut, ended)| {
        Trial {
            reply: Octets(words.concat()),
            terms: Terms { exchange, limits: Limits::DEFAULT },
            cut,
            ended,
        }
    })
}

// Limits

/// Some limits that lie close to what the reply needs.
pub fn at_small_limits() -> impl Strategy<Value = Trial> {
    let limit = (0..12usize, any::<Index>(), -2..=2i64);
    (any_trial(), vec(limit, 1..4)).prop_map(|(mut trial, limits)| {
        let sizes = sizes(&trial.reply.0);
        for (which, size, off) in limits {
            set(&mut trial.terms.limits, which, size.get(&sizes).saturating_add_signed(off));
        }
        trial
    })
}

/// What a limit may be held against in a reply: distances between the starts of its lines, with a line end and
/// without, and small numbers.
fn sizes(reply: &[u8]) -> Vec<u64> {
    let starts = line_starts(reply);
    let mut sizes: Vec<u64> = (0..12).collect();
    for (at, from) in starts.iter().enumerate().take(40) {
        for to in starts.iter().skip(at + 1).take(20) {
            sizes.extend([(to - from) as u64, (to - from).saturating_sub(2) as u64]);
        }
    }
    sizes
}

fn set(limits: &mut Limits, which: usize, size: u64) {
    let small = size as u32;
    match which {
        0 => limits.status_line = small,
        1 => limits.field_line = small,
        2 => limits.header_section = small,
        3 => limits.fields = (size % 9) as u16,
        4 => limits.interim_messages = (size % 4) as u16,
        5 => limits.interim_bytes = small,
        6 => limits.chunk_line = small,
        7 => limits.chunk_overhead = small,
        8 => (limits.chunk_overhead, limits.chunk_overhead_ratio) = (small, (size % 4) as u32),
        9 => limits.trailer_section = small,
        10 => limits.trailer_fields = (size % 5) as u16,
        _ => limits.content = size,
    }
}

/// Replies blown up until they come close to a limit of the presets.
pub fn at_the_usual_limits() -> impl Strategy<Value = Trial> {
    let lengths = vec![4 << 10, 8 << 10, 16 << 10, 64 << 10];
    let long =
        (any::<Index>(), select(lengths), off()).prop_map(|(at, limit, off)| Growth::Octets(at, limit, off));
    let many = (any::<Index>(), select(vec![16, 64, 100]), off())
        .prop_map(|(at, limit, off)| Growth::Lines(at, limit, off));
    let interims = (select(vec![16, 64]), off()).prop_map(|(limit, off)| Growth::Interims(limit, off));
    let chunks =
        (1..40usize, 1..5usize, 1..3000usize).prop_map(|(ext, data, times)| Growth::Chunks(ext, data, times));
    let growth = prop_oneof![4 => long, 2 => many, 1 => interims, 1 => chunks];
    let trial = prop_oneof![2 => valid(), 1 => of_the_corpus()];
    (trial, vec(growth, 1..3)).prop_map(|(mut trial, growths)| {
        for growth in growths {
            growth.apply(&mut trial.reply.0);
        }
        trial
    })
}

fn off() -> RangeInclusive<i64> {
    -3..=3
}

#[derive(Clone, Debug)]
enum Growth {
    /// One octet is repeated until its line, or all from the front to there, is of that length.
    Octets(Index, usize, i64),
    /// One line comes so many times.
    Lines(Index, usize, i64),
    /// So many interim replies come first.
    Interims(usize, i64),
    /// A chunk line with an extension of that length, and data of that length, come so many times.
    Chunks(usize, usize, usize),
}

impl Growth {
    fn apply(self, reply: &mut Vec<u8>) {
        if reply.is_empty() {
            return;
        }
        match self {
            Growth::Octets(at, limit, off) => {
                let at = at.index(reply.len());
                let octet = reply[at];
                let start = reply[..at].iter().rposition(|&octet| octet == b'\n').map_or(0, |lf| lf + 1);
                let end = reply[at..].iter().position(|&octet| octet == b'\r').map_or(at, |cr| at + cr);
                let has = if limit >= 64 << 10 { end } else { end - start };
                let missing = limit.saturating_add_signed(off as isize).saturating_sub(has);
                reply.splice(at..at, std::iter::repeat_n(octet, missing));
            }
            Growth::Lines(at, limit, off) => {
                let starts = line_starts(reply);
                let at = at.index(starts.len());
                let line = reply[starts[at]..*starts.get(at + 1).unwrap_or(&reply.len())].to_vec();
                reply.splice(starts[at]..starts[at], line.repeat(limit.saturating_add_signed(off as isize)));
            }
            Growth::Interims(limit, off) => {
                let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
                reply.splice(..0, interim.repeat(limit.saturating_add_signed(off as isize)));
            }
            Growth::Chunks(ext, data, times) => {
                let start = end_of_head(reply);
                let line = [&chunk_size(data, 0, false)[..], b";", &b"x".repeat(ext), b"\r\n"].concat();
                let chunk = [&line[..], &b"a".repeat(data), b"\r\n"].concat();
                reply.splice(start..start, chunk.repeat(times));
            }
        }
    }
}
