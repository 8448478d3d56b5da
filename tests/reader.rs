//! The reader that owns its buffer, over one connection. That it says what the parser says is for `fuzz_seeds` to see.
#![cfg(feature = "bytes")]

use badgateway::bytes::{Event, OwnedHead, Reader};
use badgateway::{
    Close, Exchange, Framing, Method, Phase, Policy, Reason, Reuse, Rule, Version, Violation, Written,
};

/// All there is to say of these bytes.
fn read(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<Event>, Violation> {
    reader.buffer().extend_from_slice(bytes);
    let mut events = Vec::new();
    while let Some(event) = reader.next_event()? {
        events.push(event);
    }
    Ok(events)
}

fn head(events: &[Event]) -> &OwnedHead {
    match events {
        [Event::Head(head), ..] => head,
        other => panic!("no head first: {other:?}"),
    }
}

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn an_owned_head_tells_what_a_head_tells() {
    let mut reader = Reader::new(Policy::DEFAULT);
    reader.begin(Exchange::GET);
    let events = read(&mut reader, b"HTTP/1.1 103 \r\nLink: </a>\r\nLink: </b>\r\n\r\n").unwrap();
    let interim = head(&events);
    assert_eq!((interim.status(), interim.is_interim()), (103, true));
    assert_eq!((interim.fields().len(), interim.fields().is_empty()), (2, false));
    let events = read(&mut reader, b"HTTP/1.0 204 \r\n\r\n").unwrap();
    let last = head(&events);
    assert_eq!((last.status(), last.is_interim()), (204, false));
    assert_eq!((last.version(), last.framing()), (Version::Http10, Framing::None));
    assert_eq!((last.fields().len(), last.fields().is_empty()), (0, true));
    assert_eq!(last.fields().get("link"), None);
    assert_eq!(&last.wire()[..], b"HTTP/1.0 204 \r\n\r\n");
    assert!(matches!(events[..], [_, Event::End(end)] if end.reuse() == Reuse::No(Reason::Http10)));
}

#[test]
fn a_connection_is_used_again_once_its_request_is_written() {
    let mut reader = Reader::new(Policy::DEFAULT);
    let post = Exchange::new(Method::Other).written(Written::Part);
    for (written, reuse) in
        [(Written::Whole, Reuse::Yes), (Written::Part, Reuse::No(Reason::RequestUnfinished))]
    {
        reader.begin(post);
        read(&mut reader, &HELLO[..HELLO.len() - 5]).unwrap();
        assert_eq!(reader.parser().phase(), Phase::Body);
        reader.request_written(written);
        let events = read(&mut reader, b"hello").unwrap();
        assert!(
            matches!(events[..], [Event::Content(_), Event::End(end)] if end.reuse() == reuse),
            "{events:?}"
        );
        assert_eq!(reader.parser().reuse(), reuse);
    }
}

#[test]
fn bytes_on_a_connection_gone_idle_answer_nobody() {
    let mut reader = Reader::new(Policy::COMPAT);
    reader.begin(Exchange::GET);
    read(&mut reader, HELLO).unwrap();
    reader.idle();
    assert_eq!((reader.parser().phase(), reader.parser().reuse()), (Phase::Idle, Reuse::Yes));
    let violation = read(&mut reader, HELLO).unwrap_err();
    assert_eq!(violation.rule(), Rule::UnsolicitedResponse);
    assert_eq!(violation.span().start, HELLO.len() as u64);
    assert_eq!(reader.close(Close::Eof), Err(violation));
}

/// Read into the buffer and not looked at, they are no answer to what is asked afterwards.
#[test]
fn bytes_left_in_the_buffer_answer_no_later_request() {
    let goes_on: [fn(&mut Reader); 2] = [|reader| reader.begin(Exchange::GET), Reader::idle];
    for go_on in goes_on {
        let mut reader = Reader::new(Policy::COMPAT);
        reader.begin(Exchange::GET);
        read(&mut reader, HELLO).unwrap();
        reader.buffer().extend_from_slice(HELLO);
        go_on(&mut reader);
        let violation = reader.next_event().unwrap_err();
        assert_eq!((violation.rule(), violation.phase()), (Rule::ExtraneousBytesAfterMessage, Phase::Idle));
    }
}

/// It may stand in a log.
#[test]
fn a_reader_shows_how_much_it_holds_and_not_what() {
    let mut reader = Reader::new(Policy::DEFAULT);
    reader.begin(Exchange::GET);
    read(&mut reader, b"HTTP/1.1 200 \xff").unwrap();
    assert_eq!(format!("{reader:?}"), "Reader { phase: StatusLine, buffered: 14, .. }");
}

/// What came through a tunnel, or behind the message, is the caller's; once the connection is closed as before.
#[test]
fn bytes_left_in_the_buffer_stay_there_when_the_connection_closes() {
    for (exchange, reply) in [
        (Exchange::new(Method::Connect), &b"HTTP/1.1 200 OK\r\n\r\nabc"[..]),
        (Exchange::GET, b"HTTP/1.1 204 \r\n\r\nabc"),
    ] {
        let mut reader = Reader::new(Policy::COMPAT);
        reader.begin(exchange);
        reader.buffer().extend_from_slice(reply);
        while !matches!(reader.next_event(), Ok(None | Some(Event::End(_)))) {}
        reader.close(Close::Eof).unwrap();
        assert!(matches!(reader.next_event(), Ok(None)));
        assert_eq!(reader.buffer()[..], *b"abc");
    }
}
