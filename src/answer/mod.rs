//! The gateway's own reply to its client, where the upstream's cannot be passed on: 502, 504, 503 or 500.
//!
//! It is due when [`Violation::remedy`] says [`Respond`](crate::Remedy::Respond). It tells the client what happened
//! and whether it will pass, and operators which rule was broken where; of the upstream it repeats no byte.
//!
//! ```
//! use badgateway::answer::Answer;
//! use badgateway::{Exchange, Forwarded, Method, Parser, Policy, Remedy};
//!
//! let mut parser = Parser::new(Policy::DEFAULT);
//! parser.begin(Exchange::GET);
//! let mut input: &[u8] = b"HTTP/1.1 200 OK\r\nX-Note: a\r\n b\r\n\r\n";
//! let violation = parser.next_event(&mut input).unwrap_err();
//! assert_eq!(violation.remedy(Forwarded::Nothing), Remedy::Respond(502));
//!
//! let mut reply = Vec::new();
//! Answer::new(&violation, "edge.example")
//!     .method(Method::from_bytes(b"GET"))
//!     .accept(Some(b"text/html, */*;q=0.8"))
//!     .write(&mut reply);
//!
//! let reply = String::from_utf8(reply).unwrap();
//! assert!(reply.starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
//! assert!(reply.contains("\r\nProxy-Status: edge.example; error=http_protocol_error; received-status=200; "));
//! assert!(reply.contains("\r\nContent-Type: text/html; charset=UTF-8\r\n"));
//! assert!(reply.contains("<p>It uses obsolete line folding, which this gateway does not accept.</p>"));
//! ```
#![forbid(unsafe_code)]

mod accept;
mod page;

use core::fmt;
use std::string::ToString;
use std::time::{Duration, SystemTime};
use std::vec::Vec;

use crate::exchange::Method;
use crate::forward::http_date;
use crate::violation::Violation;
use accept::MediaType;
use page::Page;

/// Seconds to wait that a 503 names where the gateway has no estimate.
const RETRY_AFTER: u64 = 30;

/// The gateway's own reply.
///
/// Until told otherwise it answers a GET without Accept, gives no estimate, keeps the connection, and is dated now.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    violation: &'a Violation,
    gateway: &'a str,
    method: Method,
    media: MediaType,
    retry_after: Option<Duration>,
    closing: bool,
    date: SystemTime,
}

impl<'a> Answer<'a> {
    /// The reply that is owed for `violation`.
    ///
    /// `gateway` names the service in Proxy-Status and in the content, where it is escaped; a host name or an alias,
    /// not the name of the software (RFC 9209 2).
    pub fn new(violation: &'a Violation, gateway: &'a str) -> Answer<'a> {
        Answer {
            violation,
            gateway,
            method: Method::Idempotent,
            media: MediaType::Plain,
            retry_after: None,
            closing: false,
            date: SystemTime::now(),
        }
    }

    /// The method of the client's request. To HEAD goes the head that GET would get, and no content (RFC 9110 9.3.2).
    pub fn method(self, method: Method) -> Answer<'a> {
        Answer { method, ..self }
    }

    /// The value of the request's Accept, several lines joined by commas; `None` if it sent none.
    ///
    /// It chooses between text/plain, text/html and application/problem+json, also sent for application/json (RFC
    /// 9110 12.5.1, RFC 9457). Where nothing fits, or the value is malformed, text/plain is sent: never a 406.
    pub fn accept(self, value: Option<&[u8]>) -> Answer<'a> {
        Answer { media: value.map_or(MediaType::Plain, MediaType::wanted), ..self }
    }

    /// When the client may ask again, counted from now; sent in whole seconds, rounded up, with a 503 or 504 only
    /// (RFC 9110 10.2.3). A 503 without an estimate says 30 seconds.
    pub fn retry_after(self, estimate: Duration) -> Answer<'a> {
        Answer { retry_after: Some(estimate), ..self }
    }

    /// Say `Connection: close`: the connection to the client ends with this reply, as it has to where the content of
    /// the request was not read to its end (RFC 9112 9.6).
    pub fn closing(self) -> Answer<'a> {
        Answer { closing: true, ..self }
    }

    /// The time for Date. One before 1970 or after 9999 is not sent: that clock is none (RFC 9110 6.6.1).
    pub fn at(self, date: SystemTime) -> Answer<'a> {
        Answer { date, ..self }
    }

    /// The status code: 502, 504, 503 or 500.
    pub fn status(&self) -> u16 {
        self.violation.status()
    }

    /// Append the whole reply, as HTTP/1.1.
    pub fn write(&self, out: &mut Vec<u8>) {
        let page = Page { violation: self.violation, gateway: self.gateway, method: self.method };
        let content = page.render(self.media);
        out.extend_from_slice(Head { answer: self, length: content.len() }.to_string().as_bytes());
        if self.method != Method::Head {
            out.extend_from_slice(content.as_bytes());
        }
    }

    /// The seconds of Retry-After; at least one, so that no client comes back at once.
    fn delay(&self) -> Option<u64> {
        let whole = |estimate: Duration| {
            estimate.as_secs().saturating_add(u64::from(estimate.subsec_nanos() > 0)).max(1)
        };
        match self.status() {
            503 => Some(self.retry_after.map_or(RETRY_AFTER, whole)),
            504 => self.retry_after.map(whole),
            _ => None,
        }
    }
}

