//! A reader that owns its buffer: bytes go into a [`BytesMut`], owned events come out.
//!
//! Nothing is copied. A head is one [`Bytes`] with its fields as ranges into it; content is split off as it is judged.
//!
//! ```
//! use badgateway::bytes::{Event, Reader};
//! use badgateway::{Exchange, Policy};
//!
//! let mut reader = Reader::new(Policy::DEFAULT);
//! reader.begin(Exchange::GET);
//! let mut content = Vec::new();
//! for piece in [&b"HTTP/1.1 200 OK\r\nContent-Le"[..], b"ngth: 5\r\n\r\nhel", b"lo"] {
//!     reader.buffer().extend_from_slice(piece); // or: socket.read_buf(reader.buffer()).await?
//!     while let Some(event) = reader.next_event()? {
//!         match event {
//!             Event::Head(head) => assert_eq!(head.status(), 200),
//!             Event::Content(bytes) => content.extend_from_slice(&bytes),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(content, b"hello");
//! # Ok::<(), badgateway::Violation>(())
//! ```
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

use crate::exchange::{Close, Exchange, Framing, Version, Written};
use crate::head::{Field, Fields, Head, HeadParts};
use crate::parser::{self, Parser};
use crate::policy::Policy;
use crate::violation::{End, Phase, Violation};

/// As [`badgateway::Event`](crate::Event), owned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A deviation that is tolerated.
    Note(Violation),
    /// A whole judged head, interim or final.
    Head(OwnedHead),
    /// Content octets, framing removed; never empty.
    Content(Bytes),
    /// The trailer fields, if there are any.
    Trailers(OwnedFields),
    /// The reply is complete.
    End(End),
}

/// Room for a read: a full buffer would grow by the 64 bytes that `read_buf` asks for.
const ROOM: usize = 16 << 10;
const LEAST_ROOM: usize = 4 << 10;

/// A [`Parser`] with the bytes it has not used yet.
#[derive(Clone)]
pub struct Reader {
    parser: Parser,
    buffer: BytesMut,
}

impl Reader {
    /// A reader for a new connection.
    pub fn new(policy: Policy) -> Reader {
        Reader { parser: Parser::new(policy), buffer: BytesMut::new() }
    }

    /// The buffer to append received bytes to, with room for a read of some size. What is in it already must stay as
    /// it is.
    ///
    /// It never needs to hold more than a head or trailer section at its [limit](crate::Limits) and one read.
    pub fn buffer(&mut self) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < LEAST_ROOM {
            self.buffer.reserve(ROOM);
        }
        &mut self.buffer
    }

    /// As [`Parser::begin`]. Bytes that are in the buffer already answer no request: they refuse the reply.
    pub fn begin(&mut self, exchange: Exchange) {
        self.parser.leave_unseen(&self.buffer);
        self.parser.begin(exchange);
    }

    /// As [`Parser::idle`].
    pub fn idle(&mut self) {
        self.parser.leave_unseen(&self.buffer);
        self.parser.idle();
    }

    /// As [`Parser::request_written`].
    pub fn request_written(&mut self, written: Written) {
        self.parser.request_written(written);
    }

    /// The parser, for what it can be asked at any time.
    pub const fn parser(&self) -> &Parser {
        &self.parser
    }

    /// The next event from the bytes in the buffer; `Ok(None)` when more are needed.
    ///
    /// # Errors
    ///
    /// As [`Parser::next_event`].
    pub fn next_event(&mut self) -> Result<Option<Event>, Violation> {
        let mut input: &[u8] = &self.buffer;
        let event = self.parser.next_event(&mut input);
        let used = self.buffer.len() - input.len();
        let shape = match event {
            Ok(Some(event)) => Ok(Some(Shape::of(&event))),
            Ok(None) => Ok(None),
            Err(violation) => Err(violation),
        };
        let mut bytes = self.buffer.split_to(used);
        Ok(shape?.map(|shape| {
            // What an event shows stands at the end of what it used; chunk lines stand before it.
            bytes.advance(used - shape.len());
            shape.fill(bytes.freeze())
        }))
    }

    /// As [`Parser::close`]. With content left in the buffer the reply was not read to its end, whatever came after.
    ///
    /// # Errors
    ///
    /// As [`Parser::close`].
    pub fn close(&mut self, how: Close) -> Result<End, Violation> {
        let unread = self.parser.phase() == Phase::Body && !self.buffer.is_empty();
        self.parser.close(if unread { Close::Abandoned } else { how })
    }

    /// Take the bytes that are not used: after [`Framing::Tunnel`] they belong to the tunnel.
    pub fn take_rest(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("phase", &self.parser.phase())
            .field("buffered", &self.buffer.len())
            .finish_non_exhaustive()
    }
}

