//! `badgateway check --jsonl`: one reply a line in, one verdict a line out, in the same order.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use badgateway::Escaped;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine};
use clap::ValueEnum;
use rayon::prelude::*;
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::check::{Verdict, judge};
use crate::json;
use crate::options::{Check, Ending};
use crate::{Outcome, complain};

/// Lines judged together, and lines that may wait.
const BATCH: usize = 256;

/// Padding is taken as it comes.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that is misspelt would else be taken for one that is left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'l, str>>,
    #[serde(borrow)]
    reply: Cow<'l, str>,
    #[serde(borrow)]
    end: Option<Cow<'l, str>>,
    #[serde(borrow)]
    policy: Option<Cow<'l, str>>,
    #[serde(borrow)]
    upgrade: Option<Cow<'l, str>>,
}

/// What can be told of a line that is no request.
#[derive(Deserialize)]
struct Identified<'l> {
    #[serde(borrow)]
    id: Option<&'l RawValue>,
}

#[derive(Serialize)]
struct Answer<'l> {
    #[serde(serialize_with = "on_one_line")]
    id: Option<&'l RawValue>,
    #[serde(flatten)]
    verdict: Verdict<'l>,
}

#[derive(Serialize)]
struct Failure<'l> {
    #[serde(serialize_with = "on_one_line")]
    id: Option<&'l RawValue>,
    error: String,
}

/// An id goes back as it came, but for control characters: line ends between its parts mean nothing, and in a text stand
/// those that JSON need not escape, and that a terminal would obey.
fn on_one_line<S: Serializer>(id: &Option<&RawValue>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) if id.get().contains(char::is_control) => {
            let written = id.get().chars().fold(String::new(), |mut written, c| {
                match c {
                    '\r' | '\n' => {}
                    c if c.is_control() && c != '\t' => written += &format!("\\u{:04x}", u32::from(c)),
                    c => written.push(c),
                }
                written
            });
            RawValue::from_string(written).map_err(S::Error::custom)?.serialize(serializer)
        }
        id => id.serialize(serializer),
    }
}

type Line = (usize, io::Result<Vec<u8>>);

pub fn run(options: &Check, out: &mut impl Write) -> io::Result<Outcome> {
    let mut worst = Outcome::Fit;
    for file in &options.files {
        let outcome = match open(file) {
            Ok(input) => run_file(options, input, out)?,
            Err(error) => {
                complain(format_args!("{}: {error}", Escaped(file.as_encoded_bytes())));
                Outcome::Unreadable
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

fn open(file: &OsStr) -> io::Result<Box<dyn BufRead + Send>> {
    if file == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let opened = File::open(file)?;
    // A directory can be opened; it is no file of lines.
    if opened.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(Box::new(BufReader::with_capacity(1 << 16, opened)))
}

/// One thread reads; the others judge what has come so far, so that a slow source is answered line by line.
fn run_file(options: &Check, input: Box<dyn BufRead + Send>, out: &mut impl Write) -> io::Result<Outcome> {
    let (sender, receiver) = sync_channel(4 * BATCH);
    let reader = thread::spawn(move || read_lines(input, &sender));
    let mut worst = Outcome::Fit;
    while let Some(batch) = next_batch(&receiver) {
        let answers: Vec<(String, Outcome)> =
            batch.into_par_iter().map(|(number, line)| answer(options, number, line)).collect();
        for (text, outcome) in answers {
            writeln!(out, "{text}")?;
            worst = worst.max(outcome);
        }
        out.flush()?;
    }
    // A thread that has sent its last line has nothing left to fail at.
    let _ = reader.join();
    Ok(worst)
}

fn read_lines(mut input: Box<dyn BufRead + Send>, sender: &SyncSender<Line>) {
    for number in 1.. {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line);
        let sent = match read {
            Ok(0) => return,
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => sender.send((number, Ok(line))),
            Err(error) => {
                // Nobody left to tell: the run is over either way.
                let _ = sender.send((number, Err(error)));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Wait for a line, then take what else is there.
fn next_batch(receiver: &Receiver<Line>) -> Option<Vec<Line>> {
    let first = receiver.recv().ok()?;
    Some(std::iter::once(first).chain(receiver.try_iter().take(BATCH - 1)).collect())
}

fn answer(options: &Check, number: usize, line: io::Result<Vec<u8>>) -> (String, Outcome) {
    let line = match line {
        Ok(line) => line,
        Err(error) => return failure(None, number, &error.to_string(), Outcome::Unreadable),
    };
    // Some editors begin a file with a byte order mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
    if !line.starts_with(b"{") {
        return failure(None, number, "not a JSON object", Outcome::Usage);
    }
    let request: Request<'_> = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            let id = serde_json::from_slice(line).ok().and_then(|line: Identified<'_>| line.id);
            return failure(id, number, &json_error(&error), Outcome::Usage);
        }
    };
    match judge_request(options, &request) {
        Ok(answer) => answer,
        Err(error) => failure(request.id, number, &error, Outcome::Usage),
    }
}

/// The line number that serde_json tells is always 1; ours is another.
fn json_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line 1 column") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

fn judge_request(options: &Check, request: &Request<'_>) -> Result<(String, Outcome), String> {
    let reply = BASE64
        .decode(request.reply.as_bytes())
        .map_err(|error| format!("reply: not base64: {}", fault(error)))?;
    let end = match &request.end {
        Some(name) => Ending::from_str(name, true).map_err(|_| format!("end: no such end: {name:?}"))?,
        None => options.end,
    };
    let policy = options.policy(request.policy.as_deref());
    let policy = policy.ok_or_else(|| {
        format!("policy: no such preset: {:?}", request.policy.as_deref().unwrap_or_default())
    })?;
    let exchange = options.exchange(request.method.as_deref(), request.upgrade.as_deref());
    let verdict = judge(&reply, exchange, &policy, end.close());
    let outcome = verdict.outcome();
    let text = json::line(&Answer { id: request.id, verdict }).map_err(|error| error.to_string())?;
    Ok((text, outcome))
}

/// Where the text of a reply is no base64; offsets count its bytes.
fn fault(error: DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(offset, byte) => format!("byte {byte:#04x} at offset {offset}"),
        DecodeError::InvalidLength(len) => format!("it is cut off at offset {len}"),
        DecodeError::InvalidLastSymbol { offset, symbol, .. } => {
            format!("the last symbol, {symbol:#04x} at offset {offset}, has bits to spare")
        }
        DecodeError::InvalidPadding => "its padding is wrong".to_string(),
    }
}

fn failure(id: Option<&RawValue>, number: usize, error: &str, outcome: Outcome) -> (String, Outcome) {
    let error = format!("line {number}: {error}");
    let text = json::line(&Failure { id, error });
    (text.unwrap_or_else(|error| format!("{{\"id\":null,\"error\":\"{error}\"}}")), outcome)
}
