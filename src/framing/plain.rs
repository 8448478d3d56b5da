//! What a head settles when nothing in it takes care to read.
#![forbid(unsafe_code)]

use super::{Persistence, Ruling};
use crate::exchange::{Exchange, Framing, Version, Written};
use crate::head::known::{Known, Seen};
use crate::policy::Limits;
use crate::value::plain_length;

/// The ruling on the head that `bytes` start with, as [`settle`](super::settle) would have made it; none for one that is
/// worth a note, and for any field of consequence that is not written as most are.
#[inline(always)]
pub(crate) fn plain(
    status: u16,
    version: Version,
    seen: &Seen,
    bytes: &[u8],
    exchange: &Exchange,
    limits: &Limits,
) -> Option<Ruling> {
    let expects_content = exchange.expects_content() && status >= 200;
    let is_asked = exchange.request_written() == Written::Whole && !exchange.offers_upgrade();
    if !expects_content || !is_asked || version != Version::Http11 || !seen.is_plain() {
        return None;
    }
    let persistence = persistence(seen, bytes)?;
    let is_bodiless = matches!(status, 204 | 304);
    let framing = match (seen.has(Known::TransferEncoding), seen.has(Known::ContentLength)) {
        (false, false) if is_bodiless => Framing::None,
        (true, false) if !is_bodiless => {
            let is_chunked = starts_with(value(Known::TransferEncoding, seen, bytes)?, b"chunked\r\n");
            is_chunked.then_some(Framing::Chunked)?
        }
        (false, true) if !is_bodiless => {
            let length = plain_length(value(Known::ContentLength, seen, bytes)?)?;
            (length <= limits.content).then_some(Framing::Length(length))?
        }
        _ => return None,
    };
    Some(Ruling { framing, persistence, trailer: false })
}

/// Of HTTP/1.1, with one connection option at most; a Keep-Alive field is to be named by it.
#[inline(always)]
fn persistence(seen: &Seen, bytes: &[u8]) -> Option<Persistence> {
    if !seen.has(Known::Connection) {
        return (!seen.has(Known::KeepAlive)).then_some(Persistence::Persistent);
    }
    let option = value(Known::Connection, seen, bytes)?;
    if starts_with(option, b"keep-alive\r\n") {
        return Some(Persistence::Persistent);
    }
    let closes = starts_with(option, b"close\r\n") && !seen.has(Known::KeepAlive);
    closes.then_some(Persistence::CloseOption)
}

/// The head from the value of the only field of that name on, after no more than one blank.
#[inline(always)]
fn value<'b>(known: Known, seen: &Seen, bytes: &'b [u8]) -> Option<&'b [u8]> {
    let line = seen.only(known)?;
    match bytes.get(line + known.name().len()..)? {
        [b':', b' ' | b'\t', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[inline(always)]
fn starts_with(value: &[u8], start: &[u8]) -> bool {
    let in_another_case = || value.get(..start.len()).is_some_and(|value| value.eq_ignore_ascii_case(start));
    value.starts_with(start) || in_another_case()
}
