//! How an open reply may go on: proof that it is one.

use crate::reply::{Terms, Verdict};

/// What ends things that have begun. The first ones end most.
const ENDS: [&str; 32] = [
    "\r\n\r\n",
    "\n\r\n",
    "\r\n",
    "\n",
    ":\r\n\r\n",
    "0\r\n\r\n",
    // a status line, begun anywhere
    "HTTP/1.1 200 \r\n\r\n",
    "TTP/1.1 200 \r\n\r\n",
    "TP/1.1 200 \r\n\r\n",
    "P/1.1 200 \r\n\r\n",
    "/1.1 200 \r\n\r\n",
    "1.1 200 \r\n\r\n",
    ".1 200 \r\n\r\n",
    "1 200 \r\n\r\n",
    " 200 \r\n\r\n",
    "200 \r\n\r\n",
    "03 \r\n\r\n",
    "00 \r\n\r\n",
    "3 \r\n\r\n",
    "0 \r\n\r\n",
    " \r\n\r\n",
    // a chunk line, begun anywhere
    "a\r\n",
    "\"\r\n",
    "a\"\r\n",
    ";a\r\n",
    // what else a section may lack
    "a:\r\n\r\n",
    "\r\n0\r\n\r\n",
    "\n0\r\n\r\n",
    "a",
    "aa",
    "aaa",
    "aaaa",
];

/// How an open reply fares.
#[derive(Debug, PartialEq)]
pub enum Future {
    /// These octets make it whole.
    Whole(Vec<u8>),
    /// There is none: what has begun can be ended, and is refused with the octet that ends it.
    RefusedWhenWhole,
    /// It needs more octets than one cares to write.
    TooLong,
    /// Nothing was found.
    Unknown,
}

pub fn future(terms: &Terms, octets: &[u8]) -> Future {
    let mut is_refused_when_whole = false;
    // Depth first, and never more than a few ends one after the other.
    let mut open = vec![(octets.to_vec(), 0)];
    for _ in 0..400 {
        let Some((so_far, ends)) = open.pop() else { break };
        let missing = match terms.missing(&so_far) {
            Some(missing) if missing > 100_000 => return Future::TooLong,
            Some(missing) if missing > 5 => vec![b'x'; missing],
            _ => vec![],
        };
        if !missing.is_empty() {
            open.push(([so_far, missing].concat(), ends));
            continue;
        }
        match terms.judge(&so_far, true) {
            Verdict::Whole(_) => return Future::Whole(so_far[octets.len()..].to_vec()),
            Verdict::Refused => continue,
            Verdict::Open => {}
        }
        for end in ENDS.iter().rev().filter(|_| ends < 6) {
            let longer = [&so_far[..], end.as_bytes()].concat();
            match terms.refused_at(&longer) {
                Some(at) => is_refused_when_whole |= is_refused_as_a_whole(&longer[..=at]),
                None => open.push((longer, ends + 1)),
            }
        }
    }
    if is_refused_when_whole { Future::RefusedWhenWhole } else { Future::Unknown }
}

/// Is the last octet one that ends a section or a token, so that it is the whole that is refused?
fn is_refused_as_a_whole(refused: &[u8]) -> bool {
    let ends_with = |form: &str| {
        let is_like = |(octet, form): (&u8, u8)| match form {
            b'0' => octet.is_ascii_digit(),
            form => octet.eq_ignore_ascii_case(&form),
        };
        refused.len() >= form.len()
            && refused[refused.len() - form.len()..].iter().zip(form.bytes()).all(is_like)
    };
    ["\r\n\r\n", "HTTP/", "HTTP/0.", "HTTP/0.0 000"].into_iter().any(ends_with)
}
