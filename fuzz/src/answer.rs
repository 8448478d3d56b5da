//! The gateway's own answers: well-formed in each of their forms, and made of what the violation says alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use badgateway::answer::Answer;
use badgateway::{Exchange, Method, Outcome, Policy, Verdict, Violation, validate};
use serde_json::Value;

use super::scene::Scene;

/// What stands in the head of an answer, in this order; some of it not always.
const FIELDS: [&str; 9] = [
    "Date",
    "Proxy-Status",
    "Retry-After",
    "Cache-Control",
    "Vary",
    "X-Content-Type-Options",
    "Content-Type",
    "Content-Length",
    "Connection",
];

const ACCEPTS: [&[u8]; 3] = [b"text/plain", b"text/html", b"application/problem+json"];

/// Violations of one reply that are answered; the refusals are among the first.
const MOST: usize = 6;

/// For what is wrong with a reply, and for what can happen without one: to a client that takes each form, and to one
/// whose Accept is the last line of the reply, by a gateway that is called so too.
pub fn answer(data: &[u8]) {
    let scene = Scene::of(data);
    let line = scene.reply.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let spoken = String::from_utf8_lossy(line);
    let outcome = Outcome::ALL[scene.reply.len() % Outcome::ALL.len()];
    let mut violations = vec![Violation::outcome(outcome, scene.reply.len() as u64)];
    let reports = scene.policies.map(|policy| validate(scene.reply, scene.exchange, &policy, scene.close));
    violations.extend(reports.iter().filter_map(|report| report.violation()));
    violations.extend(reports.iter().flat_map(|report| report.notes()));
    for violation in violations.iter().take(MOST) {
        for accept in ACCEPTS {
            Told { scene: &scene, violation, gateway: scene.name, accept }.check();
        }
        Told { scene: &scene, violation, gateway: &spoken, accept: line }.check();
    }
}

/// One answer, by all that decides what it says.
struct Told<'t> {
    scene: &'t Scene<'t>,
    violation: &'t Violation,
    gateway: &'t str,
    accept: &'t [u8],
}

