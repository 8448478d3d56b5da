//! Rules of section E.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange, Method};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 8] = [
    Row {
        rule: Rule::ContentInBodilessResponse,
        id: "content-in-bodiless-response",
        class: Class::Core,
        clause: "RFC 9110 6.4.1",
        detection: Detection::Byte,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "bytes follow a reply that has no content",
        about: "After the head of a reply to HEAD, of a 204 or of a 304, more bytes come on the \
            connection, as in a HEAD answered with `Content-Length: 5\\r\\n\\r\\nhello`.",
        why: "Left unread, these bytes answer the next request. If an attacker can choose them, so is the \
            reply another user gets.",
        clause_says: "Such replies have no content, and a client MUST NOT take surplus bytes for a \
            response of their own.",
        tolerated: "The reply is complete without them; they are thrown away and the connection is closed.",
        example: Some(Example {
            exchange: Exchange::new(Method::Head),
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::IncompleteBody,
        id: "incomplete-body",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended before all of Content-Length was received",
        about: "Fewer bytes came than the head announced: `Content-Length: 10\\r\\n\\r\\nhello`, then the \
            end of the connection.",
        why: "Half a file is taken for the whole, or a cache keeps it and serves it for as long as it is \
            fresh.",
        clause_says: "The message MUST be considered incomplete and the connection closed.",
        tolerated: "It cannot be tolerated: the bytes are missing. Answer 502 if nothing was forwarded \
            yet, else break off towards the client so that it sees the loss too.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::IncompleteChunkedBody,
        id: "incomplete-chunked-body",
        class: Class::Core,
        clause: "RFC 9112 8",
        detection: Detection::Close,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended before the last chunk",
        about: "The connection closes inside a chunk or between two, and no zero-sized chunk has come: \
            `5\\r\\nhello\\r\\n`, then the end.",
        why: "A gateway that goes on to write its own 0\\r\\n\\r\\n turns a broken reply into a whole one \
            that nobody will question.",
        clause_says: "A chunked message is incomplete until its zero-sized chunk was received.",
        tolerated: "It cannot be tolerated: content is missing. Answer 502 if nothing was forwarded yet, \
            else break off and never write a last chunk.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::TruncatedCloseDelimitedBody,
        id: "truncated-close-delimited-body",
        class: Class::Core,
        clause: "RFC 9112 9.8",
        detection: Detection::Close,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "content that runs to the close ended in a reset or without TLS close_notify",
        about: "The content had no length and was to end with the connection, as in `HTTP/1.1 200 \
            OK\\r\\n\\r\\nhello`, but the connection was reset, or its TLS was cut without close_notify.",
        why: "Anyone on the path can end a TCP connection. Taking that for the end of the content lets \
            them choose where the reply stops.",
        clause_says: "Over TLS, content without a length counts as whole only once the peer's closure \
            alert was seen. A connection that ends in an error leaves it incomplete.",
        tolerated: "For an upstream known to leave out close_notify, what came is taken as whole; the \
            connection is gone anyway. A reset is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\n\r\nhello",
            close: Some(Close::Truncated),
        }),
    },
    Row {
        rule: Rule::ResponseBodyTooLarge,
        id: "response-body-too-large",
        class: Class::Core,
        clause: "RFC 9110 17.5",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseBodySize),
        title: "the content is larger than the limit",
        about: "Content-Length announces more than the limit, or more bytes than that have come. There is \
            no limit unless one is set.",
        why: "A reply that is buffered or filtered takes memory by its size. Python reserved whatever \
            Content-Length asked for (CVE-2025-13836).",
        clause_says: "The text counts oversized elements among the attacks and leaves it to each recipient \
            to set limits.",
        tolerated: "It cannot be tolerated past a limit that was set, but the limit can be raised: \
            `--limit content=N`, in code `Limits::content`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentIn205,
        id: "content-in-205",
        class: Class::Core,
        clause: "RFC 9110 15.3.6",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a 205 reply has content",
        about: "`HTTP/1.1 205 Reset Content` comes with content, though the code has none: \
            `Content-Length: 5\\r\\n\\r\\nhello`.",
        why: "A reader that counts 205 among the codes without a body leaves those bytes for the next \
            reply, though framing has no such exception.",
        clause_says: "A server MUST NOT send content with 205. All the same it is framed like any other \
            final code, not like 204.",
        tolerated: "The content is read as its framing fields say, so that the connection stays in step; a \
            gateway may leave it out of what it forwards.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentCodingError,
        id: "content-coding-error",
        class: Class::Advisory,
        clause: "RFC 9110 8.4",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseContentCoding),
        title: "the content codings named cannot reasonably be undone",
        about: "Content-Encoding lists more than four codings, as in `gzip, gzip, gzip, gzip, gzip`. The \
            parser does not decode content, so it goes by the field; a gateway that decodes may find \
            damaged content besides.",
        why: "Each layer can grow the content a thousandfold. curl (CVE-2023-23916) and undici \
            (CVE-2026-22036) undid as many as they were told to.",
        clause_says: "Content-Encoding lists the codings in the order they were applied, and they are \
            undone from last to first. It gives no bound on their number.",
        tolerated: "It is only noted, and the content passes as it is. Before decoding such a reply, set a \
            bound on layers and on size.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Content-Type: text/plain\r\n\
                    Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n\
                    Content-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentLooksChunked,
        id: "content-looks-chunked",
        class: Class::Advisory,
        clause: "RFC 9112 6.1",
        detection: Detection::Close,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the content itself looks chunked",
        about: "With the framing undone, the content begins like a chunk, `5\\r\\nhello\\r\\n`, and ends \
            in 0\\r\\n\\r\\n. An application wrote chunks and its server framed them once more.",
        why: "Users see hexadecimal numbers in the page, and downloads do not match their checksums.",
        clause_says: "Chunked is for the outermost framing and is not to be applied a second time.",
        tolerated: "It is only noted, as such bytes may be meant. If they are not, turn off chunking in \
            the application.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Content-Type: text/plain\r\nContent-Length: 15\r\n\r\n5\r\n\
                    hello\r\n0\r\n\r\n",
            close: None,
        }),
    },
];
