//! The reply on its way to the client: read, judged, held for a moment, sent.
//!
//! It feeds a `Parser` from a buffer of its own rather than use `bytes::Reader`, so that the bytes to blame are still at
//! hand for the log.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};
use std::time::Duration;

use badgateway::{Close, Forwarded, Outcome, Parser, Rule, Violation};
use bytes::{Buf, BytesMut};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout_at};

use super::Broken;
use super::outgoing::Outgoing;
use super::progress::Progress;
use crate::client::{ROOM, SLOWEST, read, write};

/// Bytes for the client that are held back while more of the reply is there to be judged.
const HELD: usize = 64 << 10;

/// A head must be whole after this many times the patience with a silent upstream.
const HEAD_TIMES: u32 = 4;

/// The reply on its way to the client.
pub(super) struct Reply<'a> {
    pub(super) parser: &'a mut Parser,
    pub(super) inbox: &'a mut BytesMut,
    pub(super) progress: &'a Progress,
    pub(super) patience: Duration,
    pub(super) outgoing: Outgoing<'a>,
}

impl Reply<'_> {
    pub(super) async fn receive(
        &mut self,
        from: &mut ReadHalf<'_>,
        to: &mut WriteHalf<'_>,
    ) -> Result<(), Broken> {
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
