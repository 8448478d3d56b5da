//! Every family of the catalogue, A to J: what is refused is answered by a clean 502 or 504 without a byte of the
//! upstream; what is tolerated or valid is forwarded exactly so.

use std::thread;

use badgateway::{Close, Exchange, Method, Policy, validate};

use crate::client::{Ending, Framed, Got};
use crate::harness::Gateway;
use crate::upstream::{After, Request, Upstream};
use crate::{DATE, LEAK, holds};

/// A reply that is refused, by its rule. LEAK stands wherever an upstream may have a say.
struct Bad {
    rule: &'static str,
    reply: Vec<u8>,
    after: After,
}

const LONG: &str = "LEAKLEAKLEAKLEAKLEAKLEAKLEAKLEAK";

fn bad() -> Vec<Bad> {
    let head = |lines: &str| format!("HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\n{lines}\r\nLEAK").into_bytes();
    let chunked = |content: &str| {
        format!("HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nLEAK\r\n{content}")
            .into_bytes()
    };
    let line = |line: &str| format!("{line}\r\nX-A: LEAK\r\nContent-Length: 4\r\n\r\nLEAK").into_bytes();
    let long = |times: usize| LONG.repeat(times);
    let rows = vec![
        // A. Status line
        ("empty-line-before-status-line", line("\r\n\r\n\r\nHTTP/1.1 200 OK")),
        ("not-http", b"SSH-2.0-LEAK\r\n".to_vec()),
        ("not-http", b"<html>LEAK</html>".to_vec()),
        ("not-http", b"\x15\x03\x01LEAK".to_vec()),
        ("not-http", b"\x00\x00\x12\x04LEAK".to_vec()),
        ("malformed-http-version", line("HTTP/1.10 200 LEAK")),
        ("malformed-http-version", line("http/1.1 200 LEAK")),
        ("unsupported-http-major-version", line("HTTP/2.0 200 LEAK")),
        ("status-line-extra-whitespace", line(" HTTP/1.1 200 LEAK")),
        ("status-line-extra-whitespace", line("HTTP/1.1\x0b200 LEAK")),
        ("malformed-status-code", line("HTTP/1.1 2000 LEAK")),
        ("malformed-status-code", line("HTTP/1.1 403.1 LEAK")),
        ("status-code-below-100", line("HTTP/1.1 099 LEAK")),
        ("status-code-above-599", line("HTTP/1.1 999 LEAK")),
        ("invalid-reason-phrase", line("HTTP/1.1 200 LEAK\x1b[2J")),
        ("invalid-reason-phrase", line("HTTP/1.1 200 LEAK\0")),
        ("status-line-too-long", line(&format!("HTTP/1.1 200 {}", long(300)))),
        // B. Interim replies and upgrade
        ("interim-response-in-http-1.0", line("HTTP/1.0 103 LEAK\r\n\r\nHTTP/1.0 200 LEAK")),
        (
            "interim-response-with-content",
            line("HTTP/1.1 103 x\r\nContent-Length: 4\r\n\r\nLEAKHTTP/1.1 200 LEAK"),
        ),
        ("too-many-interim-responses", line(&("HTTP/1.1 103 x\r\n\r\n".repeat(17) + "HTTP/1.1 200 LEAK"))),
        (
            "unsolicited-switching-protocols",
            head("Upgrade: LEAK\r\nConnection: upgrade\r\n").replaced("200", "101"),
        ),
        // C. Fields
        ("bare-cr", head("A: b\rLEAK: c\r\nContent-Length: 4\r\n")),
        ("bare-cr", line("HTTP/1.1 200 LE\rAK")),
        ("nul-in-field", head("A: b\0LEAK\r\n")),
        ("control-character-in-field-value", head("A: b\x01LEAK\r\n")),
        ("obs-fold", head("A: LEAK\r\n LEAK\r\n")),
        ("whitespace-before-first-field", b"HTTP/1.1 200 OK\r\n X-A: LEAK\r\n\r\nLEAK".to_vec()),
        ("whitespace-before-colon", head("Transfer-Encoding : chunked\r\n")),
        ("missing-colon", head("LEAK\r\n")),
        ("repeated-status-line", head("HTTP/1.1 200 LEAK\r\n")),
        ("empty-field-name", head(": LEAK\r\n")),
        ("invalid-field-name", head("LEAK/a: b\r\n")),
        ("invalid-field-name", head("LE\u{e9}AK: b\r\n")),
        ("field-line-too-long", head(&format!("A: {}\r\n", long(520)))),
        ("header-section-too-large", head(&"A: LEAK\r\n".repeat(101))),
        ("header-section-too-large", head(&format!("A: {}\r\n", long(250)).repeat(9))),
        // D. Framing
        (
            "content-length-with-transfer-encoding",
            head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
        ),
        ("invalid-content-length", head("Content-Length: +4\r\n")),
        ("invalid-content-length", head("Content-Length:\r\n")),
        ("invalid-content-length", head("Content-Length: 4,\r\n")),
        ("content-length-overflow", head("Content-Length: 18446744073709551620\r\n")),
        ("conflicting-content-length", head("Content-Length: 4\r\nContent-Length: 5\r\n")),
        ("conflicting-content-length", head("Content-Length: 4, 5\r\n")),
        ("transfer-coding-not-final-chunked", head("Transfer-Encoding: chunked, gzip\r\n")),
        ("unsupported-transfer-coding", head("Transfer-Encoding: gzip, chunked\r\n")),
        ("chunked-applied-twice", head("Transfer-Encoding: chunked, chunked\r\n")),
        ("transfer-coding-parameters", head("Transfer-Encoding: chunked;q=1\r\n")),
        ("malformed-transfer-encoding", head("Transfer-Encoding: chunked@\r\n")),
        // F. Chunked coding
        ("missing-chunk-size", chunked("\r\nLEAK")),
        ("invalid-chunk-size", chunked("xLEAK\r\n")),
        ("invalid-chunk-size", chunked("-4\r\nLEAK")),
        ("chunk-size-overflow", chunked("8000000000000000\r\nLEAK")),
        ("chunk-line-too-long", chunked(&format!("4;a={}\r\n", long(130)))),
        ("chunk-line-terminator", chunked("4\nLEAK\r\n0\r\n\r\n")),
        ("line-break-in-chunk-extension", chunked("4;a=\"\r\n\"\rLEAK\r\n0\r\n\r\n")),
        ("missing-chunk-data-terminator", chunked("4\r\nLEAKLEAK\r\n0\r\n\r\n")),
        // G. Trailers
        ("malformed-trailer-field", chunked("0\r\nLEAK\r\n\r\n")),
        ("trailer-field-too-large", chunked(&format!("0\r\nA: {}\r\n\r\n", long(520)))),
        ("trailer-section-too-large", chunked(&format!("0\r\n{}\r\n", "A: LEAK\r\n".repeat(65)))),
    ];
    let mut bad: Vec<Bad> =
        rows.into_iter().map(|(rule, reply)| Bad { rule, reply, after: After::Keep }).collect();
    // J. Transport outcomes
    let mut ended = |rule, reply: &[u8], after| bad.push(Bad { rule, reply: reply.to_vec(), after });
    ended("closed-before-first-byte", b"", After::Fin);
    ended("connection-reset", b"HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\nContent-", After::Rst);
    ended("incomplete-header-section", b"HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\nContent-", After::Fin);
    ended("incomplete-header-section", b"HTTP/1.1 200 LE", After::Fin);
    ended("closed-after-interim-response", b"HTTP/1.1 103 x\r\n\r\n", After::Fin);
    bad
}

