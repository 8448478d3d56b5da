//! Rules of section I.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Asked, Close, Exchange};

pub(super) const ROWS: [Row; 14] = [
    Row {
        rule: Rule::PartialWithoutContentRange,
        id: "partial-without-content-range",
        class: Class::Advisory,
        clause: "RFC 9110 15.3.7",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 206 does not say which part of the content it holds",
        about: "A 206 Partial Content has neither Content-Range nor `Content-Type: multipart/byteranges`, or \
            it has both.",
        why: "A client or cache that joins parts has to guess where this one goes, and may build a corrupt \
            file out of good pieces.",
        clause_says: "A 206 with one part MUST carry Content-Range. One with several parts is \
            multipart/byteranges and MUST NOT carry it in the header section.",
        tolerated: "Nothing changes for the reply. The note points at an application or cache that sends 206 \
            without range support behind it.",
        example: Some(Example {
            exchange: Exchange::GET.range(Asked::Yes),
            reply: b"HTTP/1.1 206 Partial Content\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UnsolicitedPartialContent,
        id: "unsolicited-partial-content",
        class: Class::Advisory,
        clause: "RFC 9110 15.3.7",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 206 answers a request that asked for no range",
        about: "The reply is `206 Partial Content` though the request had no Range field.",
        why: "A client that asked for the whole takes the fragment for all of it, and a cache may serve it \
            to everybody.",
        clause_says: "206 says that a range request is being fulfilled; without Range there is none to \
            fulfil.",
        tolerated: "Nothing changes for the reply. Take the note seriously where responses are cached, or \
            where a filter removes Range on the way to the upstream.",
        example: Some(Example {
            exchange: Exchange::GET.range(Asked::No),
            reply: b"HTTP/1.1 206 Partial Content\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Type: text/plain\r\nContent-Range: bytes 0-4/10\r\nContent-Length: 5\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::InvalidContentRange,
        id: "invalid-content-range",
        class: Class::Advisory,
        clause: "RFC 9110 14.4",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a Content-Range is invalid or out of place",
        about: "The range runs backwards (`bytes 9-5/10`), ends past the complete length (`bytes 0-9/5`), \
            disagrees with Content-Length, stands on a status it means nothing for, or a 416 has none.",
        why: "Resumed downloads and caches that slice content trust these numbers and end up with corrupt \
            files.",
        clause_says: "A value is invalid when its last position lies before its first, or at or past the \
            complete length, and must not be used to recombine content. The field has a meaning on 206 and \
            416 only.",
        tolerated: "Nothing changes for the reply. The note points at range code in the application or a \
            cache that counts wrongly.",
        example: Some(Example {
            exchange: Exchange::GET.range(Asked::Yes),
            reply: b"HTTP/1.1 206 Partial Content\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Type: text/plain\r\nContent-Range: bytes 9-5/10\r\nContent-Length: 5\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UnauthorizedWithoutChallenge,
        id: "unauthorized-without-challenge",
        class: Class::Advisory,
        clause: "RFC 9110 15.5.2",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 401 names no way to authenticate",
        about: "The reply is `401 Unauthorized` without a WWW-Authenticate field.",
        why: "A client learns that it has to authenticate but not how, so browsers show a bare error and \
            libraries give up.",
        clause_says: "WWW-Authenticate with one challenge or more is a MUST in every 401.",
        tolerated: "Nothing changes for the reply. Many APIs do this on purpose for clients that know their \
            scheme; then allow it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 401 Unauthorized\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ProxyAuthenticationFromUpstream,
        id: "proxy-authentication-from-upstream",
        class: Class::Advisory,
        clause: "RFC 9110 15.5.8",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "an upstream asks for proxy credentials",
        about: "The reply is `407 Proxy Authentication Required`, though to a gateway the upstream is no \
            proxy of the client's choosing.",
        why: "Passed on, it makes a browser ask its user for proxy credentials on the word of an origin, and \
            send them there.",
        clause_says: "407 and its Proxy-Authenticate challenge are for a proxy to send to the client that \
            chose to use it.",
        tolerated: "Nothing changes for the reply. Consider answering 502 in its place, and check whether a \
            forward proxy stands between the gateway and its upstream.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 407 Proxy Authentication Required\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::MethodNotAllowedWithoutAllow,
        id: "method-not-allowed-without-allow",
        class: Class::Advisory,
        clause: "RFC 9110 15.5.6",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 405 does not list the methods that are allowed",
        about: "The reply is `405 Method Not Allowed` without an Allow field, or with one that lists the \
            very method it refuses.",
        why: "A client cannot tell what to use in its place, and tools that probe for methods go wrong.",
        clause_says: "An origin that refuses a method this way MUST say in Allow which ones the resource \
            takes; an empty list means none.",
        tolerated: "Nothing changes for the reply. The note is for whoever maintains the application or its \
            routing table.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 405 Method Not Allowed\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UpgradeRequiredWithoutUpgrade,
        id: "upgrade-required-without-upgrade",
        class: Class::Advisory,
        clause: "RFC 9110 15.5.22",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 426 does not name the protocol to upgrade to",
        about: "The reply is `426 Upgrade Required` without an Upgrade field.",
        why: "The client cannot know what is asked of it. Often the application did send the field and a hop \
            on the way stripped it as hop-by-hop.",
        clause_says: "Every 426 MUST carry Upgrade, which lists what the server would speak instead.",
        tolerated: "Nothing changes for the reply. Look for a hop that strips Upgrade before blaming the \
            application.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 426 Upgrade Required\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Content-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::RedirectWithoutLocation,
        id: "redirect-without-location",
        class: Class::Advisory,
        clause: "RFC 9110 15.4",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a redirect has no usable Location",
        about: "A 301, 302, 303, 307 or 308 has no Location field, or one that is no URI reference: with \
            blanks, control characters, or two URIs joined by a comma.",
        why: "Browsers show an empty page. A Location of odd shape may also be what is left of an attempt to \
            split the response.",
        clause_says: "A server should send Location with these codes, and its value is a single URI \
            reference.",
        tolerated: "Nothing changes for the reply. The note is for whoever maintains the application or the \
            gateway's own rewriting of Location.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 302 Found\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::NotModifiedToUnconditionalRequest,
        id: "not-modified-to-unconditional-request",
        class: Class::Advisory,
        clause: "RFC 9110 15.4.5",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 304 answers a request that set no condition",
        about: "The reply is `304 Not Modified`, or a 412, though the request had no If-None-Match, \
            If-Modified-Since or other precondition.",
        why: "A client without a stored copy gets an empty page. A caching gateway that added the condition \
            itself must not pass such a reply on.",
        clause_says: "304 answers a conditional GET or HEAD whose condition turned out false; without a \
            condition there is nothing it could mean.",
        tolerated: "Nothing changes for the reply. Look at caches on the way that add conditions of their \
            own, or at an application that matches on something else than the request's fields.",
        example: Some(Example {
            exchange: Exchange::GET.conditional(Asked::No),
            reply: b"HTTP/1.1 304 Not Modified\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nETag: \"v1\"\r\n\
                \r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ContentTypeProblem,
        id: "content-type-problem",
        class: Class::Advisory,
        clause: "RFC 9110 8.3",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the Content-Type is missing or malformed",
        about: "The reply has content but no Content-Type, or a value that does not parse: `text/html; \
            charset=\"`, or two values joined by a comma.",
        why: "Recipients then guess the type from the bytes, which can turn an upload into a script. \
            Careless parameter parsers do worse: nginx had a length underflow on an open charset quote.",
        clause_says: "A sender of content should say its media type, if it knows it. The value is one type \
            with parameters, not a list.",
        tolerated: "Nothing changes for the reply. The note is for whoever maintains the application; \
            sending X-Content-Type-Options: nosniff limits the harm meanwhile.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Length: 5\r\n\r\n\
                hello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UnacceptableContentCoding,
        id: "unacceptable-content-coding",
        class: Class::Advisory,
        clause: "RFC 9110 8.4",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the Content-Encoding names something that is no content coding",
        about: "The field holds what is no content coding: `Content-Encoding: utf-8\\r\\n`, `none` or \
            `chunked`. A coding that the request did not accept does the same harm, but only the caller can \
            see that.",
        why: "The page cannot be decoded and is shown as noise or refused, and a filter on the way may \
            decode it twice or not at all.",
        clause_says: "Content-Encoding lists registered content codings in the order they were applied. A \
            server should choose among those that the request accepts.",
        tolerated: "Nothing changes for the reply. With a charset or a transfer coding in the field, the \
            application has set the wrong one.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n\
                Content-Encoding: utf-8\r\nContent-Length: 5\r\n\r\nhello",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::UpstreamGatewayError,
        id: "upstream-gateway-error",
        class: Class::Advisory,
        clause: "RFC 9110 15.6",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the upstream is itself a gateway and reports a failure behind it",
        about: "A 502 or 504, or a 503 with a Proxy-Status error, was received with the marks of another \
            gateway: `HTTP/1.1 502 Bad Gateway\\r\\nVia: 1.1 edge\\r\\n...`.",
        why: "It answers the first question of every incident, whose 502 it is: not this gateway's, and not \
            the next hop's either, but that of something beyond it.",
        clause_says: "502 and 504 are sent by a server that acts as a gateway, about the server it went to \
            in turn. Proxy-Status lists the hops, the one nearest the origin first.",
        tolerated: "Nothing changes for the reply. Keep the Proxy-Status members received, add the gateway's \
            own after them, and look at the hop that the first one names.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 502 Bad Gateway\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nVia: 1.1 edge\r\n\
                Content-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ProxyStatusFromOrigin,
        id: "proxy-status-from-origin",
        class: Class::Advisory,
        clause: "RFC 9209 2",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a Proxy-Status field came from a server that is no intermediary",
        about: "An origin sends `Proxy-Status: ...` of its own, or a member carries this gateway's own name.",
        why: "Such a member forges the diagnosis: an operator would look for a fault where none was, or \
            trust a gateway that never spoke.",
        clause_says: "The field is for intermediaries to add to. For an origin to send one is ruled out by a \
            MUST NOT.",
        tolerated: "Nothing changes for the reply. Members from intermediaries are worth keeping; drop one \
            that claims this gateway's own name.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 403 Forbidden\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                Proxy-Status: shop; error=http_request_denied\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::GatewayControlField,
        id: "gateway-control-field",
        class: Class::Advisory,
        clause: "RFC 9110 7.6.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the reply holds a field that gives orders to a gateway",
        about: "A field such as `X-Accel-Redirect: /private/report.pdf\\r\\n`, X-Sendfile, \
            Surrogate-Control, X-Envoy-... or the CGI field Status is meant for the gateway and not for the \
            client.",
        why: "A gateway that obeys lets the upstream choose files and routes of the gateway's own. One that \
            does not obey tells the client what should have stayed inside.",
        clause_says: "An intermediary MUST remove the fields that Connection names. Control fields like \
            these are not named there: they rest on private agreement and go on to the client unless \
            somebody strips them.",
        tolerated: "Nothing changes for the reply. Obey such fields from trusted upstreams only, and strip \
            them before forwarding.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\n\
                X-Accel-Redirect: /private/report.pdf\r\nContent-Length: 0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
];
