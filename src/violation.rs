//! The verdict on a reply: what was broken, where, and what follows from it.
#![forbid(unsafe_code)]

use core::error::Error;
use core::fmt;

use crate::proxy_status::ProxyError;
use crate::rule::{Rule, Section};

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
            // It answers no request, so that no client is owed anything for it.
            (Rule::UnsolicitedResponse, _, _) => Remedy::Discard,
            (_, _, Forwarded::Nothing) => Remedy::Respond(self.status()),
            (_, Phase::Idle, _) | (_, _, Forwarded::Whole) => Remedy::Discard,
            (_, _, Forwarded::Part) => Remedy::Abort,
        }
    }

    /// May the request be sent again?
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// The status code of the message at fault, if it was read so far.
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

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.rule, self.offset())?;
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
        write!(f, "; details=\"{} at byte {}\"", violation.rule, violation.offset())
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

/// What went wrong on the connection rather than in the bytes (section J of the catalogue).
///
/// With [`Violation::outcome`] a gateway has one path from "went wrong" to "what I answer". What the parser sees
/// itself through [`Parser::close`](crate::Parser::close) is among them for gateways that notice it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The resolver did not answer in time.
    DnsTimeout,
    /// The name could not be resolved.
    DnsError,
    /// No upstream is configured for the request.
    DestinationNotFound,
    /// Every upstream is marked down.
    DestinationUnavailable,
    /// The address is one the gateway must not connect to.
    DestinationIpProhibited,
    /// There is no route to the address.
    DestinationIpUnroutable,
    /// The upstream refused the connection.
    ConnectionRefused,
    /// The connection was not established in time.
    ConnectionTimeout,
    /// The pool or the queue is full.
    ConnectionLimitReached,
    /// The upstream's certificate is not good.
    TlsCertificate,
    /// The TLS handshake or a record went wrong.
    TlsProtocol,
    /// The upstream sent a TLS alert.
    TlsAlert,
    /// Bytes of a reply came before the TLS handshake was done.
    PlaintextBeforeTls,
    /// The connection ended before the first byte of a reply.
    ClosedBeforeFirstByte,
    /// The connection ended inside the head.
    IncompleteHeaderSection,
    /// The connection ended after an interim reply.
    ClosedAfterInterimResponse,
    /// The connection was reset inside the reply.
    ConnectionReset,
    /// No byte of the head came for too long.
    ResponseHeaderTimeout,
    /// No byte of the content came for too long.
    ResponseBodyTimeout,
    /// The whole reply took too long, its head not yet forwarded or read.
    ResponseDeadlineExceeded,
    /// The upstream did not read the request in time.
    RequestWriteTimeout,
    /// The request could not be written, and no reply was waiting.
    RequestWriteFailed,
    /// The gateway's own fault.
    GatewayInternalError,
    /// The gateway is set up wrongly.
    GatewayConfigurationError,
    /// The request has been through this gateway before.
    GatewayLoop,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 25] = [
        Outcome::DnsTimeout,
        Outcome::DnsError,
        Outcome::DestinationNotFound,
        Outcome::DestinationUnavailable,
        Outcome::DestinationIpProhibited,
        Outcome::DestinationIpUnroutable,
        Outcome::ConnectionRefused,
        Outcome::ConnectionTimeout,
        Outcome::ConnectionLimitReached,
        Outcome::TlsCertificate,
        Outcome::TlsProtocol,
        Outcome::TlsAlert,
        Outcome::PlaintextBeforeTls,
        Outcome::ClosedBeforeFirstByte,
        Outcome::IncompleteHeaderSection,
        Outcome::ClosedAfterInterimResponse,
        Outcome::ConnectionReset,
        Outcome::ResponseHeaderTimeout,
        Outcome::ResponseBodyTimeout,
        Outcome::ResponseDeadlineExceeded,
        Outcome::RequestWriteTimeout,
        Outcome::RequestWriteFailed,
        Outcome::GatewayInternalError,
        Outcome::GatewayConfigurationError,
        Outcome::GatewayLoop,
    ];

    /// Rule, phase and retry; and the error type where the outcome is more exact than its rule.
    const fn facts(self) -> (Rule, Phase, Retry, Option<ProxyError>) {
        use ProxyError as E;
        match self {
            Outcome::DnsTimeout => (Rule::DnsTimeout, Phase::Connect, Retry::Always, None),
            Outcome::DnsError => (Rule::DnsError, Phase::Connect, Retry::Always, None),
            Outcome::DestinationNotFound => {
                (Rule::DestinationUnavailable, Phase::Connect, Retry::Never, Some(E::DestinationNotFound))
            }
            Outcome::DestinationUnavailable => {
                (Rule::DestinationUnavailable, Phase::Connect, Retry::Always, None)
            }
            Outcome::DestinationIpProhibited => {
                (Rule::DestinationIpRefused, Phase::Connect, Retry::Always, Some(E::DestinationIpProhibited))
            }
            Outcome::DestinationIpUnroutable => {
                (Rule::DestinationIpRefused, Phase::Connect, Retry::Always, None)
            }
            Outcome::ConnectionRefused => (Rule::ConnectionRefused, Phase::Connect, Retry::Always, None),
            Outcome::ConnectionTimeout => (Rule::ConnectionTimeout, Phase::Connect, Retry::Always, None),
            Outcome::ConnectionLimitReached => {
                (Rule::ConnectionLimitReached, Phase::Connect, Retry::Always, None)
            }
            Outcome::TlsCertificate => (Rule::TlsCertificateError, Phase::Connect, Retry::Never, None),
            Outcome::TlsProtocol => (Rule::TlsProtocolError, Phase::Connect, Retry::Always, None),
            Outcome::TlsAlert => {
                (Rule::TlsProtocolError, Phase::Connect, Retry::Always, Some(E::TlsAlertReceived))
            }
            Outcome::PlaintextBeforeTls => (Rule::PlaintextBeforeTls, Phase::Connect, Retry::Never, None),
            Outcome::ClosedBeforeFirstByte => {
                (Rule::ClosedBeforeFirstByte, Phase::StatusLine, Retry::Idempotent, None)
            }
            Outcome::IncompleteHeaderSection => {
                (Rule::IncompleteHeaderSection, Phase::Header, Retry::Idempotent, None)
            }
            Outcome::ClosedAfterInterimResponse => {
                (Rule::ClosedAfterInterimResponse, Phase::StatusLine, Retry::Never, None)
            }
            Outcome::ConnectionReset => (Rule::ConnectionReset, Phase::Body, Retry::Never, None),
            Outcome::ResponseHeaderTimeout => {
                (Rule::ResponseHeaderTimeout, Phase::Header, Retry::Idempotent, None)
            }
            Outcome::ResponseBodyTimeout => (Rule::ResponseBodyTimeout, Phase::Body, Retry::Never, None),
            Outcome::ResponseDeadlineExceeded => {
                (Rule::ResponseDeadlineExceeded, Phase::Body, Retry::Never, None)
            }
            Outcome::RequestWriteTimeout => {
                (Rule::RequestWriteTimeout, Phase::StatusLine, Retry::Idempotent, None)
            }
            Outcome::RequestWriteFailed => {
                (Rule::RequestWriteFailed, Phase::StatusLine, Retry::Idempotent, None)
            }
            Outcome::GatewayInternalError => (Rule::GatewayInternalError, Phase::Connect, Retry::Never, None),
            Outcome::GatewayConfigurationError => {
                (Rule::GatewayInternalError, Phase::Connect, Retry::Never, Some(E::ProxyConfigurationError))
            }
            Outcome::GatewayLoop => {
                (Rule::GatewayInternalError, Phase::Connect, Retry::Never, Some(E::ProxyLoopDetected))
            }
        }
    }
}

