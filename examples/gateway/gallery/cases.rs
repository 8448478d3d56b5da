//! Every rule that an upstream can break, with the bytes that break it: the one table of page and player.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use badgateway::{Asked, Close, Detection, Exchange, Limits, Method, Policy, Reason, Report, Reuse};
use badgateway::{Rule, Version, Written, validate};

use super::play::{Ending, Play, Step};

/// A reply that breaks a rule.
pub struct Case {
    pub rule: Rule,
    /// The request that it is wrong for.
    pub exchange: Exchange,
    pub reply: Cow<'static, [u8]>,
    /// How the connection ends, as the gateway sees it.
    pub close: Option<Close>,
    pub ending: Ending,
}

/// What it takes to see a case.
pub enum Ask {
    /// A plain GET.
    Link,
    /// A command in a shell, `{url}` standing for the address.
    Shell(&'static str),
    /// It cannot be seen through this gateway, for that reason.
    Never(&'static str),
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| Rule::all().filter_map(case).collect());

/// Every case, in the order of the catalogue.
pub fn cases() -> &'static [Case] {
    &CASES
}

pub fn find(id: &str) -> Option<&'static Case> {
    cases().iter().find(|case| case.rule.id() == id)
}

fn case(rule: Rule) -> Option<Case> {
    let Some(example) = rule.example() else { return without_example(rule) };
    let exchange = example.exchange;
    let reply =
        past_the_limit(rule).map_or(Cow::Borrowed(example.reply), |text| Cow::Owned(text.into_bytes()));
    let close = match rule {
        // Without TLS a reset is what cuts content that runs to the close.
        Rule::TruncatedCloseDelimitedBody => Some(Close::Reset),
        _ => example.close,
    };
    let ending = match close {
        None if announces_close(&reply, exchange) => Ending::Close,
        None => Ending::KeepOpen,
        Some(Close::Eof | Close::Truncated) => Ending::Close,
        Some(Close::Reset) => Ending::Reset,
        Some(Close::Timeout | Close::Abandoned) => Ending::Silence,
    };
    Some(Case { rule, exchange, reply, close, ending })
}

/// Rules that no bytes break, but an upstream that behaves badly can.
fn without_example(rule: Rule) -> Option<Case> {
    let upload = Exchange::new(Method::Other).written(Written::Part);
    let (exchange, reply, ending) = match rule {
        Rule::ResponseDeadlineExceeded => {
            (Exchange::GET, &b"HTTP/1.1 200 OK\r\nX-Drip: "[..], Ending::Silence)
        }
        Rule::RequestWriteTimeout => (upload, &b""[..], Ending::Stall),
        Rule::RequestWriteFailed => (upload, &b""[..], Ending::Reset),
        _ => return None,
    };
    Some(Case { rule, exchange, reply: reply.into(), close: None, ending })
}

fn announces_close(reply: &[u8], exchange: Exchange) -> bool {
    let reuse = validate(reply, exchange, &Policy::COMPAT, None).reuse();
    matches!(reuse, Reuse::No(Reason::CloseOption | Reason::Http10))
}

