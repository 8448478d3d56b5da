//! The request side: written out anew for the upstream, and refused where two readers could differ on it.

use crate::client::Ending;
use crate::harness::Gateway;
use crate::upstream::{After, Upstream};

fn echo() -> Upstream {
    Upstream::reply(|request| {
        let length = request.content.len();
        let mut reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        reply.extend(&request.content);
        (reply, After::Keep)
    })
}

#[test]
fn a_request_is_written_out_anew() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    let request = "GET /a?b=c HTTP/1.1\r\nhost: gateway.test\r\nX-A:  1 \r\n\
        Connection: X-Hop, keep-alive\r\nX-Hop: LEAK\r\nKeep-Alive: LEAK\r\nProxy-Connection: LEAK\r\nTE: LEAK\r\nProxy-Authorization: Basic x\r\nX-A: 2\r\n\r\n";
    assert_eq!(gateway.ask(request).whole().status(), 200);
    let seen = &upstream.requests()[0];
    assert!(seen.head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.all("Host").len(), 1, "{}", seen.head);
    assert_eq!(seen.all("X-A"), ["1", "2"]);
    assert!(!seen.head.contains("LEAK"), "{}", seen.head);
}

#[test]
fn an_old_request_is_written_out_as_a_new_one() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    assert_eq!(gateway.ask("GET /old HTTP/1.0\r\n\r\n").whole().status(), 200);
    let seen = &upstream.requests()[0];
    assert!(seen.head.starts_with("GET /old HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.all("Host").len(), 1, "HTTP/1.1 wants a Host: {}", seen.head);
}

#[test]
fn content_goes_up_by_length_and_in_chunks() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    let content: String = (0..100_000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let length = format!(
        "POST /l HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    );
    assert!(gateway.ask(&length).whole().text() == content);
    let mut chunked =
        "POST /c HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n".to_string();
    for chunk in content.as_bytes().chunks(3_333) {
        let text = std::str::from_utf8(chunk).unwrap();
        chunked += &format!("{:X}\r\n{text}\r\n", chunk.len());
    }
    chunked += "0\r\n\r\n";
    assert!(gateway.ask(&chunked).whole().text() == content);
    for seen in upstream.requests() {
        assert!(seen.all("Content-Length").len() + seen.all("Transfer-Encoding").len() == 1, "{}", seen.head);
    }
}

/// What two readers could take for different requests never reaches the upstream.
#[test]
fn ambiguous_requests_are_refused() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n";
    let heads = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5\r\n ,6\r\n",
        "Content-Length : 5\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Host: other.test\r\n",
        "A: b\r\n c\r\n",
        "A: b\n",
        "A: b\rC: d\r\n",
        "A: b\0c\r\n",
        "A\r\n",
        ": b\r\n",
    ];
    for head in heads {
        let request = format!("POST / HTTP/1.1\r\nHost: gateway.test\r\n{head}\r\n0\r\n\r\n{smuggled}");
        is_refused(&gateway, &request);
    }
    for line in [
        "GET /a b HTTP/1.1\r\nHost: gateway.test\r\n",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\nHost: gateway.test\r\n",
        "GET  / HTTP/1.1\r\nHost: gateway.test\r\n",
        "GET / HTTP/1.1\nHost: gateway.test\r\n",
        "GET http://other.test/ HTTP/1.1\r\nHost: gateway.test\r\nHost: other.test\r\n",
        "GET gopher://gateway.test/ HTTP/1.1\r\nHost: gateway.test\r\n",
        "GET a HTTP/1.1\r\nHost: gateway.test\r\n",
        "G@T / HTTP/1.1\r\nHost: gateway.test\r\n",
        "GET / HTTP/1.1\r\nHost: gate way\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    ] {
        is_refused(&gateway, &format!("{line}\r\n{smuggled}"));
    }
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
}

/// One answer, and the connection ends.
fn is_refused(gateway: &Gateway, request: &str) {
    let mut client = gateway.connect();
    client.send(request.as_bytes());
    let got = client.read("GET").whole();
    assert!(matches!(got.status(), 400 | 501 | 505), "{request:?}: {got:?}");
    let (rest, ending) = client.rest();
    assert!(rest.is_empty() && ending != Ending::Silent, "{request:?}: {ending:?} {}", rest.escape_ascii());
}

#[test]
fn bad_chunks_of_a_request_end_it() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    for chunks in [
        "x\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "-5\r\nhello\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut client = gateway.connect();
        client.send(format!("{head}{chunks}GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n").as_bytes());
        let got = client.read("POST");
        assert!(!got.complete || got.status() == 400, "{chunks:?}: {got:?}");
        let (rest, ending) = client.rest();
        assert!(rest.is_empty() && ending != Ending::Silent, "{chunks:?}: {ending:?}");
    }
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
}

#[test]
fn connect_is_refused() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"CONNECT other.test:80 HTTP/1.1\r\nHost: other.test:80\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let got = client.read("GET").whole();
    assert!((400..600).contains(&got.status()), "{got:?}");
    assert_ne!(client.rest().1, Ending::Silent);
    assert_eq!(upstream.connections(), 0);
}

