//! One request and its reply: sent on, judged as it comes back, and forwarded as long as it is good.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use badgateway::answer::Answer;
use badgateway::forward::{NextHop, Onward};
use badgateway::{
    Close, Event, Exchange, Forwarded, Framing, Head, Method, Outcome, Parser, Remedy, Retry, Reuse, Rule,
    Version, Violation, Written,
};
use bytes::{Buf, BytesMut};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::Gateway;
use crate::client::{Client, Next, PATIENCE, ROOM, SLOWEST, TOO_SLOW, read, write};
use crate::log::{Ending, Entry};
use crate::pool::{Connection, is_silent};
use crate::request::{Body, Content, Refusal, Request};
use crate::tunnel::tunnel;

/// How long a head is held for what comes with it.
const HOLD: Duration = Duration::from_millis(5);

/// Bytes for the client that are held back while more of the reply is there to be judged.
const HELD: usize = 64 << 10;

/// Bytes of a client's next requests that are taken in while it waits for a reply.
const AHEAD: usize = 64 << 10;

/// A head must be whole after this many times the patience with a silent upstream.
const HEAD_TIMES: u32 = 5;

/// How long a client that has closed its side is waited with for an upstream that says nothing. It may only have half
/// left; but one that wanted to use the connection again has gone, as a rule.
const HALF_CLOSED: Duration = Duration::from_secs(3);

/// Serve one request, and log what became of it.
pub async fn relay(gateway: &Gateway, client: &mut Client, request: &Request) -> Next {
    let mut entry = Entry::new(client.peer, &request.method, &request.target);
    let mut content = Content::new(request.body);
    let mut desk = Desk { gateway, client, request, content: &mut content, entry: &mut entry };
    let next = desk.serve().await;
    gateway.log.write(&entry);
    next
}

/// Everything that one request is served with.
struct Desk<'a> {
    gateway: &'a Gateway,
    client: &'a mut Client,
    request: &'a Request,
    content: &'a mut Content,
    entry: &'a mut Entry,
}

/// How an attempt on one upstream connection ended.
enum Attempt {
    /// The client has the whole reply.
    Whole(Onward),
    /// The head of a 101 has gone out, and the tunnel has ended.
    Tunnel(Next),
    /// The reply is bad, or there is none. Some of it may have gone out.
    Bad(Violation, Option<Onward>),
    /// The content of the request is bad. Some of a reply may have gone out.
    Refused(Refusal, Option<Onward>),
    /// The client went away.
    Left,
    /// The gateway is to stop, and has waited long enough.
    Stopped,
}