/// A reply just past a default limit; the examples are made for tiny ones.
fn past_the_limit(rule: Rule) -> Option<String> {
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let limits = Limits::DEFAULT;
    let longer = |start: &str, limit: u32| start.to_string() + &"a".repeat(limit as usize + 1 - start.len());
    // One more than that.
    let fields = |count: u16| (0..=count).map(|at| format!("X-{at}: {at}\r\n")).collect::<String>();
    Some(match rule {
        Rule::StatusLineTooLong => {
            longer("HTTP/1.1 200 ", limits.status_line) + "\r\nContent-Length: 0\r\n\r\n"
        }
        Rule::FieldLineTooLong => format!("{OK}{}\r\n\r\n", longer("X-Long: ", limits.field_line)),
        Rule::HeaderSectionTooLarge => format!("{OK}{}\r\n", fields(limits.fields)),
        Rule::TooManyInterimResponses => {
            let interims = usize::from(limits.interim_messages) + 1;
            "HTTP/1.1 102 Processing\r\n\r\n".repeat(interims) + OK + "Content-Length: 0\r\n\r\n"
        }
        Rule::ChunkLineTooLong => {
            format!("{CHUNKED}{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(limits.chunk_line as usize))
        }
        Rule::ExcessChunkOverhead => {
            // More framing than the content earns, by at least this much each time.
            let excess = "0000000000000001".len() as u32 - limits.chunk_overhead_ratio;
            let chunks = limits.chunk_overhead / excess + 1;
            format!("{CHUNKED}{}0\r\n\r\n", "0000000000000001\r\na\r\n".repeat(chunks as usize))
        }
        Rule::TrailerSectionTooLarge => {
            format!("{CHUNKED}5\r\nhello\r\n0\r\n{}\r\n", fields(limits.trailer_fields))
        }
        Rule::TrailerFieldTooLarge => {
            format!("{CHUNKED}5\r\nhello\r\n0\r\n{}\r\n\r\n", longer("X-Long: ", limits.field_line))
        }
        _ => return None,
    })
}

impl Case {
    /// What the default policy makes of it.
    pub fn judge(&self) -> Report<'_> {
        validate(&self.reply, self.exchange, &Policy::DEFAULT, self.close)
    }

    /// No byte shows it: the gateway's own clock or its own writing does.
    pub fn is_told_by_the_caller(&self) -> bool {
        self.rule.detection() == Detection::Caller
    }

    /// The reply comes on an idle connection.
    pub fn is_unsolicited(&self) -> bool {
        self.exchange.request_written() == Written::Nothing
    }

    pub fn play(&'static self) -> Play {
        const PAUSE: Step = Step::Pause(Duration::from_millis(100));
        let mut play = Play::new(self.ending);
        play.early = self.exchange.request_written() == Written::Part;
        if self.is_unsolicited() {
            let ordinary = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n\
                This reply is fine.\n";
            play = play.send(&ordinary[..]).then(PAUSE);
        }
        play = play.send(&self.reply[..]);
        if self.rule == Rule::ResponseDeadlineExceeded {
            let pause = Duration::from_millis(500);
            play = play.then(Step::Repeat { block: b"a", times: u64::MAX, pause });
        }
        // A reset on the heels of the bytes could overtake them.
        if self.ending == Ending::Reset { play.then(PAUSE) } else { play }
    }

    pub fn ask(&self) -> Ask {
        let exchange = &self.exchange;
        match (self.rule, exchange.method()) {
            (Rule::TlsCloseWithoutAlert, _) => {
                return Ask::Never("It takes an upstream that speaks TLS; over TCP these bytes are fine.");
            }
            (Rule::RequestWriteTimeout | Rule::RequestWriteFailed, _) => {
                return Ask::Shell("head -c 100M /dev/zero | curl -i -X POST -H 'Expect:' -T - {url}");
            }
            (_, Method::Connect) => {
                return Ask::Never(
                    "It takes a CONNECT, which this gateway refuses; a GET finds the reply fine.",
                );
            }
            (_, Method::Head) => return Ask::Shell("curl -I {url}"),
            _ => {}
        }
        if exchange.request_version() == Some(Version::Http10) {
            return Ask::Never("It takes a request as HTTP/1.0; this gateway sends HTTP/1.1.");
        }
        if self.close == Some(Close::Abandoned) {
            return Ask::Shell("curl -i --max-time 1 {url}");
        }
        if exchange.range_asked() == Asked::Yes {
            return Ask::Shell("curl -i -r 0-4 {url}");
        }
        match (exchange.request_written(), exchange.offers_upgrade()) {
            (Written::Part, true) => {
                Ask::Never("It takes an upgrade offered with content, and this gateway offers none there.")
            }
            (Written::Part, false) => {
                Ask::Shell("(echo one; sleep 1; echo two) | curl -i -X POST -H 'Expect:' -T - {url}")
            }
            (_, true) => Ask::Shell(
                "curl -i --max-time 3 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
                 -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' {url}",
            ),
            _ => Ask::Link,
        }
    }
}

