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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Method;
    use crate::head::HeadReader;
    use crate::judge::{Halt, Judge, Record};
    use crate::policy::Policy;
    use std::format;

    const PLAIN: Exchange = Exchange::GET;

    /// The framing and persistence of a reply with these fields, if it is plain.
    fn ruling(
        status: u16,
        fields: &str,
        exchange: Exchange,
        limits: &Limits,
    ) -> Option<(Framing, Persistence)> {
        let bytes = format!("HTTP/1.1 {status} \r\n{fields}\r\n").into_bytes();
        let (policy, mut record) = (Policy::observe(), Record::NEW);
        let mut judge =
            Judge { bytes: &bytes, base: 0, policy: &policy, exchange: &exchange, record: &mut record };
        let mut reader = HeadReader::new();
        // A rule is noted once.
        let outline = loop {
            match reader.read(&mut judge) {
                Ok(outline) => break outline?,
                Err(Halt::Note(_)) => {}
                Err(Halt::Deny(_)) => return None,
            }
        };
        let ruling = plain(status, outline.version(), outline.seen(), &bytes, &exchange, limits)?;
        assert!(!ruling.trailer);
        Some((ruling.framing, ruling.persistence))
    }

    #[test]
    fn plain_heads_are_ruled_upon() {
        use Framing::{Chunked, Length};
        use Persistence::{CloseOption, Persistent};
        for (status, fields, expected) in [
            (200, "Content-Length: 42\r\n", (Length(42), Persistent)),
            (404, "content-length:0\r\n", (Length(0), Persistent)),
            (200, "Content-Length:\t1234567\r\n", (Length(1_234_567), Persistent)),
            (200, "Transfer-Encoding: chunked\r\n", (Chunked, Persistent)),
            (200, "Transfer-Encoding: Chunked\r\nConnection: Keep-Alive\r\n", (Chunked, Persistent)),
            (200, "Connection: close\r\nContent-Length: 5\r\n", (Length(5), CloseOption)),
            (
                200,
                "Connection: keep-alive\r\nKeep-Alive: x\r\nContent-Length: 5\r\n",
                (Length(5), Persistent),
            ),
            (204, "Date: x\r\n", (Framing::None, Persistent)),
            (304, "Connection:CLOSE\r\n", (Framing::None, CloseOption)),
        ] {
            assert_eq!(ruling(status, fields, PLAIN, &Limits::DEFAULT), Some(expected), "{fields:?}");
        }
    }

    #[test]
    fn what_takes_care_to_read_is_not_ruled_upon() {
        let sized = "Content-Length: 5\r\n";
        let upgrade = PLAIN.upgrade(b"websocket");
        let [head, connect] = [Method::Head, Method::Connect].map(Exchange::new);
        for exchange in [upgrade, head, connect, PLAIN.written(Written::Part)] {
            assert_eq!(ruling(200, sized, exchange, &Limits::DEFAULT), None);
        }
        for (status, fields) in [
            (200, "Date: x\r\n"),
            (103, sized),
            (204, sized),
            (304, sized),
            (204, "Transfer-Encoding: chunked\r\n"),
            (200, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            (200, "Content-Length: 5\r\nContent-Length: 5\r\n"),
            (200, "Content-Length: 5\r\nDate: x\r\nDate: x\r\n"),
            (200, "Content-Length: 5\r\nTE: x\r\n"),
            (200, "Content-Length: 5\r\nKeep-Alive: x\r\n"),
            (200, "Content-Length: 5\r\nConnection: close\r\nKeep-Alive: x\r\n"),
            (200, "Content-Length: 5\r\nConnection: close, x\r\n"),
            (200, "Content-Length: 5\r\nConnection: \r\n"),
            (200, "Content-Length:  5\r\n"),
            (200, "Content-Length: 5 \r\n"),
            (200, "Content-Length: 05\r\n"),
            (200, "Content-Length: 5, 5\r\n"),
            (200, "Content-Length : 5\r\n"),
            (200, "Transfer-Encoding: gzip, chunked\r\n"),
            (200, "Transfer-Encoding: chunked \r\n"),
        ] {
            assert_eq!(ruling(status, fields, PLAIN, &Limits::DEFAULT), None, "{status} {fields:?}");
        }
        let taken = |content| ruling(200, sized, PLAIN, &Limits { content, ..Limits::DEFAULT }).is_some();
        assert_eq!([4, 5].map(taken), [false, true]);
    }
}