trait Replaced {
    fn replaced(self, from: &str, to: &str) -> Vec<u8>;
}

impl Replaced for Vec<u8> {
    fn replaced(self, from: &str, to: &str) -> Vec<u8> {
        String::from_utf8(self).unwrap().replacen(from, to, 1).into_bytes()
    }
}

fn close_of(after: After) -> Option<Close> {
    match after {
        After::Keep => None,
        After::Fin => Some(Close::Eof),
        After::Rst => Some(Close::Reset),
    }
}

#[test]
fn the_tables_agree_with_the_library() {
    for Bad { rule, reply, after } in bad() {
        let report = validate(&reply, Exchange::GET, &Policy::DEFAULT, close_of(after));
        let got = report.violation().map(|violation| violation.rule().id());
        assert_eq!(got, Some(rule), "{}", reply.escape_ascii());
    }
    for good in tolerated().into_iter().chain(valid()) {
        let exchange = Exchange::new(Method::from_bytes(good.method.as_bytes()));
        let report = validate(&good.reply, exchange, &Policy::DEFAULT, Some(Close::Eof));
        assert!(report.verdict().is_fit(), "{}: {:?}", good.rule, report.violation());
        let noted = report.notes().iter().any(|note| note.rule().id() == good.rule);
        assert!(noted || good.rule.is_empty(), "{}: {:?}", good.rule, report.notes());
    }
}

