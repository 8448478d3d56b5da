//! What a violation points at, to the byte, and what it says of it: the corpus mostly tells where a blame begins.
#![cfg(feature = "alloc")]

use badgateway::{
    Close, Event, Exchange, Level, Limits, Method, Parser, Phase, Policy, ProxyError, Retry, Rule, Span,
    Verdict, Violation, Written, validate,
};

const HEAD: Exchange = Exchange::new(Method::Head);
const CONNECT: Exchange = Exchange::new(Method::Connect);
const WEBSOCKET: Exchange = Exchange::GET.upgrade(b"websocket");

/// A reply without the marks in it, and where they stood: `[` and `]` around the bytes to blame, `{` and `}` around
/// related ones.
fn unmarked(marked: &[u8]) -> (Vec<u8>, Span, Option<Span>) {
    let (mut reply, mut at) = (Vec::new(), [None; 4]);
    for &byte in marked {
        match b"[]{}".iter().position(|&mark| mark == byte) {
            Some(mark) => at[mark] = Some(reply.len() as u64),
            None => reply.push(byte),
        }
    }
    let span = |at: &[Option<u64>]| Some(Span { start: at[0]?, end: at[1]? });
    (reply, span(&at[..2]).expect("nothing to blame"), span(&at[2..]))
}

/// What the parser has to say of that rule, at that level: a refusal, or a note.
fn told(reply: &[u8], exchange: Exchange, rule: Rule, level: Level, close: Option<Close>) -> Violation {
    let mut parser = Parser::new(Policy::observe().set(rule, level));
    parser.begin(exchange);
    let mut input = reply;
    loop {
        match parser.next_event(&mut input) {
            Ok(Some(Event::Note(note))) if note.rule() == rule => return note,
            Ok(Some(Event::End(_))) => panic!("nothing is wrong: {}", reply.escape_ascii()),
            Ok(Some(_)) => {}
            Ok(None) => return parser.close(close.expect("more bytes are due")).unwrap_err(),
            Err(violation) => return violation,
        }
    }
}

fn refused(reply: &[u8], exchange: Exchange, rule: Rule, close: Option<Close>) -> Violation {
    told(reply, exchange, rule, Level::Deny, close)
}

/// A note points where a refusal does.
fn assert_blamed(exchange: Exchange, close: Option<Close>, cases: &[(&[u8], Rule, Option<&str>)]) {
    for (marked, rule, detail) in cases {
        let (reply, span, related) = unmarked(marked);
        let shown = marked.escape_ascii();
        for level in [Level::Deny, Level::Note] {
            let violation = told(&reply, exchange, *rule, level, close);
            assert_eq!(violation.rule(), *rule, "{shown}");
            assert_eq!((violation.span(), violation.related()), (span, related), "{rule}: {shown}");
            assert_eq!(violation.detail(), *detail, "{rule}: {shown}");
            let found = reply.get(span.start as usize).filter(|_| span.start < span.end);
            assert_eq!(violation.found(), found.copied(), "{rule}: {shown}");
        }
    }
}

