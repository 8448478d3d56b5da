//! The page for people: what the upstream does wrong, in which bytes, and what the gateway makes of it.
#![forbid(unsafe_code)]

use std::fmt::{self, Display};
use std::net::SocketAddr;

use badgateway::{Close, Exchange, Forwarded, Phase, Policy, Remedy, Report, Reuse, Rule, Section, Span};
use badgateway::{Verdict, validate};

use super::cases::{self, Ask, Case};
use super::markup::{Bytes, Clause, Html, Shell};
use super::play::Ending;
use super::valid::{VALID, Valid};

/// The whole page.
pub fn index(gateway: SocketAddr) -> String {
    Page { gateway }.to_string()
}

struct Page {
    gateway: SocketAddr,
}

impl Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(START_OF_PAGE)?;
        write!(f, "<style>\n{}</style>\n", include_str!("page.css"))?;
        self.introduction(f)?;
        contents(f)?;
        f.write_str("<main id=\"main\">\n")?;
        self.news(f)?;
        self.valid(f)?;
        Section::ALL.into_iter().try_for_each(|section| self.section(f, section))?;
        self.own_upstream(f)?;
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

const START_OF_PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>A gallery of broken replies</title>
"#;

impl Page {
    fn introduction(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r##"<body>
<a class="skip" href="#main">Skip to the replies</a>
<header>
<h1>A gallery of broken replies</h1>
<p>Behind this page is a server that sends broken HTTP replies on purpose, and between it and you stands a
gateway. The gateway passes on what is valid, repairs what can mean one thing only, and answers 502 or 504 for
the rest. Follow a link to see what a client gets, or run a curl line to see every byte of it.</p>
{}</header>
"##,
            Shell(&format!("curl -i http://{}/news", self.gateway))
        )
    }

    fn news(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = validate(cases::NEWS, Exchange::GET, &Policy::DEFAULT, None);
        let blame = report.violation().map(|violation| violation.span());
        f.write_str(
            r#"<section id="news">
<h2>Start here</h2>
<p>Each case shows the bytes that the server sends, with those to blame marked, and what the gateway does by
default. The server keeps the connection open afterwards unless the case says otherwise.</p>
<ul class="cases">
<li class="case">
<div>
<h3><a href="/news">/news</a></h3>
<p>A page of news that says twice how long it is, and not the same.</p>
"#,
        )?;
        Outcome { tone: Tone::Bad, words: "refused: 502" }.fmt(f)?;
        f.write_str("</div>\n<div>\n")?;
        Bytes { reply: cases::NEWS, blame }.fmt(f)?;
        f.write_str(
            r#"</div>
</li>
<li class="case">
<div>
<h3><a href="/slow-news">/slow-news</a></h3>
<p>Never answered, so that the gateway has to give up. Have a little patience.</p>
"#,
        )?;
        Outcome { tone: Tone::Bad, words: "refused: 504" }.fmt(f)?;
        f.write_str(
            "</div>\n<div>\n<p class=\"then\">No bytes at all.</p>\n</div>\n</li>\n</ul>\n</section>\n",
        )
    }

    fn valid(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "<section id=\"valid\">\n<h2>Valid replies</h2>\n\
             <p>They come through as they are, for comparison.</p>\n<ul class=\"pages\">\n",
        )?;
        VALID.iter().try_for_each(|valid| self.valid_page(f, valid))?;
        f.write_str("</ul>\n</section>\n")
    }

    fn valid_page(&self, f: &mut fmt::Formatter<'_>, valid: &Valid) -> fmt::Result {
        let Valid { name, about, curl } = valid;
        write!(f, "<li>\n<h3><a href=\"/valid/{name}\">{name}</a></h3>\n<div>\n<p>{}</p>\n", Html(about))?;
        if let Some(arguments) = curl {
            Shell(&format!("curl {arguments} http://{}/valid/{name}", self.gateway)).fmt(f)?;
        }
        f.write_str("</div>\n</li>\n")
    }

    fn section(&self, f: &mut fmt::Formatter<'_>, section: Section) -> fmt::Result {
        let title = section.title();
        write!(f, "<section id=\"{}\">\n<h2>{title}</h2>\n<ul class=\"cases\">\n", anchor(section))?;
        in_section(section).try_for_each(|case| self.case(f, case))?;
        f.write_str("</ul>\n")?;
        if section == Section::Transport {
            unplayed(f)?;
        }
        f.write_str("</section>\n")
    }

    fn case(&self, f: &mut fmt::Formatter<'_>, case: &Case) -> fmt::Result {
        let rule = case.rule;
        let report = case.judge();
        writeln!(f, "<li class=\"case\" id=\"{rule}\">\n<div>")?;
        match case.ask() {
            Ask::Link => writeln!(f, "<h3><a href=\"/rule/{rule}\">{rule}</a></h3>")?,
            Ask::Shell(_) | Ask::Never(_) => writeln!(f, "<h3>{rule}</h3>")?,
        }
        writeln!(f, "<p>{}.</p>", Html(&sentence(rule.title())))?;
        write!(
            f,
            "{}<p class=\"clause\">{}</p>\n</div>\n<div>\n",
            outcome(case, &report),
            Clause(rule.clause())
        )?;
        if !case.reply.is_empty() {
            Bytes { reply: &case.reply, blame: blame(case, &report) }.fmt(f)?;
        }
        if let Some(then) = then(case) {
            writeln!(f, "<p class=\"then\">{then}</p>")?;
        }
        match case.ask() {
            Ask::Link => {}
            Ask::Shell(line) => {
                let url = format!("http://{}/rule/{rule}", self.gateway);
                write!(f, "{}", Shell(&line.replace("{url}", &url)))?;
            }
            Ask::Never(why) => writeln!(f, "<p class=\"then\">Not to be seen here. {why}</p>")?,
        }
        f.write_str("</div>\n</li>\n")
    }

    fn own_upstream(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!(
            "cargo run --release --example gateway -- --listen {} --upstream HOST:PORT",
            self.gateway
        );
        write!(
            f,
            "<section id=\"upstream\">\n<h2>In front of your own server</h2>\n\
             <p>The same gateway, with another upstream than this gallery:</p>\n{}</section>\n",
            Shell(&line)
        )
    }
}

