//! Replies of every framing, cut at every byte: no client ever takes a part for the whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Ending;
use crate::harness::Gateway;
use crate::upstream::{After, Upstream};

struct Whole {
    name: &'static str,
    reply: &'static [u8],
    content: &'static [u8],
    /// Its head alone does not say where the content ends.
    ends_with_the_connection: bool,
}

const WHOLES: [Whole; 4] = [
    Whole {
        name: "length",
        reply: b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 12\r\n\r\nhello, world",
        content: b"hello, world",
        ends_with_the_connection: false,
    },
    Whole {
        name: "chunked",
        reply: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Check\r\n\r\n\
            5;a=b\r\nhello\r\n7\r\n, world\r\n0\r\nCheck: a\r\nMore: b\r\n\r\n",
        content: b"hello, world",
        ends_with_the_connection: false,
    },
    Whole {
        name: "to-close",
        reply: b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello, world",
        content: b"hello, world",
        ends_with_the_connection: true,
    },
    Whole {
        name: "interim",
        reply:
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        content: b"hello",
        ends_with_the_connection: false,
    },
];

impl Whole {
    fn named(name: &str) -> &'static Whole {
        WHOLES.iter().find(|whole| whole.name == name).unwrap()
    }

    /// How long its heads are.
    fn head_len(&self) -> usize {
        let len = self.reply.len();
        let at = (0..len).rev().find(|&at| self.reply[at..].starts_with(b"HTTP/1.1 200"));
        let at = at.unwrap();
        at + self.reply[at..].windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4
    }
}

/// `/length/17/Fin`: the first 17 bytes of that reply, then FIN.
struct Cut {
    whole: &'static Whole,
    at: usize,
    after: After,
}

impl Cut {
    fn all() -> Vec<Cut> {
        let mut cuts = Vec::new();
        for whole in &WHOLES {
            for at in 0..=whole.reply.len() {
                cuts.extend([After::Fin, After::Rst].map(|after| Cut { whole, at, after }));
            }
        }
        cuts
    }

    fn target(&self) -> String {
        format!("/{}/{}/{:?}", self.whole.name, self.at, self.after)
    }

    fn of(target: &str) -> Cut {
        let parts: Vec<&str> = target.split('/').collect();
        let after = if parts[3] == "Fin" { After::Fin } else { After::Rst };
        Cut { whole: Whole::named(parts[1]), at: parts[2].parse().unwrap(), after }
    }

    /// Is it, by RFC 9112 8, not cut at all?
    fn is_complete(&self) -> bool {
        if self.whole.ends_with_the_connection {
            return self.at >= self.whole.head_len() && self.after == After::Fin;
        }
        self.at == self.whole.reply.len()
    }

    fn check(&self, gateway: &Gateway, version: &str) {
        let request = format!("GET {} HTTP/{version}\r\nHost: gateway.test\r\n\r\n", self.target());
        let got = gateway.ask(&request);
        let what = format!("{} to HTTP/{version}: {got:?}", self.target());
        assert!(got.ending != Ending::Silent, "{what}");
        if self.is_complete() {
            assert!(got.complete && got.status() == 200, "{what}");
            let content = self.whole.content;
            let sent = if self.whole.ends_with_the_connection {
                self.at - self.whole.head_len()
            } else {
                content.len()
            };
            assert_eq!(got.content, content[..sent], "{what}");
        } else if self.at < self.whole.head_len() {
            assert!(got.complete && got.status() == 502, "{what}");
        } else {
            assert!(!got.complete || got.status() == 502, "{what}");
        }
    }
}

fn cut_everywhere(version: &str) {
    let upstream = Upstream::reply(|request| {
        let cut = Cut::of(&request.target);
        (cut.whole.reply[..cut.at].to_vec(), cut.after)
    });
    let gateway = Arc::new(Gateway::before(&upstream));
    let cuts = Cut::all();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    cut.check(&gateway, version);
                }
            });
        }
    });
}

#[test]
fn no_cut_is_taken_for_the_whole() {
    cut_everywhere("1.1");
}

#[test]
fn no_cut_is_taken_for_the_whole_by_http_1_0_clients() {
    cut_everywhere("1.0");
}

/// The head goes out first, then the fault comes.
fn cut_later(after: After, head: &'static str, version: &str) -> crate::client::Got {
    let upstream = Upstream::serve(move |mut line| {
        line.request();
        line.send(head.as_bytes());
        line.pause(60);
        match after {
            After::Rst => line.reset(),
            _ => line.fin(),
        }
    });
    let gateway = Gateway::before(&upstream);
    let got = gateway.ask(&format!("GET /cut HTTP/{version}\r\nHost: gateway.test\r\n\r\n")).cut();
    let line = gateway.logged("/cut");
    assert_eq!(line["outcome"], "aborted", "{line}");
    assert_eq!(line["status"], 200, "{line}");
    assert!(line["rule"].is_string(), "{line}");
    got
}