#[test]
fn status_lines_are_blamed_where_they_go_wrong() {
    use Rule::*;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (b"[\r]\nHTTP/1.1 200 OK\r\n\r\n", EmptyLineBeforeStatusLine, None),
            (b"[\n]HTTP/1.1 200 OK\r\n\r\n", EmptyLineBeforeStatusLine, None),
            (b"[ ]HTTP/1.1 200 OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"HTTP/1.1[\t]200 OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"HTTP/1.1 [ ]200 OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"HTTP/1.1 [\x0b]200 OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"HTTP/1.1 [\x0c]200 OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"HTTP/1.1 200[\x0b]OK\r\n\r\n", StatusLineExtraWhitespace, None),
            (b"[h]ttp/1.1 200 OK\r\n\r\n", MalformedHttpVersion, None),
            (b"\r\nHT[t]P/1.1 200 OK\r\n\r\n", MalformedHttpVersion, None),
            (b"HTTP/1[,]1 200 OK\r\n\r\n", MalformedHttpVersion, None),
            (b"HTTP/[3].0 200 OK\r\n\r\n", UnsupportedHttpMajorVersion, None),
            (
                b"HTTP/[2] 200 \r\n\r\n",
                UnsupportedHttpMajorVersion,
                Some("as curl prints an HTTP/2 reply: capture with --http1.1"),
            ),
            (b"HTTP/1.[2] 200 OK\r\nContent-Length: 0\r\n\r\n", HttpMinorVersionHigher, None),
            (b"HTTP/1.1 20[x] OK\r\n\r\n", MalformedStatusCode, None),
            (b"HTTP/1.1[\r]\n\r\n", MalformedStatusCode, None),
            (b"HTTP/1.1 [099] OK\r\n\r\n", StatusCodeBelow100, None),
            (b"HTTP/1.1 [600] OK\r\nContent-Length: 0\r\n\r\n", StatusCodeAbove599, None),
            (
                b"HTTP/1.1 [999] \r\nContent-Length: 0\r\n\r\n",
                StatusCodeAbove599,
                Some("LinkedIn and others: request denied"),
            ),
            (b"HTTP/1.1 [101] S\r\n\r\n", UnsolicitedSwitchingProtocols, None),
            (b"\r\nHTTP/1.[0] 103 E\r\n\r\n", InterimResponseInHttp10, None),
            (b"[H]TTP/1.1 103 E\r\n\r\n", InterimResponse, None),
            (b"HTTP/1.1 204[\r]\n\r\n", MissingSpaceAfterStatusCode, None),
            (b"HTTP/1.1 204 a[\x01]b\r\n\r\n", InvalidReasonPhrase, None),
            (b"HTTP/1.1 204 a[\0]b\r\n\r\n", InvalidReasonPhrase, None),
            (b"HTTP/1.1 204 a[\r]b\r\n\r\n", BareCr, None),
            (b"HTTP/1.1 204 a[\n]\r\n", BareLf, None),
            (b"HTTP/1.1 103 E\r\n\r\n[x]", InterimResponseWithContent, None),
            (b"HTTP/1.1 103 E\r\n\r\n[h]ttp/1.1", InterimResponseWithContent, None),
        ],
    );
}

#[test]
fn a_first_byte_gives_away_what_it_is() {
    let table: [(&[u8], Option<&str>); 16] = [
        (b"\x14\x17", Some("TLS")),
        (b"\0", Some("HTTP/2 frames")),
        (b"S", Some("SSH")),
        (b"2", Some("SMTP or FTP")),
        (b"<", Some("markup")),
        (b"GP", Some("a request")),
        (b"\x1f", Some("gzip")),
        (b"\xef", Some("byte order mark")),
        (b"I", Some("Shoutcast")),
        (b"R", Some("RTSP")),
        (b"+-", Some("POP3")),
        (b"*", Some("IMAP")),
        (b"{[", Some("JSON")),
        (b"abxyz", None),
        (b"\x13\x18", None),
        (b"\x01\x7f", None),
    ];
    for (bytes, protocol) in table {
        for &byte in bytes {
            let violation = refused(&[byte], Exchange::GET, Rule::NotHttp, None);
            assert_eq!((violation.rule(), violation.span()), (Rule::NotHttp, Span { start: 0, end: 1 }));
            let told = violation.detail();
            assert!(told.is_none() == protocol.is_none(), "{byte:#x}: {told:?}");
            assert!(told.unwrap_or_default().contains(protocol.unwrap_or_default()), "{byte:#x}: {told:?}");
        }
    }
    // Past the first byte it could be anything.
    assert_eq!(refused(b"HTTS", Exchange::GET, Rule::NotHttp, None).detail(), None);
}

#[test]
fn a_reason_phrase_may_hold_tabs_and_octets_past_ascii() {
    let reply = b"HTTP/1.1 204 No\tc\xf6ntent\r\n\r\n";
    let report = validate(reply, Exchange::GET, &Policy::STRICT, None);
    assert_eq!(report.violation(), None);
    assert_eq!(report.verdict(), Verdict::Valid);
}

