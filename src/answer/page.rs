//! What the answer says, to people and to programs: plain text, a small page, or problem details.
//!
//! Every word is our own, except for the gateway's name, which is escaped; no byte of the upstream stands here.
#![forbid(unsafe_code)]

use core::fmt::{self, Write};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::accept::MediaType;
use super::reason;
use crate::exchange::Method;
use crate::proxy_status::ProxyError;
use crate::rule::Rule;
use crate::violation::{Phase, Retry, Violation};

/// What happened, as far as it makes a difference to whoever waits for a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A reply came that is unfit to be passed on.
    Unfit,
    /// The connection ended too early.
    BrokenOff,
    /// No connection came about.
    Unreachable,
    /// It took too long.
    TooSlow,
    /// Nothing was free to take the request.
    Unavailable,
    /// The request went in a circle.
    Loop,
    /// The gateway's own fault.
    Gateway,
}

impl Kind {
    const fn of(violation: &Violation) -> Kind {
        match (violation.status(), violation.proxy_error(), violation.phase()) {
            (504, _, _) => Kind::TooSlow,
            (503, _, _) => Kind::Unavailable,
            (500, _, _) => Kind::Gateway,
            (_, Some(ProxyError::ProxyLoopDetected), _) => Kind::Loop,
            (_, Some(ProxyError::ConnectionTerminated | ProxyError::HttpResponseIncomplete), _) => {
                Kind::BrokenOff
            }
            (_, _, Phase::Connect) => Kind::Unreachable,
            _ => Kind::Unfit,
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Kind::Unfit => "The server behind this gateway sent a reply that cannot be passed on",
            Kind::BrokenOff => "The connection to the server behind this gateway broke off",
            Kind::Unreachable => "The server behind this gateway could not be reached",
            Kind::TooSlow => "The server behind this gateway did not answer in time",
            Kind::Unavailable => "The service is not available at the moment",
            Kind::Loop => "The request came back to this gateway",
            Kind::Gateway => "This gateway itself failed",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Kind::Unfit => {
                "The reply breaks a rule of HTTP or a limit of this gateway, and is not safe to use."
            }
            Kind::BrokenOff => "It ended before a whole reply had arrived.",
            Kind::Unreachable => {
                "The gateway could not make a connection that it may use, so the request was not sent."
            }
            Kind::TooSlow => "The gateway waited as long as it is allowed to, and then gave up.",
            Kind::Unavailable => "No server, or no connection to one, was free to take the request.",
            Kind::Loop => "It was sent in a circle and reached no server that could answer it.",
            Kind::Gateway => {
                "The fault lies in the gateway or in its configuration, not in the server behind it."
            }
        }
    }

    /// How long it will last where it does not pass by itself.
    const fn lasting(self) -> &'static str {
        match self {
            Kind::Gateway | Kind::Loop => {
                "This is likely to last until somebody repairs the gateway; trying again will hardly help."
            }
            Kind::Unreachable => {
                "This is likely to last until somebody repairs the server or the way to it; trying again will \
                 hardly help."
            }
            _ => "This is likely to last until somebody repairs the server; trying again will hardly help.",
        }
    }
}

/// Does it often pass by itself? A timer, a lost connection or a full pool may; what a server says, and how things are
/// set up, stays as it is.
fn is_passing(error: ProxyError) -> bool {
    use ProxyError as E;
    let is_loss = matches!(
        error,
        E::ConnectionRefused
            | E::ConnectionTerminated
            | E::HttpResponseIncomplete
            | E::DestinationIpUnroutable
    );
    is_loss || matches!(error.status(), 503 | 504)
}

/// What one answer has to say.
pub(super) struct Page<'a> {
    pub(super) violation: &'a Violation,
    pub(super) gateway: &'a str,
    pub(super) method: Method,
}

