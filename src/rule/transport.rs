//! Rules of section J.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 20] = [
    Row {
        rule: Rule::DnsTimeout,
        id: "dns-timeout",
        class: Class::Core,
        clause: "RFC 9209 2.3.1",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::DnsTimeout),
        title: "the upstream's name was not resolved in time",
        about: "The resolver gave no answer within the gateway's time limit. No connection was made and \
            nothing was sent.",
        why: "The client is owed a 504 that blames name resolution; without a rule of its own it would look \
            like a slow upstream.",
        clause_says: "dns_timeout is the error type for this, with 504 as the recommended status.",
        tolerated: "It cannot be tolerated: there is no reply. Trying again is safe for every method, \
            because nothing was sent.",
        example: None,
    },
    Row {
        rule: Rule::DnsError,
        id: "dns-error",
        class: Class::Core,
        clause: "RFC 9209 2.3.2",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::DnsError),
        title: "the upstream's name could not be resolved",
        about: "The resolver answered with an error such as NXDOMAIN or SERVFAIL. No connection was made and \
            nothing was sent.",
        why: "The client is owed a 502, and the operator the reason: a missing record is put right elsewhere \
            than a broken server.",
        clause_says: "dns_error is the error type for this, with 502 as the recommended status; the rcode \
            and an info-code may go with it.",
        tolerated: "It cannot be tolerated: there is no reply. Trying again is safe for every method, \
            because nothing was sent.",
        example: None,
    },
    Row {
        rule: Rule::DestinationUnavailable,
        id: "destination-unavailable",
        class: Class::Core,
        clause: "RFC 9209 2.3.4",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::DestinationUnavailable),
        title: "no upstream was available to send the request to",
        about: "Every server of the group is marked down, or a circuit breaker is open. No connection was \
            tried.",
        why: "A 503 tells clients and monitors that this is a passing lack of servers and not a bad reply \
            from one of them.",
        clause_says: "destination_unavailable is the error type for this, with 503 as the recommended \
            status. Where no route exists at all, destination_not_found and 500 fit better.",
        tolerated: "It cannot be tolerated: there is no reply. Send Retry-After with the 503 when the end of \
            the outage can be estimated.",
        example: None,
    },
    Row {
        rule: Rule::DestinationIpRefused,
        id: "destination-ip-refused",
        class: Class::Core,
        clause: "RFC 9209 2.3.6",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::DestinationIpUnroutable),
        title: "the upstream's address is forbidden or has no route",
        about: "The name resolved to an address that the gateway must not connect to, or that the network \
            cannot reach: EHOSTUNREACH or ENETUNREACH.",
        why: "Without a filter on addresses, a name that an attacker controls leads the gateway into the \
            internal network: server-side request forgery.",
        clause_says: "destination_ip_unroutable is the error type where no route exists, \
            destination_ip_prohibited (2.3.5) where policy forbids the address; both recommend 502.",
        tolerated: "It cannot be tolerated: there is no reply. Another address of the same upstream may be \
            tried, because nothing was sent.",
        example: None,
    },
    Row {
        rule: Rule::ConnectionRefused,
        id: "connection-refused",
        class: Class::Core,
        clause: "RFC 9209 2.3.7",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionRefused),
        title: "the upstream refused the connection",
        about: "The connection was turned down: ECONNREFUSED, or a unix socket that does not exist. Nothing \
            was sent.",
        why: "It mostly means that the process is not running or listens elsewhere, which is quickly mended \
            once it is told apart from a slow or broken reply.",
        clause_says: "connection_refused is the error type for this, with 502 as the recommended status.",
        tolerated: "It cannot be tolerated: there is no reply. Trying another server is safe for every \
            method, because nothing was sent.",
        example: None,
    },
    Row {
        rule: Rule::ConnectionTimeout,
        id: "connection-timeout",
        class: Class::Core,
        clause: "RFC 9209 2.3.9",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionTimeout),
        title: "the connection to the upstream was not made in time",
        about: "The handshake with the upstream did not finish within the time limit, mostly because no \
            SYN-ACK came. Nothing of the request was sent.",
        why: "It points at the network, a firewall or a full accept queue, and not at the application that a \
            timeout while reading would point at.",
        clause_says: "connection_timeout is the error type for this, with 504 as the recommended status.",
        tolerated: "It cannot be tolerated: there is no reply. Trying again is safe for every method, \
            because nothing was sent.",
        example: None,
    },
    Row {
        rule: Rule::ConnectionLimitReached,
        id: "connection-limit-reached",
        class: Class::Core,
        clause: "RFC 9209 2.3.12",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionLimitReached),
        title: "the gateway's limit on upstream connections was reached",
        about: "The connection pool or its queue is full, so the gateway did not try to connect.",
        why: "It is the gateway's own limit that was hit; blaming the upstream sends the operator to the \
            wrong place.",
        clause_says: "connection_limit_reached is the error type for this, with 503 as the recommended \
            status.",
        tolerated: "It cannot be tolerated: there is no reply. Raise the gateway's connection limit or add \
            servers, and send Retry-After with the 503.",
        example: None,
    },
    Row {
        rule: Rule::TlsCertificateError,
        id: "tls-certificate-error",
        class: Class::Core,
        clause: "RFC 9209 2.3.14",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::TlsCertificateError),
        title: "the upstream's certificate was not accepted",
        about: "The certificate is expired, is for another name, or was signed by an unknown authority. \
            Nothing of the request was sent.",
        why: "Whoever lets this pass talks to anybody who can answer at the address. Some gateways, nginx \
            among them, do not verify upstream certificates unless told to.",
        clause_says: "tls_certificate_error is the error type for this, with 502 as the recommended status.",
        tolerated: "It cannot be tolerated here: no reply was read. Trying the same server again will not \
            help; renew the certificate or trust its authority.",
        example: None,
    },
    Row {
        rule: Rule::TlsProtocolError,
        id: "tls-protocol-error",
        class: Class::Core,
        clause: "RFC 9209 2.3.13",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::TlsProtocolError),
        title: "the TLS handshake or a TLS record failed",
        about: "The two sides share no version or cipher, a record was bad, an alert was received, or \
            something other than TLS answered on the port.",
        why: "It mostly shows a plain HTTP port spoken to in TLS, or settings too far apart. It must never \
            lead to going on without TLS.",
        clause_says: "tls_protocol_error is the error type for this, with 502 as the recommended status; \
            tls_alert_received (2.3.15) when the upstream sent an alert.",
        tolerated: "It cannot be tolerated: nothing after the failure can be trusted. Once the header \
            section was forwarded, the response has to be aborted.",
        example: None,
    },
    Row {
        rule: Rule::PlaintextBeforeTls,
        id: "plaintext-before-tls",
        class: Class::Core,
        clause: "RFC 9112 9.7",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::TlsProtocolError),
        title: "the upstream sent bytes before TLS was established",
        about: "Response bytes arrived on an upstream connection that is to be TLS, before the handshake was \
            done.",
        why: "Whoever sits on the path can inject a whole reply in plain text this way: CVE-2026-1642 in \
            nginx.",
        clause_says: "On such a connection every octet of HTTP MUST travel inside TLS as application data, \
            and there is none before the handshake is done.",
        tolerated: "It cannot be tolerated: the bytes are not authenticated. Discard them and close the \
            connection.",
        example: None,
    },
    Row {
        rule: Rule::ClosedBeforeFirstByte,
        id: "closed-before-first-byte",
        class: Class::Core,
        clause: "RFC 9209 2.3.8",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionTerminated),
        title: "the connection ended before the first byte of a reply",
        about: "The upstream closed or reset the connection with no octet of the reply sent. On a reused \
            connection it probably closed just as the request was written.",
        why: "This is the keep-alive race, or a worker that crashed. Sending a request that is not \
            idempotent again could carry it out twice.",
        clause_says: "connection_terminated is the error type for this, with 502 as the recommended status. \
            RFC 9110 9.2.2 forbids a proxy to repeat requests that are not idempotent on its own account.",
        tolerated: "It cannot be tolerated: there is no reply. Try once more on a new connection if the \
            method is idempotent or nothing of the request was written.",
        example: Some(Example { exchange: Exchange::GET, reply: b"", close: Some(Close::Eof) }),
    },
    Row {
        rule: Rule::IncompleteHeaderSection,
        id: "incomplete-header-section",
        class: Class::Core,
        clause: "RFC 9112 8",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended within the status line or header section",
        about: "The bytes stop before the empty line that ends the head: `HTTP/1.1 200 \
            OK\\r\\nContent-Length: 12` and then the end of the connection.",
        why: "A cut field may look whole: that 12 could have been 123, and half a Set-Cookie is another \
            cookie.",
        clause_says: "When the header section was cut, part of what the status means may be cut off with it; \
            the client cannot rely on it and may have to ask again.",
        tolerated: "It cannot be tolerated: the partial head is discarded and the client gets a 502.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 12",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ClosedAfterInterimResponse,
        id: "closed-after-interim-response",
        class: Class::Core,
        clause: "RFC 9110 15",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended after an interim response",
        about: "One or more 1xx responses arrived, such as `HTTP/1.1 103 Early Hints\\r\\n...\\r\\n\\r\\n`, \
            and no final one after them.",
        why: "The client is left with a 100 or 103 and nothing to end its wait. The upstream had seen the \
            request, so repeating it may carry it out twice.",
        clause_says: "Every request has exactly one final response, which any interim ones come before.",
        tolerated: "It cannot be tolerated: there is no final reply to forward, so the client gets a 502.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ConnectionReset,
        id: "connection-reset",
        class: Class::Core,
        clause: "RFC 9209 2.3.8",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionTerminated),
        title: "the connection was reset",
        about: "The upstream, or something on the path, reset the connection after the first octet of the \
            reply and before its end: a crash, a kill, or an idle timeout in a firewall.",
        why: "Whoever takes a reset for an orderly end passes on, and perhaps caches, half of the content as \
            the whole of it.",
        clause_says: "connection_terminated is the error type for this, with 502 as the recommended status.",
        tolerated: "It cannot be tolerated: the rest will not come. Before the head was forwarded the client \
            gets a 502; after that its response is aborted. A reset behind a whole message is only noted.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            close: Some(Close::Reset),
        }),
    },
    Row {
        rule: Rule::ResponseHeaderTimeout,
        id: "response-header-timeout",
        class: Class::Core,
        clause: "RFC 9209 2.3.10",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionReadTimeout),
        title: "the header section did not arrive in time",
        about: "The upstream sent nothing, or only part of its head such as `HTTP/1.1 200 OK\\r\\n`, until \
            the gateway's inactivity timer ran out.",
        why: "It means a slow or hung application. Alerts depend on telling this 504 from the 502 for a bad \
            reply.",
        clause_says: "connection_read_timeout is the error type for a time limit without new data, with 504 \
            as the recommended status.",
        tolerated: "It cannot be tolerated: there is no head to forward. Raise the gateway's own read \
            timeout for slow upstreams; repeat only idempotent requests.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\n",
            close: Some(Close::Timeout),
        }),
    },
    Row {
        rule: Rule::ResponseBodyTimeout,
        id: "response-body-timeout",
        class: Class::Core,
        clause: "RFC 9209 2.3.10",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionReadTimeout),
        title: "the content stopped arriving before its end",
        about: "The head came, and then some of the content, such as 5 of 10 octets, until the gateway's \
            inactivity timer ran out.",
        why: "Without an end the client hangs; with a clean end it would take the part for the whole.",
        clause_says: "connection_read_timeout is the error type for a time limit without new data. RFC 9112 \
            6.3 counts a message as incomplete when the recipient times out before its declared length.",
        tolerated: "It cannot be tolerated: the message is not whole. Abort the response downstream; raise \
            the gateway's own read timeout for upstreams that pause.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            close: Some(Close::Timeout),
        }),
    },
    Row {
        rule: Rule::ResponseDeadlineExceeded,
        id: "response-deadline-exceeded",
        class: Class::Core,
        clause: "RFC 9209 2.3.26",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTimeout),
        title: "the complete response did not arrive within the time allowed for it",
        about: "Bytes kept coming, so that no inactivity timer ran out, but the whole took too long: one \
            octet each second, or 1xx responses without end.",
        why: "An upstream that drips holds a connection, a worker and a client for as long as it likes.",
        clause_says: "http_response_timeout is the error type for a limit on the complete response, with 504 \
            as the recommended status.",
        tolerated: "It cannot be tolerated once the caller says so. Raise the gateway's own deadline for \
            long downloads and streams.",
        example: None,
    },
    Row {
        rule: Rule::RequestWriteTimeout,
        id: "request-write-timeout",
        class: Class::Core,
        clause: "RFC 9209 2.3.11",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionWriteTimeout),
        title: "the request could not be written in time",
        about: "The upstream did not read: its receive window stayed closed until the gateway's write timer \
            ran out.",
        why: "It shows an upstream that is overloaded or stuck while it reads, which a wait for the response \
            would not tell.",
        clause_says: "connection_write_timeout is the error type for this, with 504 as the recommended \
            status.",
        tolerated: "It cannot be tolerated: part of the request is missing. Close the connection; raise the \
            gateway's own write timeout for slow uploads.",
        example: None,
    },
    Row {
        rule: Rule::RequestWriteFailed,
        id: "request-write-failed",
        class: Class::Core,
        clause: "RFC 9112 9.5",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ConnectionTerminated),
        title: "the connection failed while the request was being written",
        about: "A write ended in EPIPE or ECONNRESET, often because the upstream refused an upload and \
            closed. Its 413 or 401 may already lie in the receive buffer.",
        why: "A gateway that gives up at the failed write replaces a useful 413 or 401 by a bare 502.",
        clause_says: "A client should watch for an early response while it sends its request, and stop \
            sending when one shows that the rest is not wanted.",
        tolerated: "Read what has arrived first: a whole response is used and the connection closed. Only \
            where there is none does this stand, and it cannot be tolerated then.",
        example: None,
    },
    Row {
        rule: Rule::GatewayInternalError,
        id: "gateway-internal-error",
        class: Class::Core,
        clause: "RFC 9209 2.3.30",
        detection: Detection::Caller,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::ProxyInternalError),
        title: "the gateway itself failed",
        about: "The fault lies in the gateway: out of memory, a bad configuration, or a loop back to itself \
            seen in Via or CDN-Loop.",
        why: "Telling it apart keeps the upstream from being blamed, and taken out of rotation, for a fault \
            that is not its own.",
        clause_says: "proxy_internal_error is the error type for this, with 500 as the recommended status; \
            proxy_configuration_error (2.3.31) and proxy_loop_detected (2.3.32) are the more exact ones.",
        tolerated: "It cannot be tolerated: there is no reply to judge. Look at the gateway's own log.",
        example: None,
    },
];