#[test]
fn codes_that_no_rfc_defines_are_told_by_whom() {
    let codes = [
        (218, "Apache"),
        (299, "application"),
        (419, "Laravel"),
        (420, "Twitter"),
        (430, "Shopify"),
        (440, "login"),
        (444, "without a reply"),
        (449, "retry"),
        (450, "parental"),
        (460, "idle time-out"),
        (463, "X-Forwarded-For"),
        (464, "versions"),
        (494, "too large"),
        (495, "certificate error"),
        (496, "certificate required"),
        (497, "plain HTTP"),
        (498, "token"),
        (499, "closed the request"),
        (509, "bandwidth"),
        (520, "unknown"),
        (521, "refused"),
        (522, "timed out"),
        (523, "unreachable"),
        (524, "did not answer"),
        (525, "handshake"),
        (526, "certificate is invalid"),
        (527, "Railgun"),
        (529, "overloaded"),
        (530, "frozen"),
        (540, "disabled"),
        (561, "unauthorized"),
        (598, "read timed out"),
        (599, "connect timed out"),
        (783, "unexpected token"),
        (999, "LinkedIn"),
    ];
    for code in 200..1000 {
        let reply = format!("HTTP/1.1 {code} \r\nContent-Length: 0\r\n\r\n");
        let rule = if code > 599 { Rule::StatusCodeAbove599 } else { Rule::UnregisteredStatusCode };
        let report = validate(reply.as_bytes(), Exchange::GET, &Policy::observe(), None);
        assert_eq!(report.has_note(Rule::StatusCodeAbove599), code > 599, "{code}");
        let detail = report.notes().iter().find(|note| note.rule() == rule).and_then(Violation::detail);
        match codes.iter().find(|(own, _)| *own == code) {
            Some((_, who)) => {
                assert!(detail.is_some_and(|detail| detail.contains(who)), "{code}: {detail:?}")
            }
            None => assert!(matches!(code, 305 | 306 | 418) || detail.is_none(), "{code}: {detail:?}"),
        }
    }
}

#[test]
fn field_lines_are_blamed_where_they_go_wrong() {
    use Rule::*;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (b"HTTP/1.1 204 \r\nServer[\r]\n\r\n", MissingColon, None),
            (b"HTTP/1.1 204 \r\nServer \t[\r]\n\r\n", MissingColon, None),
            (b"HTTP/1.1 204 \nServer[\n]\n", MissingColon, None),
            (b"HTTP/1.1 204 \nServer  [\n]\n", MissingColon, None),
            (b"HTTP/1.1 204 \r\nServer[ ]: a\r\n\r\n", WhitespaceBeforeColon, None),
            (b"HTTP/1.1 204 \r\n[:] a\r\n\r\n", EmptyFieldName, None),
            (b"HTTP/1.1 204 \r\nA[(]b): a\r\n\r\n", InvalidFieldName, None),
            (b"HTTP/1.1 204 \r\nA[ ]b: a\r\n\r\n", InvalidFieldName, None),
            (b"HTTP/1.1 204 \r\nA: b\r\n[HTTP/]1.1 200 OK\r\n\r\n", RepeatedStatusLine, None),
            (b"HTTP/1.1 204 \r\nA: b\r\n[HTTP 1].1 200 OK\r\n\r\n", RepeatedStatusLine, None),
            (b"HTTP/1.1 204 \r\n[ ]A: b\r\n\r\n", WhitespaceBeforeFirstField, None),
            (b"HTTP/1.1 204 \r\nA: b\r\n[\t]c\r\n\r\n", ObsFold, None),
            (b"HTTP/1.1 204 \r\nA: b[\r]c\r\n\r\n", BareCr, None),
            (b"HTTP/1.1 204 \r\n: b[\r]c\r\n\r\n", BareCr, None),
            (b"HTTP/1.1 204 \r\nA: b[\0]c\r\n\r\n", NulInField, None),
            (b"HTTP/1.1 204 \r\nTransfer-Encodings: b[\x01]c\r\n\r\n", ControlCharacterInFieldValue, None),
            (b"HTTP/1.1 204 \r\nA: b[\n]\r\n", BareLf, Some("mixed with CRLF")),
            (b"HTTP/1.1 204 \r\n: b[\n]\r\n", BareLf, Some("mixed with CRLF")),
            (b"HTTP/1.1 204 [\n]A: b\n\n", BareLf, None),
        ],
    );
}

