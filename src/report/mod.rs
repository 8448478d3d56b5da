//! A whole reply judged at once: verdict, notes, rendering with carets, JSON.
#![forbid(unsafe_code)]

mod carets;
#[cfg(feature = "serde")]
mod json;

use alloc::vec::Vec;
use core::fmt;

pub use carets::{Escaped, Paint, Rendered};

use crate::advice::ContentProbe;
use crate::exchange::{Asked, Close, Exchange, Framing};
use crate::head::{Fields, Head};
use crate::parser::{Event, Parser};
use crate::policy::Policy;
use crate::rule::{Class, Detection, Level, Rule};
use crate::violation::{End, Reason, Reuse, Violation};

/// What became of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Complete, and no core rule was so much as noted.
    Valid,
    /// Complete, with at least one core rule noted.
    Tolerated,
    /// A rule was broken that the policy denies.
    Invalid,
    /// It ended, or paused, before it was complete, with nothing invalid seen.
    Incomplete,
}

impl Verdict {
    /// `valid`, `tolerated`, `invalid` or `incomplete`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Tolerated => "tolerated",
            Verdict::Invalid => "invalid",
            Verdict::Incomplete => "incomplete",
        }
    }

    /// Valid or tolerated: fit to forward.
    pub const fn is_fit(self) -> bool {
        matches!(self, Verdict::Valid | Verdict::Tolerated)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Everything there is to say about one reply.
#[derive(Clone)]
pub struct Report<'r> {
    reply: &'r [u8],
    verdict: Verdict,
    status: Option<u16>,
    framing: Option<Framing>,
    content: u64,
    reuse: Reuse,
    violation: Option<Violation>,
    notes: Vec<Violation>,
}

/// Judge a whole reply, interim replies before it included.
///
/// `close` says how the connection ended after these bytes; `None` that it is still open. Work is linear in the
/// bytes; a note is kept for each rule and message, and no byte is copied.
///
/// ```
/// use badgateway::{validate, Close, Exchange, Policy, Rule, Verdict};
///
/// let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
/// let report = validate(reply, Exchange::GET, &Policy::DEFAULT, Some(Close::Eof));
/// assert_eq!(report.verdict(), Verdict::Incomplete);
/// assert_eq!(report.violation().unwrap().rule(), Rule::IncompleteBody);
/// ```
pub fn validate<'r>(
    reply: &'r [u8],
    exchange: Exchange,
    policy: &Policy,
    close: Option<Close>,
) -> Report<'r> {
    validate_each(reply, exchange, policy, close, |_| {})
}

/// As [`validate`], and hand every event of the parser to `each` on the way.
pub fn validate_each<'r>(
    reply: &'r [u8],
    exchange: Exchange,
    policy: &Policy,
    close: Option<Close>,
    mut each: impl FnMut(&Event<'r>),
) -> Report<'r> {
    let mut parser = Parser::new(*policy);
    parser.begin(exchange);
    let mut collected = Collected::new(exchange, *policy);
    let mut input = reply;
    let mut outcome = loop {
        match parser.next_event(&mut input) {
            Ok(Some(event)) => {
                collected.take(&event, parser.offset());
                each(&event);
            }
            Ok(None) => break Ok(()),
            Err(violation) => break Err(violation),
        }
    };
    let before = parser.reuse();
    let mut complete = matches!(collected.framing, Some(Framing::Tunnel)) || collected.end.is_some();
    if let (Ok(()), Some(close)) = (&outcome, close) {
        match parser.close(close) {
            Ok(end) => {
                complete = true;
                collected.notes.extend(end.note().copied());
            }
            Err(violation) => outcome = Err(violation),
        }
    }
    // That the connection has ended says nothing about the reply.
    let reuse = match parser.reuse() {
        Reuse::No(Reason::Closed) => before,
        after => after,
    };
    if outcome.is_ok() && complete {
        collected.advise_on_the_whole();
    }
    let violation = outcome.err();
    Report {
        reply,
        verdict: collected.verdict(violation.as_ref(), complete),
        status: collected.head.map(|head| head.status()).or(parser.received_status()),
        framing: collected.framing,
        content: collected.content,
        reuse,
        violation,
        notes: collected.notes,
    }
}

