//! Connections to the upstream: made, kept while idle, watched, and handed out again.
//!
//! An idle connection belongs to a task that reads from it. Whatever comes there answers no request, so that the first
//! byte, or its end, is the end of the connection; only one that has been silent is handed out.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use badgateway::{Outcome, Parser, Policy, Violation};
use bytes::BytesMut;
use socket2::SockRef;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::metrics::Metrics;

/// How long a connection is kept that nobody needs, unless its upstream asked for less.
const IDLE: Duration = Duration::from_secs(15);

/// Bytes of a request that the system takes before the upstream does.
const SEND_BUFFER: usize = 64 << 10;

/// How long a connection has to be silent before it carries the next request. What an upstream has left over from a
/// reply, it sends at once, if not in the same breath; once a request is under way nobody can tell it from its reply.
const REST: Duration = Duration::from_millis(5);

/// How many requests wait for a connection to have rested; more than that are worth connections of their own.
const MOST_WAITING: usize = 4;

/// How many are kept.
const MOST_IDLE: usize = 512;

/// A connection to the upstream, with the parser that knows what has come on it.
pub struct Connection {
    pub stream: TcpStream,
    pub parser: Parser,
    /// Received and not used.
    pub inbox: BytesMut,
    /// It has carried a request before.
    pub reused: bool,
    /// How long it may be idle, as its upstream said last.
    pub keep_alive: Option<Duration>,
    /// It is logged in for one client, and must serve no other.
    pub bound: bool,
}

/// Who wants an idle connection.
type Claim = oneshot::Sender<Connection>;

pub struct Pool {
    upstream: String,
    policy: Policy,
    patience: Duration,
    metrics: Arc<Metrics>,
    idle: Mutex<Idle>,
}

/// Whom to ask for the connections that nobody uses.
#[derive(Default)]
struct Idle {
    /// Since when, and the task that watches it.
    watchers: VecDeque<(Instant, oneshot::Sender<Claim>)>,
    /// Requests that wait for one to have rested.
    waiting: usize,
}

impl Pool {
    pub fn new(upstream: String, policy: Policy, patience: Duration, metrics: Arc<Metrics>) -> Pool {
        Pool { upstream, policy, patience, metrics, idle: Mutex::default() }
    }

    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// The idle connection that has been silent for longest, if there is any to be had.
    pub async fn take_idle(&self) -> Option<Connection> {
        loop {
            let (watcher, rests) = self.longest_idle()?;
            let (claim, claimed) = oneshot::channel();
            // A watcher that is gone has closed its connection.
            let connection = match watcher.send(claim) {
                Ok(()) => claimed.await.ok(),
                Err(_) => None,
            };
            self.idle().waiting -= usize::from(rests);
            if connection.is_some() {
                return connection;
            }
        }
    }

    /// Its watcher, and whether it has yet to rest.
    fn longest_idle(&self) -> Option<(oneshot::Sender<Claim>, bool)> {
        let mut idle = self.idle();
        let rests = idle.watchers.front()?.0.elapsed() < REST;
        if rests && idle.waiting >= MOST_WAITING {
            return None;
        }
        idle.waiting += usize::from(rests);
        idle.watchers.pop_front().map(|(_, watcher)| (watcher, rests))
    }

    pub async fn connect(&self) -> Result<Connection, Violation> {
        let addresses = timeout(self.patience, lookup_host(&self.upstream)).await;
        let addresses = addresses.map_err(|_| Outcome::DnsTimeout)?.map_err(|_| Outcome::DnsError)?;
        let stream =
            timeout(self.patience, reach(addresses)).await.map_err(|_| Outcome::ConnectionTimeout)??;
        // Replies and requests are written whole; what waits for more waits in vain.
        let _ = stream.set_nodelay(true);
        // With a large buffer an upstream that reads steadily would seem to stand still for long.
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        Ok(Connection {
            stream,
            parser: Parser::new(self.policy),
            inbox: BytesMut::new(),
            reused: false,
            keep_alive: None,
            bound: false,
        })
    }

    /// To be called when the parser says that the connection may be used again.
    pub fn keep(self: &Arc<Pool>, mut connection: Connection) {
        connection.parser.idle();
        connection.reused = true;
        let (watcher, claimed) = oneshot::channel();
        {
            let mut idle = self.idle();
            if idle.watchers.len() >= MOST_IDLE {
                idle.watchers.retain(|(_, watcher)| !watcher.is_closed());
            }
            if idle.watchers.len() >= MOST_IDLE {
                return;
            }
            idle.watchers.push_back((Instant::now(), watcher));
        }
        tokio::spawn(watch(self.clone(), connection, claimed));
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first address that can be reached, or why the last could not.
async fn reach(addresses: impl Iterator<Item = SocketAddr>) -> Result<TcpStream, Outcome> {
    let mut failure = Outcome::DnsError;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = unreachable_because(&error),
        }
    }
    Err(failure)
}

fn unreachable_because(error: &io::Error) -> Outcome {
    const TOO_MANY_FILES: [i32; 2] = [23, 24];
    match error.kind() {
        ErrorKind::ConnectionRefused => Outcome::ConnectionRefused,
        ErrorKind::TimedOut => Outcome::ConnectionTimeout,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Outcome::DestinationIpUnroutable,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Outcome::ConnectionRefused,
        _ if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => {
            Outcome::ConnectionLimitReached
        }
        _ => Outcome::DestinationUnavailable,
    }
}

/// Until somebody claims the connection, its time is over, or anything comes.
async fn watch(pool: Arc<Pool>, mut connection: Connection, claimed: oneshot::Receiver<Claim>) {
    let since = Instant::now();
    let limit = connection.keep_alive.map_or(IDLE, |limit| limit.min(IDLE));
    let claim = tokio::select! {
        biased;
        () = disturbed(&connection.stream) => None,
        claim = claimed => claim.ok(),
        () = sleep_until(since + limit) => return,
    };
    let claim = tokio::select! {
        biased;
        () = disturbed(&connection.stream) => None,
        () = sleep_until(since + REST) => claim,
    };
    let Some(claim) = claim.filter(|_| is_silent(&connection.stream)) else {
        return pool.report_unsolicited(&mut connection);
    };
    // Whoever claimed it may have left; then it is closed.
    let _ = claim.send(connection);
}

async fn disturbed(stream: &TcpStream) {
    while stream.readable().await.is_ok() {
        let mut byte = [0];
        match stream.peek(&mut byte).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// Asks the system, not what the runtime has heard so far.
pub fn is_silent(stream: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    matches!(SockRef::from(stream).peek(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

impl Pool {
    /// Bytes on an idle connection are worth counting; its end is not.
    fn report_unsolicited(&self, connection: &mut Connection) {
        let mut bytes = [0; 256];
        let Ok(count) = connection.stream.try_read(&mut bytes) else { return };
        let mut input = &bytes[..count];
        while !input.is_empty() {
            match connection.parser.next_event(&mut input) {
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(violation) => return self.metrics.unsolicited(violation.rule()),
            }
        }
    }
}
