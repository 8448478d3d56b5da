//! httparse at its fastest: a table of headers made once, which it need not fill first.

use std::hint::black_box;
use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response, Status};

/// More fields than any head here has.
const FIELDS: usize = 100;

pub struct Splitter<'b> {
    table: [MaybeUninit<Header<'b>>; FIELDS],
    config: ParserConfig,
}

impl<'b> Splitter<'b> {
    pub fn new() -> Splitter<'b> {
        Splitter { table: [MaybeUninit::uninit(); FIELDS], config: ParserConfig::default() }
    }

    /// Status and number of fields, once the head is whole.
    pub fn split(&mut self, bytes: &'b [u8]) -> Option<(u16, usize)> {
        let mut response = Response::new(&mut []);
        let parsed =
            self.config.parse_response_with_uninit_headers(&mut response, bytes, &mut self.table).ok()?;
        parsed.is_complete().then_some((response.code?, response.headers.len()))
    }

    /// From the start at each arrival.
    pub fn restart(&mut self, bytes: &'b [u8], ends: &[usize]) -> Option<(u16, usize)> {
        ends.iter().find_map(|&end| self.split(&black_box(bytes)[..end]))
    }

    /// Only once the new bytes, or they and the three before them, hold the blank line.
    pub fn guarded(&mut self, bytes: &'b [u8], ends: &[usize]) -> Option<(u16, usize)> {
        let mut seen = 0;
        for &end in ends {
            let arrived = &black_box(bytes)[..end];
            if holds_blank_line(&arrived[seen..]) {
                return self.split(arrived);
            }
            seen = end.saturating_sub(3);
        }
        None
    }
}

/// By the faster way for few bytes and for many.
fn holds_blank_line(bytes: &[u8]) -> bool {
    if bytes.len() < 16 {
        return bytes.windows(4).any(|four| four == b"\r\n\r\n");
    }
    memchr::memmem::find(bytes, b"\r\n\r\n").is_some()
}

/// Chunks and bytes in them. httparse reads the lines; stepping over data and CRLF is done here for it, unchecked.
pub fn step(body: &[u8]) -> Option<(usize, usize)> {
    let (mut pieces, mut bytes, mut at) = (0, 0, 0);
    loop {
        let Status::Complete((line, size)) = httparse::parse_chunk_size(&body[at..]).ok()? else {
            return None;
        };
        if size == 0 {
            return Some((pieces, bytes));
        }
        let start = at + line;
        let content = body.get(start..start + size as usize)?;
        pieces += 1;
        bytes += black_box(content).len();
        at = start + content.len() + 2;
    }
}