/// What the events have told so far.
struct Collected<'r> {
    exchange: Exchange,
    policy: Policy,
    notes: Vec<Violation>,
    head: Option<Head<'r>>,
    framing: Option<Framing>,
    trailers: Fields<'r>,
    content: u64,
    probe: ContentProbe,
    end: Option<End>,
}

impl<'r> Collected<'r> {
    fn new(exchange: Exchange, policy: Policy) -> Collected<'r> {
        Collected {
            exchange,
            policy,
            notes: Vec::new(),
            head: None,
            framing: None,
            trailers: Fields::NONE,
            content: 0,
            probe: ContentProbe::default(),
            end: None,
        }
    }

    /// `offset` is where the parser stands after the event.
    fn take(&mut self, event: &Event<'r>, offset: u64) {
        match event {
            Event::Note(violation) => self.notes.push(*violation),
            Event::Head(head) => self.take_head(head),
            Event::Content(content) => {
                self.content += content.len() as u64;
                self.probe.watch(content, offset - content.len() as u64);
            }
            Event::Trailers(fields) => self.trailers = fields.clone(),
            Event::End(end) => self.end = Some(*end),
        }
    }

    fn take_head(&mut self, head: &Head<'r>) {
        for advisory in head.advisories(&self.exchange) {
            self.advise(advisory);
        }
        if head.status() == 100 {
            // One was asked for at most.
            self.exchange = self.exchange.expect(Asked::No);
        }
        if !head.is_interim() {
            self.head = Some(*head);
            self.framing = Some(head.framing());
        }
    }

    fn advise(&mut self, advisory: Violation) {
        if self.policy.level(advisory.rule()) == Level::Note {
            self.notes.push(advisory);
        }
    }

    /// Advisories that take head and content together.
    fn advise_on_the_whole(&mut self) {
        let Some(head) = self.head else { return };
        if let Some(advisory) = head.trailer_advisory(self.trailers.clone()) {
            self.advise(advisory);
        }
        if let Some(advisory) = head.content_advisory(&self.probe) {
            self.advise(advisory);
        }
    }

    fn verdict(&self, violation: Option<&Violation>, complete: bool) -> Verdict {
        match violation {
            Some(violation) if violation.rule().detection() == Detection::Close => Verdict::Incomplete,
            Some(_) => Verdict::Invalid,
            None if !complete => Verdict::Incomplete,
            None if self.notes.iter().any(|note| note.rule().class() == Class::Core) => Verdict::Tolerated,
            None => Verdict::Valid,
        }
    }
}

impl<'r> Report<'r> {
    /// The verdict.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The status code of the final reply, or of the message at which judging stopped.
    pub const fn status(&self) -> Option<u16> {
        self.status
    }

    /// How the end of the content is found; `None` if no final head was judged fit.
    pub const fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Bytes of content that were handed out, framing removed.
    pub const fn content(&self) -> u64 {
        self.content
    }

    /// Could the connection have carried another request, as far as the reply goes? How the connection ended bears on
    /// it only where the reply was not whole by then, or it was reset.
    pub const fn reuse(&self) -> Reuse {
        self.reuse
    }

    /// The rule that decided against the reply.
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// What was tolerated, and what the advisory rules have to say, in the order it was met.
    pub fn notes(&self) -> &[Violation] {
        &self.notes
    }

    /// Was this rule noted?
    pub fn has_note(&self, rule: Rule) -> bool {
        self.notes.iter().any(|note| note.rule() == rule)
    }

    /// The bytes that were judged.
    pub const fn reply(&self) -> &'r [u8] {
        self.reply
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("reply", &Beginning(self.reply))
            .field("verdict", &self.verdict)
            .field("status", &self.status)
            .field("framing", &self.framing)
            .field("content", &self.content)
            .field("reuse", &self.reuse)
            .field("violation", &self.violation)
            .field("notes", &self.notes)
            .finish()
    }
}

/// Bytes as text, of many only the first.
struct Beginning<'r>(&'r [u8]);

impl Beginning<'_> {
    const SHOWN: usize = 64;
}

impl fmt::Debug for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.len();
        write!(f, "\"{}\"", self.0[..len.min(Self::SHOWN)].escape_ascii())?;
        if len > Self::SHOWN { write!(f, "... of {len} bytes") } else { Ok(()) }
    }
}
