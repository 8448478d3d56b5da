//! Reads the literate corpus: `tests/corpus/*.md`, whose format `tests/corpus/README.md` describes.

use std::fs;
use std::path::Path;

use badgateway::{Asked, Close, Exchange, Level, Method, Policy, Rule, Version, Written};

pub struct Case {
    /// `file.md: section: title`
    pub name: String,
    pub section: String,
    pub reply: Vec<u8>,
    pub exchange: Exchange,
    pub close: Option<Close>,
    pub expectations: Vec<Expectation>,
}

pub struct Expectation {
    /// As written, for messages.
    pub text: String,
    /// `strict`, `default` or `compat`, if nothing is set on top.
    pub preset: Option<String>,
    pub policy: Policy,
    pub verdict: String,
    pub rules: Vec<Mention>,
    pub parts: Vec<Part>,
}

#[derive(Debug)]
pub struct Mention {
    pub rule: Rule,
    pub start: Option<u64>,
    pub end: Option<u64>,
    pub decided: Option<u64>,
}

pub enum Part {
    Framing(String),
    Content(Vec<u8>),
    ContentLength(u64),
    Reuse(bool),
    Status(u16),
    Answer(u16),
    Notes(Vec<Mention>),
    Advisory(Vec<Mention>),
    NoAdvisory(Rule),
}

/// Every case of every file, in order of file name.
pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "md") && !path.ends_with("README.md"));
    files.sort();
    files.iter().flat_map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).unwrap();
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut cases = Vec::new();
    let mut section = String::new();
    let mut lines = text.lines();
    let mut in_reply = false;
    while let Some(line) = lines.next() {
        let case = cases.last_mut();
        if let Some(title) = line.strip_prefix("### ") {
            cases.push(Case {
                name: format!("{file}: {section}: {title}"),
                section: section.clone(),
                reply: Vec::new(),
                exchange: Exchange::GET,
                close: Some(Close::Eof),
                expectations: Vec::new(),
            });
        } else if let Some(title) = line.strip_prefix("## ") {
            section = title.to_string();
        } else if line == "```reply" {
            let case = case.expect("a reply stands under a case");
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            case.reply = unescape(&block.concat()).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            in_reply = true;
        } else if let Some(item) = line.strip_prefix("- ") {
            let case = case.expect("a verdict stands under a case");
            assert!(in_reply, "{}: verdict before the reply", case.name);
            let (key, value) = item.split_once(": ").unwrap_or_else(|| panic!("{}: {item}", case.name));
            match key {
                "request" => case.exchange = exchange(value),
                "end" => case.close = close(value),
                _ => case.expectations.extend(expectations(key, value, &case.name)),
            }
        }
    }
    cases
}

/// `\r \n \t \s \\ \" \xNN`, and `\(TEXT*N)` for TEXT repeated.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        let kind = rest.chars().next().ok_or("a lone backslash at the end")?;
        rest = &rest[1..];
        match kind {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            's' => out.push(b' '),
            '\\' => out.push(b'\\'),
            '"' => out.push(b'"'),
            'x' => {
                let hex = rest.get(..2).ok_or("\\x needs two digits")?;
                out.push(u8::from_str_radix(hex, 16).map_err(|e| e.to_string())?);
                rest = &rest[2..];
            }
            '(' => {
                let star = find_repeat(rest).ok_or("\\( needs *N)")?;
                let (body, count) = (&rest[..star], &rest[star + 1..]);
                let (count, after) = count.split_once(')').ok_or("\\( needs )")?;
                let count: usize = count.parse().map_err(|_| "\\( needs a count")?;
                out.extend(unescape(body)?.repeat(count));
                rest = after;
            }
            other => return Err(format!("unknown escape \\{other}")),
        }
    }
    Ok(out)
}

/// The star of the first `*N)`.
fn find_repeat(text: &str) -> Option<usize> {
    text.match_indices('*').map(|(at, _)| at).find(|at| {
        let digits = text[at + 1..].chars().take_while(char::is_ascii_digit).count();
        digits > 0 && text[at + 1 + digits..].starts_with(')')
    })
}

fn exchange(text: &str) -> Exchange {
    let mut parts = text.split("; ");
    let method = parts.next().unwrap();
    let mut exchange = Exchange::new(Method::from_bytes(method.as_bytes()));
    for part in parts {
        let (key, value) = part.split_once(' ').unwrap_or((part, ""));
        let asked = || if value == "yes" { Asked::Yes } else { Asked::No };
        exchange = match key {
            "upgrade" => exchange.upgrade(value.as_bytes()),
            "unsent" => exchange.written(Written::Part),
            "unwritten" => exchange.written(Written::Nothing),
            "version" if value == "1.0" => exchange.version(Version::Http10),
            "version" => exchange.version(Version::Http11),
            "close" => exchange.closing(),
            "expect" => exchange.expect(asked()),
            "range" => exchange.range(asked()),
            "conditional" => exchange.conditional(asked()),
            "accept" => exchange.websocket_accept(value.as_bytes().try_into().unwrap()),
            _ => panic!("unknown part of a request: {part}"),
        };
    }
    exchange
}

