//! Upstreams and clients that are slow, silent or gone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Ending;
use crate::harness::{Gateway, PATIENCE};
use crate::upstream::{After, Upstream};

/// In seconds, as the gateway takes it.
const TIMEOUT: f64 = 0.5;

fn impatient(upstream: &Upstream) -> Gateway {
    Gateway::with(upstream, &["--timeout", &TIMEOUT.to_string()])
}

/// In timeouts.
fn timeouts_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() / TIMEOUT
}

/// Sends these parts with pauses between them, and then nothing.
fn parts(parts: &'static [&'static str], pause: u64) -> Upstream {
    Upstream::serve(move |mut line| {
        if line.request().is_none() {
            return;
        }
        for part in parts {
            line.send(part.as_bytes());
            line.pause(pause);
        }
        line.hold();
    })
}

#[test]
fn silence_before_the_head_is_504_in_about_the_timeout() {
    const STARTS: [&[&str]; 3] = [&[""], &["HTTP/1.1 20"], &["HTTP/1.1 200 OK\r\nContent-Le"]];
    thread::scope(|scope| {
        for start in STARTS {
            scope.spawn(move || {
                let upstream = parts(start, 0);
                let gateway = impatient(&upstream);
                let started = Instant::now();
                gateway.get("/").blames(504, "response-header-timeout");
                let took = timeouts_since(started);
                assert!((0.9..4.0).contains(&took), "{took} timeouts");
                assert_ne!(upstream.endings(), [Ending::Silent], "the upstream is let go");
            });
        }
    });
}

#[test]
fn silence_within_the_content_is_an_abort() {
    const STARTS: [&[&str]; 4] = [
        &["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n"],
        &["HTTP/1.1 200 OK\r\n\r\nhello"],
    ];
    thread::scope(|scope| {
        for start in STARTS {
            for version in ["1.1", "1.0"] {
                scope.spawn(move || {
                    let upstream = parts(start, 0);
                    let gateway = impatient(&upstream);
                    let started = Instant::now();
                    let got =
                        gateway.ask(&format!("GET / HTTP/{version}\r\nHost: gateway.test\r\n\r\n")).cut();
                    let took = timeouts_since(started);
                    assert!((0.9..4.0).contains(&took), "{took} timeouts");
                    assert_eq!(got.status(), 200);
                    let line = gateway.logged("/");
                    assert_eq!(line["rule"], "response-body-timeout", "{line}");
                    assert_eq!(line["outcome"], "aborted", "{line}");
                    assert_ne!(upstream.endings(), [Ending::Silent], "the upstream is let go");
                });
            }
        }
    });
}

