//! A raw client with a reader of its own: plain code that takes nothing from the crate under test, and takes nothing
//! but strictly valid replies.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::PATIENCE;

/// How the connection stands after what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Open: what was asked for has been read.
    Open,
    Fin,
    Rst,
    /// Nothing came for too long.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed {
    Bodiless,
    Length(u64),
    Chunked,
    ToClose,
    Tunnel,
}

type Lines = Vec<(String, Vec<u8>)>;

#[derive(Clone, Debug)]
pub struct Head {
    /// Without its CRLF.
    pub line: String,
    pub status: u16,
    pub fields: Lines,
}

/// One reply, as far as it came.
#[derive(Clone)]
pub struct Got {
    pub interims: Vec<Head>,
    pub head: Option<Head>,
    pub framed: Framed,
    pub content: Vec<u8>,
    pub trailers: Lines,
    /// Would a client take it for the whole reply?
    pub complete: bool,
    pub ending: Ending,
    /// Every byte of it, interim replies included.
    pub wire: Vec<u8>,
}

pub struct Client {
    stream: TcpStream,
    /// Received and not yet made part of a reply.
    buffer: Vec<u8>,
    ending: Ending,
    patience: Duration,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the gateway takes connections");
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream, buffer: Vec::new(), ending: Ending::Open, patience: PATIENCE }
    }

    /// The same connection, to send on while this one reads.
    pub fn twin(&self) -> Client {
        let stream = self.stream.try_clone().unwrap();
        Client { stream, buffer: Vec::new(), ending: Ending::Open, patience: self.patience }
    }

    /// Wait no longer than that for each reply.
    pub fn patience(mut self, patience: Duration) -> Client {
        self.patience = patience;
        self
    }

    /// What cannot be sent shows in what comes back; but a twin that gets false has heard of a reset, and whoever reads
    /// then may not.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Send FIN, and go on reading.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub fn get(&mut self, target: &str) -> Got {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\n\r\n").as_bytes());
        self.read("GET")
    }

    /// Read a 100, whatever fields stand in it: an empty line ends it.
    pub fn may_continue(&mut self) {
        assert_eq!(self.exactly(21), b"HTTP/1.1 100 Continue");
        self.exactly(2);
        while self.exactly(2) != b"\r\n" {}
    }

    /// Read the reply to a request with that method.
    pub fn read(&mut self, method: &str) -> Got {
        let until = Instant::now() + self.patience;
        let mut got = Got::nothing();
        let head = loop {
            let Some(head) = self.head(&mut got, until) else {
                got.ending = self.ending;
                return got;
            };
            if head.status >= 200 || head.status == 101 {
                break head;
            }
            got.interims.push(head);
        };
        got.framed = head.framed(method);
        got.head = Some(head);
        got.complete = match got.framed {
            Framed::Bodiless | Framed::Tunnel => true,
            Framed::Length(length) => self.content(&mut got, length, until),
            Framed::Chunked => self.chunks(&mut got, until),
            Framed::ToClose => {
                while self.fill(until) {}
                got.content = self.take(&mut got.wire, self.buffer.len());
                self.ending == Ending::Fin
            }
        };
        got.ending = self.ending;
        got
    }

    /// Read what comes until the connection ends.
    pub fn rest(&mut self) -> (Vec<u8>, Ending) {
        let until = Instant::now() + self.patience;
        while self.fill(until) {}
        (std::mem::take(&mut self.buffer), self.ending)
    }

    /// Read what comes until it is `len` bytes, or the connection ends.
    pub fn exactly(&mut self, len: usize) -> Vec<u8> {
        let until = Instant::now() + self.patience;
        while self.buffer.len() < len && self.fill(until) {}
        let len = len.min(self.buffer.len());
        self.take(&mut Vec::new(), len)
    }

    /// Is nothing there to read within `time`, and the connection open?
    pub fn is_quiet(&mut self, time: Duration) -> bool {
        let before = self.buffer.len();
        while self.fill(Instant::now() + time) {}
        let quiet = self.ending == Ending::Silent && self.buffer.len() == before;
        self.ending = Ending::Open;
        quiet
    }

    fn head(&mut self, got: &mut Got, until: Instant) -> Option<Head> {
        let section = self.section(got, until)?;
        let text = |what: &str| -> ! { panic!("{what} in {}", section.escape_ascii()) };
        let mut lines = section.split_inclusive(|&byte| byte == b'\n');
        let line = line_of(lines.next().unwrap_or(b"")).unwrap_or_else(|| text("no status line"));
        let code = line.strip_prefix(b"HTTP/1.1 ").unwrap_or_else(|| text("not HTTP/1.1"));
        let (code, reason) = code.split_at_checked(3).unwrap_or_else(|| text("no code"));
        if !code.iter().all(u8::is_ascii_digit) || reason.first() != Some(&b' ') || !is_text(reason) {
            text("a malformed status line");
        }
        Some(Head {
            line: String::from_utf8_lossy(line).into_owned(),
            status: String::from_utf8_lossy(code).parse().unwrap(),
            fields: lines.map(|line| field_of(line).unwrap_or_else(|| text("a malformed field"))).collect(),
        })
    }

    /// All up to the next empty line, which is left out.
    fn section(&mut self, got: &mut Got, until: Instant) -> Option<Vec<u8>> {
        loop {
            if self.buffer.starts_with(b"\r\n") {
                self.take(&mut got.wire, 2);
                return Some(Vec::new());
            }
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let section = self.take(&mut got.wire, at + 4);
                return Some(section[..at + 2].to_vec());
            }
            if !self.fill(until) {
                let len = self.buffer.len();
                self.take(&mut got.wire, len);
                return None;
            }
        }
    }

    /// Read `length` bytes of content; say whether they came.
    fn content(&mut self, got: &mut Got, length: u64, until: Instant) -> bool {
        let mut left = length as usize;
        loop {
            let part = self.take(&mut got.wire, left.min(self.buffer.len()));
            left -= part.len();
            got.content.extend(part);
            if left == 0 || !self.fill(until) {
                return left == 0;
            }
        }
    }

    /// Read chunks, the last one and the trailers; say whether they came.
    fn chunks(&mut self, got: &mut Got, until: Instant) -> bool {
        loop {
            let Some(size) = self.line(got, until) else { return false };
            let text = String::from_utf8_lossy(&size).into_owned();
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(digits, "a chunk line is {:?}", size.escape_ascii().to_string());
            let size = u64::from_str_radix(&text, 16).unwrap();
            if size == 0 {
                break;
            }
            if !self.content(got, size, until) {
                return false;
            }
            match self.line(got, until) {
                Some(end) => assert_eq!(end, b"", "after the data of a chunk"),
                None => return false,
            }
        }
        let Some(section) = self.section(got, until) else { return false };
        let lines = section.split_inclusive(|&byte| byte == b'\n');
        got.trailers = lines.map(|line| field_of(line).expect("a trailer field")).collect();
        true
    }

    /// Read a line that ends in CRLF, which is left out.
    fn line(&mut self, got: &mut Got, until: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.take(&mut got.wire, at + 1);
                return Some(line_of(&line).expect("a chunk line ends in CRLF").to_vec());
            }
            if !self.fill(until) {
                let len = self.buffer.len();
                self.take(&mut got.wire, len);
                return None;
            }
        }
    }

    fn take(&mut self, wire: &mut Vec<u8>, len: usize) -> Vec<u8> {
        let taken: Vec<u8> = self.buffer.drain(..len).collect();
        wire.extend_from_slice(&taken);
        taken
    }

    /// Receive some bytes; false once there are no more to come.
    fn fill(&mut self, until: Instant) -> bool {
        if matches!(self.ending, Ending::Fin | Ending::Rst) {
            return false;
        }
        let mut piece = [0; 65536];
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.ending = Ending::Silent;
            return false;
        }
        self.stream.set_read_timeout(Some(left)).unwrap();
        match self.stream.read(&mut piece) {
            Ok(0) => self.ending = Ending::Fin,
            Ok(n) => {
                self.buffer.extend_from_slice(&piece[..n]);
                return true;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.ending = Ending::Silent;
            }
            Err(_) => self.ending = Ending::Rst,
        }
        false
    }
}

