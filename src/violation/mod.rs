//! The verdict on a reply: what was broken, where, and what follows from it.
#![forbid(unsafe_code)]

mod end;
mod outcome;

use core::error::Error;
use core::fmt;

use crate::proxy_status::ProxyError;
use crate::rule::{Rule, Section};

pub use end::{End, Reason, Reuse};
pub use outcome::Outcome;

/// A range of bytes: offsets from the first byte the parser was given, end exclusive.
///
/// Empty where the blame falls on a place and not on bytes: the end of the head, or of what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// Where in the exchange something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Before the request was sent: resolving, connecting, TLS.
    Connect,
    /// In the status line, the empty lines before it, or before any byte.
    StatusLine,
    /// In the header section, or at its end, when the head is judged as a whole.
    Header,
    /// In the content or its chunked coding.
    Body,
    /// In the trailer section.
    Trailer,
    /// After the message, or with no request outstanding.
    Idle,
    /// After a switch of protocols or in a CONNECT tunnel: no longer HTTP.
    Tunnel,
}

impl Phase {
    /// `connect`, `status-line`, `header`, `body`, `trailer`, `idle` or `tunnel`.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::StatusLine => "status-line",
            Phase::Header => "header",
            Phase::Body => "body",
            Phase::Trailer => "trailer",
            Phase::Idle => "idle",
            Phase::Tunnel => "tunnel",
        }
    }

    /// For a sentence: `in the header section`.
    pub const fn place(self) -> &'static str {
        match self {
            Phase::Connect => "before the request was sent",
            Phase::StatusLine => "in the status line",
            Phase::Header => "in the header section",
            Phase::Body => "in the body",
            Phase::Trailer => "in the trailer section",
            Phase::Idle => "after the message",
            Phase::Tunnel => "in the tunnel",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How much of the reply the gateway has already sent to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forwarded {
    /// Not a byte of the final reply.
    Nothing,
    /// The head at least.
    Part,
    /// All of it, end included.
    Whole,
}

/// What the gateway owes its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Send a reply of one's own with this status: 502, 504, 503 or 500.
    Respond(u16),
    /// End the client's stream so that nobody can take it for complete: no last chunk, a reset, fewer bytes than
    /// announced.
    Abort,
    /// The reply stands; only the connection to the upstream is closed.
    Discard,
}

impl Remedy {
    /// `respond`, `abort` or `discard`.
    pub const fn name(self) -> &'static str {
        match self {
            Remedy::Respond(_) => "respond",
            Remedy::Abort => "abort",
            Remedy::Discard => "discard",
        }
    }
}

/// May the gateway send the request again by itself, once, on a fresh connection (RFC 9110 9.2.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// No: it would repeat, or part of the reply was used.
    Never,
    /// If its method is idempotent.
    Idempotent,
    /// Whatever its method: nothing of it was sent.
    Always,
}

impl Retry {
    /// `never`, `idempotent` or `always`.
    pub const fn name(self) -> &'static str {
        match self {
            Retry::Never => "never",
            Retry::Idempotent => "idempotent",
            Retry::Always => "always",
        }
    }
}

/// A rule that a reply breaks, with everything a gateway needs in order to act and to report.
///
/// `Copy` and without heap. `Display` is one line of printable ASCII that holds no byte of the upstream, except one
/// as `0x2f`; it can be logged as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    pub(crate) rule: Rule,
    pub(crate) phase: Phase,
    pub(crate) retry: Retry,
    pub(crate) found: Option<u8>,
    pub(crate) received_status: Option<u16>,
    pub(crate) proxy_error: Option<ProxyError>,
    pub(crate) span: Span,
    pub(crate) related: Option<Span>,
    pub(crate) decided_at: u64,
    pub(crate) message_start: u64,
    pub(crate) detail: Option<&'static str>,
}

impl Violation {
    /// The rule that is broken.
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    /// The bytes to blame; offsets count from the first byte the parser was given on this connection.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Where the blame starts, counted from the first byte of its message: an interim reply is a message of its own.
    pub const fn offset(&self) -> u64 {
        self.span.start.saturating_sub(self.message_start)
    }

    /// A second place without which the first would be no fault: the first of two lengths that differ.
    pub const fn related(&self) -> Option<Span> {
        self.related
    }

    /// The offset of the byte that settled it; for what a close settled, the number of bytes received.
    ///
    /// Whatever the reads, the error is returned by the call that supplied this byte.
    pub const fn decided_at(&self) -> u64 {
        self.decided_at
    }

    /// Where in the exchange it happened.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The RFC 9209 error type; `None` where a gateway has nothing to report.
    pub const fn proxy_error(&self) -> Option<ProxyError> {
        self.proxy_error
    }

    /// The status of the gateway's own reply: 502, 504, 503 or 500.
    pub const fn status(&self) -> u16 {
        match self.proxy_error {
            Some(error) => error.status(),
            None => 502,
        }
    }

    /// What the client is owed, given what it has already been sent.
    pub const fn remedy(&self, forwarded: Forwarded) -> Remedy {
        match (self.rule, self.phase, forwarded) {
            // Of a request that it stood in the way of nothing was used; without one no client is owed anything.
            (Rule::UnsolicitedResponse, _, _) if matches!(self.retry, Retry::Never) => Remedy::Discard,
            (_, _, Forwarded::Nothing) => Remedy::Respond(self.status()),
            (_, Phase::Idle, _) | (_, _, Forwarded::Whole) => Remedy::Discard,
            (_, _, Forwarded::Part) => Remedy::Abort,
        }
    }

