//! Every case of the literate corpus, whole and in pieces.
#![cfg(feature = "alloc")]

mod literate;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use badgateway::{
    Class, Close, Detection, Event, Exchange, Level, Parser, Policy, Report, Reuse, Rule, Section, Verdict,
    Violation, validate, validate_each,
};
use literate::{Case, Expectation, Mention, Part};

/// What there is to complain about in one case, one line each.
type Complaints = Vec<String>;

#[test]
fn every_case_has_its_verdict() {
    let cases = literate::cases();
    assert!(cases.len() >= 350, "only {} cases", cases.len());
    let mut complaints = Complaints::new();
    for case in &cases {
        for expected in &case.expectations {
            for complaint in judge(case, expected) {
                complaints.push(format!("{}\n    {}\n    {complaint}", case.name, expected.text));
            }
        }
    }
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

fn judge(case: &Case, expected: &Expectation) -> Complaints {
    let mut content = Vec::new();
    let report = validate_each(&case.reply, case.exchange, &expected.policy, case.close, |event| {
        if let Event::Content(bytes) = event {
            content.extend_from_slice(bytes);
        }
    });
    let mut complaints = Complaints::new();
    let mut check = |holds: bool, what: &str, got: String| {
        if !holds {
            complaints.push(format!("{what}: got {got}"));
        }
    };
    check(report.verdict().name() == expected.verdict, "verdict", describe(&report));
    let noted: Vec<&Violation> =
        report.notes().iter().filter(|note| note.rule().class() == Class::Core).collect();
    let blamed: Vec<&Violation> = report.violation().into_iter().collect();
    let (mentioned, silent) = match report.verdict() {
        Verdict::Valid | Verdict::Tolerated => (&noted, &blamed),
        Verdict::Invalid | Verdict::Incomplete => (&blamed, &noted),
    };
    check(all_match(mentioned, &expected.rules), "rules", describe(&report));
    check(report.verdict() != Verdict::Valid || silent.is_empty(), "silence", describe(&report));
    for part in &expected.parts {
        match part {
            Part::Framing(name) => {
                let got = report.framing().map_or("none at all", |framing| framing.name());
                check(got == name, "framing", got.to_string());
            }
            Part::Content(bytes) => {
                check(content == *bytes, "content", format!("{:?}", content.escape_ascii()))
            }
            Part::ContentLength(length) => {
                check(report.content() == *length, "content_length", report.content().to_string());
            }
            Part::Reuse(yes) => {
                check((report.reuse() == Reuse::Yes) == *yes, "reuse", format!("{:?}", report.reuse()));
            }
            Part::Status(status) => {
                check(report.status() == Some(*status), "status", format!("{:?}", report.status()));
            }
            Part::Answer(status) => {
                let got = report.violation().map(Violation::status);
                check(got == Some(*status), "answer", format!("{got:?}"));
            }
            Part::Notes(rules) => check(all_match(&noted, rules), "notes", describe(&report)),
            Part::Advisory(rules) => {
                let holds = rules.iter().all(|rule| report.notes().iter().any(|note| matches(note, rule)));
                check(holds, "advisory", describe(&report));
            }
            Part::NoAdvisory(rule) => check(!report.has_note(*rule), "no-advisory", describe(&report)),
        }
    }
    complaints
}

fn all_match(got: &[&Violation], wanted: &[Mention]) -> bool {
    got.len() == wanted.len() && got.iter().zip(wanted).all(|(got, wanted)| matches(got, wanted))
}

fn matches(got: &Violation, wanted: &Mention) -> bool {
    let agrees = |wanted: Option<u64>, got: u64| wanted.is_none_or(|wanted| wanted == got);
    got.rule() == wanted.rule
        && agrees(wanted.start, got.span().start)
        && agrees(wanted.end, got.span().end)
        && agrees(wanted.decided, got.decided_at())
}

fn describe(report: &Report<'_>) -> String {
    let mut text = report.verdict().name().to_string();
    for violation in report.violation().into_iter().chain(report.notes()) {
        let (rule, span, decided) = (violation.rule(), violation.span(), violation.decided_at());
        write!(text, " {rule} @{}..{} decided {decided},", span.start, span.end).unwrap();
    }
    text
}

/// Everything the parser said, adjacent content joined, and the last word.
#[derive(Debug, PartialEq)]
struct Transcript {
    events: Vec<Said>,
    last: String,
}

#[derive(Debug, PartialEq)]
enum Said {
    Content(Vec<u8>),
    Other(String),
}

/// Feed `reply` in pieces that end at `cuts` and at its end. `late` gathers what was said later than by the call
/// that supplied the deciding byte, or earlier.
fn transcribe(
    case: &Case,
    policy: &Policy,
    cuts: impl Iterator<Item = usize>,
    late: &mut Complaints,
) -> Transcript {
    let mut parser = Parser::new(*policy);
    parser.begin(case.exchange);
    let mut events: Vec<Said> = Vec::new();
    let (mut used, mut fed) = (0, 0);
    for end in cuts.chain([case.reply.len()]) {
        let mut supplies = |violation: &Violation| {
            let decided = violation.decided_at() as usize;
            if !(fed..end).contains(&decided) {
                late.push(format!("{violation:?} came with the bytes {fed}..{end}"));
            }
        };
        let mut input = &case.reply[used..end];
        loop {
            match parser.next_event(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Content(bytes))) => {
                    if let Some(Said::Content(content)) = events.last_mut() {
                        content.extend_from_slice(bytes);
                    } else {
                        events.push(Said::Content(bytes.to_vec()));
                    }
                }
                Ok(Some(event)) => {
                    if let Event::Note(note) = &event {
                        supplies(note);
                    }
                    events.push(Said::Other(spell(&event)));
                }
                Err(violation) => {
                    supplies(&violation);
                    assert_eq!(parser.next_event(&mut input).unwrap_err(), violation, "G6 {}", case.name);
                    assert_eq!(parser.close(Close::Eof).unwrap_err(), violation, "G6 {}", case.name);
                    return Transcript { events, last: format!("{violation:?} {violation}") };
                }
            }
        }
        used = end - input.len();
        fed = end;
    }
    let last = match case.close.map(|how| parser.close(how)) {
        None => format!("open in {:?} at {}", parser.phase(), used),
        Some(end) => format!("{end:?}"),
    };
    Transcript { events, last }
}

