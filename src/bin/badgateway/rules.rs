//! `badgateway rules` and `badgateway explain`: the rule table for people and programs.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use badgateway::{Level, Limits, Paint, Policy, Relax, Rule, Section, validate};
use serde::Serialize;

use crate::Outcome;
use crate::options::TableFormat;

const PRESETS: [(&str, Policy); 3] =
    [("strict", Policy::STRICT), ("default", Policy::DEFAULT), ("compat", Policy::COMPAT)];

pub fn list(format: TableFormat, out: &mut impl Write) -> io::Result<Outcome> {
    match format {
        TableFormat::Human => human(out)?,
        TableFormat::Json => json(out)?,
        TableFormat::Markdown => markdown(out)?,
    }
    Ok(Outcome::Fit)
}

fn rules_of(section: Section) -> impl Iterator<Item = Rule> {
    Rule::all().filter(move |rule| rule.section() == section)
}

fn levels(rule: Rule) -> [&'static str; 3] {
    PRESETS.map(|(_, policy)| policy.level(rule).name())
}

fn human(out: &mut impl Write) -> io::Result<()> {
    for section in Section::ALL {
        writeln!(out, "\x1b[1m{}\x1b[0m (strict, default, compat)", section.title())?;
        for rule in rules_of(section) {
            let [strict, default, compat] = levels(rule);
            writeln!(out, "  {:46} {strict:5} {default:5} {compat:5}  {}", rule.id(), rule.title())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    title: &'static str,
    section: &'static str,
    class: &'static str,
    clause: &'static str,
    detection: &'static str,
    relax: &'static str,
    strict: &'static str,
    default: &'static str,
    compat: &'static str,
    proxy_error: Option<&'static str>,
    answer: Option<u16>,
    help: &'static str,
}

fn json(out: &mut impl Write) -> io::Result<()> {
    for rule in Rule::all() {
        let [strict, default, compat] = levels(rule);
        let row = Row {
            id: rule.id(),
            title: rule.title(),
            section: rule.section().title(),
            class: rule.class().name(),
            clause: rule.clause(),
            detection: rule.detection().name(),
            relax: rule.relax().name(),
            strict,
            default,
            compat,
            proxy_error: rule.proxy_error().map(|error| error.name()),
            answer: rule.proxy_error().map(|error| error.status()),
            help: rule.explain(),
        };
        serde_json::to_writer(&mut *out, &row)?;
        writeln!(out)?;
    }
    Ok(())
}

fn markdown(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# The rules\n")?;
    writeln!(
        out,
        "{} rules, generated from the table in the code by `badgateway rules --format markdown`. The levels are\n\
         those under strict, default and compat; the relax class says which others a rule may take. Where a kind of\n\
         deviation leaves the meaning of the bytes open, it is denied at every level.\n",
        Rule::COUNT
    )?;
    writeln!(out, "| relax class | levels | means |")?;
    writeln!(out, "|---|---|---|")?;
    for (relax, meaning) in [
        (Relax::Locked, "no level makes it safe"),
        (Relax::Limit, "past a limit that can be set"),
        (Relax::Repair, "may be tolerated; what is forwarded is put right"),
        (Relax::Closing, "may be tolerated; the connection is not used again"),
        (Relax::Fact, "lawful, but of consequence to a gateway"),
        (Relax::Advisory, "about the application; never refuses a reply"),
    ] {
        let levels: Vec<&str> = relax.levels().iter().map(|level| level.name()).collect();
        writeln!(out, "| {} | {} | {meaning} |", relax.name(), levels.join(", "))?;
    }
    for section in Section::ALL {
        writeln!(out, "\n## {}\n", section.title())?;
        writeln!(
            out,
            "| rule | says | clause | strict | default | compat | relax | decided by | reported as |"
        )?;
        writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
        for rule in rules_of(section) {
            let [strict, default, compat] = levels(rule);
            let reported = match rule.proxy_error() {
                Some(error) => format!("{error}, {}", error.status()),
                None => "-".to_string(),
            };
            writeln!(
                out,
                "| `{rule}` | {} | {} | {strict} | {default} | {compat} | {} | {} | {reported} |",
                rule.title().replace('|', "\\|").replace('<', "&lt;"),
                rule.clause(),
                rule.relax().name(),
                rule.detection().name(),
            )?;
        }
    }
    Ok(())
}

pub fn explain(rule: Rule, out: &mut impl Write) -> io::Result<Outcome> {
    writeln!(out, "\x1b[1m{rule}\x1b[0m: {}\n", rule.title())?;
    paragraph(out, rule.explain())?;
    example(rule, out)?;
    heading(out, "Why it matters")?;
    paragraph(out, rule.why())?;
    heading(out, rule.clause())?;
    paragraph(out, rule.clause_says())?;
    heading(out, "Levels")?;
    let possible: Vec<&str> = rule.relax().levels().iter().map(|level| level.name()).collect();
    writeln!(out, "  may be set to {} ({})", possible.join(", "), rule.relax().name())?;
    for ((name, _), level) in PRESETS.iter().zip(levels(rule)) {
        writeln!(out, "  {name:8} {level}")?;
    }
    writeln!(out)?;
    heading(
        out,
        if rule.permits(Level::Note) { "What tolerating it does" } else { "Why it is not tolerated" },
    )?;
    paragraph(out, rule.tolerated())?;
    if let Some(error) = rule.proxy_error() {
        heading(out, "When it refuses a reply")?;
        paragraph(out, &format!("The gateway answers {} and reports {error} (RFC 9209).", error.status()))?;
    }
    Ok(Outcome::Fit)
}

fn heading(out: &mut impl Write, title: &str) -> io::Result<()> {
    writeln!(out, "\x1b[1m{title}\x1b[0m")?;
    Ok(())
}

/// The example is judged, not told: under the level that refuses it where there is one.
fn example(rule: Rule, out: &mut impl Write) -> io::Result<()> {
    let Some(example) = rule.example() else { return Ok(()) };
    let level = if rule.permits(Level::Deny) { Level::Deny } else { Level::Note };
    let mut policy = Policy::DEFAULT.set(rule, level);
    if rule.relax() == Relax::Limit {
        policy = policy.with_limits(Limits::EXAMPLE);
    }
    let report = validate(example.reply, example.exchange, &policy, example.close);
    heading(out, &example_title(rule, level))?;
    let about = report.violation().into_iter().chain(report.notes()).find(|about| about.rule() == rule);
    if let Some(about) = about {
        write!(out, "{}", report.render_one("example", about, Paint::Ansi))?;
    }
    writeln!(out)
}

/// It says what was set for the example to come out as it does.
fn example_title(rule: Rule, level: Level) -> String {
    if rule.relax() == Relax::Limit {
        "An example, under tiny limits".to_string()
    } else if Policy::DEFAULT.level(rule) != level {
        format!("An example, with the rule set to {level}")
    } else {
        "An example".to_string()
    }
}

/// Columns of running text.
const MEASURE: usize = 88;

fn paragraph(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut column = 0;
    for word in text.split(' ') {
        if column > 0 && column + 1 + word.len() > MEASURE {
            writeln!(out)?;
            column = 0;
        }
        let gap = if column == 0 { "  " } else { " " };
        write!(out, "{gap}{word}")?;
        column += gap.len() + word.len();
    }
    writeln!(out, "\n")
}
