//! One parser over one connection: exchange after exchange, and every way in which it can end.

use badgateway::{
    Close, Event, Exchange, Forwarded, Framing, Level, Method, Parser, Phase, Policy, Reason, Remedy, Retry,
    Reuse, Rule, Span, Violation, Written,
};

const HEAD: Exchange = Exchange::new(Method::Head);
const CONNECT: Exchange = Exchange::new(Method::Connect);
const POST: Exchange = Exchange::new(Method::Other);

const CLOSES: [Close; 5] = [Close::Eof, Close::Truncated, Close::Reset, Close::Timeout, Close::Abandoned];

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const NO_CONTENT: &[u8] = b"HTTP/1.1 204 \r\n\r\n";

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Note(Rule),
    Head(u16, Framing),
    Content(Vec<u8>),
    Trailers(usize),
    End(Reuse),
}

/// One event.
fn next(parser: &mut Parser, input: &mut &[u8]) -> Result<Option<Said>, Violation> {
    let event = parser.next_event(input)?;
    Ok(event.map(|event| match event {
        Event::Note(violation) => Said::Note(violation.rule()),
        Event::Head(head) => Said::Head(head.status(), head.framing()),
        Event::Content(bytes) => Said::Content(bytes.to_vec()),
        Event::Trailers(fields) => Said::Trailers(fields.count()),
        Event::End(end) => Said::End(end.reuse()),
        other => panic!("an event that this test does not know: {other:?}"),
    }))
}

/// All there is up to the end of the reply, or of the input.
fn read(parser: &mut Parser, input: &mut &[u8]) -> Vec<Said> {
    let mut said = Vec::new();
    while let Some(event) = next(parser, input).expect("a reply that is not refused") {
        let is_end = matches!(event, Said::End(_));
        said.push(event);
        if is_end {
            break;
        }
    }
    said
}

fn refusal(parser: &mut Parser, mut input: &[u8]) -> Violation {
    loop {
        match parser.next_event(&mut input) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nothing is refused"),
            Err(violation) => return violation,
        }
    }
}

fn hello() -> Vec<Said> {
    vec![Said::Head(200, Framing::Length(5)), Said::Content(b"hello".to_vec()), Said::End(Reuse::Yes)]
}

/// A parser that has read `reply` to its end.
fn past(policy: Policy, exchange: Exchange, reply: &[u8]) -> Parser {
    let mut parser = Parser::new(policy);
    parser.begin(exchange);
    let mut input = reply;
    // More events than any of these replies has.
    for _ in 0..100 {
        if next(&mut parser, &mut input).expect("a reply that is not refused").is_none() {
            return parser;
        }
    }
    panic!("it goes on for ever: {}", reply.escape_ascii());
}

// One reply after another

#[test]
fn replies_follow_one_another() {
    let mut parser = Parser::new(Policy::STRICT);
    let mut offset = 0;
    let no_content = vec![Said::Head(204, Framing::None), Said::End(Reuse::Yes)];
    for (reply, expected) in [(HELLO, hello()), (NO_CONTENT, no_content), (HELLO, hello())] {
        parser.begin(Exchange::GET);
        let mut input = reply;
        assert_eq!(read(&mut parser, &mut input), expected);
        assert_eq!(next(&mut parser, &mut input), Ok(None));
        offset += reply.len() as u64;
        assert_eq!(parser.offset(), offset);
        assert_eq!((parser.phase(), parser.reuse()), (Phase::Idle, Reuse::Yes));
    }
}

/// What one read brought besides the end of a reply was sent before the next request was: it is no answer to it.
#[test]
fn bytes_that_came_before_a_request_never_answer_it() {
    let described = &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..];
    for policy in [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT] {
        for (exchange, reply, rule) in [
            (Exchange::GET, HELLO, Rule::ExtraneousBytesAfterMessage),
            (HEAD, described, Rule::ContentInBodilessResponse),
        ] {
            for rest in [NO_CONTENT, b"x", b"\r"] {
                let stream = [reply, rest].concat();
                let mut input = &stream[..];
                let mut parser = Parser::new(policy);
                parser.begin(exchange);
                read(&mut parser, &mut input);
                assert_eq!(input, rest);
                let mut pooled = parser.clone();
                parser.begin(Exchange::GET);
                let violation = refusal(&mut parser, input);
                assert_eq!((violation.rule(), violation.phase()), (rule, Phase::Idle));
                assert_eq!(violation.decided_at(), reply.len() as u64);
                assert_eq!(parser.reuse(), Reuse::No(Reason::Refused(rule)));
                pooled.idle();
                assert_ne!(pooled.reuse(), Reuse::Yes);
            }
        }
    }
}

