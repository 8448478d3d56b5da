//! The promises of the crate, held against replies that nobody wrote.
//!
//! Seeds are fixed, so that a run says today what it said yesterday. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` make it
//! go elsewhere and further.
#![cfg(feature = "alloc")]

mod arbitrary;
mod cases;
#[cfg(feature = "std")]
#[path = "../fuzz/src/closure.rs"]
mod closure;
#[allow(dead_code, reason = "shared with the runner of the corpus, which reads the verdicts too")]
mod literate;
#[path = "../fuzz/src/oracle.rs"]
mod oracle;

use std::collections::{BTreeSet, HashSet, VecDeque};
#[cfg(feature = "std")]
use std::error::Error;
#[cfg(feature = "std")]
use std::io;
use std::ops::Range;

#[cfg(feature = "std")]
use arbitrary::Valid;
use arbitrary::{Arrival, Bytes, Described, Trial};
#[cfg(feature = "std")]
use badgateway::Outcome;
use badgateway::{
    Class, Close, Detection, End, Escaped, Event, Exchange, Fields, Forwarded, Framing, Level, Limits, Paint,
    Parser, Phase, Policy, Reason, Relax, Reuse, Rule, Section, Span, Version, Violation, Written, validate,
};
use cases::config;
use proptest::collection::vec;
use proptest::prelude::*;
#[cfg(feature = "std")]
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Content octets, and where in the stream they stood.
#[derive(Clone, Debug, Default, PartialEq)]
struct Content {
    bytes: Vec<u8>,
    at: Vec<Range<u64>>,
}

impl Content {
    fn push(&mut self, other: &Content) {
        self.bytes.extend(&other.bytes);
        for at in &other.at {
            match self.at.last_mut() {
                Some(last) if last.end == at.start => last.end = at.end,
                _ => self.at.push(at.clone()),
            }
        }
    }

    /// Is `other` this content, or the first part of it?
    fn starts_with(&self, other: &Content) -> bool {
        let Some((last, whole)) = other.at.split_last() else { return true };
        let goes_on = |at: &Range<u64>| at.start == last.start && at.end >= last.end;
        self.bytes.starts_with(&other.bytes)
            && self.at.starts_with(whole)
            && self.at.get(whole.len()).is_some_and(goes_on)
    }
}

/// Name, value, and where each of them starts.
type Named = (Bytes, Bytes, u64, u64);

fn named(fields: Fields<'_>) -> Vec<Named> {
    let bytes = |bytes: &[u8]| Bytes(bytes.to_vec());
    fields
        .map(|field| (bytes(field.name()), bytes(field.value()), field.offset(), field.value_offset()))
        .collect()
}

/// An event, owned.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Note(Violation),
    Head { wire: Bytes, offset: u64, status: u16, version: Version, framing: Framing, fields: Vec<Named> },
    Content(Content),
    Trailers(Vec<Named>),
    End(End),
}

