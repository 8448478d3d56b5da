//! The bodies of the fuzz targets: plain functions, which `tests/fuzz_seeds.rs` replays on stable Rust.
#![allow(clippy::missing_panics_doc, reason = "to panic is what they are for")]

pub mod answer;
pub mod chunked;
pub mod closure;
pub mod earliest;
pub mod oracle;
mod reference;
pub mod requests;
pub mod scan;
pub mod scene;
pub mod transcript;

use badgateway::{
    Escaped, Event, Framing, Paint, Report, Reuse, Verdict, Violation, validate, validate_each,
};
use closure::Incoming;
use scene::{Scene, strictest_and_loosest};
use transcript::{Own, Pull, Said, Transcript, transcribe};

pub use answer::answer;
pub use chunked::chunked;
pub use earliest::earliest;
pub use requests::requests;
pub use scan::scan;

/// G1 and G6: no panic, always progress, the same answer twice, errors for good.
pub fn total(data: &[u8]) {
    let scene = Scene::of(data);
    for policy in scene.policies {
        transcribe::<Pull>(&scene, policy, &[]);
        let mut content = 0;
        let one = validate_each(scene.reply, scene.exchange, &policy, scene.close, |event| {
            if let Event::Content(bytes) = event {
                assert!(!bytes.is_empty(), "content is never empty");
                content += bytes.len() as u64;
            }
        });
        let other = validate(scene.reply, scene.exchange, &policy, scene.close);
        assert_eq!(facts(&one), facts(&other));
        assert_eq!(one.content(), content);
        assert!(one.violation().is_none() || !one.verdict().is_fit());
        assert!(one.verdict() != Verdict::Invalid || one.violation().is_some());
        let within = |at: u64| at <= scene.reply.len() as u64;
        for violation in one.violation().into_iter().chain(one.notes()) {
            assert!(violation.span().start <= violation.span().end, "{violation:?}");
            assert!(within(violation.span().end) && within(violation.decided_at()), "{violation:?}");
            assert!(violation.related().is_none_or(|span| span.start < span.end && within(span.end)));
        }
    }
}

type Facts<'a> = (Verdict, Option<u16>, Option<Framing>, u64, Reuse, Option<&'a Violation>, &'a [Violation]);

fn facts<'a>(report: &'a Report<'_>) -> Facts<'a> {
    (
        report.verdict(),
        report.status(),
        report.framing(),
        report.content(),
        report.reuse(),
        report.violation(),
        report.notes(),
    )
}

/// G2 and G3: any split says the same, and says it with the deciding byte.
pub fn split(data: &[u8]) {
    let scene = Scene::of(data);
    let policy = scene.policies[0];
    let whole = transcribe::<Pull>(&scene, policy, &[]);
    let pieces = transcribe::<Pull>(&scene, policy, &scene.cuts());
    assert_eq!(whole, pieces, "in pieces that end at {:?}", scene.cuts());
    let bytes: Vec<usize> = (1..scene.reply.len()).collect();
    let single = transcribe::<Pull>(&scene, policy, &bytes);
    assert_eq!(whole, single, "byte by byte");
}

/// G7: a looser policy takes what a stricter one takes, and no level moves where content begins or ends.
pub fn policy(data: &[u8]) {
    // One exchange: whether another one may follow is a question that levels do answer.
    let scene = Scene { next: scene::Next::Rest, ..Scene::of(data) };
    let [strict, loose] = strictest_and_loosest(scene.policies);
    let ranks = [vec![strict], scene.policies.to_vec(), vec![loose]];
    let ranks = ranks
        .map(|rank| rank.iter().map(|policy| transcribe::<Pull>(&scene, *policy, &[])).collect::<Vec<_>>());
    for pair in ranks.windows(2) {
        for stricter in &pair[0] {
            for looser in &pair[1] {
                let monotone = stricter.end.is_err() || looser.end.is_ok();
                assert!(monotone, "{stricter:#?}\nis taken, but not {looser:#?}");
            }
        }
    }
    let meanings: Vec<Meaning> = ranks.iter().flatten().map(Meaning::of).collect();
    for one in &meanings {
        for other in &meanings {
            one.agrees_with(other);
        }
    }
}

/// Where a reply ends and which bytes are content, as far as it was judged.
#[derive(Debug)]
struct Meaning {
    heads: Vec<(u64, usize, u16, Framing)>,
    content: Vec<u8>,
    /// Content and wire bytes at the end.
    end: Option<(u64, u64)>,
}

