//! What a whole head means: whether a strict gateway may use it, and how its content ends (RFC 9112 6.3).

use badgateway::{Exchange, Framing, Limits, Method, Version, Written};

use super::grammar::{Field, Head, is_tchar, trim};

/// Fields of which one is all there may be (RFC 9110 5.5).
pub const SINGLETONS: [&str; 9] = [
    "age",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "retry-after",
];

/// Fields that speak of this connection alone and that `Connection` has to name (RFC 9110 7.6.1).
pub const HOP_BY_HOP: [&str; 4] = ["keep-alive", "proxy-connection", "te", "upgrade"];

/// Fields meant for all recipients, so that `Connection` may not name them (RFC 9110 7.6.1). Which they are the clause
/// leaves to those who know; this is the list of the crate.
pub const END_TO_END: [&str; 39] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "authorization",
    "cache-control",
    "clear-site-data",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-security-policy-report-only",
    "content-type",
    "cookie",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "expires",
    "host",
    "last-modified",
    "location",
    "permissions-policy",
    "referrer-policy",
    "retry-after",
    "set-cookie",
    "strict-transport-security",
    "vary",
    "via",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
];

/// Fields that are no trailers (RFC 9110 6.5.1), by the reason why.
pub const NO_TRAILERS: [&[&str]; 6] = [
    // framing, and what else is for one hop
    &[
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ],
    // routing
    &["host", "max-forwards", "via"],
    // authentication
    &[
        "authorization",
        "cookie",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
    ],
    // request modifiers
    &[
        "expect",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "pragma",
        "range",
    ],
    // response controls
    &[
        "access-control-allow-origin",
        "age",
        "cache-control",
        "content-security-policy",
        "date",
        "expires",
        "location",
        "retry-after",
        "strict-transport-security",
        "vary",
        "warning",
    ],
    // content format
    &["content-encoding", "content-range", "content-type"],
];

/// Is it a reply that another follows (RFC 9110 15.2)? 101 is the last word in HTTP.
pub fn is_interim(status: u16) -> bool {
    (100..200).contains(&status) && status != 101
}

/// May a reply begin so, whatever its fields?
pub fn may_come(version: Version, status: u16, exchange: &Exchange) -> bool {
    let switches = status == 101 || opens_tunnel(status, exchange);
    // RFC 9110 15: "Values outside the range 100..599 are invalid."
    (100..=599).contains(&status)
        // RFC 9110 15.2: "HTTP/1.0 did not define any 1xx status codes".
        && (version == Version::Http11 || status >= 200)
        // RFC 9110 7.8: "A server MUST NOT switch to a protocol that was not indicated by the client".
        && (status != 101 || exchange.offers_upgrade())
        // RFC 9110 7.8: a client cannot use the new protocol "until it has completely sent the request message".
        && (!switches || exchange.request_written() == Written::Whole)
}

/// RFC 9112 6.3, rule 2.
fn opens_tunnel(status: u16, exchange: &Exchange) -> bool {
    exchange.method() == Method::Connect && (200..300).contains(&status)
}

/// How the content ends, or `None` for a head that is to be refused.
pub fn framing(head: &Head, exchange: &Exchange, limits: &Limits) -> Option<Framing> {
    let Head { version, status, fields, .. } = head;
    let has = |name| !values(fields, name).is_empty();
    let (length, coding) = (has("content-length"), has("transfer-encoding"));
    repeats_no_singleton(fields).then_some(())?;
    names_the_right_fields(fields).then_some(())?;
    match status {
        101 => (!length && !coding && upgrade_is_fit(fields, exchange)).then_some(Framing::Tunnel),
        // Rule 2. "A client MUST ignore any Content-Length or Transfer-Encoding header fields".
        200..300 if opens_tunnel(*status, exchange) => Some(Framing::Tunnel),
        // RFC 9110 8.6 and RFC 9112 6.1: a server MUST NOT send either with 1xx or 204.
        100..200 | 204 => (!length && !coding).then_some(Framing::None),
        // Rule 3. RFC 9112 6.1 and 6.2: HTTP/1.0 has no transfer codings, and a sender MUST NOT send both.
        _ if coding && (length || *version == Version::Http10) => None,
        // Rule 1. The fields speak of what a GET would have got: they need no more than a meaning.
        _ if *status == 304 || exchange.method() == Method::Head => {
            let has_meaning = (!length || some_length(fields)) && (!coding || some_codings(fields));
            has_meaning.then_some(Framing::None)
        }
        // Rule 4. RFC 9112 7.4: without TE in the request "the only acceptable transfer coding is chunked", once and
        // without parameters.
        _ if coding => match values(fields, "transfer-encoding")[..] {
            [value] if value.eq_ignore_ascii_case(b"chunked") => Some(Framing::Chunked),
            _ => None,
        },
        // Rules 5 and 6, for the one line and the one spelling that nobody can misread.
        _ if length => match values(fields, "content-length")[..] {
            [value] if value == b"0" || !value.starts_with(b"0") => {
                decimal(value).filter(|&length| length <= limits.content).map(Framing::Length)
            }
            _ => None,
        },
        // Rule 8.
        _ => Some(Framing::UntilClose),
    }
}