impl Desk<'_> {
    async fn serve(&mut self) -> Next {
        if self.request.names_in_via(&self.gateway.via) {
            return self.answer(Violation::from(Outcome::GatewayLoop)).await;
        }
        if self.request.answer_here {
            return self.answer_options().await;
        }
        if let Some(connection) = self.idle_connection().await {
            match self.attempt(connection).await {
                Attempt::Bad(violation, None) if self.may_retry(&violation) => self.entry.try_again(),
                attempt => return self.conclude(attempt).await,
            }
        }
        let attempt = match self.gateway.pool.connect().await {
            Ok(connection) => self.attempt(connection).await,
            Err(violation) => Attempt::Bad(violation, None),
        };
        self.conclude(attempt).await
    }

    /// What came on it since somebody last looked would answer the wrong request.
    async fn idle_connection(&mut self) -> Option<Connection> {
        let mut candidate = self.client.own.take();
        loop {
            match candidate {
                Some(connection) if is_silent(&connection.stream) => return Some(connection),
                _ => candidate = Some(self.gateway.pool.take_idle().await?),
            }
        }
    }

    /// On a connection that was idle its end may have crossed the request. A bad reply would only come again, and one
    /// that did not come in time has used up the time there was.
    fn may_retry(&self, violation: &Violation) -> bool {
        let allowed = match violation.retry() {
            Retry::Always => true,
            Retry::Idempotent => self.method().is_idempotent(),
            Retry::Never => false,
        };
        allowed && violation.status() == 502 && !self.request.body.has_content()
    }

    fn method(&self) -> Method {
        Method::from_bytes(self.request.method.as_bytes())
    }

    async fn conclude(&mut self, attempt: Attempt) -> Next {
        match attempt {
            Attempt::Whole(onward) => {
                self.entry.outcome = Ending::Forwarded;
                if onward.is_closing() || !self.content.is_whole() { Next::Close } else { Next::Request }
            }
            Attempt::Tunnel(next) => next,
            Attempt::Bad(violation, None) => self.answer(violation).await,
            Attempt::Refused(refusal, None) => {
                self.client.refuse(&refusal, self.method(), self.entry).await;
                Next::Close
            }
            Attempt::Bad(_, Some(onward)) => self.abort(&onward, Ending::Aborted),
            Attempt::Refused(refusal, Some(onward)) => {
                self.entry.refusal = Some(refusal.why);
                self.abort(&onward, Ending::Refused)
            }
            Attempt::Left => {
                self.entry.outcome = Ending::Left;
                Next::Reset
            }
            Attempt::Stopped => {
                self.entry.outcome = Ending::Aborted;
                Next::Reset
            }
        }
    }

    /// End the client's stream so that nobody can take it for complete.
    fn abort(&mut self, onward: &Onward, ending: Ending) -> Next {
        self.entry.outcome = ending;
        match onward.framing() {
            // Without its last chunk the reply is visibly cut, and what came before it still arrives.
            Framing::Chunked => Next::Close,
            Framing::None | Framing::Length(0) => Next::Close,
            _ => Next::Reset,
        }
    }

    /// The gateway's own reply.
    async fn answer(&mut self, violation: Violation) -> Next {
        self.entry.violation = Some(violation);
        let mut answer = Answer::new(&violation, &self.gateway.name)
            .method(self.method())
            .accept(self.request.accept.as_deref());
        if self.closes() {
            answer = answer.closing();
        }
        let mut out = Vec::new();
        answer.write(&mut out);
        self.say(answer.status(), &out).await
    }

    /// Max-Forwards says that the request ends here (RFC 9110 7.6.2).
    async fn answer_options(&mut self) -> Next {
        let date = httpdate::fmt_http_date(std::time::SystemTime::now());
        let closing = if self.closes() { "Connection: close\r\n" } else { "" };
        let reply = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n{closing}\r\n");
        self.say(200, reply.as_bytes()).await
    }

    async fn say(&mut self, status: u16, reply: &[u8]) -> Next {
        let closes = self.closes();
        self.entry.status = Some(status);
        self.entry.outcome = Ending::Answered;
        match write(&mut self.client.stream, reply, PATIENCE).await {
            Ok(()) if !closes => Next::Request,
            _ => Next::Close,
        }
    }

    /// Is the client's connection at its end, whatever is answered now?
    fn closes(&self) -> bool {
        !self.request.persistent || !self.content.is_whole() || self.gateway.stopping.is_cancelled()
    }

    /// Send the request on that connection, and the reply back.
    async fn attempt(&mut self, mut connection: Connection) -> Attempt {
        self.entry.reused = connection.reused;
        let exchange = self.request.exchange();
        connection.parser.begin(exchange.written(Written::Part));
        let progress = Progress::new(self.request);
        let mut head = Vec::new();
        let gateway = self.gateway;
        self.request.write(gateway.pool.upstream(), &gateway.via, self.client.peer.ip(), &mut head);

        self.client.is_owed = true;
        let (mut from_upstream, mut to_upstream) = connection.stream.split();
        let (mut from_client, mut to_client) = self.client.stream.split();
        let mut upload = Upload {
            content: self.content,
            is_chunked: self.request.body == Body::Chunked,
            from: &mut from_client,
            inbox: &mut self.client.inbox,
            to: &mut to_upstream,
            progress: &progress,
            patience: gateway.patience,
        };
        let mut reply = Reply {
            parser: &mut connection.parser,
            inbox: &mut connection.inbox,
            progress: &progress,
            patience: gateway.patience,
            outgoing: Outgoing::new(gateway, self.request, exchange, &progress, self.entry),
        };
        let received = {
            let sending = pin!(upload.run(&head));
            let receiving = pin!(reply.receive(&mut from_upstream, &mut to_client));
            // An upstream that may be silent for no longer than that is given up in time anyway.
            let may_be_gone = self.request.persistent && gateway.patience > HALF_CLOSED;
            tokio::select! {
                biased;
                received = both(sending, receiving, &progress, may_be_gone) => received,
                () = gateway.cutting.cancelled() => Err(Broken::Gateway),
            }
        };
        self.client.is_owed = false;
        let Outgoing { onward, forwarded, bound, keep_alive, is_tunnel, .. } = reply.outgoing;
        let sent = onward.filter(|_| forwarded != Forwarded::Nothing);
        self.entry.reuse = Some(connection.parser.reuse());
        connection.keep_alive = keep_alive.or(connection.keep_alive);
        match (received, sent) {
            (Ok(()), Some(_)) if is_tunnel => {
                self.entry.outcome = Ending::Tunnelled;
                let (carried, next) = tunnel(self.client, &mut connection, &gateway.stopping).await;
                self.entry.content = carried;
                Attempt::Tunnel(next)
            }
            (Ok(()), Some(onward)) => {
                connection.bound |= bound;
                match connection.parser.reuse() {
                    Reuse::Yes if connection.bound => {
                        self.client.own = Some(Connection { reused: true, ..connection });
                    }
                    Reuse::Yes => gateway.pool.keep(connection),
                    Reuse::No(_) => {}
                }
                Attempt::Whole(onward)
            }
            (Ok(()), None) => Attempt::Left,
            (Err(Broken::Upstream(violation)), sent) => Attempt::Bad(violation, sent),
            (Err(Broken::Request(refusal)), sent) => Attempt::Refused(refusal, sent),
            (Err(Broken::Client), _) => Attempt::Left,
            (Err(Broken::Gateway), _) => Attempt::Stopped,
        }
    }
}

