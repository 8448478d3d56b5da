//! The request side: a client's request head, judged so that no two hops can read it differently and written anew for
//! the upstream, and its content, counted out as it comes.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

use badgateway::{Asked, Event, Exchange, Method, Parser, Policy, Version};
use httparse::Header;

/// The longest request line, without its CRLF.
const REQUEST_LINE: usize = 8 << 10;
/// The longest head, empty line included.
const HEAD: usize = 64 << 10;
/// The most field lines in a head.
const FIELDS: usize = 100;
/// The first octet of a TLS connection: the type of the record that the ClientHello comes in.
const TLS_HANDSHAKE: u8 = 0x16;
/// The greatest Content-Length, so that no sum of lengths overflows anywhere.
const GREATEST: u64 = i64::MAX as u64;

/// Why a request is not passed on, and what its client is told; the connection is to be closed after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code of the answer.
    pub status: u16,
    /// Its reason phrase.
    pub reason: &'static str,
    /// One sentence, with nothing in it that the client sent.
    pub why: &'static str,
}

impl Refusal {
    const fn new(status: u16, reason: &'static str, why: &'static str) -> Refusal {
        Refusal { status, reason, why }
    }
}

const fn bad(why: &'static str) -> Refusal {
    Refusal::new(400, "Bad Request", why)
}

const fn too_large(why: &'static str) -> Refusal {
    Refusal::new(431, "Request Header Fields Too Large", why)
}

const fn not_implemented(why: &'static str) -> Refusal {
    Refusal::new(501, "Not Implemented", why)
}

/// How the end of a request's content is found (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing was said, so that there is no content.
    None,
    /// Content-Length, which may be 0.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

impl Body {
    /// May octets of content follow the head?
    pub fn has_content(self) -> bool {
        !matches!(self, Body::None | Body::Length(0))
    }
}

/// Reads one request head as it arrives. Each octet is looked at once, and refused as soon as it can be.
#[derive(Debug, Default)]
pub struct HeadReader {
    scanned: usize,
    /// Where the line at hand begins.
    line_at: usize,
    fields_at: usize,
    request_line: Option<RequestLine>,
    fields: usize,
}

impl HeadReader {
    /// A reader for the next request on a connection.
    pub fn new() -> HeadReader {
        HeadReader::default()
    }