/// Which row of a table a request asks for.
fn place(request: &Request) -> usize {
    request.target.trim_start_matches('/').parse().unwrap()
}

#[test]
fn refused_replies_are_answered_without_a_byte_of_theirs() {
    let rows = bad();
    let upstream = Upstream::reply(move |request| {
        let row = &rows[place(request)];
        (row.reply.clone(), row.after)
    });
    let gateway = Gateway::before(&upstream);
    for (at, Bad { rule, reply, .. }) in bad().into_iter().enumerate() {
        let got = gateway.get(&format!("/{at}"));
        let takes_several_reads = reply.len() >= 4096 && (rule.contains("chunk") || rule.contains("trailer"));
        if takes_several_reads && got.status() != 502 {
            // By the time the fault is there the head may be gone.
            got.cut();
            continue;
        }
        got.blames(502, rule);
        assert!(!holds(&got.wire, LEAK), "{rule}: {got:?}");
        assert!(got.interims.iter().all(|head| head.status == 103), "{got:?}");
        let line = gateway.logged(&format!("/{at}"));
        assert_eq!(line["rule"], rule);
        assert_eq!(line["outcome"], "answered", "{line}");
        assert_eq!(line["status"], 502, "{line}");
        assert!(line["evidence"].as_str().is_none_or(|text| text.len() <= 64 * 4), "{line}");
    }
}

#[test]
fn silence_is_answered_by_504() {
    let starts: [(&str, &[u8]); 5] = [
        ("/nothing", b""),
        ("/status-line", b"HTTP/1.1 200 LE"),
        ("/head", b"HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\nContent-Len"),
        ("/blank-line", b"HTTP/1.1 200 LEAK\r\nX-A: LEAK\r\n"),
        ("/interim", b"HTTP/1.1 103 x\r\n\r\n"),
    ];
    let upstream = Upstream::serve(move |mut line| {
        let Some(request) = line.request() else { return };
        let (_, start) = starts.iter().find(|(target, _)| *target == request.target).unwrap();
        line.send(start);
        line.hold();
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "0.4"]);
    thread::scope(|scope| {
        for (target, _) in starts {
            let gateway = &gateway;
            scope.spawn(move || {
                let got = gateway.get(target);
                got.blames(504, "response-header-timeout");
                assert!(got.get("Proxy-Status").unwrap().contains("error=connection_read_timeout"));
                assert!(!holds(&got.wire, LEAK), "{got:?}");
                let line = gateway.logged(target);
                assert_eq!((&line["status"], &line["outcome"]), (&504.into(), &"answered".into()));
            });
        }
    });
}

/// A reply that is forwarded, and what becomes of it.
struct Good {
    /// Noted by it, if any.
    rule: &'static str,
    method: &'static str,
    reply: Vec<u8>,
    line: &'static str,
    /// In order, without those that are made anew on every hop, and without Date.
    fields: &'static [&'static str],
    framed: Framed,
    content: &'static [u8],
}

