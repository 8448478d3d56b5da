//! Advisory rules: what a judged head says about the application behind it. Never framing, never a refusal.
//!
//! One function a rule, each from a head and its exchange to at most one place to point at.
#![forbid(unsafe_code)]

use core::ops::Range;

#[cfg(feature = "alloc")]
use crate::class::hex_value;
use crate::class::{is_digit, is_tchar, trim_blank};
use crate::exchange::{Asked, Exchange, Framing, Method, Version};
use crate::head::{Field, Fields, Head, meaning};
use crate::rule::Rule;
use crate::value::{self, Member};
use crate::violation::{Phase, Retry, Span, Violation};

type Check = fn(&Advice<'_, '_>) -> Option<Place>;

/// In the order of the catalogue.
const CHECKS: [(Rule, Check); 23] = [
    (Rule::UnregisteredStatusCode, unregistered_status_code),
    (Rule::Unexpected100Continue, unexpected_100_continue),
    (Rule::WebsocketAcceptInvalid, websocket_accept_invalid),
    (Rule::MissingDate, missing_date),
    (Rule::FramingFieldLookalike, framing_field_lookalike),
    (Rule::TransferEncodingUnsolicited, transfer_encoding_unsolicited),
    (Rule::ContentCodingError, content_coding_error),
    (Rule::KeepAliveParameters, keep_alive_parameters),
    (Rule::ConnectionBoundAuthentication, connection_bound_authentication),
    (Rule::PartialWithoutContentRange, partial_without_content_range),
    (Rule::UnsolicitedPartialContent, unsolicited_partial_content),
    (Rule::InvalidContentRange, invalid_content_range),
    (Rule::UnauthorizedWithoutChallenge, unauthorized_without_challenge),
    (Rule::ProxyAuthenticationFromUpstream, proxy_authentication_from_upstream),
    (Rule::MethodNotAllowedWithoutAllow, method_not_allowed_without_allow),
    (Rule::UpgradeRequiredWithoutUpgrade, upgrade_required_without_upgrade),
    (Rule::RedirectWithoutLocation, redirect_without_location),
    (Rule::NotModifiedToUnconditionalRequest, not_modified_to_unconditional_request),
    (Rule::ContentTypeProblem, content_type_problem),
    (Rule::UnacceptableContentCoding, unacceptable_content_coding),
    (Rule::UpstreamGatewayError, upstream_gateway_error),
    (Rule::ProxyStatusFromOrigin, proxy_status_from_origin),
    (Rule::GatewayControlField, gateway_control_field),
];

impl<'b> Head<'b> {
    /// The advisory rules this head breaks, as the answer to that request; at most one of each.
    ///
    /// Costs a walk over the fields for each rule, and is for logs and reports, not for the way of every reply.
    /// What depends on the request is told only where the exchange knows it.
    pub fn advisories(&self, exchange: &Exchange) -> impl Iterator<Item = Violation> + use<'b> {
        let (head, exchange) = (*self, *exchange);
        CHECKS.into_iter().filter_map(move |(rule, check)| {
            let advice = Advice { head: &head, exchange: &exchange };
            Some(advice.violation(rule, check(&advice)?))
        })
    }

    /// Do the trailers differ from what the head announced (RFC 9110 6.6.2)? `trailers` of a reply that had none
    /// are [`Fields::NONE`].
    pub fn trailer_advisory(&self, trailers: Fields<'_>) -> Option<Violation> {
        let advice = Advice { head: self, exchange: &Exchange::GET };
        let announced =
            |name: &[u8]| self.get_all("trailer").any(|field| value::has_token(field.value(), name));
        let place = match trailers.clone().find(|field| !announced(field.name())) {
            Some(field) => Place { span: absolute(&field), detail: Some("not announced by Trailer") },
            None => advice.announced_in_vain(trailers)?,
        };
        Some(advice.violation(Rule::TrailerDeclarationMismatch, place))
    }

    /// Was the content chunked by the application itself (RFC 9112 6.1)?
    #[cfg(feature = "alloc")]
    pub(crate) fn content_advisory(&self, probe: &ContentProbe) -> Option<Violation> {
        let advice = Advice { head: self, exchange: &Exchange::GET };
        let place = Place { span: probe.looks_chunked()?, detail: None };
        let violation = advice.violation(Rule::ContentLooksChunked, place);
        Some(Violation { phase: Phase::Body, decided_at: probe.end(), ..violation })
    }
}