impl Page<'_> {
    /// The content in that form.
    pub(super) fn render(&self, media: MediaType) -> String {
        match media {
            MediaType::Plain => Plain(self).to_string(),
            MediaType::Html => Html(self).to_string(),
            MediaType::Problem => Problem(self).to_string(),
        }
    }

    fn heading(&self) -> &'static str {
        Kind::of(self.violation).heading()
    }

    fn sentence(&self) -> &'static str {
        match self.violation.rule() {
            // RFC 9112 5.2 would have this fault told from others.
            Rule::ObsFold => "It uses obsolete line folding, which this gateway does not accept.",
            _ => Kind::of(self.violation).sentence(),
        }
    }

    /// Whether it is temporary, which RFC 9110 15.6 wants said, and what to do.
    fn outlook(&self) -> &'static str {
        let violation = self.violation;
        let may_have_acted = self.method == Method::Other && violation.retry() != Retry::Always;
        match (violation.proxy_error().is_some_and(is_passing), may_have_acted) {
            (false, _) => Kind::of(violation).lasting(),
            (true, false) => "This is likely to be temporary: please try again in a moment.",
            (true, true) => {
                "This is likely to be temporary, but the server may have acted on the request: check before you \
                 send it again."
            }
        }
    }

    fn fault(&self) -> String {
        let title = self.violation.rule().title();
        self.violation.detail().map_or(title.to_string(), |detail| format!("{title} ({detail})"))
    }

    /// Where in the reply, if a byte of it could have come.
    fn place(&self) -> Option<(u64, Phase)> {
        let violation = self.violation;
        (violation.phase() != Phase::Connect).then(|| (violation.offset(), violation.phase()))
    }

    /// For operators.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let violation = self.violation;
        let (rule, status) = (violation.rule(), violation.status());
        let place = self.place().map(|(offset, phase)| format!("byte {offset}, {}", phase.place()));
        let facts = [
            ("Answer", Some(format!("{status} {}", reason(status)))),
            ("Rule", Some(rule.id().to_string())),
            ("Fault", Some(self.fault())),
            ("Clause", Some(rule.clause().to_string())),
            ("Place", place),
            ("Received status", violation.received_status().map(|status| status.to_string())),
            ("Error type", violation.proxy_error().map(|error| error.to_string())),
            ("Gateway", Some(self.gateway.to_string())),
            ("Explained by", Some(format!("badgateway explain {rule}"))),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// text/plain
struct Plain<'p>(&'p Page<'p>);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plain(page) = self;
        writeln!(f, "{}\n", page.heading())?;
        writeln!(f, "{}\n{}\n", page.sentence(), page.outlook())?;
        writeln!(f, "For operators")?;
        for (name, value) in page.facts() {
            write!(f, "  {name:<17}")?;
            value.chars().try_for_each(|c| f.write_char(visible(c)))?;
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// A line stays a line.
fn visible(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

const STYLE: &str = "body{font:1em/1.5 system-ui,sans-serif;max-width:42em;margin:2em auto;padding:0 1em;\
    color:#222;background:#fff}h1{font-size:1.5em;line-height:1.25}h2{font-size:1em;margin-top:2em}\
    dl{display:grid;grid-template-columns:auto 1fr;gap:.25em 1em}dt{color:#555}\
    dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#181818}dt{color:#bbb}}";

/// text/html
struct Html<'p>(&'p Page<'p>);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Html(page) = self;
        let status = page.violation.status();
        writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"UTF-8\">")?;
        writeln!(f, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(f, "<meta name=\"color-scheme\" content=\"light dark\">")?;
        writeln!(f, "<title>{status} {}</title>\n<style>{STYLE}</style>\n</head>", reason(status))?;
        writeln!(f, "<body>\n<main>\n<h1>{}</h1>", HtmlText(page.heading()))?;
        writeln!(f, "<p>{}</p>\n<p>{}</p>", HtmlText(page.sentence()), HtmlText(page.outlook()))?;
        writeln!(f, "<section>\n<h2>For operators</h2>\n<dl>")?;
        for (name, value) in page.facts() {
            writeln!(f, "<dt>{name}</dt><dd>{}</dd>", HtmlText(&value))?;
        }
        writeln!(f, "</dl>\n</section>\n</main>\n</body>\n</html>")
    }
}

/// Text that stays text in HTML, in an attribute as well.
struct HtmlText<'t>(&'t str);

impl fmt::Display for HtmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(visible(c)),
        })
    }
}

/// application/problem+json: RFC 9457 3.1 and, behind them, members of our own. What is not known is absent.
struct Problem<'p>(&'p Page<'p>);

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem(page) = self;
        let violation = page.violation;
        let (rule, status) = (violation.rule(), violation.status());
        let (heading, fault) = (page.heading(), page.fault());
        let detail = format!("{heading}: {fault}. {} {}", page.sentence(), page.outlook());
        // For about:blank the title is the reason phrase (RFC 9457 4.2.1).
        write!(f, "{{\"type\":\"about:blank\",\"title\":{},\"status\":{status}", JsonText(reason(status)))?;
        write!(f, ",\"detail\":{},\"rule\":{}", JsonText(&detail), JsonText(rule.id()))?;
        write!(f, ",\"clause\":{}", JsonText(rule.clause()))?;
        if let Some((offset, phase)) = page.place() {
            write!(f, ",\"offset\":{offset},\"phase\":{}", JsonText(phase.name()))?;
        }
        if let Some(error) = violation.proxy_error() {
            write!(f, ",\"error\":{}", JsonText(error.name()))?;
        }
        if let Some(status) = violation.received_status() {
            write!(f, ",\"received_status\":{status}")?;
        }
        writeln!(f, ",\"gateway\":{}}}", JsonText(page.gateway))
    }
}

/// A JSON string, RFC 8259 7.
struct JsonText<'t>(&'t str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(f, "\\{c}"),
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c)),
            c => f.write_char(c),
        })?;
        f.write_char('"')
    }
}