#[test]
fn half_a_line_end_is_held_against_the_next_request() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
    assert_eq!(next(&mut parser, &mut &b"\r"[..]), Ok(None));
    assert_ne!(parser.reuse(), Reuse::Yes);
    parser.begin(Exchange::GET);
    assert_eq!(refusal(&mut parser, b"\n").rule(), Rule::ExtraneousBytesAfterMessage);
}

#[test]
fn bytes_taken_before_the_next_request_make_the_connection_unfit() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
    let mut input = NO_CONTENT;
    // They are used up and lead nowhere.
    assert_eq!(read(&mut parser, &mut input), [Said::Note(Rule::ExtraneousBytesAfterMessage)]);
    assert!(input.is_empty());
    let reason = Reason::Tolerated(Rule::ExtraneousBytesAfterMessage);
    assert_eq!(parser.reuse(), Reuse::No(reason));
    let mut pooled = parser.clone();
    pooled.idle();
    assert_eq!(refusal(&mut pooled, b"").rule(), Rule::ResponseNotDrained);
    assert_eq!(parser.close(Close::Eof).map(|end| end.reuse()), Ok(Reuse::No(reason)));

    let mut parser = past(Policy::STRICT, Exchange::GET, HELLO);
    let violation = refusal(&mut parser, NO_CONTENT);
    assert_eq!(violation.rule(), Rule::ExtraneousBytesAfterMessage);
    assert_eq!((violation.phase(), violation.decided_at()), (Phase::Idle, HELLO.len() as u64));
}

/// With the note, and not only when the caller asks for what comes after it: else it could take the connection for fit
/// and begin a request that these bytes would answer.
#[test]
fn extraneous_bytes_count_against_the_connection_at_once() {
    for (exchange, reply, rule) in [
        (Exchange::GET, HELLO, Rule::ExtraneousBytesAfterMessage),
        (HEAD, &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..], Rule::ContentInBodilessResponse),
    ] {
        let mut parser = past(Policy::DEFAULT, exchange, reply);
        assert_eq!(next(&mut parser, &mut &NO_CONTENT[..]), Ok(Some(Said::Note(rule))));
        let reuse = Reuse::No(Reason::Tolerated(rule));
        assert_eq!(parser.reuse(), reuse);
        assert_eq!(parser.close(Close::Eof).map(|end| end.reuse()), Ok(reuse));
    }
}

#[test]
fn stray_line_ends_between_replies_are_passed_over() {
    for policy in [Policy::DEFAULT, Policy::COMPAT] {
        let mut parser = past(policy, Exchange::GET, HELLO);
        let mut input = &b"\r\n\r\n"[..];
        assert_eq!(read(&mut parser, &mut input), [Said::Note(Rule::ExtraneousCrlfAfterMessage)]);
        assert!(input.is_empty());
        assert_eq!(parser.reuse(), Reuse::Yes);
        parser.begin(Exchange::GET);
        assert_eq!(read(&mut parser, &mut &HELLO[..]), hello());
    }
}

#[test]
fn a_third_stray_line_end_is_one_too_many() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
    let said = read(&mut parser, &mut &b"\r\n\r\n\r\n"[..]);
    let notes = [Rule::ExtraneousCrlfAfterMessage, Rule::ExtraneousBytesAfterMessage];
    assert_eq!(said, notes.map(Said::Note));
    assert_eq!(parser.reuse(), Reuse::No(Reason::Tolerated(Rule::ExtraneousBytesAfterMessage)));
}

#[test]
fn line_ends_after_the_next_request_stand_before_its_reply() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
    parser.begin(Exchange::GET);
    let late = [b"\r\n", HELLO].concat();
    let mut expected = hello();
    expected.insert(0, Said::Note(Rule::EmptyLineBeforeStatusLine));
    assert_eq!(read(&mut parser, &mut &late[..]), expected);
}

#[test]
fn rules_are_noted_anew_for_every_reply() {
    let reply = b"HTTP/1.1 200 OK\r\nA : b\r\nC : d\r\nContent-Length: 0\r\n\r\n";
    let mut parser = Parser::new(Policy::DEFAULT);
    for _ in 0..3 {
        parser.begin(Exchange::GET);
        let said = read(&mut parser, &mut &reply[..]);
        assert_eq!(said.iter().filter(|&said| *said == Said::Note(Rule::WhitespaceBeforeColon)).count(), 1);
    }
}

#[test]
fn each_reply_is_framed_by_its_own_request() {
    let described = &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"[..];
    let chunked = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..];
    let mut parser = Parser::new(Policy::STRICT);
    for reply in [described, chunked] {
        parser.begin(HEAD);
        assert_eq!(
            read(&mut parser, &mut &reply[..]),
            [Said::Head(200, Framing::None), Said::End(Reuse::Yes)]
        );
        parser.begin(Exchange::GET);
        assert_eq!(read(&mut parser, &mut &HELLO[..]), hello());
    }
}

