//! Requests as the gateway writes them: a head read with httparse, and content by length or chunked.
#![forbid(unsafe_code)]

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use super::Peer;

/// Bytes of a head that are read at most; and of a line of the chunked coding.
const HEAD: usize = 128 << 10;
const LINE: usize = 8 << 10;

/// Fields of a head at most.
const FIELDS: usize = 256;

/// Bytes of content that are held at a time.
const PIECE: u64 = 16 << 10;

/// A request head, as far as it matters here, and where its content stands.
#[derive(Default)]
pub struct Request {
    pub method: String,
    /// The target without its query.
    pub path: String,
    /// No other request will follow.
    pub is_closing: bool,
    /// The client waits for a 100 before it sends content.
    pub expects_continue: bool,
    /// The protocol `echo` was offered.
    pub offers_echo: bool,
    /// It carries If-None-Match.
    pub is_conditional: bool,
    pub content: Content,
}

impl Request {
    /// The next request; `None` where the connection ends instead.
    pub async fn read(peer: &mut Peer) -> io::Result<Option<Request>> {
        let mut head = Vec::new();
        loop {
            let line = line(peer, HEAD - head.len()).await?;
            match line.as_slice() {
                b"" if head.is_empty() => return Ok(None),
                b"\r\n" | b"\n" if head.is_empty() => continue,
                _ => head.extend_from_slice(&line),
            }
            if line == b"\r\n" || line == b"\n" || line.is_empty() {
                return parse(&head).map(Some);
            }
        }
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// Ask for the content if the client waits for that.
    pub async fn promise_to_read(&mut self, peer: &mut Peer) -> io::Result<()> {
        if self.expects_continue && self.content.is_due() {
            peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        self.expects_continue = false;
        Ok(())
    }

    /// Read past the content, so that the next request can be read.
    pub async fn skip_content(&mut self, peer: &mut Peer) -> io::Result<()> {
        self.promise_to_read(peer).await?;
        while !self.content.piece(peer).await?.is_empty() {}
        Ok(())
    }
}

fn parse(head: &[u8]) -> io::Result<Request> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
    let fields = Fields(parsed.headers);
    let target = parsed.path.unwrap_or_default();
    Ok(Request {
        method: parsed.method.unwrap_or_default().to_string(),
        path: target.split('?').next().unwrap_or_default().to_string(),
        is_closing: parsed.version == Some(0) || fields.list("Connection", "close"),
        expects_continue: fields.list("Expect", "100-continue"),
        offers_echo: fields.list("Connection", "upgrade") && fields.list("Upgrade", "echo"),
        is_conditional: fields.values("If-None-Match").next().is_some(),
        content: Content::of(&fields)?,
    })
}

struct Fields<'h>(&'h [httparse::Header<'h>]);

impl Fields<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.filter_map(|field| std::str::from_utf8(field.value).ok())
    }

    /// Is this a member of the list that the field holds?
    fn list(&self, name: &str, member: &str) -> bool {
        let mut members = self.values(name).flat_map(|value| value.split(','));
        members.any(|one| one.trim().eq_ignore_ascii_case(member))
    }
}

/// The content that is still to be read.
pub enum Content {
    /// That many bytes.
    Length(u64),
    /// Chunks: what is left of the one at hand, and whether there was one.
    Chunked { left: u64, any: bool },
    /// The last chunk has been read.
    Ended,
}

impl Default for Content {
    fn default() -> Content {
        Content::Length(0)
    }
}

impl Content {
    fn of(fields: &Fields<'_>) -> io::Result<Content> {
        if fields.list("Transfer-Encoding", "chunked") {
            return Ok(Content::Chunked { left: 0, any: false });
        }
        match fields.values("Content-Length").next().map(str::parse) {
            None => Ok(Content::Length(0)),
            Some(Ok(length)) => Ok(Content::Length(length)),
            Some(Err(_)) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    pub fn is_chunked(&self) -> bool {
        matches!(self, Content::Chunked { .. })
    }

    /// Is there any left?
    fn is_due(&self) -> bool {
        !matches!(self, Content::Length(0) | Content::Ended)
    }

    /// The next bytes of it; none at the end.
    pub async fn piece(&mut self, peer: &mut Peer) -> io::Result<Vec<u8>> {
        if let Content::Chunked { left: 0, any } = *self {
            *self = next_chunk(peer, any).await?;
        }
        let left = match self {
            Content::Length(left) | Content::Chunked { left, .. } => left,
            Content::Ended => return Ok(Vec::new()),
        };
        let mut piece = vec![0; PIECE.min(*left) as usize];
        *left -= piece.len() as u64;
        peer.read_exact(&mut piece).await?;
        Ok(piece)
    }
}

/// Up to the data of the next chunk; past the last one to the end of the trailers.
async fn next_chunk(peer: &mut Peer, after_another: bool) -> io::Result<Content> {
    if after_another {
        line(peer, LINE).await?;
    }
    match httparse::parse_chunk_size(&line(peer, LINE).await?) {
        Ok(httparse::Status::Complete((_, 0))) => {}
        Ok(httparse::Status::Complete((_, size))) => return Ok(Content::Chunked { left: size, any: true }),
        Ok(httparse::Status::Partial) | Err(_) => return Err(io::ErrorKind::InvalidData.into()),
    }
    while !matches!(line(peer, LINE).await?.as_slice(), b"\r\n" | b"\n" | b"") {}
    Ok(Content::Ended)
}

/// A line with its end, or without at the limit and at the end of the connection.
async fn line(peer: &mut Peer, limit: usize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    peer.take(limit as u64).read_until(b'\n', &mut line).await?;
    Ok(line)
}