impl Said {
    /// `end` is where the parser stands after the event.
    fn new(event: &Event<'_>, end: u64) -> Said {
        match event {
            Event::Note(note) => Said::Note(*note),
            Event::Head(head) => Said::Head {
                wire: Bytes(head.wire().to_vec()),
                offset: head.offset(),
                status: head.status(),
                version: head.version(),
                framing: head.framing(),
                fields: named(head.fields()),
            },
            Event::Content(bytes) => {
                let at = end - bytes.len() as u64..end;
                Said::Content(Content { bytes: bytes.to_vec(), at: [at].into() })
            }
            Event::Trailers(fields) => Said::Trailers(named(fields.clone())),
            Event::End(end) => Said::End(*end),
            other => panic!("an event that this test does not know: {other:?}"),
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Refused(Violation),
    Closed(End),
    Open { phase: Phase, offset: u64, reuse: Reuse },
}

/// One call of `next_event`, as a witness sees it.
struct Call<'c, 'b> {
    told: &'c Result<Option<Event<'b>>, Violation>,
    /// The bytes of the stream that came with the latest read.
    supplied: Range<u64>,
    /// Where the parser stood before the call, and stands after it.
    offset: Range<u64>,
    /// Bytes that are left to it.
    left: usize,
    phase: Phase,
    reuse: Reuse,
}

/// Feed a reply in reads that end at `cuts` and at its end, and let `witness` see every call.
fn feed(parser: &mut Parser, trial: &Trial, cuts: &[usize], mut witness: impl FnMut(&Call<'_, '_>)) -> Last {
    let reply = &trial.reply.0;
    let base = parser.offset();
    parser.begin(trial.exchange);
    let mut fed = 0;
    // Each event uses bytes, or is an end, or a note not yet made on a message.
    let mut left_to_say = (reply.len() / 16 + 2) * Rule::COUNT + reply.len();
    for &end in cuts.iter().chain([&reply.len()]) {
        let supplied = base + fed as u64..base + end as u64;
        fed = end;
        let mut input = &reply[(parser.offset() - base) as usize..end];
        loop {
            let (before, len) = (parser.offset(), input.len());
            let told = parser.next_event(&mut input);
            let offset = before..parser.offset();
            assert_eq!(offset.end - offset.start, (len - input.len()) as u64, "G1: bytes used");
            let (left, phase, reuse) = (input.len(), parser.phase(), parser.reuse());
            witness(&Call { told: &told, supplied: supplied.clone(), offset, left, phase, reuse });
            match told {
                Ok(Some(_)) => left_to_say = left_to_say.checked_sub(1).expect("G1: it goes on for ever"),
                Ok(None) => break,
                Err(violation) => return Last::Refused(violation),
            }
        }
    }
    match trial.close.map(|how| parser.close(how)) {
        None => Last::Open { phase: parser.phase(), offset: parser.offset(), reuse: parser.reuse() },
        Some(Ok(end)) => Last::Closed(end),
        Some(Err(violation)) => Last::Refused(violation),
    }
}

fn hear_from(parser: &mut Parser, trial: &Trial, cuts: &[usize]) -> (Vec<Said>, Last) {
    let mut said = Vec::new();
    let last = feed(parser, trial, cuts, |call| {
        if let Ok(Some(event)) = call.told {
            say(&mut said, Said::new(event, call.offset.end));
        }
    });
    (said, last)
}

fn hear(trial: &Trial, cuts: &[usize]) -> (Vec<Said>, Last) {
    hear_from(&mut Parser::new(trial.policy), trial, cuts)
}

/// Add an event; content goes to content.
fn say(said: &mut Vec<Said>, event: Said) {
    match (said.last_mut(), event) {
        (Some(Said::Content(content)), Said::Content(more)) => content.push(&more),
        (_, event) => said.push(event),
    }
}

/// What was said without the notes: what would be forwarded.
fn meaning(said: Vec<Said>) -> Vec<Said> {
    let mut meaning = Vec::new();
    for event in said.into_iter().filter(|event| !matches!(event, Said::Note(_))) {
        say(&mut meaning, event);
    }
    meaning
}

/// Is `part` what a listener of `whole` hears who leaves early?
fn is_start_of(part: &[Said], whole: &[Said]) -> bool {
    let Some((last, before)) = part.split_last() else { return true };
    whole.starts_with(before)
        && whole.get(before.len()).is_some_and(|event| match (last, event) {
            (Said::Content(part), Said::Content(whole)) => whole.starts_with(part),
            (part, whole) => part == whole,
        })
}

fn byte_by_byte(trial: &Trial) -> Vec<usize> {
    (1..trial.reply.0.len()).collect()
}

/// What ends things that have begun, the first ones most; and so do the ends of a status line.
const ENDS: [&str; 18] = [
    "\r\n\r\n",
    "Content-Length: 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\n\r\n",
    "\r\n",
    "\n",
    " \r\n\r\n",
    ":\r\n\r\n",
    ":\r\n",
    "a\r\n\r\n",
    "0\r\n\r\n",
    "\r\n0\r\n\r\n",
    "\"\r\n0\r\n\r\n",
    "a\"\r\n0\r\n\r\n",
    "a:\r\n\r\n",
    "03 \r\n\r\nHTTP/1.1 200 \r\n",
    "3 \r\n\r\nHTTP/1.1 200 \r\n",
    "a",
];
const LINE: &str = "HTTP/1.1 200 \r\n";

/// Do some of those, up to three of them, make a reply whole, or such that it is refused as a whole and not by its bytes?
fn may_go_on(open: &[u8], exchange: Exchange, policy: &Policy) -> bool {
    let mut waiting = VecDeque::from([(open.to_vec(), 0)]);
    while let Some((so_far, ends)) = waiting.pop_front() {
        let report = validate(&so_far, exchange, policy, Some(Close::Eof));
        let Some(violation) = report.violation() else { return true };
        match violation.rule().detection() {
            Detection::Close => {}
            Detection::Section | Detection::Token => return true,
            _ => continue,
        }
        match report.framing() {
            // It only lacks bytes of which any will do.
            Some(Framing::Length(_)) => return true,
            _ if ends < 3 => {}
            _ => continue,
        }
        let longer = |end: &str| ([&so_far[..], end.as_bytes()].concat(), ends + 1);
        waiting.extend(ENDS.iter().map(|end| longer(end)));
        waiting.extend((0..LINE.len() - 2).map(|at| longer(&LINE[at..])));
    }
    false
}

proptest! {
    #![proptest_config(config(2500))]

    /// G1: whatever the bytes, every event uses some, or is the one end, or a note not yet made on this message; and
    /// nothing but an unfinished head or trailer section waits for more.
    #[test]
    fn g1_every_call_makes_progress(trial in arbitrary::trial(), arrival in arbitrary::arrival()) {
        let mut noted = HashSet::new();
        let (mut messages, mut ends) = (0, 0);
        let cuts = arrival.cuts(trial.reply.0.len());
        let mut parser = Parser::new(trial.policy);
        feed(&mut parser, &trial, &cuts, |call| {
            let used = call.offset.end - call.offset.start;
            match call.told {
                Ok(Some(Event::Note(note))) => {
                    assert!(noted.insert((messages, note.rule())), "noted twice: {note}");
                    assert_eq!(trial.policy.level(note.rule()), Level::Note, "{note}");
                }
                Ok(Some(Event::Head(head))) => {
                    messages += 1;
                    assert_eq!(head.wire().len() as u64, used);
                }
                Ok(Some(Event::Content(bytes))) => assert!(!bytes.is_empty() && used >= bytes.len() as u64),
                Ok(Some(Event::Trailers(_))) => assert!(used > 0),
                Ok(Some(Event::End(_))) => ends += 1,
                Ok(None) if call.left > 0 => {
                    let waits = matches!(call.phase, Phase::StatusLine | Phase::Header | Phase::Trailer | Phase::Tunnel);
                    assert!(waits, "{} bytes left in {:?}", call.left, call.phase);
                }
                _ => {}
            }
        });
        prop_assert!(ends <= 1);
    }

    /// G2: in pieces it is the same reply, said in the same words.
    #[test]
    fn g2_any_split_says_the_same(trial in arbitrary::trial(), arrival in arbitrary::arrival()) {
        let whole = hear(&trial, &[]);
        let cuts = arrival.cuts(trial.reply.0.len());
        prop_assert_eq!(&whole, &hear(&trial, &cuts), "cut at {:?}", cuts);
        prop_assert_eq!(&whole, &hear(&trial, &byte_by_byte(&trial)), "byte by byte");
    }

    /// G3: an error or a note comes with the byte that decides it, and content stops before the fault.
    #[test]
    fn g3_faults_are_told_in_time(trial in arbitrary::trial(), arrival in arbitrary::arrival()) {
        for cuts in [arrival.cuts(trial.reply.0.len()), byte_by_byte(&trial)] {
            let mut content_ends = 0;
            let last = feed(&mut Parser::new(trial.policy), &trial, &cuts, |call| match call.told {
                Ok(Some(Event::Note(violation))) | Err(violation) => {
                    let decided = violation.decided_at();
                    assert!(call.supplied.contains(&decided), "{violation:?} came with {:?}", call.supplied);
                    // An empty span is a place between two bytes.
                    let span = violation.span();
                    let nearest = if span.start == span.end { decided + 1 } else { decided };
                    assert!(span.start <= nearest, "{violation:?} blames what was not needed");
                    assert!(violation.related().is_none_or(|related| related.start <= decided), "{violation:?}");
                }
                Ok(Some(Event::Content(_))) => content_ends = call.offset.end,
                _ => {}
            });
            if let Last::Refused(violation) = last {
                prop_assert!(content_ends <= violation.span().start, "{violation:?}, content up to {content_ends}");
                let received = trial.reply.0.len() as u64;
                prop_assert!(violation.decided_at() <= received, "{violation:?}");
                prop_assert!(violation.span().end <= received.max(violation.decided_at() + 1), "{violation:?}");
            }
        }
    }

    /// G3, the other side: up to the byte before the deciding one nothing is refused.
    #[test]
    fn g3_nothing_is_refused_too_early(trial in arbitrary::trial()) {
        let mut told_by_bytes = None;
        feed(&mut Parser::new(trial.policy), &trial, &[], |call| told_by_bytes = call.told.as_ref().err().copied());
        if let Some(violation) = told_by_bytes {
            let reply = Bytes(trial.reply.0[..violation.decided_at() as usize].to_vec());
            let (_, last) = hear(&Trial { reply, close: None, ..trial }, &[]);
            prop_assert!(matches!(last, Last::Open { .. }), "{violation:?}, but before that {last:?}");
        }
    }

    /// G3, earliest, under any policy: up to the byte that is refused in a line something could have come that made the
    /// reply whole.
    #[test]
    fn g3_before_a_fault_there_was_a_way_on(trial in arbitrary::trial()) {
        // Small limits would be in the way of any way on, and an offer asks for the right Upgrade.
        let policy = trial.policy.with_limits(Limits::DEFAULT);
        let exchange = Exchange::new(trial.exchange.method());
        let (_, last) = hear(&Trial { exchange, policy, close: None, ..trial.clone() }, &[]);
        let Last::Refused(violation) = last else { return Ok(()) };
        let open = &trial.reply.0[..violation.decided_at() as usize];
        let rule = violation.rule();
        // A limit is one by its number of bytes, a CR waits for its LF, and `http/` is read to its end to be told from what
        // is not HTTP at all. Content may be longer than one cares to write.
        let is_one_byte = rule.detection() == Detection::Byte && rule.relax() != Relax::Limit;
        let waits = open.ends_with(b"\r")
            || violation.phase() == Phase::StatusLine && violation.span().start < violation.decided_at();
        let has_lines = matches!(violation.phase(), Phase::StatusLine | Phase::Header | Phase::Trailer);
        if !is_one_byte || waits || !has_lines {
            return Ok(());
        }
        prop_assert!(may_go_on(open, exchange, &policy), "{violation:?} {}", open.escape_ascii());
    }

    /// G6: an error is an error for good, whatever is called.
    #[test]
    fn g6_errors_are_sticky(trial in arbitrary::trial(), more in vec(any::<u8>(), 0..20)) {
        let mut parser = Parser::new(trial.policy);
        let mut left = 0;
        if let Last::Refused(violation) = feed(&mut parser, &trial, &[], |call| left = call.left) {
            let offset = parser.offset();
            let rest = &trial.reply.0[trial.reply.0.len() - left..];
            for mut input in [rest, &more, &[]] {
                prop_assert_eq!(parser.next_event(&mut input).unwrap_err(), violation);
            }
            for how in [Close::Eof, Close::Truncated, Close::Reset, Close::Timeout, Close::Abandoned] {
                prop_assert_eq!(parser.close(how), Err(violation));
            }
            parser.idle();
            parser.request_written(Written::Whole);
            parser.begin(Exchange::GET);
            prop_assert_eq!(parser.next_event(&mut &more[..]).unwrap_err(), violation);
            prop_assert_eq!(parser.offset(), offset);
            prop_assert_eq!(parser.phase(), violation.phase());
            prop_assert_eq!(parser.reuse(), Reuse::No(Reason::Refused(violation.rule())));
        }
    }

    /// G7: what a stricter policy accepts a looser one accepts, with the same bytes as content and the same end. What
    /// the stricter one said before it refused, the looser one says as well.
    #[test]
    fn g7_policies_are_monotone(trial in arbitrary::trial(), loosening in arbitrary::loosening()) {
        let looser = Trial { policy: loosening.of(trial.policy), ..trial.clone() };
        let (strict_said, strict_last) = hear(&trial, &[]);
        let (loose_said, loose_last) = hear(&looser, &[]);
        let (strict, loose) = (meaning(strict_said), meaning(loose_said));
        match (strict_last, loose_last) {
            (Last::Refused(_), _) => {
                prop_assert!(is_start_of(&strict, &loose), "{:?}\n{:?}\n{:?}", Described(&looser.policy), strict, loose);
            }
            (Last::Closed(one), Last::Closed(two)) => {
                prop_assert_eq!(&strict, &loose);
                prop_assert_eq!((one.content(), one.wire(), one.reuse()), (two.content(), two.wire(), two.reuse()));
            }
            (Last::Open { .. }, Last::Open { .. }) => {
                prop_assert_eq!(&strict, &loose);
                prop_assert_eq!(strict_last, loose_last);
            }
            (_, other) => prop_assert!(false, "{:?} {:?}", Described(&looser.policy), other),
        }
    }

    /// Once a rule is tolerated that ends the use of the connection, no moment is left at which it could be used.
    #[test]
    fn a_closing_note_forbids_reuse_at_once(trial in arbitrary::trial(), arrival in arbitrary::arrival()) {
        let cuts = arrival.cuts(trial.reply.0.len());
        let mut closing = None;
        let last = feed(&mut Parser::new(trial.policy), &trial, &cuts, |call| {
            if let Ok(Some(Event::Note(note))) = call.told
                && note.rule().relax() == Relax::Closing
            {
                closing = Some(*note);
            }
            if let Some(note) = closing {
                assert_ne!(call.reuse, Reuse::Yes, "after {note:?}");
            }
        });
        if let (Some(note), Last::Closed(end)) = (closing, last) {
            prop_assert_ne!(end.reuse(), Reuse::Yes, "{:?}", note);
        }
    }

    /// Valid replies are never refused, even under STRICT, and are taken for what they are.
    #[test]
    fn valid_replies_are_accepted_for_what_they_are(
        valid in arbitrary::valid(),
        arrival in arbitrary::arrival(),
    ) {
        let trial = Trial {
            reply: valid.reply.clone(),
            exchange: valid.exchange,
            policy: Policy::STRICT,
            close: valid.close,
        };
        let (said, last) = hear(&trial, &arrival.cuts(valid.reply.0.len()));
        let mut interims = Vec::new();
        let mut final_head = None;
        let mut content = Content::default();
        let mut trailers = Vec::new();
        let mut end = None;
        for event in said {
            match event {
                Said::Note(note) => prop_assert_eq!(note.rule().relax(), Relax::Fact, "{}", note),
                Said::Head { status, .. } if status < 200 && status != 101 => interims.push(status),
                Said::Head { status, framing, fields, .. } => final_head = Some((status, framing, fields)),
                Said::Content(more) => content.push(&more),
                Said::Trailers(fields) => trailers = fields,
                Said::End(told) => end = Some(told),
            }
        }
        let (status, framing, fields) = final_head.expect("a final head");
        let pairs = |fields: Vec<Named>| fields.into_iter().map(|field| (field.0, field.1)).collect::<Vec<_>>();
        prop_assert_eq!(interims, valid.interims);
        prop_assert_eq!((status, framing), (valid.status, valid.framing));
        prop_assert_eq!(pairs(fields), valid.fields);
        prop_assert_eq!(content.bytes, &valid.content.0[..]);
        prop_assert_eq!(pairs(trailers), valid.trailers);
        let wire = (valid.reply.0.len() - valid.rest) as u64;
        match (last, valid.framing) {
            (Last::Closed(closed), Framing::Tunnel | Framing::UntilClose) => end = Some(closed),
            (Last::Closed(closed), _) => prop_assert_ne!(closed.reuse(), Reuse::Yes),
            (Last::Open { phase, offset, reuse }, Framing::Tunnel) => {
                prop_assert_eq!((phase, offset, reuse), (Phase::Tunnel, wire, valid.reuse));
            }
            (Last::Open { phase, .. }, _) => prop_assert_eq!(phase, Phase::Idle),
            (Last::Refused(violation), _) => prop_assert!(false, "{violation:?}"),
        }
        if let Some(end) = end {
            let told = (end.reuse(), end.content(), end.wire());
            prop_assert_eq!(told, (valid.reuse, valid.content.0.len() as u64, wire));
        }
    }

    /// A connection forgets: behind other replies one is judged as it is alone.
    #[test]
    fn a_reply_is_judged_alike_wherever_it_stands(
        before in vec(arbitrary::valid(), 0..3),
        trial in arbitrary::trial(),
        arrival in arbitrary::arrival(),
    ) {
        // Small limits would refuse what stands before.
        let trial = Trial { policy: trial.policy.with_limits(Limits::DEFAULT), ..trial };
        let cuts = arrival.cuts(trial.reply.0.len());
        let (alone, alone_last) = hear(&trial, &cuts);
        let mut parser = Parser::new(trial.policy);
        for valid in before.into_iter().filter(|valid| valid.reuse == Reuse::Yes) {
            let (reply, exchange) = (valid.reply, valid.exchange);
            let earlier = Trial { reply, exchange, policy: Policy::DEFAULT, close: None };
            if let Last::Refused(_) = feed(&mut parser, &earlier, &[], |_| ()) {
                // Under a policy that denies facts.
                return Ok(());
            }
        }
        let base = parser.offset();
        let (there, there_last) = hear_from(&mut parser, &trial, &cuts);
        let moved: Vec<Said> = there.into_iter().map(|event| move_back(event, base)).collect();
        let texts = |said: &[Said]| said.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
        prop_assert_eq!(alone.len(), moved.len());
        for (one, two) in alone.iter().zip(&moved) {
            match (one, two) {
                (Said::Note(one), Said::Note(two)) => prop_assert_eq!(place(one, 0), place(two, base)),
                (one, two) => prop_assert_eq!(one, two, "{:?}", texts(&moved)),
            }
        }
        match (alone_last, there_last) {
            (Last::Refused(one), Last::Refused(two)) => prop_assert_eq!(place(&one, 0), place(&two, base)),
            (Last::Closed(one), Last::Closed(two)) => {
                prop_assert_eq!((one.reuse(), one.content(), one.wire()), (two.reuse(), two.content(), two.wire()));
                let notes = (one.note().map(|note| place(note, 0)), two.note().map(|note| place(note, base)));
                prop_assert_eq!(&notes.0, &notes.1);
            }
            (Last::Open { phase, offset, reuse }, there) => {
                prop_assert_eq!(Last::Open { phase, offset: offset + base, reuse }, there);
            }
            (one, two) => prop_assert!(false, "{one:?} {two:?}"),
        }
    }

    /// httparse as a second opinion: a head that we take is the same to it, in version, status, reason, names and
    /// values, and what it refuses STRICT refuses; but for the differences in its table, which are there each time.
    #[test]
    fn httparse_reads_heads_alike_but_for_what_is_known(trial in arbitrary::trial()) {
        for limits in [*trial.policy.limits(), Limits::DEFAULT] {
            let parting =
                oracle::disagreement(&trial.reply.0, trial.exchange, limits, &oracle::DIFFERENCES);
            prop_assert!(parting.is_none(), "{}", parting.unwrap_or_default());
        }
    }

    /// The chunked coding once more, as the grammar has it, without a stream and without tolerance.
    #[test]
    fn strict_reads_chunks_by_the_grammar(body in arbitrary::chunked_body(), arrival in arbitrary::arrival()) {
        check_by_grammar(&body.0, &arrival);
    }

    /// Nothing of the upstream reaches a log or a terminal but printable ASCII, and nothing else of what a gateway or
    /// a file is called.
    #[test]
    fn what_is_written_is_printable(trial in arbitrary::trial(), name in any::<String>()) {
        // A parser that went on for ever would be stopped here, and not in the report.
        feed(&mut Parser::new(trial.policy), &trial, &[], |call| {
            let told = format!("{:?}", call.told);
            assert!(is_printable(told.as_bytes()), "{told:?}");
        });
        let report = validate(&trial.reply.0, trial.exchange, &trial.policy, trial.close);
        let rendered = report.render(&name, Paint::Plain).to_string();
        prop_assert!(is_printable(rendered.replace('\n', "").as_bytes()), "{rendered:?}");
        if let Reuse::No(reason) = report.reuse() {
            prop_assert!(is_printable(reason.to_string().as_bytes()), "{reason:?}");
        }
        for one in report.violation().into_iter().chain(report.notes()) {
            let alone = report.render_one(&name, one, Paint::Plain).to_string();
            prop_assert!(is_printable(alone.replace('\n', "").as_bytes()), "{alone:?}");
            for line in [one.to_string(), one.proxy_status(&name).to_string(), format!("{one:?}")] {
                prop_assert!(is_printable(line.as_bytes()), "{line:?}");
            }
            prop_assert!((500..=504).contains(&one.status()) && one.status() != 501, "{one}");
            for forwarded in [Forwarded::Nothing, Forwarded::Part, Forwarded::Whole] {
                one.remedy(forwarded);
            }
        }
        prop_assert!(is_printable(Escaped(&trial.reply.0).to_string().as_bytes()));
    }

    /// The same of JSON, in which a violation stands as it does alone, and a note without what would follow from it.
    #[cfg(feature = "serde")]
    #[test]
    fn what_is_json_is_printable(trial in arbitrary::trial()) {
        let report = validate(&trial.reply.0, trial.exchange, &trial.policy, trial.close);
        let json = serde_json::to_string(&report).expect("a report is JSON");
        prop_assert!(is_printable(json.as_bytes()), "{json:?}");
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON is read again");
        prop_assert_eq!(value["content"].as_u64(), Some(report.content()));
        prop_assert_eq!(&value["violation"], &serde_json::json!(report.violation()));
        let mut notes = serde_json::json!(report.notes());
        for note in notes.as_array_mut().expect("an array") {
            let note = note.as_object_mut().expect("an object");
            note.retain(|key, _| !["proxy_error", "answer", "remedy", "retry"].contains(&&key[..]));
        }
        prop_assert_eq!(&value["notes"], &notes);
    }

    /// Whatever it was wrapped in on its way up, and however often, the violation is found, and nothing where there is
    /// none.
    #[cfg(feature = "std")]
    #[test]
    fn violations_are_found_in_what_wraps_them(
        outcome in select(Outcome::ALL.to_vec()),
        layers in vec(select(vec![Layer::Io, Layer::Kind, Layer::Source]), 0..8),
    ) {
        let violation = Violation::from(outcome);
        let found = |error: &(dyn Error + 'static)| Violation::find(error).copied();
        prop_assert_eq!(found(&*Layer::wrap(violation, &layers)), Some(violation));
        prop_assert_eq!(found(&*Layer::wrap(std::fmt::Error, &layers)), None);
    }
}

/// Ways to carry an error in another one.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
enum Layer {
    /// `io::Error::other`, whose `source()` passes over what it holds.
    Io,
    /// The same with a kind.
    Kind,
    /// An error that names another as its source.
    Source,
}

#[cfg(feature = "std")]
impl Layer {
    fn wrap(error: impl Error + Send + Sync + 'static, layers: &[Layer]) -> Box<dyn Error + Send + Sync> {
        layers.iter().fold(error.into(), |inner, layer| match layer {
            Layer::Io => io::Error::other(inner).into(),
            Layer::Kind => io::Error::new(io::ErrorKind::InvalidData, inner).into(),
            Layer::Source => Around(inner).into(),
        })
    }
}

#[cfg(feature = "std")]
#[derive(Debug)]
struct Around(Box<dyn Error + Send + Sync>);

#[cfg(feature = "std")]
impl std::fmt::Display for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("something went wrong")
    }
}

#[cfg(feature = "std")]
impl Error for Around {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// G8, for a client of either version.
#[cfg(feature = "std")]
fn check_forwarded(trial: &Trial, arrival: &Arrival, name: &str) -> closure::Tally {
    let cuts = arrival.cuts(trial.reply.0.len());
    let Trial { reply, exchange, policy, close } = trial;
    let incoming = closure::Incoming {
        reply: &reply.0,
        cuts: &cuts,
        exchange: *exchange,
        writes_on: false,
        policy: *policy,
        close: *close,
    };
    closure::check(&incoming, name)
}

/// Everything that may be tolerated passes without a note.
#[cfg(feature = "std")]
fn allowing() -> Policy {
    Rule::all().fold(Policy::DEFAULT, |policy, rule| policy.set(rule, Level::Allow))
}

/// What a gateway may call itself, and what it may not.
#[cfg(feature = "std")]
fn gateway_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just("gw".to_string()), 1 => Just("[::1]:8080".to_string()), 1 => any::<String>()]
}