impl Told<'_> {
    fn answer(&self, method: Method) -> String {
        let mut answer = Answer::new(self.violation, self.gateway)
            .method(method)
            .accept(Some(self.accept))
            .at(self.date())
            .retry_after(Duration::from_millis(self.scene.reads[0] as u64 * 100));
        if self.scene.writes_on {
            answer = answer.closing();
        }
        let mut out = b"before".to_vec();
        answer.write(&mut out);
        let written = out.strip_prefix(b"before").expect("what was there stays there");
        String::from_utf8(written.to_vec()).expect("UTF-8")
    }

    /// Up to the year 36812; an answer has no Date past 9999.
    fn date(&self) -> SystemTime {
        let seconds = self.scene.reply.iter().take(5).fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn check(&self) {
        let get = self.answer(Method::Idempotent);
        let (head, content) = get.split_once("\r\n\r\n").expect("an empty line");
        assert_eq!(self.answer(Method::Head), format!("{head}\r\n\r\n"));
        self.check_head(head, content.len());
        for (reply, method) in
            [(&get[..], self.scene.exchange.method()), (&get[..head.len() + 4], Method::Head)]
        {
            if method == Method::Head && reply.len() == get.len() {
                continue;
            }
            let report = validate(reply.as_bytes(), Exchange::new(method), &Policy::STRICT, None);
            assert_eq!(report.verdict(), Verdict::Valid, "{reply}");
            assert_eq!(report.status(), Some(self.violation.status()));
        }
        assert!(content.chars().all(|c| c == '\n' || !c.is_control()), "{content:?}");
        match field(head, "Content-Type") {
            Some("text/plain; charset=UTF-8") => self.check_facts(&plain_facts(content)),
            Some("text/html; charset=UTF-8") => self.check_facts(&page_facts(content)),
            Some("application/problem+json") => self.check_problem(content),
            other => panic!("a form that is not known: {other:?}"),
        }
    }

    fn check_head(&self, head: &str, length: usize) {
        assert!(
            head.split("\r\n").all(|line| line.bytes().all(|byte| (0x20..0x7f).contains(&byte))),
            "{head:?}"
        );
        let mut names = FIELDS.iter();
        for line in head.split("\r\n").skip(1) {
            let (name, _) = line.split_once(": ").expect("a field line");
            assert!(names.any(|known| *known == name), "{name} is out of place in {head}");
        }
        assert_eq!(field(head, "Content-Length"), Some(&length.to_string()[..]));
        let proxy_status = self.violation.proxy_status(self.gateway).to_string();
        assert_eq!(field(head, "Proxy-Status"), Some(&proxy_status[..]));
    }

    /// What operators are told, which is all that differs between two replies refused by one rule.
    fn check_facts(&self, told: &[(String, String)]) {
        let (violation, rule) = (self.violation, self.violation.rule());
        let received = violation.received_status().map(|status| status.to_string());
        let error = violation.proxy_error().map(|error| error.to_string());
        let fault = match violation.detail() {
            Some(detail) => format!("{} ({detail})", rule.title()),
            None => rule.title().to_string(),
        };
        let known = |name: &str| match name {
            "Rule" => Some(rule.id().to_string()),
            "Fault" => Some(fault.clone()),
            "Clause" => Some(rule.clause().to_string()),
            "Place" => Some(format!("byte {}, {}", violation.offset(), violation.phase().place())),
            "Received status" => received.clone(),
            "Error type" => error.clone(),
            "Gateway" => Some(self.gateway.replace(char::is_control, "\u{fffd}")),
            "Explained by" => Some(format!("badgateway explain {}", rule.id())),
            _ => None,
        };
        let (answer, others) = told.split_first().expect("facts");
        assert!(answer.0 == "Answer" && answer.1.starts_with(&violation.status().to_string()), "{answer:?}");
        assert!(others.len() >= 5, "{told:?}");
        for (name, value) in others {
            assert_eq!(Some(value), known(name).as_ref(), "{name} of {violation}");
        }
    }

    fn check_problem(&self, content: &str) {
        let violation = self.violation;
        assert_eq!(content.lines().count(), 1, "{content}");
        let problem: Value = serde_json::from_str(content).expect("JSON");
        assert_eq!(problem["status"], violation.status());
        assert_eq!(problem["rule"], violation.rule().id());
        assert_eq!(problem["clause"], violation.rule().clause());
        assert_eq!(problem["gateway"], self.gateway);
        let received = problem.get("received_status").and_then(Value::as_u64);
        assert_eq!(received, violation.received_status().map(u64::from));
        let offset = problem.get("offset").and_then(Value::as_u64);
        assert!(offset.is_none_or(|offset| offset == violation.offset()), "{content}");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.is_ascii() && detail.contains(violation.rule().title()), "{detail}");
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| *own == name).map(|(_, value)| value).next()
}

/// The indented lines: a name, and behind it at column 19 its value.
fn plain_facts(content: &str) -> Vec<(String, String)> {
    let (prose, facts) = content.split_once("\n\nFor operators\n").expect("facts");
    assert!(prose.is_ascii(), "{prose}");
    let fact = |line: &str| {
        let (name, value) = line.split_at(19);
        (name.trim().to_string(), value.to_string())
    };
    facts.strip_suffix('\n').expect("a last line").split('\n').map(fact).collect()
}

/// The terms of the one list, from a page whose tags are balanced and whose text holds no markup.
fn page_facts(content: &str) -> Vec<(String, String)> {
    let mut open: Vec<&str> = Vec::new();
    let (mut terms, mut values) = (Vec::new(), Vec::new());
    let mut rest = content;
    while let Some((before, behind)) = rest.split_once('<') {
        let (tag, after) = behind.split_once('>').expect("a tag ends");
        let text = unescaped(before);
        match open.last() {
            Some(&"dt") => terms.push(text),
            Some(&"dd") => values.push(text),
            _ => assert!(text.is_ascii(), "{text}"),
        }
        let name = tag.split(' ').next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{content}"),
            None if ["!DOCTYPE", "meta"].contains(&name) => {}
            None => open.push(name),
        }
        rest = after;
    }
    assert!(open.is_empty() && rest == "\n", "{open:?} is open at the end of {content}");
    assert_eq!(terms.len(), values.len());
    terms.into_iter().zip(values).collect()
}

/// Text with its character references taken back; there may be no other ampersand, and no bare quote or bracket.
fn unescaped(text: &str) -> String {
    assert!(!text.contains(['>', '"', '\'']), "{text}");
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (name, after) = piece.split_once(';').expect("a reference ends");
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("a reference that is not known: {other}"),
        });
        plain.push_str(after);
    }
    plain
}
