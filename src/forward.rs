//! What may leave the gateway: heads, content and trailers written anew for the next hop (RFC 9110 section 7.6, RFC
//! 9112 sections 6 and 7).
//!
//! Promise G8: whatever came in and whatever was tolerated, what is written here is valid under
//! [`Policy::STRICT`](crate::Policy::STRICT), with the same status, the same end-to-end fields and the same content.
//! Start with [`Head::forward`]; it returns an [`Onward`] for the rest of the message.
//!
//! One thing passes that STRICT refuses: a status code above 599, where the policy let it through. And the content of a
//! 205, which may have none (RFC 9110 15.3.6), is left out. Limits are another matter: a gateway adds a few lines, and
//! what came folded is one line.
//!
//! ```
//! use badgateway::forward::NextHop;
//! use badgateway::{Event, Exchange, Parser, Policy, Version};
//!
//! let mut parser = Parser::new(Policy::DEFAULT);
//! parser.begin(Exchange::GET);
//! let mut input: &[u8] = b"HTTP/1.1 200 OK\nServer : a\nConnection: x, close\nX: 1\nContent-Length: 02, 2\n\nhi";
//! let (mut out, mut onward) = (Vec::new(), None);
//! let next_hop = NextHop::new(Version::Http11, "gw").at(std::time::UNIX_EPOCH);
//! while let Some(event) = parser.next_event(&mut input)? {
//!     match (event, &mut onward) {
//!         // For a client that speaks HTTP/1.1; a 100 only for one that asked for it.
//!         (Event::Head(head), _) if head.is_interim() => drop(head.forward(&next_hop, &mut out)?),
//!         (Event::Head(head), _) => onward = Some(head.forward(&next_hop, &mut out)?),
//!         (Event::Content(bytes), Some(onward)) => onward.content(bytes, &mut out),
//!         (Event::Trailers(fields), Some(onward)) => onward.trailers(fields),
//!         (Event::End(_), Some(onward)) => onward.end(&mut out),
//!         _ => {}
//!     }
//! }
//! assert_eq!(
//!     out.escape_ascii().to_string(),
//!     "HTTP/1.1 200 OK\\r\\nServer: a\\r\\nDate: Thu, 01 Jan 1970 00:00:00 GMT\\r\\nVia: 1.1 gw\\r\\n\
//!      Content-Length: 2\\r\\n\\r\\nhi"
//! );
//! # Ok::<(), badgateway::Violation>(())
//! ```
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use std::io::Write;
use std::string::ToString;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::class::is_tchar;
use crate::exchange::{Framing, Version};
use crate::framing::is_end_to_end;
use crate::head::known::Known;
use crate::head::{Field, Fields, Head};
use crate::rule::Rule;
use crate::value::{self, Member};
use crate::violation::{Phase, Retry, Span, Violation};

/// Whom a reply is written for, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct NextHop<'a> {
    version: Version,
    via: &'a str,
    closing: bool,
    date: Option<SystemTime>,
}

impl<'a> NextHop<'a> {
    /// A client that spoke this version, and the name this gateway has in Via: a pseudonym, or `host:port`. What may
    /// not stand in such a name is written as `_`, and so is no name at all.
    pub const fn new(version: Version, via: &'a str) -> NextHop<'a> {
        NextHop { version, via, closing: false, date: None }
    }

    /// The connection is to be closed after this reply.
    pub const fn closing(mut self) -> NextHop<'a> {
        self.closing = true;
        self
    }

    /// When the reply was received, for the Date of one that has none; now, unless given.
    pub const fn at(mut self, date: SystemTime) -> NextHop<'a> {
        self.date = Some(date);
        self
    }
}

/// A message whose head was written: how it goes on.
#[derive(Clone, Debug)]
pub struct Onward {
    framing: Framing,
    closing: bool,
    /// What the Connection fields of the head named, in lower case and sorted, and so may not stand in the trailers
    /// either.
    nominated: Vec<Vec<u8>>,
    trailers: Vec<u8>,
}

