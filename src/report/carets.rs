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
/// A fault so near to the start of its line is shown from there.
const NEAR: usize = 60;

/// Bytes from a fault within which the ends of its line are looked for; most limits on a line are lower.
const REACH: usize = 16 << 10;

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

    /// The line at fault, the line of the related place, and, for somewhere to look from, how the line begins or the line
    /// before it.
    fn bytes(&self, f: &mut fmt::Formatter<'_>, about: &Violation, colour: &str) -> fmt::Result {
        let reply = self.report.reply;
        let line = Line::around(reply, about.span().start);
        let shown = line.window(reply, about.span().start);
        let related = about.related().map(|span| (span, Line::around(reply, span.start)));
        let paint = self.paint;
        let blame = Mark { span: about.span(), sign: '^', label: Label { violation: about }, colour, paint };
        let relation = |span| Mark { span, sign: '-', label: "related to this", colour: paint.cyan(), paint };
        match related {
            Some((span, other)) if other.start < line.start => {
                let window = other.window(reply, span.start);
                other.show(f, reply, window, paint)?;
                other.underline(f, reply, window, relation(span))?;
            }
            _ if line.is_cut(reply) => {}
            _ if shown.start > line.start => {
                line.show(f, reply, line.opening(reply, shown), paint)?;
            }
            _ if line.start > 0 => {
                let before = Line::around(reply, line.start as u64 - 1);
                before.show(f, reply, before.window(reply, before.start as u64), paint)?;
            }
            _ => {}
        }
        line.show(f, reply, shown, paint)?;
        line.underline(f, reply, shown, blame)?;
        if let Some((span, other)) = related.filter(|(_, other)| other.start >= line.start) {
            let is_shown = other.start == line.start && shown.holds(span.start);
            let window = if is_shown { shown } else { other.window(reply, span.start) };
            if !is_shown {
                other.show(f, reply, window, paint)?;
            }
            other.underline(f, reply, window, relation(span))?;
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
            // What is missing from a body is missed at its end.
            (None, _) if self.violation.phase() == Phase::Body => f.write_str("the bytes end here"),
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
#[derive(Clone, Copy)]
struct Window {
    start: usize,
    end: usize,
}

impl Window {
    fn holds(self, at: u64) -> bool {
        (self.start as u64..self.end as u64).contains(&at)
    }
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
        let fits = columns(&reply[self.start..self.end]) <= WINDOW || columns(&reply[self.start..at]) <= NEAR;
        let mut room = if fits { WINDOW } else { BEFORE };
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

    /// Its first bytes, up to those that are shown by themselves.
    fn opening(&self, reply: &[u8], shown: Window) -> Window {
        let first = self.window(reply, self.start as u64);
        Window { start: first.start, end: first.end.min(shown.start) }
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, reply: &[u8], window: Window, paint: Paint) -> fmt::Result {
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
        window: Window,
        mark: Mark<'_, L>,
    ) -> fmt::Result {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Close, Exchange, Written};
    use crate::policy::Policy;
    use crate::report::validate;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// The report without what the clauses say and without advice, in which a date is missing every time.
    fn shown(reply: &[u8], exchange: Exchange, close: Option<Close>) -> String {
        let report = validate(reply, exchange, &Policy::DEFAULT, close);
        let text = report.render("r", Paint::Plain).to_string();
        let (told, _) = text.split_once("advice[missing-date]").unwrap_or((&text, ""));
        told.lines().filter(|line| !line.starts_with("  = RFC")).flat_map(|line| [line, "\n"]).collect()
    }

    #[test]
    fn a_fault_is_shown_with_the_line_before_it() {
        assert_eq!(
            shown(b"HTTP/1.1 200 OK\r\nA\x1b\xff/b: c\r\n\r\n", Exchange::GET, None),
            r"r: invalid, status 200
error[invalid-field-name]: a field name holds an octet that is not a token character
  --> r, byte 18, in the header section
  00000  HTTP/1.1 200 OK\r\n
  00017  A\x1b\xff/b: c\r\n
          ^^^^ 0x1b
  = answer 502; Proxy-Status: gw; error=http_protocol_error; received-status=200; details=#invalid-field-name at byte 18#
  = close the connection to the upstream
"
            .replace('#', "\"")
        );
        assert_eq!(
            shown(b"\x16", Exchange::GET, None),
            r"r: invalid
error[not-http]: the reply does not begin with HTTP/ (looks like a TLS record: is this port for https?)
  --> r, byte 0, in the status line
  00000  \x16
         ^^^^ 0x16
  = answer 502; Proxy-Status: gw; error=tls_protocol_error; details=#not-http at byte 0#
  = close the connection to the upstream
"
            .replace('#', "\"")
        );
    }

    #[test]
    fn a_related_place_is_shown_where_it_stands() {
        let lines = |reply: &[u8]| {
            let text = shown(reply, Exchange::GET, None);
            let places = text.lines().filter(|line| line.starts_with("  0") || line.starts_with("    "));
            places.flat_map(|line| [line, "\n"]).collect::<String>()
        };
        // In a line before, with an interim reply before both.
        let interim = b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 15\r\nA: b\r\nContent-Length: 16\r\n\r\n";
        assert_eq!(
            lines(interim),
            r"  00035  Content-Length: 15\r\n
                         -- related to this
  00061  Content-Length: 16\r\n
                         ^^ here
"
        );
        let text = shown(interim, Exchange::GET, None);
        assert!(
            text.contains("\n  --> r, byte 77 (byte 59 of its message), in the header section\n"),
            "{text}"
        );
        // In the same line, before and behind.
        assert_eq!(
            lines(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 66\r\n\r\n"),
            r"  00000  HTTP/1.1 200 OK\r\n
  00017  Content-Length: 5, 66\r\n
                            ^^ here
                         - related to this
"
        );
        assert_eq!(
            lines(b"HTTP/1.1 204 \r\nConnection: close, keep-alive\r\n\r\n"),
            r"  00000  HTTP/1.1 204 \r\n
  00015  Connection: close, keep-alive\r\n
                     ^^^^^ here
                            ---------- related to this
"
        );
        // In a line behind.
        assert_eq!(
            lines(b"HTTP/1.1 204 \r\nConnection: close\r\nA: b\r\nConnection: keep-alive\r\n\r\n"),
            r"  00000  HTTP/1.1 204 \r\n
  00015  Connection: close\r\n
                     ^^^^^ here
  00040  Connection: keep-alive\r\n
                     ---------- related to this
"
        );
    }

    #[test]
    fn a_reply_that_was_cut_short_is_shown_to_its_end() {
        let head = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"[..];
        assert_eq!(
            shown(head, Exchange::GET, Some(Close::Eof)),
            r"r: incomplete, status 200, framing length, 1 bytes of content
error[incomplete-body]: the connection ended before all of Content-Length was received
  --> r, byte 39, in the body
  00036  \r\n
  00038  a
          ^ the bytes end here
  = answer 502; Proxy-Status: gw; error=http_response_incomplete; received-status=200; details=#incomplete-body at byte 39#
  = abort if the head has gone out; close the connection to the upstream
"
            .replace('#', "\"")
        );
        assert_eq!(
            shown(head, Exchange::GET, None),
            "r: incomplete, status 200, framing length, 1 bytes of content\n  \
             = nothing is wrong so far; more bytes are due\n"
        );
        assert_eq!(
            shown(b"", Exchange::GET.written(Written::Nothing), Some(Close::Eof)),
            r"r: incomplete
error[closed-before-first-byte]: the connection ended before the first byte of a reply
  --> r, byte 0, in the status line
  00000
         ^ nothing was received
  = answer 502; Proxy-Status: gw; error=connection_terminated; details=#closed-before-first-byte at byte 0#
  = close the connection to the upstream
  = may be sent again: nothing of the request was written
"
            .replace('#', "\"")
        );
        let text = shown(b"HTTP/1.1 200 OK\r\n\r\n", Exchange::GET, Some(Close::Eof));
        let at_the_end = "  00017  \\r\\n\n  00019\n         ^ ";
        let told: Vec<&str> = text.split(at_the_end).skip(1).filter_map(|told| told.lines().next()).collect();
        assert_eq!(told, ["here", "the bytes end here"], "{text}");
        let text = shown(b"HTTP/1.1 20", Exchange::GET, Some(Close::Eof));
        let again = "  = may be sent again once on a fresh connection if its method is idempotent\n";
        assert!(text.ends_with(again), "{text}");
    }

    #[test]
    fn notes_come_before_advice_which_shows_only_what_is_there() {
        let reply = b"HTTP/1.1 200 OK\r\nDate: a\r\nServer : a\r\nContent-Length: 1\r\n\r\na";
        let report = validate(reply, Exchange::GET, &Policy::DEFAULT, None);
        assert_eq!(
            report.render("r\n", Paint::Plain).to_string(),
            r"r\n: tolerated, status 200, framing length, 1 bytes of content, connection reusable
note[whitespace-before-colon]: white space stands between a field name and its colon
  --> r\n, byte 32, in the header section
  00017  Date: a\r\n
  00026  Server : a\r\n
               ^ 0x20
advice[missing-date]: the reply has no valid Date field (not a date)
  --> r\n, byte 23, in the header section
  00000  HTTP/1.1 200 OK\r\n
  00017  Date: a\r\n
               ^ 0x61
advice[content-type-problem]: the Content-Type is missing or malformed
  --> r\n, byte 59, in the header section
"
        );
        assert_eq!(report.reply(), reply);
        let closing = validate(b"HTTP/1.0 204 \r\n\r\n", Exchange::GET, &Policy::DEFAULT, None);
        let text = closing.render("r", Paint::Plain).to_string();
        assert!(text.starts_with(
            "r: valid, status 204, framing none, 0 bytes of content, connection not reusable: "
        ));
    }

    #[test]
    fn one_of_them_is_shown_alone() {
        let reply = b"HTTP/1.1 200 OK\r\nServer : a\r\nB/: c\r\n\r\n";
        let report = validate(reply, Exchange::GET, &Policy::DEFAULT, None);
        let one = |one| report.render_one("r", one, Paint::Plain).to_string();
        let (error, note) = (one(report.violation().unwrap()), one(&report.notes()[0]));
        assert!(
            error.starts_with("error[invalid-field-name]: ") && error.contains("\n  = answer 502; "),
            "{error}"
        );
        assert!(note.starts_with("note[whitespace-before-colon]: ") && note.ends_with(" 0x20\n"), "{note}");
    }

    #[test]
    fn colours_are_red_for_faults_and_yellow_for_notes() {
        let reply = b"HTTP/1.1 200 OK\r\nServer : a\r\nContent-Length: 1, 2\r\n\r\n";
        let report = validate(reply, Exchange::GET, &Policy::DEFAULT, None);
        let text = report.render("r", Paint::Ansi).to_string();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains('\x1b')).collect();
        assert_eq!(
            lines,
            [
                "\x1b[1mr\x1b[0m: invalid, status 200",
                "\x1b[1;31merror[conflicting-content-length]\x1b[0m: \x1b[1mtwo Content-Length values differ\x1b[0m",
                "  \x1b[36m-->\x1b[0m r, byte 48, in the header section",
                "  \x1b[36m00017\x1b[0m  Server : a\\r\\n",
                "  \x1b[36m00029\x1b[0m  Content-Length: 1, 2\\r\\n",
                "                            \x1b[1;31m^ 0x32\x1b[0m",
                "                         \x1b[36m- related to this\x1b[0m",
                "\x1b[1;33mnote[whitespace-before-colon]\x1b[0m: \
                 \x1b[1mwhite space stands between a field name and its colon\x1b[0m",
                "  \x1b[36m-->\x1b[0m r, byte 23, in the header section",
                "  \x1b[36m00000\x1b[0m  HTTP/1.1 200 OK\\r\\n",
                "  \x1b[36m00017\x1b[0m  Server : a\\r\\n",
                "               \x1b[1;33m^ 0x20\x1b[0m",
            ]
        );
    }

    #[test]
    fn bytes_take_as_many_columns_as_they_are_escaped_to() {
        let all: Vec<u8> = (0..=255).collect();
        for byte in &all {
            assert_eq!(Escaped(&[*byte]).to_string().len(), width(*byte), "{byte:#x}");
        }
        assert_eq!(columns(&all), Escaped(&all).to_string().len());
        assert_eq!(Escaped(b"a \r\n\t\\\0\x7f\xff~").to_string(), r"a \r\n\t\\\x00\x7f\xff~");
    }

    #[test]
    fn the_ends_of_a_line_are_looked_for_within_reach() {
        let long = REACH + 44;
        let reply = [&[b'x'].repeat(long)[..], b"\n", &[b'y'].repeat(long), b"\n", &[b'z'; 10]].concat();
        let (second, last, all) = (long + 1, 2 * long + 2, reply.len());
        // Where it is found by, where it starts and ends, and whether there is more of it on either side.
        for (at, start, end, cut, goes_on) in [
            (0, 0, REACH, false, true),
            (50, 0, second, false, false),
            (second + 9, second, second + 9 + REACH, false, true),
            (last - 2, last - 2 - REACH, last, true, false),
            (last + 3, last, all, false, false),
            (10 * all, last, all, false, false),
        ] {
            let line = Line::around(&reply, at as u64);
            assert_eq!((line.start, line.end), (start, end), "{at}");
            assert_eq!((line.is_cut(&reply), line.goes_on(&reply)), (cut, goes_on), "{at}");
        }
    }

    #[test]
    fn a_line_is_cut_to_a_window_around_the_fault() {
        let window = |reply: &[u8], at| {
            let window = Line { start: 0, end: reply.len() }.window(reply, at);
            (window.start, window.end)
        };
        assert_eq!(window(&[b'x'; 88], 88), (0, 88));
        assert_eq!(window(&[b'x'; 89], 89), (49, 89));
        assert_eq!(window(&[b'x'; 200], 10), (0, 88));
        assert_eq!(window(&[b'x'; 200], 100), (60, 148));
        assert_eq!(window(&[b'x'; 200], 10_000), (160, 200));
        assert_eq!(window(&[0; 30], 20), (10, 30));
        assert_eq!(window(&[0; 60], 20), (10, 32));
        assert_eq!(window(b"", 0), (0, 0));
    }

    #[test]
    fn what_is_left_out_of_a_line_is_three_dots() {
        let letters = "abcdefghijklmnopqrstuvwxyz".repeat(10);
        // How it begins, which is not seen beside the fault.
        for (value, opening) in
            [(&letters[..58], 18), (&letters[..104], 64), (&letters[..125], 85), (&letters, 85)]
        {
            let reply = std::format!("HTTP/1.1 200 OK\r\nX: {value}\0{value}\r\n\r\n");
            let text = shown(reply.as_bytes(), Exchange::GET, None);
            let lines: Vec<&str> = text.lines().skip(3).take(3).collect();
            assert_eq!(lines[0], std::format!("  00017  X: {}...", &letters[..opening]));
            let (before, after) = (&value[value.len() - 40..], &value[..44]);
            assert_eq!(lines[1], std::format!("  {:05}  ...{before}\\x00{after}...", value.len() - 20));
            assert_eq!(lines[2], std::format!("{:52}^^^^ 0x00", ""));
        }
        // So near to it the line is shown from its start, and the one before.
        let reply = std::format!("HTTP/1.1 200 OK\r\nX: {}\0{letters}\r\n\r\n", &letters[..57]);
        let text = shown(reply.as_bytes(), Exchange::GET, None);
        let lines: Vec<&str> = text.lines().skip(3).take(3).collect();
        let seen = std::format!("  00017  X: {}\\x00{}...", &letters[..57], &letters[..24]);
        let carets = std::format!("{:69}^^^^ 0x00", "");
        assert_eq!(lines, [r"  00000  HTTP/1.1 200 OK\r\n", &seen, &carets]);
    }

    #[test]
    fn a_related_place_out_of_sight_is_shown_by_itself() {
        let reply = std::format!("HTTP/1.1 200 OK\r\nContent-Length: 5,{}6\r\n\r\n", " ".repeat(100));
        let text = shown(reply.as_bytes(), Exchange::GET, None);
        let lines: Vec<&str> = text.lines().skip(3).take(5).collect();
        let blanks = |count| " ".repeat(count);
        assert_eq!(
            lines,
            [
                std::format!("  00017  Content-Length: 5,{}...", blanks(60)),
                std::format!("  00095  ...{}6\\r\\n", blanks(40)),
                std::format!("{}^ 0x36", blanks(52)),
                std::format!("  00017  Content-Length: 5,{}...", blanks(70)),
                std::format!("{}- related to this", blanks(25)),
            ]
        );
    }

    /// A body that is one line, with a fault at its end.
    #[test]
    fn a_line_that_begins_out_of_reach_has_nothing_shown_before_it() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let content = "x".repeat(REACH + 1);
        let reply = std::format!("{head}{:x}\r\n{content}y", content.len());
        let text = shown(reply.as_bytes(), Exchange::GET, None);
        let is_offset = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        let shown: Vec<&str> = text.lines().filter(|line| is_offset(line.trim_start())).collect();
        let last = reply.len() - 1 - BEFORE;
        assert_eq!(shown, [std::format!("  {last}  ...{}y", &content[..BEFORE])]);
    }
}