fn line_of(line: &[u8]) -> Option<&[u8]> {
    line.strip_suffix(b"\r\n")
}

/// `Name: value` with one blank after the colon and none around the value.
fn field_of(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let line = line_of(line)?;
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let value = if value.is_empty() { value } else { value.strip_prefix(b" ")? };
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let good = !name.is_empty() && name.iter().all(is_token) && is_text(value);
    let trimmed = !blank(value.first()) && !blank(value.last());
    (good && trimmed).then(|| (String::from_utf8(name.to_vec()).unwrap(), value.to_vec()))
}

/// No control octets but HTAB.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

impl Head {
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The value of the only field of that name.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut all = self.all(name);
        assert!(all.len() < 2, "{name} comes more than once: {all:?}");
        all.pop()
    }

    fn framed(&self, method: &str) -> Framed {
        let (codings, length) = (self.get("Transfer-Encoding"), self.get("Content-Length"));
        assert!(codings.is_none() || length.is_none(), "length and coding: {self:?}");
        let length = length.map(|length| {
            assert!(length.bytes().all(|byte| byte.is_ascii_digit()), "Content-Length: {length}");
            length.parse().unwrap()
        });
        match (self.status, codings, length) {
            (101, None, None) => Framed::Tunnel,
            (204, codings, length) if codings.is_some() || length.is_some() => panic!("framed 204: {self:?}"),
            (204 | 304, _, _) => Framed::Bodiless,
            _ if method == "HEAD" => Framed::Bodiless,
            (_, Some(codings), _) => {
                assert_eq!(codings, "chunked");
                Framed::Chunked
            }
            (_, _, Some(length)) => Framed::Length(length),
            _ => Framed::ToClose,
        }
    }
}