impl<'b> Head<'b> {
    /// Append this head to `out`, as the next hop is to get it.
    ///
    /// - The gateway's own version; the status code; the reason phrase, if it can be sent.
    /// - Every end-to-end field in order, repaired: CRLF, no blank before the colon, folds and control octets as one
    ///   space, a singleton once. Connection and what it names are gone, except fields that it must not take away; so
    ///   are Close, Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, Upgrade but in a 101 or 426, and Trailer where
    ///   there is no place for trailers.
    /// - Date if it is missing, Via, and the framing: the length if it is known, one canonical number; else chunked, or
    ///   for an HTTP/1.0 client whatever comes up to the close.
    ///
    /// An interim head and a 101 get none of the last. Whether the client may have one at all (HTTP/1.0 has no 1xx) is
    /// for the caller to decide. Cost: linear in the head, one allocation for each field that Connection names, and
    /// those are sorted.
    ///
    /// # Errors
    ///
    /// `unsupported-transfer-coding`, where a policy tolerates `transfer-coding-not-final-chunked`: the content is in a
    /// coding that only this hop knows of, and nothing here undoes it.
    pub fn forward(&self, next_hop: &NextHop<'_>, out: &mut Vec<u8>) -> Result<Onward, Violation> {
        let framing = self.onward_framing(next_hop.version);
        if let Some(field) = self.coding_that_stays() {
            return Err(self.not_to_be_forwarded(&field));
        }
        // After an interim head and behind the head of a tunnel the connection goes on.
        let may_close = !self.is_interim() && framing != Framing::Tunnel;
        let closing = may_close && (next_hop.closing || next_hop.version == Version::Http10);
        let onward = Onward { framing, closing, nominated: self.nominated(), trailers: Vec::new() };
        out.extend_from_slice(b"HTTP/1.1 ");
        write_number(u64::from(self.status()), out);
        out.push(b' ');
        out.extend_from_slice(self.reason());
        out.extend_from_slice(b"\r\n");
        let dated = self.forward_fields(&onward, next_hop, out);
        if self.status() >= 200 {
            self.own_fields(dated, next_hop, out);
        }
        self.connection_and_framing(&onward, next_hop, out);
        out.extend_from_slice(b"\r\n");
        Ok(onward)
    }

    fn onward_framing(&self, version: Version) -> Framing {
        match (self.framing(), version) {
            (Framing::None, _) => Framing::None,
            (Framing::Tunnel, _) => Framing::Tunnel,
            _ if self.status() == 205 => Framing::Length(0),
            (Framing::Length(length), _) => Framing::Length(length),
            (Framing::Chunked | Framing::UntilClose, Version::Http11) => Framing::Chunked,
            (Framing::Chunked | Framing::UntilClose, Version::Http10) => Framing::UntilClose,
        }
    }