#[test]
fn after_the_head_the_client_sees_a_reset_or_no_last_chunk() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let to_close = "HTTP/1.1 200 OK\r\n\r\nhello";
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(cut_later(After::Fin, length, "1.1").ending, Ending::Rst));
        scope.spawn(|| assert_eq!(cut_later(After::Rst, length, "1.1").ending, Ending::Rst));
        scope.spawn(|| assert_eq!(cut_later(After::Fin, length, "1.0").ending, Ending::Rst));
        scope.spawn(|| assert_eq!(cut_later(After::Fin, chunked, "1.0").ending, Ending::Rst));
        scope.spawn(|| assert_eq!(cut_later(After::Rst, to_close, "1.0").ending, Ending::Rst));
        scope.spawn(|| assert_eq!(cut_later(After::Fin, chunked, "1.1").content, b"hello"));
        scope.spawn(|| assert_eq!(cut_later(After::Rst, to_close, "1.1").content, b"hello"));
    });
}

/// A chunk goes wrong once others are out.
#[test]
fn a_bad_chunk_after_good_ones_is_an_abort() {
    let upstream = Upstream::serve(|mut line| {
        line.request();
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        line.pause(60);
        line.send(b"x\r\nLEAK\r\n0\r\n\r\n");
        line.hold();
    });
    let gateway = Gateway::before(&upstream);
    let got = gateway.get("/").cut();
    assert_eq!(got.content, b"hello");
    assert!(!crate::holds(&got.wire, crate::LEAK), "{got:?}");
    assert_eq!(gateway.logged("/")["rule"], "invalid-chunk-size");
    assert_ne!(upstream.endings(), [Ending::Silent], "the upstream is let go");
}

/// The system tells of a reset once: whoever writes hears of it, and whoever reads only finds an end.
#[test]
fn a_reset_under_the_upload_does_not_end_a_reply_in_order() {
    let upstream = Upstream::serve(|mut line| {
        line.head();
        line.send(b"HTTP/1.1 200 OK\r\n\r\npart");
        line.pause(20);
        line.reset();
    });
    let gateway = Gateway::before(&upstream);
    for n in 0..8 {
        let version = if n % 2 == 0 { "1.1" } else { "1.0" };
        let mut client = gateway.connect();
        client.send(
            format!("POST /{n} HTTP/{version}\r\nHost: gateway.test\r\nContent-Length: 8000000\r\n\r\n")
                .as_bytes(),
        );
        let (got, is_sent) = thread::scope(|scope| {
            let mut sender = client.twin();
            let sending = scope.spawn(move || sender.send(&[b'a'; 8_000_000]));
            (client.read("POST"), sending.join().unwrap())
        });
        let line = gateway.logged(&format!("/{n}"));
        assert!(!(got.complete && is_sent) || got.status() == 502, "{got:?}: {line}");
        assert!(line["outcome"] == "aborted" || line["outcome"] == "answered", "{line}");
    }
}

/// Up to then nothing has gone out, so that nobody need see a reply that is cut.
#[test]
fn a_fault_at_the_heels_of_the_head_is_answered() {
    const PUNCTUAL: Duration = Duration::from_millis(4);
    let (took, upstream_took) = channel();
    let took = Mutex::new(took);
    let upstream = Upstream::serve(move |mut line| {
        let Some(request) = line.request() else { return };
        let (head, content): (&[u8], &[u8]) = match &request.target[..2] {
            "/s" => (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"LEAK"),
            _ => (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"x\r\nLEAK\r\n0\r\n\r\n"),
        };
        let started = Instant::now();
        line.send(head);
        line.pause(1);
        line.send(content);
        line.finish();
        let _ = took.lock().unwrap().send(started.elapsed());
        line.hold();
    });
    let gateway = Gateway::before(&upstream);
    // On a busy machine the upstream may be late, which is another matter.
    let mut punctual = 0;
    for n in 0..400 {
        let (target, rule) = match n % 2 {
            0 => (format!("/short/{n}"), "incomplete-body"),
            _ => (format!("/chunk/{n}"), "invalid-chunk-size"),
        };
        let got = gateway.get(&target);
        if upstream_took.recv().unwrap() < PUNCTUAL {
            got.blames(502, rule);
            punctual += 1;
        }
        assert!(!got.complete || got.status() == 502, "{got:?}");
        if punctual == 20 {
            return;
        }
    }
    panic!("the upstream was in time {punctual} times only");
}
