//! The command line.
#![forbid(unsafe_code)]

use std::ffi::OsString;

use badgateway::{Close, Exchange, Level, Limits, Method, Policy, Rule};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Judges HTTP/1.x replies as a gateway receives them: which rule is broken, at which byte, and what the client is
/// owed for it.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Options {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Judge replies: one a file, or with --jsonl one a line.
    ///
    /// Exit status: 0 all are valid or tolerated, 1 one is invalid or incomplete, 2 the command line or a line of
    /// input makes no sense, 3 something could not be read or the output not written; the highest counts. 141 if the
    /// output was closed before its end.
    Check(Check),
    /// List the rules.
    Rules {
        #[arg(long, value_enum, default_value = "human")]
        format: TableFormat,
    },
    /// Explain one rule: what it is, why it matters, what tolerating it does.
    Explain {
        #[arg(value_parser = rule)]
        rule: Rule,
    },
}

#[derive(Args)]
#[command(after_help = limit_names())]
pub struct Check {
    /// Files that hold the bytes of one reply each; - is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub files: Vec<OsString>,
    /// Read one JSON object a line, {"id", "method", "reply" (base64), "end"} and optional "policy" and "upgrade",
    /// and write one verdict a line; any other key is refused.
    #[arg(long)]
    pub jsonl: bool,
    /// The method of the request that the reply answers.
    #[arg(long, default_value = "GET")]
    pub method: String,
    /// The Upgrade field of that request.
    #[arg(long, value_name = "PROTOCOLS")]
    pub upgrade: Option<String>,
    /// How the connection goes on after the bytes.
    #[arg(long, value_enum, default_value = "eof")]
    pub end: Ending,
    /// What is tolerated.
    #[arg(long, value_name = "PRESET", default_value = "default", value_parser = ["strict", "default", "compat", "observe"])]
    pub policy: String,
    /// Set one rule to deny, note or allow; may be given many times.
    #[arg(long = "set", value_name = "RULE=LEVEL", value_parser = setting)]
    pub settings: Vec<(Rule, Level)>,
    /// Set one limit; may be given many times. The limits are listed below.
    #[arg(long = "limit", value_name = "NAME=N", value_parser = limit)]
    pub limits: Vec<(String, u64)>,
    #[arg(long, value_enum, default_value = "human", conflicts_with = "jsonl")]
    pub format: ReportFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ReportFormat {
    /// With carets.
    Human,
    /// One object a line.
    Json,
    /// One line a reply.
    Short,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum TableFormat {
    Human,
    Json,
    Markdown,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Ending {
    /// It is closed in good order.
    Eof,
    /// It stays open; more bytes may come.
    Open,
    /// TLS ends without close_notify.
    Truncated,
    /// It is reset.
    Reset,
    /// Nothing comes for too long.
    Timeout,
}

impl Ending {
    pub fn close(self) -> Option<Close> {
        match self {
            Ending::Eof => Some(Close::Eof),
            Ending::Open => None,
            Ending::Truncated => Some(Close::Truncated),
            Ending::Reset => Some(Close::Reset),
            Ending::Timeout => Some(Close::Timeout),
        }
    }
}

impl Check {
    /// The named preset, or the one of the command line, with the settings and limits of the command line on top.
    pub fn policy(&self, preset: Option<&str>) -> Option<Policy> {
        let policy = Policy::from_name(preset.unwrap_or(&self.policy))?;
        let policy = self.settings.iter().fold(policy, |policy, (rule, level)| policy.set(*rule, *level));
        let set = |limits: Limits, (name, value): &(String, u64)| limits.set(name, *value).ok();
        Some(policy.with_limits(self.limits.iter().try_fold(*policy.limits(), set)?))
    }

    /// The exchange with this method and upgrade, or those of the command line.
    pub fn exchange(&self, method: Option<&str>, upgrade: Option<&str>) -> Exchange {
        // On the wire a method in small letters is another method; nobody means that here.
        let method = method.unwrap_or(&self.method).to_ascii_uppercase();
        let exchange = Exchange::new(Method::from_bytes(method.as_bytes()));
        match upgrade.or(self.upgrade.as_deref()) {
            Some(offer) => exchange.upgrade(offer.as_bytes()),
            None => exchange,
        }
    }
}

fn rule(id: &str) -> Result<Rule, String> {
    Rule::from_id(id).ok_or_else(|| {
        let id = id.to_ascii_lowercase();
        let likeness = |rule: &Rule| (strsim::jaro_winkler(rule.id(), &id) * 1e6) as u32;
        match Rule::all().max_by_key(likeness).filter(|rule| likeness(rule) > 800_000) {
            Some(rule) => format!("no rule is called that; did you mean {rule}?"),
            None => "no rule is called that; `badgateway rules` lists them".to_string(),
        }
    })
}

fn setting(text: &str) -> Result<(Rule, Level), String> {
    let (id, level) = text.split_once('=').ok_or("it takes RULE=LEVEL, as in obs-fold=note")?;
    let rule = rule(id)?;
    let level = Level::from_name(level).ok_or("a level is deny, note or allow")?;
    if rule.permits(level) {
        return Ok((rule, level));
    }
    let levels: Vec<&str> = rule.relax().levels().iter().map(|level| level.name()).collect();
    Err(format!("{rule} is {}: it can only be set to {}", rule.relax().name(), levels.join(" or ")))
}

/// The name and the value of a limit, which can be set so.
fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("it takes NAME=N, as in fields=200")?;
    let value = value.parse().map_err(|error| format!("a whole number is needed: {error}"))?;
    Limits::DEFAULT.set(name, value).map_err(|error| error.to_string())?;
    Ok((name.to_string(), value))
}

fn limit_names() -> String {
    let lines = Limits::NAMES.iter().map(|(name, counts)| format!("\n  {name:20}  {counts}"));
    format!("Limits:{}", lines.collect::<String>())
}
