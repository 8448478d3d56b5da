//! Whole heads.

use std::hint::black_box;

use badgateway::{Exchange, Framing, Method, Parser, Policy, Rule, Violation};

use super::ours::{acted_on, decided, exchange, judge, walked};
#[cfg(all(target_arch = "x86_64", unix))]
use super::pico::Pico;
use super::replies::{self, Reply, answer};
use super::split::Splitter;
use super::{Group, Race, Runner};

const VARIANTS: usize = 300;

const LABEL: &str = "httparse and picohttpparser (C, -O3 -msse4) tell names and values apart, as +fields does, and judge no framing";

/// A peer, to be given heads.
type Peer = fn(&'static [Vec<u8>]) -> Runner;

const PEERS: &[Peer] = &[
    httparse,
    #[cfg(all(target_arch = "x86_64", unix))]
    picohttpparser,
];

/// Those that valgrind can run: it lacks the instruction at the heart of picohttpparser, PCMPESTRI over ranges.
pub const COUNTABLE: &[Peer] = &[httparse];

pub fn groups() -> Vec<Group> {
    vec![hot(PEERS), varied(), text(PEERS), reused(), refused()]
}

/// One head again and again.
pub fn hot(peers: &[Peer]) -> Group {
    group("hot", &replies::plain(), 1, peers)
}

/// 300 variants of a head in turn, which branch predictors cannot learn by heart.
fn varied() -> Group {
    group("varied", &replies::plain(), VARIANTS, PEERS)
}

/// Heads with tabs and octets of 0x80 and above.
pub fn text(peers: &[Peer]) -> Group {
    group("text", &replies::text(), 1, peers)
}

fn group(name: &'static str, replies: &[Reply], variants: usize, peers: &[Peer]) -> Group {
    let race = |reply: &Reply| race(reply.name, reply.heads(variants), peers);
    Group { name, label: LABEL, races: replies.iter().map(race).collect() }
}

fn race(name: &str, heads: &'static [Vec<u8>], peers: &[Peer]) -> Race {
    let bytes: usize = heads.iter().map(Vec::len).sum();
    Race {
        input: format!("{name}-{}B", bytes / heads.len()),
        units: heads.len(),
        ours: vec![badgateway(heads), badgateway_with_fields(heads)],
        peers: peers.iter().map(|peer| peer(heads)).collect(),
    }
}

fn badgateway(heads: &'static [Vec<u8>]) -> Runner {
    for head in heads {
        assert_eq!(judge(Policy::DEFAULT, head, decided), Some((answer(head).0, replies::framing(head))));
    }
    each("badgateway", heads, |head| judge(Policy::DEFAULT, head, acted_on))
}

fn badgateway_with_fields(heads: &'static [Vec<u8>]) -> Runner {
    for head in heads {
        let walked = judge(Policy::DEFAULT, head, walked).map(|(status, _, count, _)| (status, count));
        assert_eq!(walked, Some(answer(head)));
    }
    each("badgateway+fields", heads, |head| judge(Policy::DEFAULT, head, walked))
}

fn httparse(heads: &'static [Vec<u8>]) -> Runner {
    let mut splitter = Splitter::new();
    heads.iter().for_each(|head| assert_eq!(splitter.split(head), Some(answer(head))));
    each("httparse", heads, move |head| splitter.split(head))
}

#[cfg(all(target_arch = "x86_64", unix))]
fn picohttpparser(heads: &'static [Vec<u8>]) -> Runner {
    let mut pico = Pico::new();
    heads.iter().for_each(|head| assert_eq!(pico.split(head, 0), Some(answer(head))));
    each("picohttpparser", heads, move |head| pico.split(head, 0))
}

/// Each head once; every result must be come by.
fn each<T>(
    name: &'static str,
    heads: &'static [Vec<u8>],
    mut read: impl FnMut(&'static [u8]) -> T + 'static,
) -> Runner {
    Runner::new(name, move || {
        for head in heads {
            // The thin pointer: a slice would be stored in halves and loaded whole, which takes longer than a field.
            let head: &'static Vec<u8> = black_box(head);
            black_box(read(head));
        }
    })
}

/// What a new parser costs: replies without content, from `begin` to the place where the next may begin.
fn reused() -> Group {
    let head_request = Exchange::new(Method::from_bytes(b"HEAD"));
    let requests =
        [("204", Exchange::GET), ("not-modified-304", Exchange::GET), ("nginx-file", head_request)];
    Group {
        name: "reused",
        label: "one parser for all replies of a connection against a new one each; httparse for scale",
        races: requests.map(|(name, request)| reused_race(name, request)).into(),
    }
}

fn reused_race(name: &str, request: Exchange) -> Race {
    let heads = replies::named(name).heads(1);
    let head = &heads[0][..];
    let answered = move |parser: &mut Parser| exchange(parser, black_box(head), request);
    let mut parser = Parser::new(Policy::DEFAULT);
    for _ in 0..3 {
        assert_eq!(answered(&mut parser), Some((answer(head).0, Framing::None)));
    }
    Race {
        input: format!("{name}-{}B", head.len()),
        units: 1,
        ours: vec![Runner::new("one parser", move || answered(&mut parser))],
        peers: vec![
            Runner::new("a new parser each", move || answered(&mut Parser::new(Policy::DEFAULT))),
            httparse(heads),
        ],
    }
}

/// What a fault in the middle costs, and its violation, against the good head read to its end.
fn refused() -> Group {
    let mut races = Vec::new();
    for name in ["nginx-file", "api-cors", "policy-and-cookies"] {
        let good = replies::named(name).head();
        races.push(refused_race(
            format!("{name}: NUL in a value"),
            good,
            nul_in_value(good),
            Rule::NulInField,
        ));
        races.push(refused_race(
            format!("{name}: SP in a name"),
            good,
            space_in_name(good),
            Rule::InvalidFieldName,
        ));
    }
    Group {
        name: "refused",
        label: "a fault in the middle of a head against the same head without it",
        races,
    }
}

fn refused_race(input: String, good: &'static [u8], bad: Vec<u8>, rule: Rule) -> Race {
    assert_eq!(refuse(&bad).map(|violation| violation.rule()), Some(rule));
    Race {
        input,
        units: 1,
        ours: vec![Runner::new("refused", move || refuse(black_box(&bad)))],
        peers: vec![Runner::new("accepted", move || judge(Policy::DEFAULT, black_box(good), acted_on))],
    }
}

fn refuse(bytes: &[u8]) -> Option<Violation> {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    parser.next_event(&mut &*bytes).err()
}

/// Where the first line past the middle starts, and its colon stands.
fn middle_line(head: &[u8]) -> (usize, usize) {
    let find = |from: usize, wanted: u8| from + head[from..].iter().position(|&byte| byte == wanted).unwrap();
    let start = find(head.len() / 2, b'\n') + 1;
    (start, find(start, b':'))
}

fn nul_in_value(head: &[u8]) -> Vec<u8> {
    let (_, colon) = middle_line(head);
    let mut bad = head.to_vec();
    bad[colon + 3] = 0;
    bad
}

fn space_in_name(head: &[u8]) -> Vec<u8> {
    let (start, colon) = middle_line(head);
    let mut bad = head.to_vec();
    bad[(start + colon) / 2] = b' ';
    bad
}
