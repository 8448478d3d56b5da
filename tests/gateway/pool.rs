//! The pool: connections are used again when they may be, and bytes left from one reply never answer another request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Ending, Got};
use crate::harness::Gateway;
use crate::upstream::{After, Line, Request, Upstream};

/// A reply that names the request it was made for.
fn reply_to(request: &Request) -> Vec<u8> {
    let target = &request.target;
    format!("HTTP/1.1 200 OK\r\nX-For: {target}\r\nContent-Length: {}\r\n\r\n{target}", target.len())
        .into_bytes()
}

/// What an attacker would like the next client to get.
const POISON: &[u8] = b"HTTP/1.1 200 OK\r\nX-For: poison\r\nContent-Length: 6\r\n\r\npoison";

#[track_caller]
fn is_for(target: &str, got: &Got) {
    assert!(got.complete, "{target}: {got:?}");
    assert_eq!((got.status(), got.text().as_str()), (200, target), "{got:?}");
    assert_eq!(got.get("X-For").as_deref(), Some(target), "{got:?}");
}

/// Long enough for what is under way to be over.
fn settle() {
    thread::sleep(Duration::from_millis(100));
}

#[test]
fn a_connection_is_used_again() {
    let chunked = |target: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nX-For: {target}\r\nTransfer-Encoding: chunked\r\n\r\n");
        format!("{head}{:x}\r\n{target}\r\n0\r\n\r\n", target.len()).into_bytes()
    };
    let upstream = Upstream::reply(move |request| match &request.target[..] {
        target if target.starts_with("/chunked") => (chunked(target), After::Keep),
        target if target.starts_with("/old") => {
            let reply = String::from_utf8(reply_to(request)).unwrap();
            (reply.replace("1.1 200 OK", "1.0 200 OK\r\nConnection: keep-alive").into_bytes(), After::Keep)
        }
        target if target.starts_with("/crlf") => {
            ([reply_to(request), b"\r\n".to_vec()].concat(), After::Keep)
        }
        _ => (reply_to(request), After::Keep),
    });
    let gateway = Gateway::before(&upstream);
    let targets = ["/first", "/chunked", "/length", "/old", "/crlf", "/post", "/last"];
    for (at, target) in targets.iter().enumerate() {
        is_for(target, &gateway.get(target));
        let line = gateway.logged(target);
        assert_eq!(line["reused"], at > 0, "{line}");
        assert_eq!(line["reuse"], "yes", "{line}");
    }
    assert_eq!(upstream.connections(), 1);
}

/// Each first reply closes its connection to further requests, and the log says why.
#[test]
fn a_connection_is_given_up_where_it_must_be() {
    let upstream = Upstream::reply(|request| {
        let reply: &[u8] = match &request.target[..] {
            "/close" => b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            "/close-and-keep-alive" => {
                b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
            }
            "/old" => b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "/both" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
            }
            "/old-chunked" => {
                b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
            }
            "/head" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "/204" => b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            "/extra" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokLEAK",
            "/option" => b"HTTP/1.1 200 OK\r\nConnection: a;b\r\nContent-Length: 2\r\n\r\nok",
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        };
        (reply.to_vec(), After::Keep)
    });
    let gateway = Gateway::with(&upstream, &["--timeout", "2", "--policy", "compat"]);
    let closing = [
        "/close",
        "/close-and-keep-alive",
        "/old",
        "/both",
        "/old-chunked",
        "/head",
        "/204",
        "/extra",
        "/option",
    ];
    for target in closing {
        let before = upstream.connections();
        let method = if target == "/head" { "HEAD" } else { "GET" };
        let got = gateway.ask(&format!("{method} {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n")).whole();
        assert!(matches!(got.status(), 200 | 204), "{got:?}");
        let line = gateway.logged(target);
        assert!(line["reuse"].as_str().is_some_and(|reuse| reuse != "yes"), "{line}");
        settle();
        let next = format!("{target}/next");
        assert_eq!(gateway.get(&next).whole().text(), "ok");
        assert!(upstream.connections() > before, "{target}: that connection was used again");
        let line = gateway.logged(&next);
        assert_eq!((&line["reused"], &line["retried"]), (&false.into(), &false.into()), "{line}");
        // Were it left in the pool, the next target would find it.
        gateway.ask("GET /close HTTP/1.1\r\nHost: gateway.test\r\n\r\n").whole();
    }
}

