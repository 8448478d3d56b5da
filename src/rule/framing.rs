//! Rules of section D.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange, Method, Version};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 18] = [
    Row {
        rule: Rule::ContentLengthWithTransferEncoding,
        id: "content-length-with-transfer-encoding",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the head holds both Content-Length and Transfer-Encoding",
        about: "Two fields tell where the content ends, and they need not agree: `Content-Length: \
            5\\r\\nTransfer-Encoding: chunked\\r\\n`.",
        why: "A hop that counts and a hop that reads chunks stop at different bytes, and the rest becomes \
            a reply of its own: response splitting and poisoned caches.",
        clause_says: "Transfer-Encoding wins, but such a message is best treated as faulty. A proxy that \
            forwards it all the same MUST take Content-Length out first.",
        tolerated: "Content-Length is dropped, Transfer-Encoding decides, and the connection is closed \
            after the reply.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\
                    hello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InvalidContentLength,
        id: "invalid-content-length",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the Content-Length is not a plain decimal number",
        about: "The value is empty, or holds a sign, a blank, a letter or an empty list member: `+5`, \
            `0x5`, `5 5`, `5,`.",
        why: "The number parsers of most languages take more than digits, and not all the same. hyper took \
            `+5` (CVE-2021-32715), HAProxy forwarded an empty value (CVE-2023-40225), and a negative one \
            looped for ever in CVE-2023-34188.",
        clause_says: "The value is digits and nothing else. In a reply anything else is an error past \
            recovery: the proxy MUST discard it, close the connection and send a 502.",
        tolerated: "It cannot be tolerated: the length is unknown, and the clause prescribes the 502.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentLengthOverflow,
        id: "content-length-overflow",
        class: Class::Core,
        clause: "RFC 9110 8.6",
        detection: Detection::Section,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the Content-Length is greater than 2^63-1",
        about: "The value is all digits but too large to count, as in `Content-Length: \
            18446744073709551617`.",
        why: "In 64 bits that number wraps around to 1, so one byte is taken as the content and the rest \
            as the next reply.",
        clause_says: "A recipient MUST be ready for very large numbers and keep its arithmetic from \
            overflowing.",
        tolerated: "It cannot be tolerated: no content is that long, and a length cut to fit would be a \
            wrong one.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551617\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::ConflictingContentLength,
        id: "conflicting-content-length",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "two Content-Length values differ",
        about: "Two lines, or two members of one line, name different lengths: `Content-Length: \
            5\\r\\nContent-Length: 6\\r\\n` or `Content-Length: 5, 6`.",
        why: "One hop goes by the first value and another by the last: the plainest way to split a response.",
        clause_says: "Several values can pass only where all of them are the same. If not, the proxy MUST \
            discard the reply, close the connection and send a 502.",
        tolerated: "It cannot be tolerated: nothing tells which of the lengths is right.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::RepeatedContentLength,
        id: "repeated-content-length",
        class: Class::Core,
        clause: "RFC 9110 8.6",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the same Content-Length is given more than once",
        about: "Two equal lines, or a list of equal values such as `Content-Length: 5, 5`. As a rule an \
            application and its server each added one.",
        why: "The length is certain, so refusing it costs a 502; passed on as it is, a stricter hop behind \
            refuses it instead.",
        clause_says: "A recipient MAY refuse the message or replace the list by the one value it repeats.",
        tolerated: "One Content-Length with that value is forwarded.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentLengthLeadingZeros,
        id: "content-length-leading-zeros",
        class: Class::Core,
        clause: "RFC 9110 8.6",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the Content-Length has leading zeros",
        about: "The value is written with zeros in front: `Content-Length: 010`, which is ten.",
        why: "A reader that takes a leading zero for octal sees eight, and leaves two bytes to be read as \
            the next reply.",
        clause_says: "Any run of digits is valid and is a decimal number, zeros in front included.",
        tolerated: "The number is forwarded without the zeros.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 010\r\n\r\nhelloworld",
            close: None,
        }),
    },
    Row {
        rule: Rule::ContentLengthIn1xxOr204,
        id: "content-length-in-1xx-or-204",
        class: Class::Core,
        clause: "RFC 9110 8.6",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a 1xx or 204 reply has a Content-Length",
        about: "A reply that never has content announces a length: `HTTP/1.1 204 No \
            Content\\r\\nContent-Length: 0\\r\\n`. Frameworks add it to every reply alike.",
        why: "Where the value is not 0, the server probably sends as many bytes, and they are taken for \
            the start of the next reply.",
        clause_says: "A server MUST NOT send Content-Length with 1xx or 204. Such a reply ends at its \
            empty line whatever the field says.",
        tolerated: "The field is dropped and the reply has no content. If the value was not 0, the \
            connection is not used again.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TransferEncodingIn1xxOr204,
        id: "transfer-encoding-in-1xx-or-204",
        class: Class::Core,
        clause: "RFC 9112 6.1",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a 1xx or 204 reply has a Transfer-Encoding",
        about: "A reply that never has content announces a coding: `HTTP/1.1 204 No \
            Content\\r\\nTransfer-Encoding: chunked\\r\\n`.",
        why: "The server probably sends a last chunk, 0\\r\\n\\r\\n, after the head. These five bytes are \
            not part of the reply and get in the way of the next one.",
        clause_says: "A server MUST NOT send Transfer-Encoding with 1xx or 204. Such a reply ends at its \
            empty line whatever the field says.",
        tolerated: "The field is dropped, the reply has no content, and the connection is not used again.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::FramingFieldInConnect2xx,
        id: "framing-field-in-connect-2xx",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a 2xx reply to CONNECT has Content-Length or Transfer-Encoding",
        about: "The tunnel opens right after the head, and yet the head announces content: `HTTP/1.1 200 \
            OK\\r\\nContent-Length: 0\\r\\n`.",
        why: "A gateway that obeys the field reads the first bytes of the tunnel as content or as chunks, \
            and the TLS handshake inside breaks.",
        clause_says: "A client MUST ignore both fields in a 2xx to CONNECT; what follows the empty line is \
            the tunnel.",
        tolerated: "Both fields are ignored and dropped, as the clause has it. The note helps to find a \
            proxy that writes them.",
        example: Some(Example {
            exchange: Exchange::new(Method::Connect),
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TransferEncodingInHttp10,
        id: "transfer-encoding-in-http-1.0",
        class: Class::Core,
        clause: "RFC 9112 6.1",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "an HTTP/1.0 reply has a Transfer-Encoding",
        about: "The status line says 1.0, which knows no transfer codings, and the head says \
            `Transfer-Encoding: chunked`.",
        why: "Perhaps an old hop passed on a field it did not understand, and holds back or has altered \
            part of the content. Pingora had trouble with the same pair in requests (CVE-2026-2835).",
        clause_says: "The framing MUST be taken as faulty even if there is a Content-Length, and the \
            connection closed once the message is processed.",
        tolerated: "The transfer coding decides, a Content-Length is dropped, and the connection is closed \
            whatever keep-alive says.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TransferEncodingUnsolicited,
        id: "transfer-encoding-unsolicited",
        class: Class::Advisory,
        clause: "RFC 9112 6.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a Transfer-Encoding answers an HTTP/1.0 request",
        about: "The request went out as HTTP/1.0, and its reply comes with `Transfer-Encoding: chunked`.",
        why: "Clients that speak only 1.0 show the chunk sizes as part of the page.",
        clause_says: "A server MUST NOT send Transfer-Encoding unless the request says HTTP/1.1 or later.",
        tolerated: "It is only noted, and chunks are decoded as ever. Sending requests as HTTP/1.1 settles \
            it.",
        example: Some(Example {
            exchange: Exchange::GET.version(Version::Http10),
            reply: b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TransferCodingNotFinalChunked,
        id: "transfer-coding-not-final-chunked",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the last transfer coding is not chunked",
        about: "Transfer-Encoding ends in something else: `Transfer-Encoding: gzip`, `Transfer-Encoding: \
            chunked, gzip`. Nothing but the close of the connection then ends the content.",
        why: "A hop that only searches the value for the word chunked decodes chunks where another reads \
            to the close.",
        clause_says: "The content of such a reply is everything up to the close of the connection.",
        tolerated: "The content is read to the close, still in that coding, and the connection ends with it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UnsupportedTransferCoding,
        id: "unsupported-transfer-coding",
        class: Class::Core,
        clause: "RFC 9112 7.4",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a transfer coding other than chunked is applied",
        about: "Another coding stands before the final chunked, as in `Transfer-Encoding: gzip, chunked`; \
            or `identity`, a coding no longer defined, stands alone.",
        why: "The content comes out of the chunks still compressed, and is served as if it were plain.",
        clause_says: "A client that sent no TE field can be sent chunked and no other coding. RFC 7230 \
            took identity off the list.",
        tolerated: "A lone `identity` changes no octet: the content is read up to the close, as RFC 9112 6.3 has \
            it where chunked is not the last coding, and any Content-Length is dropped. Any other coding is always \
            refused, as nothing here undoes it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\n\
                    \x1f\x8b\x08\x00\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::ChunkedAppliedTwice,
        id: "chunked-applied-twice",
        class: Class::Core,
        clause: "RFC 9112 6.1",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the chunked coding is listed twice",
        about: "`Transfer-Encoding: chunked, chunked`, or the same line twice. Usually an application and \
            the server in front of it each set the field, while the content is chunked once.",
        why: "By the field there are chunks within chunks, by the bytes there are not, and hops take one \
            or the other. nginx refuses it since 1.23, and many sites broke on that upgrade.",
        clause_says: "A sender MUST NOT apply chunked more than once to a message.",
        tolerated: "The content is decoded once, which is what such senders mean, one coding is forwarded, \
            and the connection is closed after it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\
                    Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TransferCodingParameters,
        id: "transfer-coding-parameters",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Section,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the chunked coding has parameters",
        about: "A semicolon follows the name: `Transfer-Encoding: chunked;a=b`.",
        why: "A hop that compares the whole member does not take it for chunked and reads on to the close, \
            or goes by Content-Length; others decode chunks.",
        clause_says: "No parameters are defined for chunked, and any there SHOULD be treated as an error.",
        tolerated: "It cannot be tolerated: whether the content is chunked is just what hops disagree on.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked;a=b\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::MalformedTransferEncoding,
        id: "malformed-transfer-encoding",
        class: Class::Core,
        clause: "RFC 9112 6.1",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the Transfer-Encoding is not a list of coding names",
        about: "The value is empty, has empty members or stray octets, or nearly spells chunked: \
            `chunked,`, `xchunked`, `chun ked`, `\"chunked\"`, \\x0bchunked.",
        why: "One hop trims, cuts or searches the value and finds chunked there, another finds a coding it \
            does not know. Where they differ, the reply can be split.",
        clause_says: "The field is a list of codings, each named by a token. Lists may have empty members, \
            which a recipient skips; nothing else in it is open to repair.",
        tolerated: "Only empty list members are skipped, as in `chunked,`. Every other fault is always \
            refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::FramingFieldsOnBodilessResponse,
        id: "framing-fields-on-bodiless-response",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the framing fields of a reply without content contradict each other or are invalid",
        about: "The reply to a HEAD, or a 304, has both Content-Length and Transfer-Encoding, or one that \
            is malformed. Lone and well formed, either is lawful there: it tells what a GET would have \
            got.",
        why: "A gateway that waits for the content hangs; one that refuses the reply answers every HEAD \
            health check with a 502.",
        clause_says: "Such a reply ends at its empty line whatever its fields say.",
        tolerated: "There is no content, and the faulty field is dropped; of the two, Content-Length goes \
            with Transfer-Encoding.",
        example: Some(Example {
            exchange: Exchange::new(Method::Head),
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::CloseDelimitedResponse,
        id: "close-delimited-response",
        class: Class::Core,
        clause: "RFC 9112 6.3",
        detection: Detection::Section,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the content ends only where the connection is closed",
        about: "The head has neither Content-Length nor Transfer-Encoding, so everything up to the close \
            is content: `HTTP/1.1 200 OK\\r\\n\\r\\nhello`, then the end.",
        why: "A server that dies halfway looks just like one that is done, so a cut reply passes for a \
            whole one. And a client hangs if its proxy leaves the connection open after it.",
        clause_says: "This is the last resort of framing, and the text warns that a finished and a cut \
            message cannot be told apart.",
        tolerated: "It is lawful. The note says that completeness is unproven and that the connection ends \
            here; a second one at the close says that nothing came. Denying it suits an upstream that should \
            always give a length.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
];
