//! Which of our media types a request would rather have: proactive negotiation by Accept, RFC 9110 12.5.1.
//!
//! Nothing here fails: a member off the grammar is passed over, and where nothing fits the answer is plain text.
#![forbid(unsafe_code)]

use crate::class::{is_blank, is_tchar, is_text};

/// A form in which the answer can be written; at equal weights an earlier one is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    Plain,
    Html,
    /// Problem details, RFC 9457.
    Problem,
}

impl MediaType {
    pub(super) const ALL: [MediaType; 3] = [MediaType::Plain, MediaType::Html, MediaType::Problem];

    /// The value of Content-Type.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            MediaType::Plain => "text/plain; charset=UTF-8",
            MediaType::Html => "text/html; charset=UTF-8",
            MediaType::Problem => "application/problem+json",
        }
    }

    const fn names(self) -> (&'static [u8], &'static [u8]) {
        match self {
            MediaType::Plain => (b"text", b"plain"),
            MediaType::Html => (b"text", b"html"),
            MediaType::Problem => (b"application", b"problem+json"),
        }
    }

    /// The one that an Accept value asks for most. Work is linear in its length.
    pub(super) fn wanted(accept: &[u8]) -> MediaType {
        let mut closest: [Option<(Closeness, u16)>; 3] = [None; 3];
        for range in (Ranges { rest: accept }) {
            for (media, closest) in MediaType::ALL.into_iter().zip(&mut closest) {
                // The closest range decides, even where a wider one gives more weight.
                *closest = (*closest).max(range.closeness(media).map(|closeness| (closeness, range.weight)));
            }
        }
        let acceptable = MediaType::ALL.into_iter().zip(closest).filter_map(|(media, closest)| {
            closest.filter(|(_, weight)| *weight > 0).map(|(closeness, weight)| (weight, closeness, media))
        });
        // Of equals, `max_by_key` takes the last.
        let best = acceptable.rev().max_by_key(|&(weight, closeness, _)| (weight, closeness));
        best.map_or(MediaType::Plain, |(_, _, media)| media)
    }
}

/// How closely a range names a media type: by its names first, then by its parameters.
type Closeness = (Names, Parameters);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    /// `*/*`
    Anything,
    /// `text/*`
    Type,
    /// application/json, of which problem details are one kind.
    Json,
    Exact,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Parameters {
    None,
    /// `charset=utf-8` and nothing else: that is what we send.
    Charset,
    /// Some that what we send does not have.
    Others,
}

/// A media-range with its weight, in thousandths.
struct Range<'v> {
    main: &'v [u8],
    sub: &'v [u8],
    parameters: Parameters,
    weight: u16,
}

impl Range<'_> {
    /// `None` where it does not name that media type at all.
    fn closeness(&self, media: MediaType) -> Option<Closeness> {
        let is = |main: &[u8], sub: &[u8]| {
            self.main.eq_ignore_ascii_case(main) && (sub == b"*" || self.sub.eq_ignore_ascii_case(sub))
        };
        // That it is taken for problem details is our own reading, which no parameter can spoil.
        if media == MediaType::Problem && is(b"application", b"json") {
            return Some((Names::Json, self.parameters));
        }
        let (main, sub) = media.names();
        let names = match self.sub {
            b"*" if self.main == b"*" => Names::Anything,
            b"*" if is(main, b"*") => Names::Type,
            _ if is(main, sub) => Names::Exact,
            _ => return None,
        };
        (self.parameters != Parameters::Others).then_some((names, self.parameters))
    }

    /// A parameter may be the weight, wherever it stands. `None` if it should be one and is not.
    fn take(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let is_utf8 = || value.eq_ignore_ascii_case(b"utf-8") || value.eq_ignore_ascii_case(b"\"utf-8\"");
        if name.eq_ignore_ascii_case(b"q") {
            self.weight = thousandths(value)?;
        } else if name.eq_ignore_ascii_case(b"charset") && is_utf8() {
            self.parameters = self.parameters.max(Parameters::Charset);
        } else {
            self.parameters = Parameters::Others;
        }
        Some(())
    }
}

/// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, decimals) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] => (whole, decimals),
        _ => return None,
    };
    if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |place| decimals.get(place).map_or(0, |digit| u16::from(digit - b'0'));
    match (whole, (0..3).fold(0, |sum, place| sum * 10 + digit(place))) {
        (b'0', fraction) => Some(fraction),
        (b'1', 0) => Some(1000),
        _ => None,
    }
}

/// Accept = #( media-range [ weight ] ). `rest` only ever moves on, which makes the work linear.
struct Ranges<'v> {
    rest: &'v [u8],
}

impl<'v> Iterator for Ranges<'v> {
    type Item = Range<'v>;

    fn next(&mut self) -> Option<Range<'v>> {
        while !self.rest.is_empty() {
            let range = self.member();
            let comma = memchr::memchr(b',', self.rest);
            self.rest = comma.map_or(&[], |comma| &self.rest[comma + 1..]);
            if range.is_some() {
                return range;
            }
        }
        None
    }
}

