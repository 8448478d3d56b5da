//! The gateway as a program: signals, flags, metrics and the log.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::client::{Client, Ending};
use crate::harness::{Gateway, Setup, run};
use crate::upstream::{After, Upstream};
use crate::{LEAK, holds};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_signal_lets_the_request_in_flight_finish() {
    for signal in ["TERM", "INT"] {
        let upstream = Upstream::serve(|mut line| {
            line.request();
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
            line.pause(600);
            line.send(b"later");
            line.hold();
        });
        let mut gateway = Gateway::with(&upstream, &["--timeout", "3"]);
        let mut idle = gateway.connect();
        let mut client = gateway.connect();
        client.send(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        thread::sleep(Duration::from_millis(200));
        gateway.signal(signal);
        thread::sleep(Duration::from_millis(150));
        assert!(is_refused(&gateway), "a new connection is taken after SIG{signal}");
        let got = client.read("GET").whole();
        assert_eq!((got.status(), got.text().as_str()), (200, "firstlater"));
        assert_eq!(idle.rest(), (Vec::new(), Ending::Fin));
        let status = gateway.ended(Duration::from_secs(5)).expect("the process ends");
        assert_eq!(status.code(), Some(0), "after SIG{signal}");
        assert_eq!(gateway.logged("/")["outcome"], "forwarded");
    }
}

/// Not taken, or taken by the kernel alone and ended at once.
fn is_refused(gateway: &Gateway) -> bool {
    if TcpStream::connect(gateway.address).is_err() {
        return true;
    }
    let mut client = Client::connect(gateway.address).patience(Duration::from_millis(200));
    client.get("/late").wire.is_empty()
}

#[test]
fn an_idle_gateway_ends_at_once() {
    let upstream = Upstream::always(OK, After::Keep);
    let mut gateway = Gateway::before(&upstream);
    assert_eq!(gateway.get("/").whole().status(), 200);
    gateway.signal("TERM");
    let status = gateway.ended(Duration::from_secs(2)).expect("the process ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn wrong_flags_are_explained() {
    let wrong: [(&[&str], &str); 16] = [
        (&["--no-such-flag"], "--no-such-flag"),
        (&["--listen", "nowhere"], "nowhere"),
        (&["--upstream", "nowhere"], "nowhere"),
        (&["--timeout", "soon"], "soon"),
        (&["--timeout", "0"], "0"),
        (&["--timeout", "-1"], "-1"),
        (&["--policy", "lax"], "lax"),
        (&["--set", "no-such-rule=note"], "no-such-rule"),
        (&["--set", "not-http=allow"], "not-http"),
        (&["--limit", "field-line=30000"], "there are status_line, field_line, "),
        (&["--limit", "fields=65536"], "--limit fields=65536: it takes 0 to 65535"),
        (&["--name", "my gateway"], "'--name <NAME>': only letters, digits and"),
        (&["--name", "a,b"], "'--name <NAME>': only letters, digits and"),
        (&["--name", "b\u{fc}ro"], "'--name <NAME>': only letters, digits and"),
        (&["--name", ""], "--name"),
        (&["--limit", "fields=many"], "a whole number is needed"),
    ];
    for (args, culprit) in wrong {
        let output = run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(culprit) && !said.contains("panicked"), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    for args in [
        &["--set", "bare-lf"][..],
        &["--set", "bare-lf=often"],
        &["--limit", "fields"],
        &["--access-log", "xml"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn a_listener_that_is_taken_is_explained() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address, "--upstream", "127.0.0.1:9"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code().is_some_and(|code| code != 0), "{said}");
    assert!(said.contains(&address) && !said.contains("panicked"), "{said}");
}

/// A name that cannot be resolved, and one that can.
#[test]
fn the_upstream_may_have_a_name() {
    let upstream = Upstream::always(OK, After::Keep);
    let address = format!("localhost:{}", upstream.address.port());
    let gateway = Setup::new(&["--upstream", &address, "--timeout", "2"]).start();
    assert_eq!(gateway.get("/").whole().text(), "ok");
    let unknown = Setup::new(&["--upstream", "no-such-host.invalid:80", "--timeout", "5"]).start();
    let got = unknown.get("/");
    match got.status() {
        504 => got.answers(504),
        _ => got.blames(502, "dns-error"),
    }
}

#[test]
fn help_names_every_flag() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--listen",
        "--upstream",
        "--timeout",
        "--policy",
        "--set",
        "--limit",
        "--access-log",
        "--admin",
        "--name",
    ] {
        assert!(said.contains(flag), "{flag}: {said}");
    }
    for (name, counts) in badgateway::Limits::NAMES {
        assert!(said.contains(name) && said.contains(counts), "{name}: {said}");
    }
}

/// What `explain` says to do for an upstream with long cookies or many fields.
#[test]
fn limits_can_be_raised() {
    let cookie = format!("HTTP/1.1 204 No Content\r\nSet-Cookie: {}\r\n\r\n", "c".repeat(20_000));
    let fields: String = (0..150).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = format!("HTTP/1.1 204 No Content\r\n{fields}\r\n");
    let upstream = Upstream::reply(move |request| match &request.target[..] {
        "/cookie" => (cookie.clone().into_bytes(), After::Keep),
        _ => (many.clone().into_bytes(), After::Keep),
    });
    let usual = Gateway::before(&upstream);
    usual.get("/cookie").blames(502, "field-line-too-long");
    assert_eq!(usual.logged("/cookie")["field"], "Set-Cookie");
    usual.get("/many").blames(502, "header-section-too-large");
    let wide = Gateway::with(&upstream, &["--limit", "field_line=32768", "--limit", "fields=200"]);
    let cookie = wide.get("/cookie").whole();
    assert_eq!((cookie.status(), cookie.get("Set-Cookie").unwrap().len()), (204, 20_000));
    let many = wide.get("/many").whole();
    assert_eq!((many.status(), many.get("X-149").unwrap().as_str()), (204, "y"));
}

#[test]
fn metrics_count_rules_and_answers() {
    let upstream = Upstream::reply(|request| match &request.target[..] {
        "/bad" => (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n".to_vec(), After::Keep),
        "/lf" => (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok".to_vec(), After::Keep),
        _ => (OK.to_vec(), After::Keep),
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "2", "--admin", "127.0.0.1:0"]);
    for target in ["/bad", "/bad", "/bad", "/lf", "/lf", "/ok"] {
        assert!(matches!(gateway.get(target).whole().status(), 200 | 502));
    }
    // They are counted as they are logged.
    gateway.logged("/ok");
    let mut admin = Client::connect(gateway.metrics.unwrap());
    let got = admin.get("/-/metrics").whole();
    assert_eq!(got.status(), 200);
    assert!(got.get("Content-Type").unwrap().starts_with("text/plain"), "{got:?}");
    let text = got.text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let count = |label: &str| -> f64 {
        let lines = text.lines().filter(|line| !line.starts_with('#') && line.contains(label));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    assert_eq!(count("rule=\"invalid-content-length\""), 3.0, "{text}");
    assert_eq!(count("rule=\"bare-lf\""), 2.0, "{text}");
    assert!(count("502") >= 3.0, "{text}");
    assert!(text.contains("# TYPE ") && text.contains("# HELP "), "{text}");
    // Nowhere else, and nothing else there.
    assert_eq!(gateway.get("/-/metrics").whole().text(), "ok");
    assert!(upstream.requests().iter().any(|request| request.target == "/-/metrics"));
    let other = Client::connect(gateway.metrics.unwrap()).get("/ok").whole();
    assert_eq!(other.status(), 404);
}

#[test]
fn the_log_tells_rule_byte_and_evidence() {
    let long = format!("HTTP/1.1 200 OK\r\nA: \x01\"\\{}\r\n\r\n", "\u{e9}".repeat(100));
    let upstream = Upstream::reply(move |request| match &request.target[..] {
        "/bad" => (b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n".to_vec(), After::Keep),
        "/long" => (long.clone().into_bytes(), After::Keep),
        "/noted" => (b"HTTP/1.1 201 OK\nContent-Length: 02\n\nok".to_vec(), After::Keep),
        _ => (OK.to_vec(), After::Keep),
    });
    let gateway = Gateway::before(&upstream);
    for target in ["/bad", "/long", "/noted", "/ok?\"quoted\"&\\x"] {
        gateway.get(target).whole();
    }
    let bad = gateway.logged("/bad");
    let keys = [
        "time",
        "client",
        "method",
        "target",
        "upstream_status",
        "status",
        "outcome",
        "rule",
        "offset",
        "field",
        "evidence",
        "notes",
        "retried",
        "reused",
        "reuse",
        "content",
        "ms",
        "head_ms",
    ];
    for key in keys {
        assert!(bad.get(key).is_some(), "no {key}: {bad}");
    }
    assert_eq!(bad["method"], "GET");
    assert_eq!((&bad["status"], &bad["upstream_status"]), (&502.into(), &200.into()), "{bad}");
    assert_eq!((&bad["rule"], &bad["offset"]), (&"invalid-content-length".into(), &34.into()), "{bad}");
    assert!(bad["evidence"].as_str().unwrap().contains('x'), "{bad}");
    assert_eq!((&bad["field"], &gateway.logged("/noted")["field"]), (&"Content-Length".into(), &().into()));
    assert!(bad["ms"].is_number() && bad["client"].as_str().unwrap().starts_with("127.0.0.1"), "{bad}");
    let long = gateway.logged("/long");
    assert_eq!(long["offset"], 20, "{long}");
    let evidence = long["evidence"].as_str().unwrap();
    assert!(evidence.is_ascii() && evidence.bytes().all(|byte| byte >= 0x20), "{evidence:?}");
    assert!(evidence.contains("\\x01") && evidence.len() <= 64 * 4, "{evidence}");
    let noted = gateway.logged("/noted");
    assert_eq!((&noted["status"], &noted["outcome"]), (&201.into(), &"forwarded".into()), "{noted}");
    assert!(noted["rule"].is_null() && noted["offset"].is_null() && noted["evidence"].is_null(), "{noted}");
    let notes = noted["notes"].as_array().unwrap();
    for rule in ["bare-lf", "content-length-leading-zeros"] {
        assert!(notes.contains(&rule.into()), "{noted}");
    }
    assert_eq!(noted["content"], 2);
    // What clients write cannot forge a line or leave its place.
    assert_eq!(gateway.logged("/ok?\"quoted\"&\\x")["status"], 200);
    assert_eq!(gateway.raw_log().len(), 4);
}

#[test]
fn the_log_for_people_is_one_line_a_request() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: LEAK\x1b[2J\r\n\r\n", After::Keep);
    let upstream_address = upstream.address.to_string();
    let gateway = Setup::new(&["--upstream", &upstream_address, "--access-log", "human"]).start();
    gateway.get("/page").blames(502, "invalid-content-length");
    let lines = gateway.begun_log();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["GET", "/page", "502", "invalid-content-length", r#" "Content-Length: ...\x1b[2J"#] {
        assert!(lines[0].contains(part), "no {part}: {lines:?}");
    }
    assert!(lines[0].bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{lines:?}");
}

#[test]
fn refused_requests_are_logged_too() {
    let upstream = Upstream::always(OK, After::Keep);
    let gateway = Gateway::before(&upstream);
    let got = gateway.ask("GET /twice HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").whole();
    assert_eq!(got.status(), 400);
    gateway.begun_log();
    let line = &gateway.log_lines()[0];
    assert_eq!((&line["outcome"], &line["status"]), (&"refused".into(), &400.into()), "{line}");
}

#[test]
fn https_spoken_to_the_gateway_is_logged_as_such() {
    let upstream = Upstream::always(OK, After::Keep);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03");
    assert_eq!(client.read("GET").whole().status(), 400);
    gateway.begun_log();
    let line = &gateway.log_lines()[0];
    assert_eq!(line["refusal"], "This looks like TLS, and only plain http is spoken on this port.", "{line}");
}

/// A pipe takes some 200 lines, and some thousand more may wait for it.
#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let upstream = Upstream::always(OK, After::Keep);
    let address = upstream.address.to_string();
    let gateway = Setup::new(&["--upstream", &address, "--access-log", "json"]).with_log_unread().start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = gateway.connect().patience(Duration::from_secs(5));
                for n in 0..2000 {
                    let got = client.get(&format!("/{n}/{}", "a".repeat(100)));
                    assert!(got.complete && got.text() == "ok", "request {n}: {got:?}");
                }
            });
        }
    });
    assert!(gateway.memory("VmRSS") < 64 << 10, "lines are kept for ever");
}

#[test]
fn its_name_is_its_own() {
    let upstream = Upstream::reply(|request| match &request.target[..] {
        "/bad" => (b"HTTP/1.1 200 OK\r\nContent-Length: LEAK\r\n\r\n".to_vec(), After::Keep),
        _ => (OK.to_vec(), After::Keep),
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "2", "--name", "edge"]);
    let bad = gateway.get("/bad").whole();
    assert!(bad.get("Proxy-Status").unwrap().starts_with("edge; error="), "{bad:?}");
    assert!(!holds(&bad.wire, LEAK));
    let via = gateway.get("/").whole().get("Via").unwrap();
    assert!(via.starts_with("1.1 edge"), "{via}");
}

/// To the client a FIN would be the end of the reply.
#[test]
fn a_second_signal_cuts_what_is_in_flight() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(b"HTTP/1.1 200 OK\r\n\r\npart");
        line.hold();
    });
    let mut gateway = Gateway::with(&upstream, &["--timeout", "15"]);
    let mut client = gateway.connect();
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.exactly(15), b"HTTP/1.1 200 OK");
    gateway.signal("TERM");
    assert_eq!(gateway.ended(Duration::from_millis(200)), None, "the reply is waited for");
    gateway.signal("TERM");
    assert_eq!(client.rest().1, Ending::Rst);
    let status = gateway.ended(Duration::from_secs(3)).expect("the process ends");
    assert_eq!(status.code(), Some(0));
    assert_eq!(gateway.logged("/")["outcome"], "aborted");
}

