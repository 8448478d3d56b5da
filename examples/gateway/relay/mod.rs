//! One request and its reply: sent on, judged as it comes back, and forwarded as long as it is good.
#![forbid(unsafe_code)]

mod outgoing;
mod progress;
mod reply;
mod upload;

use std::pin::{Pin, pin};
use std::time::Duration;

use badgateway::answer::Answer;
use badgateway::forward::Onward;
use badgateway::{Forwarded, Framing, Method, Outcome, Retry, Reuse, Violation, Written};
use tokio::time::sleep;

use crate::Gateway;
use crate::client::{Client, Next, SLOWEST, write};
use crate::log::{Ending, Entry};
use crate::pool::{Connection, is_silent};
use crate::request::{Body, Content, Refusal, Request};
use crate::tunnel::tunnel;
use outgoing::Outgoing;
use progress::Progress;
use reply::Reply;
use upload::{Sent, Upload};

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
        match write(&mut self.client.stream, reply, SLOWEST).await {
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
        connection.bound |= bound;
        match (received, sent) {
            (Ok(()), Some(_)) if is_tunnel => {
                self.entry.outcome = Ending::Tunnelled;
                let (carried, next) = tunnel(self.client, &mut connection, &gateway.stopping).await;
                self.entry.content = carried;
                Attempt::Tunnel(next)
            }
            (Ok(()), Some(onward)) => {
                self.keep(connection);
                Attempt::Whole(onward)
            }
            // A reply that is whole has been sent, or the client could not be written to.
            (Ok(()), None) | (Err(Broken::Client), _) => Attempt::Left,
            (Err(Broken::Upstream(violation)), sent) => Attempt::Bad(violation, sent),
            (Err(Broken::Request(refusal)), sent) => Attempt::Refused(refusal, sent),
            (Err(Broken::Gateway), _) => Attempt::Stopped,
        }
    }

    /// The connection may carry another request, if its reply says so.
    fn keep(&mut self, connection: Connection) {
        match connection.parser.reuse() {
            Reuse::Yes if connection.bound => {
                self.client.own = Some(Connection { reused: true, ..connection })
            }
            Reuse::Yes => self.gateway.pool.keep(connection),
            Reuse::No(_) => {}
        }
    }
}

/// Why an exchange broke off.
enum Broken {
    Upstream(Violation),
    Request(Refusal),
    Client,
    /// The gateway is stopping.
    Gateway,
}

/// Send and receive at once, as an upstream may answer while it still reads.
async fn both(
    mut sending: Pin<&mut impl Future<Output = Sent>>,
    mut receiving: Pin<&mut impl Future<Output = Result<(), Broken>>>,
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
