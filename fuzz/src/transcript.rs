//! What was said about a reply, so that one reading can be held against another.

use std::ops::Range;

use badgateway::bytes::{self, Reader};
use badgateway::{
    Close, End, Event, Exchange, Field, Framing, Head, Parser, Policy, Reuse, Version, Violation, Written,
};

use super::scene::{Next, Scene};

#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Note(Violation),
    Head(OwnHead),
    Content(Vec<u8>),
    Trailers(Vec<OwnField>),
    End(End),
}

#[derive(Clone, Debug, PartialEq)]
pub struct OwnHead {
    pub status: u16,
    pub version: Version,
    pub framing: Framing,
    pub offset: u64,
    pub reason: Vec<u8>,
    pub wire: Vec<u8>,
    pub fields: Vec<OwnField>,
}

/// Name and value.
pub type OwnField = (Vec<u8>, Vec<u8>);

fn own_field(field: Field<'_>) -> OwnField {
    (field.name().to_vec(), field.value().to_vec())
}

fn own_head(head: &Head<'_>) -> OwnHead {
    OwnHead {
        status: head.status(),
        version: head.version(),
        framing: head.framing(),
        offset: head.offset(),
        reason: head.reason().to_vec(),
        wire: head.wire().to_vec(),
        fields: head.fields().map(own_field).collect(),
    }
}

/// Something to feed a reply to.
pub trait Machine<'r>: Sized {
    fn new(policy: Policy, reply: &'r [u8]) -> Self;
    /// More bytes are at hand.
    fn supply(&mut self, piece: Range<usize>);
    fn say(&mut self) -> Result<Option<Said>, Violation>;
    fn begin(&mut self, exchange: Exchange);
    fn idle(&mut self);
    fn request_written(&mut self, written: Written);
    fn close(&mut self, how: Close) -> Result<End, Violation>;
    fn parser(&self) -> &Parser;
    /// Bytes supplied and not used.
    fn unused(&self) -> usize;
}

/// The parser over a reply that is all there but shown only as far as it is supplied.
pub struct Pull<'r> {
    parser: Parser,
    reply: &'r [u8],
    used: usize,
    supplied: usize,
}

impl<'r> Machine<'r> for Pull<'r> {
    fn new(policy: Policy, reply: &'r [u8]) -> Pull<'r> {
        Pull { parser: Parser::new(policy), reply, used: 0, supplied: 0 }
    }

    fn supply(&mut self, piece: Range<usize>) {
        self.supplied = piece.end;
    }

    fn say(&mut self) -> Result<Option<Said>, Violation> {
        let mut input = &self.reply[self.used..self.supplied];
        let event = self.parser.next_event(&mut input);
        self.used = self.supplied - input.len();
        Ok(event?.map(|event| match event {
            Event::Note(note) => Said::Note(note),
            Event::Head(head) => Said::Head(own_head(&head)),
            Event::Content(content) => Said::Content(content.to_vec()),
            Event::Trailers(fields) => Said::Trailers(fields.map(own_field).collect()),
            Event::End(end) => Said::End(end),
            other => panic!("an event that the harness does not know: {other:?}"),
        }))
    }

    fn begin(&mut self, exchange: Exchange) {
        self.parser.begin(exchange);
    }

    fn idle(&mut self) {
        self.parser.idle();
    }

    fn request_written(&mut self, written: Written) {
        self.parser.request_written(written);
    }

    fn close(&mut self, how: Close) -> Result<End, Violation> {
        self.parser.close(how)
    }

    fn parser(&self) -> &Parser {
        &self.parser
    }

    fn unused(&self) -> usize {
        self.supplied - self.used
    }
}

/// The reader that owns its bytes.
pub struct Own<'r> {
    reader: Reader,
    reply: &'r [u8],
    unused: usize,
}

impl<'r> Machine<'r> for Own<'r> {
    fn new(policy: Policy, reply: &'r [u8]) -> Own<'r> {
        Own { reader: Reader::new(policy), reply, unused: 0 }
    }

    fn supply(&mut self, piece: Range<usize>) {
        self.reader.buffer().extend_from_slice(&self.reply[piece]);
        self.unused = self.reader.buffer().len();
    }

    fn say(&mut self) -> Result<Option<Said>, Violation> {
        let event = self.reader.next_event();
        self.unused = self.reader.buffer().len();
        Ok(event?.map(|event| match event {
            bytes::Event::Note(note) => Said::Note(note),
            bytes::Event::Head(owned) => {
                let head = own_head(&owned.head());
                assert_eq!(head.fields, own_fields(owned.fields()), "fields by range and by line");
                assert_eq!(head.wire, *owned.wire());
                Said::Head(head)
            }
            bytes::Event::Content(content) => Said::Content(content.to_vec()),
            bytes::Event::Trailers(fields) => Said::Trailers(own_fields(&fields)),
            bytes::Event::End(end) => Said::End(end),
            other => panic!("an event that the harness does not know: {other:?}"),
        }))
    }

    fn begin(&mut self, exchange: Exchange) {
        self.reader.begin(exchange);
    }

    fn idle(&mut self) {
        self.reader.idle();
    }

    fn request_written(&mut self, written: Written) {
        self.reader.request_written(written);
    }

    fn close(&mut self, how: Close) -> Result<End, Violation> {
        self.reader.close(how)
    }

    fn parser(&self) -> &Parser {
        self.reader.parser()
    }

    fn unused(&self) -> usize {
        self.unused
    }
}