#[test]
fn interim_replies_belong_to_one_exchange() {
    let stream = [&b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nLink: a\r\n\r\n"[..], HELLO].concat();
    let mut parser = Parser::new(Policy::STRICT);
    for _ in 0..12 {
        // Together they would pass the limit of sixteen.
        parser.begin(Exchange::GET);
        let mut expected = vec![Said::Head(100, Framing::None), Said::Head(103, Framing::None)];
        expected.extend(hello());
        assert_eq!(read(&mut parser, &mut &stream[..]), expected);
    }
}

#[test]
fn content_and_wire_are_counted_for_each_exchange() {
    let chunked = b"HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\na: b\r\n\r\n";
    let mut parser = Parser::new(Policy::DEFAULT);
    for reply in [HELLO, chunked, NO_CONTENT, HELLO] {
        parser.begin(Exchange::GET);
        let mut input = reply;
        let mut content = 0;
        let end = loop {
            match parser.next_event(&mut input).unwrap().expect("an end") {
                Event::Content(bytes) => content += bytes.len() as u64,
                Event::End(end) => break end,
                _ => {}
            }
        };
        assert_eq!((end.content(), end.wire()), (content, reply.len() as u64));
        assert!(end.note().is_none());
    }
}

// Offsets

#[test]
fn spans_count_from_the_connection_and_offset_from_the_message() {
    let bad = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello";
    for interim in [&b""[..], b"HTTP/1.1 100 \r\n\r\n"] {
        let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
        parser.begin(Exchange::GET);
        let violation = refusal(&mut parser, &[interim, bad].concat());
        let base = (HELLO.len() + interim.len()) as u64;
        assert_eq!(violation.rule(), Rule::ConflictingContentLength);
        assert_eq!(violation.span(), Span { start: base + 52, end: base + 53 });
        assert_eq!(violation.related(), Some(Span { start: base + 33, end: base + 34 }));
        assert_eq!(violation.decided_at(), base + 56);
        assert_eq!(violation.offset(), 52);
        assert!(violation.to_string().contains(" at byte 52 "), "{violation}");
    }
}

#[test]
fn heads_and_fields_know_where_they_stood() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
    parser.begin(Exchange::GET);
    let mut input = HELLO;
    let Ok(Some(Event::Head(head))) = parser.next_event(&mut input) else { panic!("no head") };
    let base = HELLO.len() as u64;
    assert_eq!(head.offset(), base);
    let field = head.fields().next().unwrap();
    assert_eq!((field.offset(), field.value_offset()), (base + 17, base + 33));
    assert_eq!(parser.offset(), base + head.wire().len() as u64);
}

// Between exchanges

#[test]
fn bytes_on_an_idle_connection_answer_nobody() {
    let mut fresh = Parser::new(Policy::COMPAT);
    let violation = refusal(&mut fresh, HELLO);
    assert_eq!((violation.rule(), violation.phase()), (Rule::UnsolicitedResponse, Phase::Idle));
    assert_eq!((violation.span(), violation.offset()), (Span { start: 0, end: 1 }, 0));

    let mut parser = past(Policy::COMPAT, Exchange::GET, HELLO);
    parser.idle();
    assert_eq!((parser.phase(), parser.reuse()), (Phase::Idle, Reuse::Yes));
    let violation = refusal(&mut parser, b"HTTP/1.1 408 Request Timeout\r\n\r\n");
    let base = HELLO.len() as u64;
    assert_eq!(violation.rule(), Rule::UnsolicitedResponse);
    assert_eq!(violation.span(), Span { start: base, end: base + 1 });
    assert_eq!((violation.decided_at(), violation.offset()), (base, 0));
    assert_eq!(violation.received_status(), None);
    assert_eq!(violation.retry(), Retry::Never);
    assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Discard);
    assert_eq!(parser.reuse(), Reuse::No(Reason::Refused(Rule::UnsolicitedResponse)));
}

/// A request that they stood in the way of is owed an answer of the gateway's own.
#[test]
fn a_request_is_answered_that_unsolicited_bytes_came_before() {
    for (written, retry) in [(Written::Nothing, Retry::Always), (Written::Whole, Retry::Idempotent)] {
        let mut parser = past(Policy::DEFAULT, Exchange::GET, HELLO);
        parser.idle();
        assert_eq!(next(&mut parser, &mut &b"\r"[..]), Ok(None));
        parser.begin(POST.written(written));
        let violation = refusal(&mut parser, b"");
        assert_eq!((violation.rule(), violation.retry()), (Rule::UnsolicitedResponse, retry));
        assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Respond(502));
    }
}