/// A page whose two lengths differ: what else does it hold that nobody was meant to see?
pub const NEWS: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Length: 116\r\n\
    Content-Length: 71\r\n\r\n<!DOCTYPE html>\n<html lang=\"en\"><title>News</title>\n<h1>News</h1>\n\
    <p>Nobody knows where this page ends.</p>\n</html>\n";

pub fn news() -> Play {
    Play::new(Ending::KeepOpen).send(NEWS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use badgateway::{Class, Level};

    #[test]
    fn every_rule_with_an_example_has_a_case() {
        for rule in Rule::all() {
            assert!(rule.example().is_none() || find(rule.id()).is_some(), "{rule}");
        }
        assert!(find("no-such-rule").is_none());
    }

    #[test]
    fn every_case_shows_its_rule_under_the_default_policy() {
        for case in cases().iter().filter(|case| !case.is_told_by_the_caller()) {
            // What is lawful may be passed over; the bytes show it all the same.
            let policy = Policy::DEFAULT.set(case.rule, Level::Note);
            let policy = match case.rule {
                Rule::ResponseBodyTooLarge => policy.with_limits(Limits::EXAMPLE),
                _ => policy,
            };
            let report = validate(&case.reply, case.exchange, &policy, case.close);
            let violated = report.violation().is_some_and(|violation| violation.rule() == case.rule);
            assert!(violated || report.has_note(case.rule), "{}: {:?}", case.rule, report.violation());
        }
    }

    #[test]
    fn only_limits_that_are_set_are_gone_past() {
        for case in cases().iter().filter(|case| case.rule.relax() == badgateway::Relax::Limit) {
            let is_refused = case.judge().violation().is_some();
            assert_eq!(is_refused, case.rule != Rule::ResponseBodyTooLarge, "{}", case.rule);
        }
    }

    #[test]
    fn a_case_is_played_as_its_bytes_and_ends_as_it_says() {
        for case in cases() {
            let play = case.play();
            if case.rule != Rule::ResponseDeadlineExceeded {
                assert!(play.bytes().ends_with(&case.reply), "{}", case.rule);
            }
            match case.close {
                Some(Close::Eof) => assert_eq!(play.ending, Ending::Close, "{}", case.rule),
                Some(Close::Reset) => assert_eq!(play.ending, Ending::Reset, "{}", case.rule),
                Some(Close::Timeout) => assert_eq!(play.ending, Ending::Silence, "{}", case.rule),
                _ => {}
            }
        }
    }

    #[test]
    fn a_plain_get_shows_what_is_linked() {
        for case in cases().iter().filter(|case| matches!(case.ask(), Ask::Link)) {
            let plain = validate(&case.reply, Exchange::GET, &Policy::DEFAULT, case.close);
            let expected = case.judge();
            let is_core = case.rule.class() == Class::Core && !case.is_unsolicited();
            let rule = |report: &Report<'_>| report.violation().map(|violation| violation.rule());
            assert!(!is_core || rule(&plain) == rule(&expected), "{}", case.rule);
        }
    }

    #[test]
    fn the_news_has_two_lengths() {
        let report = validate(NEWS, Exchange::GET, &Policy::COMPAT, None);
        assert_eq!(report.violation().unwrap().rule(), Rule::ConflictingContentLength);
        let content = NEWS.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
        let right = format!("Content-Length: {}\r\n", NEWS.len() - content);
        assert!(NEWS.windows(right.len()).any(|bytes| bytes == right.as_bytes()), "{right}");
    }
}