/// Why an exchange broke off.
enum Broken {
    Upstream(Violation),
    Request(Refusal),
    Client,
    /// It is to stop.
    Gateway,
}

/// How the sending of the request ended. Until one of these it goes on: once all is sent, the client is watched.
enum Sent {
    /// The client has closed its side.
    HalfClosed,
    Left,
    Refused(Refusal),
    /// The upstream does not take the request.
    Stalled,
}

/// Send and receive at once, as an upstream may answer while it still reads.
async fn both(
    mut sending: std::pin::Pin<&mut impl Future<Output = Sent>>,
    mut receiving: std::pin::Pin<&mut impl Future<Output = Result<(), Broken>>>,
    progress: &Progress,
    may_be_gone: bool,
) -> Result<(), Broken> {
    let (mut is_sending, mut half_closed) = (true, false);
    let mut seen = 0;
    loop {
        tokio::select! {
            biased;
            sent = &mut sending, if is_sending => {
                is_sending = false;
                match sent {
                    Sent::HalfClosed => half_closed = may_be_gone,
                    Sent::Left => return Err(Broken::Client),
                    Sent::Refused(refusal) => return Err(Broken::Request(refusal)),
                    // What the upstream has begun to answer may be the reason.
                    Sent::Stalled if progress.has_head() => progress.upstream_is_deaf(),
                    Sent::Stalled => return Err(Broken::Upstream(Violation::from(Outcome::RequestWriteTimeout))),
                }
            }
            received = &mut receiving => return received,
            () = sleep(HALF_CLOSED), if half_closed => {
                let moved = progress.moved();
                if moved == seen {
                    return Err(Broken::Client);
                }
                seen = moved;
            }
        }
    }
}

/// What the two directions of an exchange tell each other.
struct Progress(Mutex<State>);