#[test]
fn transfer_codings_are_blamed_one_by_one() {
    use Rule::*;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (b"HTTP/{1.0} 200 OK\r\n[Transfer-Encoding]: chunked\r\n\r\n", TransferEncodingInHttp10, None),
            (
                b"\r\nHTTP/{1.0} 200 OK\r\n[Transfer-Encoding]: chunked\r\n\r\n",
                TransferEncodingInHttp10,
                None,
            ),
            (
                b"HTTP/1.1 200 OK\r\n{Transfer-Encoding}: chunked\r\n[Content-Length]: 5\r\n\r\n",
                ContentLengthWithTransferEncoding,
                None,
            ),
            (
                b"HTTP/1.1 200 OK\r\n{Content-Length}: 5\r\n[Transfer-Encoding]: chunked\r\n\r\n",
                ContentLengthWithTransferEncoding,
                None,
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked[,]\r\n\r\n",
                MalformedTransferEncoding,
                Some("an empty list member"),
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: a,[,] chunked\r\n\r\n",
                MalformedTransferEncoding,
                Some("an empty list member"),
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: a [b]\r\n\r\n", MalformedTransferEncoding, None),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, [xchunked]\r\n\r\n",
                MalformedTransferEncoding,
                Some("it resembles chunked and is not"),
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: [,]\r\n\r\n",
                MalformedTransferEncoding,
                Some("it names no coding"),
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked[;]a=b\r\n\r\n", TransferCodingParameters, None),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, [chunked]\r\n\r\n", ChunkedAppliedTwice, None),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: [identity]\r\n\r\n", UnsupportedTransferCoding, None),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: [gzip], chunked\r\n\r\n",
                UnsupportedTransferCoding,
                None,
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: a, [gzip]\r\n\r\n", TransferCodingNotFinalChunked, None),
        ],
    );
}

#[test]
fn lengths_are_blamed_one_by_one() {
    use Rule::*;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1[x]\r\n\r\n", InvalidContentLength, None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: {5}, [6]\r\n\r\n", ConflictingContentLength, None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 15, [15], 15\r\n\r\n", RepeatedContentLength, None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: [0]5\r\n\r\n", ContentLengthLeadingZeros, None),
            (b"HTTP/1.1 204 \r\n[Content-Length]: 5\r\n\r\n", ContentLengthIn1xxOr204, None),
            (b"HTTP/1.1 204 \r\n[Transfer-Encoding]: chunked\r\n\r\n", TransferEncodingIn1xxOr204, None),
        ],
    );
}

#[test]
fn a_length_may_be_as_great_as_its_limit() {
    let mut limits = Limits::DEFAULT;
    limits.content = 5;
    let policy = Policy::DEFAULT.with_limits(limits);
    for (length, fits) in [("4", true), ("5", true), ("6", false), ("5, 5", true), ("6, 6", false)] {
        let mut parser = Parser::new(policy);
        parser.begin(Exchange::GET);
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let mut input = reply.as_bytes();
        let refused = loop {
            match parser.next_event(&mut input) {
                Ok(Some(Event::Note(_))) => {}
                event => break event.err(),
            }
        };
        assert_eq!(
            refused.map(|violation| violation.rule()),
            (!fits).then_some(Rule::ResponseBodyTooLarge),
            "{length}"
        );
    }
}

