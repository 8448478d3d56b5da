//! What may leave the gateway: heads, content and trailers written anew for the next hop (RFC 9110 section 7.6, RFC
//! 9112 sections 6 and 7).
//!
//! Promise G8: whatever came in and whatever was tolerated, what is written here is valid under
//! [`Policy::STRICT`](crate::Policy::STRICT), with the same status, the same end-to-end fields and the same content.
//! One thing passes that STRICT refuses: a status code above 599, where the policy let it through. And the content of a
//! 205, which may have none (RFC 9110 15.3.6), is left out.
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
use std::time::SystemTime;

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
    /// A client that spoke this version, and the name this gateway has in Via: a pseudonym, or `host:port`. Whatever
    /// is not visible ASCII in that name is written as `?`.
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
    /// What the Connection fields of the head named, in lower case, and so may not stand in the trailers either.
    nominated: Vec<Vec<u8>>,
    trailers: Vec<u8>,
}

impl<'b> Head<'b> {
    /// Append this head to `out`, as the next hop is to get it.
    ///
    /// - The gateway's own version; the status code; the reason phrase, if it can be sent.
    /// - Every end-to-end field in order, repaired: CRLF, no blank before the colon, folds and control octets as one
    ///   space, a singleton once. Connection and what it names are gone, except fields that it must not take away; so
    ///   are Keep-Alive, Proxy-Connection, TE, Transfer-Encoding, and Upgrade but in a 101 or 426.
    /// - Date if it is missing, Via, and the framing: the length if it is known, one canonical number; else chunked, or
    ///   for an HTTP/1.0 client whatever comes up to the close.
    ///
    /// An interim head gets none of the last. Whether the client may have it at all (HTTP/1.0 has no 1xx) is for the
    /// caller to decide. Cost: linear in the head, one allocation for each field that Connection names.
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
        let closing =
            next_hop.closing || next_hop.version == Version::Http10 || framing == Framing::UntilClose;
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
        let until_close = self.framing() == Framing::UntilClose;
        self.fields().filter(|_| until_close).find(|field| {
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

    /// The fields that Connection takes away (RFC 9110 7.6.1).
    fn nominated(&self) -> Vec<Vec<u8>> {
        let mut nominated = Vec::new();
        for field in self.fields().filter(|field| is(field, Known::Connection)) {
            for member in value::tokens(field.value()) {
                let Ok(Member::Present(at)) = member else { continue };
                let option = &field.value()[at];
                if !is_end_to_end(option) {
                    nominated.push(option.to_ascii_lowercase());
                }
            }
        }
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
            Known::Upgrade => self.names_upgrade(next_hop),
            Known::Trailer => onward.framing == Framing::Chunked,
            _ => true,
        }
    }

    /// The protocol switched to, or the one without which the upstream will not answer (RFC 9110 15.5.22).
    fn names_upgrade(&self, next_hop: &NextHop<'_>) -> bool {
        matches!(self.status(), 101 | 426)
            && next_hop.version == Version::Http11
            && self.fields().any(|field| is(&field, Known::Upgrade))
    }

    fn own_fields(&self, dated: bool, next_hop: &NextHop<'_>, out: &mut Vec<u8>) {
        if !dated {
            let date = httpdate::fmt_http_date(next_hop.date.unwrap_or_else(SystemTime::now));
            write_line(b"Date", date.as_bytes(), out);
        }
        out.extend_from_slice(match self.version() {
            Version::Http10 => b"Via: 1.0 ",
            Version::Http11 => b"Via: 1.1 ",
        });
        out.extend(next_hop.via.bytes().map(|byte| if byte.is_ascii_graphic() { byte } else { b'?' }));
        out.extend_from_slice(b"\r\n");
    }

    fn connection_and_framing(&self, onward: &Onward, next_hop: &NextHop<'_>, out: &mut Vec<u8>) {
        let closing = onward.closing && self.status() >= 200;
        match (self.names_upgrade(next_hop), closing) {
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

    /// Is the connection to the next hop to be closed after this message?
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
    /// complete.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.framing == Framing::Chunked {
            out.extend_from_slice(b"0\r\n");
            out.append(&mut self.trailers);
            out.extend_from_slice(b"\r\n");
        }
    }

    fn strips(&self, name: &[u8]) -> bool {
        // In a 101 and a 426 Connection names Upgrade, which has been judged by itself.
        let names = |option: &Vec<u8>| option != b"upgrade" && option.eq_ignore_ascii_case(name);
        self.nominated.iter().any(names)
    }
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
    for piece in field.pieces() {
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