/// The way to each section.
fn contents(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(
        "<nav aria-label=\"Contents\">\n<ul>\n<li><a href=\"#news\">Start here</a></li>\n\
         <li><a href=\"#valid\">Valid replies</a></li>\n",
    )?;
    for section in Section::ALL {
        let count = in_section(section).count();
        let title = section.title();
        writeln!(f, "<li><a href=\"#{}\">{title}</a> <span>{count}</span></li>", anchor(section))?;
    }
    f.write_str("<li><a href=\"#upstream\">Your own server</a></li>\n</ul>\n</nav>\n")
}

fn in_section(section: Section) -> impl Iterator<Item = &'static Case> {
    cases::cases().iter().filter(move |case| case.rule.section() == section)
}

fn anchor(section: Section) -> String {
    section.title().to_lowercase().replace(' ', "-")
}

/// What no upstream can play.
fn unplayed(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(
        "<h3 class=\"plain\" id=\"unplayed\">What no upstream can play</h3>\n\
         <p>These happen before a reply can come, or inside the gateway.</p>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What no upstream can play\">\n\
         <table>\n<thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">What happens</th>\
         <th scope=\"col\">Answer</th></tr></thead>\n<tbody>\n",
    )?;
    for rule in Rule::all().filter(|rule| cases::find(rule.id()).is_none()) {
        let status = status(rule);
        let title = sentence(rule.title());
        writeln!(f, "<tr><th scope=\"row\">{rule}</th><td>{}</td><td>{status}</td></tr>", Html(&title))?;
    }
    f.write_str("</tbody>\n</table>\n</div>\n")
}

fn status(rule: Rule) -> u16 {
    rule.proxy_error().map_or(502, |error| error.status())
}

#[derive(Clone, Copy)]
enum Tone {
    Good,
    Fair,
    Bad,
}

/// What the default policy does.
struct Outcome<'w> {
    tone: Tone,
    words: &'w str,
}