#[test]
fn content_that_is_not_sent_is_described_with_sense() {
    let rule = Rule::FramingFieldsOnBodilessResponse;
    assert_blamed(
        HEAD,
        None,
        &[
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n[]",
                rule,
                Some("Content-Length with Transfer-Encoding"),
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]",
                rule,
                Some("a Content-Length without meaning"),
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ,\r\n\r\n[]",
                rule,
                Some("a Transfer-Encoding without meaning"),
            ),
        ],
    );
    let connect = (
        &b"HTTP/1.1 200 OK\r\nA: b\r\n[Content-Length]: 1\r\n\r\n"[..],
        Rule::FramingFieldInConnect2xx,
        None,
    );
    assert_blamed(CONNECT, None, &[connect]);
}

#[test]
fn what_may_not_stand_in_trailers_is_settled_at_their_end() {
    let trailers = |fields: &str| {
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{fields}")
    };
    let marked = trailers("A: b\r\n[Date]: c\r\nD: e\r\n\r\n");
    assert_blamed(Exchange::GET, None, &[(marked.as_bytes(), Rule::ForbiddenTrailerField, None)]);
    let (reply, ..) = unmarked(marked.as_bytes());
    let violation = refused(&reply, Exchange::GET, Rule::ForbiddenTrailerField, None);
    assert_eq!(violation.decided_at(), reply.len() as u64 - 1);
    for fields in ["", "A: b", "A: b\r\n\r"] {
        let (reply, rule) = (trailers(fields), Rule::ConnectionReset);
        let violation = refused(reply.as_bytes(), Exchange::GET, rule, Some(Close::Reset));
        assert_eq!((violation.rule(), violation.phase()), (rule, Phase::Trailer), "{fields}");
        assert_eq!(violation.decided_at(), reply.len() as u64, "{fields}");
    }
}

#[test]
fn a_singleton_says_whether_its_values_differ() {
    let rule = Rule::RepeatedSingletonField;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (
                b"HTTP/1.1 200 OK\r\n{Location}: a\r\nContent-Length: 0\r\n[location]: a\r\n\r\n",
                rule,
                Some("with the same value"),
            ),
            (
                b"HTTP/1.1 200 OK\r\n{Location}: a\r\nContent-Length: 0\r\n[location]: b\r\n\r\n",
                rule,
                Some("with another value"),
            ),
        ],
    );
}

#[test]
fn connection_options_are_blamed_one_by_one() {
    use Rule::*;
    assert_blamed(
        Exchange::GET,
        None,
        &[
            (b"HTTP/1.1 204 \r\nConnection: a[/]b\r\n\r\n", InvalidConnectionOption, None),
            (b"HTTP/1.1 204 \r\nConnection: a, [date]\r\n\r\n", ConnectionNominatesEndToEndField, None),
            (b"HTTP/1.1 204 \r\nConnection: [close], {keep-alive}\r\n\r\n", ConnectionNotPersistent, None),
            (b"HTTP/1.1 204 \r\n[Upgrade]: a\r\n\r\n", HopByHopFieldWithoutConnectionOption, None),
        ],
    );
}

