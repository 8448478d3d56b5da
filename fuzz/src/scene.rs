//! What a fuzz input means: some bytes of settings, then the reply as it is on the wire.

use arbitrary::{Arbitrary, Result, Unstructured};
use badgateway::{Asked, Close, Exchange, Level, Limits, Method, Policy, Rule, Version, Written};

const METHODS: [Method; 4] = [Method::Idempotent, Method::Head, Method::Connect, Method::Other];
const VERSIONS: [Option<Version>; 3] = [None, Some(Version::Http11), Some(Version::Http10)];
const WRITTEN: [Written; 3] = [Written::Whole, Written::Part, Written::Nothing];
const ASKED: [Asked; 3] = [Asked::Unknown, Asked::No, Asked::Yes];
const OFFERS: [&[u8]; 5] = [
    b"",
    b"websocket",
    b"h2c, websocket",
    b"TLS/1.2, HTTP/2.0",
    b"\"a\",,, websocket, a-name-so-long-that-the-list-has-to-be-cut-short/1.0, h2c",
];
const ACCEPTS: [Option<&[u8; 28]>; 2] = [None, Some(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")];
const NEXT: [Next; 3] = [Next::Rest, Next::Begin, Next::Idle];
const CLOSES: [Option<Close>; 6] = [
    Some(Close::Eof),
    None,
    Some(Close::Truncated),
    Some(Close::Reset),
    Some(Close::Timeout),
    Some(Close::Abandoned),
];
const PRESETS: [Preset; 6] = [
    || Policy::DEFAULT,
    || Policy::STRICT,
    || Policy::COMPAT,
    Policy::observe,
    || all(Level::Allow),
    || all(Level::Deny),
];
const LEVELS: [Level; 3] = [Level::Allow, Level::Note, Level::Deny];
const LIMITS: [Limits; 2] = [Limits::DEFAULT, Limits::EXAMPLE];
const NAMES: [&str; 4] = ["reply.bin", "a\x1b[2Jb\u{e9}\u{202e}\r\n", "", "\"\\\""];

/// Where in a [`seed`] the presets of its two policies stand.
#[allow(dead_code, reason = "the stable test varies the seeds with it")]
pub const PRESETS_AT: [usize; 2] = [13, 16];

type Preset = fn() -> Policy;

/// Every rule at this level, if it may be.
fn all(level: Level) -> Policy {
    Rule::all().fold(Policy::DEFAULT, |policy, rule| policy.set(rule, level))
}

/// What the caller does past an end once the connection may be used again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Nothing.
    Rest,
    /// Another request, the same as before.
    Begin,
    /// The connection goes back to the pool.
    Idle,
}

/// A reply, the request it answers, and how it is read.
#[derive(Clone, Debug)]
pub struct Scene<'r> {
    pub exchange: Exchange,
    /// The rest of the request is written once the head of a reply has come.
    pub writes_on: bool,
    pub next: Next,
    /// How many more bytes come before that.
    pub pause: usize,
    pub close: Option<Close>,
    pub policies: [Policy; 2],
    /// Lengths of reads, to be gone through again and again.
    pub reads: Vec<usize>,
    pub name: &'static str,
    pub reply: &'r [u8],
}

