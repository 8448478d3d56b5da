//! The access log: one line a request, with the rule and the byte where a reply was refused.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use badgateway::{Escaped, Phase, Reuse, Rule, Violation};
use humantime::format_rfc3339_millis;
use serde_json::json;

use crate::metrics::Metrics;
use crate::options::Form;
use crate::request::is_token;

/// Bytes of the upstream in a line.
const EVIDENCE: usize = 64;

/// Lines that wait for the reader of standard output.
const WAITING: usize = 4096;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The upstream's reply reached the client, all of it.
    Forwarded,
    /// The gateway answered itself.
    Answered,
    /// The client's stream was cut, as the reply turned bad after its head had gone out.
    Aborted,
    /// The request was not good.
    Refused,
    /// The client went away.
    Left,
    /// The connection became a tunnel.
    Tunnelled,
}

impl Ending {
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Forwarded => "forwarded",
            Ending::Answered => "answered",
            Ending::Aborted => "aborted",
            Ending::Refused => "refused",
            Ending::Left => "left",
            Ending::Tunnelled => "tunnelled",
        }
    }
}

/// One request.
#[derive(Debug)]
pub struct Entry {
    pub client: SocketAddr,
    pub began: Instant,
    pub method: String,
    pub target: String,
    pub upstream_status: Option<u16>,
    pub status: Option<u16>,
    pub outcome: Ending,
    pub violation: Option<Violation>,
    pub evidence: Vec<u8>,
    /// The name of the field in which the fault lies.
    pub field: Option<String>,
    /// What was tolerated, and what else there is to say about the reply.
    pub notes: Vec<Rule>,
    pub retried: bool,
    /// The upstream connection had carried a request before.
    pub reused: bool,
    pub reuse: Option<Reuse>,
    pub content: u64,
    pub head_after: Option<Duration>,
    /// Why the request was not good.
    pub refusal: Option<&'static str>,
}

impl Entry {
    pub fn new(client: SocketAddr, method: &str, target: &str) -> Entry {
        Entry {
            client,
            began: Instant::now(),
            method: method.into(),
            target: target.into(),
            upstream_status: None,
            status: None,
            outcome: Ending::Left,
            violation: None,
            evidence: Vec::new(),
            field: None,
            notes: Vec::new(),
            retried: false,
            reused: false,
            reuse: None,
            content: 0,
            head_after: None,
            refusal: None,
        }
    }

    pub fn note(&mut self, rule: Rule) {
        if !self.notes.contains(&rule) {
            self.notes.push(rule);
        }
    }

    /// What the first attempt left is not what the second one is judged by.
    pub fn try_again(&mut self) {
        self.retried = true;
        self.violation = None;
        self.upstream_status = None;
        self.evidence.clear();
        self.field = None;
        self.notes.clear();
    }

    /// `received` are the bytes at hand, the first of which stands at offset `at` of the connection.
    pub fn blame(&mut self, violation: Violation, received: &[u8], at: u64) {
        let start = violation.span().start.saturating_sub(at).min(received.len() as u64) as usize;
        let in_field = matches!(violation.phase(), Phase::Header | Phase::Trailer) && start < received.len();
        self.field = in_field.then(|| field_name(&received[..start])).flatten();
        // Where the blame falls on an end, what stands before it is what there is to see.
        let start = if start == received.len() { start.saturating_sub(EVIDENCE) } else { start };
        self.evidence = received[start..].iter().take(EVIDENCE).copied().collect();
        self.upstream_status = self.upstream_status.or(violation.received_status());
        self.violation = Some(violation);
    }

    fn reuse(&self) -> Option<String> {
        self.reuse.map(|reuse| match reuse {
            Reuse::Yes => "yes".into(),
            Reuse::No(reason) => reason.to_string(),
        })
    }