    /// `bytes` are all that came since the last request. `Ok(None)`: call again with more at their end. Else the
    /// request, and how many of the bytes are its head.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
        while self.scanned < bytes.len() {
            self.check_octet(bytes)?;
            self.scanned += 1;
            if bytes[self.scanned - 1] == b'\n' && self.is_last(&bytes[self.line_at..self.scanned - 2])? {
                let Some(line) = self.request_line.clone() else { break };
                let request = self.judge(line, &bytes[self.fields_at..self.scanned])?;
                return Ok(Some((request, self.scanned)));
            }
        }
        Ok(None)
    }

    /// The method and the target, once the request line has been judged.
    pub fn asked(&self) -> Option<(&str, &str)> {
        self.request_line.as_ref().map(|line| (&line.method[..], &line.target[..]))
    }

    /// httparse, like other parsers, forgives some of this; what the next hop would make of it is open.
    fn check_octet(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let (at, byte) = (self.scanned, bytes[self.scanned]);
        let is_due = at > 0 && bytes[at - 1] == b'\r';
        if is_due != (byte == b'\n') {
            return Err(bad("A line of the request head does not end in CRLF."));
        }
        if at == 0 && byte == TLS_HANDSHAKE {
            return Err(bad("This looks like TLS, and only plain http is spoken on this port."));
        }
        if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n') {
            return Err(bad("There is a control character in the request head."));
        }
        if at == self.line_at && matches!(byte, b' ' | b'\t') {
            return Err(bad("A line of the request head begins with white space."));
        }
        let in_line = !matches!(byte, b'\r' | b'\n');
        if self.request_line.is_none() && in_line && at - self.line_at >= REQUEST_LINE {
            return Err(Refusal::new(414, "URI Too Long", "The request line is longer than 8 KiB."));
        }
        if at >= HEAD {
            return Err(too_large("The request head is larger than 64 KiB."));
        }
        Ok(())
    }

    /// Judge a line that has come whole. Does the head end with it?
    fn is_last(&mut self, line: &[u8]) -> Result<bool, Refusal> {
        match self.request_line {
            None if line.is_empty() && self.line_at > 0 => {
                return Err(bad("There is more than one empty line before the request line."));
            }
            // One is let pass (RFC 9112 2.2).
            None if line.is_empty() => {}
            None => {
                self.request_line = Some(RequestLine::parse(line)?);
                self.fields_at = self.scanned;
            }
            Some(_) if line.is_empty() => return Ok(true),
            Some(_) => self.check_field_line(line)?,
        }
        self.line_at = self.scanned;
        Ok(false)
    }

    fn check_field_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        self.fields += 1;
        if self.fields > FIELDS {
            return Err(too_large("The request has more than 100 fields."));
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return Err(bad("A line of the request head is no field: it has no colon."));
        };
        if !is_token(&line[..colon]) {
            return Err(bad("A field name is empty or holds a character that may not be in one."));
        }
        if is_disguised(&line[..colon]) {
            return Err(bad("A field name looks like Content-Length or Transfer-Encoding, and is not."));
        }
        Ok(())
    }

    /// `section` is the header section, the empty line included.
    fn judge(&self, line: RequestLine, section: &[u8]) -> Result<Request, Refusal> {
        let mut space = [httparse::EMPTY_HEADER; FIELDS];
        match httparse::parse_headers(section, &mut space) {
            // Two parsers must agree on what the fields are.
            Ok(httparse::Status::Complete((len, fields)))
                if len == section.len() && fields.len() == self.fields =>
            {
                Request::judge(line, fields)
            }
            _ => Err(bad("The fields of the request are malformed.")),
        }
    }
}

#[derive(Clone, Debug)]
struct RequestLine {
    method: String,
    /// In origin-form or `*`.
    target: String,
    version: Version,
    /// That of a target in absolute-form.
    authority: Option<String>,
}

impl RequestLine {
    fn parse(line: &[u8]) -> Result<RequestLine, Refusal> {
        let parts: Vec<&[u8]> = line.splitn(4, |&byte| byte == b' ').collect();
        let &[method, target, version] = &parts[..] else {
            return Err(bad("The request line is not a method, a target and a version with single spaces."));
        };
        if !is_token(method) {
            return Err(bad("The request method is no token."));
        }
        let version = parse_version(version)?;
        match method {
            b"CONNECT" => return Err(not_implemented("CONNECT is not served here.")),
            b"TRACE" => {
                return Err(Refusal::new(405, "Method Not Allowed", "TRACE is not allowed here."));
            }
            _ => {}
        }
        if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
            return Err(bad("The request target holds a character that may not be in one."));
        }
        let method = String::from_utf8_lossy(method).into_owned();
        let (target, authority) = parse_target(&method, &String::from_utf8_lossy(target))?;
        Ok(RequestLine { method, target, version, authority })
    }
}

fn parse_version(version: &[u8]) -> Result<Version, Refusal> {
    match version {
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            let why = "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
            Err(Refusal::new(505, "HTTP Version Not Supported", why))
        }
        _ => Err(bad("The request line does not end in an HTTP version.")),
    }
}

/// The target for the upstream, and the authority if the target has one (RFC 9112 3.2).
fn parse_target(method: &str, target: &str) -> Result<(String, Option<String>), Refusal> {
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok((target.to_string(), None));
    }
    let rest = match target.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            rest
        }
        _ => return Err(bad("The request target is neither a path nor an http or https URI.")),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !is_authority(authority) {
        return Err(bad("The request target does not name a host, or not in a way that is understood."));
    }
    let path = match path {
        "" if method == "OPTIONS" => "*".to_string(),
        _ if path.starts_with('/') => path.to_string(),
        _ => format!("/{path}"),
    };
    Ok((path, Some(authority.to_string())))
}