#[test]
fn an_idle_connection_bears_two_line_ends() {
    for pieces in [&[&b"\r\n\r\n"[..]][..], &[b"\r", b"\n", b"\r", b"\n"]] {
        let mut parser = past(Policy::STRICT, Exchange::GET, HELLO);
        parser.idle();
        for piece in pieces {
            let mut input = *piece;
            assert_eq!(next(&mut parser, &mut input), Ok(None));
            assert!(input.is_empty());
        }
        assert_eq!(parser.reuse(), Reuse::Yes);
        let mut again = parser.clone();
        again.begin(Exchange::GET);
        assert_eq!(read(&mut again, &mut &HELLO[..]), hello());
        let violation = refusal(&mut parser, b"\r\n");
        assert_eq!(violation.rule(), Rule::UnsolicitedResponse);
        assert_eq!(violation.decided_at(), HELLO.len() as u64 + 4);
    }
}

#[test]
fn half_a_line_end_on_an_idle_connection_is_none() {
    let violation = refusal(&mut Parser::new(Policy::COMPAT), b"\rHTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(violation.rule(), Rule::UnsolicitedResponse);
    assert_eq!(violation.decided_at(), 1);

    let mut parser = Parser::new(Policy::COMPAT);
    assert_eq!(next(&mut parser, &mut &b"\r"[..]), Ok(None));
    assert_eq!(parser.reuse(), Reuse::No(Reason::Refused(Rule::UnsolicitedResponse)));
}

#[test]
fn idle_is_for_connections_that_may_be_used_again() {
    let reply = b"HTTP/1.1 204 \r\nConnection: close\r\n\r\n";
    let mut parser = past(Policy::DEFAULT, Exchange::GET, reply);
    parser.idle();
    assert_eq!(parser.reuse(), Reuse::No(Reason::CloseOption));

    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    parser.idle();
    assert_eq!(parser.phase(), Phase::StatusLine);
    assert_eq!(read(&mut parser, &mut &HELLO[..]), hello());
}

#[test]
fn the_phase_is_that_of_the_next_byte() {
    let reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n";
    for (len, phase) in [
        (0, Phase::StatusLine),
        (16, Phase::StatusLine),
        (18, Phase::Header),
        (46, Phase::Header),
        (47, Phase::Body),
        (56, Phase::Body),
        (58, Phase::Trailer),
        (reply.len() - 1, Phase::Trailer),
        (reply.len(), Phase::Idle),
    ] {
        let parser = past(Policy::DEFAULT, Exchange::GET, &reply[..len]);
        assert_eq!(parser.phase(), phase, "{len}");
    }
}

#[test]
fn a_reset_behind_a_reply_belongs_to_no_phase_of_it() {
    let end = past(Policy::DEFAULT, Exchange::GET, HELLO).close(Close::Reset).unwrap();
    let note = end.note().unwrap();
    assert_eq!((note.rule(), note.phase()), (Rule::ConnectionReset, Phase::Idle));
    assert_eq!((note.decided_at(), note.span().start), (HELLO.len() as u64, HELLO.len() as u64));
}

#[test]
fn the_status_code_is_known_with_its_third_digit() {
    for (len, status) in [(0, None), (11, None), (12, Some(200)), (30, Some(200)), (HELLO.len(), Some(200))] {
        assert_eq!(past(Policy::DEFAULT, Exchange::GET, &HELLO[..len]).received_status(), status, "{len}");
    }
}

#[test]
fn half_a_line_end_speaks_against_an_idle_connection() {
    let mut parser = Parser::new(Policy::DEFAULT);
    assert_eq!(parser.reuse(), Reuse::Yes);
    assert_eq!(next(&mut parser, &mut &b"\r"[..]), Ok(None));
    assert_eq!(parser.reuse(), Reuse::No(Reason::Refused(Rule::UnsolicitedResponse)));
    assert_eq!(next(&mut parser, &mut &b"\n"[..]), Ok(None));
    assert_eq!(parser.reuse(), Reuse::Yes);
}

#[test]
fn a_connection_with_bytes_behind_its_reply_is_never_idle() {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, b"HTTP/1.1 204 \r\n\r\nabc");
    parser.idle();
    let violation = refusal(&mut parser, b"");
    assert_eq!((violation.rule(), violation.phase()), (Rule::ResponseNotDrained, Phase::Idle));
}

// Requests that are still being written

#[test]
fn a_request_may_be_written_while_its_reply_comes() {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(POST.written(Written::Part));
    let mut input = HELLO;
    assert_eq!(next(&mut parser, &mut input), Ok(Some(Said::Note(Rule::ResponseBeforeRequestComplete))));
    assert_eq!(next(&mut parser, &mut input), Ok(Some(Said::Head(200, Framing::Length(5)))));
    parser.request_written(Written::Whole);
    assert_eq!(read(&mut parser, &mut input), hello()[1..]);
    assert_eq!(parser.reuse(), Reuse::Yes);
}

