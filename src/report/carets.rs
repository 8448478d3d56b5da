//! A report for people: the bytes at fault, escaped, with carets under them.
//!
//! Bytes in, printable ASCII out. Offsets stand in the margin; a long line is cut to a window around the fault.
#![forbid(unsafe_code)]

use core::fmt;

use super::{Report, Verdict};
use crate::rule::{Class, Detection, Rule};
use crate::violation::{Forwarded, Phase, Remedy, Retry, Reuse, Span, Violation};

/// Bytes as printable ASCII: `\r`, `\n`, `\t`, `\\`, and `\xNN` for whatever else a terminal should not see.
///
/// ```
/// assert_eq!(badgateway::Escaped(b"a\x1b[2J\r\n").to_string(), r"a\x1b[2J\r\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'b>(pub &'b [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| match byte {
            b'\r' => f.write_str("\\r"),
            b'\n' => f.write_str("\\n"),
            b'\t' => f.write_str("\\t"),
            b'\\' => f.write_str("\\\\"),
            b' '..=b'~' => write!(f, "{}", byte as char),
            _ => write!(f, "\\x{byte:02x}"),
        })
    }
}

/// Columns that [`Escaped`] takes for one byte.
const fn width(byte: u8) -> usize {
    match byte {
        b'\r' | b'\n' | b'\t' | b'\\' => 2,
        b' '..=b'~' => 1,
        _ => 4,
    }
}

fn columns(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| width(byte)).sum()
}

/// With or without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Text alone.
    Plain,
    /// ANSI colours, for a terminal.
    Ansi,
}

impl Paint {
    fn red(self) -> &'static str {
        self.code("\x1b[1;31m")
    }

    fn yellow(self) -> &'static str {
        self.code("\x1b[1;33m")
    }

    fn cyan(self) -> &'static str {
        self.code("\x1b[36m")
    }

    fn bold(self) -> &'static str {
        self.code("\x1b[1m")
    }

    fn reset(self) -> &'static str {
        self.code("\x1b[0m")
    }

    fn code(self, code: &'static str) -> &'static str {
        match self {
            Paint::Plain => "",
            Paint::Ansi => code,
        }
    }
}

/// Columns of a line that are shown at most, and how many of them before the fault.
const WINDOW: usize = 88;
const BEFORE: usize = 40;

/// Bytes from a fault within which the ends of its line are looked for; no more could be shown anyway.
const REACH: usize = 256;

/// A report to be displayed: see [`Report::render`].
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    report: &'a Report<'a>,
    name: &'a str,
    paint: Paint,
    /// Only this.
    one: Option<&'a Violation>,
}

impl Report<'_> {
    /// The report for people, several lines of printable ASCII each ended by `\n`; the reply is called `name`.
    pub fn render<'a>(&'a self, name: &'a str, paint: Paint) -> Rendered<'a> {
        Rendered { report: self, name, paint, one: None }
    }

    /// One violation or note of the report alone.
    pub fn render_one<'a>(&'a self, name: &'a str, one: &'a Violation, paint: Paint) -> Rendered<'a> {
        Rendered { report: self, name, paint, one: Some(one) }
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.one {
            Some(one) if self.report.violation.as_ref() == Some(one) => return self.violation(f, one),
            Some(one) => return self.note(f, one),
            None => self.summary(f)?,
        }
        if let Some(violation) = &self.report.violation {
            self.violation(f, violation)?;
        } else if self.report.verdict == Verdict::Incomplete {
            writeln!(f, "  = nothing is wrong so far; more bytes are due")?;
        }
        // What bears on the reply comes before what is said of the application behind it.
        let of = |class| self.report.notes.iter().filter(move |note| note.rule().class() == class);
        of(Class::Core).chain(of(Class::Advisory)).try_for_each(|note| self.note(f, note))
    }
}