    /// The Transfer-Encoding of content that is read to the close and still coded.
    fn coding_that_stays(&self) -> Option<Field<'b>> {
        if self.framing() != Framing::UntilClose {
            return None;
        }
        self.fields().find(|field| {
            let is_coded = |member| match member {
                Ok(Member::Present(coding)) => !is_identity(field, &coding),
                Ok(Member::Empty(_)) => false,
                Err(_) => true,
            };
            is(field, Known::TransferEncoding) && value::codings(field.value()).any(is_coded)
        })
    }

    fn not_to_be_forwarded(&self, field: &Field<'_>) -> Violation {
        let rule = Rule::UnsupportedTransferCoding;
        let start = field.value_offset();
        Violation {
            rule,
            phase: Phase::Header,
            retry: Retry::Never,
            found: field.value().first().copied(),
            received_status: Some(self.status()),
            proxy_error: rule.proxy_error(),
            span: Span { start, end: start + field.value().len() as u64 },
            related: None,
            decided_at: self.offset() + self.wire().len() as u64 - 1,
            message_start: self.offset(),
            detail: Some("read to the close, but not to be forwarded"),
        }
    }

    /// The fields that Connection takes away (RFC 9110 7.6.1), but for those that [`passes`](Head::passes) judges by
    /// themselves.
    fn nominated(&self) -> Vec<Vec<u8>> {
        let mut nominated = Vec::new();
        for field in self.fields().filter(|field| is(field, Known::Connection)) {
            for member in value::tokens(field.value()) {
                let Ok(Member::Present(at)) = member else { continue };
                let option = &field.value()[at];
                let may_go = Known::of(option).is_none_or(|known| known == Known::Trailer);
                if may_go && !is_end_to_end(option) {
                    nominated.push(option.to_ascii_lowercase());
                }
            }
        }
        nominated.sort_unstable();
        nominated.dedup();
        nominated
    }

    /// Is there a Date among them?
    fn forward_fields(&self, onward: &Onward, next_hop: &NextHop<'_>, out: &mut Vec<u8>) -> bool {
        let mut written = [false; Known::COUNT];
        for field in self.fields() {
            let known = Known::of(field.name());
            if !known.is_none_or(|known| self.passes(known, onward, next_hop)) || onward.strips(field.name())
            {
                continue;
            }
            if let Some(known) = known.filter(|known| known.is_singleton())
                && core::mem::replace(&mut written[known as usize], true)
            {
                continue;
            }
            write_field(&field, out);
        }
        written[Known::Date as usize]
    }

    /// May a field of which HTTP itself makes something go on as it is?
    fn passes(&self, known: Known, onward: &Onward, next_hop: &NextHop<'_>) -> bool {
        match known {
            Known::ContentLength
            | Known::TransferEncoding
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te => false,
            Known::Upgrade => self.keeps_upgrade(next_hop),
            Known::Trailer => onward.framing == Framing::Chunked,
            _ => true,
        }
    }

    /// May Upgrade go on: as the protocol switched to, or as the one without which the upstream will not answer (RFC
    /// 9110 15.5.22), which means nothing to HTTP/1.0?
    fn keeps_upgrade(&self, next_hop: &NextHop<'_>) -> bool {
        match self.status() {
            101 => true,
            426 => next_hop.version == Version::Http11,
            _ => false,
        }
    }

    fn own_fields(&self, dated: bool, next_hop: &NextHop<'_>, out: &mut Vec<u8>) {
        if let Some(date) = http_date(next_hop.date.unwrap_or_else(SystemTime::now)).filter(|_| !dated) {
            write_line(b"Date", date.to_string().as_bytes(), out);
        }
        out.extend_from_slice(match self.version() {
            Version::Http10 => b"Via: 1.0 ",
            Version::Http11 => b"Via: 1.1 ",
        });
        let name = if next_hop.via.is_empty() { "_" } else { next_hop.via };
        let may_stand = |byte: u8| is_tchar(byte) || matches!(byte, b':' | b'[' | b']');
        out.extend(name.bytes().map(|byte| if may_stand(byte) { byte } else { b'_' }));
        out.extend_from_slice(b"\r\n");
    }

    fn connection_and_framing(&self, onward: &Onward, next_hop: &NextHop<'_>, out: &mut Vec<u8>) {
        let upgrade = self.keeps_upgrade(next_hop) && self.fields().any(|field| is(&field, Known::Upgrade));
        match (upgrade, onward.closing) {
            (true, true) => write_line(b"Connection", b"upgrade, close", out),
            (true, false) => write_line(b"Connection", b"upgrade", out),
            (false, true) => write_line(b"Connection", b"close", out),
            (false, false) => {}
        }
        match onward.framing {
            Framing::Length(length) => write_length(length, out),
            Framing::Chunked => write_line(b"Transfer-Encoding", b"chunked", out),
            Framing::None => {
                if let Some(length) = self.length_of_the_content_not_sent() {
                    write_length(length, out);
                }
            }
            Framing::UntilClose | Framing::Tunnel => {}
        }
    }

    /// What a GET would have been answered with, in the answer to HEAD and in a 304 (RFC 9110 8.6): if it has one
    /// meaning, and no Transfer-Encoding speaks against it.
    fn length_of_the_content_not_sent(&self) -> Option<u64> {
        let bodiless = self.status() < 200 || self.status() == 204;
        if bodiless || self.fields().any(|field| is(&field, Known::TransferEncoding)) {
            return None;
        }
        let mut known = None;
        for field in self.fields().filter(|field| is(field, Known::ContentLength)) {
            for length in value::lengths(field.value()) {
                let length = length.ok()?.value;
                if *known.get_or_insert(length) != length {
                    return None;
                }
            }
        }
        known
    }
}

impl Onward {
    /// How the next hop finds the end of the content.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Is the connection to the next hop to be closed after this message? Never after an interim head; and what becomes
    /// of a tunnel is not for HTTP to say.
    pub const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Append content octets to `out`; as one chunk, where the content is chunked.
    pub fn content(&self, content: &[u8], out: &mut Vec<u8>) {
        match self.framing {
            // A chunk of no octets would be the last one.
            _ if content.is_empty() => {}
            Framing::None | Framing::Length(0) => {}
            Framing::Chunked => {
                // A Vec takes whatever is written.
                let _ = write!(out, "{:x}\r\n", content.len());
                out.extend_from_slice(content);
                out.extend_from_slice(b"\r\n");
            }
            Framing::Length(_) | Framing::UntilClose | Framing::Tunnel => out.extend_from_slice(content),
        }
    }

    /// Keep the trailers for the end of the message. Where the content is not chunked there is no place for them, and
    /// they are dropped (RFC 9112 7.1.2).
    pub fn trailers(&mut self, fields: Fields<'_>) {
        if self.framing != Framing::Chunked {
            return;
        }
        for field in fields {
            let known_hop_by_hop = Known::of(field.name()).is_some_and(Known::decides_framing);
            if !known_hop_by_hop && !self.strips(field.name()) {
                write_field(&field, &mut self.trailers);
            }
        }
    }

    /// Append what ends the message: the last chunk and the trailers, where the content is chunked.
    ///
    /// To be called once the upstream's reply is whole, and only then: without it nobody can take a chunked message for
    /// complete. Content that ends with the connection is whole when [`Parser::close`](crate::Parser::close) says so, and
    /// no [`Event::End`](crate::Event::End) comes before.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::Chunked {
            out.extend_from_slice(b"0\r\n");
            out.append(&mut self.trailers);
            out.extend_from_slice(b"\r\n");
        }
    }

    fn strips(&self, name: &[u8]) -> bool {
        // A field of the name of an option that is written here would be taken for hop-by-hop by the next hop.
        if name.eq_ignore_ascii_case(b"close") {
            return true;
        }
        let name = name.iter().map(u8::to_ascii_lowercase);
        self.nominated.binary_search_by(|option| option.iter().copied().cmp(name.clone())).is_ok()
    }
}