/// A byte now and then, each within the timeout, and never an end.
#[test]
fn an_upstream_that_drips_its_head_for_ever_meets_a_deadline() {
    let drips: [(&str, &[u8]); 3] = [
        ("/head", b"HTTP/1.1 200 OK\r\nX-A: "),
        ("/interim", b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: "),
        ("/interims", b""),
    ];
    let upstream = Upstream::serve(move |mut line| {
        let Some(request) = line.request() else { return };
        let (_, start) = drips.iter().find(|(target, _)| *target == request.target).unwrap();
        let drop: &[u8] = if start.is_empty() { b"HTTP/1.1 102 x\r\n\r\n" } else { b"a" };
        line.send(start);
        let started = Instant::now();
        while line.send(drop) && started.elapsed() < PATIENCE {
            line.pause(200);
        }
    });
    let gateway = impatient(&upstream);
    thread::scope(|scope| {
        for (target, _) in drips {
            let gateway = &gateway;
            scope.spawn(move || {
                let started = Instant::now();
                let got = gateway.get(target);
                let took = timeouts_since(started);
                assert!(got.complete && matches!(got.status(), 502 | 504), "{got:?}");
                // Sixteen interim replies are one limit, time is another.
                assert!(got.status() == 504 || target == "/interims", "{got:?}");
                assert!((2.0..10.0).contains(&took), "{target}: {took} timeouts");
            });
        }
    });
}

#[test]
fn slow_but_valid_replies_pass() {
    let upstream = Upstream::serve(|mut line| {
        while let Some(request) = line.request() {
            let reply: &[u8] = match &request.target[..] {
                "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            };
            let head = reply.len() - 20;
            line.send(&reply[..12]);
            line.pause(150);
            line.send(&reply[12..head]);
            // The content takes longer than the timeout, each byte of it less.
            for byte in reply[head..].chunks(3) {
                line.pause(120);
                line.send(byte);
            }
        }
    });
    let gateway = impatient(&upstream);
    thread::scope(|scope| {
        for target in ["/length", "/chunked"] {
            let gateway = &gateway;
            scope.spawn(move || {
                let got = gateway.get(target).whole();
                assert_eq!((got.status(), got.text().as_str()), (200, "hello"));
            });
        }
    });
}

#[test]
fn a_client_that_leaves_frees_the_upstream() {
    const STARTS: [&[&str]; 3] = [
        &[""],
        &["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"],
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
    ];
    thread::scope(|scope| {
        for start in STARTS {
            scope.spawn(move || {
                let upstream = parts(start, 0);
                let gateway = Gateway::with(&upstream, &["--timeout", "15"]);
                let mut client = gateway.connect();
                client.send(b"GET /gone HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
                thread::sleep(Duration::from_millis(150));
                drop(client);
                let started = Instant::now();
                let endings = upstream.endings();
                assert!(matches!(endings[..], [Ending::Fin | Ending::Rst]), "{endings:?}");
                assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
                assert_eq!(gateway.logged("/gone")["outcome"], "left");
            });
        }
    });
}

/// Who only says that no further request will come is still owed the reply.
#[test]
fn a_client_that_has_no_more_to_ask_is_answered() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.pause(100);
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        line.hold();
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    client.finish();
    let got = client.read("GET");
    assert!(got.complete && got.text() == "ok", "{got:?}");
}

const LARGE: usize = 32 << 20;

/// What it gets comes for longer than the upstream may be silent.
#[test]
fn a_client_that_has_half_left_gets_a_slow_reply_whole() {
    let upstream = parts(&["HTTP/1.1 200", " OK\r\nContent-", "Length: 2\r\n", "\r\n", "o", "k"], 250);
    let gateway = impatient(&upstream);
    let mut client = gateway.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
    client.finish();
    let got = client.read("GET").whole();
    assert_eq!((got.status(), got.text().as_str()), (200, "ok"));
}

/// The gateway holds no more of a large reply than it is about to send.
#[test]
fn a_slow_client_costs_little_memory() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
        let block: Vec<u8> = (0..65536u32).map(|n| (n % 251) as u8).collect();
        for _ in 0..LARGE / block.len() {
            line.send(&block);
        }
        line.hold();
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "5"]);
    let mut client = TcpStream::connect(gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n").unwrap();
    let (mut received, mut most) = (0, 0);
    let mut piece = vec![0; 1 << 20];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut piece[..1]).unwrap();
        head.push(piece[0]);
    }
    // Nothing is read for a while, then slowly, then all.
    thread::sleep(Duration::from_millis(500));
    while received < LARGE {
        let n = client.read(&mut piece).unwrap();
        assert!(n > 0, "{received} bytes of {LARGE}");
        let as_sent = piece[..n].iter().zip(received..).all(|(&byte, at)| byte == (at % 65536 % 251) as u8);
        assert!(as_sent, "other bytes at {received}");
        received += n;
        most = most.max(gateway.memory("VmRSS"));
        if received < 4 << 20 {
            thread::sleep(Duration::from_millis(5));
        }
    }
    assert!(most < 64 << 10, "{most} KiB");
}