#[test]
fn a_switch_of_protocols_says_what_is_amiss() {
    let rule = Rule::SwitchingProtocolsUpgradeMismatch;
    assert_blamed(
        WEBSOCKET,
        None,
        &[
            (b"HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n[]", rule, Some("no Upgrade field")),
            (b"HTTP/1.1 101 S\r\nUpgrade: ,\r\n\r\n[]", rule, Some("Upgrade names no protocol")),
            (b"HTTP/1.1 101 S\r\nUpgrade: [h2c]\r\n\r\n", rule, Some("to a protocol that was not offered")),
            (b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n[]", rule, Some("no connection option upgrade")),
            (b"HTTP/1.1 [200] OK\r\nContent-Length: 0\r\n\r\n", Rule::UpgradeRefused, None),
        ],
    );
    // As many as make sense, of which one was not offered, and then one more.
    for (names, last, detail) in [
        (16, "websocket", "no connection option upgrade"),
        (16, "h2c", "to a protocol that was not offered"),
        (17, "websocket", "more protocols than make sense"),
    ] {
        let upgrade = ["websocket, "; 16][..names - 1].concat();
        let reply = format!("HTTP/1.1 101 S\r\nUpgrade: {upgrade}{last}\r\n\r\n");
        assert_eq!(refused(reply.as_bytes(), WEBSOCKET, rule, None).detail(), Some(detail));
    }
}

#[test]
fn a_tls_record_is_told_from_other_octets() {
    for (byte, error) in [
        (0x13, ProxyError::HttpProtocolError),
        (0x14, ProxyError::TlsProtocolError),
        (0x17, ProxyError::TlsProtocolError),
        (0x18, ProxyError::HttpProtocolError),
    ] {
        let violation = refused(&[byte], Exchange::GET, Rule::NotHttp, None);
        assert_eq!(violation.rule(), Rule::NotHttp);
        assert_eq!(violation.proxy_error(), Some(error), "{byte:#x}");
        // Where a name has begun it is no record.
        let violation = refused(&[b'H', b'T', byte], Exchange::GET, Rule::NotHttp, None);
        assert_eq!(violation.proxy_error(), Some(ProxyError::HttpProtocolError), "HT{byte:#x}");
    }
}

/// RFC 9209 2.3.27 is about versions of HTTP alone.
#[test]
fn a_switch_of_http_versions_has_an_error_type_of_its_own() {
    let rule = Rule::SwitchingProtocolsUpgradeMismatch;
    let (own, other) = (ProxyError::HttpUpgradeFailed, ProxyError::HttpProtocolError);
    for (offer, upgrade, error) in [
        (&b"h2c"[..], "Upgrade: websocket\r\n", own),
        (b"h2c", "", own),
        (b"H2C, websocket", "", own),
        (b"websocket", "Upgrade: h2c\r\n", other),
        (b"websocket", "", other),
        (b"h2cx", "", other),
    ] {
        let reply = format!("HTTP/1.1 101 S\r\nConnection: upgrade\r\n{upgrade}\r\n");
        let violation = refused(reply.as_bytes(), Exchange::GET.upgrade(offer), rule, None);
        assert_eq!((violation.rule(), violation.proxy_error()), (rule, Some(error)), "{reply:?}");
        assert_eq!(violation.status(), 502);
    }
}

/// No byte behind it can make it another name.
#[test]
fn a_damaged_name_is_refused_once_it_spells_one_that_decides_framing() {
    for (name, rest) in [
        ("Content-Length", "(s): 5"),
        ("content(length", " : 5"),
        ("Transfer/Encoding", "=chunked"),
        ("Connection", "[0]: close"),
        ("\"Upgrade", "\": a"),
        ("T,r,a,i,l,e,r", ",,,: a"),
        ("Content-Length_", "(: 5"),
    ] {
        let reply = |rest: &str| format!("HTTP/1.1 200 OK\r\n{name}{rest}");
        let decided = "HTTP/1.1 200 OK\r\n".len() + name.len();
        let violation = refused(reply(rest).as_bytes(), Exchange::GET, Rule::BareLf, None);
        assert_eq!(
            (violation.rule(), violation.decided_at()),
            (Rule::InvalidFieldName, decided as u64),
            "{name}"
        );
        assert_eq!(violation.detail(), Some("its letters begin with those of a field that decides framing"));
        // With one letter more it is none of them.
        let mut parser = Parser::new(Policy::observe());
        parser.begin(Exchange::GET);
        let longer = reply(&format!("x{rest}\r\n"));
        let mut input = longer.as_bytes();
        if !name.ends_with('_') {
            assert!(matches!(parser.next_event(&mut input), Ok(Some(Event::Note(_)))), "{longer:?}");
        }
    }
}

#[test]
fn what_guards_the_reader_of_a_message_is_no_connection_option() {
    for option in [
        "content-length",
        "Content-Disposition",
        "Content-Security-Policy-Report-Only",
        "Access-Control-Expose-Headers",
        "Cross-Origin-Opener-Policy",
        "Referrer-Policy",
        "Permissions-Policy",
        "Clear-Site-Data",
    ] {
        let reply = format!("HTTP/1.1 204 \r\nConnection: [{option}]\r\n\r\n");
        let rule = Rule::ConnectionNominatesEndToEndField;
        assert_blamed(Exchange::GET, None, &[(reply.as_bytes(), rule, None)]);
    }
}

#[test]
fn a_fault_is_counted_from_its_message_and_named_by_its_rule() {
    let reply = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA : b\r\n\r\n";
    let violation = refused(reply, Exchange::GET, Rule::WhitespaceBeforeColon, None);
    assert_eq!((violation.span().start, violation.offset()), (46, 18));
    assert_eq!(violation.proxy_error(), Rule::WhitespaceBeforeColon.proxy_error());
    // What follows an interim reply is counted from there.
    let reply = b"HTTP/1.1 103 Early Hints\r\n\r\n!";
    let violation = refused(reply, Exchange::GET, Rule::InterimResponseWithContent, None);
    assert_eq!(violation.rule(), Rule::InterimResponseWithContent);
    assert_eq!((violation.span().start, violation.offset()), (28, 28));
}

/// RFC 9110 9.2.2: what failed before an answer had begun may be asked once more.
#[test]
fn a_request_may_be_sent_again_if_the_connection_failed_it() {
    const UNWRITTEN: Exchange = Exchange::GET.written(Written::Nothing);
    let status_line = &b"HTTP/1.1 200 OK\r\n"[..];
    let interim = &b"HTTP/1.1 103 Early Hints\r\n\r\n"[..];
    let body = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"[..];
    for (exchange, reply, close, rule, retry) in [
        (UNWRITTEN, &b""[..], Close::Eof, Rule::ClosedBeforeFirstByte, Retry::Always),
        (UNWRITTEN, b"", Close::Reset, Rule::ClosedBeforeFirstByte, Retry::Always),
        (UNWRITTEN, b"", Close::Timeout, Rule::ResponseHeaderTimeout, Retry::Always),
        (Exchange::GET, b"", Close::Eof, Rule::ClosedBeforeFirstByte, Retry::Idempotent),
        (Exchange::GET, b"", Close::Timeout, Rule::ResponseHeaderTimeout, Retry::Idempotent),
        (Exchange::GET, b"", Close::Reset, Rule::ClosedBeforeFirstByte, Retry::Idempotent),
        (Exchange::GET, interim, Close::Eof, Rule::ClosedAfterInterimResponse, Retry::Idempotent),
        (Exchange::GET, status_line, Close::Eof, Rule::IncompleteHeaderSection, Retry::Idempotent),
        (Exchange::GET, status_line, Close::Reset, Rule::ConnectionReset, Retry::Idempotent),
        (Exchange::GET, body, Close::Reset, Rule::ConnectionReset, Retry::Never),
        (Exchange::GET, b"HTTP/1.1 2", Close::Eof, Rule::IncompleteHeaderSection, Retry::Idempotent),
        (Exchange::GET, b"x", Close::Eof, Rule::NotHttp, Retry::Never),
    ] {
        let violation = refused(reply, exchange, rule, Some(close));
        assert_eq!((violation.rule(), violation.retry()), (rule, retry), "{}", reply.escape_ascii());
    }
}

#[test]
fn a_fault_in_chunks_names_the_coding() {
    let reply = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}");
    let member = |rest: &str, rule| {
        refused(reply(rest).as_bytes(), Exchange::GET, rule, None).proxy_status("gw").to_string()
    };
    assert_eq!(
        member("Transfer-Encoding: chunked\r\n\r\nx", Rule::InvalidChunkSize),
        "gw; error=http_response_transfer_coding; coding=chunked; received-status=200; \
         details=\"invalid-chunk-size at byte 47\""
    );
    let coding = member("Transfer-Encoding: gzip, chunked\r\n\r\n", Rule::UnsupportedTransferCoding);
    assert!(!coding.contains("coding=chunked"), "{coding}");
    let member = member("Transfer-Encoding: chunked\r\n\r\n0;a\r\n\r\n", Rule::ChunkExtension);
    assert!(!member.contains("coding=chunked"), "{member}");
}

