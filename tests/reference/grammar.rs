//! The syntax of a reply, as RFC 9112 and RFC 9110 write it in ABNF.
//!
//! All parsers are streaming ones: `Incomplete` says that the octets so far are the start of something valid, an error
//! that nothing which begins with them is. This is the grammar of a strict reader: it has nothing of what a recipient
//! may bear though no sender may write it, except for blanks within chunk extensions.

use std::fmt;

use badgateway::{Limits, Version};
use nom::branch::alt;
use nom::bytes::complete;
use nom::bytes::streaming::{tag, tag_no_case, take, take_while, take_while1};
use nom::character::streaming::{char, one_of};
use nom::combinator::{map_opt, not, opt, peek, recognize, value, verify};
use nom::error::{Error, ErrorKind};
use nom::multi::{fold_many_m_n, fold_many0};
use nom::sequence::{delimited, pair, preceded, separated_pair, terminated};
use nom::{Err, IResult, Parser};

pub type Parsed<'i, T> = IResult<&'i [u8], T>;

/// Octets that stand escaped in the report of a property that fails.
#[derive(Clone, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl From<&[u8]> for Octets {
    fn from(octets: &[u8]) -> Octets {
        Octets(octets.to_vec())
    }
}

/// Name and value.
pub type Field = (Octets, Octets);

/// `status-line = HTTP-version SP status-code SP [ reason-phrase ]`, and the header section.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub version: Version,
    pub status: u16,
    pub reason: Octets,
    pub fields: Vec<Field>,
}

/// What a parser reads may take so many octets and no more. The first one past them is the one refused, though it may
/// be certain before that the rest cannot fit.
pub fn within<'i, T>(
    limit: u64,
    mut parser: impl FnMut(&'i [u8]) -> Parsed<'i, T>,
) -> impl FnMut(&'i [u8]) -> Parsed<'i, T> {
    move |input| {
        let told = parser(input);
        let read = match &told {
            Ok((rest, _)) => input.len() - rest.len(),
            Err(Err::Incomplete(_)) => input.len(),
            Err(_) => 0,
        };
        // A failure, so that no other reading of the same octets is looked for.
        if read as u64 > limit { Err(Err::Failure(Error::new(input, ErrorKind::TooLarge))) } else { told }
    }
}

// Characters, RFC 5234 B.1 and RFC 9110 5.5 and 5.6

/// `VCHAR = %x21-7E`
fn is_vchar(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e)
}

/// `obs-text = %x80-FF`
fn is_obs_text(octet: u8) -> bool {
    matches!(octet, 0x80..=0xff)
}

/// `SP / HTAB`
fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// `HTAB / SP / VCHAR / obs-text`: of these are a reason phrase, a field value and what may be quoted by a backslash.
fn is_text(octet: u8) -> bool {
    is_blank(octet) || is_vchar(octet) || is_obs_text(octet)
}

/// `tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA`
pub fn is_tchar(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// `qdtext = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text`
fn is_qdtext(octet: u8) -> bool {
    is_text(octet) && octet != b'"' && octet != b'\\'
}

fn crlf(input: &[u8]) -> Parsed<'_, &[u8]> {
    tag("\r\n")(input)
}

/// `token = 1*tchar`
fn token(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_tchar)(input)
}

// Head, RFC 9112 section 2 to 5

/// `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`, `HTTP-name = %s"HTTP"`
///
/// A name is read to its slash before it is refused for its case, and a major version, with which the syntax would be
/// another, to its full stop: so each fault can be called by its name. A minor version above 1 there has never been.
fn http_version(input: &[u8]) -> Parsed<'_, Version> {
    let name = verify(tag_no_case("HTTP/"), |name: &[u8]| name == b"HTTP/");
    let major = verify(terminated(one_of("0123456789"), char('.')), |&digit| digit == '1');
    let minor = alt((value(Version::Http10, char('0')), value(Version::Http11, char('1'))));
    preceded((name, major), minor).parse(input)
}

/// `status-code = 3DIGIT`, known with the third.
fn status_code(input: &[u8]) -> Parsed<'_, u16> {
    let digit = || one_of("0123456789").map(|digit| digit as u16 - '0' as u16);
    let (rest, (hundreds, tens, ones)) = (digit(), digit(), digit()).parse(input)?;
    Ok((rest, hundreds * 100 + tens * 10 + ones))
}

/// `HTTP-version SP status-code`: what is to be known of a message before anything else.
pub fn version_and_status(input: &[u8]) -> Parsed<'_, (Version, u16)> {
    separated_pair(http_version, char(' '), status_code).parse(input)
}

/// `reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )`, and it may be left out
fn reason_phrase(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(is_text)(input)
}

/// `field-line = field-name ":" OWS field-value OWS`
///
/// `field-value = *field-content` neither begins nor ends with a blank: it is what is left without the blanks around.
fn field_line(input: &[u8]) -> Parsed<'_, Field> {
    let (rest, (name, octets)) = separated_pair(token, char(':'), take_while(is_text)).parse(input)?;
    Ok((rest, (name.into(), trim(octets).into())))
}

