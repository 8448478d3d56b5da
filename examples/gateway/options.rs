//! The command line.
#![forbid(unsafe_code)]

use std::time::Duration;

use badgateway::{Level, Limits, Policy, Rule};
use clap::{Parser, ValueEnum};

use crate::request::is_token;

/// A reverse proxy in front of one upstream that judges every reply and lets nothing bad through. Without --upstream
/// it starts an upstream of its own that plays a gallery of bad and good replies.
#[derive(Parser, Debug)]
#[command(name = "gateway", after_help = limit_names())]
pub struct Options {
    /// Where clients connect; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8502", value_parser = host_and_port)]
    pub listen: String,

    /// The server to stand in front of; without it, the gallery
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub upstream: Option<String>,

    /// How long the upstream may take to connect, or be silent when it is its turn: 30 seconds unless given, 5 in front of
    /// the gallery; a head must be whole in four times as long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// What is tolerated: strict, default, compat or observe
    #[arg(long, value_name = "POLICY", default_value = "default", value_parser = preset)]
    pub policy: Policy,

    /// Give one rule another level (allow, note or deny); may be given more than once
    #[arg(long, value_name = "RULE=LEVEL", value_parser = setting)]
    pub set: Vec<(Rule, Level)>,

    /// Set how much of one thing is read of a reply, as listed below; may be given more than once
    #[arg(long, value_name = "NAME=N", value_parser = limit)]
    pub limit: Vec<(String, u64)>,

    /// How a request is written to the log on standard output
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub access_log: Form,

    /// Where /-/metrics is served; 127.0.0.1:8503 in front of the gallery, else nowhere unless given
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub admin: Option<String>,

    /// The name of this service in Proxy-Status and, with its port, in Via; gateways in a row that listen on the same
    /// port need names of their own, as each would take the other's for a loop
    #[arg(long, value_name = "NAME", default_value = "badgateway", value_parser = pseudonym)]
    pub name: String,
}

/// The form of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    Human,
    Json,
}

impl Options {
    /// The gallery has replies that never come, and nobody wants to wait for them for long.
    pub fn patience(&self) -> Duration {
        let default = if self.upstream.is_some() { 30 } else { 5 };
        self.timeout.unwrap_or(Duration::from_secs(default))
    }

    /// The policy with every `--set` and `--limit`.
    pub fn judging(&self) -> Result<Policy, String> {
        let limits = self.limit.iter().try_fold(*self.policy.limits(), |limits, (name, value)| {
            limits.set(name, *value).map_err(|error| format!("--limit {name}={value}: {error}"))
        })?;
        self.set.iter().try_fold(self.policy.with_limits(limits), |policy, &(rule, level)| {
            policy.try_set(rule, level).ok_or_else(|| {
                let levels: Vec<&str> = rule.relax().levels().iter().map(|level| level.name()).collect();
                format!("--set {rule}={}: this rule can only be: {}", level.name(), levels.join(", "))
            })
        })
    }
}

fn host_and_port(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("a host and a port are needed, as in 127.0.0.1:8080")?;
    port.parse::<u16>().map_err(|_| format!("{port:?} is no port"))?;
    if host.is_empty() || host.contains(['/', ' ', '@']) {
        return Err("only a host before the colon, and no scheme, as in 127.0.0.1:8080".into());
    }
    Ok(text.into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is needed".to_string())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && seconds <= 86_400.0 => Ok(duration),
        _ => Err("more than 0 and at most 86400 seconds".into()),
    }
}

fn preset(text: &str) -> Result<Policy, String> {
    Policy::from_name(text).ok_or_else(|| "one of strict, default, compat, observe".into())
}

fn setting(text: &str) -> Result<(Rule, Level), String> {
    let (rule, level) = text.split_once('=').ok_or("RULE=LEVEL is needed, as in obs-fold=note")?;
    let rule =
        Rule::from_id(rule).ok_or_else(|| format!("there is no rule {rule:?}: see src/rule/RULES.md"))?;
    let level = Level::from_name(level).ok_or("the level is one of allow, note, deny")?;
    Ok((rule, level))
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=N is needed, as in fields=200")?;
    let value = value.parse().map_err(|error| format!("a whole number is needed: {error}"))?;
    Ok((name.into(), value))
}

/// In Via anything else would part the name, and a loop would not be found by it (RFC 9110 7.6.3).
fn pseudonym(text: &str) -> Result<String, String> {
    if !is_token(text.as_bytes()) {
        return Err("only letters, digits and !#$%&'*+-.^_`|~, as it stands in Via".into());
    }
    Ok(text.into())
}

fn limit_names() -> String {
    let lines = Limits::NAMES.iter().map(|(name, counts)| format!("\n  {name:20}  {counts}"));
    format!("Limits:{}", lines.collect::<String>())
}