impl Rendered<'_> {
    /// One line: verdict, status, framing, reuse.
    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, paint) = (self.report, self.paint);
        write!(
            f,
            "{}{}{}: {}",
            paint.bold(),
            Escaped(self.name.as_bytes()),
            paint.reset(),
            report.verdict.name()
        )?;
        if let Some(status) = report.status {
            write!(f, ", status {status}")?;
        }
        if let Some(framing) = report.framing {
            write!(f, ", framing {}, {} bytes of content", framing.name(), report.content)?;
        }
        match (report.verdict.is_fit(), report.reuse) {
            (true, Reuse::Yes) => writeln!(f, ", connection reusable"),
            (true, Reuse::No(reason)) => writeln!(f, ", connection not reusable: {reason}"),
            (false, _) => writeln!(f),
        }
    }

    fn violation(&self, f: &mut fmt::Formatter<'_>, violation: &Violation) -> fmt::Result {
        self.heading(f, "error", self.paint.red(), violation)?;
        self.bytes(f, violation, self.paint.red())?;
        let rule = violation.rule();
        writeln!(f, "  = {}: {}", rule.clause(), rule.clause_says())?;
        match violation.remedy(Forwarded::Nothing) {
            Remedy::Respond(status) => {
                writeln!(f, "  = answer {status}; Proxy-Status: {}", violation.proxy_status("gw"))?;
            }
            Remedy::Abort | Remedy::Discard => writeln!(f, "  = nothing to answer")?,
        }
        match violation.remedy(Forwarded::Part) {
            Remedy::Abort if matches!(violation.phase(), Phase::Body | Phase::Trailer) => {
                writeln!(f, "  = abort if the head has gone out; close the connection to the upstream")?;
            }
            _ => writeln!(f, "  = close the connection to the upstream")?,
        }
        match violation.retry() {
            Retry::Never => Ok(()),
            Retry::Idempotent => {
                writeln!(f, "  = may be sent again once on a fresh connection if its method is idempotent")
            }
            Retry::Always => writeln!(f, "  = may be sent again: nothing of the request was written"),
        }
    }

    fn note(&self, f: &mut fmt::Formatter<'_>, note: &Violation) -> fmt::Result {
        let kind = match note.rule().class() {
            Class::Core => "note",
            Class::Advisory => "advice",
        };
        self.heading(f, kind, self.paint.yellow(), note)?;
        let missing = note.span().start == note.span().end;
        if note.rule().class() == Class::Advisory && missing {
            // There are no bytes to show for what is not there.
            return Ok(());
        }
        self.bytes(f, note, self.paint.yellow())
    }

    fn heading(
        &self,
        f: &mut fmt::Formatter<'_>,
        kind: &str,
        colour: &str,
        about: &Violation,
    ) -> fmt::Result {
        let (rule, paint) = (about.rule(), self.paint);
        write!(f, "{colour}{kind}[{rule}]{}: {}{}", paint.reset(), paint.bold(), rule.title())?;
        if let Some(detail) = about.detail() {
            write!(f, " ({detail})")?;
        }
        writeln!(f, "{}", paint.reset())?;
        let name = Escaped(self.name.as_bytes());
        write!(f, "  {}-->{} {name}, byte {}", paint.cyan(), paint.reset(), about.span().start)?;
        if about.message_start > 0 {
            write!(f, " (byte {} of its message)", about.offset())?;
        }
        writeln!(f, ", {}", about.phase().place())
    }

    /// The line at fault with the line before it, and the line of the related place.
    fn bytes(&self, f: &mut fmt::Formatter<'_>, about: &Violation, colour: &str) -> fmt::Result {
        let reply = self.report.reply;
        let line = Line::around(reply, about.span().start);
        let related = about.related().map(|span| (span, Line::around(reply, span.start)));
        let paint = self.paint;
        let blame = Mark { span: about.span(), sign: '^', label: Label { violation: about }, colour, paint };
        let relation = |span| Mark { span, sign: '-', label: "related to this", colour: paint.cyan(), paint };
        match related {
            Some((span, other)) if other.start < line.start => {
                other.show(f, reply, span.start, paint)?;
                other.underline(f, reply, relation(span))?;
            }
            _ if line.start > 0 => {
                let before = Line::around(reply, line.start as u64 - 1);
                before.show(f, reply, before.start as u64, paint)?;
            }
            _ => {}
        }
        line.show(f, reply, about.span().start, paint)?;
        line.underline(f, reply, blame)?;
        if let Some((span, other)) = related.filter(|(_, other)| other.start >= line.start) {
            if other.start > line.start {
                other.show(f, reply, span.start, paint)?;
            }
            other.underline(f, reply, relation(span))?;
        }
        Ok(())
    }
}