#[cfg(feature = "std")]
proptest! {
    #![proptest_config(config(1000))]

    /// G8: whatever came in and whatever was tolerated, what is forwarded is valid under STRICT and means the same.
    #[test]
    fn g8_what_is_forwarded_is_valid(
        trial in arbitrary::trial(),
        arrival in arbitrary::arrival(),
        name in gateway_name(),
    ) {
        for policy in [trial.policy, Policy::observe(), allowing()] {
            let policy = policy.with_limits(*trial.policy.limits());
            check_forwarded(&Trial { policy, ..trial.clone() }, &arrival, &name);
        }
    }

    /// G8 of valid replies: each is forwarded whole, to everyone.
    #[test]
    fn g8_valid_replies_are_forwarded_whole(valid in arbitrary::valid(), arrival in arbitrary::arrival()) {
        let Valid { reply, exchange, .. } = valid;
        let trial = Trial { reply, exchange, policy: Policy::STRICT, close: Some(Close::Eof) };
        prop_assert_eq!(check_forwarded(&trial, &arrival, "gw"), closure::Tally { whole: 4, refused: 0 });
    }
}

/// G8 of every reply of the corpus, under policies from strict to all that may be tolerated.
#[cfg(feature = "std")]
#[test]
fn g8_replies_of_the_corpus_are_forwarded() {
    for case in literate::cases() {
        for policy in [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT, Policy::observe(), allowing()] {
            let (reply, exchange) = (Bytes(case.reply.clone()), case.exchange);
            let trial = Trial { reply, exchange, policy, close: case.close };
            check_forwarded(&trial, &Arrival::default(), "gw");
        }
    }
}