impl Meaning {
    fn of(transcript: &Transcript) -> Meaning {
        let mut meaning = Meaning { heads: Vec::new(), content: Vec::new(), end: None };
        for said in &transcript.said {
            match said {
                Said::Head(head) => {
                    meaning.heads.push((head.offset, head.wire.len(), head.status, head.framing));
                }
                Said::Content(content) => meaning.content.extend(content),
                Said::End(end) => meaning.end = Some((end.content(), end.wire())),
                Said::Note(_) | Said::Trailers(_) => {}
            }
        }
        meaning
    }

    /// One of two may stop before the other, and that is all.
    fn agrees_with(&self, other: &Meaning) {
        let heads = self.heads.len().min(other.heads.len());
        assert_eq!(self.heads[..heads], other.heads[..heads]);
        let content = self.content.len().min(other.content.len());
        assert!(self.content[..content] == other.content[..content], "{self:?}\n{other:?}");
        if let (Some(one), Some(two)) = (self.end, other.end) {
            assert_eq!(one, two, "{self:?}\n{other:?}");
        }
    }
}

/// What we take for a head httparse takes for the same, but for what is known.
pub fn oracle(data: &[u8]) {
    let Scene { reply, exchange, policies, .. } = Scene::of(data);
    for policy in policies {
        let parting = oracle::disagreement(reply, exchange, *policy.limits(), &oracle::DIFFERENCES);
        assert!(parting.is_none(), "{}", parting.unwrap_or_default());
    }
}

/// Nothing but printable ASCII is written, whatever the bytes and whatever the name.
pub fn report(data: &[u8]) {
    let scene = Scene::of(data);
    assert_printable(&Escaped(scene.reply).to_string());
    for policy in scene.policies {
        let report = validate(scene.reply, scene.exchange, &policy, scene.close);
        assert_lines(&report.render(scene.name, Paint::Plain).to_string());
        let coloured = report.render(scene.name, Paint::Ansi).to_string();
        assert_eq!(without_colour(&coloured), report.render(scene.name, Paint::Plain).to_string());
        for violation in report.violation().into_iter().chain(report.notes()) {
            assert_lines(&report.render_one(scene.name, violation, Paint::Plain).to_string());
            assert_printable(&violation.to_string());
            assert_printable(&format!("{violation:?}"));
            assert_printable(&violation.proxy_status(scene.name).to_string());
        }
        if let Reuse::No(reason) = report.reuse() {
            assert_printable(&reason.to_string());
        }
    }
}

fn assert_printable(text: &str) {
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text:?}");
}

fn assert_lines(text: &str) {
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().for_each(assert_printable);
    assert!(text.bytes().all(|byte| byte != b'\r'), "{text:?}");
    assert!(text.lines().all(|line| line.len() < 420), "{text}");
}

fn without_colour(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or(piece, |(_, rest)| rest))
}

/// The reader that owns its bytes says what the parser says.
pub fn reader(data: &[u8]) {
    let scene = Scene::of(data);
    let policy = scene.policies[0];
    let pulled = transcribe::<Pull>(&scene, policy, &[]);
    for cuts in [scene.cuts(), Vec::new()] {
        let owned = transcribe::<Own>(&scene, policy, &cuts);
        assert_eq!(pulled, owned, "in pieces that end at {cuts:?}");
    }
}

/// G8: whatever came in and whatever was tolerated, what is forwarded is valid under STRICT and means the same.
pub fn forward(data: &[u8]) {
    let scene = Scene::of(data);
    let cuts = scene.cuts();
    let Scene { reply, exchange, writes_on, close, .. } = scene;
    for policy in scene.policies {
        closure::check(&Incoming { reply, cuts: &cuts, exchange, writes_on, policy, close }, scene.name);
    }
}

/// Of any input it says nothing, or it panics.
pub type Body = fn(&[u8]);

/// Every body, by name.
pub const BODIES: [(&str, Body); 12] = [
    ("total", total),
    ("split", split),
    ("policy", policy),
    ("oracle", oracle),
    ("report", report),
    ("reader", reader),
    ("forward", forward),
    ("earliest", earliest),
    ("chunked", chunked),
    ("answer", answer),
    ("requests", requests),
    ("scan", scan),
];