struct State {
    written: Written,
    /// Since when the upstream has had what it needs to go on; not while the client is sending content.
    turn: Option<Instant>,
    /// The upstream would not take all of the request.
    is_broken: bool,
    is_reset: bool,
    has_head: bool,
    /// Bytes that the upstream has sent and the client has taken.
    moved: u64,
}

impl Progress {
    fn new(request: &Request) -> Progress {
        let waits = !request.body.has_content() || request.expects_continue;
        Progress(Mutex::new(State {
            written: Written::Part,
            turn: waits.then(Instant::now),
            is_broken: false,
            is_reset: false,
            has_head: false,
            moved: 0,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn content_comes(&self) {
        self.state().turn = None;
    }

    fn request_is_whole(&self) {
        let mut state = self.state();
        state.written = Written::Whole;
        state.turn = Some(Instant::now());
    }

    fn upstream_is_deaf(&self) {
        let mut state = self.state();
        state.is_broken = true;
        state.turn = Some(Instant::now());
    }

    fn upstream_has_reset(&self) {
        self.upstream_is_deaf();
        self.state().is_reset = true;
    }

    /// The client may have held back its content for this.
    fn client_may_continue(&self) {
        let mut state = self.state();
        if state.written != Written::Whole {
            state.turn = None;
        }
    }

    fn has_head(&self) -> bool {
        self.state().has_head
    }

    fn moved(&self) -> u64 {
        self.state().moved
    }
}

/// The request on its way to the upstream.
struct Upload<'a, 's> {
    content: &'a mut Content,
    is_chunked: bool,
    from: &'a mut ReadHalf<'s>,
    inbox: &'a mut BytesMut,
    to: &'a mut WriteHalf<'s>,
    progress: &'a Progress,
    patience: Duration,
}

impl Upload<'_, '_> {
    async fn run(&mut self, head: &[u8]) -> Sent {
        match self.send(head).await {
            Ok(()) => self.progress.request_is_whole(),
            // It may have answered before it closed; the reply tells.
            Err(Fault::Upstream) => self.progress.upstream_is_deaf(),
            Err(Fault::Reset) => self.progress.upstream_has_reset(),
            Err(Fault::Sent(sent)) => return sent,
        }
        self.watch().await
    }

    async fn send(&mut self, head: &[u8]) -> Result<(), Fault> {
        self.write(head).await?;
        let mut piece = Vec::new();
        while !self.content.is_whole() {
            piece.clear();
            self.take_content(&mut piece)?;
            if !piece.is_empty() {
                self.progress.content_comes();
                self.write(&piece).await?;
            }
            if !self.content.is_whole() {
                self.more().await?;
            }
        }
        Ok(())
    }

    /// Write the content that is there anew.
    fn take_content(&mut self, piece: &mut Vec<u8>) -> Result<(), Fault> {
        let mut input = &self.inbox[..];
        let result = loop {
            match self.content.next(&mut input) {
                Ok(Some(octets)) if self.is_chunked => {
                    piece.extend_from_slice(format!("{:x}\r\n", octets.len()).as_bytes());
                    piece.extend_from_slice(octets);
                    piece.extend_from_slice(b"\r\n");
                }
                Ok(Some(octets)) => piece.extend_from_slice(octets),
                Ok(None) => break Ok(()),
                Err(refusal) => break Err(Fault::Sent(Sent::Refused(refusal))),
            }
        };
        let used = self.inbox.len() - input.len();
        self.inbox.advance(used);
        if self.is_chunked && self.content.is_whole() {
            piece.extend_from_slice(b"0\r\n\r\n");
        }
        result
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        write(self.to, bytes, self.patience).await.map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Fault::Sent(Sent::Stalled),
            ErrorKind::ConnectionReset => Fault::Reset,
            _ => Fault::Upstream,
        })
    }

    async fn more(&mut self) -> Result<(), Fault> {
        match timeout(PATIENCE, read(self.from, self.inbox)).await {
            Ok(Ok(1..)) => Ok(()),
            Ok(_) => Err(Fault::Sent(Sent::Left)),
            Err(_) => Err(Fault::Sent(Sent::Refused(TOO_SLOW))),
        }
    }

    /// All is sent; what the client sends now is its next request, or its end.
    async fn watch(&mut self) -> Sent {
        loop {
            if self.inbox.len() >= AHEAD {
                return std::future::pending().await;
            }
            match read(self.from, self.inbox).await {
                Ok(0) => return Sent::HalfClosed,
                Ok(_) => {}
                Err(_) => return Sent::Left,
            }
        }
    }
}

/// Why the request could not be sent.
enum Fault {
    /// The upstream closed.
    Upstream,
    /// It reset the connection, which only one of both directions is told: reading ends as if in order.
    Reset,
    Sent(Sent),
}

/// The reply on its way to the client.
struct Reply<'a> {
    parser: &'a mut Parser,
    inbox: &'a mut BytesMut,
    progress: &'a Progress,
    patience: Duration,
    outgoing: Outgoing<'a>,
}

impl Reply<'_> {
    async fn receive(&mut self, from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> Result<(), Broken> {
        let mut heard = Instant::now();
        loop {
            self.parser.request_written(self.progress.state().written);
            self.judge().map_err(Broken::Upstream)?;
            self.progress.state().has_head = self.outgoing.onward.is_some();
            if self.outgoing.is_whole || self.outgoing.is_tunnel {
                return self.flush(to).await;
            }
            let close = match self.held(from).await {
                Some(close) => close,
                None => {
                    self.flush(to).await?;
                    self.more(from, heard).await.map_err(Broken::Upstream)?
                }
            };
            heard = Instant::now();
            self.progress.state().moved += self.inbox.len() as u64;
            if let Some(close) = close {
                self.close(close).map_err(Broken::Upstream)?;
                return self.flush(to).await;
            }
        }
    }

    /// Judge every byte there is.
    fn judge(&mut self) -> Result<(), Violation> {
        let at = self.parser.offset();
        let mut input = &self.inbox[..];
        let judged = loop {
            match self.parser.next_event(&mut input) {
                Ok(Some(event)) => {
                    if let Err(violation) = self.outgoing.take(event) {
                        break Err(violation);
                    }
                }
                Ok(None) => break Ok(()),
                Err(violation) if self.outgoing.stands_in_spite_of(&violation) => {
                    self.outgoing.entry.note(violation.rule());
                    break Ok(());
                }
                Err(violation) => break Err(violation),
            }
        };
        if let Err(violation) = judged {
            self.outgoing.entry.blame(violation, self.inbox, at);
        }
        let used = self.inbox.len() - input.len();
        self.inbox.advance(used);
        judged
    }

    /// Read what comes with the bytes at hand, before they are sent: `None` if nothing does, or enough is held. A head
    /// is held for a moment, so that a reply whose fault follows at once gets its clean 502.
    async fn held(&mut self, from: &mut ReadHalf<'_>) -> Option<Option<Close>> {
        if self.outgoing.out.len() >= HELD {
            return None;
        }
        self.inbox.reserve(ROOM);
        match (from.try_read_buf(self.inbox), self.outgoing.held_until) {
            (Err(error), Some(until)) if error.kind() == ErrorKind::WouldBlock => {
                timeout_at(until, read(from, self.inbox)).await.ok().map(closed)
            }
            (Err(error), None) if error.kind() == ErrorKind::WouldBlock => None,
            (result, _) => Some(closed(result)),
        }
    }

    /// Wait for more, as long as there is reason to.
    async fn more(&mut self, from: &mut ReadHalf<'_>, heard: Instant) -> Result<Option<Close>, Violation> {
        loop {
            let turn = self.progress.state().turn;
            let silent_until = turn.map(|turn| turn.max(heard) + self.patience);
            let head_until =
                turn.filter(|_| self.outgoing.onward.is_none()).map(|turn| turn + self.patience * HEAD_TIMES);
            let until = match (silent_until, head_until) {
                (Some(silent), Some(head)) => silent.min(head),
                (Some(silent), None) => silent,
                _ => Instant::now() + self.patience,
            };
            match timeout_at(until, read(from, self.inbox)).await {
                Ok(result) => return Ok(closed(result)),
                // The client has begun or ended sending meanwhile.
                Err(_) if self.progress.state().turn != turn || turn.is_none() => {}
                Err(_) if silent_until == Some(until) => return Ok(Some(Close::Timeout)),
                Err(_) => {
                    let received = self.parser.offset() + self.inbox.len() as u64;
                    return Err(Violation::outcome(Outcome::ResponseDeadlineExceeded, received));
                }
            }
        }
    }

    /// The upstream's side of the connection is at its end: is the reply?
    fn close(&mut self, close: Close) -> Result<(), Violation> {
        let is_reset = close == Close::Eof && self.progress.state().is_reset;
        let close = if is_reset { Close::Reset } else { close };
        match self.parser.close(close) {
            Ok(end) => {
                if let Some(note) = end.note() {
                    self.outgoing.entry.note(note.rule());
                }
                self.outgoing.end();
                Ok(())
            }
            Err(violation) => {
                let violation = match violation.rule() {
                    Rule::ClosedBeforeFirstByte if self.progress.state().is_broken => {
                        Violation::from(Outcome::RequestWriteFailed)
                    }
                    _ => violation,
                };
                let at = self.parser.offset();
                self.outgoing.entry.blame(violation, self.inbox, at);
                Err(violation)
            }
        }
    }

    async fn flush(&mut self, to: &mut WriteHalf<'_>) -> Result<(), Broken> {
        let outgoing = &mut self.outgoing;
        if outgoing.out.is_empty() {
            return Ok(());
        }
        if outgoing.onward.is_some() {
            outgoing.forwarded = if outgoing.is_whole { Forwarded::Whole } else { Forwarded::Part };
            outgoing.entry.status = outgoing.entry.upstream_status;
        }
        outgoing.held_until = None;
        write(to, &outgoing.out, SLOWEST).await.map_err(|_| Broken::Client)?;
        self.progress.state().moved += outgoing.out.len() as u64;
        outgoing.out.clear();
        Ok(())
    }
}

/// What a read says about the connection, if it has ended.
fn closed(result: io::Result<usize>) -> Option<Close> {
    match result {
        Ok(0) => Some(Close::Eof),
        Ok(_) => None,
        Err(error) => Some(Close::from(&error)),
    }
}

/// What the client is to get, made of what the parser tells.
struct Outgoing<'a> {
    gateway: &'a Gateway,
    request: &'a Request,
    exchange: Exchange,
    progress: &'a Progress,
    entry: &'a mut Entry,
    /// Judged, written anew, and not yet sent.
    out: Vec<u8>,
    onward: Option<Onward>,
    forwarded: Forwarded,
    /// How long the head waits for what comes with it.
    held_until: Option<Instant>,
    is_whole: bool,
    is_tunnel: bool,
    /// Did the client get its 100?
    may_continue: bool,
    /// The upstream connection is logged in for this client.
    bound: bool,
    keep_alive: Option<Duration>,
}