/// What stands behind the carets.
struct Label<'a> {
    violation: &'a Violation,
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.violation.span();
        match (self.violation.found(), self.violation.rule()) {
            (Some(byte), _) if span.end - span.start == 1 => write!(f, "0x{byte:02x}"),
            (None, Rule::ClosedBeforeFirstByte) => f.write_str("nothing was received"),
            (None, rule) if rule.detection() == Detection::Close => f.write_str("the bytes end here"),
            _ => f.write_str("here"),
        }
    }
}

/// A stretch of the reply up to and with its LF, or what can be seen of it from the place it was found by.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    end: usize,
}

/// What is shown of a line.
struct Window {
    start: usize,
    end: usize,
}

impl Line {
    fn around(reply: &[u8], at: u64) -> Line {
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(reply.len());
        let lowest = at.saturating_sub(REACH);
        let start = memchr::memrchr(b'\n', &reply[lowest..at]).map_or(lowest, |lf| lowest + lf + 1);
        let highest = reply.len().min(at + REACH);
        let end = memchr::memchr(b'\n', &reply[at..highest]).map_or(highest, |lf| at + lf + 1);
        Line { start, end }
    }

    /// As much as fits, the byte at `at` included.
    fn window(&self, reply: &[u8], at: u64) -> Window {
        let at = usize::try_from(at).unwrap_or(usize::MAX).clamp(self.start, self.end);
        let mut start = at;
        let mut room = if columns(&reply[self.start..self.end]) <= WINDOW { WINDOW } else { BEFORE };
        while start > self.start && width(reply[start - 1]) <= room {
            start -= 1;
            room -= width(reply[start]);
        }
        let mut end = start;
        let mut room = WINDOW;
        while end < self.end && width(reply[end]) <= room {
            room -= width(reply[end]);
            end += 1;
        }
        Window { start, end }
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, reply: &[u8], at: u64, paint: Paint) -> fmt::Result {
        let window = self.window(reply, at);
        let before = if window.start > self.start || self.is_cut(reply) { "..." } else { "" };
        let after = if window.end < self.end || self.goes_on(reply) { "..." } else { "" };
        write!(f, "  {}{:05}{}", paint.cyan(), window.start, paint.reset())?;
        if window.start == window.end {
            return writeln!(f);
        }
        writeln!(f, "  {before}{}{after}", Escaped(&reply[window.start..window.end]))
    }

    /// The line began before what is looked at.
    fn is_cut(&self, reply: &[u8]) -> bool {
        self.start > 0 && reply[self.start - 1] != b'\n'
    }

    fn goes_on(&self, reply: &[u8]) -> bool {
        self.end < reply.len() && reply[self.end - 1] != b'\n'
    }

    fn underline<L: fmt::Display>(
        &self,
        f: &mut fmt::Formatter<'_>,
        reply: &[u8],
        mark: Mark<'_, L>,
    ) -> fmt::Result {
        let window = self.window(reply, mark.span.start);
        let cut = if window.start > self.start || self.is_cut(reply) { 3 } else { 0 };
        let clamp = |offset: u64| (offset as usize).clamp(window.start, window.end);
        let (start, end) = (clamp(mark.span.start), clamp(mark.span.end));
        let indent = 9 + cut + columns(&reply[window.start..start]);
        write!(f, "{:indent$}{}", "", mark.colour)?;
        for _ in 0..columns(&reply[start..end]).max(1) {
            write!(f, "{}", mark.sign)?;
        }
        writeln!(f, " {}{}", mark.label, mark.paint.reset())
    }
}

/// Signs under some bytes, and what they say.
struct Mark<'a, L> {
    span: Span,
    sign: char,
    label: L,
    colour: &'a str,
    paint: Paint,
}