/// Sends a reply, then `left` after `pause` milliseconds, on the first connection; the others are as they should be.
fn leaves(left: &'static [u8], pause: Option<u64>) -> Upstream {
    Upstream::serve(move |mut line: Line| {
        while let Some(request) = line.request() {
            let mut reply = reply_to(&request);
            let poisons = request.target == "/first";
            if poisons && pause.is_none() {
                reply.extend(left);
            }
            line.send(&reply);
            if let (true, Some(pause)) = (poisons, pause) {
                line.pause(pause);
                line.send(left);
            }
        }
    })
}

/// What follows a reply in a segment of its own comes while the connection rests, even if the next request is there at
/// once. On a busy machine it may be late, and is then left out.
#[test]
fn what_follows_a_reply_at_once_answers_nobody() {
    const ROUNDS: usize = 20;
    let upstream = Upstream::serve(|mut line: Line| {
        while let Some(request) = line.request() {
            let started = Instant::now();
            line.send(&reply_to(&request));
            line.pause(1);
            if started.elapsed() < Duration::from_millis(4) {
                line.send(POISON);
            }
        }
    });
    let gateway = Gateway::before(&upstream);
    let mut client = gateway.connect();
    let is_right = |round: usize, client: &mut crate::client::Client| {
        let target = format!("/{round}");
        client.get(&target).text() == target
    };
    let right = (0..ROUNDS).filter(|&round| is_right(round, &mut client)).count();
    assert!(right >= ROUNDS * 4 / 5, "{right} of {ROUNDS}");
}