impl<'a> Outgoing<'a> {
    fn new(
        gateway: &'a Gateway,
        request: &'a Request,
        exchange: Exchange,
        progress: &'a Progress,
        entry: &'a mut Entry,
    ) -> Outgoing<'a> {
        Outgoing {
            gateway,
            request,
            exchange,
            progress,
            entry,
            out: Vec::new(),
            onward: None,
            forwarded: Forwarded::Nothing,
            held_until: None,
            is_whole: false,
            is_tunnel: false,
            may_continue: false,
            bound: false,
            keep_alive: None,
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), Violation> {
        match (event, &mut self.onward) {
            (Event::Note(note), _) => self.entry.note(note.rule()),
            (Event::Head(head), _) if head.is_interim() => self.interim(&head)?,
            (Event::Head(head), _) => self.head(&head)?,
            // Content that is left out need not be waited for.
            (Event::Content(_), Some(onward)) if onward.framing() == Framing::Length(0) => {
                self.is_whole = true
            }
            (Event::Content(content), Some(onward)) => {
                self.entry.content += content.len() as u64;
                onward.content(content, &mut self.out);
            }
            (Event::Trailers(fields), Some(onward)) => onward.trailers(fields),
            (Event::End(_), _) => self.end(),
            _ => {}
        }
        Ok(())
    }