/// The upstream answers before it has read the request: that answer is forwarded, and the connection not used again.
#[test]
fn an_early_reply_is_forwarded() {
    let upstream = Upstream::refusing();
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"POST /early HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000\r\n\r\n");
    client.send(&[b'a'; 1000]);
    let got = client.read("POST").whole();
    assert_eq!((got.status(), got.text().as_str()), (413, "no"));
    assert_ne!(gateway.logged("/early")["reuse"], "yes");
    assert_ne!(upstream.endings(), [Ending::Silent]);
}

/// Nor is it lost where the connection is reset under what is still being sent.
#[test]
fn an_early_reply_outlives_the_reset_behind_it() {
    let upstream = Upstream::serve(|mut line| {
        line.head();
        line.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
        line.pause(50);
        line.reset();
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10000000\r\n\r\n");
    let got = std::thread::scope(|scope| {
        let mut sender = client.twin();
        scope.spawn(move || sender.send(&vec![b'a'; 10_000_000]));
        client.read("POST")
    });
    assert!(got.complete && got.status() == 413, "{got:?}");
}

#[test]
fn a_reset_under_the_request_is_502() {
    let upstream = Upstream::serve(|mut line| {
        line.head();
        line.reset();
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"POST /cut HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10000\r\n\r\n");
    client.send(&[b'a'; 5000]);
    let got = client.read("POST");
    got.answers(502);
    let rule = gateway.logged("/cut")["rule"].clone();
    let fitting = ["request-write-failed", "connection-reset", "closed-before-first-byte"];
    assert!(fitting.iter().any(|id| rule == *id), "{rule}");
}

#[test]
fn an_absolute_target_is_written_as_a_path() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    let got = gateway.ask("GET http://gateway.test/abs?a=b HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    assert_eq!(got.whole().status(), 200);
    let seen = &upstream.requests()[0];
    assert!(seen.head.starts_with("GET /abs?a=b HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.all("Host").len(), 1, "{}", seen.head);
}

/// To HEAD there is no content, whoever answers.
#[test]
fn a_bad_head_request_is_refused_without_content() {
    let upstream = echo();
    let gateway = Gateway::before(&upstream);
    for (target, fields, status) in [
        ("/expect", "Host: gateway.test\r\nExpect: foo\r\n", 417),
        ("/host", "Host: gate way\r\n", 400),
        ("/hosts", "Host: a\r\nHost: b\r\n", 400),
    ] {
        let mut client = gateway.connect();
        client.send(format!("HEAD {target} HTTP/1.1\r\n{fields}\r\n").as_bytes());
        let got = client.read("HEAD").whole();
        assert_eq!(got.status(), status, "{got:?}");
        assert!(got.get("Content-Length").is_some_and(|length| length != "0"), "as for GET: {got:?}");
        assert_eq!(client.rest(), (Vec::new(), Ending::Fin), "{target}");
        let line = gateway.logged(target);
        assert_eq!((&line["method"], &line["status"]), (&"HEAD".into(), &status.into()), "{line}");
        assert_eq!(line["outcome"], "refused", "{line}");
    }
    assert_eq!(upstream.connections(), 0);
}

/// Content that nobody waits for any more is not taken for a request: the client is told that the connection ends.
#[test]
fn a_refusal_under_the_upload_closes_the_connection() {
    let upstream = Upstream::serve(|mut line| {
        let Some(request) = line.head() else { return };
        let is_whole = request.target == "/whole";
        if is_whole {
            line.content(&request);
        }
        // One request a connection, so that none of these is sent on one that another has left.
        line.send(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
        // The rest of the content is not read: that is a reset.
        line.pause(50);
    });
    let gateway = Gateway::before(&upstream);
    std::thread::scope(|scope| {
        for (target, expect) in [("/large", ""), ("/large", "Expect: 100-continue\r\n"), ("/whole", "")] {
            let gateway = &gateway;
            scope.spawn(move || {
                let length = if target == "/whole" { 5 } else { 4_000_000 };
                let mut client = gateway.connect();
                client.send(
                    format!(
                        "POST {target} HTTP/1.1\r\nHost: gateway.test\r\n{expect}Content-Length: {length}\r\n\r\n"
                    )
                    .as_bytes(),
                );
                let mut sender = client.twin();
                let sends = expect.is_empty();
                let sending = scope.spawn(move || sends && sender.send(&vec![b'a'; length]));
                let got = client.read("POST").whole();
                assert_eq!((got.status(), got.text().as_str()), (413, "no"), "{got:?}");
                sending.join().unwrap();
                if target == "/whole" {
                    assert_eq!(got.get("Connection"), None, "{got:?}");
                } else {
                    assert_eq!(got.get("Connection").as_deref(), Some("close"), "{got:?}");
                    assert_eq!(client.rest(), (Vec::new(), Ending::Fin));
                }
            });
        }
    });
}
