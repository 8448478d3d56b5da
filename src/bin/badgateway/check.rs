//! `badgateway check`: one reply a file.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};

use badgateway::{Close, Escaped, Event, Exchange, Paint, Policy, Report, validate_each};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::json;
use crate::options::{Check, ReportFormat};
use crate::{Outcome, complain};

/// A report with what only the content itself can tell.
#[derive(Serialize)]
pub struct Verdict<'r> {
    #[serde(flatten)]
    pub report: Report<'r>,
    content_sha256: String,
}

/// Judge one reply and digest its content.
pub fn judge<'r>(reply: &'r [u8], exchange: Exchange, policy: &Policy, close: Option<Close>) -> Verdict<'r> {
    let mut digest = Sha256::new();
    let report = validate_each(reply, exchange, policy, close, |event| {
        if let Event::Content(content) = event {
            digest.update(content);
        }
    });
    let content_sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Verdict { report, content_sha256 }
}

impl Verdict<'_> {
    pub fn outcome(&self) -> Outcome {
        if self.report.verdict().is_fit() { Outcome::Fit } else { Outcome::Unfit }
    }
}

/// A verdict on a file; of a name that is not Unicode, what JSON can hold.
#[derive(Serialize)]
struct Named<'r> {
    file: Cow<'r, str>,
    #[serde(flatten)]
    verdict: Verdict<'r>,
}

pub fn run(options: &Check, out: &mut impl Write) -> io::Result<Outcome> {
    let policy = options.policy(None).unwrap_or_default();
    let exchange = options.exchange(None, None);
    let mut worst = Outcome::Fit;
    for (place, file) in options.files.iter().enumerate() {
        let outcome = match read(file) {
            Ok(reply) => {
                if place > 0 && matches!(options.format, ReportFormat::Human) {
                    writeln!(out)?;
                }
                let verdict = judge(&reply, exchange, &policy, options.end.close());
                let outcome = verdict.outcome();
                write_report(out, name(file), verdict, options.format)?;
                outcome
            }
            Err(error) => {
                out.flush()?;
                complain(format_args!("{}: {error}", Escaped(file.as_encoded_bytes())));
                Outcome::Unreadable
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

pub fn read(file: &OsStr) -> io::Result<Vec<u8>> {
    if file != "-" {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name(file: &OsStr) -> &OsStr {
    if file == "-" { OsStr::new("stdin") } else { file }
}

fn write_report(
    out: &mut impl Write,
    name: &OsStr,
    verdict: Verdict<'_>,
    format: ReportFormat,
) -> io::Result<()> {
    let report = &verdict.report;
    let (file, escaped) = (name.to_string_lossy(), Escaped(name.as_encoded_bytes()));
    match (format, report.violation()) {
        (ReportFormat::Human, _) => write!(out, "{}", report.render(&file, Paint::Ansi)),
        (ReportFormat::Json, _) => writeln!(out, "{}", json::line(&Named { file, verdict })?),
        (ReportFormat::Short, Some(violation)) => {
            let (verdict, status) = (report.verdict().name(), violation.status());
            writeln!(out, "{escaped}: {verdict}: {violation}; answer {status}")
        }
        (ReportFormat::Short, None) => {
            write!(out, "{escaped}: {}", report.verdict().name())?;
            if !report.verdict().is_fit() {
                write!(out, " (more bytes are due)")?;
            }
            for (place, note) in report.notes().iter().enumerate() {
                let comma = if place == 0 { ":" } else { "," };
                write!(out, "{comma} {} at byte {}", note.rule(), note.span().start)?;
            }
            writeln!(out)
        }
    }
}