fn spell(event: &Event<'_>) -> String {
    match event {
        Event::Note(note) => format!("{note:?} {note}"),
        Event::Head(head) => format!("{head:?} at {} {}", head.offset(), head.wire().escape_ascii()),
        Event::Trailers(fields) => format!("{:?}", fields),
        event => format!("{event:?}"),
    }
}

/// G2, G3 and G6 on every case: any split says the same, and says it with the deciding byte.
#[test]
fn every_case_says_the_same_in_pieces() {
    for case in &literate::cases() {
        for expected in &case.expectations {
            let policy = &expected.policy;
            let len = case.reply.len();
            let mut late = Complaints::new();
            let whole = transcribe(case, policy, [].into_iter(), &mut late);
            let bytes = transcribe(case, policy, 1..len.max(1), &mut late);
            assert_eq!(whole, bytes, "byte by byte: {}", case.name);
            // All places of a reply of usual size, a sample of those of one made to reach a limit.
            let step = (len / 600).max(1);
            for cut in (1..len).step_by(step) {
                let split = transcribe(case, policy, [cut].into_iter(), &mut late);
                assert_eq!(whole, split, "split at {cut}: {}", case.name);
            }
            assert!(late.is_empty(), "{}\n{}", case.name, late.join("\n"));
        }
    }
}

