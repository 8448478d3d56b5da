//! Rules of section A.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::Exchange;
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 13] = [
    Row {
        rule: Rule::EmptyLineBeforeStatusLine,
        id: "empty-line-before-status-line",
        class: Class::Core,
        clause: "RFC 9112 2.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "an empty line stands before the status line",
        about: "The reply begins with a line end, \\r\\n or a lone \\n, instead of `HTTP/`. It is mostly \
            the tail of an earlier reply whose script wrote one line end more than it announced.",
        why: "Skipping such lines without a bound lets a server hold the parser for ever. It also hides \
            that the previous reply on the connection was longer than it said.",
        clause_says: "A server is told to skip at least one empty line in front of a request. Nothing of \
            the kind is said to a client waiting for a status line.",
        tolerated: "Up to two empty lines are dropped and the status line is looked for after them; they \
            count in offsets. A third is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::NotHttp,
        id: "not-http",
        class: Class::Core,
        clause: "RFC 9112 2.3",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the reply does not begin with HTTP/",
        about: "The first bytes are another protocol or plain text: an SSH banner (`SSH-2.0-`), a TLS \
            record (\\x15\\x03), HTTP/2 frames, a page without a head (`<html>`), `-ERR` from a database. \
            Most often the gateway is wired to the wrong port.",
        why: "Taken as an HTTP/0.9 reply, the bytes of any TCP service would be shown to the client under \
            a 200 that nobody sent. Plain text sent to a TLS port and HTTP/1 sent to an HTTP/2 port look \
            like this.",
        clause_says: "A status line starts with the four capital letters of the protocol name and a slash. \
            HTTP/0.9, which had neither, is only history in today's texts.",
        tolerated: "It cannot be tolerated: without a status line there is neither a status nor a length. \
            Look at the port and at the protocol set for this upstream.",
        example: Some(Example { exchange: Exchange::GET, reply: b"SSH-2.0-OpenSSH_9.6\r\n", close: None }),
    },
    Row {
        rule: Rule::MalformedHttpVersion,
        id: "malformed-http-version",
        class: Class::Core,
        clause: "RFC 9112 2.3",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the HTTP version is not of the form HTTP/1.1",
        about: "The status line names HTTP, but the version is not one digit, a dot and one digit: \
            `http/1.1 200 OK`, `HTTP/1 200 OK`, `HTTP/1.10 200 OK`.",
        why: "Whether the reply is 1.0 or 1.1 decides if it may be chunked and if the connection persists. \
            Two readers that guess differently disagree on where the reply ends.",
        clause_says: "The version is the name in capitals, a slash, one digit, a dot and one digit: eight \
            octets, case included.",
        tolerated: "It cannot be tolerated: no clause says what another spelling would stand for.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::UnsupportedHttpMajorVersion,
        id: "unsupported-http-major-version",
        class: Class::Core,
        clause: "RFC 9110 2.5",
        detection: Detection::Token,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status line names a major version other than 1",
        about: "The line is well formed up to the major digit, which is not 1: `HTTP/2.0 200 OK`, \
            `HTTP/0.9 200 OK`. HTTP/2 and HTTP/3 have no such line, so something on the path makes it up.",
        why: "The major version says which rules of framing and persistence hold. A parser that shrugs and \
            reads on keeps the connection under rules nobody knows.",
        clause_says: "The major digit stands for the message syntax itself; another digit means another \
            syntax. Only an unknown minor digit is to be read as the highest one known.",
        tolerated: "It cannot be tolerated: the syntax that goes with another major version is not the one \
            read here.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::HttpMinorVersionHigher,
        id: "http-minor-version-higher",
        class: Class::Core,
        clause: "RFC 9110 6.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status line names a minor version above 1",
        about: "The version is 1.2 up to 1.9, as in `HTTP/1.2 200 OK`. No such version was ever published.",
        why: "Refusing it is an error page for nothing, as the syntax is that of 1.1. What it does tell is \
            that the server writes its status line by hand.",
        clause_says: "A recipient SHOULD read it as the highest minor version of that major version it \
            knows, which is 1.1.",
        tolerated: "The reply is read as HTTP/1.1. A gateway writes its own version in front of what it \
            forwards anyway.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::StatusLineExtraWhitespace,
        id: "status-line-extra-whitespace",
        class: Class::Core,
        clause: "RFC 9112 4",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status line holds white space other than single spaces",
        about: "A tab or a second space stands where one space is due, as in `HTTP/1.1  200 OK`; or there \
            is a vertical tab or form feed there; or the line begins with a blank.",
        why: "Readers that split on words and readers that count columns find the code in different \
            places. Passed on as it came, such a line helps to split a response.",
        clause_says: "One space stands between the parts. A recipient MAY split on white space instead, \
            and is warned in the same breath that this has led to response splitting.",
        tolerated: "Surplus spaces and tabs count as one space, and the line is written anew. A vertical \
            tab, a form feed or a blank in front of the line is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::MalformedStatusCode,
        id: "malformed-status-code",
        class: Class::Core,
        clause: "RFC 9112 4",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status code is not three digits",
        about: "Where exactly three digits are due there are fewer, more, or other characters: `HTTP/1.1 \
            20 OK`, `HTTP/1.1 2000 OK`, `HTTP/1.1 OK`. Some versions of IIS write substatus codes such as \
            `403.1`.",
        why: "The code decides whether there is a body at all: 1xx, 204 and 304 have none. Whoever \
            misreads the code gets the framing wrong too.",
        clause_says: "The code is three digits, with a space on either side.",
        tolerated: "It cannot be tolerated: any guess at the code is a guess at the length of the body too.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 403.1 Forbidden\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::StatusCodeBelow100,
        id: "status-code-below-100",
        class: Class::Core,
        clause: "RFC 9110 15",
        detection: Detection::Token,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status code is below 100",
        about: "The code has its three digits but begins with 0: `HTTP/1.1 000 Unknown`. Scripts that send \
            a variable they never set produce it.",
        why: "Code that asks only whether the status is below 200 takes it for an interim reply and waits \
            for a final one that never comes, or takes the next one on the connection.",
        clause_says: "Codes outside 100 to 599 are invalid, and a client SHOULD treat one as if it were a \
            5xx.",
        tolerated: "It cannot be tolerated: nothing says whether it is interim or final. The gateway's own \
            502 is the 5xx the clause asks for.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 000 Unknown\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::StatusCodeAbove599,
        id: "status-code-above-599",
        class: Class::Core,
        clause: "RFC 9110 15",
        detection: Detection::Token,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the status code is above 599",
        about: "The code is 600 to 999. The best known one is `HTTP/1.1 999 Request denied`, with which \
            some sites turn robots away.",
        why: "Code further down that maps a status to one of five classes fails on it, and HAProxy's \
            HTTP/3 side once crashed on such a code.",
        clause_says: "Codes outside 100 to 599 are invalid, and a client SHOULD treat one as if it were a \
            5xx. A 502 from the gateway does just that.",
        tolerated: "The code is kept and the reply is framed like any final one; treat it as a 5xx. It \
            should go no further than HTTP/1.1: a client on HTTP/2 or HTTP/3 is better served with a 502.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::MissingSpaceAfterStatusCode,
        id: "missing-space-after-status-code",
        class: Class::Core,
        clause: "RFC 9112 4",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "no space follows the status code",
        about: "The line ends right after the third digit: `HTTP/1.1 200\\r\\n`. The reason phrase may be \
            empty, but the space in front of it is due all the same.",
        why: "Hardly anything goes wrong, as every large gateway accepts it; refusing it costs an \
            avoidable 502. A parser that steps over the space unseen would swallow the line end.",
        clause_says: "A server MUST send that space even where no reason phrase comes after it.",
        tolerated: "The reason phrase is empty, and the space is written when the line is forwarded.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InvalidReasonPhrase,
        id: "invalid-reason-phrase",
        class: Class::Core,
        clause: "RFC 9112 4",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the reason phrase holds a control character",
        about: "A control character other than a tab stands in the text after the code, such as \\x00 or \
            the escape in \\x1b[31mOK. A lone CR is reported as bare-cr instead.",
        why: "The phrase is shown in logs and terminals, which act on escapes. A crafted phrase could stop \
            Varnish (CVE-2022-38150).",
        clause_says: "A phrase is made of tabs, spaces, visible characters and octets above 0x7f. A client \
            SHOULD pay no heed to what it says.",
        tolerated: "The phrase is dropped, and the line is forwarded with a standard or an empty one. NUL \
            is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 \x1b[31mOK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::StatusLineTooLong,
        id: "status-line-too-long",
        class: Class::Core,
        clause: "RFC 9110 2.3",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseHeaderSectionSize),
        title: "the status line is longer than the limit",
        about: "The line goes on past the limit, 8 KiB unless set otherwise. Nearly always it is an error \
            text put into the reason phrase.",
        why: "A reader that waits for the line end holds as much memory as the server cares to send, on \
            each connection.",
        clause_says: "Recipients SHOULD expect elements that do not fit a reasonable buffer. The text sets \
            no figure for this line.",
        tolerated: "It cannot be tolerated, but the limit can be raised: `--limit status_line=N`, in code \
            `Limits::status_line`. Better is to move the text from the phrase to the content.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 500 Cannot open /srv/app/config.yml\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::UnregisteredStatusCode,
        id: "unregistered-status-code",
        class: Class::Advisory,
        clause: "RFC 9110 15.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the status code is not in the IANA registry",
        about: "The code is well formed but unregistered, reserved or deprecated: 520 to 527 and 530 come \
            from a CDN that could not reach its origin, 561 from a load balancer's login, 598 and 599 from \
            a proxy that timed out, 419 and 499 from frameworks and servers.",
        why: "Read as the application's own word, it sends people looking in the wrong place: most such \
            5xx codes stem from some other gateway in between.",
        clause_says: "Codes ought to be registered. A recipient treats one it does not know like the x00 \
            code of its class, and a proxy forwards it.",
        tolerated: "It is only noted and forwarded as it is. The note tells which machine to ask first.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 520 Unknown Error\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Content-Length: 0\r\n\r\n",
            close: None,
        }),
    },
];