    /// HTTP/1.0 has no 1xx (RFC 9110 15.2), and a 100 is for who asked for it, once.
    fn interim(&mut self, head: &Head<'_>) -> Result<(), Violation> {
        let is_wanted = match head.status() {
            100 => self.request.expects_continue && !std::mem::replace(&mut self.may_continue, true),
            _ => self.request.version == Version::Http11,
        };
        if is_wanted {
            head.forward(&self.next_hop(), &mut self.out)?;
            self.progress.client_may_continue();
        }
        Ok(())
    }

    fn head(&mut self, head: &Head<'_>) -> Result<(), Violation> {
        if self.is_stale(head) {
            return Err(Violation::from(Outcome::ClosedBeforeFirstByte));
        }
        self.entry.upstream_status = Some(head.status());
        self.entry.head_after = Some(self.entry.began.elapsed());
        for advisory in head.advisories(&self.exchange) {
            self.bound |= advisory.rule() == Rule::ConnectionBoundAuthentication;
            self.entry.note(advisory.rule());
        }
        self.keep_alive = head.get("keep-alive").and_then(keep_alive);
        self.is_tunnel = head.framing() == Framing::Tunnel;
        let next_hop = if self.is_too_early(head) { self.next_hop().closing() } else { self.next_hop() };
        self.onward = Some(head.forward(&next_hop, &mut self.out)?);
        self.held_until = Some(Instant::now() + HOLD);
        Ok(())
    }