fn own_fields(fields: &bytes::OwnedFields) -> Vec<OwnField> {
    fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// Everything that was said, adjacent content joined, and how it came out.
#[derive(Debug, PartialEq)]
pub struct Transcript {
    pub said: Vec<Said>,
    /// The last word: after the close if there is one, `None` where the reply is left open.
    pub end: Result<Option<End>, Violation>,
    pub used: u64,
    pub reuse: Reuse,
}

/// Read the scene's reply in pieces that end at `cuts`, at every turn (see [`turns`]), and at its end.
///
/// Checks on the way what holds of any reading: G1 (there is always progress), G3 (a note or an error comes with the
/// deciding byte, and no byte at or past a fault was handed out) and G6 (an error is one for good).
pub fn transcribe<'r, M: Machine<'r>>(scene: &Scene<'r>, policy: Policy, cuts: &[usize]) -> Transcript {
    let mut machine = M::new(policy, scene.reply);
    let turns = turns(scene, policy);
    let mut ends: Vec<usize> = cuts.iter().chain(&turns).copied().chain([scene.reply.len()]).collect();
    ends.sort_unstable();
    ends.dedup();
    machine.begin(scene.exchange);
    let mut said = Vec::new();
    let mut fed = 0;
    for end in ends {
        machine.supply(fed..end);
        if let Err(violation) = read_piece(scene, &mut machine, fed..end, &mut said) {
            let first_bad = violation.span().start;
            assert!(handed_out(&said) <= first_bad, "content past the fault: {violation:?}");
            assert_eq!(machine.say().err(), Some(violation), "G6: next_event after an error");
            assert_eq!(machine.close(Close::Eof), Err(violation), "G6: close after an error");
            return finish(&machine, said, Err(violation));
        }
        if turns.contains(&end) {
            go_on(scene, &mut machine);
        }
        fed = end;
    }
    let end = scene.close.map(|how| {
        let end = machine.close(how);
        assert_eq!(machine.close(how), end, "a second close");
        end
    });
    finish(&machine, said, end.transpose())
}

fn finish<'r>(
    machine: &impl Machine<'r>,
    said: Vec<Said>,
    end: Result<Option<End>, Violation>,
) -> Transcript {
    Transcript { said, end, used: machine.parser().offset(), reuse: machine.parser().reuse() }
}

fn read_piece<'r>(
    scene: &Scene<'_>,
    machine: &mut impl Machine<'r>,
    piece: Range<usize>,
    said: &mut Vec<Said>,
) -> Result<(), Violation> {
    let in_piece = |violation: &Violation| {
        let decided = violation.decided_at() as usize;
        assert!(piece.contains(&decided), "{violation:?} came with the bytes {piece:?}");
    };
    // Without a byte used there can be a note for each rule, a head and an end, and then more bytes are needed.
    let mut idle_calls = 0;
    loop {
        let unused = machine.unused();
        let event = machine.say().inspect_err(&in_piece)?;
        assert!(machine.unused() <= unused, "bytes came back");
        let Some(event) = event else { return Ok(()) };
        idle_calls = if machine.unused() < unused { 0 } else { idle_calls + 1 };
        assert!(idle_calls <= badgateway::Rule::COUNT + 2, "no progress past {event:?}");
        match &event {
            Said::Note(note) => in_piece(note),
            Said::Head(_) if scene.writes_on => machine.request_written(Written::Whole),
            _ => {}
        }
        match (event, said.last_mut()) {
            (Said::Content(more), Some(Said::Content(content))) => content.extend(more),
            (event, _) => said.push(event),
        }
    }
}

/// How many bytes have come when the caller goes on to another request, or back to the pool: it waits for an end, then
/// for as many bytes as the scene says, and asks whether the connection may be used again. Its reads end there, as what
/// has come before a request cannot answer it.
fn turns(scene: &Scene<'_>, policy: Policy) -> Vec<usize> {
    let mut turns = Vec::new();
    if scene.next == Next::Rest {
        return turns;
    }
    let mut machine = Pull::new(policy, scene.reply);
    machine.begin(scene.exchange);
    let mut ended = None;
    for end in 1..=scene.reply.len() {
        machine.supply(end - 1..end);
        let mut said = Vec::new();
        if read_piece(scene, &mut machine, end - 1..end, &mut said).is_err() {
            break;
        }
        if said.iter().any(|event| matches!(event, Said::End(_))) {
            ended = Some(end);
        }
        if ended.is_some_and(|at| end == at + scene.pause) && machine.parser().reuse() == Reuse::Yes {
            turns.push(end);
            go_on(scene, &mut machine);
        }
    }
    turns
}

fn go_on<'r>(scene: &Scene<'_>, machine: &mut impl Machine<'r>) {
    assert_eq!(machine.parser().reuse(), Reuse::Yes, "byte by byte the connection could be used again");
    match scene.next {
        Next::Rest => {}
        Next::Begin => machine.begin(scene.exchange),
        Next::Idle => machine.idle(),
    }
}

/// The offset that the bytes handed out reach up to; chunk lines in between are left out.
fn handed_out(said: &[Said]) -> u64 {
    let mut at = 0;
    for event in said {
        match event {
            Said::Head(head) => at = head.offset + head.wire.len() as u64,
            Said::Content(content) => at += content.len() as u64,
            _ => {}
        }
    }
    at
}