    /// May the request be sent again?
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// The status code of the reply at hand, if it was read so far; of one that follows an interim reply it is never that
    /// of the interim one.
    pub const fn received_status(&self) -> Option<u16> {
        self.received_status
    }

    /// The first byte of the span, if it is one.
    pub const fn found(&self) -> Option<u8> {
        self.found
    }

    /// What more is known: the protocol the bytes look like, the meaning of an unofficial status code.
    pub const fn detail(&self) -> Option<&'static str> {
        self.detail
    }

    /// The member of a Proxy-Status field that reports it (RFC 9209 2), for the intermediary called `name`.
    ///
    /// `name` is written as a token where it is one, else as a string with everything but printable ASCII replaced
    /// by `?`. No byte of the upstream stands in it.
    ///
    /// ```
    /// # use badgateway::{validate, Close, Exchange, Policy};
    /// let report = validate(b"HTTP/1.1 200 OK\r\na/b: c\r\n\r\n", Exchange::GET, &Policy::DEFAULT, Some(Close::Eof));
    /// assert_eq!(
    ///     report.violation().unwrap().proxy_status("gw").to_string(),
    ///     r#"gw; error=http_protocol_error; received-status=200; details="invalid-field-name at byte 18""#,
    /// );
    /// ```
    pub fn proxy_status<'a>(&'a self, name: &'a str) -> impl fmt::Display + 'a {
        Member { violation: self, name }
    }

    /// The violation inside an error, however it was wrapped: through `source()` and, with `std`, through
    /// `io::Error::get_ref`.
    pub fn find<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Violation> {
        let mut error = Some(error);
        while let Some(this) = error {
            if let Some(violation) = this.downcast_ref::<Violation>() {
                return Some(violation);
            }
            error = inner(this);
        }
        None
    }
}

/// The next error down. An `io::Error` skips what it wraps in its `source()`, so it is asked first.
#[cfg(feature = "std")]
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(not(feature = "std"))]
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    error.source()
}

impl Violation {
    /// `bare-cr at byte 95`; no byte where none could have come.
    fn rule_and_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phase {
            Phase::Connect => write!(f, "{}", self.rule),
            _ => write!(f, "{} at byte {}", self.rule, self.offset()),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule_and_place(f)?;
        if let Some(byte) = self.found {
            write!(f, " (0x{byte:02x})")?;
        }
        write!(f, " {}: {}", self.phase.place(), self.rule.title())?;
        if let Some(detail) = self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Violation")
            .field("rule", &self.rule)
            .field("span", &(self.span.start..self.span.end))
            .field("related", &self.related.map(|span| span.start..span.end))
            .field("decided_at", &self.decided_at)
            .field("message_start", &self.message_start)
            .field("phase", &self.phase)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl Error for Violation {}

struct Member<'a> {
    violation: &'a Violation,
    name: &'a str,
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let violation = self.violation;
        write_name(self.name, f)?;
        if let Some(error) = violation.proxy_error {
            write!(f, "; error={error}")?;
            if violation.rule.section() == Section::Chunked && error == ProxyError::HttpResponseTransferCoding
            {
                f.write_str("; coding=chunked")?;
            }
        }
        if let Some(status) = violation.received_status {
            write!(f, "; received-status={status}")?;
        }
        f.write_str("; details=\"")?;
        violation.rule_and_place(f)?;
        f.write_str("\"")
    }
}

/// An sf-token where it is one, else an sf-string (RFC 9651 3.3.3 and 3.3.4).
fn write_name(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bytes = name.as_bytes();
    let starts = bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'*');
    if starts && bytes.iter().all(|&byte| crate::class::is_tchar(byte) || byte == b':' || byte == b'/') {
        return f.write_str(name);
    }
    f.write_str("\"")?;
    for c in name.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            ' '..='~' => write!(f, "{c}")?,
            _ => f.write_str("?")?,
        }
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_member_name_cannot_leave_its_place() {
        let violation = Violation::from(Outcome::DnsError);
        let member = |name| violation.proxy_status(name).to_string();
        assert_eq!(member("gw.example"), "gw.example; error=dns_error; details=\"dns-error\"");
        assert!(member("gw:8080/a").starts_with("gw:8080/a; error"));
        assert!(member("a \"b\\\r\nc\u{e9}").starts_with(r#""a \"b\\??c?"; error"#));
        assert!(member("9gw").starts_with("\"9gw\"; "));
        assert!(member("").starts_with("\"\"; "));
    }

    #[test]
    fn it_shows_what_was_broken_and_where() {
        let shown = std::format!("{:?}", Violation::from(Outcome::DnsError));
        assert!(shown.starts_with("Violation { rule: DnsError, span: 0..0, related: None, "), "{shown}");
    }

    #[test]
    fn remedies_follow_what_was_forwarded() {
        let violation = Violation::from(Outcome::ResponseBodyTimeout);
        assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Respond(504));
        assert_eq!(violation.remedy(Forwarded::Part), Remedy::Abort);
        assert_eq!(violation.remedy(Forwarded::Whole), Remedy::Discard);
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_violation_is_found_however_it_was_wrapped() {
        use std::io;

        #[derive(Debug)]
        struct Outer(io::Error);

        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }

        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }

        let violation = Violation::from(Outcome::ConnectionReset);
        let wrapped = Outer(io::Error::other(io::Error::other(violation)));
        assert_eq!(Violation::find(&wrapped), Some(&violation));
        assert_eq!(Violation::find(&violation), Some(&violation));
        assert_eq!(Violation::find(&io::Error::other("another")), None);
    }
}