    fn json(&self) -> String {
        let violation = self.violation.as_ref();
        let line = json!({
            "time": format_rfc3339_millis(SystemTime::now()).to_string(),
            "client": self.client.to_string(),
            "method": known(&self.method),
            "target": known(&self.target),
            "upstream_status": self.upstream_status,
            "status": self.status,
            "outcome": self.outcome.name(),
            "rule": violation.map(|violation| violation.rule().id()),
            "offset": violation.filter(|violation| violation.phase() != Phase::Connect).map(Violation::offset),
            "field": self.field,
            "evidence": Some(&self.evidence).filter(|bytes| !bytes.is_empty()).map(|bytes| Escaped(bytes).to_string()),
            "notes": self.notes.iter().map(|rule| rule.id()).collect::<Vec<_>>(),
            "refusal": self.refusal,
            "retried": self.retried,
            "reused": self.reused,
            "reuse": self.reuse(),
            "content": self.content,
            "head_ms": self.head_after.map(millis),
            "ms": millis(self.began.elapsed()),
        });
        line.to_string()
    }

    fn human(&self) -> String {
        let number = |status: Option<u16>| status.map_or("-".into(), |status| status.to_string());
        let mut line = format!(
            "{} {} {} {} {} {} (upstream {}) {} bytes {:.1} ms",
            format_rfc3339_millis(SystemTime::now()),
            self.client,
            Escaped(self.method.as_bytes()),
            Escaped(self.target.as_bytes()),
            number(self.status),
            self.outcome.name(),
            number(self.upstream_status),
            self.content,
            millis(self.began.elapsed()),
        );
        if let Some(refusal) = self.refusal {
            line += &format!(" request: {refusal}");
        }
        if let Some(violation) = &self.violation {
            let evidence = Escaped(&self.evidence).to_string().replace('"', "\\\"");
            let field = self.field.as_ref().map_or(String::new(), |name| format!("{name}: ..."));
            line += &format!(" {violation}");
            if !evidence.is_empty() {
                line += &format!(" \"{field}{evidence}\"");
            }
        }
        if self.retried {
            line += " retried";
        }
        if self.reused {
            line += " reused";
        }
        if let Some(reuse) = self.reuse().filter(|reuse| reuse != "yes") {
            line += &format!(" closed: {reuse}");
        }
        if !self.notes.is_empty() {
            let notes: Vec<&str> = self.notes.iter().map(|rule| rule.id()).collect();
            line += &format!(" notes: {}", notes.join(", "));
        }
        line
    }
}

/// The name of the field on whose line the bytes end, if they hold all of it: a token, and so fit to be printed.
fn field_name(bytes: &[u8]) -> Option<String> {
    let line = bytes.rsplit(|&byte| byte == b'\n').next()?;
    let name = &line[..line.iter().position(|&byte| byte == b':')?];
    let is_short_token = name.len() <= EVIDENCE && is_token(name);
    is_short_token.then(|| String::from_utf8_lossy(name).into_owned())
}

/// Of a request that was not understood so far nothing is known.
fn known(text: &str) -> Option<&str> {
    Some(text).filter(|&text| text != "-")
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// Writes lines without ever keeping a request waiting: if nobody reads them, they are dropped and counted.
pub struct Log {
    form: Form,
    metrics: Arc<Metrics>,
    lines: Mutex<Option<SyncSender<String>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    pub fn new(form: Form, metrics: Arc<Metrics>) -> Log {
        let (sender, lines) = sync_channel::<String>(WAITING);
        let writer = thread::spawn(move || {
            let mut out = io::stdout().lock();
            for line in lines {
                if writeln!(out, "{line}").is_err() {
                    return;
                }
            }
        });
        Log { form, metrics, lines: Mutex::new(Some(sender)), writer: Mutex::new(Some(writer)) }
    }

    pub fn write(&self, entry: &Entry) {
        self.metrics.count(entry);
        let line = match self.form {
            Form::Human => entry.human(),
            Form::Json => entry.json(),
        };
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = lines.as_ref()
            && let Err(TrySendError::Full(_)) = lines.try_send(line)
        {
            self.metrics.line_dropped();
        }
    }

    /// Write what waits, as long as somebody reads it.
    pub fn finish(&self) {
        drop(self.lines.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let since = Instant::now();
        while writer.as_ref().is_some_and(|writer| !writer.is_finished())
            && since.elapsed() < Duration::from_secs(1)
        {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
