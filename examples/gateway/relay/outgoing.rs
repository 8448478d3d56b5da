//! What the client is to get, made of what the parser tells.
#![forbid(unsafe_code)]

use std::time::Duration;

use badgateway::forward::{NextHop, Onward};
use badgateway::{
    Event, Exchange, Forwarded, Framing, Head, Outcome, Remedy, Rule, Version, Violation, Written,
};
use tokio::time::Instant;

use super::progress::Progress;
use crate::Gateway;
use crate::log::Entry;
use crate::request::{Request, members};

/// How long a head is held for what comes with it.
const HOLD: Duration = Duration::from_millis(5);

/// What the client is to get, made of what the parser tells.
pub(super) struct Outgoing<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) request: &'a Request,
    pub(super) exchange: Exchange,
    pub(super) progress: &'a Progress,
    pub(super) entry: &'a mut Entry,
    /// Judged, written anew, and not yet sent.
    pub(super) out: Vec<u8>,
    pub(super) onward: Option<Onward>,
    pub(super) forwarded: Forwarded,
    /// How long the head waits for what comes with it.
    pub(super) held_until: Option<Instant>,
    pub(super) is_whole: bool,
    pub(super) is_tunnel: bool,
    /// Did the client get its 100?
    pub(super) may_continue: bool,
    /// The upstream connection is logged in for this client.
    pub(super) bound: bool,
    pub(super) keep_alive: Option<Duration>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(
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

    pub(super) fn take(&mut self, event: Event<'_>) -> Result<(), Violation> {
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
        self.note_advice(head);
        let is_wanted = match head.status() {
            100 => self.request.expects_continue && !std::mem::replace(&mut self.may_continue, true),
            _ => self.request.version == Version::Http11,
        };
        if is_wanted {
            head.forward(&self.next_hop(), &mut self.out)?;
            if head.status() == 100 {
                self.progress.client_may_continue();
            }
        }
        Ok(())
    }

    fn head(&mut self, head: &Head<'_>) -> Result<(), Violation> {
        if self.is_stale(head) {
            return Err(Violation::from(Outcome::ClosedBeforeFirstByte));
        }
        self.entry.upstream_status = Some(head.status());
        self.entry.head_after = Some(self.entry.began.elapsed());
        self.note_advice(head);
        self.keep_alive = head.get("keep-alive").and_then(keep_alive);
        self.is_tunnel = head.framing() == Framing::Tunnel;
        let next_hop = if self.is_too_early(head) { self.next_hop().closing() } else { self.next_hop() };
        self.onward = Some(head.forward(&next_hop, &mut self.out)?);
        self.held_until = Some(Instant::now() + HOLD);
        Ok(())
    }

    /// What the head tells about the application behind it, for the log.
    fn note_advice(&mut self, head: &Head<'_>) {
        for advisory in head.advisories(&self.exchange) {
            self.bound |= advisory.rule() == Rule::ConnectionBoundAuthentication;
            self.entry.note(advisory.rule());
        }
    }

    /// A 408 that says goodbye to an idle connection may cross a request (RFC 9110 15.5.9), which is then as good as
    /// unseen. Where it cannot be sent again, the 408 is what there is to say.
    fn is_stale(&self, head: &Head<'_>) -> bool {
        let is_last = |value| members(value).any(|option| option.eq_ignore_ascii_case(b"close"));
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

    pub(super) fn end(&mut self) {
        self.is_whole = true;
        if let Some(onward) = &mut self.onward {
            onward.end(&mut self.out);
        }
    }

    /// What came after a reply that is whole does not take it back, unless the policy says so while nothing has gone
    /// out.
    pub(super) fn stands_in_spite_of(&self, violation: &Violation) -> bool {
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