/// uri-host [ ":" port ] (RFC 9110 7.2), where the host is neither empty nor what could be read as a list.
fn is_authority(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse::<Ipv6Addr>().is_ok() && is_port;
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    is_reg_name(name) && is_port(port)
}

/// reg-name (RFC 3986 3.2.2)
fn is_reg_name(name: &str) -> bool {
    let is_encoded =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=%".contains(&byte))
        && name.split('%').skip(1).all(is_encoded)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// token (RFC 9110 5.6.2)
pub fn is_token(name: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(is_tchar)
}

/// Servers that turn names into variables read `Content_Length` as they do `Content-Length`.
fn is_disguised(name: &[u8]) -> bool {
    let spelled = |field: &str| {
        let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).eq(field.bytes().filter(|&byte| byte != b'-'))
    };
    ["content-length", "transfer-encoding"]
        .iter()
        .any(|field| spelled(field) && !name.eq_ignore_ascii_case(field.as_bytes()))
}

/// `bytes` without the SP and HTAB around it.
fn trim_blank(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The members of a list that are not empty (RFC 9110 5.6.1.2).
pub fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_blank).filter(|member| !member.is_empty())
}

/// The values of all lines of a field, in order.
fn values<'h>(fields: &'h [Header<'h>], name: &'static str) -> impl Iterator<Item = &'h [u8]> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| trim_blank(field.value))
}

/// The value of a field that may stand once only.
fn only_value<'h>(
    fields: &'h [Header<'h>],
    name: &'static str,
    repeated: &'static str,
) -> Result<Option<&'h [u8]>, Refusal> {
    let mut values = values(fields, name);
    let value = values.next();
    if values.next().is_some() { Err(bad(repeated)) } else { Ok(value) }
}

/// Members of lists, or whole lines, put in one value; `None` if there are none.
fn joined<'v>(values: impl Iterator<Item = &'v [u8]>) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = values.collect();
    if values.is_empty() { None } else { Some(values.join(&b", "[..])) }
}

/// 1*DIGIT, which may be more than the greatest.
fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(u8::is_ascii_digit)
}

/// The value of 1*DIGIT, unless it is more than the greatest.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    digits.iter().try_fold(0, add).filter(|&number| number <= GREATEST)
}

/// A client's request, as it is to be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A token.
    pub method: String,
    /// As written to the upstream: in origin-form, or `*`.
    pub target: String,
    /// The client's version.
    pub version: Version,
    /// What Host will be; `None` only for an HTTP/1.0 request that names no host.
    pub authority: Option<String>,
    /// How its content ends.
    pub body: Body,
    /// The client lets the connection be used again. Never in HTTP/1.0: who asked for keep-alive may have been a proxy
    /// that passed on what it did not understand (RFC 9112 C.2.2).
    pub persistent: bool,
    /// The client waits for a 100 (Continue) before it sends its content.
    pub expects_continue: bool,
    /// The client takes trailers.
    pub takes_trailers: bool,
    /// The Upgrade value to offer to the upstream.
    pub upgrade: Option<Vec<u8>>,
    /// What the client would have, for the gateway's own answers.
    pub accept: Option<Vec<u8>>,
    /// This is an OPTIONS that may go no further (RFC 9110 7.6.2).
    pub answer_here: bool,
    /// Those that are passed on, in order; what is written anew is not among them.
    fields: Vec<(String, Vec<u8>)>,
}