#[test]
fn a_reply_that_ends_before_its_request_ends_the_connection() {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(POST.written(Written::Part));
    let said = read(&mut parser, &mut &HELLO[..]);
    assert_eq!(said.last(), Some(&Said::End(Reuse::No(Reason::RequestUnfinished))));
    // What is written afterwards comes too late.
    parser.request_written(Written::Whole);
    assert_eq!(parser.reuse(), Reuse::No(Reason::RequestUnfinished));
}

#[test]
fn a_reply_to_a_request_that_was_not_begun_is_unsolicited() {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(POST.written(Written::Nothing));
    for early in [&b"H"[..], HELLO] {
        let violation = refusal(&mut parser.clone(), early);
        assert_eq!(violation.rule(), Rule::UnsolicitedResponse);
        assert_eq!((violation.phase(), violation.received_status()), (Phase::StatusLine, None));
        assert_eq!(
            (violation.retry(), violation.remedy(Forwarded::Nothing)),
            (Retry::Always, Remedy::Respond(502))
        );
    }
    parser.request_written(Written::Whole);
    assert_eq!(read(&mut parser, &mut &HELLO[..]), hello());
    // Nothing was sent, so that anything may be sent again.
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(POST.written(Written::Nothing));
    let violation = parser.close(Close::Eof).unwrap_err();
    assert_eq!((violation.rule(), violation.retry()), (Rule::ClosedBeforeFirstByte, Retry::Always));
}

// Tunnels

#[test]
fn what_follows_a_tunnel_head_is_left_alone() {
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00HTTP/1.1";
    let connect = b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01";
    for (exchange, status, stream, rest) in [
        (Exchange::GET.upgrade(b"websocket"), 101, &upgrade[..], &b"\x81\x00HTTP/1.1"[..]),
        (CONNECT, 200, connect, b"\x16\x03\x01"),
    ] {
        let mut parser = Parser::new(Policy::STRICT);
        parser.begin(exchange);
        let mut input = stream;
        assert_eq!(read(&mut parser, &mut input), [Said::Head(status, Framing::Tunnel)]);
        assert_eq!(input, rest);
        assert_eq!(parser.offset(), (stream.len() - rest.len()) as u64);
        assert_eq!(next(&mut parser, &mut input), Ok(None));
        assert_eq!(input, rest);
        assert_eq!((parser.phase(), parser.reuse()), (Phase::Tunnel, Reuse::No(Reason::Tunnel)));
    }
}

#[test]
fn connect_that_fails_is_an_ordinary_reply() {
    let mut parser = Parser::new(Policy::STRICT);
    parser.begin(CONNECT);
    let mut input = &b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"[..];
    let content = Said::Content(b"no".to_vec());
    assert_eq!(
        read(&mut parser, &mut input),
        [Said::Head(407, Framing::Length(2)), content, Said::End(Reuse::Yes)]
    );
}

// The caller's own mistakes

/// Replies after which no other request may follow.
const UNFIT: [&[u8]; 3] =
    [b"HTTP/1.1 204 \r\nConnection: close\r\n\r\n", b"HTTP/1.0 204 \r\n\r\n", b"HTTP/1.1 204 \r\n\r\nmore"];

/// Places in a reply at which none may.
const UNFINISHED: [&[u8]; 5] = [
    b"HTTP/1.1 200 OK\r\n\r\nup to the close",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    b"HTTP/1.1 100 \r\n\r\n",
    b"HTTP/1.1 2",
];

fn is_refused_on(reply: &[u8]) {
    let mut parser = past(Policy::DEFAULT, Exchange::GET, reply);
    parser.begin(Exchange::GET);
    let violation = refusal(&mut parser, HELLO);
    assert_eq!(violation.rule(), Rule::ResponseNotDrained, "{}", reply.escape_ascii());
    // The reply before is no part of the new request's fate.
    assert_eq!((violation.received_status(), violation.retry()), (None, Retry::Idempotent));
    assert_eq!(parser.close(Close::Eof), Err(violation));
}

/// Whether the connection may go on is the upstream's to say, so that ignoring it must not bring a gateway down.
#[test]
fn a_request_on_an_unfit_connection_is_refused() {
    UNFIT.into_iter().for_each(is_refused_on);
    #[cfg(not(debug_assertions))]
    UNFINISHED.into_iter().for_each(is_refused_on);
}

