//! Rules of section B.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Asked, Exchange, Method, Written};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 10] = [
    Row {
        rule: Rule::InterimResponse,
        id: "interim-response",
        class: Class::Core,
        clause: "RFC 9110 15.2",
        detection: Detection::Token,
        relax: Relax::Fact,
        levels: [Level::Allow, Level::Allow, Level::Allow],
        proxy_error: None,
        title: "an interim reply came before the final one",
        about: "A 1xx reply other than 101, such as `HTTP/1.1 103 Early Hints`, is a head of its own; the \
            final reply begins after its empty line. There may be several.",
        why: "A gateway that takes a 1xx for the final reply leaves the real one on the connection, where \
            it answers the next request, perhaps another user's.",
        clause_says: "Any number of 1xx replies may come first, asked for or not. A proxy MUST forward \
            them unless it asked for them itself, but not to an HTTP/1.0 client.",
        tolerated: "Nothing is wrong with it: the event says that an interim reply passed. Denying it is \
            for an upstream that has no business sending any.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InterimResponseInHttp10,
        id: "interim-response-in-http-1.0",
        class: Class::Core,
        clause: "RFC 9110 15.2",
        detection: Detection::Token,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "an interim reply is marked HTTP/1.0",
        about: "A status line such as `HTTP/1.0 103 Early Hints` joins a 1xx code with a version that has \
            none.",
        why: "A server of that age may close after it, take it as its final word, or go on with a real \
            reply. Nothing in the bytes tells which.",
        clause_says: "HTTP/1.0 has no 1xx codes at all, and a server MUST NOT send one to an HTTP/1.0 \
            client.",
        tolerated: "It cannot be tolerated: what should come next is undecided, and a guess may pair the \
            following reply with the wrong request.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.0 103 Early Hints\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::InterimResponseWithContent,
        id: "interim-response-with-content",
        class: Class::Core,
        clause: "RFC 9110 15.2",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "something other than a status line follows an interim reply",
        about: "After the empty line of a 1xx head the next bytes must be `HTTP/`. Here other bytes come, \
            as in `HTTP/1.1 103 Early Hints\\r\\n\\r\\nabcHTTP/1.1 200 OK`.",
        why: "If some bytes there are skipped or counted as content, whoever writes them chooses what is \
            taken for the next status line.",
        clause_says: "A 1xx reply ends with its head and has neither content nor trailers, whatever its \
            fields announce.",
        tolerated: "It cannot be tolerated: with bytes in between, the start of the final reply is no \
            longer certain.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 103 Early Hints\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::TooManyInterimResponses,
        id: "too-many-interim-responses",
        class: Class::Core,
        clause: "RFC 9110 15.2",
        detection: Detection::Token,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseHeaderSectionSize),
        title: "more interim replies came than the limit allows",
        about: "One `HTTP/1.1 100 Continue\\r\\n\\r\\n` after another and no final reply. Both the number \
            of interim replies and their size together are limited, to 16 and 64 KiB unless set \
            otherwise.",
        why: "Each one restarts a careless read timer, so an upstream can hold a request for ever. \
            Python's client looped without end on them (CVE-2021-3737).",
        clause_says: "One or more may come, and no bound is given; setting one is left to the recipient.",
        tolerated: "It cannot be tolerated, but the limits can be raised: `--limit interim_messages=N` and \
            `--limit interim_bytes=N`, in code `Limits::interim_messages` and `Limits::interim_bytes`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                    HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::Unexpected100Continue,
        id: "unexpected-100-continue",
        class: Class::Advisory,
        clause: "RFC 9110 15.2.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a 100 Continue came that was not asked for",
        about: "The request carried no `Expect: 100-continue`, or was answered with one 100 already, and a \
            `HTTP/1.1 100 Continue` came none the less.",
        why: "A client that did not ask may be too old to know the code and take it for the final reply.",
        clause_says: "A client that sent no Expect can just throw the 100 away.",
        tolerated: "It is only noted. Forward a 100 only to a client that asked for it; the final reply is \
            not touched by that.",
        example: Some(Example {
            exchange: Exchange::GET.expect(Asked::No),
            reply: b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\
                    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::UnsolicitedSwitchingProtocols,
        id: "unsolicited-switching-protocols",
        class: Class::Core,
        clause: "RFC 9110 7.8",
        detection: Detection::Token,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a 101 came though no upgrade was offered",
        about: "`HTTP/1.1 101 Switching Protocols` answers a request that had no Upgrade field when it \
            went upstream.",
        why: "Obeyed, it joins client and upstream by a raw tunnel past every check of the gateway. Read \
            as an ordinary reply, it has no length anyone agrees on.",
        clause_says: "Only protocols that the client named in its Upgrade field may be switched to; a \
            server MUST NOT pick another.",
        tolerated: "It cannot be tolerated: after a 101 the bytes are no longer HTTP, and nobody agreed on \
            what they are.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::SwitchingProtocolsUpgradeMismatch,
        id: "switching-protocols-upgrade-mismatch",
        class: Class::Core,
        clause: "RFC 9110 7.8",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the 101 does not name a protocol that was offered, or lacks the upgrade option",
        about: "The 101 has no Upgrade field, or one that names another protocol than the request did \
            (`Upgrade: h2c` to an offer of websocket); or it has the right one but `Connection: upgrade` \
            is missing.",
        why: "The two ends would speak different protocols over the tunnel. A switch to h2c in particular \
            carries requests past the gateway unseen.",
        clause_says: "A 101 MUST say in Upgrade what is switched to, and that has to be one of the \
            protocols offered. Who sends Upgrade MUST also list it in Connection.",
        tolerated: "Only the missing connection option is forgiven, and it is added when the head is \
            forwarded. A protocol missing or not offered is always refused.",
        example: Some(Example {
            exchange: Exchange::GET.upgrade(b"websocket"),
            reply: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::SwitchingProtocolsBeforeRequestComplete,
        id: "switching-protocols-before-request-complete",
        class: Class::Core,
        clause: "RFC 9110 7.8",
        detection: Detection::Token,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the upstream switched protocols before the whole request was sent",
        about: "A 101, or a 2xx to CONNECT, arrives while part of the request is still to be written. In \
            the bytes it looks like any other 101.",
        why: "What is left of the request would be written into the tunnel, where the other side reads it \
            as the new protocol. Pingora's CVE-2026-2833 is the same slip the other way round.",
        clause_says: "A client cannot use the new protocol on the connection until its request is wholly \
            sent.",
        tolerated: "The parser cannot tolerate it, as it judges by what it was told. A caller may hold the \
            reply back until the request is written, and have it judged then.",
        example: Some(Example {
            exchange: Exchange::new(Method::Other).upgrade(b"websocket").written(Written::Part),
            reply: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::WebsocketAcceptInvalid,
        id: "websocket-accept-invalid",
        class: Class::Advisory,
        clause: "RFC 6455 4.1",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "the 101 to websocket lacks the right Sec-WebSocket-Accept",
        about: "The 101 switches to websocket, but its Sec-WebSocket-Accept is missing or is not the value \
            that answers the request's key.",
        why: "The 101 then comes from a cache or from a server that repeats what it was sent without \
            speaking the protocol, and the frames go to something that cannot read them.",
        clause_says: "A websocket client MUST fail the connection when the field is absent or its value is \
            not the expected one.",
        tolerated: "It is only noted, since a gateway that just tunnels may leave the check to the client, \
            which makes it anyway.",
        example: Some(Example {
            exchange: Exchange::GET.upgrade(b"websocket").websocket_accept(*b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            reply: b"HTTP/1.1 101 Switching Protocols\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Upgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBhbnN3ZXI=\r\n\r\n",
            close: None,
        }),
    },
    Row {
        rule: Rule::UpgradeRefused,
        id: "upgrade-refused",
        class: Class::Core,
        clause: "RFC 9110 7.8",
        detection: Detection::Section,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the upgrade that was offered was not taken up",
        about: "The request offered an upgrade, and the final reply is not a 101 but, say, `HTTP/1.1 200 \
            OK`. The connection stays HTTP/1.1 and the reply is framed as usual.",
        why: "A gateway that opens the tunnel on its own offer lets the client's next bytes through as raw \
            data, and so smuggles requests (CVE-2026-2833 in Pingora).",
        clause_says: "A server MAY pass over an Upgrade field. A client can offer a change of protocol \
            with it, but not insist on one.",
        tolerated: "Nothing is wrong with it: the note says that this is an HTTP reply like others and \
            that no tunnel may be opened.",
        example: Some(Example {
            exchange: Exchange::GET.upgrade(b"websocket"),
            reply: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            close: None,
        }),
    },
];