/// Names in a Trailer field that are held against the trailers.
const TRAILERS_CHECKED: usize = 64;

struct Advice<'h, 'b> {
    head: &'h Head<'b>,
    exchange: &'h Exchange,
}

/// Where to point, and what more to say.
struct Place {
    span: Span,
    detail: Option<&'static str>,
}

impl Place {
    fn detail(mut self, detail: &'static str) -> Place {
        self.detail = Some(detail);
        self
    }
}

fn absolute(field: &Field<'_>) -> Span {
    Span { start: field.offset(), end: field.offset() + field.name().len() as u64 }
}

impl<'b> Advice<'_, 'b> {
    fn status(&self) -> u16 {
        self.head.status()
    }

    fn violation(&self, rule: Rule, place: Place) -> Violation {
        let start = place.span.start.checked_sub(self.head.offset()).map(|start| start as usize);
        let is_empty = place.span.start == place.span.end;
        let byte = start.filter(|_| !is_empty).and_then(|start| self.head.wire().get(start));
        Violation {
            rule,
            phase: Phase::Header,
            retry: Retry::Never,
            found: byte.copied(),
            received_status: Some(self.status()),
            proxy_error: rule.proxy_error(),
            span: place.span,
            related: None,
            decided_at: self.end() - 1,
            message_start: self.head.offset(),
            detail: place.detail,
        }
    }

    fn end(&self) -> u64 {
        self.head.offset() + self.head.wire().len() as u64
    }

    fn end_of_head(&self) -> Place {
        Place { span: Span { start: self.end(), end: self.end() }, detail: None }
    }

    fn code(&self) -> Place {
        Place { span: self.head.code(), detail: None }
    }

    fn name_of(&self, field: &Field<'_>) -> Place {
        Place { span: absolute(field), detail: None }
    }

    fn value_of(&self, field: &Field<'_>) -> Place {
        self.in_value(field, 0..field.value().len())
    }

    fn in_value(&self, field: &Field<'_>, at: Range<usize>) -> Place {
        let start = field.value_offset();
        Place { span: Span { start: start + at.start as u64, end: start + at.end as u64 }, detail: None }
    }

    fn field(&self, name: &str) -> Option<Field<'b>> {
        self.head.get_all(name).next()
    }

    /// The end of the head, if it lacks a field that this status calls for.
    fn lacks(&self, status: u16, name: &str) -> Option<Place> {
        (self.status() == status && self.field(name).is_none()).then(|| self.end_of_head())
    }

    fn announced_in_vain(&self, trailers: Fields<'_>) -> Option<Place> {
        let announcing = self.field("trailer")?;
        let came = |name: &[u8]| trailers.clone().any(|field| field.name().eq_ignore_ascii_case(name));
        if self.head.framing() != Framing::Chunked {
            let place = self.name_of(&announcing);
            return (self.head.framing() != Framing::None).then(|| place.detail("no trailers can follow"));
        }
        // As many as may come; a longer list is not worth the time.
        let mut names = value::tokens(announcing.value()).take(TRAILERS_CHECKED);
        let missing = names.find_map(|member| match member {
            Ok(Member::Present(at)) if !came(&announcing.value()[at.clone()]) => Some(at),
            _ => None,
        })?;
        Some(self.in_value(&announcing, missing).detail("announced, and did not come"))
    }
}

fn unregistered_status_code(advice: &Advice<'_, '_>) -> Option<Place> {
    let code = advice.status();
    let registered = matches!(
        code,
        100..=104
            | 200..=208
            | 226
            | 300..=304
            | 307
            | 308
            | 400..=417
            | 421..=426
            | 428
            | 429
            | 431
            | 451
            | 500..=508
            | 510
            | 511
    );
    if registered || code > 599 {
        return None;
    }
    let detail = match code {
        305 => Some("deprecated: use a proxy"),
        306 => Some("reserved, once: switch proxy"),
        418 => Some("reserved: I'm a teapot"),
        _ => meaning(code),
    };
    Some(Place { detail, ..advice.code() })
}