/// Every reply is taken under the three presets, and a looser one never refuses what a stricter one takes, nor ends
/// it elsewhere (G7).
#[test]
fn presets_are_monotone_over_the_corpus() {
    for case in &literate::cases() {
        let presets = [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT, Policy::observe()];
        let reports = presets.map(|policy| validate(&case.reply, case.exchange, &policy, case.close));
        for pair in reports.windows(2) {
            if pair[0].violation().is_none() {
                assert!(pair[1].violation().is_none(), "{}: {}", case.name, describe(&pair[1]));
                assert_eq!(pair[0].framing(), pair[1].framing(), "{}", case.name);
                assert_eq!(pair[0].content(), pair[1].content(), "{}", case.name);
            }
        }
    }
}

/// Each rule has cases that deny, that note where a level allows it, and that come close without breaking it.
#[test]
fn every_rule_is_covered() {
    let cases = literate::cases();
    let mut denied = BTreeSet::new();
    let mut noted = BTreeSet::new();
    let mut neighbours = BTreeSet::new();
    let mut complaints = Complaints::new();
    for case in &cases {
        let mut presets = BTreeMap::new();
        for expected in &case.expectations {
            if let Some(preset) = &expected.preset {
                *presets.entry(preset.as_str()).or_insert(0) += 1;
            }
            let report = validate(&case.reply, case.exchange, &expected.policy, case.close);
            denied.extend(report.violation().map(Violation::rule));
            noted.extend(report.notes().iter().map(Violation::rule));
            let Some(rule) = Rule::from_id(&case.section) else { continue };
            let is_denied = report.violation().is_some_and(|violation| violation.rule() == rule);
            if !is_denied && !report.has_note(rule) {
                neighbours.insert(rule);
            }
        }
        if presets != BTreeMap::from([("strict", 1), ("default", 1), ("compat", 1)]) {
            complaints.push(format!("{}: not one verdict a preset", case.name));
        }
    }
    for rule in Rule::all().filter(|rule| rule.detection() != Detection::Caller) {
        if rule.permits(Level::Deny) && !denied.contains(&rule) {
            complaints.push(format!("{rule}: no case denies it"));
        }
        if rule.permits(Level::Note) && !noted.contains(&rule) {
            complaints.push(format!("{rule}: no case notes it"));
        }
        if !neighbours.contains(&rule) {
            complaints.push(format!("{rule}: no case comes close without breaking it"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The example that `explain` shows breaks its rule, under the limits it is shown with.
#[test]
fn every_example_breaks_its_rule() {
    for rule in Rule::all() {
        let Some(example) = rule.example() else {
            assert_eq!(rule.section(), Section::Transport, "{rule} has no example");
            continue;
        };
        let mut policy = Policy::DEFAULT.set(rule, Level::Note);
        if rule.relax() == badgateway::Relax::Limit {
            policy = policy.with_limits(badgateway::Limits::EXAMPLE);
        }
        let report = validate(example.reply, example.exchange, &policy, example.close);
        let fires = report.has_note(rule) || report.violation().is_some_and(|broken| broken.rule() == rule);
        assert!(fires, "{rule}: {}", describe(&report));
    }
}

/// Nothing outside printable ASCII and line ends leaves a rendered report, whatever the bytes.
#[test]
fn nothing_unprintable_is_rendered() {
    for case in &literate::cases() {
        let report = validate(&case.reply, case.exchange, &Policy::DEFAULT, case.close);
        let text = report.render("a\x1bb\u{e9}", badgateway::Paint::Plain).to_string();
        let clean = text.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte));
        assert!(clean, "{}: {text:?}", case.name);
        assert!(text.lines().all(|line| line.len() < 420), "{}: {text}", case.name);
    }
}

#[test]
fn a_case_is_read_as_it_is_written() {
    assert_eq!(literate::unescape(r"a\(b\r*2)\x00\s\\").unwrap(), b"ab\rb\r\x00 \\");
    assert!(literate::unescape(r"\q").is_err());
    assert_eq!(Exchange::GET, Exchange::new(badgateway::Method::from_bytes(b"GET")));
}