#[test]
fn what_is_left_of_a_reply_answers_nobody() {
    let lefts: [&'static [u8]; 5] =
        [POISON, b"x", b"HTTP/1.1 200 OK\r\nX-For: poison\r\n", b"\r\n\r\n\r\n", b"\n"];
    thread::scope(|scope| {
        for left in lefts {
            for pause in [None, Some(1), Some(50)] {
                scope.spawn(move || {
                    let upstream = leaves(left, pause);
                    let gateway = Gateway::before(&upstream);
                    let mut client = gateway.connect();
                    is_for("/first", &client.get("/first"));
                    if pause.is_some() {
                        // What comes after the next request was sent is, to anybody, its reply.
                        settle();
                    }
                    for _ in 0..3 {
                        is_for("/third", &client.get("/third"));
                    }
                });
            }
        }
    });
}

/// On an idle connection: it is dropped at the first byte, before anybody asks.
#[test]
fn an_idle_connection_is_dropped_at_any_byte() {
    let upstream = Upstream::serve(|mut line| {
        let request = line.request().unwrap();
        line.send(&reply_to(&request));
        line.pause(50);
        line.send(POISON);
        line.hold();
    });
    let gateway = Gateway::before(&upstream);
    is_for("/first", &gateway.get("/first"));
    let idle = Instant::now();
    let endings = upstream.endings();
    assert!(matches!(endings[..], [Ending::Fin | Ending::Rst]), "{endings:?}");
    assert!(idle.elapsed() < Duration::from_secs(4), "{:?}", idle.elapsed());
    is_for("/second", &gateway.get("/second"));
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn an_idle_connection_that_ends_is_dropped() {
    let upstream = Upstream::serve(|mut line| {
        let request = line.request().unwrap();
        line.send(&reply_to(&request));
        line.pause(20);
        line.fin();
    });
    let gateway = Gateway::before(&upstream);
    let before = gateway.descriptors();
    for n in 0..5 {
        let target = format!("/{n}");
        is_for(&target, &gateway.get(&target));
        settle();
        let line = gateway.logged(&target);
        assert_eq!((&line["reused"], &line["retried"]), (&false.into(), &false.into()), "{line}");
    }
    settle();
    assert!(gateway.descriptors() <= before + 2, "connections are left open");
}

/// 16 clients at once, while a third of the replies bring poison along.
#[test]
fn nobody_gets_the_reply_of_another() {
    let dice = AtomicUsize::new(1);
    let upstream = Upstream::serve(move |mut line| {
        while let Some(request) = line.request() {
            let reply = reply_to(&request);
            let n = dice.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9) >> 7;
            let (start, end) = reply.split_at(reply.len() / 2);
            match n % 6 {
                0 => line.send(&[&reply, POISON].concat()),
                1 => {
                    line.send(start);
                    line.pause(1);
                    line.send(&[end, POISON].concat())
                }
                2 => {
                    line.send(start);
                    line.pause(1);
                    line.send(end)
                }
                _ => line.send(&reply),
            };
        }
    });
    let gateway = Gateway::before(&upstream);
    thread::scope(|scope| {
        for id in 0..16 {
            let gateway = &gateway;
            scope.spawn(move || {
                let mut client = gateway.connect();
                for n in 0..60 {
                    let target = format!("/{id}/{n}");
                    let got = client.get(&target);
                    is_for(&target, &got);
                }
            });
        }
    });
}

/// The first request is answered; the connection ends as the second arrives on it.
fn races(reset: bool) -> Upstream {
    Upstream::serve(move |mut line| {
        let Some(request) = line.request() else { return };
        line.send(&reply_to(&request));
        if line.number > 0 {
            line.hold();
            return;
        }
        line.request();
        if reset { line.reset() } else { line.fin() }
    })
}

#[test]
fn a_request_that_met_a_closing_connection_is_sent_again() {
    for reset in [false, true] {
        let upstream = races(reset);
        let gateway = Gateway::before(&upstream);
        is_for("/first", &gateway.get("/first"));
        settle();
        is_for("/second", &gateway.get("/second"));
        let line = gateway.logged("/second");
        assert_eq!((&line["retried"], &line["outcome"]), (&true.into(), &"forwarded".into()), "{line}");
        let seen: Vec<usize> = upstream.requests().iter().map(|request| request.connection).collect();
        assert_eq!(seen, [0, 0, 1]);
    }
}

/// A POST might do twice what it does, and content that has been sent is not there any more.
#[test]
fn what_may_not_be_repeated_is_sent_once() {
    let requests = [("POST", "Content-Length: 0\r\n\r\n"), ("POST", "Content-Length: 2\r\n\r\nok")];
    let requests = requests.into_iter().chain([("PUT", "Content-Length: 2\r\n\r\nok"), ("PATCH", "\r\n")]);
    for (at, (method, rest)) in requests.enumerate() {
        let upstream = races(at % 2 == 1);
        let gateway = Gateway::before(&upstream);
        is_for("/first", &gateway.get("/first"));
        settle();
        let got = gateway.ask(&format!("{method} /second HTTP/1.1\r\nHost: gateway.test\r\n{rest}"));
        assert!(got.complete && got.status() == 502, "{got:?}");
        assert_eq!(gateway.logged("/second")["retried"], false);
        let sent = upstream.requests().into_iter().filter(|request| request.method == method).count();
        assert_eq!(sent, 1, "{method} {rest:?}");
    }
}

/// What the upstream has said once it would say again.
#[test]
fn a_malformed_reply_is_not_asked_for_again() {
    let upstream = Upstream::reply(|request| match &request.target[..] {
        "/bad" => (b"HTTP/1.1 2x0 OK\r\n\r\n".to_vec(), After::Keep),
        "/half" => (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec(), After::Fin),
        _ => (reply_to(request), After::Keep),
    });
    let gateway = Gateway::before(&upstream);
    for target in ["/bad", "/half"] {
        is_for("/first", &gateway.get("/first"));
        settle();
        let got = gateway.get(target);
        assert!(!got.complete || got.status() == 502, "{got:?}");
        let line = gateway.logged(target);
        assert_eq!((&line["retried"], &line["reused"]), (&false.into(), &true.into()), "{line}");
        assert_eq!(upstream.requests().iter().filter(|request| request.target == target).count(), 1);
    }
}

/// A fresh connection that ends without a word is no race.
#[test]
fn a_fresh_connection_that_ends_is_not_tried_again() {
    let upstream = Upstream::always(b"", After::Fin);
    let gateway = Gateway::before(&upstream);
    gateway.get("/").blames(502, "closed-before-first-byte");
    assert_eq!(upstream.connections(), 1);
}

/// The race once more, but the fresh connection ends too: one retry, not more.
#[test]
fn a_request_is_sent_again_once() {
    let upstream = Upstream::serve(|mut line| {
        let Some(request) = line.request() else { return };
        if line.number == 0 {
            line.send(&reply_to(&request));
            line.request();
        }
        line.fin();
    });
    let gateway = Gateway::before(&upstream);
    is_for("/first", &gateway.get("/first"));
    settle();
    gateway.get("/second").blames(502, "closed-before-first-byte");
    assert_eq!(upstream.connections(), 2);
}

/// Content that the client did not stay for is not read as the next reply.
#[test]
fn a_reply_left_in_the_middle_takes_its_connection_along() {
    let upstream = Upstream::serve(|mut line| {
        while let Some(request) = line.request() {
            if request.target == "/long" {
                line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                line.pause(50);
                line.send(&[b'x'; 500]);
                line.pause(50);
                line.send(&[&[b'x'; 500], POISON].concat());
            } else {
                line.send(&reply_to(&request));
            }
        }
    });
    let gateway = Gateway::before(&upstream);
    for n in 0..3 {
        let mut client = gateway.connect();
        client.send(b"GET /long HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
        client.exactly(15);
        drop(client);
        for m in 0..10 {
            let target = format!("/{n}/{m}");
            is_for(&target, &gateway.get(&target));
            thread::sleep(Duration::from_millis(15));
        }
    }
}

/// NTLM logs a connection in, not a request: what comes on it afterwards is that client's, whoever sends it.
#[test]
fn a_connection_logged_in_for_one_client_serves_no_other() {
    let upstream = Upstream::reply(|request| {
        let reply = match request.target.starts_with("/login") {
            true => {
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nno".to_vec()
            }
            false => reply_to(request),
        };
        (reply, After::Keep)
    });
    let gateway = Gateway::before(&upstream);
    let (mut one, mut other) = (gateway.connect(), gateway.connect());
    let turns = [
        (false, "/before"),
        (true, "/login"),
        (false, "/during"),
        (true, "/login-again"),
        (true, "/page"),
        // The reply before says nothing of a login any more.
        (false, "/after"),
        (false, "/after-that"),
        (true, "/next"),
        (false, "/last"),
        (true, "/end"),
    ];
    for (is_one, target) in turns {
        let client = if is_one { &mut one } else { &mut other };
        let got = client.get(target).whole();
        assert_eq!(got.status(), if target.starts_with("/login") { 401 } else { 200 }, "{target}: {got:?}");
        settle();
    }
    let requests = upstream.requests();
    let login = requests.iter().find(|request| request.target == "/login").unwrap().connection;
    for (request, (is_one, target)) in requests.iter().zip(turns).skip(1) {
        assert_eq!(request.target, target);
        assert_eq!(
            request.connection == login,
            is_one,
            "{target} went over connection {}",
            request.connection
        );
    }
}

/// The upstream says goodbye to an idle connection just as the next request comes on it.
#[test]
fn a_408_that_crosses_a_request_is_taken_for_the_end_of_the_connection() {
    for (method, option, is_retried) in [
        ("GET", "close", true),
        ("GET", "Foo , Close", true),
        ("GET", "foo-close", false),
        ("POST", "close", false),
    ] {
        let upstream = Upstream::serve(move |mut line| {
            let Some(request) = line.request() else { return };
            line.send(&reply_to(&request));
            if line.number == 0 && line.request().is_some() {
                line.send(
                    format!("HTTP/1.1 408 x\r\nConnection: {option}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                );
            }
            line.fin();
        });
        let gateway = Gateway::before(&upstream);
        is_for("/first", &gateway.get("/first"));
        settle();
        let got = gateway.ask(&format!("{method} /second HTTP/1.1\r\nHost: gateway.test\r\n\r\n"));
        if is_retried {
            is_for("/second", &got);
        } else {
            assert_eq!(got.whole().status(), 408, "{method}, Connection: {option}");
        }
        let line = gateway.logged("/second");
        assert_eq!(line["retried"], is_retried, "{method}, Connection: {option}: {line}");
        assert_eq!(upstream.connections(), if is_retried { 2 } else { 1 });
    }
}