fn is_printable(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Everything about a violation, counted from `base`.
fn place(violation: &Violation, base: u64) -> impl PartialEq + std::fmt::Debug + use<> {
    let back = |span: Span| span.start - base..span.end - base;
    let places = (back(violation.span()), violation.related().map(back), violation.decided_at() - base);
    let facts = (violation.phase(), violation.retry(), violation.received_status(), violation.proxy_error());
    // The text holds the rule, the offset in the message, the byte and the detail.
    (violation.to_string(), places, facts)
}

fn move_back(event: Said, base: u64) -> Said {
    let fields = |fields: Vec<Named>| {
        fields
            .into_iter()
            .map(|(name, value, at, value_at)| (name, value, at - base, value_at - base))
            .collect()
    };
    match event {
        Said::Head { wire, offset, status, version, framing, fields: lines } => {
            Said::Head { wire, offset: offset - base, status, version, framing, fields: fields(lines) }
        }
        Said::Content(Content { bytes, at }) => Said::Content(Content {
            bytes,
            at: at.into_iter().map(|at| at.start - base..at.end - base).collect(),
        }),
        Said::Trailers(lines) => Said::Trailers(fields(lines)),
        event => event,
    }
}

/// The same on a small body with every octet in every place.
#[test]
fn strict_reads_damaged_chunks_by_the_grammar() {
    let body = b"3\r\nabc\r\n02;a=b ; c\t=\t\"d\\e\"\r\nxy\r\n0\r\n";
    for at in 0..body.len() {
        let (before, after) = body.split_at(at);
        check_by_grammar(&[before, &after[1..]].concat(), &Arrival::default());
        for octet in 0..=255 {
            check_by_grammar(&[before, &[octet], after].concat(), &Arrival::default());
            check_by_grammar(&[before, &[octet], &after[1..]].concat(), &Arrival::default());
        }
    }
}

fn check_by_grammar(body: &[u8], arrival: &Arrival) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let reply = Bytes([HEAD, body].concat());
    let trial = Trial { reply, exchange: Exchange::GET, policy: Policy::STRICT, close: None };
    let (said, last) = hear(&trial, &arrival.cuts(trial.reply.0.len()));
    let mut content = Content::default();
    for event in meaning(said) {
        if let Said::Content(more) = event {
            content.push(&more);
        }
    }
    let (expected, end) = grammar::chunks(body);
    assert_eq!(Bytes(content.bytes), Bytes(expected), "{trial:?}");
    let refused = match last {
        Last::Refused(violation) if violation.rule().section() == Section::Chunked => {
            Some(violation.decided_at() as usize - HEAD.len())
        }
        _ => None,
    };
    match end {
        grammar::End::Fault { line_end } => {
            assert!(refused.is_some_and(|at| at < line_end), "{refused:?}, not before {line_end}: {trial:?}");
        }
        grammar::End::LastChunk => assert_eq!(refused, None, "{trial:?}"),
        grammar::End::Open { line } => {
            assert!(refused.is_none_or(|at| at >= line), "{refused:?}, before {line}: {trial:?}");
        }
    }
}