impl Violation {
    /// The violation for something that happened on the connection after `received` bytes of the reply.
    pub fn outcome(outcome: Outcome, received: u64) -> Violation {
        let (rule, phase, retry, proxy_error) = outcome.facts();
        Violation {
            rule,
            phase,
            retry,
            found: None,
            received_status: None,
            proxy_error: proxy_error.or(rule.proxy_error()),
            span: Span { start: received, end: received },
            related: None,
            decided_at: received,
            message_start: 0,
            detail: None,
        }
    }
}

impl From<Outcome> for Violation {
    /// With nothing of the reply received.
    fn from(outcome: Outcome) -> Violation {
        Violation::outcome(outcome, 0)
    }
}

/// Why a connection must not carry another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is no reply to judge by.
    NoReply,
    /// The connection has ended.
    Closed,
    /// It is a tunnel now, or speaks another protocol.
    Tunnel,
    /// The reply is not at its end.
    Unfinished,
    /// The reply, or what came after it, was refused by this rule.
    Refused(Rule),
    /// The reply was used, but this rule makes where it ended uncertain.
    Tolerated(Rule),
    /// The content ended with the connection.
    CloseDelimited,
    /// The reply ended before the request was wholly written.
    RequestUnfinished,
    /// The request asked for the connection to be closed.
    RequestClosing,
    /// The reply carried the connection option `close`.
    CloseOption,
    /// HTTP/1.0 without the connection option `keep-alive`.
    Http10,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoReply => f.write_str("there was no reply"),
            Reason::Closed => f.write_str("the connection has ended"),
            Reason::Tunnel => f.write_str("it no longer speaks HTTP"),
            Reason::Unfinished => f.write_str("the reply is not at its end"),
            Reason::Refused(rule) | Reason::Tolerated(rule) => f.write_str(rule.id()),
            Reason::CloseDelimited => f.write_str("the content ends with the connection"),
            Reason::RequestUnfinished => f.write_str("the request was not wholly written"),
            Reason::RequestClosing => f.write_str("the request asked for close"),
            Reason::CloseOption => f.write_str("Connection: close"),
            Reason::Http10 => f.write_str("HTTP/1.0 without keep-alive"),
        }
    }
}

