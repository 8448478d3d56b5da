//! What the gateway makes of replies on their way: interim ones, switched protocols, fields for one hop, framing made
//! anew, and its own answers.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Ending, Framed, is_imf_fixdate};
use crate::harness::{Gateway, PATIENCE};
use crate::upstream::{After, Upstream};
use crate::{DATE, LEAK, holds};

const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\n\
    Link: </a.css>\r\nKeep-Alive: LEAK\r\nConnection: X-Hop\r\nX-Hop: LEAK\r\n\r\n\
    HTTP/1.1 142 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn interim_replies_reach_http_1_1_clients() {
    let upstream = Upstream::always(HINTS, After::Keep);
    let gateway = Gateway::before(&upstream);
    let got = gateway.get("/").whole();
    let lines: Vec<&str> = got.interims.iter().map(|head| head.line.as_str()).collect();
    assert_eq!(lines, ["HTTP/1.1 103 Early Hints", "HTTP/1.1 142 Odd"]);
    assert_eq!(got.interims[0].all("Link"), ["</a.css>"]);
    assert!(!holds(&got.wire, LEAK), "{got:?}");
    assert_eq!((got.status(), got.text().as_str()), (200, "ok"));
    let head = gateway.ask("HEAD / HTTP/1.1\r\nHost: gateway.test\r\n\r\n").whole();
    assert_eq!((head.interims.len(), head.status()), (2, 200));
}

#[test]
fn an_interim_reply_does_not_wait_for_the_final_one() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        line.hold();
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "10"]);
    let mut client = gateway.connect().patience(Duration::from_secs(5));
    client.send(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    let received = client.exactly(24);
    assert_eq!(received, b"HTTP/1.1 103 Early Hints");
}

#[test]
fn interim_replies_are_kept_from_http_1_0_clients() {
    let upstream = Upstream::always(HINTS, After::Keep);
    let got = Gateway::before(&upstream).ask("GET / HTTP/1.0\r\nHost: gateway.test\r\n\r\n").whole();
    assert!(got.interims.is_empty(), "{got:?}");
    assert_eq!((got.status(), got.text().as_str()), (200, "ok"));
}

#[test]
fn an_interim_reply_may_be_followed_by_an_answer() {
    let reply = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: LEAK\r\n\r\n";
    let upstream = Upstream::always(reply, After::Keep);
    let got = Gateway::before(&upstream).get("/");
    got.blames(502, "invalid-content-length");
    assert!(!holds(&got.wire, LEAK), "{got:?}");
}

#[test]
fn continue_is_for_those_who_asked() {
    let reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let upstream = Upstream::always(reply, After::Keep);
    let gateway = Gateway::before(&upstream);
    assert!(gateway.get("/").whole().interims.is_empty());
    let post = "POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 2\r\n\r\nok";
    assert!(gateway.ask(post).whole().interims.is_empty());
}

