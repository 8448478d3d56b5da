//! Chunked bodies, held against a decoder that is written as plainly as RFC 9112 7.1 reads and keeps no state.

use std::ops::Range;

use arbitrary::{Arbitrary, Result, Unstructured};
use badgateway::{Event, Exchange, Limits, Parser, Policy};

use super::closure::is_tchar;
use super::scene::Scene;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/// About the longest body that is built.
const LONGEST: usize = 12 << 10;
/// Longest body that is read byte by byte.
const SHORT: usize = 1 << 10;

/// Whole, in drawn pieces and byte by byte the parser finds the content, the end and the fault that the decoder finds:
/// in what follows the head of the reply, and in a body built from its bytes.
pub fn chunked(data: &[u8]) {
    let scene = Scene::of(data);
    let (built, drawn) = built(scene.reply);
    for (body, limits) in [(behind_head(scene.reply), *scene.policies[0].limits()), (&built, drawn)] {
        let expected = Decoder::decode(body, &limits);
        let bytes: Vec<usize> = if body.len() <= SHORT { (1..body.len()).collect() } else { Vec::new() };
        for cuts in [Vec::new(), scene.cuts_of(body.len()), bytes] {
            expected.check(&Reading::of(body, &cuts, limits), body);
        }
    }
}

fn behind_head(reply: &[u8]) -> &[u8] {
    reply.windows(4).position(|end| end == b"\r\n\r\n").map_or(reply, |at| &reply[at + 4..])
}

// Bodies

/// Sizes that are common, or at the edge of something.
const SIZES: [usize; 16] = [1, 2, 7, 8, 9, 15, 16, 17, 255, 256, 257, 511, 1024, 4095, 4096, 4097];
const EXTENSIONS: [&str; 6] = [";a", ";a=b", " ;a", "; a = \"b\\\"\"; c", ";", ";a=\"\r\n\""];

/// Runs of chunks of one size, and at times of others, then a few bytes that are changed. Any bytes make a body.
fn built(data: &[u8]) -> (Vec<u8>, Limits) {
    let mut input = Unstructured::new(data);
    body(&mut input).unwrap_or_else(|_| unreachable!("no choice refuses a byte"))
}

fn body(input: &mut Unstructured<'_>) -> Result<(Vec<u8>, Limits)> {
    let limits = if bool::arbitrary(input)? { tight_limits(input)? } else { Limits::DEFAULT };
    let mut body = Vec::new();
    for _ in 0..input.int_in_range(1..=6_u8)? {
        add_run(input, &mut body)?;
    }
    body.extend_from_slice(input.choose(&[
        &b"0\r\n\r\n"[..],
        b"000\r\nSum: 1\r\n\r\n",
        b"0;a\r\n\r\n",
        b"0\r\n",
    ])?);
    for _ in 0..input.int_in_range(0..=3_u8)? {
        change(input, &mut body)?;
    }
    Ok((body, limits))
}

/// Limits that a few chunks reach.
fn tight_limits(input: &mut Unstructured<'_>) -> Result<Limits> {
    let mut limits = Limits::DEFAULT;
    limits.chunk_line = *input.choose(&[1, 2, 3, 4, 0, 12])?;
    limits.chunk_overhead = input.int_in_range(0..=120)?;
    limits.chunk_overhead_ratio = *input.choose(&[0, 0, 1, 3])?;
    limits.content = *input.choose(&[u64::MAX, 20, 100, 1000, 9000])?;
    Ok(limits)
}

fn add_run(input: &mut Unstructured<'_>, body: &mut Vec<u8>) -> Result<()> {
    let size = match u8::arbitrary(input)? {
        size @ 0..=63 => usize::from(size).max(1),
        64..=191 => *input.choose(&SIZES)?,
        _ => input.int_in_range(1..=9000_usize)?,
    };
    let zeros = *input.choose(&[0, 0, 0, 0, 1, 2, 3, 12, 16])?;
    let upper = bool::arbitrary(input)?;
    let extension = if input.ratio(1_u8, 8_u8)? { *input.choose(&EXTENSIONS)? } else { "" };
    let fill = u8::arbitrary(input)?;
    for _ in 0..input.int_in_range(1..=24_u8)? {
        if body.len() + size > LONGEST {
            break;
        }
        let digits = if upper { format!("{size:X}") } else { format!("{size:x}") };
        body.extend_from_slice("0".repeat(zeros).as_bytes());
        body.extend_from_slice(format!("{digits}{extension}\r\n").as_bytes());
        // Bytes that tell where they stand, so that none can be taken for another.
        body.extend((0..size).map(|at| fill.wrapping_add(at as u8)));
        body.extend_from_slice(b"\r\n");
    }
    Ok(())
}