/// An event without its bytes.
enum Shape {
    Note(Violation),
    Head { len: usize, parts: HeadParts, fields: Vec<FieldAt> },
    Content { len: usize },
    Trailers { len: usize, fields: Vec<FieldAt> },
    End(End),
}

impl Shape {
    fn of(event: &parser::Event<'_>) -> Shape {
        match event {
            parser::Event::Note(violation) => Shape::Note(*violation),
            parser::Event::Head(head) => Shape::Head {
                len: head.wire().len(),
                parts: head.parts(),
                fields: FieldAt::all(head.fields(), head.offset()),
            },
            parser::Event::Content(content) => Shape::Content { len: content.len() },
            parser::Event::Trailers(fields) => {
                let (len, offset) = fields.section();
                Shape::Trailers { len, fields: FieldAt::all(fields.clone(), offset) }
            }
            parser::Event::End(end) => Shape::End(*end),
        }
    }

    fn len(&self) -> usize {
        match self {
            Shape::Head { len, .. } | Shape::Content { len } | Shape::Trailers { len, .. } => *len,
            Shape::Note(_) | Shape::End(_) => 0,
        }
    }

    fn fill(self, bytes: Bytes) -> Event {
        match self {
            Shape::Note(violation) => Event::Note(violation),
            Shape::Head { parts, fields, .. } => {
                Event::Head(OwnedHead { parts, fields: OwnedFields { section: bytes, fields } })
            }
            Shape::Content { .. } => Event::Content(bytes),
            Shape::Trailers { fields, .. } => Event::Trailers(OwnedFields { section: bytes, fields }),
            Shape::End(end) => Event::End(end),
        }
    }
}

/// Where name and value of a field stand in their section.
#[derive(Clone, Debug)]
struct FieldAt {
    name: Range<usize>,
    value: Range<usize>,
}

impl FieldAt {
    fn all(fields: Fields<'_>, offset: u64) -> Vec<FieldAt> {
        fields.map(|field| FieldAt::of(&field, offset)).collect()
    }

    fn of(field: &Field<'_>, offset: u64) -> FieldAt {
        let name = (field.offset() - offset) as usize;
        let value = (field.value_offset() - offset) as usize;
        FieldAt { name: name..name + field.name().len(), value: value..value + field.value().len() }
    }
}

/// Field lines as ranges into one [`Bytes`].
#[derive(Clone)]
pub struct OwnedFields {
    section: Bytes,
    fields: Vec<FieldAt>,
}

impl OwnedFields {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Names and values in order, blanks around values removed. As received: where a policy tolerates folds or control
    /// octets, [`Field::pieces`] tells what may be forwarded.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|at| (&self.section[at.name.clone()], &self.section[at.value.clone()]))
    }

    /// As [`iter`](Self::iter), each part sharing the bytes.
    pub fn slices(&self) -> impl ExactSizeIterator<Item = (Bytes, Bytes)> {
        self.fields
            .iter()
            .map(|at| (self.section.slice(at.name.clone()), self.section.slice(at.value.clone())))
    }

    /// The value of the first field of that name, in any case, sharing the bytes.
    pub fn get(&self, name: &str) -> Option<Bytes> {
        self.get_all(name).next()
    }

    /// The values of the fields of that name, in any case, in order, sharing the bytes.
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = Bytes> + use<'_, 'n> {
        let named = move |at: &&FieldAt| self.section[at.name.clone()].eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(named).map(|at| self.section.slice(at.value.clone()))
    }
}

impl fmt::Debug for OwnedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, value)| Shown { name, value })).finish()
    }
}

/// A field line as [`Field`] shows it, but for the offset, which is not kept.
struct Shown<'f> {
    name: &'f [u8],
    value: &'f [u8],
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: \"{}\"", self.name.escape_ascii(), self.value.escape_ascii())
    }
}