impl Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.tone {
            Tone::Good => "good",
            Tone::Fair => "fair",
            Tone::Bad => "bad",
        };
        writeln!(f, "<p class=\"outcome {class}\">{}</p>", self.words)
    }
}

fn outcome(case: &Case, report: &Report<'_>) -> String {
    let (tone, words) = if case.is_told_by_the_caller() {
        (Tone::Bad, format!("refused: {}", status(case.rule)))
    } else {
        judged(case, report)
    };
    Outcome { tone, words: &words }.to_string()
}

fn judged(case: &Case, report: &Report<'_>) -> (Tone, String) {
    if case.close == Some(Close::Abandoned) {
        return (Tone::Fair, "nobody to answer, connection closed".to_string());
    }
    if let Some(violation) = report.violation() {
        let is_in_the_body = matches!(violation.phase(), Phase::Body | Phase::Trailer);
        let words = match violation.remedy(Forwarded::Nothing) {
            Remedy::Respond(status) if is_in_the_body => format!("refused: {status}, or cut off once begun"),
            Remedy::Respond(status) => format!("refused: {status}"),
            Remedy::Discard | Remedy::Abort => "discarded, connection closed".to_string(),
        };
        return (Tone::Bad, words);
    }
    let is_advised = report.has_note(case.rule);
    let words = match (report.verdict(), report.reuse()) {
        (Verdict::Tolerated, Reuse::No(_)) => "tolerated, connection not used again",
        (Verdict::Tolerated, Reuse::Yes) => "tolerated",
        _ if is_advised => "valid, with advice",
        _ => "valid",
    };
    let tone = if report.verdict() == Verdict::Tolerated { Tone::Fair } else { Tone::Good };
    (tone, words.to_string())
}

/// The bytes that break the rule.
fn blame(case: &Case, report: &Report<'_>) -> Option<Span> {
    let mut all = report.violation().into_iter().chain(report.notes());
    all.find(|violation| violation.rule() == case.rule).map(|violation| violation.span())
}

/// What comes before or after the bytes, in a sentence or two; nothing where the connection just stays open.
fn then(case: &Case) -> Option<&'static str> {
    Some(match (case.rule, case.ending) {
        (Rule::ResponseDeadlineExceeded, _) => "Then one byte more every half second, for ever.",
        (Rule::ResponseBodyTooLarge, _) => "Content has no limit unless one is set, so that this is fine.",
        (Rule::UnsolicitedResponse, _) => {
            "An ordinary reply comes first, these bytes a moment later. Then the connection is closed."
        }
        (_, Ending::KeepOpen) => return None,
        (_, Ending::Close) if case.reply.is_empty() => "The connection is closed without a byte.",
        (_, Ending::Close) => "Then the connection is closed.",
        (_, Ending::Reset) if case.reply.is_empty() => {
            "The connection is reset while the request is written."
        }
        (_, Ending::Reset) => "Then the connection is reset.",
        (Rule::ResponseNotDrained, _) => "Then silence, and the client leaves.",
        (_, Ending::Silence) => "Then silence.",
        (_, Ending::Stall) => "The content of the request is never read.",
    })
}

/// The first letter of a title is small, for use inside a sentence.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        index("127.0.0.1:8502".parse().unwrap())
    }

    #[test]
    fn every_rule_is_on_the_page() {
        let page = page();
        for case in cases::cases() {
            assert!(page.contains(&format!("id=\"{}\"", case.rule)), "{}", case.rule);
        }
        for rule in Rule::all() {
            assert!(page.contains(rule.id()), "{rule}");
        }
    }

    #[test]
    fn elements_are_closed_in_the_order_they_were_opened() {
        const EMPTY: [&str; 3] = ["meta", "link", "!DOCTYPE"];
        let page = page();
        let mut open = Vec::new();
        for tag in page.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap()) {
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name)),
                None if EMPTY.contains(&tag) => {}
                None => open.push(tag),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn headings_go_down_one_at_a_time_and_ids_are_unique() {
        let page = page();
        let levels =
            page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10));
        let levels: Vec<u32> = levels.collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
        for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(ids.binary_search(&link).is_ok(), "{link}");
        }
    }

    #[test]
    fn the_page_is_printable_ascii() {
        assert!(page().bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
    }
}
