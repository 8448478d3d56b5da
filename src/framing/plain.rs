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
    let value = |known: Known| {
        let line = seen.only(known)?;
        bytes.get(line + known.name().len()..)?.strip_prefix(b": ")
    };
    let persistence = match seen.has(Known::Connection).then(|| value(Known::Connection)) {
        None => Persistence::Persistent,
        Some(Some(value)) if value.starts_with(b"keep-alive\r\n") => Persistence::Persistent,
        Some(Some(value)) if value.starts_with(b"close\r\n") => Persistence::CloseOption,
        Some(_) => return None,
    };
    let framing = match (seen.has(Known::TransferEncoding), seen.has(Known::ContentLength)) {
        (false, false) if matches!(status, 204 | 304) => Framing::None,
        _ if matches!(status, 204 | 304) => return None,
        (true, false) => {
            value(Known::TransferEncoding)?.starts_with(b"chunked\r\n").then_some(Framing::Chunked)?
        }
        (false, true) => {
            let length = plain_length(value(Known::ContentLength)?)?;
            (length <= limits.content).then_some(Framing::Length(length))?
        }
        _ => return None,
    };
    Some(Ruling { framing, persistence, trailer: false })
}