impl Request {
    fn judge(line: RequestLine, fields: &[Header<'_>]) -> Result<Request, Refusal> {
        let options = connection_options(fields)?;
        let host = named_host(fields, line.version)?;
        let body = framing(fields, line.version)?;
        let expects = expects_continue(fields, line.version)?;
        let hops = hops_left(fields, &line.method)?;
        let is_http11 = line.version >= Version::Http11;
        let may_upgrade = is_http11 && options.contains(&b"upgrade"[..]) && !body.has_content();
        let takes_trailers = |value| members(value).any(|member| member.eq_ignore_ascii_case(b"trailers"));
        Ok(Request {
            authority: line.authority.or(host),
            body,
            persistent: is_http11 && !options.contains(&b"close"[..]),
            expects_continue: expects && body.has_content(),
            takes_trailers: is_http11 && values(fields, "te").any(takes_trailers),
            upgrade: if may_upgrade { offer(fields) } else { None },
            accept: joined(values(fields, "accept")),
            answer_here: hops == Some(0),
            fields: passed_on(fields, &options, hops),
            method: line.method,
            target: line.target,
            version: line.version,
        })
    }

    /// What the reply will answer: the request as it goes to the upstream.
    pub fn exchange(&self) -> Exchange {
        let asked = |asked| if asked { Asked::Yes } else { Asked::No };
        let conditional = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
        Exchange::new(Method::from_bytes(self.method.as_bytes()))
            .version(Version::Http11)
            .expect(asked(self.expects_continue))
            .range(asked(self.has("range")))
            .conditional(asked(conditional.iter().any(|name| self.has(name))))
            .upgrade(self.upgrade.as_deref().unwrap_or_default())
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name))
    }

    /// Append the request head for the upstream. `host` is named if the client named none, `via` is the name of this
    /// gateway.
    pub fn write(&self, host: &str, via: &str, client: IpAddr, out: &mut Vec<u8>) {
        for part in [&self.method, " ", &self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        write_field(out, "Host", self.authority.as_deref().unwrap_or(host).as_bytes());
        for (name, value) in &self.fields {
            write_field(out, name, value);
        }
        match self.body {
            Body::None => {}
            Body::Length(length) => write_field(out, "Content-Length", length.to_string().as_bytes()),
            Body::Chunked => write_field(out, "Transfer-Encoding", b"chunked"),
        }
        if self.expects_continue {
            write_field(out, "Expect", b"100-continue");
        }
        let version = if self.version == Version::Http10 { "1.0" } else { "1.1" };
        write_field(out, "Via", format!("{version} {via}").as_bytes());
        write_field(out, "X-Forwarded-For", client.to_canonical().to_string().as_bytes());
        self.write_connection(out);
        out.extend_from_slice(b"\r\n");
    }

    fn write_connection(&self, out: &mut Vec<u8>) {
        if self.takes_trailers {
            write_field(out, "TE", b"trailers");
        }
        if let Some(upgrade) = &self.upgrade {
            write_field(out, "Upgrade", upgrade);
        }
        let options = [("TE", self.takes_trailers), ("upgrade", self.upgrade.is_some())];
        let named = options.iter().filter(|(_, named)| *named).map(|(option, _)| option.as_bytes());
        if let Some(options) = joined(named) {
            write_field(out, "Connection", &options);
        }
    }

    /// Has the request been through the gateway of that name, so that it goes round in a loop?
    pub fn names_in_via(&self, via: &str) -> bool {
        let lines = self.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("via"));
        // Commas in comments part members too, as a parenthesis left open must not hide a loop.
        let mut members = lines.flat_map(|(_, value)| members(value));
        members.any(|member| {
            let mut words = member.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
            words.nth(1).is_some_and(|received_by| received_by.eq_ignore_ascii_case(via.as_bytes()))
        })
    }
}

fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The members of Connection, in lower case.
fn connection_options(fields: &[Header<'_>]) -> Result<HashSet<Vec<u8>>, Refusal> {
    let options = values(fields, "connection").flat_map(members);
    let judged = options.map(|option| match is_token(option) {
        true => Ok(option.to_ascii_lowercase()),
        false => Err(bad("The Connection field holds what is no connection option.")),
    });
    judged.collect()
}

/// RFC 9112 3.2
fn named_host(fields: &[Header<'_>], version: Version) -> Result<Option<String>, Refusal> {
    match only_value(fields, "host", "The request has more than one Host field.")? {
        None if version >= Version::Http11 => Err(bad("The request has no Host field.")),
        None => Ok(None),
        Some(value) => match std::str::from_utf8(value) {
            Ok(host) if is_authority(host) => Ok(Some(host.to_string())),
            _ => Err(bad("The Host field does not hold a host and perhaps a port.")),
        },
    }
}

/// RFC 9112 6.3, without any of the ways to go on after a fault that it leaves to a server.
fn framing(fields: &[Header<'_>], version: Version) -> Result<Body, Refusal> {
    let length = only_value(fields, "content-length", "The request has more than one Content-Length.")?;
    let coding = only_value(fields, "transfer-encoding", "The request has more than one Transfer-Encoding.")?;
    match (length, coding) {
        (None, None) => Ok(Body::None),
        (Some(_), Some(_)) => Err(bad("The request has both a Content-Length and a Transfer-Encoding.")),
        (Some(value), None) if is_number(value) => match number(value) {
            Some(length) => Ok(Body::Length(length)),
            None => Err(bad("The Content-Length is too large.")),
        },
        (Some(_), None) => Err(bad("The Content-Length is not a number.")),
        (None, Some(_)) if version < Version::Http11 => {
            Err(bad("An HTTP/1.0 request may not have a Transfer-Encoding."))
        }
        (None, Some(value)) if value.eq_ignore_ascii_case(b"chunked") => Ok(Body::Chunked),
        (None, Some(value)) => Err(refused_coding(value)),
    }
}

/// 501 is for codings that are unknown; where the content would end in doubt it is 400 (RFC 9112 6.3).
fn refused_coding(value: &[u8]) -> Refusal {
    let mut codings: Vec<&[u8]> = value.split(|&byte| byte == b',').map(trim_blank).collect();
    let ends_chunked = codings.pop().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
    let is_unknown = |coding: &&[u8]| is_token(coding) && !coding.eq_ignore_ascii_case(b"chunked");
    if ends_chunked && codings.iter().all(is_unknown) {
        return not_implemented("The request uses a transfer coding that is not understood here.");
    }
    bad("The Transfer-Encoding is not the chunked coding.")
}

/// RFC 9110 10.1.1
fn expects_continue(fields: &[Header<'_>], version: Version) -> Result<bool, Refusal> {
    let mut expectations = values(fields, "expect").peekable();
    if version < Version::Http11 || expectations.peek().is_none() {
        return Ok(false);
    }
    if !expectations.all(|value| value.eq_ignore_ascii_case(b"100-continue")) {
        let why = "The request expects what is not known here.";
        return Err(Refusal::new(417, "Expectation Failed", why));
    }
    Ok(true)
}

/// How many hops an OPTIONS may yet go (RFC 9110 7.6.2).
fn hops_left(fields: &[Header<'_>], method: &str) -> Result<Option<u64>, Refusal> {
    if method != "OPTIONS" {
        return Ok(None);
    }
    match only_value(fields, "max-forwards", "The request has more than one Max-Forwards.")? {
        None => Ok(None),
        Some(value) if is_number(value) => Ok(Some(number(value).unwrap_or(GREATEST))),
        Some(_) => Err(bad("The Max-Forwards field is not a number.")),
    }
}

/// The protocols to offer. Not those that carry HTTP: requests within them would pass unjudged.
fn offer(fields: &[Header<'_>]) -> Option<Vec<u8>> {
    let is_offered = |protocol: &&[u8]| {
        let mut parts = protocol.splitn(2, |&byte| byte == b'/');
        let name = parts.next().unwrap_or_default();
        let carries_http =
            ["h2c", "h2", "http", "tls"].iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()));
        is_token(name) && parts.all(is_token) && !carries_http
    };
    joined(values(fields, "upgrade").flat_map(members).filter(is_offered))
}

/// Of this connection only (RFC 9110 7.6.1, 11.7.2), or written anew.
const NOT_PASSED_ON: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Meant for every recipient, or set by a proxy in front of this one: no connection option takes them away.
const PROTECTED: [&str; 17] = [
    "age",
    "authorization",
    "cache-control",
    "cdn-loop",
    "client-ip",
    "cookie",
    "date",
    "forwarded",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-real-ip",
];

/// The same, by how their names begin.
const PROTECTED_PREFIXES: [&str; 5] = ["cf-", "content-", "if-", "sec-", "x-forwarded-"];

fn is_protected(name: &str) -> bool {
    PROTECTED.contains(&name) || PROTECTED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn passed_on(fields: &[Header<'_>], options: &HashSet<Vec<u8>>, hops: Option<u64>) -> Vec<(String, Vec<u8>)> {
    let is_passed_on = |field: &&Header<'_>| {
        let name = field.name.to_ascii_lowercase();
        let is_nominated = options.contains(name.as_bytes()) && !is_protected(&name);
        !NOT_PASSED_ON.contains(&&name[..]) && !is_nominated
    };
    let passed_on = fields.iter().filter(is_passed_on);
    let with_value = passed_on.map(|field| match hops {
        Some(hops) if field.name.eq_ignore_ascii_case("max-forwards") => {
            (field.name.to_string(), hops.saturating_sub(1).to_string().into_bytes())
        }
        _ => (field.name.to_string(), trim_blank(field.value).to_vec()),
    });
    with_value.collect()
}

/// A request's content as it arrives.
pub struct Content(State);

enum State {
    Length(u64),
    Chunked(Box<Parser>),
    Whole,
}

impl Content {
    /// The content that follows the head.
    pub fn new(body: Body) -> Content {
        Content(match body {
            Body::None | Body::Length(0) => State::Whole,
            Body::Length(length) => State::Length(length),
            Body::Chunked => State::Chunked(chunked_parser()),
        })
    }

    /// Has it come to its end? What follows is the next request.
    pub fn is_whole(&self) -> bool {
        matches!(self.0, State::Whole)
    }

    /// The next run of content octets from the front of `input`, which is advanced; to be called until it returns
    /// `None`. Then it is whole, or what is left in `input` must be given again with more at its end.
    pub fn next<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<&'b [u8]>, Refusal> {
        let (content, is_whole) = match &mut self.0 {
            State::Whole => (None, true),
            State::Length(left) => take_length(left, input),
            State::Chunked(parser) => take_chunked(parser, input)?,
        };
        if is_whole {
            self.0 = State::Whole;
        }
        Ok(content)
    }
}

/// Content octets, and whether that is the end of them.
type Taken<'b> = (Option<&'b [u8]>, bool);

fn take_length<'b>(left: &mut u64, input: &mut &'b [u8]) -> Taken<'b> {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (content, rest) = input.split_at(count);
    *input = rest;
    *left -= count as u64;
    (Some(content).filter(|content| !content.is_empty()), *left == 0)
}

/// The chunked coding is the same in a request as in a reply (RFC 9112 7.1): this parser has read the head of one.
fn chunked_parser() -> Box<Parser> {
    let mut parser = Box::new(Parser::new(Policy::STRICT));
    parser.begin(Exchange::GET);
    let mut head: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    while let Ok(Some(_)) = parser.next_event(&mut head) {}
    parser
}

fn take_chunked<'b>(parser: &mut Parser, input: &mut &'b [u8]) -> Result<Taken<'b>, Refusal> {
    loop {
        match parser.next_event(input) {
            Ok(Some(Event::Content(content))) => return Ok((Some(content), false)),
            // The parser is asked no more, as to it the next request would be bytes after its reply.
            Ok(Some(Event::End(_))) => return Ok((None, true)),
            // Trailers are dropped: no field of a request is known to be safe to add once it has been acted upon.
            Ok(Some(_)) => {}
            Ok(None) => return Ok((None, false)),
            Err(_) => return Err(bad("The content of the request breaks the rules of the chunked coding.")),
        }
    }
}

#[cfg(test)]
mod tests;
