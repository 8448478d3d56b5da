//! Rules of section C.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::Exchange;
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 19] = [
    Row {
        rule: Rule::BareLf,
        id: "bare-lf",
        class: Class::Core,
        clause: "RFC 9112 2.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a line of the head ends in LF without CR",
        about: "A status or field line ends with \\n alone instead of \\r\\n. Shell scripts and small \
            device servers write such heads, often mixed with proper line ends.",
        why: "A reader that splits only on CRLF sees two lines as one and misses a field that others obey. \
            Once the head is written anew, with CRLF, the doubt is gone.",
        clause_says: "A recipient MAY take a single LF for the end of a start line or a field line. The \
            grant does not reach into the chunked coding.",
        tolerated: "The LF ends the line, and the head is forwarded with CRLF.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nServer: tiny\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::BareCr,
        id: "bare-cr",
        class: Class::Core,
        clause: "RFC 9112 2.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a CR stands in the head without LF after it",
        about: "A \\r is followed by something other than \\n, as in `A: b\\rX: y\\r\\n` or `A: b\\r\\r\\n`.",
        why: "Some readers end the line at a CR, others delete it or keep it, so one of them sees a field \
            that the rest do not. llhttp had two such faults: CVE-2023-30589 and CVE-2025-23167.",
        clause_says: "A recipient MUST either hold the element to be invalid or put a space in place of \
            each such CR.",
        tolerated: "Each one in a field value becomes a space; it never ends the line. In the status line, \
            in a field name and in the fields that decide framing it is always refused; in a line that is \
            dropped anyway it is dropped with it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nX-Note: a\rb\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::NulInField,
        id: "nul-in-field",
        class: Class::Core,
        clause: "RFC 9110 5.5",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field value holds a NUL octet",
        about: "The octet \\x00 stands inside a value, as in `A: b\\x00c`. In a name it is reported as \
            invalid-field-name.",
        why: "Code that keeps strings the C way ends the value there, so two hops see different values. \
            Apache httpd cut or split replies on such octets (CVE-2022-37436, CVE-2023-27522).",
        clause_says: "CR, LF and NUL in a value are dangerous: a recipient MUST refuse the message or \
            replace each with a space.",
        tolerated: "Each NUL becomes a space. In Content-Length, Transfer-Encoding, Connection, Upgrade \
            and Trailer it is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nX-Note: a\x00b\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::ControlCharacterInFieldValue,
        id: "control-character-in-field-value",
        class: Class::Core,
        clause: "RFC 9110 5.5",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field value holds a control character",
        about: "A control character other than tab, CR, LF and NUL stands in a value: `Set-Cookie: \
            id=a\\x01b`, an escape \\x1b, a DEL \\x7f.",
        why: "It garbles logs, and VT and FF are trimmed as blanks by careless code. Yet some firewalls \
            and old applications do send them, and gateways that began to refuse them broke such sites.",
        clause_says: "These characters are invalid in a value, though a recipient MAY keep them where that \
            is safe, for example in a value it only passes on.",
        tolerated: "One space is forwarded in its place. In Content-Length, Transfer-Encoding, Connection, \
            Upgrade and Trailer it is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nSet-Cookie: id=a\x01b\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::ObsFold,
        id: "obs-fold",
        class: Class::Core,
        clause: "RFC 9112 5.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field value is continued on a second line",
        about: "A line that begins with a space or tab continues the value before it: `A: b\\r\\n \
            c\\r\\n`. This folding comes from mail and has long been withdrawn.",
        why: "A hop that does not know it reads the second line as a field of its own or drops it. Folded \
            framing fields have been used to smuggle (CVE-2022-32215, CVE-2024-27982).",
        clause_says: "A gateway MUST refuse such a reply with a 502, one that names the fold if it can, or \
            put one or more spaces in place of each fold.",
        tolerated: "Each fold becomes one space. A fold in Content-Length, Transfer-Encoding, Connection, \
            Upgrade or Trailer is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nX-Note: one\r\n two\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::WhitespaceBeforeFirstField,
        id: "whitespace-before-first-field",
        class: Class::Core,
        clause: "RFC 9112 2.2",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the first field line begins with white space",
        about: "A space or tab comes right after the status line: `HTTP/1.1 200 OK\\r\\n A: b\\r\\n`. \
            There is no field yet which it could continue.",
        why: "One reader strips the blank and obeys the field, another takes it for part of the status \
            line, a third drops it. That is a place to hide a field.",
        clause_says: "A recipient MUST refuse the message or swallow each such line without acting on it. \
            To strip the blank and keep the field is neither.",
        tolerated: "The line is dropped, and so are the blank-led lines that follow it directly.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\n X-Note: one\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::WhitespaceBeforeColon,
        id: "whitespace-before-colon",
        class: Class::Core,
        clause: "RFC 9112 5.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "white space stands between a field name and its colon",
        about: "A space or tab separates name and colon, as in `Server : x`.",
        why: "`Transfer-Encoding : chunked` was obeyed by one hop and passed over by the next \
            (CVE-2019-16276 in Go, CVE-2023-40518 in LiteSpeed).",
        clause_says: "No blank is allowed there. A server refuses such a request, but a proxy MUST take \
            the blank out of a reply before it forwards it.",
        tolerated: "The blank is removed. In Content-Length, Transfer-Encoding, Connection, Upgrade and \
            Trailer it is always refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nServer : tiny\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::MissingColon,
        id: "missing-colon",
        class: Class::Core,
        clause: "RFC 9112 5",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field line has no colon",
        about: "A line of the head is a single word with no colon after it, as in `X-Cache\\r\\n`. Often a \
            line was broken in two, or the empty line before the body is missing.",
        why: "With the empty line missing, the body is read as header fields. Hops that keep such a line, \
            drop it or join it to the next one see different heads.",
        clause_says: "Every field line has a name, then a colon, then a value.",
        tolerated: "Set to note, the line is dropped. It is always refused where the word spells \
            Content-Length, Transfer-Encoding, Connection, Upgrade or Trailer.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nX-Cache\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::RepeatedStatusLine,
        id: "repeated-status-line",
        class: Class::Core,
        clause: "RFC 9112 2.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a second status line stands among the fields",
        about: "A line in the header section begins with `HTTP/`, or with HTTP, a blank and a digit: \
            `HTTP/1.1 200 OK\\r\\nHTTP/1.1 200 OK\\r\\n`. Old CGI and PHP setups behind IIS did this.",
        why: "It is a mark of response splitting: part of a reply was written by something that had no \
            business to. It can be read as a second reply.",
        clause_says: "A message has exactly one start line. Past it a line is a field, and a field name \
            holds no slash.",
        tolerated: "Set to note, the second line is dropped and the status of the first one stands.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::EmptyFieldName,
        id: "empty-field-name",
        class: Class::Core,
        clause: "RFC 9110 5.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field line begins with its colon",
        about: "There is nothing before the colon: `: x\\r\\n`.",
        why: "HAProxy took an empty name for the end of its header list and lost the fields behind it \
            (CVE-2023-25725).",
        clause_says: "A field name is a token, and a token has one character at least.",
        tolerated: "Set to note, the line is dropped and the head goes on after it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\n: tiny\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InvalidFieldName,
        id: "invalid-field-name",
        class: Class::Core,
        clause: "RFC 9110 5.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field name holds an octet that is not a token character",
        about: "A parenthesis, a blank between two words, a control character, a letter outside ASCII or \
            the like stands in a name: `X-User(id): 7`, `<b>x</b>: y`, `X Y: z`.",
        why: "A hop that trims or maps such octets can turn the name into that of a framing field. nginx \
            forwards printable ones as they are, so the next hop has to cope.",
        clause_says: "A field name is a token: letters, digits and fifteen marks such as - and _, nothing \
            else.",
        tolerated: "Set to note, the line is dropped. It is always refused where the letters of the name \
            spell Content-Length, Transfer-Encoding, Connection, Upgrade or Trailer.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nX-User(id): 7\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::FieldLineTooLong,
        id: "field-line-too-long",
        class: Class::Core,
        clause: "RFC 9110 5.4",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseHeaderSize),
        title: "a field line is longer than the limit",
        about: "One line of the head, name and value together, goes past the limit, 16 KiB unless set \
            otherwise. Usually it is a Set-Cookie or a security policy that grew.",
        why: "Without a limit one line takes as much memory as the server likes. And a limit on the whole \
            head alone does not tell which field is to blame.",
        clause_says: "A recipient needs no fixed size. A client MAY cut or drop a field that is too large \
            for it, provided neither framing nor meaning changes.",
        tolerated: "It cannot be tolerated, but the limit can be raised: `--limit field_line=N`, in code \
            `Limits::field_line`. The offset reported lies within the line at fault, so it tells which field \
            to look at.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nSet-Cookie: session=0123456789abcdef0123456789abcdef\r\n\
                    Content-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::HeaderSectionTooLarge,
        id: "header-section-too-large",
        class: Class::Core,
        clause: "RFC 9110 5.4",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseHeaderSectionSize),
        title: "the head is larger than the limit or has too many fields",
        about: "The bytes from the start of the message to the empty line pass the limit, or the field \
            lines pass their number: 64 KiB and 100 lines unless set otherwise. It is the fault behind the \
            familiar `too big header` of nginx.",
        why: "A head is held in memory as a whole. curl collected header fields without end \
            (CVE-2023-38039), and so did Node (CVE-2018-12121).",
        clause_says: "No size is given; a recipient sets one for itself and answers for what it refuses.",
        tolerated: "It cannot be tolerated, but the limits can be raised: `--limit header_section=N` for bytes \
            and `--limit fields=N` for lines, in code `Limits::header_section` and `Limits::fields`. Growing \
            cookies are the usual reason.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\
                    Set-Cookie: a=0123456789abcdef0123456789\r\n\
                    Set-Cookie: b=0123456789abcdef0123456789\r\n\
                    Set-Cookie: c=0123456789abcdef0123456789\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::RepeatedSingletonField,
        id: "repeated-singleton-field",
        class: Class::Core,
        clause: "RFC 9110 5.3",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field that may come only once comes again",
        about: "Two lines carry the same one of Location, Content-Type, ETag, Date, Age, Retry-After, \
            Content-Range, Last-Modified or Expires: `Location: /a\\r\\nLocation: /b\\r\\n`.",
        why: "Browsers, caches and filters pick different ones, so what was checked is not what is used: \
            an open redirect, or a page sniffed as HTML.",
        clause_says: "A sender MUST NOT repeat a field unless its value is defined as a list; Set-Cookie \
            is the one exception.",
        tolerated: "The first line is kept and the later ones are dropped. They are never joined with a \
            comma.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InvalidConnectionOption,
        id: "invalid-connection-option",
        class: Class::Core,
        clause: "RFC 9110 7.6.1",
        detection: Detection::Section,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the Connection field holds something that is not a token",
        about: "A member of the Connection list has parameters, quotes or other marks: `Connection: \
            close;q=1`, `Connection: \"close\"`.",
        why: "Whether the server meant to close is then anybody's guess. A request sent into a connection \
            that is closing is lost, and may not be repeatable.",
        clause_says: "Connection is a list of options, and each option is a single token.",
        tolerated: "The bad member is ignored, the others are obeyed, and the connection is not used again.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nConnection: close;q=1\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::ConnectionNominatesEndToEndField,
        id: "connection-nominates-end-to-end-field",
        class: Class::Core,
        clause: "RFC 9110 7.6.1",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the Connection field names a field meant for all recipients",
        about: "Connection lists a field that is not for this hop alone, as in `Connection: Set-Cookie` or \
            `Connection: Content-Length`, which asks the gateway to remove it.",
        why: "A gateway that does as told lets a sender remove fields that others rely on. Apache httpd \
            (CVE-2022-31813) and Varnish (CVE-2022-45059) were misled by that.",
        clause_says: "A sender MUST NOT list a field in Connection that concerns more than the next hop, \
            such as one for the final client or for caches.",
        tolerated: "The framing is judged first, and the named field is kept in spite of the option.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nConnection: Set-Cookie\r\nSet-Cookie: a=b\r\n\
                    Content-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::HopByHopFieldWithoutConnectionOption,
        id: "hop-by-hop-field-without-connection-option",
        class: Class::Core,
        clause: "RFC 9110 7.6.1",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a field meant for one hop is not named in Connection",
        about: "Keep-Alive, Proxy-Connection, TE or Upgrade stands in the reply, and no Connection field \
            lists it: `Proxy-Connection: keep-alive` on its own.",
        why: "Passed on, it speaks of the upstream connection to a client on another one, which may wait \
            on a connection that is closed.",
        clause_says: "Such a field ought to be ignored without its connection option. An intermediary \
            SHOULD remove these known ones whether they are listed or not.",
        tolerated: "The field is stripped and has no effect.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::MissingDate,
        id: "missing-date",
        class: Class::Advisory,
        clause: "RFC 9110 6.6.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the reply has no valid Date field",
        about: "There is no Date in the head, or one that is not a date, such as `Date: 0`.",
        why: "Caches reckon age and freshness from Date. Without it a stored reply looks younger or older \
            than it is.",
        clause_says: "A recipient with a clock MUST note when a reply without Date arrived, and add that \
            as Date if it stores or forwards the reply.",
        tolerated: "It is only noted: the gateway adds a Date of its own. It tells that the upstream has \
            no clock or writes its heads by hand.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::FramingFieldLookalike,
        id: "framing-field-lookalike",
        class: Class::Advisory,
        clause: "RFC 9110 5.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a field name resembles Content-Length or Transfer-Encoding",
        about: "The name is a valid token for some other field but reads like one of framing: \
            `Transfer_Encoding: chunked`, `Content_Length: 5`, `Cteonnt-Length: 5`.",
        why: "CGI and its kin write hyphens as underscores and all letters alike, so that the next hop may \
            obey it. Some load balancers scramble a name to disable the field.",
        clause_says: "Names are compared letter by letter, case aside, so this is another field. Fields \
            one does not know are forwarded.",
        tolerated: "It is only noted and has no part in framing. Strip it where something behind the \
            gateway rewrites names.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Transfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
];