/// IMF-fixdate (RFC 9110 5.6.7). A time before 1970 or after 9999 cannot be written: that clock is none (6.6.1).
pub(crate) fn http_date(date: SystemTime) -> Option<HttpDate> {
    const END_OF_DATES: u64 = 253_402_300_800;
    let age = date.duration_since(UNIX_EPOCH).ok()?;
    (age.as_secs() < END_OF_DATES).then(|| HttpDate::from(date))
}

fn is(field: &Field<'_>, known: Known) -> bool {
    Known::of(field.name()) == Some(known)
}

fn is_identity(field: &Field<'_>, coding: &value::Coding) -> bool {
    field.value()[coding.name.clone()].eq_ignore_ascii_case(b"identity")
}

fn write_field(field: &Field<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(field.name());
    out.extend_from_slice(b":");
    for piece in field.pieces().filter(|piece| !piece.is_empty()) {
        out.push(b' ');
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    write_number(length, out);
    out.extend_from_slice(b"\r\n");
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    // A Vec takes whatever is written.
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Close, Exchange, Method};
    use crate::parser::{Event, Parser};
    use crate::policy::Policy;
    use crate::rule::Level;
    use std::string::{String, ToString};
    use std::time::{Duration, UNIX_EPOCH};

    const HEAD: Exchange = Exchange::new(Method::Head);
    const CONNECT: Exchange = Exchange::new(Method::Connect);
    const WEBSOCKET: Exchange = Exchange::GET.upgrade(b"websocket");

    const NEW: NextHop<'_> = NextHop::new(Version::Http11, "gw").at(UNIX_EPOCH);
    const OLD: NextHop<'_> = NextHop::new(Version::Http10, "gw").at(UNIX_EPOCH);

    /// Whatever may be tolerated is.
    fn allowing() -> Policy {
        Rule::all().fold(Policy::DEFAULT, |policy, rule| policy.set(rule, Level::Allow))
    }

    /// A reply, forwarded as it comes and up to an orderly end of the connection; `|` stands for CRLF in both.
    fn sent(next_hop: &NextHop<'_>, exchange: Exchange, reply: &[u8]) -> Result<String, Violation> {
        let reply: Vec<u8> = reply.split(|&byte| byte == b'|').collect::<Vec<_>>().join(&b"\r\n"[..]);
        let mut parser = Parser::new(allowing());
        parser.begin(exchange);
        let (mut input, mut out, mut onward, mut ended) = (&reply[..], Vec::new(), None, false);
        while let Some(event) = parser.next_event(&mut input)? {
            match (event, &mut onward) {
                (Event::Head(head), _) => onward = Some(head.forward(next_hop, &mut out)?),
                (Event::Content(bytes), Some(onward)) => onward.content(bytes, &mut out),
                (Event::Trailers(fields), Some(onward)) => onward.trailers(fields),
                (Event::End(_), _) => ended = true,
                _ => {}
            }
        }
        let mut onward = onward.unwrap();
        if onward.framing() == Framing::Tunnel {
            onward.content(input, &mut out);
        }
        if ended || parser.close(Close::Eof).is_ok() {
            onward.end(&mut out);
        }
        Ok(out.escape_ascii().to_string().replace("\\r\\n", "|").replace("\\\"", "\""))
    }

    fn assert_sent(next_hop: &NextHop<'_>, exchange: Exchange, cases: &[(&[u8], &str)]) {
        for (reply, wanted) in cases {
            assert_eq!(sent(next_hop, exchange, reply).as_deref(), Ok(*wanted), "{}", reply.escape_ascii());
        }
    }

    /// The fields that are left of these, in a reply to GET with this status line.
    fn assert_fields(status: &str, cases: &[(&[u8], &str)]) {
        for (fields, wanted) in cases {
            let line = std::format!("HTTP/1.1 {status}|");
            let reply = [line.as_bytes(), fields, b"Date: x|Content-Length: 0||"].concat();
            let wanted = std::format!("{line}{wanted}Date: x|Via: 1.1 gw|Content-Length: 0||");
            assert_sent(&NEW, Exchange::GET, &[(&reply, &wanted)]);
        }
    }

    /// G8, as do all that follow.
    #[test]
    fn the_status_line_is_written_anew() {
        let lines: [(&[u8], &str); 12] = [
            (b"HTTP/1.1 200 OK", "200 OK"),
            (b"HTTP/1.1 200 ", "200 "),
            (b"HTTP/1.1 200", "200 "),
            (b"\n|HTTP/1.1 200 OK", "200 OK"),
            (b"HTTP/1.7 200 OK", "200 OK"),
            (b"HTTP/1.1  200\tOK", "200 OK"),
            (b"HTTP/1.1\t200  OK", "200  OK"),
            (b"HTTP/1.1 404 \xe9t\xe9 \"?\"", "404 \\xe9t\\xe9 \"?\""),
            (b"HTTP/1.1 404 a\tb", "404 a\\tb"),
            (b"HTTP/1.1 404 a\x1bb", "404 "),
            (b"HTTP/1.1 404 a\x7f", "404 "),
            (b"HTTP/1.1 999 Request denied", "999 Request denied"),
        ];
        for (line, wanted) in lines {
            let reply = [line, b"|Date: x|Content-Length: 0||"].concat();
            let wanted = std::format!("HTTP/1.1 {wanted}|Date: x|Via: 1.1 gw|Content-Length: 0||");
            assert_sent(&NEW, Exchange::GET, &[(&reply, &wanted)]);
        }
    }

    #[test]
    fn lines_end_in_crlf() {
        let reply = b"HTTP/1.1 200 OK\nDate: x\nA: b\nContent-Length: 1\n\nc";
        let wanted = "HTTP/1.1 200 OK|Date: x|A: b|Via: 1.1 gw|Content-Length: 1||c";
        assert_sent(&NEW, Exchange::GET, &[(reply, wanted)]);
    }

    #[test]
    fn values_are_repaired() {
        assert_fields(
            "200 OK",
            &[
                (b"A:b|", "A: b|"),
                (b"A: \t b \t |", "A: b|"),
                (b"A:|", "A:|"),
                (b"A: \t|", "A:|"),
                (b"A: b\tc  d\xff|", "A: b\\tc  d\\xff|"),
                (b"A \t: b|", "A: b|"),
                (b"A: b|\t c|  d|", "A: b c d|"),
                (b"A: b\n c|", "A: b c|"),
                (b"A:| b|", "A: b|"),
                (b"A: b| |", "A: b|"),
                (b"A: b\0c\0\0 \0d\0|", "A: b c d|"),
                (b"A: b\rc\r\r|", "A: b c|"),
                (b"A: b\x01\x0b\x7fc|", "A: b c|"),
                (b"A: \0\x7f\r| \x01|", "A:|"),
                (b"A: b\rSet-Cookie: c|", "A: b Set-Cookie: c|"),
            ],
        );
    }

    #[test]
    fn lines_that_are_no_fields_are_dropped() {
        assert_fields(
            "200 OK",
            &[
                (b" A: b|\tC: d|E: f|", "E: f|"),
                (b"A: b|C|D: e|", "A: b|D: e|"),
                (b"C| A: b|D: e|", "D: e|"),
                (b": b|", ""),
                (b"HTTP/1.1 500 X|A: b|", "A: b|"),
                (b"A(: b| c|D: e|", "D: e|"),
                (b"\xe9: b|\0: c|A B: d|", ""),
            ],
        );
    }

    #[test]
    fn a_singleton_stands_once() {
        assert_fields(
            "200 OK",
            &[
                (b"ETag: a|A: b|ETAG: c|etag: a|", "ETag: a|A: b|"),
                (b"Location: a|Location: b|", "Location: a|"),
                (
                    b"Set-Cookie: a|Vary: b|Set-Cookie: a|Vary: c|",
                    "Set-Cookie: a|Vary: b|Set-Cookie: a|Vary: c|",
                ),
            ],
        );
    }

    #[test]
    fn what_connection_names_is_gone_with_it() {
        assert_fields(
            "200 OK",
            &[
                (b"Connection: x-a, close|X-A: b|X-a: c|X-B: d|", "X-B: d|"),
                (b"X-A: b|connection: x-b|X-B: c|Connection:, X-A ,|", ""),
                (b"Connection: close|Close: a|", ""),
                (
                    b"Connection: x-a;b, x-c d, \"x-e\", x-f|X-A: 1|X-C: 2|X-E: 3|X-F: 4|",
                    "X-A: 1|X-C: 2|X-E: 3|",
                ),
                (b"Connection: keep-alive|Keep-Alive: timeout=5|Proxy-Connection: a|TE: b|", ""),
                (b"Keep-Alive: a|Proxy-Connection: b|te: c|", ""),
                (b"Close: a|", ""),
                (b"Proxy-Authenticate: a|", "Proxy-Authenticate: a|"),
            ],
        );
    }

    #[test]
    fn what_connection_must_not_take_away_is_kept() {
        assert_fields(
            "200 OK",
            &[
                (b"Connection: set-cookie|Set-Cookie: a|", "Set-Cookie: a|"),
                (b"Connection: Content-Length, date, VIA|Via: 1.0 a|", "Via: 1.0 a|"),
                (
                    b"Connection: content-type, cache-control|Content-Type: a|Cache-Control: b|",
                    "Content-Type: a|Cache-Control: b|",
                ),
            ],
        );
    }

    #[test]
    fn upgrade_stands_in_101_and_426_alone() {
        assert_fields("200 OK", &[(b"Connection: upgrade|Upgrade: h2c|", ""), (b"Upgrade: h2c|", "")]);
        let required = b"HTTP/1.1 426 X|Date: x|Upgrade: a/1|Connection: upgrade|Content-Length: 0||";
        let sent = "HTTP/1.1 426 X|Date: x|Upgrade: a/1|Via: 1.1 gw|Connection: upgrade|Content-Length: 0||";
        let closing =
            "HTTP/1.1 426 X|Date: x|Upgrade: a/1|Via: 1.1 gw|Connection: upgrade, close|Content-Length: 0||";
        let old = "HTTP/1.1 426 X|Date: x|Via: 1.1 gw|Connection: close|Content-Length: 0||";
        assert_sent(&NEW, Exchange::GET, &[(required, sent)]);
        assert_sent(&NEW.closing(), Exchange::GET, &[(required, closing)]);
        assert_sent(&OLD, Exchange::GET, &[(required, old)]);
        let none = b"HTTP/1.1 426 X|Date: x|Connection: upgrade|Content-Length: 0||";
        let sent = "HTTP/1.1 426 X|Date: x|Via: 1.1 gw|Content-Length: 0||";
        assert_sent(&NEW, Exchange::GET, &[(none, sent)]);
    }

    /// Neither Date nor Via nor close: the head is interim, and so is the connection as one of HTTP.
    #[test]
    fn a_101_opens_a_tunnel_to_everyone() {
        let switching =
            b"HTTP/1.1 101 X|Upgrade: websocket|Connection: upgrade, x|X: y|Content-Length: 3||a|b";
        let sent = "HTTP/1.1 101 X|Upgrade: websocket|Connection: upgrade||a|b";
        let unnamed = b"HTTP/1.1 101 X|Upgrade: websocket||a|b";
        for next_hop in [NEW, NEW.closing(), OLD] {
            assert_sent(&next_hop, WEBSOCKET, &[(switching, sent), (unnamed, sent)]);
        }
    }

    #[test]
    fn connect_opens_a_tunnel() {
        let reply = b"HTTP/1.1 200 X|Date: x|Transfer-Encoding: chunked|Content-Length: 3||a|b";
        let sent = "HTTP/1.1 200 X|Date: x|Via: 1.1 gw||a|b";
        for next_hop in [NEW, NEW.closing(), OLD] {
            assert_sent(&next_hop, CONNECT, &[(reply, sent)]);
        }
    }

    #[test]
    fn what_never_has_content_has_no_framing_field() {
        for next_hop in [NEW, NEW.closing()] {
            assert_sent(
                &next_hop,
                Exchange::GET,
                &[(
                    b"HTTP/1.1 103 X|Link: a|Content-Length: 3|Connection: close||\
                      HTTP/1.1 100 X|Transfer-Encoding: chunked|Trailer: a||",
                    "HTTP/1.1 103 X|Link: a||HTTP/1.1 100 X||",
                )],
            );
        }
        assert_sent(
            &NEW,
            Exchange::GET,
            &[
                (b"HTTP/1.1 204 X|Date: x||", "HTTP/1.1 204 X|Date: x|Via: 1.1 gw||"),
                (b"HTTP/1.1 204 X|Date: x|Content-Length: 3||", "HTTP/1.1 204 X|Date: x|Via: 1.1 gw||"),
                (b"HTTP/1.1 204 X|Date: x|Transfer-Encoding: a||", "HTTP/1.1 204 X|Date: x|Via: 1.1 gw||"),
            ],
        );
    }

    #[test]
    fn the_length_of_content_not_sent_is_told_if_it_has_one_meaning() {
        let cases: [(&[u8], &str); 12] = [
            (b"", ""),
            (b"Content-Length: 5|", "Content-Length: 5|"),
            (b"Content-Length: 0|", "Content-Length: 0|"),
            (b"Content-Length: 05, 5|content-length: 5|", "Content-Length: 5|"),
            (b"Content-Length: 9223372036854775807|", "Content-Length: 9223372036854775807|"),
            (b"Content-Length: 9223372036854775808|", ""),
            (b"Content-Length: 5|Content-Length: 6|", ""),
            (b"Content-Length: 5, 6|", ""),
            (b"Content-Length: +5|", ""),
            (b"Content-Length: 5,|", ""),
            (b"Content-Length: 5|Transfer-Encoding: chunked|", ""),
            (b"Transfer-Encoding: gzip, chunked|Trailer: a|", ""),
        ];
        for (exchange, status) in [(HEAD, "200 OK"), (Exchange::GET, "304 X"), (HEAD, "304 X")] {
            for (fields, wanted) in cases {
                let line = std::format!("HTTP/1.1 {status}|Date: x|");
                let reply = [line.as_bytes(), fields, b"|"].concat();
                assert_sent(&NEW, exchange, &[(&reply, &std::format!("{line}Via: 1.1 gw|{wanted}|"))]);
                let old = std::format!("{line}Via: 1.1 gw|Connection: close|{wanted}|");
                assert_sent(&OLD, exchange, &[(&reply, &old)]);
            }
        }
    }

    #[test]
    fn content_is_framed_once() {
        assert_sent(
            &NEW,
            Exchange::GET,
            &[
                (
                    b"HTTP/1.1 200 X|Date: x|Content-Length: 002, 2|Content-Length: 2||hi",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Content-Length: 2||hi",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x|Content-Length: 9|Transfer-Encoding: chunked||02;a=b|hi|0||",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||2|hi|0||",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x|Transfer-Encoding: chunked, chunked||2|hi|0||",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||2|hi|0||",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x||hello, up to the close",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||16|hello, up to the close|0||",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x||",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||0||",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x|Transfer-Encoding: identity||hi",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||2|hi|0||",
                ),
            ],
        );
    }

    #[test]
    fn to_http_1_0_content_has_a_length_or_goes_on_to_the_close() {
        assert_sent(
            &OLD,
            Exchange::GET,
            &[
                (
                    b"HTTP/1.1 200 X|Date: x|Content-Length: 02||hi",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Connection: close|Content-Length: 2||hi",
                ),
                (
                    b"HTTP/1.1 200 X|Date: x|Transfer-Encoding: chunked|Trailer: a||1|h|1|i|0|a: b||",
                    "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Connection: close||hi",
                ),
                (b"HTTP/1.1 200 X|Date: x||hi", "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Connection: close||hi"),
            ],
        );
    }

    #[test]
    fn a_205_has_no_content() {
        let sent = "HTTP/1.1 205 X|Date: x|Via: 1.1 gw|Content-Length: 0||";
        assert_sent(
            &NEW,
            Exchange::GET,
            &[
                (b"HTTP/1.1 205 X|Date: x|Content-Length: 2||hi", sent),
                (b"HTTP/1.1 205 X|Date: x|Transfer-Encoding: chunked|Trailer: a||2|hi|0|a: b||", sent),
                (b"HTTP/1.1 205 X|Date: x||hi", sent),
            ],
        );
        // What is meant by it to HEAD is what came.
        let described = b"HTTP/1.1 205 X|Date: x|Content-Length: 2||";
        assert_sent(&NEW, HEAD, &[(described, "HTTP/1.1 205 X|Date: x|Via: 1.1 gw|Content-Length: 2||")]);
    }

    #[test]
    fn trailers_are_repaired_and_stripped_as_fields_are() {
        let start = "HTTP/1.1 200 X|Date: x|";
        let came = std::format!("{start}Connection: x-b|Trailer: a|Transfer-Encoding: chunked||1|c|0|");
        let goes = std::format!("{start}Trailer: a|Via: 1.1 gw|Transfer-Encoding: chunked||1|c|0|");
        let cases: [(&[u8], &str); 7] = [
            (b"", ""),
            (b"a: b|A : c|", "a: b|A: c|"),
            (b"a: b| c\0d\x01|", "a: b c d|"),
            (b"a: \x01|", "a:|"),
            (b"X-B: c|a: b|x-b: d|", "a: b|"),
            (b"Content-Length: 9|Set-Cookie: b|Upgrade: c|TE: d|Keep-Alive: e|a: b|close: f|", "a: b|"),
            (b" x: y|bad|: z|a: b|", "a: b|"),
        ];
        for (trailers, wanted) in cases {
            let reply = [came.as_bytes(), trailers, b"|"].concat();
            assert_sent(&NEW, Exchange::GET, &[(&reply, &std::format!("{goes}{wanted}|"))]);
        }
    }

    #[test]
    fn trailer_goes_with_the_trailers() {
        let fields: [(&[u8], &str); 1] = [(b"Trailer: a|", "")];
        assert_fields("200 OK", &fields);
        let nominated =
            b"HTTP/1.1 200 X|Date: x|Connection: trailer|Trailer: a|Transfer-Encoding: chunked||0||";
        let sent = "HTTP/1.1 200 X|Date: x|Via: 1.1 gw|Transfer-Encoding: chunked||0||";
        assert_sent(&NEW, Exchange::GET, &[(nominated, sent)]);
    }

    #[test]
    fn date_is_added_if_it_is_missing() {
        let hop = NEW.at(UNIX_EPOCH + Duration::from_secs(784_111_777));
        assert_sent(
            &hop,
            Exchange::GET,
            &[
                (b"HTTP/1.1 204 X||", "HTTP/1.1 204 X|Date: Sun, 06 Nov 1994 08:49:37 GMT|Via: 1.1 gw||"),
                (b"HTTP/1.1 204 X|DATE: 0|Connection: date||", "HTTP/1.1 204 X|DATE: 0|Via: 1.1 gw||"),
            ],
        );
        let mut now = Vec::new();
        own_head(b"HTTP/1.1 204 X\r\n\r\n", |head| {
            head.forward(&NextHop::new(Version::Http11, "gw"), &mut now).unwrap();
        });
        let date = String::from_utf8(now).unwrap();
        let date = date.split("Date: ").nth(1).unwrap().split('\r').next().unwrap();
        let age = SystemTime::now().duration_since(httpdate::parse_http_date(date).unwrap()).unwrap();
        assert!(age < Duration::from_secs(60), "{date}");
    }

    /// Show the head of a reply to GET.
    fn own_head(reply: &[u8], show: impl FnOnce(&Head<'_>)) {
        let mut parser = Parser::new(allowing());
        parser.begin(Exchange::GET);
        let mut input = reply;
        match parser.next_event(&mut input) {
            Ok(Some(Event::Head(head))) => show(&head),
            told => panic!("{told:?}"),
        }
    }

    #[test]
    fn via_names_the_version_received_and_this_gateway() {
        let reply = b"HTTP/1.0 204 X|Date: x|Via: 1.1 a (b)||";
        let names = [
            ("gw", "gw"),
            ("gw.example:8080", "gw.example:8080"),
            ("[::1]:80", "[::1]:80"),
            ("", "_"),
            ("a, b\r\nX: y", "a__b__X:_y"),
            ("\u{e9}(\"", "____"),
        ];
        for (name, wanted) in names {
            let hop = NextHop::new(Version::Http11, name);
            let wanted = std::format!("HTTP/1.1 204 X|Date: x|Via: 1.1 a (b)|Via: 1.0 {wanted}||");
            assert_sent(&hop, Exchange::GET, &[(reply, &wanted)]);
        }
    }

    #[test]
    fn the_connection_is_closed_after_a_message_and_not_before() {
        let cases: [(&[u8], bool); 4] = [
            (b"HTTP/1.1 103 X\r\n\r\n", false),
            (b"HTTP/1.1 204 X\r\n\r\n", true),
            (b"HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n", true),
            (b"HTTP/1.1 200 X\r\n\r\n", true),
        ];
        for (reply, wanted) in cases {
            own_head(reply, |head| {
                for (next_hop, closing) in [(NEW, false), (NEW.closing(), wanted), (OLD, wanted)] {
                    let mut out = Vec::new();
                    let onward = head.forward(&next_hop, &mut out).unwrap();
                    assert_eq!(onward.is_closing(), closing, "{}", reply.escape_ascii());
                    assert_eq!(out.windows(5).any(|part| part == b"close"), closing);
                }
            });
        }
    }

    /// A chunk of no octets is the last one, and only `end` may write that.
    #[test]
    fn nothing_but_the_end_ends_a_chunked_message() {
        own_head(b"HTTP/1.1 200 X\r\n\r\n", |head| {
            let mut out = Vec::new();
            let mut onward = head.forward(&NEW, &mut out).unwrap();
            out.clear();
            onward.content(b"", &mut out);
            onward.content(b"a", &mut out);
            onward.content(b"", &mut out);
            assert_eq!(out, b"1\r\na\r\n");
            onward.end(&mut out);
            assert_eq!(out, b"1\r\na\r\n0\r\n\r\n");
        });
    }

    #[test]
    fn content_that_stays_coded_is_not_sent_on() {
        let codings: [&[u8]; 4] =
            [b"gzip", b"chunked, gzip", b"identity, gzip", b"identity|Transfer-Encoding: a;b=c"];
        for coding in codings {
            let reply = [b"HTTP/1.1 200 X|Transfer-Encoding: ", coding, b"||hi"].concat();
            let violation = sent(&NEW, Exchange::GET, &reply).unwrap_err();
            assert_eq!(violation.rule(), Rule::UnsupportedTransferCoding);
            assert_eq!(violation.received_status(), Some(200));
            assert_eq!((violation.status(), violation.offset()), (502, violation.span().start));
        }
        let reply = b"|HTTP/1.1 200 X|Transfer-Encoding: gzip||";
        let violation = sent(&NEW, Exchange::GET, reply).unwrap_err();
        assert_eq!((violation.span(), violation.decided_at()), (Span { start: 37, end: 41 }, 44));
        assert_eq!(violation.found(), Some(b'g'));
    }
}
