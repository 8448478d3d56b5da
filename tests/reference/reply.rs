//! A whole reply: interim heads, the final one, its content, and what may still come after.

use badgateway::{Exchange, Framing, Limits, Written};
use nom::bytes::streaming::take;
use nom::combinator::peek;
use nom::error::{Error, ErrorKind};
use nom::{Err, Needed, Parser};

use super::framing::{framing, is_interim, may_come, trailers_are_fit};
use super::grammar::{Field, Head, Octets, Parsed, chunked_body, head, version_and_status, within};

/// What a reply is held against: the request it answers, and how much there may be of it.
#[derive(Clone)]
pub struct Terms {
    pub exchange: Exchange,
    pub limits: Limits,
}

/// What was received, in the reading of the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub interims: Vec<Head>,
    pub head: Head,
    pub framing: Framing,
    pub content: Octets,
    pub trailers: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// A whole reply.
    Whole(Reply),
    /// The start of one.
    Open,
    /// Neither.
    Refused,
}

impl Terms {
    /// What these octets are; `ended` if the connection was closed after them.
    pub fn judge(&self, octets: &[u8], ended: bool) -> Verdict {
        match self.reply(octets, ended) {
            Ok((_, reply)) if reply.framing == Framing::Tunnel => Verdict::Whole(reply),
            Ok((after, reply)) if is_idle_noise(after) => Verdict::Whole(reply),
            // Half a CRLF, which is none if nothing follows.
            Ok((after, reply)) if is_idle_noise(&[after, b"\n"].concat()) && !ended => Verdict::Whole(reply),
            Ok((after, _)) if is_idle_noise(&[after, b"\n"].concat()) => Verdict::Open,
            Err(Err::Incomplete(_)) => Verdict::Open,
            _ => Verdict::Refused,
        }
    }

    /// The octet with which it is settled that no valid reply begins so.
    pub fn refused_at(&self, octets: &[u8]) -> Option<usize> {
        let is_refused = |octets: &[u8]| self.judge(octets, false) == Verdict::Refused;
        if !is_refused(octets) {
            return None;
        }
        // What is refused stays so, whatever comes after it: the shortest refused start is found by halving.
        let (mut open, mut refused) = (0, octets.len());
        while refused - open > 1 {
            let middle = open.midpoint(refused);
            *if is_refused(&octets[..middle]) { &mut refused } else { &mut open } = middle;
        }
        Some(open)
    }

    /// How many octets the element at hand lacks, if it says so.
    pub fn missing(&self, octets: &[u8]) -> Option<usize> {
        match self.reply(octets, true) {
            Err(Err::Incomplete(Needed::Size(missing))) => Some(missing.get()),
            _ => None,
        }
    }

    /// `HTTP-message = start-line CRLF *( field-line CRLF ) CRLF [ message-body ]`, interim ones before the final one.
    fn reply<'i>(&self, octets: &'i [u8], ended: bool) -> Parsed<'i, Reply> {
        if self.exchange.request_written() == Written::Nothing && !octets.is_empty() {
            return refused(octets);
        }
        let (mut rest, mut interims) = (octets, Vec::new());
        loop {
            let (after, head) = self.head(rest, &interims, octets.len() - rest.len())?;
            let Some(framing) = framing(&head, &self.exchange, &self.limits) else { return refused(rest) };
            rest = after;
            if is_interim(head.status) {
                interims.push(head);
                continue;
            }
            let (rest, (content, trailers)) = self.body(rest, &head, framing, ended)?;
            let content = Octets(content);
            return Ok((rest, Reply { interims, head, framing, content, trailers }));
        }
    }

    /// One head, after so many interim ones that took so many octets.
    fn head<'i>(&self, input: &'i [u8], interims: &[Head], before: usize) -> Parsed<'i, Head> {
        let limits = &self.limits;
        let may_come = |version, status| {
            may_come(version, status, &self.exchange)
                && (!is_interim(status) || interims.len() < limits.interim_messages.into())
        };
        let any_head = |input| head(input, limits, may_come);
        let section = |input| within(limits.header_section.into(), any_head)(input);
        match peek(version_and_status).parse(input) {
            Ok((_, (_, status))) if is_interim(status) => {
                let room = u64::from(limits.interim_bytes).saturating_sub(before as u64);
                within(room, section)(input)
            }
            _ => section(input),
        }
    }

    /// `message-body = *OCTET`, by the framing.
    fn body<'i>(
        &self,
        input: &'i [u8],
        head: &Head,
        framing: Framing,
        ended: bool,
    ) -> Parsed<'i, (Vec<u8>, Vec<Field>)> {
        // RFC 9110 15.3.6: "a server MUST NOT generate content in a 205 response".
        let longest = if head.status == 205 { 0 } else { self.limits.content };
        let content = |(rest, octets): (&'i [u8], &[u8])| (rest, (octets.to_vec(), Vec::new()));
        match framing {
            Framing::Length(length) => within(longest, take(length))(input).map(content),
            Framing::UntilClose => within(longest, |input| until_close(input, ended))(input).map(content),
            Framing::Chunked => {
                let (rest, (content, trailers)) = chunked_body(input, &self.limits, longest)?;
                if trailers_are_fit(&trailers) { Ok((rest, (content, trailers))) } else { refused(input) }
            }
            _ => Ok((input, (Vec::new(), Vec::new()))),
        }
    }
}

/// All octets there are, once there are no more.
fn until_close(input: &[u8], ended: bool) -> Parsed<'_, &[u8]> {
    if ended { Ok((&[], input)) } else { Err(Err::Incomplete(Needed::Unknown)) }
}

/// RFC 9112 9.2: after a message there may be a CRLF or two, and nothing else.
fn is_idle_noise(octets: &[u8]) -> bool {
    [&b""[..], b"\r\n", b"\r\n\r\n"].contains(&octets)
}

fn refused<T>(input: &[u8]) -> Parsed<'_, T> {
    Err(Err::Failure(Error::new(input, ErrorKind::Verify)))
}
