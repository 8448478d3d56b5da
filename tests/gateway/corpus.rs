//! The literate corpus, played through the gateway: what the library refuses is never a success for the client, and
//! what it takes arrives whole and strictly valid.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use badgateway::{
    Asked, Close, Detection, Event, Exchange, Method, Phase, Policy, Report, Verdict, Version, Written,
    validate, validate_each,
};

use crate::client::{Ending, Got};
use crate::harness::Gateway;
use crate::literate::{self, Case};
use crate::upstream::{After, Upstream};

/// A client with HTTP/1.1 or 1.0.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    New,
    Old,
}

/// Cases that a plain client and a TCP connection can bring about.
fn ordinary() -> Vec<Case> {
    let mut cases = literate::cases();
    cases.retain(|case| {
        let exchange = &case.exchange;
        exchange.method() != Method::Connect
            && exchange.request_written() == Written::Whole
            && !exchange.offers_upgrade()
            && exchange.continue_asked() != Asked::Yes
            && exchange.request_version() != Some(Version::Http10)
            && !matches!(case.close, Some(Close::Truncated | Close::Abandoned))
    });
    assert!(cases.len() > 700, "only {} cases", cases.len());
    cases
}

#[test]
fn the_corpus_is_judged_alike_behind_the_gateway() {
    play(Client::New);
}

/// Who has no chunks to end, and takes a FIN for the end of everything.
#[test]
fn the_corpus_fools_no_http_1_0_client() {
    play(Client::Old);
}

fn play(client: Client) {
    let cases = Arc::new(ordinary());
    let upstream = upstream_of(cases.clone());
    let gateway = Gateway::with(&upstream, &["--timeout", "1"]);
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place = cases.iter().position(|other| std::ptr::eq(other, case)).unwrap();
                    let got = ask(&gateway, case, place, client);
                    if let Err(complaint) = compare(case, &got, client) {
                        let reply = &case.reply[..case.reply.len().min(500)];
                        let text =
                            format!("{}\n  {}\n  {complaint}\n  {got:?}", case.name, reply.escape_ascii());
                        complaints.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().unwrap();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

fn upstream_of(cases: Arc<Vec<Case>>) -> Upstream {
    Upstream::reply(move |request| {
        let case = &cases[request.target.trim_start_matches('/').parse::<usize>().unwrap()];
        let after = match case.close {
            Some(Close::Eof) => After::Fin,
            Some(Close::Reset) => After::Rst,
            _ => After::Keep,
        };
        (case.reply.clone(), after)
    })
}

fn ask(gateway: &Gateway, case: &Case, place: usize, client: Client) -> Got {
    let exchange = &case.exchange;
    let (method, length) = match exchange.method() {
        Method::Head => ("HEAD", ""),
        Method::Idempotent => ("GET", ""),
        _ => ("POST", "Content-Length: 0\r\n"),
    };
    let range = if exchange.range_asked() == Asked::Yes { "Range: bytes=0-4\r\n" } else { "" };
    let condition = if exchange.precondition_asked() == Asked::Yes { "If-None-Match: \"a\"\r\n" } else { "" };
    let version = if client == Client::New { "1.1" } else { "1.0" };
    let request =
        format!("{method} /{place} HTTP/{version}\r\nHost: gateway.test\r\n{length}{range}{condition}\r\n");
    let mut got = gateway.ask(&request);
    for _ in 0..3 {
        // A connection that ends as it is used again: for a POST that is the client's to repeat.
        let raced = got.wire.windows(24).any(|window| window == b"closed-before-first-byte");
        if method == "POST" && raced && !case.reply.is_empty() {
            got = gateway.ask(&request);
        }
    }
    got
}

/// What the library makes of the case, and its content.
fn judge(case: &Case) -> (Report<'_>, Vec<u8>) {
    let judge = |close| {
        let mut content = Vec::new();
        let report = validate_each(&case.reply, case.exchange, &Policy::DEFAULT, close, |event| {
            if let Event::Content(bytes) = event {
                content.extend_from_slice(bytes);
            }
        });
        (report, content)
    };
    let judged = judge(case.close);
    if judged.0.verdict() == Verdict::Incomplete && case.close.is_none() {
        // The connection stays open, and nothing more comes.
        return judge(Some(Close::Timeout));
    }
    judged
}

fn compare(case: &Case, got: &Got, client: Client) -> Result<(), String> {
    let (report, content) = judge(case);
    if got.ending == Ending::Silent {
        return Err("the client waits for ever".into());
    }
    if client == Client::Old && !got.interims.is_empty() {
        return Err("an interim reply to HTTP/1.0".into());
    }
    if report.verdict().is_fit() {
        compare_fit(case, got, &report, &content)
    } else {
        compare_refused(case, got, &report)
    }
}

fn compare_fit(case: &Case, got: &Got, report: &Report<'_>, content: &[u8]) -> Result<(), String> {
    let wanted = report.status().unwrap();
    if !got.complete || got.status() != wanted {
        return Err(format!("fit, to be forwarded as {wanted} with {} bytes of content", content.len()));
    }
    // A 205 has no content, whatever came with it (RFC 9110 15.3.6).
    let wanted = if wanted == 205 { b"" } else { content };
    if got.content != wanted {
        return Err(format!("the content is {}", content.escape_ascii()));
    }
    // What leaves the gateway is strictly valid (G8).
    let exchange = Exchange::new(case.exchange.method());
    let close = (got.ending == Ending::Fin).then_some(Close::Eof);
    let sent = validate(&got.wire, exchange, &strict(), close);
    if sent.verdict().is_fit() { Ok(()) } else { Err(format!("forwarded {:?}", sent.violation())) }
}

/// Date and Via may take a head past a limit that the upstream has just kept to; whether its bytes are valid is not a
/// matter of limits.
fn strict() -> Policy {
    let mut limits = *Policy::STRICT.limits();
    limits.fields += 10;
    limits.header_section += 1000;
    limits.trailer_section += 1000;
    Policy::STRICT.with_limits(limits)
}

fn compare_refused(case: &Case, got: &Got, report: &Report<'_>) -> Result<(), String> {
    let violation = report.violation().ok_or("neither fit nor refused")?;
    let blame = format!("details=\"{} at byte {}\"", violation.rule(), violation.offset());
    if got.complete {
        let member = got.head().all("Proxy-Status").join(", ");
        return if got.status() != violation.status() {
            Err(format!("refused, to be answered by {}: {blame}", violation.status()))
        } else if !member.contains(&blame) {
            Err(format!("to be blamed on {blame}"))
        } else {
            Ok(())
        };
    }
    let seen_at_once = case.reply.len() < 4096 && violation.rule().detection() != Detection::Close;
    let in_head = !matches!(violation.phase(), Phase::Body | Phase::Trailer | Phase::Idle);
    if seen_at_once || in_head {
        return Err(format!(
            "refused before anything was sent, to be answered by {}: {blame}",
            violation.status()
        ));
    }
    Ok(())
}
