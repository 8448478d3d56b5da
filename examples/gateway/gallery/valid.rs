//! Valid replies, one for each way a reply can end or be of several parts.
#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use super::play::{Ending, Play, Step};
use super::request::{Content, Request};

/// A valid reply and how to ask for it.
pub struct Valid {
    pub name: &'static str,
    pub about: &'static str,
    /// The arguments of curl before the address, where a link would not show it.
    pub curl: Option<&'static str>,
}

const fn linked(name: &'static str, about: &'static str) -> Valid {
    Valid { name, about, curl: None }
}

pub const VALID: [Valid; 11] = [
    linked("keep-alive", "Content-Length, and the connection is used again."),
    linked("chunked", "Three chunks, then a trailer field."),
    linked("no-content", "204, which ends with its head. A browser stays where it is."),
    Valid {
        name: "not-modified",
        about: "304 with an ETag, where the request sets a condition.",
        curl: Some("-i -H 'If-None-Match: \"gallery\"'"),
    },
    Valid {
        name: "head",
        about: "To HEAD, the Content-Length that a GET would get, and no content.",
        curl: Some("-I"),
    },
    Valid { name: "early-hints", about: "103 at once, 200 after a fifth of a second.", curl: Some("-i") },
    linked("close-delimited", "No length: the content ends with the connection."),
    linked("slow", "Ten lines, one every third of a second."),
    linked("large", "8 MiB, as fast as they are taken."),
    Valid {
        name: "echo",
        about: "Gives the content of a POST back, framed as it came.",
        curl: Some("-i -d 'Is anyone there?'"),
    },
    Valid {
        name: "upgrade",
        about: "101 to the protocol echo, which gives every byte back; 426 without the offer.",
        curl: Some("-iN --max-time 3 -H 'Connection: Upgrade' -H 'Upgrade: echo'"),
    },
];

const PLAIN: &str = "Content-Type: text/plain; charset=UTF-8\r\n";
const ALLOW: &str = "Allow: GET, HEAD\r\n";
const LINE: [u8; 64] = *b"All is well, and the next line will not tell you anything else.\n";
static BLOCK: [[u8; 64]; 128] = [LINE; 128];

/// A reply in the making: a head, and what a GET gets after it.
struct Reply<'r> {
    request: &'r Request,
    head: String,
    ending: Ending,
}

impl<'r> Reply<'r> {
    fn new(status: &str, request: &'r Request) -> Reply<'r> {
        let date = httpdate::fmt_http_date(SystemTime::now());
        let mut head = format!("HTTP/1.1 {status}\r\nDate: {date}\r\n");
        if request.is_closing {
            head += "Connection: close\r\n";
        }
        Reply { request, head, ending: Ending::KeepOpen }
    }

    fn fields(mut self, lines: &str) -> Reply<'r> {
        self.head += lines;
        self
    }

    fn closing(mut self) -> Reply<'r> {
        self.ending = Ending::Close;
        if !self.request.is_closing {
            self.head += "Connection: close\r\n";
        }
        self
    }

    fn bodiless(self) -> Play {
        Play::new(self.ending).send((self.head + "\r\n").into_bytes())
    }

    fn steps(self, steps: Vec<Step>) -> Play {
        let is_head = self.request.is_head();
        let play = self.bodiless();
        if is_head { play } else { steps.into_iter().fold(play, Play::then) }
    }

    /// One write for head and content.
    fn content(self, content: &str) -> Play {
        let mut reply = self.fields(&format!("Content-Length: {}\r\n\r\n", content.len()));
        if !reply.request.is_head() {
            reply.head += content;
        }
        Play::new(reply.ending).send(reply.head.into_bytes())
    }
}

/// The valid reply of that name.
pub fn play(name: &str, request: &Request) -> Option<Play> {
    let is_known = VALID.iter().any(|valid| valid.name == name);
    if !is_known {
        return None;
    }
    if name == "echo" {
        return Some(not_allowed(request, "Allow: POST\r\n"));
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Some(not_allowed(request, ALLOW));
    }
    let ok = Reply::new("200 OK", request);
    Some(match name {
        "chunked" => chunked(ok),
        "no-content" => Reply::new("204 No Content", request).bodiless(),
        "not-modified" => not_modified(request),
        "head" => ok.fields(PLAIN).content("Ask for this page with HEAD.\n"),
        "early-hints" => early_hints(ok),
        "close-delimited" => ok.fields(PLAIN).closing().steps(vec![send("All of it, up to the close.\n")]),
        "slow" => slow(ok),
        "large" => large(ok),
        "upgrade" => upgrade_required(request),
        _ => ok.fields(PLAIN).content("A valid reply, and its connection can be used again.\n"),
    })
}

fn send(text: &'static str) -> Step {
    Step::Send(text.as_bytes().into())
}

fn chunked(ok: Reply<'_>) -> Play {
    let ok = ok.fields(PLAIN).fields("Transfer-Encoding: chunked\r\nTrailer: Server-Timing\r\n");
    ok.steps(vec![send(
        "4\r\nOne \r\n4\r\ntwo \r\n6\r\nthree\n\r\n0\r\nServer-Timing: gallery;dur=3\r\n\r\n",
    )])
}

