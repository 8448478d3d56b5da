//! Rules of section G.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 7] = [
    Row {
        rule: Rule::TrailerSection,
        id: "trailer-section",
        class: Class::Core,
        clause: "RFC 9112 7.1.2",
        detection: Detection::Byte,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "fields follow the last chunk",
        about: "The body ends in a trailer section: `0\\r\\nX-Sum: 5d41\\r\\n\\r\\n`. That is lawful; gRPC \
            and checksums of streamed content depend on it.",
        why: "Trailers come after the header section was judged and forwarded. A gateway that merges them \
            lets the upstream change fields behind the back of every check made so far.",
        clause_says: "A recipient MAY keep or discard trailers, and MUST NOT merge one into the header \
            section unless the field's own definition says that this is safe.",
        tolerated: "The fields are handed over as trailers, apart from the header section. Set it to deny \
            for an upstream that should never send any.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n\
                0\r\nX-Sum: 5d41\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ForbiddenTrailerField,
        id: "forbidden-trailer-field",
        class: Class::Core,
        clause: "RFC 9110 6.5.1",
        detection: Detection::Section,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a trailer is a field that may only stand in the header section",
        about: "The trailer section holds a field that decides framing, routing, authentication, caching or \
            content format: `0\\r\\nContent-Length: 9\\r\\n\\r\\n`, or Set-Cookie.",
        why: "A consumer that merges trailers into the header section would then take a length, a cookie or \
            a cache rule that no earlier check has seen.",
        clause_says: "Fields that have to be known before the content, such as framing, routing, \
            authentication and content format, cannot be used in trailers, and a sender MUST NOT generate \
            them there.",
        tolerated: "The field is dropped. When it is one of the framing fields the connection is not used \
            again either.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\
                Content-Length: 9\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::MalformedTrailerField,
        id: "malformed-trailer-field",
        class: Class::Core,
        clause: "RFC 9112 7.1.2",
        detection: Detection::Byte,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpProtocolError),
        title: "a line in the trailer section is not a field line",
        about: "A trailer line breaks the field syntax: no colon (`0\\r\\nX-Sum\\r\\n\\r\\n`), an empty or \
            invalid name, a blank in front, a bare LF or a bare CR.",
        why: "In trailers the line breaks decide where the message ends. In CVE-2023-40175 Puma passed over \
            the two octets after the last chunk without looking, and the end of the message moved.",
        clause_says: "The trailer section is zero or more field lines, each ended by CRLF, and then an empty \
            line.",
        tolerated: "Where the end of the section stays certain, the line is dropped and the connection is \
            closed after the message. By default it is refused.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::TrailerSectionTooLarge,
        id: "trailer-section-too-large",
        class: Class::Core,
        clause: "RFC 9110 5.4",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTrailerSectionSize),
        title: "the trailer section is larger than the limit",
        about: "All trailer lines together run past the limit in octets, or there are more of them than the \
            limit in fields.",
        why: "An upstream could go on sending trailers for ever, after a response that seems to be over, and \
            fill the memory of whoever collects them.",
        clause_says: "The clause sets no sizes, and lets a client drop what is too large only where framing \
            and meaning stay the same. RFC 9209 2.3.22 names the error for a gateway to report.",
        tolerated: "It is always refused past the limits, 16 KiB and 64 lines unless set. They can be raised: \
            `--limit trailer_section=N` and `--limit trailer_fields=N`, in code `Limits::trailer_section` and \
            `Limits::trailer_fields`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Old\r\n\r\n5\r\n\
                hello\r\n0\r\nX-Sum: 5d41402abc4b2a76b9719d91\r\nX-Old: 7d793037a0760186574b0282\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::TrailerFieldTooLarge,
        id: "trailer-field-too-large",
        class: Class::Core,
        clause: "RFC 9110 5.4",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTrailerSize),
        title: "a trailer field line is longer than the limit",
        about: "One line of the trailer section runs past the limit on a field line: `X-Sum: aaaa...` of \
            many kilobytes.",
        why: "One overlong field costs memory, and the error should name the field rather than the whole \
            section.",
        clause_says: "The clause sets no sizes, and lets a client drop a line that is too large only where \
            framing and meaning stay the same. RFC 9209 2.3.23 names the error for a gateway to report.",
        tolerated: "It is always refused past the limit, 16 KiB unless set, which holds for header and \
            trailer fields alike. It can be raised: `--limit field_line=N`, in code `Limits::field_line`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n\
                0\r\nX-Sum: aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::TrailerDeclarationMismatch,
        id: "trailer-declaration-mismatch",
        class: Class::Advisory,
        clause: "RFC 9110 6.6.2",
        detection: Detection::Section,
        relax: Relax::Advisory,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "the trailers are not those that the Trailer field announced",
        about: "The Trailer field lists one set of names and the trailer section holds another: `Trailer: \
            X-Sum`, then `0\\r\\nX-Check: 1\\r\\n\\r\\n`. Or a reply that is not chunked announces trailers \
            at all.",
        why: "A consumer that waits for an announced checksum notices late or never that it is missing; one \
            that prepares only for announced fields loses the others.",
        clause_says: "A sender of trailers SHOULD announce their names in a Trailer field in the header \
            section.",
        tolerated: "Nothing changes for the reply. The note helps to find the hop that drops, renames or \
            forgets to announce trailers.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nDate: Tue, 21 Jul 2026 10:00:00 GMT\r\nContent-Type: text/plain\r\n\
                Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Check: 5d41\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::IncompleteTrailerSection,
        id: "incomplete-trailer-section",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Close,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended within the trailer section",
        about: "The last chunk and part of a trailer field arrived, but not the empty line: `0\\r\\nX-Sum: \
            1` and then the end of the connection.",
        why: "Trailers often carry what vouches for the content, a checksum or a grpc-status. A cut one may \
            look whole: `X-Sum: 1` of `X-Sum: 1234`.",
        clause_says: "A chunked message ends in an empty line after the trailer section. RFC 9112 8 counts \
            the content as complete once the chunk of size zero has come.",
        tolerated: "The content counts as complete, the partial trailers are discarded and the connection is \
            closed.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1",
            close: Some(Close::Eof),
        }),
    },
];
