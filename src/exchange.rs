//! The request a reply answers, as far as it decides what the reply means.
#![forbid(unsafe_code)]

use core::fmt;

/// What the request method makes of the reply: RFC 9112 6.3 treats only these apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// HEAD: a reply never has content.
    Head,
    /// CONNECT: a 2xx reply opens a tunnel.
    Connect,
    /// A method that may be repeated on its own account (RFC 9110 9.2.2): GET, PUT, DELETE, OPTIONS, TRACE.
    Idempotent,
    /// POST, PATCH and every method not known to be idempotent.
    Other,
}

impl Method {
    /// From the octets of the request line; method names are case-sensitive (RFC 9110 9.1).
    pub const fn from_bytes(name: &[u8]) -> Method {
        match name {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            b"GET" | b"PUT" | b"DELETE" | b"OPTIONS" | b"TRACE" => Method::Idempotent,
            _ => Method::Other,
        }
    }

    /// May a gateway send the request again by itself (RFC 9110 9.2.2)?
    pub const fn is_idempotent(self) -> bool {
        matches!(self, Method::Head | Method::Idempotent)
    }
}

/// An HTTP/1 version: what a request or status line said, or is taken to have said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, and any HTTP/1.2 to 1.9, which RFC 9110 6.2 says to process as 1.1.
    Http11,
}

/// A fact about the request that the caller may know or not; nothing is noted on what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Asked {
    /// The caller did not say.
    #[default]
    Unknown,
    /// The request did not ask for it.
    No,
    /// The request asked for it.
    Yes,
}

/// How much of the request has been written to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Written {
    /// Not one octet.
    Nothing,
    /// Some of it.
    Part,
    /// The whole request, content included.
    Whole,
}

/// Why no more bytes will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Close {
    /// An orderly end: a TCP FIN, or a TLS close_notify.
    Eof,
    /// A TLS connection ended without close_notify (RFC 9112 9.8).
    Truncated,
    /// The connection was reset.
    Reset,
    /// The caller's inactivity timer ran out.
    Timeout,
    /// The caller itself stopped reading: its client left, or a limit was hit.
    Abandoned,
}

#[cfg(feature = "std")]
impl From<&std::io::Error> for Close {
    /// What a failed blocking read says about the connection: a timer that ran out, a TLS stream that was cut, else a
    /// reset. `Interrupted` says nothing: read again.
    fn from(error: &std::io::Error) -> Close {
        match error.kind() {
            std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => Close::Timeout,
            std::io::ErrorKind::UnexpectedEof => Close::Truncated,
            _ => Close::Reset,
        }
    }
}

/// How the end of the content is found, RFC 9112 6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// No content, whatever the fields say: 1xx, 204, 304, or the answer to HEAD, unless it opens a [tunnel](Self::Tunnel).
    None,
    /// Exactly that many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
    /// Everything up to the close of the connection.
    UntilClose,
    /// No longer HTTP: bytes after the head belong to the protocol switched to, or to the CONNECT tunnel.
    Tunnel,
}

impl Framing {
    /// `none`, `length`, `chunked`, `until-close` or `tunnel`.
    pub const fn name(self) -> &'static str {
        match self {
            Framing::None => "none",
            Framing::Length(_) => "length",
            Framing::Chunked => "chunked",
            Framing::UntilClose => "until-close",
            Framing::Tunnel => "tunnel",
        }
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The Upgrade offer is kept inline, so that an exchange is `Copy` and needs no heap.
const OFFER: usize = 64;

/// The request that the next reply answers.
///
/// Built with `const` methods from what is always known, the method; everything else has the value that is safe
/// when nobody says otherwise: no upgrade offered, request wholly written, the rest unknown.
///
/// ```
/// use badgateway::{Exchange, Method};
/// let exchange = Exchange::new(Method::Idempotent).upgrade(b"websocket");
/// assert!(exchange.offers_upgrade());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    method: Method,
    version: Option<Version>,
    written: Written,
    closing: bool,
    expect: Asked,
    range: Asked,
    conditional: Asked,
    accept: Option<[u8; 28]>,
    offer: [u8; OFFER],
    offered: u8,
}

impl Exchange {
    /// An answer to a GET of which nothing else is known.
    pub const GET: Exchange = Exchange::new(Method::Idempotent);

    /// A request with this method, wholly written, that offered no upgrade.
    pub const fn new(method: Method) -> Exchange {
        Exchange {
            method,
            version: None,
            written: Written::Whole,
            closing: false,
            expect: Asked::Unknown,
            range: Asked::Unknown,
            conditional: Asked::Unknown,
            accept: None,
            offer: [0; OFFER],
            offered: 0,
        }
    }

    /// The version on the request line as sent upstream.
    pub const fn version(mut self, version: Version) -> Exchange {
        self.version = Some(version);
        self
    }