#[test]
fn content_waits_for_the_continue_of_the_upstream() {
    let upstream = Upstream::serve(|mut line| {
        while let Some(request) = line.head() {
            assert_eq!(request.get("Expect"), Some("100-continue"));
            line.send(b"HTTP/1.1 100 Continue\r\n\r\n");
            let content = line.content(&request).unwrap();
            let length = content.len();
            line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes());
            line.send(&content);
        }
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client
        .send(b"POST / HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.may_continue();
    client.send(b"hello");
    let got = client.read("POST").whole();
    assert_eq!((got.status(), got.text().as_str()), (200, "hello"));
}

/// A refusal in place of 100 Continue: the content is never sent.
#[test]
fn a_final_reply_in_place_of_continue_is_forwarded() {
    let upstream = Upstream::refusing();
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client
        .send(b"POST / HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    let got = client.read("POST").whole();
    assert_eq!((got.status(), got.text().as_str()), (413, "no"));
    assert_ne!(upstream.endings(), [Ending::Silent], "that connection is of no more use");
}

const UPGRADE: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: gateway.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn a_switch_that_was_asked_for_tunnels_both_ways() {
    let upstream = Upstream::serve(|mut line| {
        let request = line.request().unwrap();
        assert_eq!(request.get("Upgrade"), Some("websocket"));
        assert!(request.all("Connection").join(",").to_ascii_lowercase().contains("upgrade"), "{request:?}");
        line.send(SWITCH.as_bytes());
        line.send(b"\x81\x00 first");
        let early = line.exactly(5).unwrap();
        line.send(&early);
        let large = line.exactly(300_000).unwrap();
        line.send(&large);
        line.hold();
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(UPGRADE);
    let got = client.read("GET").whole();
    assert_eq!((got.status(), got.framed), (101, Framed::Tunnel));
    assert_eq!(got.get("Upgrade").unwrap().to_ascii_lowercase(), "websocket");
    assert!(got.get("Connection").unwrap().to_ascii_lowercase().contains("upgrade"), "{got:?}");
    assert_eq!(got.get("Sec-WebSocket-Accept").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(client.exactly(8), b"\x81\x00 first");
    client.send(b"hello");
    assert_eq!(client.exactly(5), b"hello");
    let large: Vec<u8> = (0..300_000u32).map(|n| n as u8).collect();
    client.send(&large);
    assert!(client.exactly(large.len()) == large);
    client.finish();
    assert_eq!(client.rest(), (Vec::new(), Ending::Fin));
    assert_eq!(upstream.endings(), [Ending::Fin]);
    let line = gateway.logged("/chat");
    assert_eq!((&line["outcome"], &line["status"]), (&"tunnelled".into(), &101.into()), "{line}");
}

#[test]
fn bytes_of_the_new_protocol_may_come_with_the_head() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(format!("{SWITCH}first").as_bytes());
        line.fin();
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(UPGRADE);
    assert_eq!(client.read("GET").whole().status(), 101);
    assert_eq!(client.exactly(5), b"first");
}

/// The log counts what the client got, however the tunnel ends.
#[test]
fn a_tunnel_ends_at_the_client_as_it_did_at_the_upstream() {
    let upstream = Upstream::serve(|mut line| {
        let request = line.request().unwrap();
        line.send(format!("{SWITCH}first").as_bytes());
        line.send(&[b'a'; 100_000]);
        // The client has got all.
        line.exactly(4);
        match &request.target[..] {
            "/rst" => line.reset(),
            _ => line.fin(),
        }
    });
    let gateway = Gateway::before(&upstream);
    for (target, ending) in [("/rst", Ending::Rst), ("/fin", Ending::Fin)] {
        let mut client = gateway.connect();
        client.send(String::from_utf8_lossy(UPGRADE).replace("/chat", target).as_bytes());
        assert_eq!(client.read("GET").whole().status(), 101);
        assert_eq!(client.exactly(100_005).len(), 100_005);
        client.send(b"done");
        assert_eq!(client.rest(), (Vec::new(), ending), "{target}");
        drop(client);
        let line = gateway.logged(target);
        assert_eq!((&line["outcome"], &line["content"]), (&"tunnelled".into(), &100_005.into()), "{line}");
    }
}

#[test]
fn a_switch_that_was_not_asked_for_is_refused() {
    let reply = format!("{SWITCH}LEAK");
    let upstream = Upstream::always(reply.as_bytes(), After::Keep);
    let gateway = Gateway::before(&upstream);
    let got = gateway.get("/");
    got.blames(502, "unsolicited-switching-protocols");
    assert!(!holds(&got.wire, LEAK), "{got:?}");
    // Upgrade without the connection option asks for nothing, as it is not for this hop.
    let unnamed = gateway.ask("GET / HTTP/1.1\r\nHost: gateway.test\r\nUpgrade: websocket\r\n\r\n");
    unnamed.blames(502, "unsolicited-switching-protocols");
    // Nor may HTTP/1.0 clients ask.
    let old = gateway.ask("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    old.blames(502, "unsolicited-switching-protocols");
}

#[test]
fn a_switch_to_another_protocol_is_refused() {
    let reply = format!("{}LEAK", SWITCH.replace("websocket", "chat"));
    let upstream = Upstream::always(reply.as_bytes(), After::Keep);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(UPGRADE);
    let got = client.read("GET");
    got.blames(502, "switching-protocols-upgrade-mismatch");
    assert!(!holds(&got.wire, LEAK), "{got:?}");
}

#[test]
fn an_upgrade_not_taken_up_is_an_ordinary_reply() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", After::Keep);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(UPGRADE);
    let got = client.read("GET").whole();
    assert_eq!((got.status(), got.text().as_str()), (200, "ok"));
    assert_eq!(client.get("/next").whole().status(), 200);
}

/// Were any content forwarded, it would be taken for the start of the second reply.
#[test]
fn replies_without_content_are_followed_by_the_next() {
    let upstream = Upstream::reply(|request| {
        let reply: &[u8] = match &request.target[..] {
            "/head" => b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n",
            "/head-chunked" => b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n",
            "/204" => b"HTTP/1.1 204 No Content\r\nETag: \"a\"\r\n\r\n",
            "/304" => b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\n",
            "/304-chunked" => {
                b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n"
            }
            "/205" => b"HTTP/1.1 205 Reset Content\r\nETag: \"a\"\r\nContent-Length: 0\r\n\r\n",
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast",
        };
        (reply.to_vec(), After::Keep)
    });
    let gateway = Gateway::before(&upstream);
    for (method, target, length) in [
        ("HEAD", "/head", Some("5")),
        ("HEAD", "/head-chunked", None),
        ("GET", "/204", None),
        ("GET", "/304", Some("5")),
        ("GET", "/304-chunked", None),
        ("GET", "/205", Some("0")),
    ] {
        let mut client = gateway.connect();
        client.send(format!("{method} {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n").as_bytes());
        let got = client.read(method).whole();
        assert_eq!(got.get("ETag").as_deref(), Some("\"a\""), "{got:?}");
        assert_eq!(got.get("Content-Length").as_deref(), length, "{target}: {got:?}");
        let next = client.get("/next").whole();
        assert_eq!((next.status(), next.text().as_str()), (200, "last"), "after {target}");
    }
}

/// A 205 has no content, so that nobody waits for the end of it.
#[test]
fn endless_content_of_a_205_holds_nobody_up() {
    const FRAMINGS: [&str; 3] = ["Transfer-Encoding: chunked\r\n", "Content-Length: 1000000000\r\n", ""];
    for framing in FRAMINGS {
        let upstream = Upstream::serve(move |mut line| {
            let Some(request) = line.request() else { return };
            if request.target == "/next" {
                line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
                return;
            }
            line.send(format!("HTTP/1.1 205 Reset Content\r\n{framing}\r\n").as_bytes());
            let started = Instant::now();
            while line.send(b"4\r\nLEAK\r\n") && started.elapsed() < PATIENCE {
                line.pause(10);
            }
            line.hold();
        });
        let gateway = Gateway::before(&upstream);
        let mut client = gateway.connect().patience(Duration::from_secs(3));
        let got = client.get("/").whole();
        assert_eq!(
            (got.status(), got.framed, &got.content[..]),
            (205, Framed::Length(0), &b""[..]),
            "{got:?}"
        );
        let next = client.get("/next").whole();
        assert_eq!((next.status(), next.text().as_str()), (200, "ok"), "{framing}");
        let dropped = Instant::now();
        assert_ne!(upstream.endings(), [Ending::Silent], "the upstream is let go");
        assert!(dropped.elapsed() < Duration::from_secs(4), "{framing}: {:?}", dropped.elapsed());
    }
}

#[test]
fn http_1_0_clients_get_neither_chunks_nor_trailers() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n";
    let upstream = Upstream::reply(|request| match &request.target[..] {
        "/chunked" => (chunked.to_vec(), After::Keep),
        "/length" => (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(), After::Keep),
        _ => (b"HTTP/1.1 200 OK\r\n\r\nok".to_vec(), After::Fin),
    });
    let gateway = Gateway::before(&upstream);
    for (target, framed) in
        [("/chunked", Framed::ToClose), ("/length", Framed::Length(2)), ("/to-close", Framed::ToClose)]
    {
        let mut client = gateway.connect();
        client.send(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes());
        let got = client.read("GET").whole();
        assert_eq!((got.framed, got.text().as_str()), (framed, "ok"), "{got:?}");
        assert_eq!(got.head().line, "HTTP/1.1 200 OK");
        assert_eq!(got.get("Connection").as_deref(), Some("close"), "{got:?}");
        assert_eq!(client.rest(), (Vec::new(), Ending::Fin), "{target}");
    }
}

#[test]
fn the_answer_reaches_http_1_0_clients_too() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", After::Keep);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    client.read("GET").blames(502, "invalid-content-length");
    assert_eq!(client.rest(), (Vec::new(), Ending::Fin));
}

#[test]
fn fields_for_one_hop_stay_behind() {
    let reply = b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-One\r\nA: 1\r\nX-One: LEAK\r\n\
        Keep-Alive: timeout=9, a=LEAK\r\nProxy-Connection: LEAK\r\n\
        Connection: x-two, cache-control\r\nX-TWO: LEAK\r\nCache-Control: no-cache\r\n\
        Proxy-Authenticate: Basic\r\nB: 2\r\nContent-Length: 2\r\n\r\nok";
    let upstream = Upstream::always(reply, After::Keep);
    let got = Gateway::before(&upstream).get("/").whole();
    let fields: Vec<String> = got.fields().into_iter().filter(|field| !field.starts_with("Date: ")).collect();
    let kept: Vec<&str> =
        fields.iter().map(String::as_str).filter(|field| !field.starts_with("Proxy-A")).collect();
    assert_eq!(kept, ["A: 1", "Cache-Control: no-cache", "B: 2"]);
    assert!(!holds(&got.wire, LEAK), "{got:?}");
}

#[test]
fn upgrade_required_keeps_its_upgrade() {
    let reply = b"HTTP/1.1 426 Upgrade Required\r\n\
        Connection: upgrade\r\nUpgrade: IRC/6.9\r\nContent-Length: 0\r\n\r\n";
    let upstream = Upstream::always(reply, After::Keep);
    let got = Gateway::before(&upstream).get("/").whole();
    assert_eq!(got.get("Upgrade").as_deref(), Some("IRC/6.9"), "{got:?}");
    assert!(got.get("Connection").unwrap().to_ascii_lowercase().contains("upgrade"), "{got:?}");
}

#[test]
fn the_gateway_adds_itself_to_via() {
    let reply = |version: &str| {
        format!(
            "HTTP/{version} 200 OK\r\nVia: 1.1 inner, 1.0 outer\r\nDate: {DATE}\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let upstream = Upstream::reply(move |request| (reply(&request.target[1..]).into_bytes(), After::Fin));
    let gateway = Gateway::before(&upstream);
    for version in ["1.1", "1.0"] {
        let got = gateway.get(&format!("/{version}")).whole();
        let via = got.head().all("Via").join(", ");
        let own = via.strip_prefix("1.1 inner, 1.0 outer, ").unwrap_or_else(|| panic!("Via: {via}"));
        let port = gateway.address.port();
        assert_eq!(own, format!("{version} badgateway:{port}"));
    }
}

#[test]
fn folds_are_unfolded_where_they_are_tolerated() {
    let reply = b"HTTP/1.1 200 OK\r\nA: b\r\n \t c \r\nContent-Length: 2\r\n\r\nok";
    let upstream = Upstream::always(reply, After::Keep);
    let got = Gateway::with(&upstream, &["--policy", "compat"]).get("/").whole();
    let value = got.get("A").unwrap();
    assert_eq!(value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(!value.contains('\t'), "{value}");
}

#[test]
fn trailers_reach_http_1_1_clients() {
    let reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Check\r\n\r\n2\r\nok\r\n\
        0\r\nCheck: \t1 \r\nCheck: 2\r\nConnection: LEAK\r\nContent-Length: 9\r\n\r\n";
    let upstream = Upstream::always(reply, After::Keep);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    let got = client.get("/").whole();
    assert_eq!((got.framed, got.text().as_str()), (Framed::Chunked, "ok"));
    assert_eq!(got.trailer_lines(), ["Check: 1", "Check: 2"]);
    assert!(!holds(&got.wire, LEAK), "{got:?}");
    assert_eq!(client.get("/").whole().trailer_lines(), ["Check: 1", "Check: 2"]);
}

#[test]
fn content_that_ends_with_the_connection_is_sent_in_chunks() {
    let upstream = Upstream::always(b"HTTP/1.0 200 OK\r\n\r\nhello", After::Fin);
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    for _ in 0..2 {
        let got = client.get("/").whole();
        assert_eq!((got.framed, got.text().as_str()), (Framed::Chunked, "hello"));
    }
}

/// Large content, through a pipe that has to wait for both ends.
#[test]
fn large_content_arrives_as_it_was_sent() {
    let content: Vec<u8> = (0..2_000_000u32).map(|n| (n / 7) as u8).collect();
    let sent = content.clone();
    let upstream = Upstream::reply(move |request| {
        let mut reply = b"HTTP/1.1 200 OK\r\n".to_vec();
        match &request.target[..] {
            "/length" => reply.extend(format!("Content-Length: {}\r\n\r\n", sent.len()).bytes()),
            "/chunked" => reply.extend(b"Transfer-Encoding: chunked\r\n\r\n"),
            _ => reply.extend(b"\r\n"),
        }
        if request.target == "/chunked" {
            for chunk in sent.chunks(12_345) {
                reply.extend(format!("{:x}\r\n", chunk.len()).bytes());
                reply.extend(chunk);
                reply.extend(b"\r\n");
            }
            reply.extend(b"0\r\n\r\n");
        } else {
            reply.extend(&sent);
        }
        (reply, if request.target == "/to-close" { After::Fin } else { After::Keep })
    });
    let gateway = Gateway::before(&upstream);
    for target in ["/length", "/chunked", "/to-close"] {
        assert!(gateway.get(target).whole().content == content, "{target}");
    }
}

#[test]
fn requests_on_one_connection_get_their_own_replies() {
    let upstream = Upstream::reply(|request| {
        let target = &request.target;
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}", target.len());
        (reply.into_bytes(), After::Keep)
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    assert_eq!(client.get("/one").whole().text(), "/one");
    assert_eq!(client.get("/two").whole().text(), "/two");
    // Pipelined.
    let asked: Vec<String> = (0..20).map(|n| format!("/p{n}")).collect();
    let requests: String =
        asked.iter().map(|target| format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n")).collect();
    client.send(requests.as_bytes());
    for target in &asked {
        assert_eq!(client.read("GET").whole().text(), *target);
    }
    // An answer of the gateway leaves the connection as it was.
    client.send(b"GET /last HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n");
    let last = client.read("GET").whole();
    assert_eq!(last.get("Connection").as_deref(), Some("close"));
    assert_eq!(client.rest(), (Vec::new(), Ending::Fin));
}

#[test]
fn a_client_goes_on_after_an_answer() {
    let upstream = Upstream::reply(|request| {
        let reply: &[u8] = match &request.target[..] {
            "/bad" => b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nLEAK",
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        };
        (reply.to_vec(), After::Keep)
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    for _ in 0..3 {
        client.get("/bad").blames(502, "invalid-content-length");
        assert_eq!(client.get("/good").whole().text(), "ok");
    }
}

#[test]
fn the_answer_comes_in_the_form_that_is_accepted() {
    let upstream = Upstream::always(b"HTTP/1.1 200 LEAK\r\nA: LEAK\r\n LEAK\r\n\r\nLEAK", After::Keep);
    let gateway = Gateway::before(&upstream);
    let html = "text/html; charset=UTF-8";
    for (accept, wanted) in [
        ("", "text/plain"),
        ("Accept: */*\r\n", "text/plain"),
        ("Accept: image/png\r\n", "text/plain"),
        ("Accept: text/plain\r\n", "text/plain"),
        ("Accept: text/html\r\n", html),
        ("Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n", html),
        ("Accept: text/html;q=0.1, text/plain\r\n", "text/plain"),
        ("Accept: application/problem+json\r\n", "application/problem+json"),
        ("Accept: text/html;q=0\r\n", "text/plain"),
    ] {
        let got = gateway.ask(&format!("GET / HTTP/1.1\r\nHost: gateway.test\r\n{accept}\r\n"));
        got.blames(502, "obs-fold");
        let form = got.get("Content-Type").unwrap();
        assert_eq!(form.split(';').next(), wanted.split(';').next(), "{accept}{got:?}");
        assert!(wanted != html || form == html, "{form}");
        assert!(!got.content.is_empty() && !holds(&got.wire, LEAK), "{got:?}");
        match wanted {
            "application/problem+json" => {
                let problem: Value = serde_json::from_slice(&got.content).unwrap();
                assert_eq!(problem["status"], 502);
                assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
            }
            "text/plain" => assert!(!got.text().contains('<'), "{got:?}"),
            _ => assert!(got.text().contains("<title>") && got.text().contains("<h1"), "{got:?}"),
        }
        // To HEAD the same head, and no content.
        let mut client = gateway.connect();
        client.send(format!("HEAD / HTTP/1.1\r\nHost: gateway.test\r\n{accept}\r\n").as_bytes());
        let head = client.read("HEAD");
        head.blames(502, "obs-fold");
        assert_eq!(head.get("Content-Length"), got.get("Content-Length"), "{head:?}");
        assert_eq!(head.get("Content-Type"), got.get("Content-Type"), "{head:?}");
        assert!(client.is_quiet(Duration::from_millis(10)), "content to HEAD");
        assert!(is_imf_fixdate(&head.get("Date").unwrap()));
    }
}

/// Content streams: the first part arrives while the second is yet to be sent.
#[test]
fn content_does_not_wait_for_its_end() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
        line.hold();
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "15"]);
    let mut client = gateway.connect().patience(Duration::from_secs(5));
    client.send(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    let mut seen = Vec::new();
    while !holds(&seen, "first") {
        let byte = client.exactly(1);
        assert!(!byte.is_empty(), "{}", seen.escape_ascii());
        seen.extend(byte);
    }
}
