//! The page for people: what the upstream does wrong, in which bytes, and what the gateway makes of it.
#![forbid(unsafe_code)]

use std::fmt::{self, Display, Write};
use std::net::SocketAddr;

use badgateway::{Escaped, Forwarded, Phase, Remedy, Report, Reuse, Rule, Section, Span, Verdict};

use super::cases::{self, Ask, Case};
use super::play::Ending;
use super::valid::{VALID, Valid};

/// Bytes shown of a long reply, at its start and at its end.
const START: usize = 256;
const END: usize = 96;

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
<p>Behind this page is a server that sends broken HTTP replies on purpose, and between it and you stands a gateway.
The gateway passes on what is valid, repairs what can mean one thing only, and answers 502 or 504 for the rest.
Follow a link to see what a client gets, or run a curl line to see every byte of it.</p>
{}</header>
"##,
            Shell(&format!("curl -i http://{}/news", self.gateway))
        )
    }

    fn news(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report =
            badgateway::validate(cases::NEWS, badgateway::Exchange::GET, &badgateway::Policy::DEFAULT, None);
        let span = report.violation().map(|violation| violation.span());
        write!(
            f,
            "<section id=\"news\">\n<h2>Start here</h2>\n<ul class=\"cases\">\n\
             <li class=\"case\">\n<div>\n<h3><a href=\"/news\">/news</a></h3>\n\
             <p>A page of news that says twice how long it is, and not the same.</p>\n{}</div>\n<div>\n{}</div>\n</li>\n\
             <li class=\"case\">\n<div>\n<h3><a href=\"/slow-news\">/slow-news</a></h3>\n\
             <p>Never answered, so that the gateway has to give up. Have a little patience.</p>\n{}</div>\n\
             <div>\n<p class=\"then\">No bytes at all.</p>\n</div>\n</li>\n</ul>\n</section>\n",
            Outcome { tone: Tone::Bad, words: "refused: 502" },
            Bytes { reply: cases::NEWS, blame: span },
            Outcome { tone: Tone::Bad, words: "refused: 504" },
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
        writeln!(f, "<p class=\"then\">{}</p>", then(case))?;
        match case.ask() {
            Ask::Link => {}
            Ask::Shell(line) => {
                let url = format!("http://{}/rule/{rule}", self.gateway);
                writeln!(
                    f,
                    "<pre class=\"shell\"><code>{}</code></pre>",
                    Html(&line.replace("{url}", &url))
                )?;
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
        let title = Html(rule.title());
        writeln!(f, "<tr><th scope=\"row\">{rule}</th><td>{title}</td><td>{status}</td></tr>")?;
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
        _ if is_advised => "valid, with advice in the log",
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

/// What comes before or after the bytes, in a sentence or two.
fn then(case: &Case) -> &'static str {
    match case.rule {
        Rule::ResponseDeadlineExceeded => return "Then one byte more every half second, for ever.",
        Rule::ResponseBodyTooLarge => {
            return "The connection stays open. Content has no limit unless one is set, so this is fine.";
        }
        Rule::UnsolicitedResponse => {
            return "An ordinary reply comes first, and these bytes a moment later. Then the connection is closed.";
        }
        _ => {}
    }
    match case.ending {
        Ending::KeepOpen => "The connection stays open.",
        Ending::Close if case.reply.is_empty() => "The connection is closed without a byte.",
        Ending::Close => "Then the connection is closed.",
        Ending::Reset if case.reply.is_empty() => "The connection is reset while the request is written.",
        Ending::Reset => "Then the connection is reset.",
        Ending::Silence => "Then silence.",
        Ending::Stall => "The content of the request is never read.",
    }
}

/// The first letter of a title is small, for use inside a sentence.
fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `RFC 9112 2.2`, linked.
struct Clause(&'static str);

impl Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((number, section)) = self.0.strip_prefix("RFC ").and_then(|rest| rest.split_once(' '))
        else {
            return Html(self.0).fmt(f);
        };
        let address = format!("https://www.rfc-editor.org/rfc/rfc{number}#section-{section}");
        write!(f, "<a href=\"{}\">RFC {}, {}</a>", Html(&address), Html(number), Html(section))
    }
}

/// A command to run.
struct Shell<'l>(&'l str);

impl Display for Shell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<pre class=\"shell\"><code>{}</code></pre>", Html(self.0))
    }
}

/// Text that HTML takes literally.
struct Html<'t>(&'t str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            c => f.write_char(c),
        })
    }
}

/// The bytes of a reply, escaped, a line each; those to blame are marked, and of many only both ends are shown.
struct Bytes<'r> {
    reply: &'r [u8],
    blame: Option<Span>,
}

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.reply.len();
        f.write_str("<pre class=\"bytes\"><code>")?;
        if len <= START + END + END {
            self.stretch(f, 0, len)?;
        } else {
            self.stretch(f, 0, START)?;
            write!(f, "\n<i>... {} bytes more ...</i>\n", len - START - END)?;
            self.stretch(f, len - END, len)?;
        }
        f.write_str("</code></pre>\n")
    }
}

impl Bytes<'_> {
    fn stretch(&self, f: &mut fmt::Formatter<'_>, start: usize, end: usize) -> fmt::Result {
        let mut look = Look::default();
        for at in start..end {
            let byte = self.reply[at];
            look.change(f, Look { marked: self.is_marked(at), escaped: !(b' '..=b'~').contains(&byte) })?;
            Html(&Escaped(&[byte]).to_string()).fmt(f)?;
            if byte == b'\n' && at + 1 < end {
                look.change(f, Look::default())?;
                f.write_str("\n")?;
            }
        }
        look.change(f, Look::default())
    }

    fn is_marked(&self, at: usize) -> bool {
        self.blame.is_some_and(|span| (span.start..span.end).contains(&(at as u64)))
    }
}

/// How a byte is shown.
#[derive(Clone, Copy, Default, PartialEq)]
struct Look {
    marked: bool,
    escaped: bool,
}

impl Look {
    fn change(&mut self, f: &mut fmt::Formatter<'_>, next: Look) -> fmt::Result {
        if *self == next {
            return Ok(());
        }
        let tags = [
            (self.escaped, "</i>"),
            (self.marked && !next.marked, "</mark>"),
            (next.marked && !self.marked, "<mark>"),
            (next.escaped, "<i>"),
        ];
        *self = next;
        tags.iter().filter(|(due, _)| *due).try_for_each(|(_, tag)| f.write_str(tag))
    }
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
    fn bytes_are_escaped_marked_and_cut() {
        let bytes = |reply, blame| Bytes { reply, blame }.to_string();
        let span = Some(Span { start: 1, end: 4 });
        assert_eq!(
            bytes(b"a<\r\n\x00b\n", span),
            "<pre class=\"bytes\"><code>a<mark>&lt;<i>\\r\\n</i></mark>\n<i>\\x00</i>b<i>\\n</i></code></pre>\n"
        );
        let long = bytes(&[b'a'; 1000], None);
        assert!(long.contains("\n<i>... 648 bytes more ...</i>\n"), "{long}");
    }

    #[test]
    fn the_page_is_printable_ascii() {
        assert!(page().bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)));
    }
}
