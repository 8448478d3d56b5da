//! The state machine of a connection: which part of which reply the next byte belongs to.
//!
//! ```text
//! Idle -begin-> Head -interim-> Head ...
//!               Head -final---> Ending                                -> After
//!                            |  Length                      -> Ending -> After
//!                            |  Chunked -> Trailers         -> Ending -> After
//!                            |  UntilClose
//!                            |  Tunnel
//! After -begin-> Head      After -idle-> Idle      any -refused-> Failed
//! ```
#![forbid(unsafe_code)]

use crate::chunked::{Chunk, ChunkedReader};
use crate::exchange::{Close, Exchange, Framing, Written};
use crate::framing::{Ruling, reuse, settle};
use crate::head::field_line::{Ceiling, FieldLines, Place};
use crate::head::known::Known;
use crate::head::{Fields, Head, HeadReader, Interims, Outline, Sift, is_forbidden_in_trailers, is_interim};
use crate::judge::{Finding, Halt, Judge, Record};
use crate::policy::Policy;
use crate::rule::{Level, Rule};
use crate::violation::{End, Phase, Reason, Reuse, Span, Violation};

/// CRLF pairs after a message, or on an idle connection, that are passed over (RFC 9112 9.2).
const STRAY_CRLF: u8 = 2;

/// What the parser has to tell, in the order of the bytes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'b> {
    /// A deviation that is tolerated, as it is met: each rule once a message.
    Note(Violation),
    /// A whole judged head, interim or final, with its framing decided.
    Head(Head<'b>),
    /// Content octets, framing removed; never empty.
    Content(&'b [u8]),
    /// The trailer fields, if there are any; those that may not be trailers are left out.
    Trailers(Fields<'b>),
    /// The reply is complete.
    End(End),
}

/// A pull parser for the replies on one upstream connection.
///
/// It owns no bytes and allocates nothing. The caller keeps what was received and not yet used, calls
/// [`next_event`](Parser::next_event) until it returns `Ok(None)`, and then calls again with those bytes and more.
///
/// ```
/// use badgateway::{Event, Exchange, Framing, Parser, Policy};
///
/// let mut parser = Parser::new(Policy::DEFAULT);
/// parser.begin(Exchange::GET);
/// let mut input: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
/// while let Some(event) = parser.next_event(&mut input)? {
///     match event {
///         Event::Head(head) => assert_eq!(head.framing(), Framing::Length(2)),
///         Event::Content(bytes) => assert_eq!(bytes, b"hi"),
///         Event::End(end) => assert_eq!(end.reuse(), badgateway::Reuse::Yes),
///         _ => {}
///     }
/// }
/// # Ok::<(), badgateway::Violation>(())
/// ```
///
/// The caller's own mistakes are debug assertions. In a release build they have a safe result: the parser refuses
/// with `response-not-drained` instead of giving one request another's answer.
#[derive(Clone)]
pub struct Parser {
    policy: Policy,
    exchange: Exchange,
    record: Record,
    state: State,
    /// Bytes used since the parser was made.
    offset: u64,
    /// Where the reply began.
    began: u64,
    /// Bytes of content handed out.
    content: u64,
    interims: Interims,
    ruling: Ruling,
}

#[derive(Clone, Copy)]
enum State {
    Idle {
        crlf: u8,
    },
    Head(HeadReader),
    Length(u64),
    Chunked(ChunkedReader),
    Trailers(FieldLines),
    UntilClose,
    Ending,
    After {
        end: End,
        crlf: u8,
    },
    /// Bytes follow the message that are no part of it; they and all others are passed over.
    Discard(End),
    Tunnel,
    Failed(Violation),
    Closed(End),
}

/// What a state made of the input.
enum Turn<'b> {
    Event(Event<'b>),
    /// All that can be used is used.
    More,
    /// Another state has the next byte.
    Again,
}

impl Parser {
    /// A parser for a new connection.
    pub const fn new(policy: Policy) -> Parser {
        Parser {
            policy,
            exchange: Exchange::GET,
            record: Record::NEW,
            state: State::Idle { crlf: 0 },
            offset: 0,
            began: 0,
            content: 0,
            interims: Interims::NONE,
            ruling: Ruling::NONE,
        }
    }

    /// Announce the request that the next reply answers.
    ///
    /// To be called when the connection is new, idle, or past an [`End`] that allows reuse. Anything else is the
    /// caller's mistake: what is left of one reply would answer another request.
    pub fn begin(&mut self, exchange: Exchange) {
        let free = match &self.state {
            State::Idle { .. } => true,
            State::After { end, .. } => end.reuse == Reuse::Yes,
            _ => false,
        };
        debug_assert!(free, "begin() on a connection that must not carry another request");
        if !free {
            if !matches!(self.state, State::Failed(_)) {
                self.state = State::Failed(self.violation_here(Rule::ResponseNotDrained));
            }
            return;
        }
        self.exchange = exchange;
        self.record = Record::NEW;
        self.record.next_message(self.offset);
        self.began = self.offset;
        self.content = 0;
        self.interims = Interims::NONE;
        self.state = State::Head(HeadReader::new(self.interims));
    }

    /// Say how much of the request has been written by now; a reply may begin before it all is.
    pub fn request_written(&mut self, written: Written) {
        self.exchange = self.exchange.written(written);
    }

    /// The connection goes back to the pool: from here on any byte is an `unsolicited-response`.
    ///
    /// To be called past an [`End`] that allows reuse; ignored at any other time.
    pub fn idle(&mut self) {
        if let State::After { end: End { reuse: Reuse::Yes, .. }, .. } = self.state {
            self.record = Record::NEW;
            self.record.start = self.offset;
            self.state = State::Idle { crlf: 0 };
        }
    }

    /// Advance over `input`; on return it starts at the first unused byte.
    ///
    /// `Ok(None)`: more bytes are needed. Present the unused ones again with new ones appended: they are a head or a
    /// trailer section that has not come whole, never content. Work is linear in the bytes that are new.
    ///
    /// # Errors
    ///
    /// The rule that is broken, from the call that supplies the deciding byte, and again from every call after it.
    pub fn next_event<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<Event<'b>>, Violation> {
        loop {
            let turn = match self.state {
                State::Idle { crlf } => self.idle_bytes(crlf, input),
                State::Head(_) => self.head(input),
                State::Length(left) => self.length(left, input),
                State::Chunked(_) => self.chunked(input),
                State::Trailers(_) => self.trailers(input),
                State::UntilClose => self.until_close(input),
                State::Ending => Ok(self.ending()),
                State::After { end, crlf } => self.after(end, crlf, input),
                State::Discard(_) => {
                    self.use_up(input, input.len());
                    Ok(Turn::More)
                }
                State::Tunnel => Ok(Turn::More),
                State::Failed(violation) => return Err(violation),
                State::Closed(_) => {
                    debug_assert!(input.is_empty(), "bytes after close()");
                    Ok(Turn::More)
                }
            };
            match turn {
                Ok(Turn::Event(event)) => return Ok(Some(event)),
                Ok(Turn::More) => return Ok(None),
                Ok(Turn::Again) => {}
                Err(Halt::Note(violation)) => return Ok(Some(Event::Note(violation))),
                Err(Halt::Deny(violation)) => {
                    self.state = State::Failed(violation);
                    return Err(violation);
                }
            }
        }
    }

    /// No more bytes will come, and why. To be called once [`next_event`](Parser::next_event) has used what came.
    ///
    /// # Errors
    ///
    /// The rule that a reply cut short breaks, or the one that was broken before.
    pub fn close(&mut self, how: Close) -> Result<End, Violation> {
        let ended = match self.state {
            State::Failed(violation) => Err(Halt::Deny(violation)),
            State::Closed(end) => Ok(end),
            State::Idle { .. } => Ok(self.end(Reuse::No(Reason::NoReply))),
            State::Tunnel => Ok(self.end(Reuse::No(Reason::Tunnel))),
            State::Ending => Ok(self.close_whole(how, self.end_here())),
            State::After { end, crlf } => self.close_after(how, end, crlf),
            State::Discard(end) => Ok(self.close_whole(how, end)),
            _ => self.close_unfinished(how),
        };
        match ended {
            Ok(end) => {
                self.state = State::Closed(end);
                Ok(end)
            }
            Err(Halt::Deny(violation) | Halt::Note(violation)) => {
                self.state = State::Failed(violation);
                Err(violation)
            }
        }
    }

    /// Where in the exchange the parser is.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Idle { .. }
            | State::Ending
            | State::After { .. }
            | State::Discard(_)
            | State::Closed(_) => Phase::Idle,
            State::Head(reader) if reader.in_fields() => Phase::Header,
            State::Head(_) => Phase::StatusLine,
            State::Length(_) | State::Chunked(_) | State::UntilClose => Phase::Body,
            State::Trailers(_) => Phase::Trailer,
            State::Tunnel => Phase::Tunnel,
            State::Failed(violation) => violation.phase(),
        }
    }

    /// Bytes used since the parser was made: the offset of the first unused one.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The status code of the message at hand, once its three digits have come.
    pub const fn received_status(&self) -> Option<u16> {
        self.record.status
    }

    /// May the connection carry another request, as things stand?
    pub fn reuse(&self) -> Reuse {
        match &self.state {
            State::Idle { .. } => Reuse::Yes,
            State::Ending => self.end_here().reuse,
            State::After { end, .. } | State::Discard(end) | State::Closed(end) => end.reuse,
            State::Tunnel => Reuse::No(Reason::Tunnel),
            State::Failed(violation) => Reuse::No(Reason::Refused(violation.rule())),
            _ => Reuse::No(Reason::Unfinished),
        }
    }

    fn judge<'j, 'b>(&'j mut self, bytes: &'b [u8]) -> Judge<'j, 'b> {
        Judge {
            bytes,
            base: self.offset,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        }
    }

    fn use_up<'b>(&mut self, input: &mut &'b [u8], count: usize) -> &'b [u8] {
        let (used, rest) = input.split_at(count);
        *input = rest;
        self.offset += count as u64;
        used
    }

    /// No request is outstanding: nothing but stray CRLFs may come.
    fn idle_bytes<'b>(&mut self, mut crlf: u8, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        while let Some(&byte) = input.first() {
            if !continues_crlf(crlf, byte) {
                return Err(self.judge(input).refuse(Finding::at(Rule::UnsolicitedResponse, 0)));
            }
            crlf += 1;
            self.state = State::Idle { crlf };
            self.use_up(input, 1);
        }
        Ok(Turn::More)
    }

    fn head<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let bytes = *input;
        let State::Head(reader) = &mut self.state else { return Ok(Turn::More) };
        debug_assert!(bytes.len() >= reader.examined(), "unused bytes must be presented again");
        let mut judge = Judge {
            bytes,
            base: self.offset,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        };
        if self.exchange.request_written() == Written::Nothing && !bytes.is_empty() {
            return Err(judge.refuse(Finding::at(Rule::UnsolicitedResponse, 0)));
        }
        let Some(outline) = reader.read(&mut judge)? else { return Ok(Turn::More) };
        let ruling = settle(&outline, &mut judge)?;
        self.ruling = ruling;
        let head = self.judged_head(&outline, &bytes[..outline.len]);
        self.use_up(input, outline.len);
        self.leave_head(head.status, outline.len);
        Ok(Turn::Event(Event::Head(head)))
    }

    fn judged_head<'b>(&self, outline: &Outline, wire: &'b [u8]) -> Head<'b> {
        let sift = if outline.any_dropped { Sift::Dropped } else { Sift::Nothing };
        let section = &wire[outline.fields_at..];
        Head {
            wire,
            offset: self.offset,
            code_at: outline.code_at,
            fields: Fields::new(section, self.offset + outline.fields_at as u64, sift),
            status: self.record.status.unwrap_or(0),
            version: outline.version,
            framing: self.ruling.framing,
        }
    }

    fn leave_head(&mut self, status: u16, len: usize) {
        if is_interim(status) {
            self.interims.messages += 1;
            self.interims.bytes += len as u64;
            self.interims.last = self.record.start;
            self.record.next_message(self.offset);
            self.state = State::Head(HeadReader::new(self.interims));
            return;
        }
        self.record.phase = Phase::Body;
        self.state = match self.ruling.framing {
            Framing::None | Framing::Length(0) => State::Ending,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(ChunkedReader::new(self.offset)),
            Framing::UntilClose => State::UntilClose,
            Framing::Tunnel => State::Tunnel,
        };
    }

    /// How many of the next `available` content bytes may be handed out.
    fn judge_content(&mut self, input: &[u8], available: usize) -> Result<usize, Halt> {
        if self.record.status == Some(205) && self.content == 0 {
            self.judge(input).tolerate(Finding::at(Rule::ContentIn205, 0))?;
        }
        let left = self.policy.limits().content - self.content;
        if left == 0 {
            return Err(self.judge(input).refuse(Finding::at(Rule::ResponseBodyTooLarge, 0)));
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(available);
        self.content += count as u64;
        Ok(count)
    }

    fn length<'b>(&mut self, left: u64, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let available = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        if available == 0 {
            return Ok(Turn::More);
        }
        let count = self.judge_content(input, available)?;
        let left = left - count as u64;
        self.state = if left == 0 { State::Ending } else { State::Length(left) };
        Ok(Turn::Event(Event::Content(self.use_up(input, count))))
    }

    fn until_close<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        if input.is_empty() {
            return Ok(Turn::More);
        }
        let count = self.judge_content(input, input.len())?;
        Ok(Turn::Event(Event::Content(self.use_up(input, count))))
    }

    fn chunked<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let State::Chunked(reader) = &mut self.state else { return Ok(Turn::More) };
        let mut judge = Judge {
            bytes: &[],
            base: 0,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        };
        let read = reader.read(input, &mut judge);
        let used = (reader.at() - self.offset) as usize;
        self.use_up(input, used);
        match read? {
            Chunk::More => Ok(Turn::More),
            Chunk::Last => {
                self.record.phase = Phase::Trailer;
                self.state = State::Trailers(FieldLines::new(Place::Trailer, 0));
                Ok(Turn::Again)
            }
            Chunk::Data(available) => {
                let count = self.judge_content(input, available)?;
                if let State::Chunked(reader) = &mut self.state {
                    reader.take(count);
                }
                Ok(Turn::Event(Event::Content(self.use_up(input, count))))
            }
        }
    }

    fn trailers<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let bytes = *input;
        let State::Trailers(lines) = &mut self.state else { return Ok(Turn::More) };
        debug_assert!(bytes.len() >= lines.examined(), "unused bytes must be presented again");
        let limits = self.policy.limits();
        let ceiling = Ceiling { at: limits.trailer_section as usize, rule: Rule::TrailerSectionTooLarge };
        let mut judge = Judge {
            bytes,
            base: self.offset,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        };
        let Some(len) = lines.read(&mut judge, ceiling)? else { return Ok(Turn::More) };
        let any = lines.any_line();
        if any {
            forbidden_fields(&bytes[..len], &mut judge)?;
        }
        let fields = Fields::new(&bytes[..len], self.offset, Sift::Trailers);
        self.use_up(input, len);
        self.state = State::Ending;
        Ok(if any { Turn::Event(Event::Trailers(fields)) } else { Turn::Again })
    }

    fn ending<'b>(&mut self) -> Turn<'b> {
        let end = self.end_here();
        self.record.phase = Phase::Idle;
        self.state = State::After { end, crlf: 0 };
        Turn::Event(Event::End(end))
    }

    fn end_here(&self) -> End {
        self.end(reuse(&self.ruling, self.record.closing, &self.exchange))
    }

    fn end(&self, reuse: Reuse) -> End {
        End { reuse, content: self.content, wire: self.offset - self.began, note: None }
    }

    /// The message is over. Stray CRLFs may come; anything else makes it doubtful where the message ended.
    fn after<'b>(&mut self, mut end: End, mut crlf: u8, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        while let Some(&byte) = input.first() {
            if !continues_crlf(crlf, byte) {
                self.extraneous(crlf, byte)?;
                end.reuse = self.end_here().reuse;
                self.state = State::Discard(end);
                return Ok(Turn::Again);
            }
            if crlf == 1 {
                // Only a policy that refuses extraneous bytes holds two of them against the connection.
                if self.policy.level(Rule::ExtraneousBytesAfterMessage) == Level::Deny {
                    self.record.close_because(Rule::ExtraneousCrlfAfterMessage);
                    end.reuse = self.end_here().reuse;
                    self.state = State::After { end, crlf };
                }
                let start = self.offset - u64::from(crlf);
                let finding = Finding::byte(Rule::ExtraneousCrlfAfterMessage, start, b'\r', self.offset);
                self.judge_absolute().tolerate(finding)?;
            }
            crlf += 1;
            self.state = State::After { end, crlf };
            self.use_up(input, 1);
        }
        Ok(Turn::More)
    }

    /// After `crlf` bytes of CRLF pairs comes `byte`; half a pair is to blame with it.
    fn extraneous(&mut self, crlf: u8, byte: u8) -> Result<(), Halt> {
        let rule = match self.ruling.framing {
            Framing::None => Rule::ContentInBodilessResponse,
            _ => Rule::ExtraneousBytesAfterMessage,
        };
        let half = u64::from(crlf % 2);
        let first = if half == 0 { byte } else { b'\r' };
        let finding = Finding::byte(rule, self.offset - half, first, self.offset);
        self.judge_absolute().tolerate(finding)
    }

    fn judge_absolute(&mut self) -> Judge<'_, 'static> {
        Judge { base: 0, ..self.judge(&[]) }
    }

    /// A violation that blames no byte but the place where the bytes stopped.
    fn violation_here(&self, rule: Rule) -> Violation {
        let received = self.received();
        let message_start = match rule {
            // It is an interim reply that was not followed by anything.
            Rule::ClosedAfterInterimResponse => received,
            _ => self.record.start,
        };
        Violation {
            phase: self.phase(),
            span: Span { start: received, end: received },
            decided_at: received,
            message_start,
            ..self.record.violation(rule, &self.exchange)
        }
    }

    /// Bytes received, the unused ones of an unfinished head or trailer section included.
    fn received(&self) -> u64 {
        self.offset
            + match &self.state {
                State::Head(reader) => reader.examined() as u64,
                State::Trailers(lines) => lines.examined() as u64,
                _ => 0,
            }
    }

    /// The message is whole, and the connection ended without the care TLS asks for.
    fn close_whole(&mut self, how: Close, mut end: End) -> End {
        let rule = Rule::TlsCloseWithoutAlert;
        if how == Close::Truncated && self.policy.level(rule) == Level::Note {
            end.note = Some(self.violation_here(rule));
        }
        end
    }

    fn close_after(&mut self, how: Close, end: End, crlf: u8) -> Result<End, Halt> {
        if crlf.is_multiple_of(2) {
            return Ok(self.close_whole(how, end));
        }
        // Half a CRLF is no CRLF.
        let mut end = end;
        let noted = match self.extraneous(crlf, b'\r') {
            Err(Halt::Note(violation)) => Some(violation),
            other => {
                other?;
                None
            }
        };
        end.reuse = self.end_here().reuse;
        end.note = noted;
        Ok(end)
    }

    fn close_unfinished(&mut self, how: Close) -> Result<End, Halt> {
        if matches!((how, &self.state), (Close::Eof, State::UntilClose)) {
            return Ok(self.end_here());
        }
        let (rule, tolerable) = self.cut_short(how);
        let violation = self.violation_here(rule);
        if !tolerable || self.policy.level(rule) == Level::Deny {
            return Err(Halt::Deny(violation));
        }
        self.offset = self.received();
        self.record.close_because(rule);
        let mut end = self.end_here();
        end.note = (self.policy.level(rule) == Level::Note).then_some(violation);
        Ok(end)
    }

    /// The rule that an end of the bytes at this point breaks, and whether a policy may bear it. For a content that
    /// ends with the connection an orderly end breaks none.
    fn cut_short(&self, how: Close) -> (Rule, bool) {
        let nothing_received = matches!(&self.state, State::Head(reader) if reader.examined() == 0);
        match (how, &self.state) {
            (Close::Abandoned, _) => (Rule::ResponseNotDrained, false),
            (Close::Timeout, State::Head(_)) => (Rule::ResponseHeaderTimeout, false),
            (Close::Timeout, _) => (Rule::ResponseBodyTimeout, false),
            (_, State::Head(_)) if nothing_received && self.interims.messages > 0 => {
                (Rule::ClosedAfterInterimResponse, false)
            }
            (_, State::Head(_)) if nothing_received => (Rule::ClosedBeforeFirstByte, false),
            (Close::Reset, State::UntilClose) => (Rule::TruncatedCloseDelimitedBody, false),
            (Close::Reset, _) => (Rule::ConnectionReset, false),
            (Close::Truncated, State::UntilClose) => (Rule::TruncatedCloseDelimitedBody, true),
            (_, State::Head(_)) => (Rule::IncompleteHeaderSection, false),
            (_, State::Chunked(reader)) if reader.in_last_chunk() => (Rule::MissingFinalCrlf, false),
            (_, State::Chunked(_)) => (Rule::IncompleteChunkedBody, false),
            (_, State::Trailers(lines)) if !lines.any_line() => {
                (Rule::MissingFinalCrlf, !self.ruling.trailer)
            }
            (_, State::Trailers(_)) => (Rule::IncompleteTrailerSection, true),
            _ => (Rule::IncompleteBody, false),
        }
    }
}

