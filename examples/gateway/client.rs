//! A client's connection: requests come in, replies go out, one after the other.
//!
//! hyper's server would do much of this, but it sends no 1xx of an upstream's, cannot cut a reply off by a reset, and
//! parses heads more leniently than a gateway may; so the connection is served by hand, with httparse for the heads.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use badgateway::Method;
use bytes::{Buf, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Gateway;
use crate::log::{Ending, Entry};
use crate::pool::Connection;
use crate::relay::relay;
use crate::request::{HeadReader, Refusal, Request};

/// How long a client may be silent between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long a request head may take, and how long a client may send nothing when it is its turn.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long a client may take nothing. A slow one that reads all the time lets the system take more in large steps only.
pub const SLOWEST: Duration = Duration::from_secs(300);

/// Bytes that the system takes before the client does.
const SEND_BUFFER: usize = 256 << 10;

/// A request that does not come.
pub const TOO_SLOW: Refusal =
    Refusal { status: 408, reason: "Request Timeout", why: "The request did not come in time." };

/// Room for a read.
pub const ROOM: usize = 16 << 10;

pub struct Client {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    /// Received and not used.
    pub inbox: BytesMut,
    /// An upstream connection that has been logged in for this client, and must serve no other.
    pub own: Option<Connection>,
    /// An exchange is under way: should its task end now, it is cut off.
    pub is_owed: bool,
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.is_owed {
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Request,
    Close,
    /// Cut off, so that nobody takes what was sent for the whole.
    Reset,
}

enum Incoming {
    Request(Box<Request>),
    /// With the method and the target, as far as they came.
    Refused(Refusal, String, String),
    Over,
}

pub async fn converse(gateway: Arc<Gateway>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
    let mut client = Client { stream, peer, inbox: BytesMut::new(), own: None, is_owed: false };
    loop {
        let next = match client.next_request(&gateway).await {
            Incoming::Request(request) => relay(&gateway, &mut client, &request).await,
            Incoming::Refused(refusal, method, target) => {
                let mut entry = Entry::new(peer, &method, &target);
                client.refuse(&refusal, Method::from_bytes(method.as_bytes()), &mut entry).await;
                gateway.log.write(&entry);
                Next::Close
            }
            Incoming::Over => return,
        };
        match next {
            Next::Request => {}
            Next::Close => return client.linger().await,
            Next::Reset => return client.reset(),
        }
    }
}

impl Client {
    async fn next_request(&mut self, gateway: &Gateway) -> Incoming {
        let mut reader = HeadReader::new();
        if self.inbox.is_empty() {
            let came = tokio::select! {
                came = timeout(KEEP_ALIVE, read(&mut self.stream, &mut self.inbox)) => came,
                () = gateway.crowded.notified() => return Incoming::Over,
                () = gateway.stopping.cancelled() => return Incoming::Over,
            };
            if !matches!(came, Ok(Ok(1..))) {
                return Incoming::Over;
            }
        }
        let read = tokio::select! {
            read = timeout(PATIENCE, self.read_head(&mut reader)) => read,
            () = gateway.stopping.cancelled() => return Incoming::Over,
        };
        let refusal = match read {
            Ok(Ok(Some(request))) => return Incoming::Request(Box::new(request)),
            Ok(Ok(None)) => return Incoming::Over,
            Ok(Err(refusal)) => refusal,
            Err(_) => TOO_SLOW,
        };
        let (method, target) = reader.asked().unwrap_or(("-", "-"));
        Incoming::Refused(refusal, method.into(), target.into())
    }

    /// `None` if the client goes away.
    async fn read_head(&mut self, reader: &mut HeadReader) -> Result<Option<Request>, Refusal> {
        loop {
            if let Some((request, len)) = reader.read(&self.inbox)? {
                self.inbox.advance(len);
                return Ok(Some(request));
            }
            if !matches!(read(&mut self.stream, &mut self.inbox).await, Ok(1..)) {
                return Ok(None);
            }
        }
    }

    /// Tell the client what is wrong with its request. The connection cannot be used after that.
    pub async fn refuse(&mut self, refusal: &Refusal, method: Method, entry: &mut Entry) {
        let content = format!("{}\n", refusal.why);
        let sent = if method == Method::Head { "" } else { &content };
        let allow = match refusal.status {
            405 => "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n",
            _ => "",
        };
        let reply = format!(
            "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{allow}Connection: close\r\n\r\n{sent}",
            refusal.status,
            refusal.reason,
            httpdate::fmt_http_date(SystemTime::now()),
            content.len(),
        );
        entry.status = Some(refusal.status);
        entry.outcome = Ending::Refused;
        entry.refusal = Some(refusal.why);
        // A client that is gone needs no telling.
        let _ = write(&mut self.stream, reply.as_bytes(), PATIENCE).await;
    }

    /// Close in order: a reset, which unread bytes would make of it, could take the reply away from the client.
    async fn linger(mut self) {
        const LONGEST: Duration = Duration::from_secs(2);
        let _ = self.stream.shutdown().await;
        let drain = async {
            while let Ok(1..) = read(&mut self.stream, &mut self.inbox).await {
                self.inbox.clear();
            }
        };
        let _ = timeout(LONGEST, drain).await;
    }

    fn reset(mut self) {
        self.is_owed = true;
    }
}

/// Append what has come to `inbox`; 0 is the end.
pub async fn read(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    inbox: &mut BytesMut,
) -> io::Result<usize> {
    if inbox.capacity() - inbox.len() < ROOM / 4 {
        inbox.reserve(ROOM);
    }
    stream.read_buf(inbox).await
}

/// Write it all, to somebody who may be slow but must not stand still for longer than `patience`.
pub async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    mut bytes: &[u8],
    patience: Duration,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(patience, stream.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = &bytes[count..],
        }
    }
    Ok(())
}
