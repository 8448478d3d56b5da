//! The state machine of a connection: which part of which reply the next byte belongs to.
//!
//! ```text
//! Idle -begin-> Head -interim-> Head ...
//!               Head -final---> Ending                                -> After
//!                            |  Length                      -> Ending -> After
//!                            |  Chunked -> Trailers         -> Ending -> After
//!                            |  UntilClose
//!                            |  Tunnel
//! After -begin-> Head      After -idle-> Idle      After -surplus-> Discard
//! any -refused-> Failed    any -close-> Closed or Failed
//! ```
#![forbid(unsafe_code)]

mod close;

use crate::chunked::{Chunk, ChunkedReader};
use crate::exchange::{Exchange, Framing, Method, Version, Written};
use crate::framing::{self, Persistence, Ruling, reuse, settle};
use crate::head::field_line::{Ceiling, FieldLines, Place};
use crate::head::known::{Known, Seen};
use crate::head::plain::PlainStatusLine;
use crate::head::{Fields, Head, HeadParts, HeadReader, Outline, Sift, is_forbidden_in_trailers, is_interim};
use crate::judge::{Finding, Halt, Judge, Record};
use crate::policy::Policy;
use crate::rule::Rule;
use crate::scan::{Backend, Job, dispatch};
use crate::violation::{End, Phase, Reason, Retry, Reuse, Span, Violation};

/// CRLF pairs after a message, or on an idle connection, that are passed over (RFC 9112 9.2).
const STRAY_CRLF: u8 = 2;

/// What the parser has to tell, in the order of the bytes.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Event<'b> {
    /// A deviation that is tolerated, as it is met: each rule once a message, before its end.
    Note(Violation),
    /// A whole judged head, interim or final, with its framing decided.
    Head(Head<'b>),
    /// Content octets, framing removed; never empty.
    Content(&'b [u8]),
    /// The trailer fields, where the trailer section has lines; those that may not be trailers are left out, and that may
    /// be all of them.
    Trailers(Fields<'b>),
    /// The reply is complete. Content that ends with the connection has its end from [`Parser::close`] instead.
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
/// No byte that came before [`begin`](Parser::begin) ever answers the request it announces. The caller's own mistakes
/// are debug assertions; in a release build the parser then refuses with `response-not-drained`.
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
    ruling: Ruling,
}

#[derive(Clone, Copy)]
enum State {
    Idle(Between),
    Head(HeadReader),
    Length(u64),
    Chunked(ChunkedReader),
    Trailers(FieldLines),
    UntilClose,
    Ending,
    After {
        end: End,
        between: Between,
    },
    /// Bytes follow the message that are no part of it; they and all others are passed over.
    Discard(End),
    Tunnel,
    Failed(Violation),
    Closed(End),
}

/// What has come between two replies.
#[derive(Clone, Copy)]
struct Between {
    /// Bytes of CRLF pairs.
    crlf: u8,
    /// There are bytes that the caller has not let the parser look at.
    unseen: bool,
}

impl Between {
    const NOTHING: Between = Between { crlf: 0, unseen: false };

    /// Do the pairs go on with this byte?
    fn continues_with(self, byte: u8) -> bool {
        self.crlf < 2 * STRAY_CRLF && byte == if self.in_pair() { b'\n' } else { b'\r' }
    }

    fn in_pair(self) -> bool {
        !self.crlf.is_multiple_of(2)
    }

    /// May a new reply begin here?
    fn is_clean(self) -> bool {
        !self.unseen && !self.in_pair()
    }
}

/// One call of the parser: what it asks of the scanner is compiled into it.
struct Next<'p, 'b> {
    parser: &'p mut Parser,
    input: &'p mut &'b [u8],
}

impl<'b> Job for Next<'_, 'b> {
    type Output = Result<Option<Event<'b>>, Violation>;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let Next { parser, input } = self;
        if let State::Head(reader) = &parser.state
            && reader.examined() == 0
            && let Some(head) = parser.plain_head(backend, input)
        {
            return Ok(Some(Event::Head(head)));
        }
        parser.advance(input)
    }
}