fn change(input: &mut Unstructured<'_>, body: &mut Vec<u8>) -> Result<()> {
    let at = usize::from(u16::arbitrary(input)?) % body.len();
    // Where a line ends there is more to get wrong than in the data.
    let near = body[at..].iter().position(|&byte| byte == b'\r').map_or(at, |cr| at + cr);
    let at = if bool::arbitrary(input)? { near } else { at };
    let byte = *input.choose(b"\r\n0;1fF \tg\"\\=\0\x7f\xff")?;
    match input.int_in_range(0..=2_u8)? {
        0 => body[at] = byte,
        1 => body.insert(at, byte),
        _ if body.len() > 1 => drop(body.remove(at)),
        _ => {}
    }
    Ok(())
}

// The parser

/// What a parser makes of a body; places are counted from its first byte.
pub struct Reading {
    pub content: Vec<u8>,
    pub refused_at: Option<usize>,
    pub ended_at: Option<usize>,
}

impl Reading {
    fn of(body: &[u8], cuts: &[usize], limits: Limits) -> Reading {
        let mut parser = past_head(limits);
        let mut reading = Reading { content: Vec::new(), refused_at: None, ended_at: None };
        let (mut used, mut supplied) = (0, 0);
        for &end in cuts.iter().chain([&body.len()]) {
            let mut input = &body[used..end];
            let told = reading.read(&mut parser, &mut input, supplied..end);
            used = end - input.len();
            supplied = end;
            if told.is_some() {
                break;
            }
        }
        reading
    }

    /// Read on to the end of the piece, or of the reply.
    fn read(&mut self, parser: &mut Parser, input: &mut &[u8], piece: Range<usize>) -> Option<()> {
        loop {
            match parser.next_event(input) {
                Ok(Some(Event::Content(bytes))) => {
                    assert!(!bytes.is_empty());
                    self.content.extend_from_slice(bytes);
                }
                Ok(Some(Event::End(end))) => {
                    assert_eq!(end.content(), self.content.len() as u64);
                    self.ended_at = Some(end.wire() as usize - HEAD.len());
                    return Some(());
                }
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(violation) => {
                    let at = violation.decided_at() as usize - HEAD.len();
                    assert!(piece.contains(&at), "{violation:?} came with the bytes {piece:?}");
                    self.refused_at = Some(at);
                    return Some(());
                }
            }
        }
    }
}

fn past_head(limits: Limits) -> Parser {
    let mut parser = Parser::new(Policy::STRICT.with_limits(limits));
    parser.begin(Exchange::GET);
    let mut head = HEAD;
    while let Ok(Some(_)) = parser.next_event(&mut head) {}
    assert!(head.is_empty(), "the head is read");
    parser
}

// The decoder

/// Why the decoder went no further.
pub enum Stop {
    /// At the end of what there is.
    Open,
    /// At this byte.
    Refused(usize),
}

/// How a body is to be read.
pub struct Expected {
    content: Vec<u8>,
    stop: Stop,
    /// Where the trailer section begins, if it was reached. What is right there is left to other targets.
    trailers_at: Option<usize>,
}

impl Expected {
    pub fn check(&self, reading: &Reading, body: &[u8]) {
        let shown = || body.escape_ascii();
        assert!(self.content == reading.content, "content of {}", shown());
        match (&self.stop, self.trailers_at) {
            (_, Some(at)) => {
                let end = end_of_trailers(body, at);
                assert!(reading.refused_at.is_none_or(|refused| at <= refused), "within {}", shown());
                let is_whole = reading.refused_at.is_none() && end.is_some();
                assert_eq!(reading.ended_at, end.filter(|_| is_whole), "the end of {}", shown());
            }
            (Stop::Refused(at), None) => {
                assert_eq!(reading.refused_at, Some(*at), "the fault of {}", shown())
            }
            (Stop::Open, None) => {
                assert_eq!((reading.refused_at, reading.ended_at), (None, None), "{} is open", shown());
            }
        }
    }
}

/// Behind the first empty line; the line before it ends where the section begins, or in it.
fn end_of_trailers(body: &[u8], at: usize) -> Option<usize> {
    body[at - 2..].windows(4).position(|end| end == b"\r\n\r\n").map(|before| at + 2 + before)
}

/// Goes over the octets by the grammar, and stops at the first that it does not allow, or that a limit does not.
pub struct Decoder<'b> {
    body: &'b [u8],
    limits: &'b Limits,
    at: usize,
    line_at: usize,
    overhead: u64,
    content: Vec<u8>,
}