pub fn values<'f>(fields: &'f [Field], name: &str) -> Vec<&'f [u8]> {
    let with_name = fields.iter().filter(|(own, _)| own.0.eq_ignore_ascii_case(name.as_bytes()));
    with_name.map(|(_, value)| &value.0[..]).collect()
}

/// `#element => [ element ] *( OWS "," OWS [ element ] )`, RFC 9110 5.6.1.2, over all lines of that name.
///
/// `None` if a line has more empty elements than the "reasonable number" that the clause has a recipient bear.
fn list<'f>(fields: &'f [Field], name: &str) -> Option<Vec<&'f [u8]>> {
    let mut elements = Vec::new();
    for line in values(fields, name) {
        let (present, empty): (Vec<_>, Vec<_>) =
            line.split(|&octet| octet == b',').map(trim).partition(|element| !element.is_empty());
        if empty.len() > 16 {
            return None;
        }
        elements.extend(present);
    }
    Some(elements)
}

fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|&octet| is_tchar(octet))
}

fn holds(names: &[&str], name: &[u8]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// `1*DIGIT`, at most 2^63-1
fn decimal(digits: &[u8]) -> Option<u64> {
    let length = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok())??;
    length.parse().ok().filter(|&length| length <= i64::MAX as u64)
}

/// `Content-Length = 1*DIGIT`, or the list that it becomes where it is repeated, if all members are the same number
/// (RFC 9110 8.6).
fn some_length(fields: &[Field]) -> bool {
    let lines = values(fields, "content-length").into_iter();
    let lengths: Vec<_> =
        lines.flat_map(|line| line.split(|&octet| octet == b',')).map(trim).map(decimal).collect();
    lengths.iter().all(|length| length.is_some() && *length == lengths[0])
}

/// `Transfer-Encoding = #transfer-coding`, `transfer-coding = token`, and none that only looks like chunked.
fn some_codings(fields: &[Field]) -> bool {
    let names_chunked = |coding: &[u8]| coding.windows(7).any(|part| part.eq_ignore_ascii_case(b"chunked"));
    let is_fit = |coding: &&[u8]| is_token(coding) && (coding.len() == 7 || !names_chunked(coding));
    list(fields, "transfer-encoding").is_some_and(|codings| !codings.is_empty() && codings.iter().all(is_fit))
}

fn repeats_no_singleton(fields: &[Field]) -> bool {
    SINGLETONS.iter().all(|name| values(fields, name).len() <= 1)
}

/// `Connection = #connection-option`, `connection-option = token`: each field of this hop, and none of another.
fn names_the_right_fields(fields: &[Field]) -> bool {
    let Some(options) = list(fields, "connection") else { return false };
    let is_named = |name: &str| options.iter().any(|option| option.eq_ignore_ascii_case(name.as_bytes()));
    options.iter().all(|option| is_token(option) && !holds(&END_TO_END, option))
        && HOP_BY_HOP.iter().all(|name| values(fields, name).is_empty() || is_named(name))
}

/// RFC 9110 7.8: a 101 MUST say in `Upgrade = #protocol` what is switched to, of what the client offered.
///
/// The crate bears 16 protocols and no more.
fn upgrade_is_fit(fields: &[Field], exchange: &Exchange) -> bool {
    let offer = [(b"upgrade"[..].into(), exchange.offer().into())];
    let (Some(chosen), Some(offered)) = (list(fields, "upgrade"), list(&offer, "upgrade")) else {
        return false;
    };
    let is_offered = |protocol: &&[u8]| offered.iter().any(|other| other.eq_ignore_ascii_case(protocol));
    (1..=16).contains(&chosen.len()) && chosen.iter().all(is_offered)
}

/// May these be trailers?
pub fn trailers_are_fit(trailers: &[Field]) -> bool {
    trailers.iter().all(|(name, _)| !NO_TRAILERS.iter().any(|names| holds(names, &name.0)))
}
