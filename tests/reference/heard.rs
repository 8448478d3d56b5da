//! What the parser says of a reply, in the words of the reference.

use badgateway::{Close, Event, Fields, Framing, Head, Parser, Policy, Violation};

use super::grammar::{self, Field, Octets};
use super::reply::Reply;
use super::trial::Trial;

#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Whole(Reply),
    /// It wants more, and calls it incomplete if nothing comes.
    Open,
    Refused(Violation),
}

/// What has come of a reply so far.
#[derive(Default)]
struct Parts {
    interims: Vec<grammar::Head>,
    head: Option<(grammar::Head, Framing)>,
    content: Vec<u8>,
    trailers: Vec<Field>,
    is_whole: bool,
}

/// Hand the reply over in two reads and listen.
pub fn listen(trial: &Trial) -> Heard {
    let mut parser = Parser::new(Policy::STRICT.with_limits(trial.terms.limits));
    parser.begin(trial.terms.exchange);
    let mut parts = Parts::default();
    for end in [trial.cut(), trial.reply.0.len()] {
        let mut input = &trial.reply.0[parser.offset() as usize..end];
        loop {
            match parser.next_event(&mut input) {
                Ok(Some(event)) => parts.add(&event),
                Ok(None) => break,
                Err(violation) => return Heard::Refused(violation),
            }
        }
    }
    if trial.ended {
        parts.is_whole = parser.close(Close::Eof).is_ok();
    }
    parts.reply().map_or(Heard::Open, Heard::Whole)
}

impl Parts {
    fn add(&mut self, event: &Event<'_>) {
        match event {
            Event::Note(_) => {}
            Event::Head(head) if head.is_interim() => self.interims.push(reading(head)),
            Event::Head(head) => {
                self.head = Some((reading(head), head.framing()));
                self.is_whole = head.framing() == Framing::Tunnel;
            }
            Event::Content(octets) => self.content.extend_from_slice(octets),
            Event::Trailers(fields) => self.trailers = fields_of(fields.clone()),
            Event::End(_) => self.is_whole = true,
            other => panic!("an event that this test does not know: {other:?}"),
        }
    }

    fn reply(self) -> Option<Reply> {
        let Parts { interims, head, content, trailers, is_whole } = self;
        let (head, framing) = head.filter(|_| is_whole)?;
        Some(Reply { interims, head, framing, content: Octets(content), trailers })
    }
}

fn reading(head: &Head<'_>) -> grammar::Head {
    grammar::Head {
        version: head.version(),
        status: head.status(),
        reason: head.reason().into(),
        fields: fields_of(head.fields()),
    }
}

fn fields_of(fields: Fields<'_>) -> Vec<Field> {
    fields.map(|field| (field.name().into(), field.value().into())).collect()
}