fn close(text: &str) -> Option<Close> {
    match text {
        "open" => None,
        "eof" => Some(Close::Eof),
        "truncated" => Some(Close::Truncated),
        "reset" => Some(Close::Reset),
        "timeout" => Some(Close::Timeout),
        "abandoned" => Some(Close::Abandoned),
        _ => panic!("unknown end: {text}"),
    }
}

fn expectations(policies: &str, text: &str, case: &str) -> Vec<Expectation> {
    let mut parts = split_parts(text).into_iter();
    let first = parts.next().unwrap();
    let (verdict, rules) = first.split_once(' ').unwrap_or((&first, ""));
    let (verdict, rules) = (verdict.to_string(), rules.to_string());
    let parts: Vec<String> = parts.collect();
    policies_of(policies, case)
        .into_iter()
        .map(|(preset, policy)| Expectation {
            text: format!("{policies}: {text}"),
            preset,
            policy,
            verdict: verdict.clone(),
            rules: mentions(&rules, case),
            parts: parts.iter().map(|part| part_of(part, case)).collect(),
        })
        .collect()
}

/// Split at `; ` outside of quotes.
fn split_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !quoted && c == ';' && chars.peek() == Some(&' ') {
            chars.next();
            parts.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        parts.last_mut().unwrap().push(c);
    }
    parts
}

fn policies_of(text: &str, case: &str) -> Vec<(Option<String>, Policy)> {
    let preset = |name: &str| Policy::from_name(name).unwrap_or_else(|| panic!("{case}: policy {name}"));
    if let Some((name, settings)) = text.split_once(" with ") {
        let policy = settings.split(", ").fold(preset(name), |policy, setting| set(policy, setting, case));
        return vec![(None, policy)];
    }
    let names = if text == "all" { "strict, default, compat" } else { text };
    names.split(", ").map(|name| (Some(name.to_string()), preset(name))).collect()
}

fn set(policy: Policy, setting: &str, case: &str) -> Policy {
    let (key, value) = setting.split_once('=').unwrap_or_else(|| panic!("{case}: setting {setting}"));
    if let Some(limit) = key.strip_prefix("limit ") {
        let limits = policy.limits().set(limit, value.parse().unwrap());
        return policy.with_limits(limits.unwrap_or_else(|error| panic!("{case}: limit {limit}: {error}")));
    }
    let rule = Rule::from_id(key).unwrap_or_else(|| panic!("{case}: rule {key}"));
    let level = Level::from_name(value).unwrap_or_else(|| panic!("{case}: level {value}"));
    assert!(rule.permits(level), "{case}: {rule} cannot be set to {value}");
    policy.set(rule, level)
}

fn mentions(text: &str, case: &str) -> Vec<Mention> {
    text.split(", ").filter(|mention| !mention.is_empty()).map(|text| mention(text, case)).collect()
}

fn mention(text: &str, case: &str) -> Mention {
    let mut words = text.split(' ');
    let id = words.next().unwrap();
    let rule = Rule::from_id(id).unwrap_or_else(|| panic!("{case}: rule {id}"));
    let mut mention = Mention { rule, start: None, end: None, decided: None };
    while let Some(word) = words.next() {
        if let Some(at) = word.strip_prefix('@') {
            let (start, end) = at.split_once("..").unwrap_or((at, ""));
            mention.start = Some(start.parse().unwrap_or_else(|_| panic!("{case}: {text}")));
            mention.end = end.parse().ok();
        } else if word == "decided" {
            mention.decided = words.next().and_then(|word| word.parse().ok());
        } else {
            panic!("{case}: {text}");
        }
    }
    mention
}

fn part_of(text: &str, case: &str) -> Part {
    let (key, value) = text.split_once(' ').unwrap_or_else(|| panic!("{case}: {text}"));
    let number = || value.parse().unwrap_or_else(|_| panic!("{case}: {text}"));
    match key {
        "framing" => Part::Framing(value.to_string()),
        "content" => {
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Part::Content(unescape(inside.unwrap_or_else(|| panic!("{case}: {text}"))).unwrap())
        }
        "content_length" => Part::ContentLength(number()),
        "reuse" => Part::Reuse(value == "yes"),
        "status" => Part::Status(number() as u16),
        "answer" => Part::Answer(number() as u16),
        "notes" => Part::Notes(mentions(value, case)),
        "advisory" => Part::Advisory(mentions(value, case)),
        "no-advisory" => Part::NoAdvisory(mention(value, case).rule),
        _ => panic!("{case}: unknown part {text}"),
    }
}
