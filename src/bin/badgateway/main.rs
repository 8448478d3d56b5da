//! `badgateway`: what is wrong with an upstream's reply, by which rule, at which byte.
#![forbid(unsafe_code)]

mod check;
mod json;
mod jsonl;
mod options;
mod rules;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use options::{Command, Options};

/// How a run ended; the worst of its parts counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Every reply is valid or tolerated.
    Fit,
    /// A reply is invalid or incomplete.
    Unfit,
    /// The command line, or a line of input, makes no sense.
    Usage,
    /// Something could not be read, or the output not be written.
    Unreadable,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(outcome as u8)
    }
}

/// 128 and SIGPIPE: how a shell reports a program that wrote to a closed pipe.
const CLOSED_PIPE: u8 = 141;

fn main() -> ExitCode {
    let options = Options::parse();
    // Colours are taken out again where the output is no terminal, or NO_COLOR is set.
    let mut out = anstream::stdout().lock();
    let outcome = match options.command {
        Command::Check(options) if options.jsonl => jsonl::run(&options, &mut out),
        Command::Check(options) => check::run(&options, &mut out),
        Command::Rules { format } => rules::list(format, &mut out),
        Command::Explain { rule } => rules::explain(rule, &mut out),
    };
    match outcome.and_then(|outcome| out.flush().map(|()| outcome)) {
        Ok(outcome) => outcome.into(),
        // Whoever read the output has seen enough, which says nothing of the rest.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            complain(format_args!("cannot write: {error}"));
            Outcome::Unreadable.into()
        }
    }
}

/// Tell an error. One that cannot be told is left to the exit status.
fn complain(error: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "badgateway: {error}");
}
