//! badgateway as a gateway calls it.

use std::hint::black_box;

use badgateway::{Event, Exchange, Field, Framing, Head, Parser, Policy};

/// A parser of its own for this head, as on a new connection; `None` unless the head is whole and good.
#[inline(always)]
pub fn judge<T>(policy: Policy, bytes: &[u8], use_head: impl Fn(&Head<'_>) -> T) -> Option<T> {
    let mut parser = Parser::new(policy);
    parser.begin(Exchange::GET);
    next_head(&mut parser, bytes, use_head)
}

/// The next event, if it is a head.
#[inline(always)]
fn next_head<T>(parser: &mut Parser, mut input: &[u8], use_head: impl Fn(&Head<'_>) -> T) -> Option<T> {
    // Looked at where it is: to take it out would be to copy it.
    match &parser.next_event(&mut input) {
        Ok(Some(Event::Head(head))) => Some(use_head(head)),
        _ => None,
    }
}

/// What a gateway must know of a head.
pub fn decided(head: &Head<'_>) -> (u16, Framing) {
    (head.status(), head.framing())
}

/// The same, acted upon as a gateway does: bytes to relay, or a number past any length.
pub fn acted_on(head: &Head<'_>) -> (u16, u64) {
    let length = match head.framing() {
        Framing::None => 0,
        Framing::Length(length) => length,
        Framing::Chunked => u64::MAX - 1,
        _ => u64::MAX,
    };
    (head.status(), length)
}

/// Status, and the number of fields with the length of their names and values.
pub fn walked(head: &Head<'_>) -> (u16, Framing, usize, usize) {
    let add = |(count, len), field: Field<'_>| (count + 1, len + field.name().len() + field.value().len());
    let (count, len) = head.fields().fold((0, 0), add);
    (head.status(), head.framing(), count, len)
}

/// A reply without content, from `begin` to where the next one may begin.
pub fn exchange(parser: &mut Parser, mut input: &[u8], exchange: Exchange) -> Option<(u16, Framing)> {
    parser.begin(exchange);
    let Ok(Some(Event::Head(head))) = parser.next_event(&mut input) else { return None };
    let decided = decided(&head);
    let ended = matches!(parser.next_event(&mut input), Ok(Some(Event::End(_))));
    let drained = matches!(parser.next_event(&mut input), Ok(None));
    (ended && drained).then_some(decided)
}

/// A head that arrives bit by bit: all that has come by then is shown each time.
pub fn arrive(bytes: &[u8], ends: &[usize]) -> Option<(u16, u64)> {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    let (last, before) = ends.split_last()?;
    for &end in before {
        if !matches!(parser.next_event(&mut &black_box(bytes)[..end]), Ok(None)) {
            return None;
        }
    }
    next_head(&mut parser, &black_box(bytes)[..*last], acted_on)
}

/// A parser for which the next byte is the first of the content.
pub fn past_head(mut head: &[u8]) -> Parser {
    let mut parser = Parser::new(Policy::DEFAULT);
    parser.begin(Exchange::GET);
    while let Some(event) = parser.next_event(&mut head).expect("a good head") {
        assert!(matches!(event, Event::Note(_) | Event::Head(_)));
    }
    assert!(head.is_empty());
    parser
}

/// Events of content and bytes in them, and whether the reply ended within these bytes.
pub fn contents(mut parser: Parser, mut body: &[u8]) -> Option<(usize, usize, bool)> {
    let (mut pieces, mut bytes) = (0, 0);
    while let Some(event) = parser.next_event(&mut body).ok()? {
        match event {
            Event::Content(content) => {
                pieces += 1;
                bytes += black_box(content).len();
            }
            Event::End(_) => return Some((pieces, bytes, true)),
            _ => return None,
        }
    }
    Some((pieces, bytes, false))
}