/// A judged head that owns its bytes.
#[derive(Clone)]
pub struct OwnedHead {
    parts: HeadParts,
    fields: OwnedFields,
}

impl OwnedHead {
    /// The head as the parser hands it out, with all that can be asked of it.
    pub fn head(&self) -> Head<'_> {
        self.parts.over(&self.fields.section)
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.head().status()
    }

    /// The version to treat the message as.
    pub fn version(&self) -> Version {
        self.head().version()
    }

    /// How the end of the content is found.
    pub fn framing(&self) -> Framing {
        self.head().framing()
    }

    /// 1xx other than 101: another head follows.
    pub fn is_interim(&self) -> bool {
        self.head().is_interim()
    }

    /// The field lines.
    pub const fn fields(&self) -> &OwnedFields {
        &self.fields
    }

    /// The bytes of the head as received.
    pub fn wire(&self) -> &Bytes {
        &self.fields.section
    }
}

impl fmt::Debug for OwnedHead {
    /// As [`Head`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head().debug_as("OwnedHead", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Method;
    use crate::rule::Rule;
    use crate::violation::{Reason, Reuse};

    fn read_all(reader: &mut Reader) -> Vec<Event> {
        core::iter::from_fn(|| reader.next_event().unwrap()).collect()
    }

    #[test]
    fn content_and_heads_share_the_buffer() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(b"HTTP/1.1 200 OK\r\nA:  b \r\nTransfer-Encoding: chunked\r\n\r\n");
        let head = match read_all(&mut reader).pop() {
            Some(Event::Head(head)) => head,
            other => panic!("{other:?}"),
        };
        assert_eq!(head.fields().get("a").as_deref(), Some(&b"b"[..]));
        assert_eq!(head.fields().iter().next(), Some((&b"A"[..], &b"b"[..])));
        let body = b"5;x\r\nhello\r\n1\r\n!\r\n0\r\nSum: 1\r\n\r\n";
        reader.buffer().extend_from_slice(body);
        let start = reader.buffer().as_ptr() as usize;
        let events = read_all(&mut reader);
        let contents: Vec<&Bytes> = events
            .iter()
            .filter_map(|event| match event {
                Event::Content(content) => Some(content),
                _ => None,
            })
            .collect();
        assert_eq!(contents, [&b"hello"[..], &b"!"[..]]);
        assert_eq!(contents[0].as_ptr() as usize, start + 5, "content was copied");
        let Some(Event::Trailers(trailers)) = events.iter().rev().nth(1) else { panic!("{events:?}") };
        assert_eq!(trailers.slices().next(), Some((Bytes::from("Sum"), Bytes::from("1"))));
        assert!(reader.buffer().is_empty());
    }

    #[test]
    fn content_that_was_not_taken_is_no_end() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\nabcdef");
        while !matches!(reader.next_event(), Ok(Some(Event::Head(_)))) {}
        let violation = reader.close(Close::Eof).unwrap_err();
        assert_eq!(violation.rule(), Rule::ResponseNotDrained);
    }

    #[test]
    fn content_that_was_taken_is_whole() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\nabcdef");
        read_all(&mut reader);
        assert_eq!(reader.close(Close::Eof).unwrap().content(), 6);
        // What lies behind a reply is not its content.
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::new(Method::Connect));
        reader.buffer().extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\nabcdef");
        read_all(&mut reader);
        assert_eq!(reader.close(Close::Eof).unwrap().reuse(), Reuse::No(Reason::Tunnel));
        assert_eq!(reader.take_rest(), &b"abcdef"[..]);
    }

    #[test]
    fn the_parser_is_told_of_requests() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET.written(Written::Part));
        reader.request_written(Written::Whole);
        reader.buffer().extend_from_slice(b"HTTP/1.1 204 \r\n\r\n");
        read_all(&mut reader);
        assert_eq!(reader.parser().reuse(), Reuse::Yes);
        reader.idle();
        reader.buffer().extend_from_slice(b"HTTP/1.1 408 \r\n\r\n");
        assert_eq!(reader.next_event().unwrap_err().rule(), Rule::UnsolicitedResponse);
    }

    #[test]
    fn bytes_that_were_in_the_buffer_before_a_request_never_answer_it() {
        let reply = &b"HTTP/1.1 204 \r\n\r\n"[..];
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(reply);
        read_all(&mut reader);
        reader.buffer().extend_from_slice(reply);
        reader.begin(Exchange::GET);
        assert_eq!(reader.next_event().unwrap_err().rule(), Rule::ContentInBodilessResponse);
        // A stray CRLF does not matter once it was looked at.
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.buffer().extend_from_slice(b"\r\n");
        reader.idle();
        assert_ne!(reader.parser().reuse(), Reuse::Yes);
        assert!(matches!(reader.next_event(), Ok(None)));
        assert_eq!(reader.parser().reuse(), Reuse::Yes);
    }

    #[test]
    fn a_head_tells_what_the_parser_knows() {
        let head_of = |bytes: &[u8]| {
            let mut reader = Reader::new(Policy::DEFAULT);
            reader.begin(Exchange::GET);
            reader.buffer().extend_from_slice(bytes);
            read_all(&mut reader).into_iter().find_map(|event| match event {
                Event::Head(head) => Some(head),
                _ => None,
            })
        };
        let wire = &b"HTTP/1.1 103 Early Hints\r\nA: b\r\nC: d\r\na: e\r\n\r\n"[..];
        let interim = head_of(wire).unwrap();
        assert_eq!((interim.status(), interim.version()), (103, Version::Http11));
        assert_eq!((interim.framing(), interim.is_interim()), (Framing::None, true));
        assert_eq!((interim.fields().len(), interim.fields().is_empty()), (3, false));
        assert_eq!(interim.wire(), wire);
        assert_eq!((interim.head().get("A"), interim.head().get("b")), (Some(&b"b"[..]), None));
        let last = head_of(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
        assert_eq!((last.status(), last.version()), (200, Version::Http10));
        assert_eq!((last.framing(), last.is_interim()), (Framing::UntilClose, false));
        assert_eq!((last.fields().len(), last.fields().is_empty()), (0, true));
    }

    #[test]
    fn fields_of_one_name_are_found_in_order() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(b"HTTP/1.1 204 \r\nA: b\r\nC: d\r\na: e\r\nAA: f\r\n\r\n");
        let events = read_all(&mut reader);
        let Some(Event::Head(head)) = events.first() else { panic!("{events:?}") };
        let values: Vec<Bytes> = head.fields().get_all("A").collect();
        assert_eq!(values, [&b"b"[..], b"e"]);
        assert_eq!(values[0].as_ptr(), head.wire()[18..].as_ptr(), "the value was copied");
        assert_eq!(head.fields().get("A"), values.first().cloned());
        assert_eq!(head.fields().get_all("x").count(), 0);
    }

    #[test]
    fn what_is_shown_of_it_is_readable() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET);
        reader.buffer().extend_from_slice(b"HTTP/1.1 204 \r\nA: b\xff\r\n\r\n");
        assert_eq!(std::format!("{reader:?}"), "Reader { phase: StatusLine, buffered: 24, .. }");
        let events = read_all(&mut reader);
        let Some(Event::Head(head)) = events.first() else { panic!("{events:?}") };
        assert_eq!(
            std::format!("{:?}", head.head()),
            "Head { status: 204, version: Http11, framing: None, fields: [A @15: \"b\\xff\"], .. }"
        );
        assert_eq!(std::format!("{head:?}"), std::format!("Owned{:?}", head.head()));
        assert_eq!(std::format!("{:?}", head.fields()), "[A: \"b\\xff\"]");
    }

    #[test]
    fn there_is_always_room_for_a_read() {
        let mut reader = Reader::new(Policy::DEFAULT);
        for _ in 0..100 {
            let buffer = reader.buffer();
            let room = buffer.capacity() - buffer.len();
            assert!(room >= 4096, "{room}");
            buffer.extend_from_slice(&[0; 3000]);
        }
    }

    #[test]
    fn what_follows_a_switch_of_protocols_is_left_alone() {
        let mut reader = Reader::new(Policy::DEFAULT);
        reader.begin(Exchange::GET.upgrade(b"websocket"));
        let head = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
        reader.buffer().extend_from_slice(head);
        reader.buffer().extend_from_slice(b"\x81\x00");
        assert!(matches!(read_all(&mut reader).as_slice(), [Event::Head(_)]));
        assert_eq!(reader.take_rest(), &b"\x81\x00"[..]);
    }
}