fn unexpected_100_continue(advice: &Advice<'_, '_>) -> Option<Place> {
    let unexpected = advice.status() == 100 && advice.exchange.continue_asked() == Asked::No;
    unexpected.then(|| advice.code())
}

/// RFC 6455 4.1: a 101 to websocket proves with Sec-WebSocket-Accept that it read the request.
fn websocket_accept_invalid(advice: &Advice<'_, '_>) -> Option<Place> {
    let websocket = advice.head.get_all("upgrade").any(|field| value::has_token(field.value(), b"websocket"));
    if advice.status() != 101 || !websocket {
        return None;
    }
    let Some(accept) = advice.field("sec-websocket-accept") else { return Some(advice.end_of_head()) };
    let right = match advice.exchange.expected_accept() {
        Some(expected) => accept.value() == expected,
        None => is_digest(accept.value()),
    };
    (!right).then(|| advice.value_of(&accept))
}

/// 20 octets in base64.
fn is_digest(value: &[u8]) -> bool {
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    value.len() == 28 && value[27] == b'=' && value[..27].iter().all(base64)
}

fn missing_date(advice: &Advice<'_, '_>) -> Option<Place> {
    if advice.status() < 200 {
        return None;
    }
    match advice.field("date") {
        None => Some(advice.end_of_head()),
        Some(date) if is_http_date(date.value()) => None,
        Some(date) => Some(advice.value_of(&date).detail("not a date")),
    }
}

/// The shape of an HTTP-date (RFC 9110 5.6.7): letters for `a`, digits for `0`, a digit or blank for `_`.
fn is_http_date(value: &[u8]) -> bool {
    const IMF_FIXDATE: &[u8] = b"aaa, 00 aaa 0000 00:00:00 GMT";
    const RFC850_TIME: &[u8] = b", 00-aaa-00 00:00:00 GMT";
    const ASCTIME: &[u8] = b"aaa aaa _0 00:00:00 0000";
    let matches = |value: &[u8], shape: &[u8]| {
        value.len() == shape.len()
            && value.iter().zip(shape).all(|(&byte, &kind)| match kind {
                b'a' => byte.is_ascii_alphabetic(),
                b'0' => is_digit(byte),
                b'_' => is_digit(byte) || byte == b' ',
                _ => byte == kind,
            })
    };
    let weekday = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    matches(value, IMF_FIXDATE)
        || matches(value, ASCTIME)
        || (weekday >= 6 && matches(&value[weekday..], RFC850_TIME))
}

fn framing_field_lookalike(advice: &Advice<'_, '_>) -> Option<Place> {
    let found = advice.head.fields().find(|field| {
        [&b"content-length"[..], b"transfer-encoding"]
            .into_iter()
            .any(|name| !field.name().eq_ignore_ascii_case(name) && resembles(field.name(), name))
    })?;
    Some(advice.name_of(&found))
}

/// The same letters in any order and with any punctuation, perhaps after `X-`: what a gateway that normalises names
/// makes of it, or what a load balancer scrambled to disable a field.
fn resembles(name: &[u8], framing: &[u8]) -> bool {
    let bare = match name {
        [b'x' | b'X', b'-' | b'_', rest @ ..] => rest,
        _ => name,
    };
    let count =
        |bytes: &[u8], letter: u8| bytes.iter().filter(|byte| byte.eq_ignore_ascii_case(&letter)).count();
    let alphanumeric = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    alphanumeric(bare) == alphanumeric(framing)
        && (b'a'..=b'z').all(|letter| count(bare, letter) == count(framing, letter))
}

fn transfer_encoding_unsolicited(advice: &Advice<'_, '_>) -> Option<Place> {
    let field = advice.field("transfer-encoding")?;
    (advice.exchange.request_version() == Some(Version::Http10)).then(|| advice.name_of(&field))
}

