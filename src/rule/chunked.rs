//! Rules of section F.
#![forbid(unsafe_code)]

use super::{Class, Detection, Example, Level, Relax, Row, Rule};
use crate::exchange::{Close, Exchange};
use crate::proxy_status::ProxyError;

pub(super) const ROWS: [Row; 12] = [
    Row {
        rule: Rule::MissingChunkSize,
        id: "missing-chunk-size",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk line has no size",
        about: "A line that should begin with a hexadecimal chunk size is empty or begins with its \
            extension: `\\r\\n` or `;ext\\r\\n` where `5\\r\\n` was due.",
        why: "A parser that reads no digits as zero takes the line for the last chunk: the body ends early \
            and what follows is read as the next reply.",
        clause_says: "A chunk size is one or more hexadecimal digits; there is no form with none, and zero \
            is written out as 0.",
        tolerated: "It cannot be tolerated: without a size nobody can say where the chunk, and with it the \
            message, ends.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::InvalidChunkSize,
        id: "invalid-chunk-size",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk size holds an octet that is not a hexadecimal digit",
        about: "The chunk size is written in a form that only some number parsers read: `0x5\\r\\n`, \
            `+5\\r\\n`, `-1\\r\\n`, `5_0\\r\\n`, or with a blank before the digits.",
        why: "Two parsers that read different numbers cut the body in different places, which is how replies \
            get split: CVE-2023-47627 (aiohttp) and CVE-2023-38697 (protocol-http1) were of this kind.",
        clause_says: "The size is hexadecimal digits and nothing else: no sign, no prefix, no separator and \
            no blank in front.",
        tolerated: "It cannot be tolerated: any guess at the number may differ from what the next hop \
            guesses.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ChunkSizeTrailingWhitespace,
        id: "chunk-size-trailing-whitespace",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk size is followed by a blank",
        about: "A space or tab stands between the chunk size and the end of its line or its extension: `5 \
            \\r\\n` or `5\\t;a\\r\\n`. Some servers pad every size to a fixed width.",
        why: "The size itself is clear, so refusing it mostly costs whole downloads. A recipient that takes \
            the blank for part of something else may still disagree with one that skips it.",
        clause_says: "The grammar has no blank between a size and the line end. Before an extension's \
            semicolon it has one only as bad whitespace, which a sender must not write and a recipient has \
            to remove.",
        tolerated: "The blank is skipped; the body is forwarded in chunks of the gateway's own making, so it \
            goes no further.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ChunkSizeOverflow,
        id: "chunk-size-overflow",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk size is larger than 2^63-1",
        about: "The digits of a chunk size name more octets than a signed 64-bit count can hold: \
            `FFFFFFFFFFFFFFFF\\r\\n`.",
        why: "A counter that wraps turns a huge chunk into a small or negative one: CVE-2021-32714 in hyper \
            let bodies be cut short, CVE-2013-2028 in nginx overran the stack.",
        clause_says: "A recipient MUST expect very large numbers in this place and must not let them \
            overflow its integers.",
        tolerated: "It cannot be tolerated: no body is that long, and the number does not fit the counter.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\
                \r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ChunkLineTooLong,
        id: "chunk-line-too-long",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk line is longer than the limit",
        about: "The line with a chunk size runs past its limit before it ends, for example in leading zeros \
            (`00000...0005\\r\\n`) or in an extension.",
        why: "Without a limit an upstream can hold a parser in one line for ever and never deliver an octet \
            of content.",
        clause_says: "It asks recipients to bound the total length of chunk extensions; the field size \
            limits of RFC 9110 5.4 follow the same thought. The figure is left to the recipient.",
        tolerated: "It is always refused past the limit, 4 KiB unless set. For an upstream that needs long \
            extensions raise it: `--limit chunk_line=N`, in code `Limits::chunk_line`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000005\r\nhello\r\n\
                0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ExcessChunkOverhead,
        id: "excess-chunk-overhead",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Limit,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the chunk framing outweighs the content it carries",
        about: "Chunk lines and their terminators add up to far more octets than the content between them: \
            chunk after chunk like `1;pad=xxxxxxxx...\\r\\na\\r\\n`.",
        why: "The gateway reads and throws away many octets for each one that it counts, past any limit on \
            content: CVE-2023-39326 (Go), CVE-2024-22019 (Node.js) and CVE-2024-21647 (Puma).",
        clause_says: "It asks for a limit on the total length of chunk extensions. Measuring all overhead \
            against the content is common practice, not the letter of the clause.",
        tolerated: "It is always refused past the limit: 16 KiB and ten times the content, unless set. For an \
            upstream that writes very small chunks with extensions raise them: `--limit chunk_overhead=N` and \
            `--limit chunk_overhead_ratio=N`, in code `Limits::chunk_overhead` and \
            `Limits::chunk_overhead_ratio`.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000001\r\na\r\n\
                0000000000000001\r\nb\r\n0000000000000001\r\nc\r\n0000000000000001\r\nd\r\n\
                0000000000000001\r\ne\r\n0000000000000001\r\nf\r\n0000000000000001\r\ng\r\n\
                0000000000000001\r\nh\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ChunkLineTerminator,
        id: "chunk-line-terminator",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk line does not end in CRLF",
        about: "After the chunk size comes a lone LF, or a CR with no LF behind it: `5\\nhello` or `5\\rX`.",
        why: "Where one parser ends the line at the LF and the next reads on to a CRLF, the two see \
            different chunks; CVE-2025-22871 in Go came from taking a bare LF here.",
        clause_says: "Chunk lines end in CRLF. The allowance to accept a single LF (RFC 9112 2.2) speaks of \
            the start line and of fields, not of chunks.",
        tolerated: "It cannot be tolerated: the place where the chunk data begins would depend on who reads \
            it.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::InvalidChunkExtension,
        id: "invalid-chunk-extension",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Repair,
        levels: [Level::Deny, Level::Note, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk extension does not follow the grammar",
        about: "What stands after the chunk size is not `;name` or `;name=value`: `5;\\r\\n` and \
            `5;=a\\r\\n` are slips, while a control character, a missing semicolon (`5 a\\r\\n`) or an open \
            quote (`5;a=\"b\\r\\n`) leave the line in doubt.",
        why: "Parsers differ in how far a broken extension reaches, above all inside quotes, and so in where \
            the line ends. CVE-2026-33870 (Netty) was about quoted extensions.",
        clause_says: "An extension is a semicolon and a token, with an optional equals sign and a token or \
            quoted string. Extensions that are well formed but unknown MUST be ignored; broken ones get no \
            such rule.",
        tolerated: "A slip is skipped up to the CRLF and never forwarded. Control characters, open quotes \
            and a missing semicolon are refused at every level.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::LineBreakInChunkExtension,
        id: "line-break-in-chunk-extension",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "a chunk extension holds a CR or LF that does not end its line",
        about: "A CR or LF stands inside an extension, bare or between quotes: `5;a\\nb\\r\\n` or \
            `5;a=\"\\r\\n\"\\r\\n`.",
        why: "One hop ends the line at the break, another skips to the CRLF: what one reads as chunk data, \
            the other reads as framing. This is the Funky Chunks attack; CVE-2025-58056 in Netty is one \
            case.",
        clause_says: "Neither a token nor a quoted string may hold CR or LF, so an extension has no lawful \
            way to contain a line break.",
        tolerated: "It cannot be tolerated: there are two readings of where the line ends, and the next hop \
            may take the other one.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::ChunkExtension,
        id: "chunk-extension",
        class: Class::Core,
        clause: "RFC 9112 7.1.1",
        detection: Detection::Byte,
        relax: Relax::Fact,
        levels: [Level::Note, Level::Note, Level::Note],
        proxy_error: None,
        title: "a chunk carries an extension",
        about: "A chunk size is followed by a well-formed extension: `5;sig=abc\\r\\n`. Few servers send \
            them, and hardly any recipient acts on them.",
        why: "Extensions that are passed on as they came carry differences in parsing to the next hop, and \
            an upstream that counts on theirs arriving will be let down.",
        clause_says: "Extensions belong to one connection; a recipient MUST ignore those that it does not \
            know, and a hop that re-frames the body loses them.",
        tolerated: "The content is forwarded without the extension. Set it to deny for an upstream that \
            never sends any.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;sig=abc\r\nhello\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::MissingChunkDataTerminator,
        id: "missing-chunk-data-terminator",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Byte,
        relax: Relax::Locked,
        levels: [Level::Deny, Level::Deny, Level::Deny],
        proxy_error: Some(ProxyError::HttpResponseTransferCoding),
        title: "the data of a chunk is not followed by CRLF",
        about: "After as many octets as the size said there is no CRLF: `5\\r\\nhelloworld\\r\\n` or \
            `5\\r\\nhello\\n`. Mostly the application counted characters where it should have counted \
            octets.",
        why: "A parser that skips two octets without looking at them reads the next size from the wrong \
            place: CVE-2025-43859 (h11) and CVE-2023-46846 (Squid).",
        clause_says: "Every chunk is its size line, then exactly that much data, then CRLF.",
        tolerated: "It cannot be tolerated: either the size or the data is wrong, and the framing is lost \
            from here on.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
            close: Some(Close::Eof),
        }),
    },
    Row {
        rule: Rule::MissingFinalCrlf,
        id: "missing-final-crlf",
        class: Class::Core,
        clause: "RFC 9112 7.1",
        detection: Detection::Close,
        relax: Relax::Closing,
        levels: [Level::Deny, Level::Deny, Level::Note],
        proxy_error: Some(ProxyError::HttpResponseIncomplete),
        title: "the connection ended before the empty line after the last chunk",
        about: "The last chunk arrived but not the empty line that closes the message: the bytes stop after \
            `0\\r\\n`, or even within it.",
        why: "All content may be there, but so might have been a trailer section with a checksum or a \
            grpc-status; nobody can tell that nothing was lost.",
        clause_says: "A chunked message ends in an empty line after the trailer section. RFC 9112 8 counts \
            the content as complete once the chunk of size zero has come.",
        tolerated: "Once `0\\r\\n` is whole and the header section announced no trailers, the content counts \
            as complete and the connection is closed. Otherwise it is refused at every level.",
        example: Some(Example {
            exchange: Exchange::GET,
            reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
            close: Some(Close::Eof),
        }),
    },
];