impl<'v> Ranges<'v> {
    /// type "/" subtype *( OWS ";" OWS [ parameter ] ), up to the comma or the end.
    fn member(&mut self) -> Option<Range<'v>> {
        self.run(is_blank);
        let main = self.token()?;
        self.octet(b'/')?;
        let mut range = Range { main, sub: self.token()?, parameters: Parameters::None, weight: 1000 };
        self.run(is_blank);
        while self.octet(b';').is_some() {
            self.run(is_blank);
            if !matches!(self.rest, [] | [b';' | b',', ..]) {
                let (name, value) = self.parameter()?;
                range.take(name, value)?;
                self.run(is_blank);
            }
        }
        matches!(self.rest, [] | [b',', ..]).then_some(range)
    }

    /// parameter = token "=" ( token / quoted-string ); a quoted value keeps its quotes.
    fn parameter(&mut self) -> Option<(&'v [u8], &'v [u8])> {
        let name = self.token()?;
        self.octet(b'=')?;
        let value = if self.rest.first() == Some(&b'"') { self.quoted_string()? } else { self.token()? };
        Some((name, value))
    }

    /// What is passed over before it turns out not to be one is not looked at again.
    fn quoted_string(&mut self) -> Option<&'v [u8]> {
        let string = self.rest;
        let mut at = 1;
        loop {
            match string.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(&octet) if is_text(octet) => at += 1,
                _ => {
                    self.rest = string.get(at..).unwrap_or(&[]);
                    return None;
                }
            }
        }
        self.rest = &string[at + 1..];
        Some(&string[..=at])
    }

    fn token(&mut self) -> Option<&'v [u8]> {
        Some(self.run(is_tchar)).filter(|token| !token.is_empty())
    }

    fn octet(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        (*first == wanted).then(|| self.rest = rest)
    }

    fn run(&mut self, holds: fn(u8) -> bool) -> &'v [u8] {
        let end = self.rest.iter().position(|&octet| !holds(octet)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType::{self, Html, Plain, Problem};
    use std::time::{Duration, Instant};

    #[track_caller]
    fn wanted(cases: &[(&str, MediaType)]) {
        for (accept, media) in cases {
            assert_eq!(MediaType::wanted(accept.as_bytes()), *media, "{accept}");
        }
    }

    #[test]
    fn what_is_named_is_sent() {
        wanted(&[
            ("", Plain),
            ("*/*", Plain),
            ("text/*", Plain),
            ("text/plain", Plain),
            ("text/html", Html),
            ("TEXT/Html", Html),
            ("application/problem+json", Problem),
            ("Application/Problem+JSON", Problem),
            ("application/json", Problem),
            ("application/*", Problem),
            ("image/png", Plain),
            ("application/xml, image/*", Plain),
            ("texts/html, text/htmlx, application/jsonp", Plain),
        ]);
    }

    #[test]
    fn the_greatest_weight_wins() {
        wanted(&[
            ("text/plain;q=0.8, text/html;q=0.9", Html),
            ("text/plain;q=0.899, text/html;q=0.9", Html),
            ("text/plain;q=0.9, text/html;q=0.899", Plain),
            ("text/html;q=0.001", Html),
            ("text/html;q=0.5, application/json", Problem),
            ("text/plain;q=0.999, text/html;q=1.000", Html),
            ("text/html;q=1., text/plain;q=0.", Html),
            ("text/html;Q=0.1", Html),
            ("text/html;q=0.1, text/html;q=0.9, text/plain;q=0.5", Html),
            ("text/html;q=0.3, text/*;q=0.2, */*;q=0.1", Html),
            ("text/html;q=0.3, */*;q=0.4", Plain),
            ("text/plain;q=0.1, text/html;q=0.1, */*;q=0.2", Problem),
        ]);
    }

    #[test]
    fn no_weight_at_all_excludes() {
        wanted(&[
            ("text/plain;q=0, */*", Html),
            ("text/plain;q=0.000, */*;q=0.1", Html),
            ("text/*;q=0, */*", Problem),
            ("text/*;q=0, text/html;q=0.1, */*;q=0.05", Html),
            ("text/plain;q=0, text/html;q=0, */*", Problem),
            ("application/problem+json;q=0, application/json", Plain),
            ("text/html;q=0", Plain),
            // Never a 406: what nobody wants is sent as plain text.
            ("*/*;q=0", Plain),
            ("text/plain;q=0, image/png", Plain),
        ]);
    }

    #[test]
    fn at_equal_weights_the_closer_range_wins_and_then_our_order() {
        wanted(&[
            ("text/html, text/plain", Plain),
            ("application/problem+json, text/html", Html),
            ("*/*, text/html", Html),
            ("text/*, text/html", Html),
            ("*/*;q=0.1, text/html;q=0.1", Html),
            ("*/*, application/*", Problem),
            ("*/*, application/json", Problem),
            ("application/*, text/*", Plain),
            ("application/json, text/html", Html),
            ("application/json, text/*", Problem),
            ("application/problem+json, text/*", Problem),
            ("text/plain, text/html;charset=utf-8", Html),
        ]);
    }

    #[test]
    fn parameters_narrow_a_range() {
        wanted(&[
            ("text/html;charset=utf-8", Html),
            ("text/html; charset=UTF-8", Html),
            ("text/html \t;\t CHARSET=\"Utf-8\" ; q=0.5", Html),
            ("text/html;charset=utf-8;q=0.2, text/plain;q=0.1", Html),
            ("text/html;q=0.2;charset=utf-8, text/plain;q=0.3", Plain),
            ("text/html;charset=iso-8859-1", Plain),
            ("text/html;level=1", Plain),
            ("text/html;level=1;charset=utf-8, text/plain;q=0.5", Plain),
            ("text/html;level=1;q=0, text/html", Html),
            ("text/html;charset=utf-8;q=0, text/html", Plain),
            ("text/html;;q=0.5;, text/plain;q=0.4", Html),
            ("text/html;a=\"b,text/plain\\\",;q=0\";charset=utf-8, text/html;q=0.3", Html),
            ("text/html;a=\",text/plain,\", application/json", Problem),
            ("application/json;a=\"\\\",text/plain,\\\"\"", Problem),
            ("application/json; odata.metadata=minimal", Problem),
            ("application/json;charset=utf-8, */*;q=0.5", Problem),
            // The example of RFC 9110 12.5.1.
            (
                "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, \
                 */*;q=0.5",
                Plain,
            ),
            ("text/plain;format=flowed;q=0, text/html;q=0.5, */*;q=0.6", Plain),
        ]);
    }

    #[test]
    fn what_clients_really_send_is_understood() {
        wanted(&[
            // Chrome, Firefox and Safari: a page, then an image, then a script.
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
                 application/signed-exchange;v=b3;q=0.7",
                Html,
            ),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,\
                 image/svg+xml,*/*;q=0.8",
                Html,
            ),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Html),
            ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", Plain),
            ("*/*", Plain),
            // Internet Explorer, Java, jQuery, axios, Python and Ruby on Rails.
            ("image/gif, image/jpeg, image/pjpeg, application/x-ms-application, */*", Plain),
            ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", Html),
            ("application/json, text/javascript, */*; q=0.01", Problem),
            ("application/json, text/plain, */*", Plain),
            ("application/json", Problem),
            ("*/*;q=0.5, text/javascript, application/javascript", Plain),
        ]);
    }

    #[test]
    fn what_is_off_the_grammar_is_passed_over() {
        wanted(&[
            (",", Plain),
            (" , ,\t,", Plain),
            (",, text/html,,", Html),
            ("text", Plain),
            ("text/", Plain),
            ("/html", Plain),
            ("*", Plain),
            ("*/html", Plain),
            ("text /html", Plain),
            ("text/ html", Plain),
            ("text/html text/plain", Plain),
            ("text/html/5", Plain),
            ("text/html;", Html),
            ("text/html;q", Plain),
            ("text/html;q=", Plain),
            ("text/html;q =0.5", Plain),
            ("text/html;=1", Plain),
            ("text/html;q=2", Plain),
            ("text/html;q=1.1", Plain),
            ("text/html;q=1.0000", Plain),
            ("text/html;q=.5", Plain),
            ("text/html;q=-1", Plain),
            ("text/html;q=0,5", Plain),
            ("text/html;q=\"0.5\"", Plain),
            ("text/html;q=0.5x", Plain),
            ("text/html;q=1e0", Plain),
            ("text/html;a=\"", Plain),
            ("text/html;a=\"\\", Plain),
            ("text/html, text/plain;a=\"b", Html),
            ("text/html, a/b;a=\"b, text/plain", Html),
            ("application/json;a=\"b\u{1}\", text/html;q=0.5", Html),
            ("<script>, text/html", Html),
            ("\u{e9}/\u{e9}, text/html", Html),
            ("\r\ntext/html", Plain),
        ]);
        assert_eq!(MediaType::wanted(b"\xff\x00/\xfe, text/html"), Html);
    }

    #[test]
    fn long_values_stay_quick() {
        let megabyte = |unit: &str, last: &str| {
            unit.repeat((1 << 20) / unit.len()) + last + ", text/html, text/plain;q=0"
        };
        let started = Instant::now();
        for unit in [
            ",",
            " ",
            ";",
            "\"",
            "a/b;c=\"",
            "a/b;c=\"\\\",",
            "a/b;c=\"\u{1},",
            "text/html;q=0.5,",
            "a/b;",
            "a",
        ] {
            MediaType::wanted(megabyte(unit, "").as_bytes());
            MediaType::wanted(megabyte(unit, "\"").as_bytes());
        }
        assert_eq!(MediaType::wanted(megabyte(",", "").as_bytes()), Html);
        // A hundred times what it takes; were the work quadratic, minutes would not do.
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}