/// The head of an answer whose content has this length.
struct Head<'a> {
    answer: &'a Answer<'a>,
    length: usize,
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.answer;
        let status = answer.status();
        write!(f, "HTTP/1.1 {status} {}\r\n", reason(status))?;
        if let Some(date) = http_date(answer.date) {
            write!(f, "Date: {date}\r\n")?;
        }
        write!(f, "Proxy-Status: {}\r\n", answer.violation.proxy_status(answer.gateway))?;
        if let Some(seconds) = answer.delay() {
            write!(f, "Retry-After: {seconds}\r\n")?;
        }
        f.write_str("Cache-Control: no-store\r\nVary: Accept\r\nX-Content-Type-Options: nosniff\r\n")?;
        write!(f, "Content-Type: {}\r\n", answer.media.content_type())?;
        write!(f, "Content-Length: {}\r\n", self.length)?;
        if answer.closing {
            f.write_str("Connection: close\r\n")?;
        }
        f.write_str("\r\n")
    }
}

/// The reason phrase of a status that a gateway answers with.
const fn reason(status: u16) -> &'static str {
    match status {
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Bad Gateway",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Close, Exchange, Limits, Outcome, Parser, Policy, ProxyError, Retry, Rule, Verdict, validate,
    };
    use serde_json::Value;
    use std::borrow::ToOwned;
    use std::format;
    use std::string::String;
    use std::time::UNIX_EPOCH;
    use std::vec;

    const TEXT: &str = "text/plain";
    const PAGE: &str = "text/html";
    const JSON: &str = "application/problem+json";
    const TYPES: [&str; 3] = [TEXT, PAGE, JSON];

    /// Sun, 06 Nov 1994 08:49:37 GMT
    fn rfc_date() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn written(answer: &Answer<'_>) -> String {
        let mut out = vec![];
        answer.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn split(reply: &str) -> (&str, &str) {
        reply.split_once("\r\n\r\n").unwrap()
    }

    fn field<'r>(reply: &'r str, name: &str) -> Option<&'r str> {
        let mut lines = split(reply).0.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        let (_, value) = lines.clone().find(|(own, _)| *own == name)?;
        assert_eq!(lines.by_ref().filter(|(own, _)| *own == name).count(), 1, "{name} stands there once");
        Some(value)
    }

    fn answer<'a>(violation: &'a Violation, accept: &str) -> Answer<'a> {
        Answer::new(violation, "edge").accept(Some(accept.as_bytes())).at(rfc_date())
    }

    fn problem(violation: &Violation) -> Value {
        serde_json::from_str(split(&written(&answer(violation, JSON))).1).unwrap()
    }

    fn refused(reply: &[u8]) -> Violation {
        *validate(reply, Exchange::GET, &Policy::STRICT, Some(Close::Eof)).violation().unwrap()
    }

    fn fold() -> Violation {
        refused(b"HTTP/1.1 200 OK\r\nX-Note: a\r\n b\r\n\r\n")
    }

    fn timed_out(reply: &[u8]) -> Violation {
        let mut parser = Parser::new(Policy::DEFAULT);
        parser.begin(Exchange::GET);
        let mut input = reply;
        while parser.next_event(&mut input).unwrap().is_some() {}
        parser.close(Close::Timeout).unwrap_err()
    }

    /// Every outcome, what every rule's example is refused for, and timeouts.
    fn violations() -> Vec<Violation> {
        let policy = Policy::STRICT.with_limits(Limits::EXAMPLE);
        let examples = Rule::all().filter_map(|rule| rule.example()).filter_map(|example| {
            validate(example.reply, example.exchange, &policy, example.close).violation().copied()
        });
        let outcomes = Outcome::ALL.into_iter().map(Violation::from);
        let timeouts = [&b""[..], b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"];
        let violations: Vec<_> = outcomes.chain(examples).chain(timeouts.map(timed_out)).collect();
        assert!(violations.len() > 90, "only {}", violations.len());
        violations
    }

    #[test]
    fn a_plain_answer_byte_for_byte() {
        let violation = fold();
        assert_eq!(
            written(&answer(&violation, "*/*").closing()),
            "HTTP/1.1 502 Bad Gateway\r\n\
             Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Proxy-Status: edge; error=http_protocol_error; received-status=200; details=\"obs-fold at byte 28\"\r\n\
             Cache-Control: no-store\r\n\
             Vary: Accept\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Content-Type: text/plain; charset=UTF-8\r\n\
             Content-Length: 582\r\n\
             Connection: close\r\n\
             \r\n\
             The server behind this gateway sent a reply that cannot be passed on\n\
             \n\
             It uses obsolete line folding, which this gateway does not accept.\n\
             This is likely to last until somebody repairs the server; trying again will hardly help.\n\
             \n\
             For operators\n  \
               Answer           502 Bad Gateway\n  \
               Rule             obs-fold\n  \
               Fault            a field value is continued on a second line\n  \
               Clause           RFC 9112 5.2\n  \
               Place            byte 28, in the header section\n  \
               Received status  200\n  \
               Error type       http_protocol_error\n  \
               Gateway          edge\n  \
               Explained by     badgateway explain obs-fold\n"
        );
    }

    #[test]
    fn every_answer_is_strictly_valid_and_its_length_exact() {
        for violation in violations() {
            for accept in TYPES {
                let answer = answer(&violation, accept);
                let (get, head) = (written(&answer), written(&answer.clone().method(Method::Head)));
                assert_eq!(head, format!("{}\r\n\r\n", split(&get).0), "{violation}");
                let length = split(&get).1.len();
                assert!(length > 0);
                assert_eq!(field(&get, "Content-Length").unwrap(), length.to_string(), "{violation}");
                assert!(field(&get, "Content-Type").unwrap().starts_with(accept));
                for (reply, method) in
                    [(&get, Method::Idempotent), (&get, Method::Connect), (&head, Method::Head)]
                {
                    let report = validate(reply.as_bytes(), Exchange::new(method), &Policy::STRICT, None);
                    assert_eq!(report.verdict(), Verdict::Valid, "{violation}: {reply}");
                    assert_eq!(report.status(), Some(violation.status()), "{violation}");
                }
            }
        }
    }

    #[test]
    fn the_status_line_is_one_of_four() {
        for violation in violations() {
            let wanted = match answer(&violation, TEXT).status() {
                500 => "HTTP/1.1 500 Internal Server Error\r\n",
                502 => "HTTP/1.1 502 Bad Gateway\r\n",
                503 => "HTTP/1.1 503 Service Unavailable\r\n",
                504 => "HTTP/1.1 504 Gateway Timeout\r\n",
                other => panic!("{violation} is answered {other}"),
            };
            assert!(written(&answer(&violation, TEXT)).starts_with(wanted), "{violation}");
        }
    }

    #[test]
    fn what_took_too_long_is_a_504() {
        let outcomes = [
            Outcome::DnsTimeout,
            Outcome::ConnectionTimeout,
            Outcome::ResponseHeaderTimeout,
            Outcome::ResponseBodyTimeout,
            Outcome::ResponseDeadlineExceeded,
            Outcome::RequestWriteTimeout,
        ];
        let timeouts =
            [timed_out(b""), timed_out(b"HTTP/1.1 200 OK\r\n"), timed_out(b"HTTP/1.1 200 OK\r\n\r\nh")];
        for violation in outcomes.into_iter().map(Violation::from).chain(timeouts) {
            let reply = written(&answer(&violation, TEXT));
            assert!(reply.starts_with("HTTP/1.1 504 "), "{violation}");
            assert!(split(&reply).1.starts_with("The server behind this gateway did not answer in time\n"));
            assert!(reply.contains("\n  Answer           504 Gateway Timeout\n"));
        }
    }

    #[test]
    fn retry_after_goes_with_503_and_an_estimated_504() {
        let retry_after = |outcome: Outcome, estimate: Option<Duration>| {
            let violation = Violation::from(outcome);
            let answer = answer(&violation, TEXT);
            let reply = written(&match estimate {
                Some(estimate) => answer.retry_after(estimate),
                None => answer,
            });
            field(&reply, "Retry-After").map(ToOwned::to_owned)
        };
        let some = |value: &str| Some(value.to_owned());
        let minute = Some(Duration::from_secs(60));
        assert_eq!(retry_after(Outcome::DestinationUnavailable, None), some("30"));
        assert_eq!(retry_after(Outcome::ConnectionLimitReached, minute), some("60"));
        assert_eq!(retry_after(Outcome::ResponseHeaderTimeout, None), None);
        assert_eq!(retry_after(Outcome::ResponseHeaderTimeout, minute), some("60"));
        assert_eq!(retry_after(Outcome::ResponseHeaderTimeout, Some(Duration::from_millis(1001))), some("2"));
        assert_eq!(retry_after(Outcome::ConnectionLimitReached, Some(Duration::ZERO)), some("1"));
        assert_eq!(
            retry_after(Outcome::ConnectionTimeout, Some(Duration::MAX)),
            some("18446744073709551615")
        );
        for outcome in [Outcome::ConnectionRefused, Outcome::GatewayInternalError, Outcome::DnsError] {
            assert_eq!(retry_after(outcome, minute), None);
        }
    }

    #[test]
    fn a_clock_that_is_none_gives_no_date() {
        let violation = fold();
        let date = |at| field(&written(&answer(&violation, TEXT).at(at)), "Date").map(ToOwned::to_owned);
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!(date(UNIX_EPOCH).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(last).unwrap(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(date(last + Duration::from_secs(1)), None);
        assert_eq!(date(UNIX_EPOCH - Duration::from_secs(1)), None);
        let now = written(&Answer::new(&violation, "edge"));
        assert!(field(&now, "Date").is_some_and(|date| httpdate::parse_http_date(date).is_ok()));
    }

    #[test]
    fn without_accept_it_is_plain_text_and_the_connection_stays() {
        let violation = fold();
        for answer in [Answer::new(&violation, "edge"), Answer::new(&violation, "edge").accept(None)] {
            let reply = written(&answer);
            assert_eq!(field(&reply, "Content-Type"), Some("text/plain; charset=UTF-8"));
            assert_eq!(field(&reply, "Connection"), None);
        }
        let reply = written(&answer(&violation, PAGE).closing());
        assert_eq!(field(&reply, "Content-Type"), Some("text/html; charset=UTF-8"));
        assert_eq!(field(&reply, "Connection"), Some("close"));
    }

    #[test]
    fn the_name_of_the_gateway_stays_in_its_place() {
        let name =
            "\"g'w\\ & \r\nSet-Cookie: a=b\r\n\r\n</dd><script>x()</script>\u{0}\u{7f}\u{85}\u{e9}\u{1f600}";
        let violation = fold();
        for accept in TYPES {
            let answer = Answer::new(&violation, name).accept(Some(accept.as_bytes()));
            let reply = written(&answer);
            let report = validate(reply.as_bytes(), Exchange::GET, &Policy::STRICT, Some(Close::Eof));
            assert_eq!(report.verdict(), Verdict::Valid, "{reply}");
            let (head, content) = split(&reply);
            assert_eq!(head.split("\r\n").count(), 8, "{head}");
            assert!(head.is_ascii());
            assert!(
                head.contains("Proxy-Status: \"\\\"g'w\\\\ & ??Set-Cookie: a=b????</dd><script>x()"),
                "{head}"
            );
            assert!(content.chars().all(|c| c == '\n' || !c.is_control()), "{content}");
            match accept {
                TEXT => assert!(content.contains("& \u{fffd}\u{fffd}Set-Cookie: a=b\u{fffd}"), "{content}"),
                PAGE => {
                    let shown = "&quot;g&#39;w\\ &amp; \u{fffd}\u{fffd}Set-Cookie: a=b\u{fffd}\u{fffd}\u{fffd}\u{fffd}\
                         &lt;/dd&gt;&lt;script&gt;x()&lt;/script&gt;\u{fffd}\u{fffd}\u{fffd}\u{e9}\u{1f600}</dd>";
                    assert!(content.contains(shown), "{content}");
                }
                _ => {
                    assert_eq!(content.trim_end().lines().count(), 1);
                    assert_eq!(serde_json::from_str::<Value>(content).unwrap()["gateway"], name);
                }
            }
        }
    }

    #[test]
    fn nothing_of_the_upstream_is_repeated() {
        let [one, other] =
            [&b"HTTP/1.1 200 Evil\r\nX-Evil(: a\r\n\r\nevil"[..], b"HTTP/1.1 200 Good\r\nX-Good{: b\r\n\r\n"];
        let (one, other) = (refused(one), refused(other));
        assert_ne!(one.found(), other.found());
        for accept in TYPES {
            let reply = written(&answer(&one, accept));
            assert_eq!(reply, written(&answer(&other, accept)));
            assert!(!reply.to_lowercase().contains("evil"));
        }
    }

    #[test]
    fn problem_details_hold_what_is_known() {
        let details = problem(&fold());
        assert_eq!(details["type"], "about:blank");
        assert_eq!(details["title"], "Bad Gateway");
        assert_eq!(details["status"], 502);
        assert_eq!(details["rule"], "obs-fold");
        assert_eq!(details["clause"], "RFC 9112 5.2");
        assert_eq!(details["offset"], 28);
        assert_eq!(details["phase"], "header");
        assert_eq!(details["error"], "http_protocol_error");
        assert_eq!(details["received_status"], 200);
        assert_eq!(details["gateway"], "edge");
        let refused = problem(&Violation::from(Outcome::ConnectionRefused));
        for absent in ["offset", "phase", "received_status"] {
            assert!(refused.get(absent).is_none(), "{absent}");
        }
        for violation in violations() {
            let details = problem(&violation);
            assert_eq!(details["status"], violation.status());
            assert_eq!(details["rule"], violation.rule().id());
            assert_eq!(details.get("error").is_some(), violation.proxy_error().is_some());
            assert!(details["detail"].as_str().unwrap().contains(violation.rule().title()));
        }
    }

    #[test]
    fn the_page_is_small_whole_and_stands_alone() {
        for violation in violations() {
            let reply = written(&answer(&violation, PAGE));
            let page = split(&reply).1;
            assert!(page.len() < 2048, "{violation}: {}", page.len());
            assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n"));
            assert!(page.contains(&format!("<title>{} ", violation.status())));
            for tag in ["html", "head", "title", "style", "body", "main", "h1", "section", "h2", "dl"] {
                let count = |text: &str| page.matches(text).count();
                let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
                assert_eq!((opened, count(&format!("</{tag}>"))), (1, 1), "{tag}");
            }
            for foreign in ["http:", "https:", "url(", "src=", "href=", "<script", "@import"] {
                assert!(!page.contains(foreign), "{violation}: {foreign}");
            }
        }
    }

    #[test]
    fn a_fold_is_called_obsolete_line_folding() {
        for accept in [TEXT, PAGE, JSON] {
            assert!(written(&answer(&fold(), accept)).contains("obsolete line folding"), "{accept}");
            assert!(
                !written(&answer(&refused(b"HTTP/1.1 200\r\n\r\n"), accept)).contains("folding"),
                "{accept}"
            );
        }
    }

    #[test]
    fn offsets_are_told_where_a_byte_could_have_come() {
        for violation in violations() {
            let reply = written(&answer(&violation, TEXT));
            let place =
                format!("\n  Place            byte {}, {}\n", violation.offset(), violation.phase().place());
            let is_before = violation.phase() == crate::Phase::Connect;
            assert_eq!(reply.contains(&place), !is_before, "{violation}");
            assert_eq!(reply.contains("\n  Place "), !is_before, "{violation}");
        }
    }

    #[test]
    fn it_says_whether_it_will_pass() {
        let outlook = |violation: &Violation, method| {
            let reply = written(&answer(violation, TEXT).method(method));
            let passing = reply.contains("This is likely to be temporary");
            assert_ne!(passing, reply.contains("This is likely to last until somebody repairs the "));
            (passing, reply.contains("may have acted on the request"))
        };
        for outcome in Outcome::ALL {
            let violation = Violation::from(outcome);
            let lasting = matches!(
                outcome,
                Outcome::DnsError
                    | Outcome::DestinationNotFound
                    | Outcome::DestinationIpProhibited
                    | Outcome::TlsCertificate
                    | Outcome::TlsProtocol
                    | Outcome::TlsAlert
                    | Outcome::PlaintextBeforeTls
                    | Outcome::GatewayInternalError
                    | Outcome::GatewayConfigurationError
                    | Outcome::GatewayLoop
            );
            assert_eq!(outlook(&violation, Method::Idempotent), (!lasting, false), "{violation}");
            let acted = !lasting && violation.retry() != Retry::Always;
            assert_eq!(outlook(&violation, Method::Other), (!lasting, acted), "{violation}");
        }
        assert_eq!(outlook(&fold(), Method::Other), (false, false));
        let cut = refused(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
        assert_eq!(cut.proxy_error(), Some(ProxyError::HttpResponseIncomplete));
        assert_eq!(outlook(&cut, Method::Idempotent), (true, false));
        assert_eq!(outlook(&cut, Method::Other), (true, true));
    }

    #[test]
    fn it_says_in_a_sentence_what_happened_and_who_may_repair_it() {
        let says = |violation: &Violation, sentence: &str, outlook: &str| {
            let reply = written(&answer(violation, TEXT));
            let mut lines = split(&reply).1.lines().skip(2);
            let (said, then) = (lines.next().unwrap(), lines.next().unwrap());
            assert!(said.contains(sentence) && then.contains(outlook), "{violation}: {said}\n{then}");
        };
        says(
            &refused(b"HTTP/1.1 200\r\n\r\n"),
            "breaks a rule of HTTP",
            "until somebody repairs the server;",
        );
        for (outcome, sentence, outlook) in [
            (Outcome::ClosedBeforeFirstByte, "ended before a whole reply", "temporary"),
            (Outcome::TlsCertificate, "could not make a connection", "repairs the server or the way to it"),
            (Outcome::ResponseBodyTimeout, "waited as long as it is allowed to", "temporary"),
            (Outcome::ConnectionLimitReached, "no connection to one, was free", "temporary"),
            (Outcome::GatewayLoop, "sent in a circle", "repairs the gateway"),
            (
                Outcome::GatewayConfigurationError,
                "lies in the gateway or in its configuration",
                "repairs the gateway",
            ),
        ] {
            says(&Violation::from(outcome), sentence, outlook);
        }
    }

    #[test]
    fn headings_tell_the_cases_apart() {
        let heading = |violation: &Violation| {
            let reply = written(&answer(violation, TEXT));
            split(&reply).1.lines().next().unwrap().to_owned()
        };
        let of = |outcome| heading(&Violation::from(outcome));
        assert!(heading(&fold()).ends_with("sent a reply that cannot be passed on"));
        assert!(heading(&refused(b"\x16\x03\x01")).ends_with("sent a reply that cannot be passed on"));
        assert!(of(Outcome::ClosedBeforeFirstByte).ends_with("broke off"));
        assert!(heading(&refused(b"HTTP/1.1 2")).ends_with("broke off"));
        assert!(of(Outcome::ConnectionRefused).ends_with("could not be reached"));
        assert!(of(Outcome::TlsCertificate).ends_with("could not be reached"));
        assert!(of(Outcome::ConnectionLimitReached).ends_with("not available at the moment"));
        assert!(of(Outcome::GatewayLoop).ends_with("came back to this gateway"));
        assert!(of(Outcome::GatewayConfigurationError).ends_with("gateway itself failed"));
    }
}