/// What a state made of the input. Not an [`Event`], which is as large as a violation and is made in its last place only.
enum Turn<'b> {
    Head(Head<'b>),
    Content(&'b [u8]),
    Trailers(Fields<'b>),
    End(End),
    /// All that can be used is used.
    More,
    /// Another state has the next byte.
    Again,
}

impl Parser {
    /// A parser for a new connection.
    #[inline]
    pub const fn new(policy: Policy) -> Parser {
        Parser {
            policy,
            exchange: Exchange::GET,
            record: Record::NEW,
            state: State::Idle(Between::NOTHING),
            offset: 0,
            began: 0,
            content: 0,
            ruling: Ruling::NONE,
        }
    }

    /// Announce the request that the next reply answers.
    ///
    /// To be called when the connection is new or idle, or past an [`End`], once [`next_event`](Parser::next_event)
    /// has returned `Ok(None)` and [`reuse`](Parser::reuse) says yes. Otherwise what came before would answer a request
    /// it was not made for, and the reply is refused. After an error nothing changes: the error is of the connection, and
    /// the request belongs on another.
    ///
    /// # Panics
    ///
    /// With debug assertions, within a reply.
    #[inline]
    pub fn begin(&mut self, exchange: Exchange) {
        let refused = match self.state {
            State::Failed(_) => return,
            State::Idle(between) | State::After { between, .. } if !between.is_clean() => {
                Some(self.surplus_rule())
            }
            State::Idle(_) => None,
            State::After { .. } if self.reuse_now() == Reuse::Yes => None,
            State::After { .. } | State::Discard(_) | State::Closed(_) => Some(Rule::ResponseNotDrained),
            _ => {
                debug_assert!(false, "begin() within a reply");
                Some(Rule::ResponseNotDrained)
            }
        };
        match refused {
            Some(rule) => self.refuse_to_begin(rule, retry_elsewhere(exchange)),
            None => self.start(exchange),
        }
    }

    /// Nothing of the reply before is to be told of the new request, which another connection may still answer.
    #[cold]
    fn refuse_to_begin(&mut self, rule: Rule, retry: Retry) {
        self.forget_reply(self.received());
        let violation = Violation { retry, phase: Phase::Idle, ..self.violation_here(rule) };
        self.state = State::Failed(violation);
    }

    #[inline]
    fn start(&mut self, exchange: Exchange) {
        self.forget_reply(self.offset);
        self.exchange = exchange;
        self.record.next_message(self.offset);
        self.state = State::Head(HeadReader::new());
    }

    /// Say how much of the request has been written by now; a reply may begin before it all is. Once the reply has
    /// ended, what was not written by then stays unwritten.
    pub fn request_written(&mut self, written: Written) {
        if !matches!(self.state, State::After { .. } | State::Discard(_) | State::Closed(_)) {
            self.exchange = self.exchange.written(written);
        }
    }

    /// The connection goes back to the pool: from here on any byte is an `unsolicited-response`.
    ///
    /// To be called as [`begin`](Parser::begin) is; ignored within a reply and after one that forbids reuse. If bytes
    /// have followed the reply, every later call is refused.
    pub fn idle(&mut self) {
        let refused = match self.state {
            State::After { between, .. } if !between.is_clean() => Some(self.surplus_rule()),
            State::After { .. } if self.reuse_now() == Reuse::Yes => None,
            State::Discard(_) => Some(Rule::ResponseNotDrained),
            _ => return,
        };
        if let Some(rule) = refused {
            return self.refuse_to_begin(rule, Retry::Never);
        }
        self.forget_reply(self.offset);
        self.state = State::Idle(Between::NOTHING);
    }

    /// What comes at offset `at` has nothing to do with what came before.
    #[inline]
    fn forget_reply(&mut self, at: u64) {
        self.record = Record::NEW;
        self.record.start = at;
        self.began = at;
        self.content = 0;
    }

    /// Between two replies, these bytes are there and no call has let the parser look at them.
    #[cfg(feature = "bytes")]
    pub(crate) fn leave_unseen(&mut self, bytes: &[u8]) {
        if let State::Idle(between) | State::After { between, .. } = &mut self.state {
            between.unseen |= !bytes.is_empty();
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
    ///
    /// # Panics
    ///
    /// With debug assertions, if unused bytes of a head or a trailer section are not presented again.
    #[inline(always)]
    pub fn next_event<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<Event<'b>>, Violation> {
        // What is small and comes again and again is done here, without the cost of a call.
        if let State::Chunked(reader) = &mut self.state
            && let Some((data, rest)) = reader.same_chunk(input, self.content, self.policy.limits())
        {
            self.use_chunk(input, data, rest);
            return Ok(Some(Event::Content(data)));
        }
        if let State::Head(reader) = &mut self.state
            && reader.passes(input, self.record.status, self.policy.limits())
        {
            return Ok(None);
        }
        if let State::Chunked(reader) = &mut self.state
            && let Some((data, rest)) = reader.plain_chunk(input, self.content, self.policy.limits())
        {
            self.use_chunk(input, data, rest);
            return Ok(Some(Event::Content(data)));
        }
        self.next_by_call(input)
    }

    /// The same for all that is worth a call.
    #[inline(never)]
    fn next_by_call<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<Event<'b>>, Violation> {
        dispatch(Next { parser: self, input })
    }

    #[inline(always)]
    fn use_chunk<'b>(&mut self, input: &mut &'b [u8], data: &[u8], rest: &'b [u8]) {
        self.offset += (input.len() - rest.len()) as u64;
        self.content += data.len() as u64;
        *input = rest;
    }

    /// A head that is there whole, with nothing odd in it, and of which nothing has been looked at.
    #[inline(always)]
    fn plain_head<'b, B: Backend>(&mut self, backend: B, input: &mut &'b [u8]) -> Option<Head<'b>> {
        let Parser { policy, exchange, record, .. } = self;
        if exchange.method() == Method::Connect || exchange.request_written() == Written::Nothing {
            return None;
        }
        let (bytes, limits) = (*input, policy.limits());
        let mut seen = Seen::NONE;
        let (line, walked) = PlainStatusLine::read(backend, bytes, &mut seen, limits)?;
        record.status = Some(line.status);
        record.phase = Phase::Header;
        let ruling = framing::plain(line.status, Version::Http11, &seen, bytes, exchange, limits);
        let (Some(len), Some(ruling)) = (walked.whole(), ruling) else {
            self.state = State::Head(line.reader(bytes, walked, seen));
            return None;
        };
        let parts = HeadParts {
            offset: self.offset,
            code_at: PlainStatusLine::CODE_AT,
            fields_at: line.len,
            sift: Sift::Nothing,
            status: line.status,
            version: Version::Http11,
            framing: ruling.framing,
        };
        let wire = self.use_up(input, len);
        self.leave_final_head(ruling);
        Some(parts.over(wire))
    }

    #[inline(never)]
    fn advance<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<Event<'b>>, Violation> {
        loop {
            let turn = match self.state {
                State::Idle(between) => self.idle_bytes(between, input),
                State::Head(_) => self.head(input),
                State::Length(left) => self.length(left, input),
                State::Chunked(_) => self.chunked(input),
                State::Trailers(_) => self.trailers(input),
                State::UntilClose => self.until_close(input),
                State::Ending => Ok(self.ending(input)),
                State::After { end, between } => self.after(end, between, input),
                State::Discard(_) => {
                    self.use_up(input, input.len());
                    Ok(Turn::More)
                }
                State::Tunnel | State::Closed(_) => Ok(Turn::More),
                State::Failed(violation) => return Err(violation),
            };
            match turn {
                Ok(Turn::Head(head)) => return Ok(Some(Event::Head(head))),
                Ok(Turn::Content(content)) => return Ok(Some(Event::Content(content))),
                Ok(Turn::Trailers(fields)) => return Ok(Some(Event::Trailers(fields))),
                Ok(Turn::End(end)) => return Ok(Some(Event::End(end))),
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

    /// Where in the exchange the parser is.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Head(reader) if reader.in_fields() => Phase::Header,
            State::Head(_) => Phase::StatusLine,
            State::Length(_) | State::Chunked(_) | State::UntilClose => Phase::Body,
            State::Trailers(_) => Phase::Trailer,
            State::Tunnel => Phase::Tunnel,
            State::Failed(violation) => violation.phase(),
            State::Idle(_) | State::Ending | State::After { .. } | State::Discard(_) | State::Closed(_) => {
                Phase::Idle
            }
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
            State::Idle(between) if between.is_clean() => Reuse::Yes,
            State::Idle(_) => Reuse::No(Reason::Refused(Rule::UnsolicitedResponse)),
            State::After { between, .. } if !between.is_clean() => {
                Reuse::No(Reason::Tolerated(self.surplus_rule()))
            }
            State::Ending | State::After { .. } | State::Discard(_) | State::Tunnel => self.reuse_now(),
            State::Closed(end) => end.reuse,
            State::Failed(violation) => Reuse::No(Reason::Refused(violation.rule())),
            _ => Reuse::No(Reason::Unfinished),
        }
    }

    /// A judge of `bytes`, for whom position 0 is the offset `base`.
    fn judge<'j, 'b>(&'j mut self, bytes: &'b [u8], base: u64) -> Judge<'j, 'b> {
        Judge { bytes, base, policy: &self.policy, exchange: &self.exchange, record: &mut self.record }
    }

    /// Of a reply that is whole, or that has made a tunnel.
    fn reuse_now(&self) -> Reuse {
        reuse(&self.ruling, self.record.closing, &self.exchange)
    }

    #[inline]
    fn use_up<'b>(&mut self, input: &mut &'b [u8], count: usize) -> &'b [u8] {
        let (used, rest) = input.split_at(count);
        *input = rest;
        self.offset += count as u64;
        used
    }

    /// No request is outstanding: nothing but stray CRLFs may come.
    fn idle_bytes<'b>(&mut self, mut between: Between, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        while let Some(&byte) = input.first() {
            if !between.continues_with(byte) {
                let finding = self.surplus_finding(between, byte);
                return Err(self.judge(&[], 0).refuse(finding));
            }
            between.crlf += 1;
            self.use_up(input, 1);
        }
        self.state = State::Idle(Between { unseen: false, ..between });
        Ok(Turn::More)
    }

    fn head<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let bytes = *input;
        let State::Head(reader) = &mut self.state else { return Ok(Turn::More) };
        let written = self.exchange.request_written();
        let mut judge = Judge {
            bytes,
            base: self.offset,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        };
        check_presented(reader.examined(), &judge)?;
        if written == Written::Nothing && !bytes.is_empty() {
            return Err(judge.refuse(Finding::at(Rule::UnsolicitedResponse, 0)));
        }
        let Some(outline) = reader.read(&mut judge)? else { return Ok(Turn::More) };
        let ruling = settle(&outline, &mut judge)?;
        let head = self.judged_head(&outline, ruling.framing, &bytes[..outline.len()]);
        self.use_up(input, outline.len());
        self.leave_head(&head, ruling);
        Ok(Turn::Head(head))
    }

    fn judged_head<'b>(&self, outline: &Outline, framing: Framing, wire: &'b [u8]) -> Head<'b> {
        let parts = HeadParts {
            offset: self.offset,
            code_at: outline.code_at(),
            fields_at: outline.fields_at(),
            sift: if outline.any_dropped() { Sift::Dropped } else { Sift::Nothing },
            status: self.record.status.unwrap_or(0),
            version: outline.version(),
            framing,
        };
        parts.over(wire)
    }

    fn leave_head(&mut self, head: &Head<'_>, ruling: Ruling) {
        if is_interim(head.status()) {
            let interims = &mut self.record.interims;
            interims.messages += 1;
            interims.bytes += head.wire().len() as u64;
            interims.last = head.offset();
            interims.close |= ruling.persistence == Persistence::CloseOption;
            self.record.next_message(self.offset);
            self.state = State::Head(HeadReader::new());
        } else {
            self.leave_final_head(ruling);
        }
    }

    #[inline]
    fn leave_final_head(&mut self, ruling: Ruling) {
        self.ruling = ruling;
        if self.record.interims.close {
            self.ruling.persistence = Persistence::CloseOption;
        }
        self.record.phase = Phase::Body;
        match ruling.framing {
            Framing::None | Framing::Length(0) => self.state = State::Ending,
            Framing::Length(length) => self.state = State::Length(length),
            Framing::Chunked => self.state = State::Chunked(ChunkedReader::new(self.offset)),
            Framing::UntilClose => self.state = State::UntilClose,
            Framing::Tunnel => self.state = State::Tunnel,
        }
    }

    /// How many of the next `available` content bytes may be handed out.
    fn judge_content(&mut self, input: &[u8], available: usize) -> Result<usize, Halt> {
        let left = self.policy.limits().content - self.content;
        let is_first = self.content == 0;
        let mut judge = self.judge(input, self.offset);
        if judge.record.status == Some(205) && is_first {
            judge.tolerate(Finding::at(Rule::ContentIn205, 0))?;
        }
        if left == 0 {
            return Err(judge.refuse(Finding::at(Rule::ResponseBodyTooLarge, 0)));
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
        Ok(Turn::Content(self.use_up(input, count)))
    }

    fn until_close<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        if input.is_empty() {
            return Ok(Turn::More);
        }
        let count = self.judge_content(input, input.len())?;
        Ok(Turn::Content(self.use_up(input, count)))
    }

    fn chunked<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let State::Chunked(reader) = &mut self.state else { return Ok(Turn::More) };
        // The reader keeps no bytes and tells absolute offsets.
        let read = reader.read(
            input,
            self.offset,
            self.content,
            &mut Judge {
                bytes: &[],
                base: 0,
                policy: &self.policy,
                exchange: &self.exchange,
                record: &mut self.record,
            },
        );
        let used = (reader.at() - self.offset) as usize;
        self.use_up(input, used);
        match read? {
            Chunk::More => Ok(Turn::More),
            Chunk::Last => {
                self.record.phase = Phase::Trailer;
                // A last-chunk line ends in CRLF or is refused.
                self.state = State::Trailers(FieldLines::new(Place::Trailer, 0, true));
                Ok(Turn::Again)
            }
            Chunk::Data(available) => {
                let count = self.judge_content(input, available)?;
                if let State::Chunked(reader) = &mut self.state {
                    reader.take(count);
                }
                Ok(Turn::Content(self.use_up(input, count)))
            }
        }
    }

    fn trailers<'b>(&mut self, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let bytes = *input;
        let State::Trailers(lines) = &mut self.state else { return Ok(Turn::More) };
        let mut judge = Judge {
            bytes,
            base: self.offset,
            policy: &self.policy,
            exchange: &self.exchange,
            record: &mut self.record,
        };
        check_presented(lines.examined(), &judge)?;
        let ceiling = Ceiling::of_trailers(&judge);
        let Some(len) = lines.read(&mut judge, ceiling)? else { return Ok(Turn::More) };
        let any = lines.any_line();
        if any {
            forbidden_fields(&bytes[..len], &mut judge)?;
        }
        let fields = Fields::new(&bytes[..len], self.offset, Sift::Trailers);
        self.use_up(input, len);
        self.state = State::Ending;
        Ok(if any { Turn::Trailers(fields) } else { Turn::Again })
    }

    fn ending<'b>(&mut self, input: &[u8]) -> Turn<'b> {
        let end = self.end_here(self.reuse_now());
        self.record.phase = Phase::Idle;
        let between = Between { unseen: !input.is_empty(), ..Between::NOTHING };
        self.state = State::After { end, between };
        Turn::End(end)
    }

    fn end_here(&self, reuse: Reuse) -> End {
        End { reuse, content: self.content, wire: self.offset - self.began, note: None }
    }

    /// The message is over. Stray CRLFs may come; anything else makes it doubtful where the message ended.
    fn after<'b>(&mut self, end: End, between: Between, input: &mut &'b [u8]) -> Result<Turn<'b>, Halt> {
        let mut between = Between { unseen: false, ..between };
        while let Some(&byte) = input.first() {
            if !between.continues_with(byte) {
                // The state changes before the note: this byte is looked at once.
                self.state = State::Discard(end);
                self.surplus(between, byte)?;
                return Ok(Turn::Again);
            }
            if between.in_pair() {
                let finding =
                    Finding::byte(Rule::ExtraneousCrlfAfterMessage, self.offset - 1, b'\r', self.offset);
                self.judge(&[], 0).tolerate(finding)?;
            }
            between.crlf += 1;
            self.state = State::After { end, between };
            self.use_up(input, 1);
        }
        self.state = State::After { end, between };
        Ok(Turn::More)
    }

    /// Deny, note or pass a byte that follows the message.
    fn surplus(&mut self, between: Between, byte: u8) -> Result<(), Halt> {
        let finding = self.surplus_finding(between, byte);
        self.judge(&[], 0).tolerate(finding)
    }

    /// A byte that is part of no message; half a CRLF before it is to blame with it.
    fn surplus_finding(&self, between: Between, byte: u8) -> Finding {
        let (start, first) = if between.in_pair() { (self.offset - 1, b'\r') } else { (self.offset, byte) };
        Finding::byte(self.surplus_rule(), start, first, self.offset)
    }

    fn surplus_rule(&self) -> Rule {
        match (&self.state, self.ruling.framing) {
            (State::Idle(_), _) => Rule::UnsolicitedResponse,
            (_, Framing::None) => Rule::ContentInBodilessResponse,
            _ => Rule::ExtraneousBytesAfterMessage,
        }
    }

    /// A violation that blames no byte but the place where the bytes stopped.
    fn violation_here(&self, rule: Rule) -> Violation {
        let received = self.received();
        Violation {
            phase: self.phase(),
            span: Span { start: received, end: received },
            decided_at: received,
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
}

/// Nothing was used of a reply that was not let begin.
fn retry_elsewhere(exchange: Exchange) -> Retry {
    match exchange.request_written() {
        Written::Nothing => Retry::Always,
        Written::Part | Written::Whole => Retry::Idempotent,
    }
}

/// Bytes that were examined and not used must be presented again; without them nothing is certain any more.
fn check_presented(examined: usize, judge: &Judge<'_, '_>) -> Result<(), Halt> {
    debug_assert!(judge.bytes.len() >= examined, "unused bytes must be presented again");
    if judge.bytes.len() >= examined {
        return Ok(());
    }
    let end = judge.bytes.len();
    Err(judge.refuse(Finding::new(Rule::ResponseNotDrained, end..end, end)))
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
    use crate::rule::Level;
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

    /// A run of control octets that begins with the LF of a line: the next line has no mark of its own.
    #[test]
    fn an_octet_behind_a_bare_lf_is_seen_whole_and_in_pieces() {
        let lax = Policy::observe().set(Rule::BareLf, Level::Allow).set(Rule::InvalidFieldName, Level::Allow);
        let replies: [&[u8]; 3] = [
            b"HTTP/1.1 200 \n0:\n\x0c\n0:\n0009\r\n",
            b"HTTP/1.1 100\n<\n\x0f\nT:\rhm\r\nLU",
            b"HTTP/1.1 200\n\\\n:\n\x19\n-: \n000\r\n",
        ];
        for (reply, policy) in replies.iter().flat_map(|reply| [(reply, lax), (reply, Policy::observe())]) {
            let told = |size: usize| {
                let mut parser = Parser::new(policy);
                parser.begin(Exchange::GET);
                let (mut end, mut said) = (0, Vec::new());
                while end < reply.len() {
                    end = reply.len().min(end + size);
                    let mut input = &reply[..end];
                    while let Ok(Some(event)) = parser.next_event(&mut input) {
                        said.push(format!("{event:?}"));
                    }
                    said.extend(parser.next_event(&mut input).err().map(|error| format!("{error:?}")));
                }
                said.dedup();
                said
            };
            assert_eq!(told(usize::MAX / 2), told(1), "{}", reply.escape_ascii());
        }
    }

    #[test]
    fn a_plain_head_is_looked_at_once() {
        let repeated = |text: &str, times: usize| -> String { text.repeat(times) };
        for fields in [
            "Content-Length: 0\r\n".into(),
            "Date: now\r\nServer: one\r\nConnection: close\r\nContent-Length: 0\r\n".into(),
            repeated("Name: value\r\n", 12) + "Content-Length: 0\r\n",
            format!("Set-Cookie: {}\r\nTransfer-Encoding: chunked\r\n", repeated("long", 300)),
        ] {
            let reply = reply(&fields, "");
            assert_eq!(work_of(&reply, reply.len()), reply.len() as u64, "{fields}");
        }
        // With many marks some are found again.
        let reply = reply(&(repeated("Name: value\r\n", 90) + "Content-Length: 0\r\n"), "");
        let work = work_of(&reply, reply.len());
        assert!(work <= reply.len() as u64 + 256, "{work} for {} bytes", reply.len());
    }

    #[test]
    fn a_head_has_no_more_fields_than_it_may_have() {
        let limits = crate::policy::Limits { fields: 3, ..crate::policy::Limits::DEFAULT };
        for lines in 0..9 {
            let reply = reply(&("A: b\r\n".repeat(lines) + "Content-Length: 0\r\n"), "");
            for cut in 0..=reply.len() {
                let mut parser = Parser::new(Policy::DEFAULT.with_limits(limits));
                parser.begin(Exchange::GET);
                let first = parser.next_event(&mut &reply[..cut]);
                let head = if let Ok(None) = first { parser.next_event(&mut &reply[..]) } else { first };
                assert_eq!(matches!(head, Ok(Some(Event::Head(_)))), lines < 3, "{lines} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_head_that_comes_in_two_has_all_its_fields() {
        let reply = b"HTTP/1.1 200 A: b\r\nC: d\r\nDate: now\r\nContent-Length: 0\r\n\r\n";
        for cut in 0..=reply.len() {
            let mut parser = Parser::new(Policy::DEFAULT);
            parser.begin(Exchange::GET);
            let first = parser.next_event(&mut &reply[..cut]).unwrap();
            let event = first.or_else(|| parser.next_event(&mut &reply[..]).unwrap());
            let Some(Event::Head(head)) = event else { panic!("no head, cut at {cut}") };
            let fields: Vec<_> = head.fields().map(|field| (field.offset(), field.name())).collect();
            assert_eq!(fields, [(19, &b"C"[..]), (25, b"Date"), (36, b"Content-Length")], "cut at {cut}");
        }
    }

    #[test]
    fn a_trailer_section_has_no_more_fields_than_it_may_have() {
        let limits = crate::policy::Limits { trailer_fields: 3, ..crate::policy::Limits::DEFAULT };
        for lines in 1..9 {
            let trailers = format!("0\r\n{}\r\n", "Name: value\r\n".repeat(lines));
            let reply = reply("Transfer-Encoding: chunked\r\n", &trailers);
            for cut in reply.len() - trailers.len()..reply.len() {
                let mut parser = Parser::new(Policy::observe().with_limits(limits));
                parser.begin(Exchange::GET);
                let (mut start, mut any) = (0, false);
                for end in [cut, reply.len()] {
                    let mut input = &reply[start..end];
                    while let Ok(Some(event)) = parser.next_event(&mut input) {
                        any |= matches!(event, Event::Trailers(_));
                    }
                    start = end - input.len();
                }
                assert_eq!(any, lines <= 3, "{lines} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_control_octet_in_an_extension_is_refused_without_a_note() {
        let reply = reply("Transfer-Encoding: chunked\r\n", "1;a\x01\r\n");
        let mut parser = Parser::new(Policy::observe());
        parser.begin(Exchange::GET);
        let (mut input, mut noted) = (&reply[..], Vec::new());
        let refused = loop {
            match parser.next_event(&mut input) {
                Ok(Some(Event::Note(note))) => noted.push(note.rule()),
                Ok(event) => assert!(event.is_some(), "it is passed over"),
                Err(violation) => break violation.rule(),
            }
        };
        assert_eq!((refused, noted), (Rule::InvalidChunkExtension, [Rule::ChunkExtension].into()));
    }

    /// What the quick ways leave to the machines of a plain reply, an octet a step.
    #[test]
    fn plain_octets_take_the_quick_ways() {
        let long = "n".repeat(40);
        let fields = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX: y\r\n".repeat(20);
        let chunks = "5\r\nhello\r\n6\r\n world\r\n".repeat(9);
        let replies = [
            reply("A: b\r\n", ""),
            reply(&format!("{long}: {long}\r\nContent-Length: 0\r\n"), ""),
            reply(&fields, ""),
            reply(&format!("{fields}Transfer-Encoding: chunked\r\n"), &chunks),
        ];
        let steps = |reply: &[u8], size: usize| {
            work::take_steps();
            work_of(reply, size);
            work::take_steps()
        };
        let sizes = [usize::MAX / 2, 1460, 64, 20, 9, 8, 3, 1];
        let found = replies.each_ref().map(|reply| sizes.map(|size| steps(reply, size)));
        // Whole: nothing but the CRLFs around the first chunk. Byte by byte: the first octet, the last digit of the
        // code, the LF behind the reason and the empty line, and sizes of chunks.
        let expected = [
            [0, 0, 0, 3, 20, 20, 8, 5],
            [0, 0, 0, 4, 20, 17, 8, 5],
            [0, 0, 4, 6, 46, 18, 8, 5],
            [2, 2, 18, 30, 98, 66, 98, 95],
        ];
        assert_eq!(found, expected);
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
            (
                "control octets behind a long name",
                reply(&format!("{}:{}\r\n", repeated("n", 8000), repeated("\x01", 8000)), ""),
            ),
            (
                "bare CRs behind a long name",
                reply(&format!("{}:{}\r\n", repeated("n", 8000), repeated("\rx", 4000)), ""),
            ),
            (
                "folds behind a long name",
                reply(&format!("{}:\r\n{}", repeated("n", 16_000), repeated(" \r\n", 15_900)), ""),
            ),
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
                // For an odd octet the name of its field is looked at once more, as far as a name can matter.
                let bound = 24 * reply.len() as u64 + 1024;
                assert!(work <= bound, "{name} in pieces of {size}: {work} for {} bytes", reply.len());
            }
        }
    }
}
