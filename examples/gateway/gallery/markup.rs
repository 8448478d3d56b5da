//! Pieces of the page: text, commands, clauses, and the bytes of a reply.
#![forbid(unsafe_code)]

use std::fmt::{self, Display, Write};

use badgateway::{Escaped, Span};

/// Bytes shown of a long reply, at its start and at its end.
const START: usize = 128;
const END: usize = 64;

/// The longest reply that is shown whole.
const WHOLE: usize = 320;

/// `RFC 9112 2.2`, linked.
pub struct Clause(pub &'static str);

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
pub struct Shell<'l>(pub &'l str);

impl Display for Shell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<pre class=\"shell\"><code>{}</code></pre>", Html(self.0))
    }
}

/// Text that HTML takes literally.
pub struct Html<'t>(pub &'t str);

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

/// The bytes of a reply, escaped, a line each. Those to blame are marked; of many only both ends are shown.
pub struct Bytes<'r> {
    pub reply: &'r [u8],
    pub blame: Option<Span>,
}

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.reply.len();
        f.write_str("<pre class=\"bytes\"><code>")?;
        if len <= WHOLE {
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

    #[test]
    fn bytes_are_escaped_marked_and_cut() {
        let bytes = |reply, blame| Bytes { reply, blame }.to_string();
        let span = Some(Span { start: 1, end: 4 });
        assert_eq!(
            bytes(b"a<\r\n\x00b\n", span),
            "<pre class=\"bytes\"><code>a<mark>&lt;<i>\\r\\n</i></mark>\n\
             <i>\\x00</i>b<i>\\n</i></code></pre>\n"
        );
        let long = bytes(&[b'a'; 1000], None);
        assert!(long.contains("\n<i>... 808 bytes more ...</i>\n"), "{long}");
    }
}