/// RFC 9112 7.1 on complete lines, as plainly as it can be written.
mod grammar {
    pub enum End {
        /// A line, or the end of a chunk, is not what it has to be; it ends here.
        Fault { line_end: usize },
        /// The last-chunk line is whole.
        LastChunk,
        /// Nothing is wrong up to here, and what follows is not whole.
        Open { line: usize },
    }

    /// The content, and how the body ends.
    pub fn chunks(body: &[u8]) -> (Vec<u8>, End) {
        let mut content = Vec::new();
        let mut at = 0;
        loop {
            let Some(len) = body[at..].windows(2).position(|pair| pair == b"\r\n") else {
                return (content, End::Open { line: at });
            };
            let Some(size) = size_line(&body[at..at + len]) else {
                return (content, End::Fault { line_end: at + len + 2 });
            };
            at += len + 2;
            if size == 0 {
                return (content, End::LastChunk);
            }
            let data = &body[at..body.len().min(at.saturating_add(size))];
            content.extend(data);
            at += data.len();
            match body[at..].get(..2) {
                Some(b"\r\n") if data.len() == size => at += 2,
                Some(_) => return (content, End::Fault { line_end: at + 2 }),
                None => return (content, End::Open { line: at }),
            }
        }
    }

    /// chunk-size [ chunk-ext ], without blanks between them.
    fn size_line(line: &[u8]) -> Option<usize> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = std::str::from_utf8(&line[..digits]).ok()?;
        let significant = size.trim_start_matches('0');
        let size = if significant.is_empty() && digits > 0 {
            0
        } else {
            i64::from_str_radix(significant, 16).ok()?
        };
        let mut rest = &line[digits..];
        let mut may_be_blank = false;
        while !rest.is_empty() {
            let before = if may_be_blank { blanks(rest) } else { rest };
            let after = blanks(before.strip_prefix(b";")?);
            rest = token(after)?;
            if let Some(value) = blanks(rest).strip_prefix(b"=") {
                let value = blanks(value);
                rest = if value.starts_with(b"\"") { quoted_string(value)? } else { token(value)? };
            }
            may_be_blank = true;
        }
        usize::try_from(size).ok()
    }

    fn blanks(text: &[u8]) -> &[u8] {
        let count = text.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        &text[count..]
    }

    fn token(text: &[u8]) -> Option<&[u8]> {
        let tchar = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let count = text.iter().take_while(tchar).count();
        (count > 0).then(|| &text[count..])
    }

    fn quoted_string(text: &[u8]) -> Option<&[u8]> {
        let mut bytes = text.iter().enumerate().skip(1);
        while let Some((at, &byte)) = bytes.next() {
            let inside = match byte {
                b'"' => return Some(&text[at + 1..]),
                b'\\' => *bytes.next()?.1,
                byte => byte,
            };
            if inside != b'\t' && (inside < b' ' || inside == 0x7f) {
                return None;
            }
        }
        None
    }
}

