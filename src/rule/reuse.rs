//! Rules of section H.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange, Method, Written};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 9] = [
    Row {
        rule: Rule::ExtraneousBytesAfterMessage,
        id: "extraneous-bytes-after-message",
        class: Class::Core,
        clause: "RFC 9112 9.2",
        detection: Detection::Byte,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "more bytes follow the end of the message",
        about: "The reply is complete by its own framing, and the upstream goes on: `Content-Length: 2`, \
            then `okHTTP/1.1 200 OK\\r\\n...`.",
        why: "If the connection goes back to the pool, the rest answers somebody else's request: response \
            splitting and response queue poisoning, with content that an attacker may have chosen.",
        clause_says: "A client MUST NOT make another response out of such bytes (RFC 9112 6.3), and it \
            should close the connection, because where the message ended is in doubt.",
        tolerated: "The message stands as framed, the rest is discarded, and the connection is not used \
            again.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\
                \r\nevil",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ExtraneousCrlfAfterMessage,
        id: "extraneous-crlf-after-message",
        class: Class::Advisory,
        clause: "RFC 9112 9.2",
        detection: Detection::Byte,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "an empty line follows the end of the message",
        about: "One or two CRLF come after a complete message: `Content-Length: 2`, then `ok\\r\\n`. Old CGI \
            programs and servers that write content line by line do this.",
        why: "It is harmless as long as it is skipped, and a reason for mysterious closes where it is not: \
            some gateways drop every connection on which it happens.",
        clause_says: "A client that sees stray data on an idle connection should close it, unless the data \
            is nothing but CRLF, which may be discarded.",
        tolerated: "Nothing changes for the reply; the empty lines are discarded and the connection stays \
            usable. The note points at an upstream that counts its content wrongly.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n\
                Content-Length: 2\r\n\r\nok\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UnsolicitedResponse,
        id: "unsolicited-response",
        class: Class::Core,
        clause: "RFC 9112 9.2",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "bytes arrived while no request was outstanding",
        about: "The upstream sends on an idle connection, before any request was written to it: often \
            `HTTP/1.1 408 Request Timeout\\r\\n...`, which only announces the close, sometimes the leftover \
            of an earlier reply.",
        why: "If these bytes are kept, they answer the next request on the connection and every later reply \
            goes to the wrong client: response queue poisoning.",
        clause_says: "What arrives with no request waiting is an answer to nothing: the client MUST NOT \
            accept it as a response and should close the connection.",
        tolerated: "It cannot be tolerated: there is no request that the bytes could belong to. Discard \
            them, close the connection and send the request on another one.",
        example: Some(Example {
            exchange: Exchange::GET.written(Written::Nothing),
            reply: b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ConnectionNotPersistent,
        id: "connection-not-persistent",
        class: Class::Core,
        clause: "RFC 9112 9.3",
        detection: Detection::Section,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the Connection field says both close and keep-alive",
        about: "The reply holds contradictory options, on one line or on several: `Connection: \
            keep-alive\\r\\nConnection: close\\r\\n`. A plain `close`, or HTTP/1.0 without keep-alive, is no \
            contradiction and only ends reuse.",
        why: "A gateway that looks at the first line only, or lets the last one win, writes its next request \
            into a connection that is being closed, and may lose it.",
        clause_says: "The close option is looked at first: where it is present the connection ends after \
            this response, whatever else is said. Only then do the version and keep-alive count.",
        tolerated: "Close wins: the reply is used and the connection is not used again. Set it to deny to \
            refuse replies that contradict themselves.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 0\r\n\
                \r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ResponseBeforeRequestComplete,
        id: "response-before-request-complete",
        class: Class::Core,
        clause: "RFC 9112 9.5",
        detection: Detection::Section,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the final response came before the request was wholly written",
        about: "The upstream answers while content of the request is still being sent, for example `HTTP/1.1 \
            413 Content Too Large\\r\\n...` to an upload.",
        why: "The rest of the request is still owed: a connection reused before it was written takes the \
            next request for content of the last. CVE-2024-24791 in Go left connections unusable that way.",
        clause_says: "A client should watch for an early response while it sends. When it shows that the \
            server wants no more, the client should stop sending and close the connection.",
        tolerated: "The response is used; the connection is used again only if the whole request has been \
            written by the end of it. Set it to deny only for an upstream that must read everything first.",
        example: Some(Example {
            exchange: Exchange::new(Method::Other).written(Written::Part),
            reply: b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ResponseNotDrained,
        id: "response-not-drained",
        class: Class::Core,
        clause: "RFC 9112 9.3",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: None,
        title: "reading stopped before the end of the response",
        about: "The gateway itself stopped reading: its client left, or a limit of its own was reached, with \
            5 of `Content-Length: 10` octets taken.",
        why: "What was left unread is still on the way. On a reused connection it would be read as the \
            status line of the next reply.",
        clause_says: "Reading a response to its end is a MUST for a client that wants to keep the \
            connection.",
        tolerated: "It cannot be tolerated: the connection is closed. To keep it, read the rest of the \
            content before giving it back to the pool; for a short rest that is often cheaper.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            close: Some(Close::Abandoned),
        }),
    },
    Row {
        rule: Rule::KeepAliveParameters,
        id: "keep-alive-parameters",
        class: Class::Advisory,
        clause: "RFC 9112 9.5",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the upstream announces how long it keeps the connection",
        about: "The reply holds a Keep-Alive field with parameters: `Keep-Alive: timeout=5, max=100\\r\\n`.",
        why: "A gateway that keeps idle connections longer than the upstream does sends requests into \
            closing ones. That race is the commonest cause of sporadic 502s.",
        clause_says: "Either side may close an idle connection at any time, so both have to cope with it. \
            The Keep-Alive field itself was described in RFC 2068 and left out of the later texts.",
        tolerated: "Nothing changes for the reply. Set the gateway's idle time for this upstream at least a \
            second below the timeout, and its number of requests for each connection to max.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nConnection: keep-alive\r\n\
                Keep-Alive: timeout=5, max=100\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ConnectionBoundAuthentication,
        id: "connection-bound-authentication",
        class: Class::Advisory,
        clause: "RFC 9110 11.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the upstream asks for authentication that is bound to the connection",
        about: "A challenge names NTLM or Negotiate: `WWW-Authenticate: NTLM\\r\\n`. In practice these log \
            in the TCP connection, not the request.",
        why: "A gateway that shares the connection lets the next client act under the identity of the last.",
        clause_says: "Challenge and credentials belong to single requests. RFC 9110 3.3 forbids a server to \
            take requests for the same client's because they share a connection, and notes that some \
            extensions do it all the same.",
        tolerated: "Nothing changes for the reply. Keep the connection for this one client from here on, or \
            use an upstream scheme that does not log in connections.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 401 Unauthorized\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                WWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::TlsCloseWithoutAlert,
        id: "tls-close-without-alert",
        class: Class::Advisory,
        clause: "RFC 9112 9.8",
        detection: Detection::Close,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the TLS connection ended without a close_notify alert",
        about: "The message was complete by its own length or its last chunk, and then the TCP connection \
            ended with no close_notify alert before it.",
        why: "For this message nothing was lost. For one that ends with the connection the same habit cannot \
            be told from an attacker cutting it short.",
        clause_says: "An incomplete close does not undo responses whose content was whole by Content-Length \
            or by the last chunk: a client should treat them as completed.",
        tolerated: "Nothing changes for the reply. The note tells which upstreams close this way, before one \
            of them sends a close-delimited reply.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n\
                Content-Length: 5\r\n\r\nhello",
            close: Some(Close::Truncated),
        }),
    },
];