impl<'r> Scene<'r> {
    /// Any bytes make a scene: settings that are missing are the first of their kind.
    pub fn of(data: &'r [u8]) -> Scene<'r> {
        let mut input = Unstructured::new(data);
        Scene::read(&mut input).unwrap_or_else(|_| unreachable!("no setting refuses a byte"))
    }

    fn read(input: &mut Unstructured<'r>) -> Result<Scene<'r>> {
        let mut exchange = Exchange::new(*input.choose(&METHODS)?);
        if let Some(version) = *input.choose(&VERSIONS)? {
            exchange = exchange.version(version);
        }
        exchange = exchange.written(*input.choose(&WRITTEN)?);
        if is_set(input)? {
            exchange = exchange.closing();
        }
        exchange = exchange.expect(*input.choose(&ASKED)?);
        exchange = exchange.range(*input.choose(&ASKED)?);
        exchange = exchange.conditional(*input.choose(&ASKED)?);
        exchange = exchange.upgrade(input.choose(&OFFERS)?);
        if let Some(accept) = *input.choose(&ACCEPTS)? {
            exchange = exchange.websocket_accept(*accept);
        }
        Ok(Scene {
            exchange,
            writes_on: is_set(input)?,
            next: *input.choose(&NEXT)?,
            pause: input.int_in_range(0..=5)?,
            close: *input.choose(&CLOSES)?,
            policies: [policy(input)?, policy(input)?],
            reads: reads(input)?,
            name: input.choose(&NAMES)?,
            reply: std::mem::replace(input, Unstructured::new(&[])).take_rest(),
        })
    }

    /// Where the reads end, but for the last.
    pub fn cuts(&self) -> Vec<usize> {
        self.cuts_of(self.reply.len())
    }

    /// The same for something else of that length.
    pub fn cuts_of(&self, len: usize) -> Vec<usize> {
        let mut at = 0;
        let ends = self.reads.iter().cycle().map(|read| {
            at += read;
            at
        });
        ends.take_while(|&end| end < len).collect()
    }
}

fn is_set(input: &mut Unstructured<'_>) -> Result<bool> {
    Ok(u8::arbitrary(input)? % 2 == 1)
}

/// A preset, limits, and up to 15 runs of up to 32 rules at another level.
fn policy(input: &mut Unstructured<'_>) -> Result<Policy> {
    let preset = input.choose(&PRESETS)?;
    let mut policy = preset().with_limits(*input.choose(&LIMITS)?);
    for _ in 0..input.int_in_range(0..=15_u8)? {
        let first = usize::from(u8::arbitrary(input)?) % Rule::COUNT;
        let count = input.int_in_range(1..=32_usize)?;
        let level = *input.choose(&LEVELS)?;
        policy = Rule::all().skip(first).take(count).fold(policy, |policy, rule| policy.set(rule, level));
    }
    Ok(policy)
}

/// Up to 7 lengths, none of them 0; a single byte at a time if there are none.
fn reads(input: &mut Unstructured<'_>) -> Result<Vec<usize>> {
    let mut reads = Vec::new();
    for _ in 0..input.int_in_range(0..=7_u8)? {
        reads.push(usize::from(u8::arbitrary(input)?) + 1);
    }
    if reads.is_empty() {
        reads.push(1);
    }
    Ok(reads)
}

/// The policy as strict as the stricter of two in all, and the one as loose as the looser.
pub fn strictest_and_loosest([a, b]: [Policy; 2]) -> [Policy; 2] {
    let tight = if *a.limits() == Limits::EXAMPLE { a } else { b };
    let wide = if *a.limits() == Limits::EXAMPLE { b } else { a };
    Rule::all().fold([tight, wide], |[strict, loose], rule| {
        let (one, other) = (a.level(rule), b.level(rule));
        [strict.set(rule, one.max(other)), loose.set(rule, one.min(other))]
    })
}

/// The input for a scene under DEFAULT and STRICT, with reads of 5 and 1 bytes; `None` if the settings cannot say it.
#[allow(dead_code, reason = "the stable test writes the seeds with it")]
pub fn seed(exchange: Exchange, close: Option<Close>, reply: &[u8]) -> Option<Vec<u8>> {
    let index = [
        METHODS.iter().position(|&method| method == exchange.method())?,
        VERSIONS.iter().position(|&version| version == exchange.request_version())?,
        WRITTEN.iter().position(|&written| written == exchange.request_written())?,
        usize::from(exchange.is_closing()),
        ASKED.iter().position(|&asked| asked == exchange.continue_asked())?,
        ASKED.iter().position(|&asked| asked == exchange.range_asked())?,
        ASKED.iter().position(|&asked| asked == exchange.precondition_asked())?,
        OFFERS.iter().position(|&offer| offer == exchange.offer())?,
        ACCEPTS.iter().position(|&accept| accept == exchange.expected_accept())?,
        0,
        1,
        0,
        CLOSES.iter().position(|&how| how == close)?,
    ];
    let mut seed: Vec<u8> = index.iter().map(|&index| index as u8).collect();
    // Each policy is a preset, limits and no rules; then two reads, then the name.
    seed.extend([0, 0, 0, 1, 0, 0, 2, 4, 0, 0]);
    seed.extend_from_slice(reply);
    let scene = Scene::of(&seed);
    (scene.exchange == exchange && scene.close == close && scene.reply == reply).then_some(seed)
}