/// `*( field-line CRLF ) CRLF`, and so many field lines that there are at most.
fn field_section(input: &[u8], most: u16, longest: u32) -> Parsed<'_, Vec<Field>> {
    let line = terminated(within(longest.into(), field_line), crlf);
    let keep = |mut fields: Vec<Field>, field| {
        fields.push(field);
        fields
    };
    terminated(fold_many_m_n(0, most.into(), line, Vec::new, keep), crlf).parse(input)
}

/// `start-line CRLF *( field-line CRLF ) CRLF`
///
/// `may_come` looks at version and status as soon as they are there.
pub fn head<'i>(
    input: &'i [u8],
    limits: &Limits,
    may_come: impl Fn(Version, u16) -> bool,
) -> Parsed<'i, Head> {
    let status_line = |input| {
        let known = verify(version_and_status, |&(version, status)| may_come(version, status));
        pair(known, preceded(char(' '), reason_phrase)).parse(input)
    };
    let (rest, ((version, status), reason)) =
        terminated(within(limits.status_line.into(), status_line), crlf).parse(input)?;
    let (rest, fields) = field_section(rest, limits.fields, limits.field_line)?;
    Ok((rest, Head { version, status, reason: reason.into(), fields }))
}

// Chunked coding, RFC 9112 section 7.1

/// `chunked-body = *chunk last-chunk trailer-section CRLF`
///
/// `longest` is how many octets of content there may be.
pub fn chunked_body<'i>(input: &'i [u8], limits: &Limits, longest: u64) -> Parsed<'i, (Vec<u8>, Vec<Field>)> {
    let (mut rest, mut content, mut overhead) = (input, Vec::new(), 0);
    loop {
        let bearable = |carried: usize| {
            u64::from(limits.chunk_overhead) + u64::from(limits.chunk_overhead_ratio) * carried as u64
                - overhead
        };
        let (after_line, size) = within(bearable(content.len()), |input| chunk_line(input, limits))(rest)?;
        if size == 0 {
            rest = after_line;
            break;
        }
        let (after_data, chunk_data) = within(longest - content.len() as u64, take(size))(after_line)?;
        content.extend(chunk_data);
        let line = (rest.len() - after_line.len()) as u64;
        (rest, _) = within(bearable(content.len()) - line, crlf)(after_data)?;
        overhead += line + 2;
    }
    let (rest, trailers) = trailer_section(rest, limits)?;
    Ok((rest, (content, trailers)))
}

/// `chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF`, of which this is the line.
fn chunk_line<'i>(input: &'i [u8], limits: &Limits) -> Parsed<'i, u64> {
    let size_and_extensions = |input| terminated(chunk_size, chunk_ext).parse(input);
    terminated(within(limits.chunk_line.into(), size_and_extensions), crlf).parse(input)
}

/// `chunk-size = 1*HEXDIG`, refused at the digit with which it goes past 2^63-1.
fn chunk_size(input: &[u8]) -> Parsed<'_, u64> {
    let is_hexdig = |octet: u8| octet.is_ascii_hexdigit();
    let so_far = peek(map_opt(complete::take_while(is_hexdig), number));
    preceded(so_far, map_opt(take_while1(is_hexdig), number)).parse(input)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = (digit as char).to_digit(16)?;
        number.checked_mul(16)?.checked_add(digit.into()).filter(|&number| number <= i64::MAX as u64)
    })
}

/// `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
///
/// Next to a chunk-size a strict reader takes no BWS, which there is mostly padding without any extension.
fn chunk_ext(input: &[u8]) -> Parsed<'_, ()> {
    let chunk_ext_name = token;
    let chunk_ext_val = alt((token, quoted_string));
    let value = opt(preceded((bws, char('='), bws), chunk_ext_val));
    let extension = preceded((bws, char(';'), bws), pair(chunk_ext_name, value));
    preceded(not(one_of(" \t")), fold_many0(extension, || (), |(), _| ())).parse(input)
}

/// `BWS = *( SP / HTAB )`
fn bws(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(is_blank)(input)
}

/// `quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE`
///
/// `quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text )`
fn quoted_string(input: &[u8]) -> Parsed<'_, &[u8]> {
    let qdtext = take_while1(is_qdtext);
    let quoted_pair = recognize(pair(char('\\'), verify(take(1usize), |octet: &[u8]| is_text(octet[0]))));
    let inside = fold_many0(alt((qdtext, quoted_pair)), || &b""[..], |_, part| part);
    delimited(char('"'), inside, char('"')).parse(input)
}

/// `trailer-section = *( field-line CRLF )`, and the empty line after it
fn trailer_section<'i>(input: &'i [u8], limits: &Limits) -> Parsed<'i, Vec<Field>> {
    let fields = |input| field_section(input, limits.trailer_fields, limits.field_line);
    within(limits.trailer_section.into(), fields)(input)
}

/// Without the blanks around it, and only those.
pub fn trim(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}