/// Under the default policy, each with the fault that is put right. `@` in a reply stands for a Date line.
fn tolerated() -> Vec<Good> {
    let row = |rule, reply: &str, line, fields, framed, content: &'static str| Good {
        rule,
        method: "GET",
        reply: reply.replace("@", &format!("Date: {DATE}\r\n")).into_bytes(),
        line,
        fields,
        framed,
        content: content.as_bytes(),
    };
    let length = |rule, reply: &str, line, fields| row(rule, reply, line, fields, Framed::Length(2), "ok");
    let ok = "HTTP/1.1 200 OK";
    let head = |method, good: Good| Good { method, ..good };
    vec![
        length(
            "empty-line-before-status-line",
            "\r\n\r\nHTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok",
            ok,
            &[],
        ),
        length("http-minor-version-higher", "HTTP/1.7 200 OK\r\n@Content-Length: 2\r\n\r\nok", ok, &[]),
        length(
            "status-line-extra-whitespace",
            "HTTP/1.1 \t 200\tFine\r\n@Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 Fine",
            &[],
        ),
        length("bare-lf", "HTTP/1.1 200 OK\n@A: b\nContent-Length: 2\n\nok", ok, &["A: b"]),
        length(
            "whitespace-before-colon",
            "HTTP/1.1 200 OK\r\n@A \t: b\r\nContent-Length: 2\r\n\r\nok",
            ok,
            &["A: b"],
        ),
        length(
            "repeated-singleton-field",
            "HTTP/1.1 201 Created\r\n@Location: /a\r\nX: y\r\nLocation: /LEAK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 201 Created",
            &["Location: /a", "X: y"],
        ),
        length(
            "invalid-connection-option",
            "HTTP/1.1 200 OK\r\n@Connection: x;y, z\r\nZ: LEAK\r\nA: b\r\nContent-Length: 2\r\n\r\nok",
            ok,
            &["A: b"],
        ),
        length(
            "connection-nominates-end-to-end-field",
            "HTTP/1.1 200 OK\r\n@Connection: Set-Cookie, Content-Length, X-A\r\nSet-Cookie: a=b\r\nX-A: LEAK\r\n\
             Content-Length: 2\r\n\r\nok",
            ok,
            &["Set-Cookie: a=b"],
        ),
        length(
            "hop-by-hop-field-without-connection-option",
            "HTTP/1.1 200 OK\r\n@Keep-Alive: timeout=LEAK\r\nProxy-Connection: LEAK\r\nUpgrade: LEAK\r\nTE: LEAK\r\n\
             A: b\r\nContent-Length: 2\r\n\r\nok",
            ok,
            &["A: b"],
        ),
        length("repeated-content-length", "HTTP/1.1 200 OK\r\n@Content-Length: 2, 2\r\n\r\nok", ok, &[]),
        length(
            "repeated-content-length",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n@Content-Length: 2\r\n\r\nok",
            ok,
            &[],
        ),
        length("content-length-leading-zeros", "HTTP/1.1 200 OK\r\n@Content-Length: 0002\r\n\r\nok", ok, &[]),
        row(
            "content-length-in-1xx-or-204",
            "HTTP/1.1 204 No Content\r\n@Content-Length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content",
            &[],
            Framed::Bodiless,
            "",
        ),
        row(
            "transfer-encoding-in-1xx-or-204",
            "HTTP/1.1 204 No Content\r\n@Transfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 204 No Content",
            &[],
            Framed::Bodiless,
            "",
        ),
        row(
            "transfer-encoding-in-http-1.0",
            "HTTP/1.0 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "ok",
        ),
        head(
            "HEAD",
            row(
                "framing-fields-on-bodiless-response",
                "HTTP/1.1 200 OK\r\n@A: b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                ok,
                &["A: b"],
                Framed::Bodiless,
                "",
            ),
        ),
        row(
            "close-delimited-response",
            "HTTP/1.1 200 OK\r\n@A: b\r\n\r\nok",
            ok,
            &["A: b"],
            Framed::Chunked,
            "ok",
        ),
        head(
            "HEAD",
            row(
                "content-in-bodiless-response",
                "HTTP/1.1 200 OK\r\n@Content-Length: 4\r\n\r\nLEAK",
                ok,
                &[],
                Framed::Bodiless,
                "",
            ),
        ),
        row(
            "chunk-size-trailing-whitespace",
            "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "ok",
        ),
        row(
            "chunk-extension",
            "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2;a=LEAK\r\nok\r\n0;LEAK\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "ok",
        ),
        row(
            "invalid-chunk-extension",
            "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2;=LEAK\r\nok\r\n0\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "ok",
        ),
        row(
            "forbidden-trailer-field",
            "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 3\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "ok",
        ),
        length(
            "extraneous-bytes-after-message",
            "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nokHTTP/1.1 200 LEAK\r\nContent-Length: 0\r\n\r\n",
            ok,
            &[],
        ),
        length(
            "extraneous-crlf-after-message",
            "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok\r\n",
            ok,
            &[],
        ),
        length(
            "proxy-status-from-origin",
            "HTTP/1.1 200 OK\r\n@Proxy-Status: cdn; error=dns_error\r\nContent-Length: 2\r\n\r\nok",
            ok,
            &["Proxy-Status: cdn; error=dns_error"],
        ),
        length(
            "framing-field-lookalike",
            "HTTP/1.1 200 OK\r\n@Content_Length: 9\r\nContent-Length: 2\r\n\r\nok",
            ok,
            &["Content_Length: 9"],
        ),
        // I. What the application did wrong is no business of a gateway.
        length(
            "partial-without-content-range",
            "HTTP/1.1 206 Partial Content\r\n@Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 206 Partial Content",
            &[],
        ),
        length(
            "unauthorized-without-challenge",
            "HTTP/1.1 401 Unauthorized\r\n@Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 401 Unauthorized",
            &[],
        ),
        length(
            "redirect-without-location",
            "HTTP/1.1 302 Found\r\n@Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 302 Found",
            &[],
        ),
        length(
            "upstream-gateway-error",
            "HTTP/1.1 502 Bad Gateway\r\n@Via: 1.1 cdn\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 502 Bad Gateway",
            &[],
        ),
        length(
            "unregistered-status-code",
            "HTTP/1.1 530 Odd\r\n@Content-Length: 2\r\n\r\nok",
            "HTTP/1.1 530 Odd",
            &[],
        ),
    ]
}