#[test]
fn half_a_request_does_not_hold_up_the_end() {
    let upstream = Upstream::always(OK, After::Keep);
    let mut gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"GET /half HTTP/1.1\r\nHost: gate");
    thread::sleep(Duration::from_millis(100));
    gateway.signal("TERM");
    let status = gateway.ended(Duration::from_secs(1)).expect("the process ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_closed_standard_error_is_no_fault() {
    let upstream = Upstream::always(OK, After::Keep);
    let address = upstream.address.to_string();
    let mut gateway =
        Setup::new(&["--upstream", &address, "--access-log", "json"]).with_complaints_unheard().start();
    assert_eq!(gateway.get("/").whole().text(), "ok");
    assert_eq!(gateway.ended(Duration::from_millis(100)), None);
    assert_eq!(gateway.logged("/")["outcome"], "forwarded");
}

#[test]
fn idle_clients_keep_no_other_out() {
    let upstream = Upstream::always(OK, After::Keep);
    let address = upstream.address.to_string();
    let gateway = Setup::new(&["--upstream", &address, "--access-log", "json"]).with_files(64).start();
    let mut idle = Vec::new();
    for n in 0..41 {
        let mut client = gateway.connect().patience(Duration::from_secs(2));
        let got = client.get(&format!("/{n}"));
        assert!(got.complete && got.text() == "ok", "client {n}: {got:?}");
        idle.push(client);
    }
}

