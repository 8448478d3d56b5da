//! What happened on the connection rather than in its bytes.
#![forbid(unsafe_code)]

use super::{Phase, Retry, Span, Violation};
use crate::proxy_status::ProxyError;
use crate::rule::Rule;

/// What went wrong on the connection rather than in the bytes (the transport outcomes of [`rules`](crate::rules)).
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
                (Rule::ClosedAfterInterimResponse, Phase::StatusLine, Retry::Idempotent, None)
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

impl Outcome {
    /// What the rule, which stands for several outcomes, does not tell.
    const fn detail(self) -> Option<&'static str> {
        match self {
            Outcome::DestinationNotFound => Some("no upstream is configured for the request"),
            Outcome::DestinationIpProhibited => Some("the address must not be connected to"),
            Outcome::DestinationIpUnroutable => Some("there is no route to the address"),
            Outcome::TlsAlert => Some("the upstream sent an alert"),
            Outcome::GatewayConfigurationError => Some("it is set up wrongly"),
            Outcome::GatewayLoop => Some("the request has been here before"),
            _ => None,
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
            detail: outcome.detail(),
        }
    }
}

impl From<Outcome> for Violation {
    /// With nothing of the reply received.
    fn from(outcome: Outcome) -> Violation {
        Violation::outcome(outcome, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Section;

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
    fn outcomes_that_share_a_rule_differ_in_detail() {
        for (at, outcome) in Outcome::ALL.into_iter().enumerate() {
            let violation = Violation::outcome(outcome, 7);
            assert_eq!(violation.detail(), outcome.detail());
            assert_eq!((violation.span(), violation.decided_at()), (Span { start: 7, end: 7 }, 7));
            for other in Outcome::ALL[..at].iter().map(|&other| Violation::from(other)) {
                assert_ne!((violation.rule(), violation.detail()), (other.rule(), other.detail()));
            }
        }
        let detail = |outcome| Violation::from(outcome).detail();
        assert_eq!(detail(Outcome::ConnectionRefused), None);
        assert_eq!(detail(Outcome::DestinationNotFound), Some("no upstream is configured for the request"));
        assert_eq!(detail(Outcome::DestinationIpProhibited), Some("the address must not be connected to"));
        assert_eq!(detail(Outcome::DestinationIpUnroutable), Some("there is no route to the address"));
        assert_eq!(detail(Outcome::TlsAlert), Some("the upstream sent an alert"));
        assert_eq!(detail(Outcome::GatewayConfigurationError), Some("it is set up wrongly"));
        assert_eq!(detail(Outcome::GatewayLoop), Some("the request has been here before"));
    }
}