/// A refusal is not covered up by what the caller does next.
#[test]
fn a_request_after_a_refusal_changes_nothing() {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    let violation = refusal(&mut parser, b"nonsense");
    parser.begin(Exchange::GET);
    assert_eq!(refusal(&mut parser, HELLO), violation);
}

#[cfg(debug_assertions)]
#[test]
fn a_request_within_a_reply_is_a_mistake() {
    for reply in UNFINISHED {
        let mut parser = past(Policy::DEFAULT, Exchange::GET, reply);
        let begun = std::panic::catch_unwind(move || parser.begin(Exchange::GET));
        assert!(begun.is_err(), "{}", reply.escape_ascii());
    }
}

// Every end in every state

/// How a connection ends by each of [`CLOSES`], in that order.
type Ends = [Result<Reuse, Rule>; 5];

const fn refused(rules: [Rule; 5]) -> Ends {
    let [a, b, c, d, e] = rules;
    [Err(a), Err(b), Err(c), Err(d), Err(e)]
}

const IN_HEAD: Ends = refused([
    Rule::IncompleteHeaderSection,
    Rule::IncompleteHeaderSection,
    Rule::ConnectionReset,
    Rule::ResponseHeaderTimeout,
    Rule::ResponseNotDrained,
]);

const fn in_body(rule: Rule) -> Ends {
    refused([rule, rule, Rule::ConnectionReset, Rule::ResponseBodyTimeout, Rule::ResponseNotDrained])
}

/// As `ends`, but the first two are tolerated.
const fn tolerated(ends: Ends, rule: Rule) -> Ends {
    let [_, _, c, d, e] = ends;
    let end = Ok(Reuse::No(Reason::Tolerated(rule)));
    [end, end, c, d, e]
}