/// Each difference between httparse and us is one: without it, and it alone, its example is read in two ways.
#[test]
fn httparse_differs_where_the_table_says() {
    for known in &oracle::DIFFERENCES {
        let parting =
            |table: &[_]| oracle::disagreement(known.example, Exchange::GET, Limits::DEFAULT, table);
        assert_eq!(parting(&[*known]), None, "{known:?}");
        let others: Vec<_> =
            oracle::DIFFERENCES.into_iter().filter(|other| other.point != known.point).collect();
        assert!(parting(&others).is_some(), "{known:?}");
    }
}

/// Every start of every reply of the corpus, to httparse and to us.
#[test]
fn httparse_reads_the_corpus_alike_but_for_what_is_known() {
    for case in literate::cases() {
        for end in 0..=case.reply.len().min(600) {
            let start = &case.reply[..end];
            let parting = oracle::disagreement(start, case.exchange, Limits::DEFAULT, &oracle::DIFFERENCES);
            assert!(parting.is_none(), "{}\n{}", case.name, parting.unwrap_or_default());
        }
    }
}

/// Wherever a bad octet stands in a long line, at the edge of a block or not, it is the one to blame.
#[test]
fn a_bad_octet_is_found_wherever_it_stands() {
    const START: &str = "HTTP/1.1 200 OK\r\nServer: a\r\n";
    let value = (format!("{START}a:"), "\r\nContent-Length: 0\r\n\r\n", &b"\0\x0b\x7f\r\n"[..]);
    let name = (START.to_string(), ":\r\nContent-Length: 0\r\n\r\n", &b"\0 \t\"(/\x7f\x80\r"[..]);
    for (before, after, octets) in [value, name] {
        for &octet in octets {
            for place in 1..210 {
                let mut reply = [before.as_bytes(), &[b'v'; 210], after.as_bytes()].concat();
                let at = before.len() + place;
                reply[at] = octet;
                let (exchange, policy) = (Exchange::GET, Policy::STRICT);
                let trial = Trial { reply: Bytes(reply), exchange, policy, close: None };
                for cuts in [vec![], vec![at], vec![at - 1, at + 1]] {
                    match hear(&trial, &cuts).1 {
                        Last::Refused(violation) => {
                            assert_eq!(violation.span().start, at as u64, "{trial:?}")
                        }
                        last => panic!("{trial:?} {last:?}"),
                    }
                }
            }
        }
    }
}