impl Decoder<'_> {
    pub fn decode(body: &[u8], limits: &Limits) -> Expected {
        let mut decoder = Decoder { body, limits, at: 0, line_at: 0, overhead: 0, content: Vec::new() };
        let read = decoder.chunks();
        let trailers_at = read.is_ok().then_some(decoder.at);
        Expected { content: decoder.content, stop: read.err().unwrap_or(Stop::Open), trailers_at }
    }

    /// `*chunk last-chunk`
    fn chunks(&mut self) -> Result<(), Stop> {
        loop {
            let size = self.chunk_line()?;
            if size == 0 {
                return Ok(());
            }
            self.chunk_data(size)?;
            self.octet(|octet| octet == b'\r')?;
            self.octet(|octet| octet == b'\n')?;
        }
    }

    /// `chunk-size [ chunk-ext ] CRLF`
    fn chunk_line(&mut self) -> Result<u64, Stop> {
        self.line_at = self.at;
        let size = self.chunk_size()?;
        // Blanks may stand before what an extension goes on with, and nowhere else.
        let mut is_padded = false;
        while self.line_octet(|octet| octet == b';' || (octet == b'\r' && !is_padded))? == b';' {
            is_padded = self.chunk_ext()?;
        }
        self.line_octet(|octet| octet == b'\n')?;
        Ok(size)
    }

    /// `1*HEXDIG`, less than 2^63
    fn chunk_size(&mut self) -> Result<u64, Stop> {
        let mut size = 0;
        let digit_of = |octet: u8| char::from(octet).to_digit(16).map(u64::from);
        let fits = |size: u64| move |octet: u8| digit_of(octet).is_some() && size < 1 << 59;
        let mut octet = self.line_octet(fits(size))?;
        loop {
            size = size << 4 | digit_of(octet).unwrap_or_default();
            if digit_of(self.peek()?).is_none() {
                return Ok(size);
            }
            octet = self.line_octet(fits(size))?;
        }
    }

    /// `BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ]`, and whether there are blanks behind it.
    fn chunk_ext(&mut self) -> Result<bool, Stop> {
        self.run(is_blank)?;
        self.token()?;
        let mut is_padded = self.run(is_blank)?;
        if self.peek()? == b'=' {
            self.line_octet(|_| true)?;
            self.run(is_blank)?;
            if self.peek()? == b'"' {
                self.quoted_string()?
            } else {
                self.token()?
            }
            is_padded = self.run(is_blank)?;
        }
        Ok(is_padded)
    }

    /// `1*tchar`
    fn token(&mut self) -> Result<(), Stop> {
        self.line_octet(is_tchar)?;
        self.run(is_tchar).map(drop)
    }

    /// `DQUOTE *( qdtext / quoted-pair ) DQUOTE`
    fn quoted_string(&mut self) -> Result<(), Stop> {
        self.line_octet(|octet| octet == b'"')?;
        loop {
            match self.line_octet(|octet| is_text(octet) || octet == b'\r')? {
                b'"' => return Ok(()),
                b'\\' => self.quoted_octet()?,
                b'\r' => return Err(self.fault_behind_cr()),
                _ => {}
            }
        }
    }

    fn quoted_octet(&mut self) -> Result<(), Stop> {
        match self.line_octet(|octet| is_text(octet) || octet == b'\r')? {
            b'\r' => Err(self.fault_behind_cr()),
            _ => Ok(()),
        }
    }

    /// A CR in quotes is a fault; the octet behind it tells which, and so it decides.
    fn fault_behind_cr(&self) -> Stop {
        if self.at < self.body.len() { Stop::Refused(self.at) } else { Stop::Open }
    }

    /// As much of it as there is, and may be.
    fn chunk_data(&mut self, size: u64) -> Result<(), Stop> {
        let rest = &self.body[self.at..];
        let room = self.limits.content - self.content.len() as u64;
        let count = (rest.len() as u64).min(size).min(room) as usize;
        self.content.extend_from_slice(&rest[..count]);
        self.at += count;
        match count as u64 {
            count if count == size => Ok(()),
            _ if count == rest.len() => Err(Stop::Open),
            _ => Err(Stop::Refused(self.at)),
        }
    }

    fn peek(&self) -> Result<u8, Stop> {
        self.body.get(self.at).copied().ok_or(Stop::Open)
    }

    /// The next octet, one of the framing.
    fn octet(&mut self, is_fit: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        let octet = self.peek()?;
        let earned = u64::from(self.limits.chunk_overhead_ratio) * self.content.len() as u64;
        if !is_fit(octet) || self.overhead == u64::from(self.limits.chunk_overhead) + earned {
            return Err(Stop::Refused(self.at));
        }
        self.at += 1;
        self.overhead += 1;
        Ok(octet)
    }

    /// That, in a chunk line, whose CRLF is not counted.
    fn line_octet(&mut self, is_fit: impl Fn(u8) -> bool) -> Result<u8, Stop> {
        let is_full = self.at - self.line_at >= self.limits.chunk_line as usize;
        self.octet(|octet| is_fit(octet) && !(is_full && octet != b'\r' && octet != b'\n'))
    }

    /// Any number of them; were there some?
    fn run(&mut self, is_fit: fn(u8) -> bool) -> Result<bool, Stop> {
        let start = self.at;
        while is_fit(self.peek()?) {
            self.line_octet(is_fit)?;
        }
        Ok(self.at > start)
    }
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn is_text(octet: u8) -> bool {
    octet == b'\t' || !octet.is_ascii_control()
}