/// Added or made anew on every hop, so that tests look at them one by one.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "via"];

impl Got {
    fn nothing() -> Got {
        Got {
            interims: Vec::new(),
            head: None,
            framed: Framed::Bodiless,
            content: Vec::new(),
            trailers: Vec::new(),
            complete: false,
            ending: Ending::Open,
            wire: Vec::new(),
        }
    }

    pub fn head(&self) -> &Head {
        self.head.as_ref().unwrap_or_else(|| panic!("no head: {self:?}"))
    }

    /// 0 if no head came.
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.head().get(name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    /// It is whole.
    #[track_caller]
    pub fn whole(self) -> Got {
        assert!(self.complete, "not complete: {self:?}");
        self
    }

    /// It is cut so that every client can tell.
    #[track_caller]
    pub fn cut(self) -> Got {
        assert!(!self.complete, "taken for complete: {self:?}");
        assert!(self.ending != Ending::Silent, "never ended: {self:?}");
        self
    }

    /// `Name: value` of every field but those that are made anew on each hop.
    pub fn fields(&self) -> Vec<String> {
        let fields = self.head().fields.iter();
        let kept = fields.filter(|(name, _)| !FRAMING.contains(&&name.to_ascii_lowercase()[..]));
        kept.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
    }

    pub fn trailer_lines(&self) -> Vec<String> {
        self.trailers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
            .collect()
    }

    /// Is it the gateway's own answer, whole and as it should be?
    #[track_caller]
    pub fn answers(&self, status: u16) {
        assert!(self.complete, "not complete: {self:?}");
        let reason = match status {
            400 => "Bad Request",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => panic!("no answer of the gateway: {status}"),
        };
        assert_eq!(self.head().line, format!("HTTP/1.1 {status} {reason}"), "{self:?}");
        assert_eq!(self.get("Cache-Control").as_deref(), Some("no-store"), "{self:?}");
        assert_eq!(self.get("X-Content-Type-Options").as_deref(), Some("nosniff"), "{self:?}");
        assert!(self.get("Date").is_some_and(|date| is_imf_fixdate(&date)), "{self:?}");
        assert!(self.get("Content-Type").is_some() && self.get("Content-Length").is_some(), "{self:?}");
        assert_eq!(self.get("Vary").as_deref(), Some("Accept"), "{self:?}");
    }

    /// Is it the gateway's own answer, and blamed on this rule?
    #[track_caller]
    pub fn blames(&self, status: u16, rule: &str) {
        self.answers(status);
        let member = self.get("Proxy-Status").unwrap_or_else(|| panic!("no Proxy-Status: {self:?}"));
        assert!(member.starts_with("badgateway; error="), "{member}");
        let (at_byte, alone) = (format!("details=\"{rule} at byte "), format!("details=\"{rule}\""));
        assert!(member.contains(&at_byte) || member.contains(&alone), "{rule}: {member}");
    }
}

impl fmt::Debug for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.wire[..self.wire.len().min(2000)];
        let whole = if self.complete { "whole" } else { "cut" };
        write!(f, "{whole}, {:?}, {} bytes: {}", self.ending, self.wire.len(), shown.escape_ascii())
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub fn is_imf_fixdate(date: &str) -> bool {
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.len() == 29 && shape.get(3..8) == Some(", 00 ") && shape.ends_with(" 0000 00:00:00 GMT")
}