/// The generators are worth their time: what they make is refused and noted by most of the rules that bytes can break.
#[test]
fn trials_reach_most_rules() {
    let mut runner = TestRunner::new(config(1));
    let (mut denied, mut noted, mut accepted) = (BTreeSet::new(), BTreeSet::new(), 0);
    for _ in 0..2500 {
        let trial = arbitrary::trial().new_tree(&mut runner).expect("a trial").current();
        let (said, last) = hear(&trial, &[]);
        noted.extend(said.iter().filter_map(|event| match event {
            Said::Note(note) => Some(note.rule()),
            _ => None,
        }));
        match last {
            Last::Refused(violation) => drop(denied.insert(violation.rule())),
            Last::Closed(_) | Last::Open { .. } => accepted += 1,
        }
    }
    let all =
        || Rule::all().filter(|rule| rule.class() == Class::Core && rule.detection() != Detection::Caller);
    let may_be_noted = all().filter(|rule| rule.permits(Level::Note)).count();
    assert!(denied.len() * 10 >= all().count() * 8, "{} of {} rules deny", denied.len(), all().count());
    assert!(noted.len() * 10 >= may_be_noted * 8, "{} of {may_be_noted} rules note", noted.len());
    assert!(accepted >= 400, "{accepted} replies are accepted");
}