fn check_ends(policy: Policy, exchange: Exchange, reply: &[u8], expected: Ends) {
    let parser = past(policy, exchange, reply);
    for (how, expected) in CLOSES.into_iter().zip(expected) {
        let mut parser = parser.clone();
        let closed = parser.close(how);
        let name = format!("{how:?} after {}", reply.escape_ascii());
        assert_eq!(closed.map(|end| end.reuse()).map_err(|violation| violation.rule()), expected, "{name}");
        match closed {
            Ok(_) => assert_eq!(parser.phase(), Phase::Idle, "{name}"),
            Err(violation) => {
                let received = reply.len() as u64;
                assert_eq!(violation.span(), Span { start: received, end: received }, "{name}");
                assert_eq!(violation.decided_at(), received, "{name}");
                assert_eq!(parser.next_event(&mut &HELLO[..]).unwrap_err(), violation, "{name}");
                let timed_out = how == Close::Timeout;
                assert_eq!(violation.status() == 504, timed_out, "{name}: {}", violation.status());
            }
        }
        // A connection ends once.
        for again in CLOSES {
            assert_eq!(parser.close(again), closed, "{name}, then {again:?}");
        }
    }
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunked(body: &str) -> Vec<u8> {
    [CHUNKED, body].concat().into_bytes()
}

#[test]
fn every_end_before_and_in_a_head() {
    let idle = Parser::new(Policy::STRICT);
    let before_first = refused([
        Rule::ClosedBeforeFirstByte,
        Rule::ClosedBeforeFirstByte,
        Rule::ClosedBeforeFirstByte,
        Rule::ResponseHeaderTimeout,
        Rule::ResponseNotDrained,
    ]);
    let after_interim = refused([
        Rule::ClosedAfterInterimResponse,
        Rule::ClosedAfterInterimResponse,
        Rule::ClosedAfterInterimResponse,
        Rule::ResponseHeaderTimeout,
        Rule::ResponseNotDrained,
    ]);
    for how in CLOSES {
        let mut idle = idle.clone();
        assert_eq!(idle.close(how).map(|end| end.reuse()), Ok(Reuse::No(Reason::NoReply)));
    }
    for policy in [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT] {
        check_ends(policy, Exchange::GET, b"", before_first);
        check_ends(policy, Exchange::GET, b"HTTP/1.1 103 \r\n\r\n", after_interim);
        for part in
            ["H", "HTTP/1.1 20", "HTTP/1.1 200 OK\r", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r"]
        {
            check_ends(policy, Exchange::GET, part.as_bytes(), IN_HEAD);
            check_ends(policy, Exchange::GET, &[b"HTTP/1.1 100 \r\n\r\n", part.as_bytes()].concat(), IN_HEAD);
        }
    }
}

#[test]
fn every_end_in_a_body() {
    for policy in [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT] {
        let with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        for part in ["", "h", "hell"] {
            let reply = [with_length, part.as_bytes()].concat();
            check_ends(policy, Exchange::GET, &reply, in_body(Rule::IncompleteBody));
        }
        for part in
            ["", "5", "5;a=b", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n"]
        {
            check_ends(policy, Exchange::GET, &chunked(part), in_body(Rule::IncompleteChunkedBody));
        }
        for part in ["0", "5\r\nhello\r\n00", "0;a", "0\r"] {
            check_ends(policy, Exchange::GET, &chunked(part), in_body(Rule::MissingFinalCrlf));
        }
    }
}

#[test]
fn every_end_of_a_body_that_ends_with_the_connection() {
    let until_close = b"HTTP/1.1 200 OK\r\n\r\nhello";
    let truncated = Rule::TruncatedCloseDelimitedBody;
    let mut ends = in_body(truncated);
    ends[0] = Ok(Reuse::No(Reason::CloseDelimited));
    ends[2] = Err(truncated);
    check_ends(Policy::DEFAULT, Exchange::GET, until_close, ends);
    check_ends(Policy::DEFAULT, Exchange::GET, b"HTTP/1.1 200 OK\r\n\r\n", ends);
    ends[1] = Ok(Reuse::No(Reason::Tolerated(truncated)));
    for level in [Level::Note, Level::Allow] {
        check_ends(Policy::DEFAULT.set(truncated, level), Exchange::GET, until_close, ends);
    }
}

/// Whether any content comes is known at its end.
#[test]
fn an_end_before_any_content_says_so() {
    let noted = |content: &[u8]| {
        let reply = [b"HTTP/1.1 200 OK\r\n\r\n", content].concat();
        let end = past(Policy::DEFAULT, Exchange::GET, &reply).close(Close::Eof).unwrap();
        end.note().map(|note| (note.rule(), note.detail()))
    };
    let said = "the connection ended before any content came";
    assert_eq!(noted(b""), Some((Rule::CloseDelimitedResponse, Some(said))));
    assert_eq!(noted(b"h"), None);
}

#[test]
fn every_end_after_the_last_chunk() {
    let (missing, incomplete) = (Rule::MissingFinalCrlf, Rule::IncompleteTrailerSection);
    for policy in [Policy::STRICT, Policy::DEFAULT] {
        check_ends(policy, Exchange::GET, &chunked("0\r\n"), in_body(missing));
        check_ends(policy, Exchange::GET, &chunked("0\r\na: b"), in_body(incomplete));
        check_ends(policy, Exchange::GET, &chunked("0\r\na: b\r\n\r"), in_body(incomplete));
    }
    let announced = b"HTTP/1.1 200 OK\r\nTrailer: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for policy in [Policy::COMPAT, Policy::COMPAT.set(missing, Level::Allow).set(incomplete, Level::Allow)] {
        check_ends(policy, Exchange::GET, &chunked("0\r\n"), tolerated(in_body(missing), missing));
        check_ends(policy, Exchange::GET, &chunked("0\r\na: b"), tolerated(in_body(incomplete), incomplete));
        // Trailers that were announced and never came are missed.
        check_ends(policy, Exchange::GET, announced, in_body(missing));
    }
    let mut parser = past(Policy::COMPAT, Exchange::GET, &chunked("5\r\nhello\r\n0\r\n"));
    let end = parser.close(Close::Eof).unwrap();
    assert_eq!(end.note().map(Violation::rule), Some(missing));
    assert_eq!(end.content(), 5);
}

/// After a message that is whole: a connection that has ended carries nothing more, and a reset is worth a reason.
fn after_whole(reuse: Reuse) -> Ends {
    let closed = if reuse == Reuse::Yes { Reuse::No(Reason::Closed) } else { reuse };
    let is_tunnel = reuse == Reuse::No(Reason::Tunnel);
    let reset = if is_tunnel { reuse } else { Reuse::No(Reason::Tolerated(Rule::ConnectionReset)) };
    [Ok(closed), Ok(closed), Ok(reset), Ok(closed), Ok(closed)]
}

#[test]
fn every_end_after_the_message() {
    let whole: [(Exchange, &[u8], Reuse); 5] = [
        (Exchange::GET, HELLO, Reuse::Yes),
        (Exchange::GET, NO_CONTENT, Reuse::Yes),
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Reuse::Yes),
        (Exchange::GET, b"HTTP/1.0 204 \r\n\r\n", Reuse::No(Reason::Http10)),
        (CONNECT, b"HTTP/1.1 200 \r\n\r\n", Reuse::No(Reason::Tunnel)),
    ];
    for policy in [Policy::STRICT, Policy::DEFAULT, Policy::COMPAT] {
        for (exchange, reply, reuse) in whole {
            check_ends(policy, exchange, reply, after_whole(reuse));
        }
        check_ends(policy, Exchange::GET, &chunked("0\r\n\r\n"), after_whole(Reuse::Yes));
    }
    let extraneous = Reuse::No(Reason::Tolerated(Rule::ExtraneousBytesAfterMessage));
    for rest in ["more", "\r", "\r\n\r", "\r\n\r\n\r\n"] {
        let reply = [HELLO, rest.as_bytes()].concat();
        check_ends(Policy::DEFAULT, Exchange::GET, &reply, [Ok(extraneous); 5]);
    }
}

/// A caller that closes before it has heard the end is told it all the same.
#[test]
fn an_end_that_was_not_asked_for_is_told_by_close() {
    for (how, reuse) in CLOSES.into_iter().zip(after_whole(Reuse::Yes)) {
        let mut parser = Parser::new(Policy::DEFAULT);
        parser.begin(Exchange::GET);
        let mut input = NO_CONTENT;
        assert_eq!(next(&mut parser, &mut input), Ok(Some(Said::Head(204, Framing::None))));
        let end = parser.close(how).unwrap();
        assert_eq!((Ok(end.reuse()), end.content(), end.wire()), (reuse, 0, NO_CONTENT.len() as u64));
        let noted = matches!(how, Close::Truncated | Close::Reset).then_some(Phase::Idle);
        assert_eq!(end.note().map(Violation::phase), noted, "{how:?}");
    }
}

#[test]
fn careless_ends_are_noted_on_a_whole_message() {
    let silent = Policy::DEFAULT.set(Rule::TlsCloseWithoutAlert, Level::Allow);
    for how in CLOSES {
        let note =
            |policy| past(policy, Exchange::GET, HELLO).close(how).unwrap().note().map(Violation::rule);
        let (expected, without_tls) = match how {
            Close::Truncated => (Some(Rule::TlsCloseWithoutAlert), None),
            Close::Reset => (Some(Rule::ConnectionReset), Some(Rule::ConnectionReset)),
            _ => (None, None),
        };
        assert_eq!((note(Policy::DEFAULT), note(silent)), (expected, without_tls), "{how:?}");
    }
}

#[test]
fn every_end_after_a_refusal_is_the_refusal() {
    for how in CLOSES {
        let mut parser = Parser::new(Policy::COMPAT);
        parser.begin(Exchange::GET);
        let violation = refusal(&mut parser, b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
        assert_eq!(violation.rule(), Rule::InvalidContentLength);
        assert_eq!(parser.close(how), Err(violation));
    }
}

#[test]
fn every_end_of_a_connection_gone_idle_is_fine() {
    for how in CLOSES {
        let mut parser = past(Policy::STRICT, Exchange::GET, HELLO);
        parser.idle();
        let end = parser.close(how).unwrap();
        assert_eq!(end.reuse(), Reuse::No(Reason::NoReply));
        // No exchange is open, so that there is nothing to count.
        assert_eq!((end.content(), end.wire()), (0, 0));
    }
}

/// One rule for several ways to end; an operator looks for each elsewhere.
#[test]
fn the_way_a_connection_ended_is_told_where_the_rule_does_not() {
    const RESET: Option<&str> = Some("the connection was reset");
    const NO_ALERT: Option<&str> = Some("TLS ended without its closing alert");
    let until_close = &b"HTTP/1.1 200 OK\r\n\r\nhel"[..];
    let interim = &b"HTTP/1.1 103 Early Hints\r\n\r\n"[..];
    for (reply, how, rule, detail) in [
        (&b""[..], Close::Eof, Rule::ClosedBeforeFirstByte, None),
        (b"", Close::Reset, Rule::ClosedBeforeFirstByte, RESET),
        (b"", Close::Truncated, Rule::ClosedBeforeFirstByte, NO_ALERT),
        (interim, Close::Reset, Rule::ClosedAfterInterimResponse, RESET),
        (until_close, Close::Reset, Rule::TruncatedCloseDelimitedBody, RESET),
        (until_close, Close::Truncated, Rule::TruncatedCloseDelimitedBody, NO_ALERT),
        (b"HTTP/1.1 200", Close::Reset, Rule::ConnectionReset, None),
        (b"HTTP/1.1 200", Close::Truncated, Rule::IncompleteHeaderSection, NO_ALERT),
        (b"HTTP/1.1 200", Close::Timeout, Rule::ResponseHeaderTimeout, None),
        (b"HTTP/1.1 200", Close::Abandoned, Rule::ResponseNotDrained, None),
    ] {
        let mut parser = Parser::new(Policy::DEFAULT);
        parser.begin(Exchange::GET);
        let mut input = reply;
        while let Ok(Some(_)) = parser.next_event(&mut input) {}
        let violation = parser.close(how).unwrap_err();
        assert_eq!((violation.rule(), violation.detail()), (rule, detail), "{how:?}");
    }
}