fn not_modified(request: &Request) -> Play {
    const TAG: &str = "ETag: \"gallery\"\r\n";
    if request.is_conditional {
        return Reply::new("304 Not Modified", request).fields(TAG).bodiless();
    }
    let ok = Reply::new("200 OK", request).fields(PLAIN).fields(TAG);
    ok.content("Ask again with If-None-Match: \"gallery\" to get a 304.\n")
}

fn early_hints(ok: Reply<'_>) -> Play {
    let mut play = ok.fields(PLAIN).content("A 103 came before this.\n");
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </valid/keep-alive>; rel=preload; as=fetch\r\n\r\n";
    let first = [Step::Send(hints.into()), Step::Pause(Duration::from_millis(200))];
    play.steps.splice(0..0, first);
    play
}

fn slow(ok: Reply<'_>) -> Play {
    const TIMES: u64 = 10;
    let ok = ok.fields(PLAIN).fields(&format!("Content-Length: {}\r\n", LINE.len() as u64 * TIMES));
    ok.steps(vec![Step::Repeat { block: &BLOCK[0], times: TIMES, pause: Duration::from_millis(333) }])
}

fn large(ok: Reply<'_>) -> Play {
    const SIZE: u64 = 8 << 20;
    let block = BLOCK.as_flattened();
    let ok = ok.fields(PLAIN).fields(&format!("Content-Length: {SIZE}\r\n"));
    ok.steps(vec![Step::Repeat { block, times: SIZE / block.len() as u64, pause: Duration::ZERO }])
}

fn upgrade_required(request: &Request) -> Play {
    let reply =
        Reply::new("426 Upgrade Required", request).fields("Connection: upgrade\r\nUpgrade: echo\r\n");
    reply.fields(PLAIN).content("Offer to switch to the protocol echo.\n")
}

fn not_allowed(request: &Request, allow: &str) -> Play {
    let reply = Reply::new("405 Method Not Allowed", request).fields(allow).fields(PLAIN);
    reply.content("This page does not know that method.\n")
}

pub fn not_found(request: &Request) -> Play {
    Reply::new("404 Not Found", request).fields(PLAIN).content("There is no such page.\n")
}

/// The page for people.
pub fn page(html: &str, request: &Request) -> Play {
    Reply::new("200 OK", request).fields("Content-Type: text/html; charset=UTF-8\r\n").content(html)
}

/// The head before content that is given back.
pub fn echo_head(request: &Request) -> Vec<u8> {
    let framing = match request.content {
        Content::Length(length) => format!("Content-Length: {length}\r\n"),
        _ => "Transfer-Encoding: chunked\r\n".to_string(),
    };
    let reply = Reply::new("200 OK", request).fields(PLAIN).fields("X-Content-Type-Options: nosniff\r\n");
    (reply.fields(&framing).head + "\r\n").into_bytes()
}

pub fn switching_head(request: &Request) -> Vec<u8> {
    let reply = Reply::new("101 Switching Protocols", request);
    (reply.fields("Connection: upgrade\r\nUpgrade: echo\r\n").head + "\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use badgateway::{Close, Exchange, Method, Policy, Report, Rule, validate};

    fn request(method: &str) -> Request {
        Request { method: method.to_string(), ..Request::default() }
    }

    fn exchange(request: &Request) -> Exchange {
        Exchange::new(Method::from_bytes(request.method.as_bytes()))
    }

    fn judge(play: &Play, request: &Request, judge: impl Fn(&Report<'_>)) {
        let close = (play.ending == Ending::Close).then_some(Close::Eof);
        judge(&validate(&play.bytes(), exchange(request), &Policy::STRICT, close));
    }

    #[test]
    fn every_valid_reply_is_fit_under_the_strict_policy() {
        for valid in &VALID {
            for method in ["GET", "HEAD", "POST"] {
                for is_closing in [false, true] {
                    for is_conditional in [false, true] {
                        let request = Request { is_closing, is_conditional, ..request(method) };
                        let play = play(valid.name, &request).unwrap();
                        judge(&play, &request, |report| {
                            assert!(report.verdict().is_fit(), "{}: {:?}", valid.name, report.violation());
                            assert!(!report.has_note(Rule::ExtraneousBytesAfterMessage), "{}", valid.name);
                            assert!(!report.has_note(Rule::MissingDate), "{}", valid.name);
                        });
                    }
                }
            }
        }
    }

    #[test]
    fn other_replies_are_valid_too() {
        for method in ["GET", "HEAD"] {
            let request = request(method);
            for play in [page("<!DOCTYPE html>", &request), not_found(&request)] {
                judge(&play, &request, |report| assert!(report.verdict().is_fit()));
            }
        }
        let echo = validate(&echo_head(&request("POST")), Exchange::GET, &Policy::STRICT, None).verdict();
        assert!(echo.is_fit());
        let offer = Exchange::GET.upgrade(b"echo");
        assert!(validate(&switching_head(&request("GET")), offer, &Policy::STRICT, None).verdict().is_fit());
    }

    #[test]
    fn a_reply_to_head_is_what_the_get_would_begin_with() {
        let (get, head) = (play("large", &request("GET")).unwrap(), play("large", &request("HEAD")).unwrap());
        assert_eq!(get.steps.len(), 2);
        assert_eq!(head.steps.len(), 1);
        assert_eq!(get.bytes().len() - head.bytes().len(), 8 << 20);
    }
}