fn valid() -> Vec<Good> {
    let row = |method, reply: &str, line, fields, framed, content: &'static str| Good {
        rule: "",
        method,
        reply: reply.replace("@", &format!("Date: {DATE}\r\n")).into_bytes(),
        line,
        fields,
        framed,
        content: content.as_bytes(),
    };
    let ok = "HTTP/1.1 200 OK";
    vec![
        row("GET", "HTTP/1.1 200 OK\r\n@Content-Length: 2\r\n\r\nok", ok, &[], Framed::Length(2), "ok"),
        row(
            "GET",
            "HTTP/1.1 200 \r\n@Content-Length: 0\r\n\r\n",
            "HTTP/1.1 200 ",
            &[],
            Framed::Length(0),
            "",
        ),
        row(
            "GET",
            "HTTP/1.1 200 OK\r\n@Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n",
            ok,
            &[],
            Framed::Chunked,
            "okay!",
        ),
        row("GET", "HTTP/1.0 200 OK\r\n@\r\nold", ok, &[], Framed::Chunked, "old"),
        row(
            "GET",
            "HTTP/1.1 304 Not Modified\r\n@ETag: \"a\"\r\n\r\n",
            "HTTP/1.1 304 Not Modified",
            &["ETag: \"a\""],
            Framed::Bodiless,
            "",
        ),
        row("HEAD", "HTTP/1.1 200 OK\r\n@Content-Length: 5\r\n\r\n", ok, &[], Framed::Bodiless, ""),
        row(
            "GET",
            "HTTP/1.1 200 OK\r\n@Set-Cookie: a=1\r\nX:\r\nset-cookie:b=2 \t\r\nSet-Cookie: \tc=\u{e9}\r\n\
             Content-Length: 2\r\n\r\nok",
            ok,
            &["Set-Cookie: a=1", "X: ", "set-cookie: b=2", "Set-Cookie: c=\u{e9}"],
            Framed::Length(2),
            "ok",
        ),
        row(
            "POST",
            "HTTP/1.1 205 x\r\n@Content-Length: 0\r\n\r\n",
            "HTTP/1.1 205 x",
            &[],
            Framed::Length(0),
            "",
        ),
    ]
}