    /// A 408 that says goodbye to an idle connection may cross a request (RFC 9110 15.5.9), which is then as good as
    /// unseen. Where it cannot be sent again, the 408 is what there is to say.
    fn is_stale(&self, head: &Head<'_>) -> bool {
        let is_last = |value: &[u8]| {
            value.split(|&byte| byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
        };
        head.status() == 408
            && self.entry.reused
            && self.exchange.method().is_idempotent()
            && !self.request.body.has_content()
            && head.get_all("connection").any(|field| is_last(field.value()))
    }

    /// Will the content of the request be left unread (RFC 9112 9.6)? An upstream that refuses it, or never asked for
    /// it, has no use for it.
    fn is_too_early(&self, head: &Head<'_>) -> bool {
        let is_unwanted = head.status() >= 400 || self.request.expects_continue && !self.may_continue;
        is_unwanted && self.progress.state().written != Written::Whole
    }

    fn next_hop(&self) -> NextHop<'a> {
        let next_hop = NextHop::new(self.request.version, &self.gateway.via);
        if self.request.persistent && !self.gateway.stopping.is_cancelled() {
            next_hop
        } else {
            next_hop.closing()
        }
    }

    fn end(&mut self) {
        self.is_whole = true;
        if let Some(onward) = &mut self.onward {
            onward.end(&mut self.out);
        }
    }

    /// What came after a reply that is whole does not take it back, unless the policy says so while nothing has gone
    /// out.
    fn stands_in_spite_of(&self, violation: &Violation) -> bool {
        self.is_whole && violation.remedy(self.forwarded) == Remedy::Discard
    }
}

/// How long the upstream keeps an idle connection, less a second for what is on its way.
fn keep_alive(value: &[u8]) -> Option<Duration> {
    let value = std::str::from_utf8(value).ok()?.to_ascii_lowercase();
    let seconds = value.split(',').find_map(|parameter| parameter.trim().strip_prefix("timeout="))?;
    let seconds: u64 = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.saturating_sub(1)))
}