/// Most codings one could mean to apply; more is a decompression bomb or a loop.
const CONTENT_CODINGS: usize = 4;

fn content_coding_error(advice: &Advice<'_, '_>) -> Option<Place> {
    let field = advice.field("content-encoding")?;
    if let Some(chunked) =
        advice.head.get_all("content-encoding").find(|field| value::has_token(field.value(), b"chunked"))
    {
        return Some(advice.value_of(&chunked).detail("chunked is a transfer coding"));
    }
    let codings = advice.head.get_all("content-encoding").flat_map(|field| value::tokens(field.value()));
    let codings = codings.filter(|member| matches!(member, Ok(Member::Present(_)))).count();
    (codings > CONTENT_CODINGS).then(|| advice.value_of(&field).detail("more than four codings"))
}

fn keep_alive_parameters(advice: &Advice<'_, '_>) -> Option<Place> {
    let field = advice.field("keep-alive")?;
    let has = |name: &[u8]| {
        field.value().split(|&byte| byte == b',').any(|parameter| {
            let mut parts = parameter.splitn(2, |&byte| byte == b'=');
            let is_name = parts.next().is_some_and(|part| trim_blank(part).eq_ignore_ascii_case(name));
            is_name && parts.next().is_some_and(|part| !part.is_empty())
        })
    };
    (has(b"timeout") || has(b"max")).then(|| advice.value_of(&field))
}

fn connection_bound_authentication(advice: &Advice<'_, '_>) -> Option<Place> {
    let bound = |field: &Field<'_>| {
        let scheme = field.value().split(|&byte| !is_tchar(byte)).next().unwrap_or_default();
        [&b"ntlm"[..], b"negotiate"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
    };
    let mut challenges =
        advice.head.get_all("www-authenticate").chain(advice.head.get_all("proxy-authenticate"));
    Some(advice.value_of(&challenges.find(bound)?))
}

fn partial_without_content_range(advice: &Advice<'_, '_>) -> Option<Place> {
    if advice.status() != 206 {
        return None;
    }
    let range = advice.field("content-range").is_some();
    let multipart = advice.field("content-type").is_some_and(|field| {
        let name = b"multipart/byteranges";
        field.value().get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    });
    match (range, multipart) {
        (false, false) => Some(advice.end_of_head()),
        (true, true) => Some(advice.end_of_head().detail("a multipart reply has it in its parts")),
        _ => None,
    }
}

fn unsolicited_partial_content(advice: &Advice<'_, '_>) -> Option<Place> {
    (advice.status() == 206 && advice.exchange.range_asked() == Asked::No).then(|| advice.code())
}

fn invalid_content_range(advice: &Advice<'_, '_>) -> Option<Place> {
    let status = advice.status();
    let Some(field) = advice.field("content-range") else {
        return (status == 416).then(|| advice.end_of_head());
    };
    let place = || advice.value_of(&field);
    if status != 206 && status != 416 {
        return Some(place().detail("it has a meaning in 206 and 416 only"));
    }
    let range = match content_range(field.value()) {
        Some(range) => range,
        None => return Some(place()),
    };
    match (range, advice.head.framing()) {
        (Some(size), Framing::Length(length)) if status == 206 && size != length => {
            Some(place().detail("Content-Length differs"))
        }
        _ => None,
    }
}

/// Content-Range of RFC 9110 14.4: how many bytes it covers, if it says; `None` if it is invalid. Units other than
/// bytes are not judged.
fn content_range(value: &[u8]) -> Option<Option<u64>> {
    let Some(range) = value.strip_prefix(b"bytes ") else {
        let unit = value.iter().take_while(|&&byte| is_tchar(byte)).count();
        let other =
            unit > 0 && value.get(unit) == Some(&b' ') && !value[..unit].eq_ignore_ascii_case(b"bytes");
        return other.then_some(None);
    };
    let mut parts = range.splitn(2, |&byte| byte == b'/');
    let (span, complete) = (parts.next()?, parts.next()?);
    let complete = if complete == b"*" { None } else { Some(number(complete)?) };
    if span == b"*" {
        return complete.map(|_| None);
    }
    let mut ends = span.splitn(2, |&byte| byte == b'-');
    let (first, last) = (number(ends.next()?)?, number(ends.next()?)?);
    let holds = first <= last && complete.is_none_or(|complete| last < complete);
    holds.then(|| (last - first).checked_add(1))
}