#[test]
fn tolerated_replies_are_put_right_and_valid_ones_kept() {
    let rows: Vec<Good> = tolerated().into_iter().chain(valid()).collect();
    let replies: Vec<Vec<u8>> = rows.iter().map(|row| row.reply.clone()).collect();
    let upstream = Upstream::reply(move |request| (replies[place(request)].clone(), After::Fin));
    let gateway = Gateway::before(&upstream);
    for (at, row) in rows.iter().enumerate() {
        let method = row.method;
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let got = gateway.ask(&format!("{method} /{at} HTTP/1.1\r\nHost: gateway.test\r\n{length}\r\n"));
        is_forwarded(row, &got);
        let line = gateway.logged(&format!("/{at}"));
        assert_eq!(line["outcome"], "forwarded", "{line}");
        assert_eq!(line["content"], row.content.len(), "{line}");
        assert!(
            row.rule.is_empty() || line["notes"].as_array().unwrap().contains(&row.rule.into()),
            "{line}"
        );
    }
}

fn is_forwarded(row: &Good, got: &Got) {
    let blame = format!("{} {}: {got:?}", row.rule, row.reply.escape_ascii());
    assert!(got.complete, "{blame}");
    assert_eq!(got.head().line, row.line, "{blame}");
    let mut fields = got.fields();
    let before = fields.len();
    fields.retain(|field| *field != format!("Date: {DATE}"));
    assert_eq!(before - fields.len(), 1, "one Date: {blame}");
    let wanted: Vec<String> = row.fields.iter().map(|field| field.trim_end().to_string()).collect();
    let fields: Vec<String> = fields.iter().map(|field| field.trim_end().to_string()).collect();
    assert_eq!(fields, wanted, "{blame}");
    assert_eq!(got.framed, row.framed, "{blame}");
    assert_eq!(got.content, row.content, "{blame}");
    assert_eq!(got.ending, Ending::Open, "{blame}");
    assert!(got.trailers.is_empty(), "{blame}");
    let via = got.head().all("Via").join(", ");
    let version = if row.reply.starts_with(b"HTTP/1.0") { "1.0" } else { "1.1" };
    let own = via.rsplit(", ").next().unwrap();
    assert!(own.starts_with(&format!("{version} badgateway")), "Via: {via}: {blame}");
    assert!(!holds(&got.wire, LEAK), "{blame}");
}

#[test]
fn a_missing_date_is_added() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", After::Keep);
    let got = Gateway::before(&upstream).get("/").whole();
    assert!(crate::client::is_imf_fixdate(&got.get("Date").unwrap()), "{got:?}");
}

#[test]
fn levels_decide_what_is_tolerated() {
    let fold = b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok";
    let bare_lf = b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok";
    let upstream = Upstream::reply(|request| {
        let reply = if request.target == "/fold" { fold.to_vec() } else { bare_lf.to_vec() };
        (reply, After::Keep)
    });
    let status = |args: &[&str], target| Gateway::with(&upstream, args).get(target).whole().status();
    assert_eq!(status(&[], "/fold"), 502);
    assert_eq!(status(&["--set", "obs-fold=note"], "/fold"), 200);
    assert_eq!(status(&["--policy", "compat"], "/fold"), 200);
    assert_eq!(status(&["--policy", "observe"], "/fold"), 200);
    assert_eq!(status(&["--policy", "strict"], "/lf"), 502);
    assert_eq!(status(&["--policy", "strict", "--set", "bare-lf=allow"], "/lf"), 200);
}

#[test]
fn an_upstream_that_does_not_listen_is_refused() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = Gateway::at(nobody, &["--timeout", "1"]);
    let got = gateway.get("/");
    got.blames(502, "connection-refused");
    assert!(got.get("Proxy-Status").unwrap().contains("error=connection_refused"), "{got:?}");
    assert!(!holds(&got.wire, &nobody.port().to_string()), "an internal address: {got:?}");
    // Nothing was sent, so that a POST might be tried again; nobody is there all the same.
    let post = "POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 2\r\n\r\nok";
    gateway.ask(post).blames(502, "connection-refused");
}