#[test]
fn an_upstream_is_a_host_and_a_port() {
    for upstream in
        ["http://x:80", "http://x", "http://x:80/", "x", "x/y:80", "user@x:80", "x y:80", ":80", "x:"]
    {
        let output = run(&["--listen", "127.0.0.1:0", "--upstream", upstream]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{upstream}: {said}");
        assert!(said.contains(upstream) && said.contains("--upstream"), "{upstream}: {said}");
        assert!(said.contains("host") || said.contains("port"), "{upstream}: {said}");
    }
}

/// So that nobody can make the log say what the gateway did not see.
#[test]
fn quotes_in_evidence_do_not_end_it() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: \"1\" retried\r\n\r\n", After::Keep);
    let address = upstream.address.to_string();
    let gateway = Setup::new(&["--upstream", &address, "--access-log", "human"]).start();
    gateway.get("/page").blames(502, "invalid-content-length");
    let line = &gateway.begun_log()[0];
    assert!(line.contains(r#" "Content-Length: ...\"1\" retried"#), "{line}");
    assert_eq!(line.replace(r#"\""#, "").matches('"').count(), 2, "{line}");
}

/// Whatever it may be called, it knows its name again, in the request it wrote.
#[test]
fn a_request_that_comes_back_is_a_loop() {
    for name in ["badgateway", "Edge.gw-1!#$%&'*+^_`|~"] {
        let upstream = Upstream::always(OK, After::Keep);
        let gateway = Gateway::with(&upstream, &["--timeout", "2", "--name", name]);
        assert_eq!(gateway.get("/first").whole().text(), "ok");
        let via = upstream.requests()[0].get("Via").unwrap().to_string();
        let got =
            gateway.ask(&format!("GET /again HTTP/1.1\r\nHost: gateway.test\r\nVia: {via}\r\n\r\n")).whole();
        assert_eq!(got.status(), 502, "{got:?}");
        assert!(got.get("Proxy-Status").unwrap().contains("error=proxy_loop_detected"), "{got:?}");
        assert_eq!(upstream.requests().len(), 1, "{name}");
    }
}

/// Where the reply is cut short no field is at fault, and what was received last is shown as it came.
#[test]
fn a_cut_is_no_fault_of_the_field_it_falls_into() {
    let cut = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12";
    let upstream = Upstream::always(cut, After::Fin);
    let address = upstream.address.to_string();
    let gateway = Setup::new(&["--upstream", &address, "--access-log", "human"]).start();
    gateway.get("/page").blames(502, "incomplete-header-section");
    let line = &gateway.begun_log()[0];
    let evidence = r#" "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12""#;
    assert!(line.contains(evidence), "{line}");
}
