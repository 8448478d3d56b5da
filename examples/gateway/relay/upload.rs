//! The request on its way to the upstream, and the client watched once it is sent.
#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::progress::Progress;
use crate::client::{PATIENCE, TOO_SLOW, read, write};
use crate::request::{Content, Refusal};

/// Bytes of a client's next requests that are taken in while it waits for a reply.
const AHEAD: usize = 64 << 10;

/// How the sending of the request ended. Until one of these it goes on: once all is sent, the client is watched.
pub(super) enum Sent {
    /// The client has closed its side.
    HalfClosed,
    Left,
    Refused(Refusal),
    /// The upstream does not take the request.
    Stalled,
}

/// The request on its way to the upstream.
pub(super) struct Upload<'a, 's> {
    pub(super) content: &'a mut Content,
    pub(super) is_chunked: bool,
    pub(super) from: &'a mut ReadHalf<'s>,
    pub(super) inbox: &'a mut BytesMut,
    pub(super) to: &'a mut WriteHalf<'s>,
    pub(super) progress: &'a Progress,
    pub(super) patience: Duration,
}

impl Upload<'_, '_> {
    pub(super) async fn run(&mut self, head: &[u8]) -> Sent {
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
