//! Counters by rule and by answer, and the listener that tells them.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use badgateway::Rule;
use prometheus::{Encoder, IntCounter, IntCounterVec, Opts, Registry, TextEncoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::log::Entry;

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    rules: IntCounterVec,
    retries: IntCounter,
    dropped_lines: IntCounter,
}

impl Metrics {
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let vec = |name, about, labels| IntCounterVec::new(Opts::new(name, about), labels);
        let metrics = Metrics {
            registry: Registry::new(),
            requests: vec(
                "badgateway_requests_total",
                "Requests by what became of them and the status the client got.",
                &["outcome", "status"],
            )?,
            rules: vec(
                "badgateway_rules_total",
                "Replies by rule broken: refused for it, noted, or found on an idle connection.",
                &["rule", "effect"],
            )?,
            retries: IntCounter::new(
                "badgateway_retries_total",
                "Requests sent again on a fresh connection.",
            )?,
            dropped_lines: IntCounter::new(
                "badgateway_log_lines_dropped_total",
                "Lines of the access log that were dropped because nobody read them.",
            )?,
        };
        metrics.registry.register(Box::new(metrics.requests.clone()))?;
        metrics.registry.register(Box::new(metrics.rules.clone()))?;
        metrics.registry.register(Box::new(metrics.retries.clone()))?;
        metrics.registry.register(Box::new(metrics.dropped_lines.clone()))?;
        Ok(metrics)
    }

    pub fn count(&self, entry: &Entry) {
        let status = entry.status.map_or("none".into(), |status| status.to_string());
        self.requests.with_label_values(&[entry.outcome.name(), &status]).inc();
        if let Some(violation) = &entry.violation {
            self.rules.with_label_values(&[violation.rule().id(), "refused"]).inc();
        }
        for rule in &entry.notes {
            self.rules.with_label_values(&[rule.id(), "noted"]).inc();
        }
        if entry.retried {
            self.retries.inc();
        }
    }

    pub fn unsolicited(&self, rule: Rule) {
        self.rules.with_label_values(&[rule.id(), "idle"]).inc();
    }

    pub fn line_dropped(&self) {
        self.dropped_lines.inc();
    }

    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // A Vec takes whatever is written.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

/// One request a connection, for a scraper on a network of one's own.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let metrics = metrics.clone();
                tokio::spawn(timeout(Duration::from_secs(10), async move { answer(stream, &metrics).await }));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn answer(mut stream: TcpStream, metrics: &Metrics) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > 8192 || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let target = head.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let is_get = head.starts_with(b"GET ");
    let (status, content_type, content) = match (is_get, target) {
        (true, b"/-/metrics") => ("200 OK", prometheus::TEXT_FORMAT, metrics.text()),
        (true, _) => ("404 Not Found", "text/plain", b"The metrics are at /-/metrics.\n".to_vec()),
        (false, _) => ("405 Method Not Allowed", "text/plain", b"Only GET.\n".to_vec()),
    };
    let allow = if is_get { "" } else { "Allow: GET\r\n" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         Connection: close\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&content).await?;
    stream.shutdown().await
}