/// May the connection carry another request (RFC 9112 9.3)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// Yes.
    Yes,
    /// No, and why.
    No(Reason),
}

/// The end of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub(crate) reuse: Reuse,
    pub(crate) content: u64,
    pub(crate) wire: u64,
    pub(crate) note: Option<Violation>,
}

impl End {
    /// May the connection carry another request? Never in what [`Parser::close`](crate::Parser::close) returns.
    pub const fn reuse(&self) -> Reuse {
        self.reuse
    }

    /// Bytes of content, framing removed.
    pub const fn content(&self) -> u64 {
        self.content
    }

    /// Bytes received for this exchange, interim replies included.
    pub const fn wire(&self) -> u64 {
        self.wire
    }

    /// What was tolerated in the way the connection ended; always `None` in an [`Event::End`](crate::Event::End).
    pub const fn note(&self) -> Option<&Violation> {
        self.note.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn outcomes_cover_the_transport_section() {
        let mut rules: std::vec::Vec<Rule> =
            Outcome::ALL.iter().map(|&outcome| Violation::from(outcome).rule()).collect();
        rules.dedup();
        let section: std::vec::Vec<Rule> =
            Rule::all().filter(|rule| rule.section() == Section::Transport).collect();
        assert_eq!(rules, section);
    }

    #[test]
    fn outcomes_answer_with_the_status_of_their_type() {
        let status = |outcome| Violation::from(outcome).status();
        assert_eq!(status(Outcome::DnsError), 502);
        assert_eq!(status(Outcome::ConnectionTimeout), 504);
        assert_eq!(status(Outcome::ConnectionLimitReached), 503);
        assert_eq!(status(Outcome::DestinationNotFound), 500);
        assert_eq!(status(Outcome::GatewayLoop), 502);
        assert_eq!(status(Outcome::GatewayConfigurationError), 500);
        assert_eq!(status(Outcome::ResponseDeadlineExceeded), 504);
    }

    #[test]
    fn a_member_name_cannot_leave_its_place() {
        let violation = Violation::from(Outcome::DnsError);
        let member = |name| violation.proxy_status(name).to_string();
        assert!(member("gw.example").starts_with("gw.example; error=dns_error; details="));
        assert!(member("a \"b\\\r\nc\u{e9}").starts_with(r#""a \"b\\??c?"; error"#));
        assert!(member("9gw").starts_with("\"9gw\"; "));
        assert!(member("").starts_with("\"\"; "));
    }

    #[test]
    fn remedies_follow_what_was_forwarded() {
        let violation = Violation::from(Outcome::ResponseBodyTimeout);
        assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Respond(504));
        assert_eq!(violation.remedy(Forwarded::Part), Remedy::Abort);
        assert_eq!(violation.remedy(Forwarded::Whole), Remedy::Discard);
    }
}