/// Nothing of a chunk line is kept: what is told of a byte was noted as it passed.
#[test]
fn a_fault_in_chunks_shows_its_byte() {
    let cases: &[(&[u8], Rule, Option<&str>)] = &[
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5[\t]\r\n",
            Rule::ChunkSizeTrailingWhitespace,
            None,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n[x]", Rule::InvalidChunkSize, None),
    ];
    assert_blamed(Exchange::GET, None, cases);
}

/// One rule, but two limits: which of them an operator is to raise.
#[test]
fn a_section_is_too_large_by_its_bytes_or_by_its_fields() {
    let mut limits = Limits::DEFAULT;
    (limits.fields, limits.trailer_fields) = (3, 3);
    let (lines, long) = ("a: b\r\n".repeat(4), "a: b\r\n".repeat(3000));
    let trailers = |lines: &str| format!("Transfer-Encoding: chunked\r\n\r\n0\r\n{lines}");
    for (limits, rest, rule, detail) in [
        (limits, lines.clone(), Rule::HeaderSectionTooLarge, Some("too many fields")),
        (limits, format!(": a\r\n{lines}"), Rule::HeaderSectionTooLarge, Some("too many fields")),
        (limits, trailers(&lines), Rule::TrailerSectionTooLarge, Some("too many fields")),
        (
            Limits::DEFAULT,
            format!("A: b\r\n c{}", " \r\n c".repeat(16_000)),
            Rule::HeaderSectionTooLarge,
            None,
        ),
        (Limits::DEFAULT, trailers(&long), Rule::TrailerSectionTooLarge, Some("too many fields")),
        (
            Limits::DEFAULT,
            trailers(&format!("a: b\r\n c{}", " \r\n c".repeat(16_000))),
            Rule::TrailerSectionTooLarge,
            None,
        ),
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{rest}");
        let policy = Policy::observe().with_limits(limits);
        let report = validate(reply.as_bytes(), Exchange::GET, &policy, None);
        let violation = report.violation().unwrap();
        assert_eq!((violation.rule(), violation.detail()), (rule, detail), "{violation}");
    }
    // A line that is dropped counts like the others.
    let reply = b"HTTP/1.1 204 \r\n: a\r\n: a\r\na: b\r\n: a\r\n\r\n";
    let violation = validate(reply, Exchange::GET, &Policy::observe().with_limits(limits), None);
    assert_eq!(violation.violation().map(Violation::decided_at), Some(31));
}

/// Before the third digit it may be the final reply, which has a limit of its own.
#[test]
fn an_interim_reply_that_is_too_long_already_is_refused_at_the_digit_that_tells_it() {
    let mut limits = Limits::DEFAULT;
    for interim_bytes in [0, 5, 11, 12] {
        limits.interim_bytes = interim_bytes;
        let report = validate(
            b"HTTP/1.1 103 Early Hints\r\n\r\n",
            Exchange::GET,
            &Policy::DEFAULT.with_limits(limits),
            None,
        );
        let violation = report.violation().unwrap();
        assert_eq!(violation.rule(), Rule::TooManyInterimResponses);
        assert_eq!(violation.decided_at(), u64::from(interim_bytes).max(11));
    }
}

/// What a policy may bear elsewhere it may not bear there, and the operator is told why.
#[test]
fn a_damaged_name_in_trailers_says_what_it_spells() {
    let reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length(";
    let violation = refused(reply, Exchange::GET, Rule::BareLf, None);
    let spells = Some("its letters begin with those of a field that decides framing");
    assert_eq!((violation.rule(), violation.detail()), (Rule::MalformedTrailerField, spells));
}