/// `1*DIGIT` up to 2^64-1.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = is_digit(digit).then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

fn unauthorized_without_challenge(advice: &Advice<'_, '_>) -> Option<Place> {
    advice.lacks(401, "www-authenticate")
}

fn proxy_authentication_from_upstream(advice: &Advice<'_, '_>) -> Option<Place> {
    (advice.status() == 407).then(|| advice.code())
}

fn method_not_allowed_without_allow(advice: &Advice<'_, '_>) -> Option<Place> {
    advice.lacks(405, "allow")
}

fn upgrade_required_without_upgrade(advice: &Advice<'_, '_>) -> Option<Place> {
    advice.lacks(426, "upgrade")
}

fn redirect_without_location(advice: &Advice<'_, '_>) -> Option<Place> {
    if !matches!(advice.status(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let Some(field) = advice.field("location") else { return Some(advice.end_of_head()) };
    let value = field.value();
    let odd = value.iter().position(|&byte| !(0x21..=0x7e).contains(&byte) || b"\"<>\\^`{|}".contains(&byte));
    let second = value.windows(4).position(|part| part == b",htt");
    let at = odd.or(second)?;
    Some(advice.in_value(&field, at..at + 1).detail("not a URI reference"))
}

fn not_modified_to_unconditional_request(advice: &Advice<'_, '_>) -> Option<Place> {
    let conditional = matches!(advice.status(), 304 | 412);
    (conditional && advice.exchange.precondition_asked() == Asked::No).then(|| advice.code())
}

fn content_type_problem(advice: &Advice<'_, '_>) -> Option<Place> {
    let Some(field) = advice.field("content-type") else {
        let content = matches!(advice.head.framing(), Framing::Length(1..));
        return (content && advice.exchange.method() != Method::Head).then(|| advice.end_of_head());
    };
    let at = media_type_fault(field.value())?;
    let end = field.value().len().min(at + 1);
    Some(advice.in_value(&field, at..end).detail("not a media type"))
}

/// media-type of RFC 9110 8.3.1; empty parameters are passed over. The place where it fails.
fn media_type_fault(value: &[u8]) -> Option<usize> {
    let token = |from: usize| value[from..].iter().take_while(|&&byte| is_tchar(byte)).count();
    let kind = token(0);
    if kind == 0 || value.get(kind) != Some(&b'/') || token(kind + 1) == 0 {
        return Some(kind.min(value.len()));
    }
    let mut at = kind + 1 + token(kind + 1);
    let blanks = |from: usize| value[from..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    loop {
        at += blanks(at);
        match value.get(at) {
            None => return None,
            Some(b';') => at += 1,
            Some(_) => return Some(at),
        }
        at += blanks(at);
        let name = token(at);
        if name == 0 {
            continue;
        }
        at += name;
        if value.get(at) != Some(&b'=') {
            return Some(at);
        }
        at += 1;
        let length = if value.get(at) == Some(&b'"') { value::quoted_len(&value[at..]) } else { token(at) };
        if length == 0 {
            return Some(if value.get(at) == Some(&b'"') { value.len() } else { at });
        }
        at += length;
    }
}

fn unacceptable_content_coding(advice: &Advice<'_, '_>) -> Option<Place> {
    const CODINGS: [&[u8]; 13] = [
        b"aes128gcm",
        b"br",
        b"compress",
        b"dcb",
        b"dcz",
        b"deflate",
        b"exi",
        b"gzip",
        b"identity",
        b"pack200-gzip",
        b"x-compress",
        b"x-gzip",
        b"zstd",
    ];
    let known = |coding: &[u8]| CODINGS.iter().any(|known| coding.eq_ignore_ascii_case(known));
    for field in advice.head.get_all("content-encoding") {
        let odd = value::tokens(field.value()).any(|member| match member {
            Ok(Member::Present(at)) => !known(&field.value()[at]),
            Ok(Member::Empty(_)) => false,
            Err(_) => true,
        });
        if odd {
            return Some(advice.value_of(&field).detail("not a content coding"));
        }
    }
    None
}

fn upstream_gateway_error(advice: &Advice<'_, '_>) -> Option<Place> {
    const GATEWAYS: [&[u8]; 12] = [
        b"akamaighost",
        b"apache traffic server",
        b"ats",
        b"awselb",
        b"caddy",
        b"cloudflare",
        b"cloudfront",
        b"envoy",
        b"haproxy",
        b"nginx",
        b"squid",
        b"varnish",
    ];
    let server = || {
        let names = |field: Field<'_>| {
            let name = field.value();
            let starts = |gateway: &&[u8]| {
                name.get(..gateway.len()).is_some_and(|start| start.eq_ignore_ascii_case(gateway))
            };
            GATEWAYS.iter().any(starts)
        };
        advice.field("server").is_some_and(names)
    };
    let made_elsewhere = match advice.status() {
        502 | 504 => advice.field("via").is_some() || advice.field("proxy-status").is_some() || server(),
        503 => advice
            .head
            .get_all("proxy-status")
            .any(|field| field.value().windows(6).any(|part| part.eq_ignore_ascii_case(b"error="))),
        _ => false,
    };
    made_elsewhere.then(|| advice.code().detail("made by another gateway on the way"))
}

fn proxy_status_from_origin(advice: &Advice<'_, '_>) -> Option<Place> {
    Some(advice.name_of(&advice.field("proxy-status")?))
}

fn gateway_control_field(advice: &Advice<'_, '_>) -> Option<Place> {
    let controls = |field: &Field<'_>| {
        let name = field.name();
        let starts =
            |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        starts(b"x-accel-")
            || starts(b"x-envoy-")
            || is(b"x-sendfile")
            || is(b"x-lighttpd-send-file")
            || is(b"x-litespeed-location")
            || is(b"surrogate-control")
            || is(b"status")
    };
    Some(advice.name_of(&advice.head.fields().find(controls)?))
}

/// Watches content go by for the marks of a body that was chunked by the application itself.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Default)]
pub(crate) struct ContentProbe {
    first: [u8; 12],
    first_len: usize,
    last: [u8; 5],
    total: u64,
    at: u64,
}

#[cfg(feature = "alloc")]
impl ContentProbe {
    /// `content` at offset `at` comes next.
    pub(crate) fn watch(&mut self, content: &[u8], at: u64) {
        if self.total == 0 {
            self.at = at;
        }
        self.total += content.len() as u64;
        let room = (self.first.len() - self.first_len).min(content.len());
        self.first[self.first_len..self.first_len + room].copy_from_slice(&content[..room]);
        self.first_len += room;
        for &byte in &content[content.len().saturating_sub(self.last.len())..] {
            self.last.rotate_left(1);
            self.last[4] = byte;
        }
    }

    /// The offset after the content, were it in one piece.
    pub(crate) fn end(&self) -> u64 {
        self.at + self.total
    }

    /// The first octet of a content that begins with a chunk size and ends with the last chunk.
    pub(crate) fn looks_chunked(&self) -> Option<Span> {
        let first = &self.first[..self.first_len];
        let digits = first.iter().take_while(|&&byte| hex_value(byte).is_some()).count();
        let begins = digits > 0 && matches!(first[digits..], [b'\r', b'\n', ..]);
        (begins && &self.last == b"0\r\n\r\n").then_some(Span { start: self.at, end: self.at + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::{Event, Parser};
    use crate::policy::Policy;

    /// What that rule says of the last head in the reply to a GET.
    fn advised(reply: &[u8], rule: Rule) -> Option<Violation> {
        let mut parser = Parser::new(Policy::DEFAULT);
        parser.begin(Exchange::GET);
        let (mut input, mut advised) = (reply, None);
        while let Some(event) = parser.next_event(&mut input).unwrap() {
            if let Event::Head(head) = event {
                advised = head.advisories(&Exchange::GET).find(|advisory| advisory.rule() == rule);
            }
        }
        advised
    }

    /// The same, of a 200 with that field.
    fn advised_of(field: &str, rule: Rule) -> Option<Violation> {
        advised(std::format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{field}\r\n\r\n").as_bytes(), rule)
    }

    #[test]
    fn an_advisory_points_at_octets_of_its_head() {
        let interim = &b"HTTP/1.1 103 Early Hints\r\n\r\n"[..];
        let head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nProxy-Status: a\r\nLocation: /a b\r\n\r\n";
        let reply = [interim, head].concat();
        let start = interim.len() as u64;
        let at = |rule| {
            let advisory = advised(&reply, rule).unwrap();
            assert_eq!(advisory.phase(), Phase::Header);
            assert_eq!(advisory.decided_at(), reply.len() as u64 - 1);
            (advisory.offset(), advisory.span().end - start, advisory.found())
        };
        assert_eq!(at(Rule::ProxyStatusFromOrigin), (39, 51, Some(b'P')));
        assert_eq!(at(Rule::RedirectWithoutLocation), (68, 69, Some(b' ')));
        // The end of the head is a place, and no octet.
        assert_eq!(at(Rule::MissingDate), (74, 74, None));
        let advisory = advised_of("Content-Type: text/html, a", Rule::ContentTypeProblem).unwrap();
        assert_eq!((advisory.span(), advisory.found()), (Span { start: 59, end: 60 }, Some(b',')));
        let advisory = advised_of("Content-Type: text", Rule::ContentTypeProblem).unwrap();
        assert_eq!((advisory.span(), advisory.found()), (Span { start: 54, end: 54 }, None));
    }

    #[test]
    fn codes_that_have_a_history_are_told_it() {
        let detail = |code: u16| {
            let reply = std::format!("HTTP/1.1 {code} \r\nContent-Length: 0\r\n\r\n");
            let advisory = advised(reply.as_bytes(), Rule::UnregisteredStatusCode).unwrap();
            assert_eq!(advisory.span(), Span { start: 9, end: 12 });
            advisory.detail()
        };
        assert_eq!(detail(305), Some("deprecated: use a proxy"));
        assert_eq!(detail(306), Some("reserved, once: switch proxy"));
        assert_eq!(detail(418), Some("reserved: I'm a teapot"));
        assert_eq!(detail(522), meaning(522));
    }

    #[test]
    fn an_accept_value_is_a_digest_in_base64() {
        assert!(is_digest(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert!(is_digest(b"s3pPLMBiTxaQ9kYGzzhZRbK/xOo="));
        for value in [
            &b""[..],
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xO=",
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOoo=",
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOoo",
            b"s3pPLMBiTxaQ9kYGzzhZRbK-xOo=",
            b"=3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ] {
            assert!(!is_digest(value), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn every_final_reply_has_a_date() {
        for (status, missing) in [("103", false), ("200", true), ("204", true), ("404", true)] {
            let reply = std::format!("HTTP/1.1 {status} \r\n\r\n");
            assert_eq!(advised(reply.as_bytes(), Rule::MissingDate).is_some(), missing, "{status}");
        }
    }

    #[test]
    fn dates_have_one_of_three_shapes() {
        assert!(is_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(is_http_date(b"Sunday, 06-Nov-94 08:49:37 GMT"));
        assert!(is_http_date(b"Sun Nov  6 08:49:37 1994"));
        assert!(!is_http_date(b"0"));
        assert!(!is_http_date(b"tomorrow"));
        assert!(!is_http_date(b"Sun, 06-Nov-94 08:49:37 GMT"));
        assert!(!is_http_date(b"Sun, 06 Nov 1994 08:49:37 CET"));
    }

    #[test]
    fn a_lookalike_has_the_same_letters_and_no_other() {
        let length = b"content-length";
        for name in [&b"Contnet-Length"[..], b"x-content_length", b"Content.Length-"] {
            assert!(resembles(name, length), "{}", name.escape_ascii());
        }
        for name in [&b"Content-Length2"[..], b"Content-Lengte", b"Content-Lengths", b"xx-Content-Length"] {
            assert!(!resembles(name, length), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn keep_alive_has_parameters_of_two_names() {
        for (value, noted) in [
            ("timeout=5", true),
            ("a=b, max = 9", true),
            ("a, MAX=9", true),
            ("timeout", false),
            ("max=", false),
            ("a=5", false),
        ] {
            let field = std::format!("Keep-Alive: {value}");
            assert_eq!(advised_of(&field, Rule::KeepAliveParameters).is_some(), noted, "{value}");
        }
    }

    #[test]
    fn each_field_that_controls_a_gateway_is_one_by_itself() {
        for name in [
            "X-Accel-Redirect",
            "X-Envoy-Overloaded",
            "X-Sendfile",
            "X-Lighttpd-Send-File",
            "X-LiteSpeed-Location",
            "Surrogate-Control",
            "Status",
        ] {
            assert!(advised_of(&std::format!("{name}: a"), Rule::GatewayControlField).is_some(), "{name}");
        }
        for name in ["X-Accelerator", "X-Env", "X-Sendfiles", "Statu"] {
            assert_eq!(advised_of(&std::format!("{name}: a"), Rule::GatewayControlField), None, "{name}");
        }
    }

    #[test]
    fn media_types_fail_where_they_go_wrong() {
        assert_eq!(media_type_fault(b"text/html; charset=utf-8"), None);
        assert_eq!(media_type_fault(b"text/html;"), None);
        assert_eq!(media_type_fault(b"a/b; c=\"d\\\"e\" ; f=g"), None);
        assert_eq!(media_type_fault(b"text/html, text/plain"), Some(9));
        assert_eq!(media_type_fault(b"text"), Some(4));
        assert_eq!(media_type_fault(b"text/"), Some(4));
        assert_eq!(media_type_fault(b"text/html; charset=\""), Some(20));
        assert_eq!(media_type_fault(b""), Some(0));
    }

    #[test]
    fn ranges_hold_together() {
        assert_eq!(content_range(b"bytes 0-9/10"), Some(Some(10)));
        assert_eq!(content_range(b"bytes 0-9/*"), Some(Some(10)));
        assert_eq!(content_range(b"bytes 99-101/1234"), Some(Some(3)));
        assert_eq!(content_range(b"bytes */10"), Some(None));
        assert_eq!(content_range(b"rows 1"), Some(None));
        for value in [
            &b"bytes 9-5/10"[..],
            b"bytes 0-9/5",
            b"bytes 0-/5",
            b"bytes */*",
            b"0-9/10",
            b"bytes=0-9/10",
            b" 0-9/10",
        ] {
            assert_eq!(content_range(value), None, "{value:?}");
        }
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn content_is_chunked_if_it_begins_and_ends_so() {
        let looks_chunked = |pieces: &[&[u8]]| {
            let mut probe = ContentProbe::default();
            let mut at = 100;
            for piece in pieces {
                probe.watch(piece, at);
                at += piece.len() as u64 + 2;
            }
            probe.looks_chunked().map(|span| (span.start, span.end, probe.end()))
        };
        assert_eq!(looks_chunked(&[b"5\r\nhello\r\n0\r\n\r\n"]), Some((100, 101, 115)));
        // In pieces, its end is told as if it were in one.
        assert_eq!(looks_chunked(&[b"5", b"\r\nhello\r\n0", b"\r\n\r\n"]), Some((100, 101, 115)));
        for content in
            [&b"body\r\n0\r\n\r\n"[..], b"\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n", b"5 0\r\n\r\n", b""]
        {
            assert_eq!(looks_chunked(&[content]), None, "{}", content.escape_ascii());
        }
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn what_the_content_looks_like_is_told_of_the_body() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let report = crate::report::validate(reply, Exchange::GET, &Policy::DEFAULT, None);
        let note = report.notes().iter().find(|note| note.rule() == Rule::ContentLooksChunked).unwrap();
        assert_eq!((note.phase(), note.decided_at()), (Phase::Body, reply.len() as u64));
    }
}