/// A large request that the upstream is slow to take.
#[test]
fn a_slow_upstream_costs_little_memory() {
    let upstream = Upstream::serve(|mut line| {
        let Some(request) = line.head() else { return };
        line.pause(500);
        let content = line.content(&request).unwrap();
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{:08}", content.len());
        line.send(reply.as_bytes());
        line.hold();
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "5"]);
    let mut client = gateway.connect();
    client
        .send(format!("POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
    client.send(&vec![b'a'; LARGE]);
    assert_eq!(client.read("POST").whole().text(), LARGE.to_string());
    let most = gateway.memory("VmHWM");
    assert!(most < 64 << 10, "{most} KiB");
}

#[test]
fn an_upstream_that_dies_midway_is_seen_and_forgotten() {
    let upstream = Upstream::serve(|mut line| {
        while let Some(request) = line.request() {
            if request.target == "/dies" {
                line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
                line.send(&[b'a'; 50_000]);
                return line.reset();
            }
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let gateway = Gateway::before(&upstream);
    for _ in 0..5 {
        let got = gateway.get("/dies");
        assert!(!got.complete || got.status() == 502, "{got:?}");
        assert_eq!(gateway.get("/lives").whole().text(), "ok");
    }
    assert_eq!(gateway.logged("/dies")["rule"], "connection-reset");
}

/// It comes back, and so does the gateway.
#[test]
fn an_upstream_that_comes_back_is_found_again() {
    let upstream = Upstream::always(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", After::Fin);
    let address = upstream.address;
    let gateway = Gateway::with(&upstream, &["--timeout", "1"]);
    assert_eq!(gateway.get("/").whole().status(), 200);
    drop(upstream);
    thread::sleep(Duration::from_millis(100));
    gateway.get("/").blames(502, "connection-refused");
    let Ok(listener) = std::net::TcpListener::bind(address) else {
        eprintln!("{address} has been taken by another program; that the upstream comes back is not tested");
        return;
    };
    let back = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback").unwrap();
    });
    assert_eq!(gateway.get("/").whole().text(), "back");
    back.join().unwrap();
}

#[test]
fn an_upstream_that_does_not_read_is_504() {
    let upstream = Upstream::serve(|mut line| {
        line.head();
        // As long as nothing is read, nothing is noticed either.
        line.pause(3000);
    });
    let gateway = impatient(&upstream);
    let mut client = gateway.connect();
    client
        .send(format!("POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
    let got = thread::scope(|scope| {
        let mut sender = client.twin();
        scope.spawn(move || sender.send(&vec![b'a'; LARGE]));
        client.read("POST")
    });
    got.blames(504, "request-write-timeout");
}

/// It has begun to answer, and then neither reads nor writes.
#[test]
fn an_upstream_that_stops_in_both_directions_is_an_abort() {
    let upstream = Upstream::serve(|mut line| {
        line.head();
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        line.pause(2500);
        line.hold();
    });
    let gateway = impatient(&upstream);
    let before = gateway.descriptors();
    let mut client = gateway.connect();
    let started = Instant::now();
    client
        .send(format!("POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {LARGE}\r\n\r\n").as_bytes());
    let got = thread::scope(|scope| {
        let mut sender = client.twin();
        scope.spawn(move || sender.send(&vec![b'a'; LARGE]));
        client.read("POST").cut()
    });
    let line = gateway.logged("/");
    assert_eq!(
        (&line["outcome"], &line["rule"]),
        (&"aborted".into(), &"response-body-timeout".into()),
        "{line}"
    );
    let took = timeouts_since(started);
    assert!((0.9..4.5).contains(&took), "{took} timeouts");
    assert_eq!((got.status(), got.text().as_str()), (200, "hello"));
    while gateway.descriptors() > before {
        assert!(timeouts_since(started) < 4.5, "the upstream is not let go");
        thread::sleep(Duration::from_millis(5));
    }
    assert_ne!(upstream.endings(), [Ending::Silent]);
}

/// The time of the upstream starts anew with the 100: what it waits for is up to the client.
#[test]
fn content_may_come_long_after_the_continue_of_the_upstream() {
    let upstream = Upstream::serve(|mut line| {
        let Some(request) = line.head() else { return };
        line.send(b"HTTP/1.1 100 Continue\r\n\r\n");
        let content = line.content(&request).unwrap_or_default();
        line.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len()).as_bytes());
        line.send(&content);
        line.hold();
    });
    let gateway = impatient(&upstream);
    let mut client = gateway.connect();
    client
        .send(b"POST / HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.may_continue();
    thread::sleep(Duration::from_secs_f64(1.5 * TIMEOUT));
    client.send(b"hello");
    let got = client.read("POST").whole();
    assert_eq!((got.status(), got.text().as_str()), (200, "hello"));
}

/// Another interim reply is no leave to send the content: it is still the upstream's turn.
#[test]
fn an_early_hint_is_no_continue() {
    let upstream = Upstream::serve(|mut line| {
        if line.head().is_some() {
            line.send(b"HTTP/1.1 103 Early Hints\r\n\r\n");
            line.hold();
        }
    });
    let gateway = impatient(&upstream);
    let started = Instant::now();
    let mut client = gateway.connect();
    client
        .send(b"POST / HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.read("POST").blames(504, "response-header-timeout");
    assert!(timeouts_since(started) < 4.0);
}

/// Reads a large reply, the first part of it in small pieces with pauses between them.
fn read_slowly(timeout: &str, len: usize, pieces: usize) {
    let content: Vec<u8> = (0..len as u32).map(|n| (n % 251) as u8).collect();
    let sent = content.clone();
    let upstream = Upstream::reply(move |_| {
        (
            [format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").as_bytes(), &sent].concat(),
            After::Keep,
        )
    });
    let gateway = Gateway::with(&upstream, &["--timeout", timeout]);
    let mut client = TcpStream::connect(gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n").unwrap();
    let (mut received, mut piece) = (Vec::new(), [0; 4096]);
    for _ in 0..pieces {
        let n = client.read(&mut piece).unwrap();
        received.extend_from_slice(&piece[..n]);
        thread::sleep(Duration::from_millis(100));
    }
    client.read_to_end(&mut received).unwrap();
    let head = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(received[head..] == content, "{} bytes of {len}", received.len() - head);
    assert_eq!(gateway.logged("/")["outcome"], "forwarded");
}

/// For longer than the upstream may be silent.
#[test]
fn a_client_that_reads_slowly_gets_all() {
    read_slowly("0.5", 4 << 20, 25);
}