/// Do `crlf` bytes of CRLF pairs go on with this one?
fn continues_crlf(crlf: u8, byte: u8) -> bool {
    crlf < 2 * STRAY_CRLF && byte == if crlf.is_multiple_of(2) { b'\r' } else { b'\n' }
}

/// RFC 9110 6.5.1: what would change the message after it was acted upon.
fn forbidden_fields(section: &[u8], judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
    let rule = Rule::ForbiddenTrailerField;
    for field in Fields::new(section, 0, Sift::Dropped) {
        if !is_forbidden_in_trailers(field.name()) {
            continue;
        }
        let start = field.offset() as usize;
        let finding = Finding::new(rule, start..start + field.name().len(), section.len() - 1);
        judge.tolerate(finding)?;
        if Known::of(field.name()).is_some_and(Known::decides_framing) {
            judge.record.close_because(rule);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::work;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    /// Feed `reply` in pieces of `size` under a policy that tolerates what it can; bytes looked at.
    fn work_of(reply: &[u8], size: usize) -> u64 {
        let mut parser = Parser::new(Policy::observe());
        parser.begin(Exchange::GET);
        work::take();
        let (mut used, mut end) = (0, 0);
        while end < reply.len() {
            end = reply.len().min(end + size);
            let mut input = &reply[used..end];
            loop {
                match parser.next_event(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return work::take(),
                }
            }
            used = end - input.len();
        }
        work::take()
    }

    fn reply(head: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}").into_bytes()
    }

    /// G4, on what an upstream could send to make a parser look at its bytes again and again.
    #[test]
    fn work_is_linear_however_the_bytes_arrive() {
        let repeated = |text: &str, times: usize| -> String { text.repeat(times) };
        let replies = [
            ("plain fields", reply(&repeated("Name: value\r\n", 99), "")),
            ("one long field", reply(&format!("A: {}\r\n", repeated("x", 16_000)), "")),
            ("folds", reply(&format!("A: b\r\n{}", repeated(" c\r\n", 3000)), "")),
            ("bare LF", reply(&repeated("a:b\n", 99), "")),
            ("lines to drop", reply(&format!(" x\r\n{}", repeated(" y\r\n", 9000)), "")),
            ("tabs", reply(&format!("A:{}\r\n", repeated("\tb", 8000)), "")),
            ("dates", reply(&repeated("Date: x\r\n", 99), "")),
            ("connection options", reply(&format!("Connection: {}\r\n", repeated("a,", 8000)), "")),
            ("keep-alive lines", reply(&repeated("Keep-Alive: a\r\nConnection: b\r\n", 49), "")),
            ("lengths", reply(&format!("Content-Length: 5{}\r\n", repeated(",5", 8000)), "")),
            (
                "interim replies",
                [repeated("HTTP/1.1 103 E\r\nA: b\r\n\r\n", 16).into_bytes(), reply("", "")].concat(),
            ),
            ("tiny chunks", reply("Transfer-Encoding: chunked\r\n", &repeated("1\r\nx\r\n", 20_000))),
            (
                "extensions",
                reply("Transfer-Encoding: chunked\r\n", &format!("1{}\r\n", repeated(";a=b", 1000))),
            ),
            (
                "trailers",
                reply("Transfer-Encoding: chunked\r\n", &format!("0\r\n{}\r\n", repeated("a:b\r\n", 64))),
            ),
            ("line ends after", reply("Content-Length: 0\r\n", &repeated("\r\n", 50_000))),
        ];
        for (name, reply) in &replies {
            for size in [1, 2, 7, 64, 1460, usize::MAX / 2] {
                let work = work_of(reply, size);
                let bound = 16 * reply.len() as u64 + 1024;
                assert!(work <= bound, "{name} in pieces of {size}: {work} for {} bytes", reply.len());
            }
        }
    }
}
