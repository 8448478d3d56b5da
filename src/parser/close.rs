//! The ways a connection ends, and what each does to a reply that is, or is not, whole (RFC 9112 sections 8 and 9.8).
#![forbid(unsafe_code)]

use super::{Between, Parser, State};
use crate::exchange::Close;
use crate::judge::Halt;
use crate::rule::{Level, Rule};
use crate::violation::{End, Reason, Reuse, Violation};

/// How the connection ended, where the rule does not say so.
fn manner(how: Close, rule: Rule) -> Option<&'static str> {
    match (how, rule) {
        (_, Rule::ConnectionReset) => None,
        (Close::Reset, _) => Some("the connection was reset"),
        (Close::Truncated, _) => Some("TLS ended without its closing alert"),
        _ => None,
    }
}

impl Parser {
    /// No more bytes will come, and why. To be called once [`next_event`](Parser::next_event) has used what came.
    ///
    /// # Errors
    ///
    /// The rule that a reply cut short breaks, or the one that was broken before.
    pub fn close(&mut self, how: Close) -> Result<End, Violation> {
        let ended = match self.state {
            State::Failed(violation) => Err(Halt::Deny(violation)),
            State::Closed(end) => Ok(end),
            State::Idle(_) => Ok(self.end_here(Reuse::No(Reason::NoReply))),
            State::Tunnel => Ok(self.end_here(self.reuse_now())),
            State::Ending => Ok(self.close_whole(how, self.end_here(self.reuse_now()))),
            State::After { end, between } => self.close_after(how, end, between),
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

    /// The message is whole: a close without the care that TLS asks for, or a reset, is only worth a note.
    fn close_whole(&mut self, how: Close, end: End) -> End {
        let note = match how {
            Close::Truncated if self.policy.level(Rule::TlsCloseWithoutAlert) == Level::Note => {
                Some(self.violation_here(Rule::TlsCloseWithoutAlert))
            }
            Close::Reset => {
                self.record.close_because(Rule::ConnectionReset);
                Some(self.violation_here(Rule::ConnectionReset))
            }
            _ => None,
        };
        // What followed the message weighs more than how the connection ended.
        End { note: end.note.or(note), reuse: self.closed_reuse(), ..end }
    }

    /// A connection that has ended carries nothing more; what spoke against it before is the better reason.
    fn closed_reuse(&self) -> Reuse {
        match self.reuse_now() {
            Reuse::Yes => Reuse::No(Reason::Closed),
            no => no,
        }
    }

    /// Half a CRLF after the message is no CRLF.
    fn close_after(&mut self, how: Close, end: End, between: Between) -> Result<End, Halt> {
        let note = match between.in_pair().then(|| self.surplus(between, b'\r')) {
            Some(Err(Halt::Note(violation))) => Some(violation),
            Some(Err(deny)) => return Err(deny),
            Some(Ok(())) | None => None,
        };
        Ok(self.close_whole(how, End { note, ..end }))
    }

    fn close_unfinished(&mut self, how: Close) -> Result<End, Halt> {
        if matches!((how, &self.state), (Close::Eof, State::UntilClose)) {
            return Ok(End { note: self.nothing_came(), ..self.end_here(self.closed_reuse()) });
        }
        let (rule, tolerable) = self.cut_short(how);
        let violation = Violation { detail: manner(how, rule), ..self.violation_here(rule) };
        let level = self.policy.level(rule);
        if !tolerable || level == Level::Deny {
            return Err(Halt::Deny(violation));
        }
        self.offset = self.received();
        self.record.close_because(rule);
        let note = (level == Level::Note).then_some(violation);
        Ok(End { note, ..self.end_here(self.closed_reuse()) })
    }

    /// Content that ends with the connection and is empty is as likely that of a server that failed.
    fn nothing_came(&self) -> Option<Violation> {
        let rule = Rule::CloseDelimitedResponse;
        let is_due = self.content == 0 && self.record.status != Some(205);
        (is_due && self.policy.level(rule) == Level::Note).then(|| Violation {
            detail: Some("the connection ended before any content came"),
            ..self.violation_here(rule)
        })
    }

    /// The rule that an end of the bytes at this point breaks, and whether a policy may bear it. For a content that
    /// ends with the connection an orderly end breaks none.
    fn cut_short(&self, how: Close) -> (Rule, bool) {
        let nothing_received = matches!(&self.state, State::Head(reader) if reader.examined() == 0);
        match (how, &self.state) {
            (Close::Abandoned, _) => (Rule::ResponseNotDrained, false),
            (Close::Timeout, State::Head(_)) => (Rule::ResponseHeaderTimeout, false),
            (Close::Timeout, _) => (Rule::ResponseBodyTimeout, false),
            (_, State::Head(_)) if nothing_received && self.record.interims.messages > 0 => {
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
