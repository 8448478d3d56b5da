//! The request side of the example gateway: what it takes means the same however it comes and once it is written anew.

#[allow(dead_code, reason = "the gateway uses all of it")]
#[path = "../../examples/gateway/request/mod.rs"]
mod request;

use std::net::{IpAddr, Ipv4Addr};

use badgateway::{Limits, Version};
use request::{Body, Content, HeadReader, Refusal, Request};

use super::chunked::{Decoder, Reading};
use super::scene::Scene;

/// Before the fields of a reply they make a request.
const LINES: [&str; 10] = [
    "POST /a?b HTTP/1.1\r\nHost: a:8",
    "GET / HTTP/1.1\r\nHost: a",
    "HEAD http://b HTTP/1.1\r\nHost: a",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3",
    "OPTIONS http://b:80 HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0",
    "PUT https://[::1]:8/c HTTP/1.1\r\nHost: [::1]",
    "PATCH http://b?c HTTP/1.1\r\nHost: b\r\nExpect: 100-continue",
    "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nVia: 1.1 b",
    "GET / HTTP/1.0",
    "\r\nPOST / HTTP/1.7\r\nHost: a",
];
const VIA: &str = "gateway";
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// The bytes as they are, and with a request line of ours in the place of their first line.
pub fn requests(data: &[u8]) {
    let scene = Scene::of(data);
    let line_end = scene.reply.windows(2).position(|end| end == b"\r\n").unwrap_or(0);
    let line = LINES[scene.reads[0] % LINES.len()];
    for bytes in [scene.reply, &[line.as_bytes(), &scene.reply[line_end..]].concat()] {
        let singly: Vec<usize> = (1..bytes.len()).collect();
        let cuts = scene.cuts_of(bytes.len());
        let whole = read(bytes, &[]);
        assert_eq!(read(bytes, &cuts), whole, "in pieces: {}", bytes.escape_ascii());
        assert_eq!(read(bytes, &singly), whole, "byte by byte: {}", bytes.escape_ascii());
        match whole {
            Ok(Some((request, len))) => {
                check_framing(&bytes[..len], &request);
                check_written(&request);
                check_content(request.body, &bytes[len..], &scene);
            }
            Ok(None) => {}
            Err(refusal) => assert!((400..=599).contains(&refusal.status), "{refusal:?}"),
        }
    }
}

type Read = Result<Option<(Request, usize)>, Refusal>;

fn read(bytes: &[u8], cuts: &[usize]) -> Read {
    let mut reader = HeadReader::new();
    for &end in cuts.iter().chain([&bytes.len()]) {
        let read = reader.read(&bytes[..end]);
        if !matches!(read, Ok(None)) {
            return read;
        }
    }
    Ok(None)
}

/// For the upstream it is a request again, and the same one.
fn check_written(request: &Request) {
    let mut out = Vec::new();
    request.write("upstream.example", VIA, CLIENT, &mut out);
    let shown = out.escape_ascii();
    // With those of a gateway there can be more fields than the next one takes.
    if out.iter().filter(|&&byte| byte == b'\n').count() > 100 {
        return;
    }
    let Ok(Some((again, len))) = read(&out, &[]) else { panic!("no request: {shown}") };
    assert_eq!(len, out.len(), "{shown}");
    assert_eq!((&again.method, &again.target, again.body), (&request.method, &request.target, request.body));
    assert_eq!(again.version, Version::Http11);
    assert_eq!(again.authority.as_deref(), request.authority.as_deref().or(Some("upstream.example")));
    assert_eq!(again.exchange(), request.exchange(), "{shown}");
    assert_eq!((&again.upgrade, &again.accept), (&request.upgrade, &request.accept), "{shown}");
    assert!(again.persistent && again.names_in_via(VIA), "{shown}");
    check_framing(&out, request);
}

/// Every parser finds the one line that frames the content, or none, and a single Host.
fn check_framing(head: &[u8], request: &Request) {
    let shown = head.escape_ascii();
    let lines = head.strip_prefix(b"\r\n").unwrap_or(head);
    let section = lines.windows(2).position(|end| end == b"\r\n").map_or(lines, |end| &lines[end + 2..]);
    let mut space = [httparse::EMPTY_HEADER; 128];
    let Ok(httparse::Status::Complete((len, fields))) = httparse::parse_headers(section, &mut space) else {
        panic!("no fields: {shown}");
    };
    assert_eq!(len, section.len(), "{shown}");
    let values = |name: &str| -> Vec<String> {
        let lines = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        lines.map(|field| String::from_utf8_lossy(field.value).trim().to_ascii_lowercase()).collect()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    let framing = match (&lengths[..], &codings[..]) {
        ([], []) => Body::None,
        ([length], []) => Body::Length(length.parse().expect("a number")),
        ([], [coding]) if coding == "chunked" => Body::Chunked,
        _ => panic!("{lengths:?} and {codings:?} in {shown}"),
    };
    assert_eq!(request.body, framing, "{shown}");
    let hosts = values("host").len();
    assert!(hosts == 1 || hosts == 0 && request.version == Version::Http10, "{shown}");
}

/// The content ends where its framing says, and in every split.
fn check_content(body: Body, bytes: &[u8], scene: &Scene<'_>) {
    let singly: Vec<usize> = (1..bytes.len()).collect();
    let reading = content(body, bytes, &singly);
    for cuts in [Vec::new(), scene.cuts_of(bytes.len())] {
        let other = content(body, bytes, &cuts);
        assert!(other.content == reading.content, "in pieces: {}", bytes.escape_ascii());
        assert_eq!(other.ended_at, reading.ended_at);
        assert_eq!(other.refused_at.is_some(), reading.refused_at.is_some());
    }
    if body == Body::Chunked {
        return Decoder::decode(bytes, &Limits::DEFAULT).check(&reading, bytes);
    }
    let length = if let Body::Length(length) = body { length } else { 0 };
    let end = usize::try_from(length).ok().filter(|&end| end <= bytes.len());
    assert!(reading.content == bytes[..end.unwrap_or(bytes.len())]);
    assert_eq!((reading.ended_at, reading.refused_at), (end, None));
}

/// What comes of the content, refused at the last byte of some read.
fn content(body: Body, bytes: &[u8], cuts: &[usize]) -> Reading {
    let mut content = Content::new(body);
    let mut reading = Reading { content: Vec::new(), refused_at: None, ended_at: None };
    let mut used = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        let mut input = &bytes[used..end];
        loop {
            match content.next(&mut input) {
                Ok(Some(octets)) => reading.content.extend_from_slice(octets),
                Ok(None) => break,
                Err(_) => return Reading { refused_at: Some(end - 1), ..reading },
            }
        }
        used = end - input.len();
        if content.is_whole() {
            return Reading { ended_at: Some(used), ..reading };
        }
    }
    reading
}