    /// How much of the request had been written when the reply began.
    pub const fn written(mut self, written: Written) -> Exchange {
        self.written = written;
        self
    }

    /// The request carried `Connection: close`, so that the connection ends with this exchange.
    pub const fn closing(mut self) -> Exchange {
        self.closing = true;
        self
    }

    /// The value of the request's Upgrade field: the protocols the upstream may switch to.
    ///
    /// 64 bytes are kept. A longer value is cut, so that a protocol past that point counts as not offered and a
    /// 101 to it is refused.
    pub const fn upgrade(mut self, value: &[u8]) -> Exchange {
        self.offer = [0; OFFER];
        let mut at = 0;
        while at < value.len() && at < OFFER {
            self.offer[at] = value[at];
            at += 1;
        }
        self.offered = at as u8;
        if value.len() > OFFER {
            // A name cut in half could spell another protocol: go back to the last whole member.
            while self.offered > 0 && self.offer[self.offered as usize - 1] != b',' {
                self.offered -= 1;
            }
        }
        self
    }

    /// Whether the request carried `Expect: 100-continue`.
    pub const fn expect(mut self, asked: Asked) -> Exchange {
        self.expect = asked;
        self
    }

    /// Whether the request carried Range.
    pub const fn range(mut self, asked: Asked) -> Exchange {
        self.range = asked;
        self
    }

    /// Whether the request carried a precondition: If-Match, If-None-Match, If-Modified-Since and the like.
    pub const fn conditional(mut self, asked: Asked) -> Exchange {
        self.conditional = asked;
        self
    }

    /// The Sec-WebSocket-Accept value that answers the request's key (RFC 6455 4.2.2).
    pub const fn websocket_accept(mut self, value: [u8; 28]) -> Exchange {
        self.accept = Some(value);
        self
    }

    /// The method's class.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Is the method one to which any reply may have content, and opens no tunnel?
    #[inline]
    pub(crate) const fn expects_content(&self) -> bool {
        matches!(self.method, Method::Idempotent | Method::Other)
    }

    /// The version on the request line, if the caller said.
    pub const fn request_version(&self) -> Option<Version> {
        self.version
    }

    /// How much of the request has been written.
    pub const fn request_written(&self) -> Written {
        self.written
    }

    /// Did the request carry `Connection: close`?
    pub const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Did the request carry `Expect: 100-continue`?
    pub const fn continue_asked(&self) -> Asked {
        self.expect
    }

    /// Did the request carry Range?
    pub const fn range_asked(&self) -> Asked {
        self.range
    }

    /// Did the request carry a precondition?
    pub const fn precondition_asked(&self) -> Asked {
        self.conditional
    }

    /// The Sec-WebSocket-Accept value to expect, if the caller said.
    pub const fn expected_accept(&self) -> Option<&[u8; 28]> {
        self.accept.as_ref()
    }

    /// Was any upgrade offered?
    pub const fn offers_upgrade(&self) -> bool {
        self.offered > 0
    }

    /// The protocols offered, as the Upgrade value was written.
    pub fn offer(&self) -> &[u8] {
        &self.offer[..self.offered as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_methods_and_put_and_delete_are_idempotent() {
        for name in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert!(Method::from_bytes(name.as_bytes()).is_idempotent(), "{name}");
        }
        for name in ["POST", "PATCH", "CONNECT", "get", ""] {
            assert!(!Method::from_bytes(name.as_bytes()).is_idempotent(), "{name}");
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn an_error_says_how_the_connection_ended() {
        use std::io::{Error, ErrorKind};

        for (kind, close) in [
            (ErrorKind::TimedOut, Close::Timeout),
            (ErrorKind::WouldBlock, Close::Timeout),
            (ErrorKind::UnexpectedEof, Close::Truncated),
            (ErrorKind::ConnectionReset, Close::Reset),
            (ErrorKind::Other, Close::Reset),
        ] {
            assert_eq!(Close::from(&Error::from(kind)), close, "{kind}");
        }
    }

    #[test]
    fn an_offer_that_is_too_long_is_cut_behind_a_whole_member() {
        let offered = |value: &[u8]| Exchange::GET.upgrade(value).offer().to_vec();
        let name = [b'a'; OFFER + 1];
        assert_eq!(offered(b""), b"");
        assert_eq!(offered(b"websocket"), b"websocket");
        assert_eq!(offered(&name[..OFFER]), name[..OFFER]);
        assert_eq!(offered(&name), b"");
        assert_eq!(offered(&[b"h2c, ", &name[..]].concat()), b"h2c,");
        assert_eq!(
            offered(&[b"h2c, ", &name[..OFFER - 6], b",b"].concat()),
            [b"h2c, ", &name[..OFFER - 6], b","].concat()
        );
        assert!(Exchange::GET.upgrade(b"h2c").offers_upgrade());
        assert!(!Exchange::GET.upgrade(&name).offers_upgrade());
    }
}
