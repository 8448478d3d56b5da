//! Grammars of the values that framing depends on, over complete values; they never drive the stream.
//!
//! Written with nom, each after the ABNF it names. A failure is the position in the value where the grammar had no
//! way on, which is the byte to blame.
#![forbid(unsafe_code)]

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{opt, recognize};
use nom::error::{Error, ErrorKind};
use nom::multi::fold_many0;
use nom::sequence::terminated;
use nom::{Err, IResult, Parser};

use crate::class::{is_blank, is_digit, is_tchar, is_text};

type Parsed<'v, T> = IResult<&'v [u8], T, Error<&'v [u8]>>;

/// Empty members of a list that are passed over in one value: "a reasonable number" (RFC 9110 5.6.1.2).
const EMPTY_MEMBERS: usize = 16;

fn blank(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(is_blank).parse(input)
}

fn token(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_tchar).parse(input)
}

/// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
fn quoted_string(input: &[u8]) -> Parsed<'_, &[u8]> {
    let qdtext = take_while1(|byte| is_text(byte) && byte != b'"' && byte != b'\\');
    let quoted_pair = recognize((char('\\'), nom::bytes::complete::take(1usize)));
    let inside = fold_many0(nom::branch::alt((qdtext, quoted_pair)), || (), |(), _: &[u8]| ());
    recognize((char('"'), inside, char('"'))).parse(input)
}

/// Where in `value` the rest begins.
fn position(value: &[u8], rest: &[u8]) -> usize {
    value.len() - rest.len()
}

fn failed_at(value: &[u8], error: Err<Error<&[u8]>>) -> usize {
    match error {
        Err::Error(error) | Err::Failure(error) => position(value, error.input),
        Err::Incomplete(_) => value.len(),
    }
}

/// A range of a value.
pub(crate) type At = core::ops::Range<usize>;

/// One number in a Content-Length value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) at: At,
    pub(crate) value: u64,
}

/// Why a Content-Length value has no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LengthFault {
    /// This octet is not the DIGIT or the comma that was due.
    Malformed(usize),
    /// This digit passes 2^63-1.
    Overflow(usize),
}

/// Content-Length = 1*DIGIT, or a list of it as recipients meet (RFC 9110 8.6). Empty members are no numbers.
pub(crate) fn lengths(value: &[u8]) -> impl Iterator<Item = Result<Length, LengthFault>> {
    let mut rest = Some(value);
    core::iter::from_fn(move || {
        let (input, _) = blank(rest.take()?).ok()?;
        let number = terminated(take_while1(is_digit), blank);
        let parsed = (number, opt(char(','))).parse(input);
        let (after, (digits, comma)): (_, (&[u8], _)) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return Some(Err(LengthFault::Malformed(failed_at(value, error)))),
        };
        // In this reading nothing but a comma parts two numbers.
        if comma.is_none() && !after.is_empty() {
            return Some(Err(LengthFault::Malformed(position(value, after))));
        }
        rest = comma.map(|_| after);
        Some(decimal(digits, position(value, input)))
    })
}

fn decimal(digits: &[u8], start: usize) -> Result<Length, LengthFault> {
    let mut value = 0u64;
    for (place, digit) in digits.iter().enumerate() {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        value = match next {
            Some(next) if next <= i64::MAX as u64 => next,
            _ => return Err(LengthFault::Overflow(start + place)),
        };
    }
    Ok(Length { at: start..start + digits.len(), value })
}

/// The number at the front, in its plain form and up to a CRLF: digits alone, no leading zero, nowhere near overflow.
#[inline(always)]
pub(crate) fn plain_length(rest: &[u8]) -> Option<u64> {
    let short = rest.first_chunk().and_then(|word| short_length(u64::from_le_bytes(*word)));
    short.or_else(|| any_length(rest))
}

/// One of at most six digits, which with their CRLF are the first of eight octets. How many there are is nothing to
/// guess at, so that none of them is looked at alone.
#[inline(always)]
fn short_length(word: u64) -> Option<u64> {
    const ONES: u64 = u64::MAX / 0xff;
    let values = word ^ (u64::from(b'0') * ONES);
    // The top bit of an octet is set where it is no digit; beyond the first of them it may be wrong.
    let others = (values | values.wrapping_add((0x80 - 10) * ONES)) & (0x80 * ONES);
    let bits = others.trailing_zeros() & !7;
    let has_leading_zero = values & 0xff == 0 && bits > 8;
    if !matches!(bits, 8..=48) || has_leading_zero || (word >> bits) & 0xffff != CRLF {
        return None;
    }
    // Zeros before the first; then one number of every two, of every four, of all eight.
    let ones = values << (u64::BITS - bits);
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

const CRLF: u64 = u16::from_le_bytes(*b"\r\n") as u64;

#[inline(never)]
fn any_length(rest: &[u8]) -> Option<u64> {
    let mut length = 0;
    let mut digits = 0;
    while let Some(digit @ b'0'..=b'9') = rest.get(digits) {
        if digits == 18 {
            return None;
        }
        length = length * 10 + u64::from(digit - b'0');
        digits += 1;
    }
    let is_plain = digits > 0 && (digits == 1 || rest[0] != b'0') && rest[digits..].starts_with(b"\r\n");
    is_plain.then_some(length)
}

/// A member of a list: present, or nothing between two commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member<T> {
    Present(T),
    /// Nothing stands before the octet at this position: a comma or the end.
    Empty(usize),
}

/// The members of `#element` as recipients read it (RFC 9110 5.6.1.2). After a fault, told as its position, the list
/// goes on behind the next comma.
fn list<'v, T, F>(value: &'v [u8], element: F) -> impl Iterator<Item = Result<Member<T>, usize>>
where
    F: Fn(&'v [u8], &'v [u8]) -> Parsed<'v, T>,
{
    let mut rest = Some(value);
    let mut empty = 0;
    core::iter::from_fn(move || {
        let (input, _) = blank(rest.take()?).ok()?;
        if matches!(input, [] | [b',', ..]) {
            rest = input.get(1..);
            empty += 1;
            let at = position(value, input);
            return Some(if empty > EMPTY_MEMBERS { Err(at) } else { Ok(Member::Empty(at)) });
        }
        let parsed = terminated(|input| element(value, input), blank).parse(input);
        let fault = match parsed {
            Ok(([], member)) => return Some(Ok(Member::Present(member))),
            Ok(([b',', after @ ..], member)) => {
                rest = Some(after);
                return Some(Ok(Member::Present(member)));
            }
            Ok((after, _)) => position(value, after),
            Err(error) => failed_at(value, error),
        };
        rest = memchr::memchr(b',', &value[fault..]).map(|comma| &value[fault + comma + 1..]);
        Some(Err(fault))
    })
}

/// One member of Transfer-Encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coding {
    pub(crate) name: At,
    /// The semicolon of its first parameter.
    pub(crate) parameters: Option<usize>,
}

/// Transfer-Encoding = #transfer-coding; transfer-coding = token *( OWS ";" OWS transfer-parameter )
///
/// Parameters of chunked that are off the grammar are passed over: it has none, so that the semicolon is the fault.
pub(crate) fn codings(value: &[u8]) -> impl Iterator<Item = Result<Member<Coding>, usize>> {
    list(value, |value, input| {
        let (after_name, name) = token(input)?;
        let start = position(value, input);
        let name_at = start..start + name.len();
        let (semicolon, _) = blank(after_name)?;
        if semicolon.first() != Some(&b';') {
            return Ok((after_name, Coding { name: name_at, parameters: None }));
        }
        let coding = Coding { name: name_at, parameters: Some(position(value, semicolon)) };
        match parameters(semicolon) {
            Ok((rest, ())) => Ok((rest, coding)),
            Err(_) if name.eq_ignore_ascii_case(b"chunked") => {
                let end = memchr::memchr(b',', semicolon).unwrap_or(semicolon.len());
                Ok((&semicolon[end..], coding))
            }
            Err(error) => Err(error),
        }
    })
}

/// 1*( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) )
fn parameters(mut input: &[u8]) -> Parsed<'_, ()> {
    loop {
        let (at, _) = blank(input)?;
        if at.first() != Some(&b';') {
            return Ok((input, ()));
        }
        let (at, _) = (char(';'), blank, token, blank, char('='), blank).parse(at)?;
        let (at, _) = match at.first() {
            Some(b'"') => quoted_string(at)?,
            Some(_) => token(at)?,
            None => return Err(Err::Error(Error { input: at, code: ErrorKind::Eof })),
        };
        input = at;
    }
}

/// Connection = #token; also Trailer = #field-name.
pub(crate) fn tokens(value: &[u8]) -> impl Iterator<Item = Result<Member<At>, usize>> {
    list(value, |value, input| {
        let (rest, token) = token(input)?;
        let start = position(value, input);
        Ok((rest, start..start + token.len()))
    })
}

/// Upgrade = #protocol; protocol = protocol-name [ "/" protocol-version ], both tokens.
pub(crate) fn protocols(value: &[u8]) -> impl Iterator<Item = Result<Member<At>, usize>> {
    list(value, |value, input| {
        let protocol = (token, opt((char('/'), token)));
        let (rest, protocol) = recognize(protocol).parse(input)?;
        let start = position(value, input);
        Ok((rest, start..start + protocol.len()))
    })
}

/// How long the quoted-string at the front is; 0 if there is none, or it is not closed.
pub(crate) fn quoted_len(input: &[u8]) -> usize {
    quoted_string(input).map_or(0, |(rest, _)| position(input, rest))
}

/// Does a list of tokens hold this one, in any case? Members that are no tokens are passed over.
pub(crate) fn has_token(value: &[u8], wanted: &[u8]) -> bool {
    tokens(value).any(|member| match member {
        Ok(Member::Present(at)) => value[at].eq_ignore_ascii_case(wanted),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn length_values(value: &[u8]) -> Result<Vec<u64>, LengthFault> {
        lengths(value).map(|length| length.map(|length| length.value)).collect()
    }

    #[test]
    fn lengths_are_digits_and_commas() {
        assert_eq!(length_values(b"5"), Ok([5].into()));
        assert_eq!(length_values(b"5, 05\t,5"), Ok([5, 5, 5].into()));
        assert_eq!(length_values(b"9223372036854775807"), Ok([i64::MAX as u64].into()));
        assert_eq!(length_values(b"9223372036854775808"), Err(LengthFault::Overflow(18)));
        assert_eq!(length_values(b"1, 18446744073709551617"), Err(LengthFault::Overflow(22)));
        for (value, at) in [
            (&b""[..], 0),
            (b"+5", 0),
            (b"-1", 0),
            (b"0x5", 1),
            (b"5 5", 2),
            (b"5O", 1),
            (b"1e3", 1),
            (b"5;", 1),
            (b"5,", 2),
            (b",5", 0),
            (b"5,,5", 2),
            (b"5 , x", 4),
            (b"\xef\xbc\x95", 0),
        ] {
            assert_eq!(length_values(value), Err(LengthFault::Malformed(at)), "{value:?}");
        }
    }

    #[test]
    fn the_fast_paths_agree_with_the_grammar() {
        let numbers = ["0", "5", "42", "907", "1000", "65535", "999999", "1234567", "123456789012345678"];
        let odd = ["", "05", "00", "1234567890123456789", "5,5", "5 ", "5\x3a", "/5", "5\r", "5\n", "\r\n5"];
        // Near the end of what has come, and far from it.
        for behind in ["", "\r\n", "\r\n01234567"] {
            for number in numbers {
                let rest = [number, "\r\n", behind].concat();
                assert_eq!(plain_length(rest.as_bytes()), number.parse().ok(), "{rest:?}");
                assert_eq!(plain_length(number.as_bytes()), None, "{number:?} goes on");
            }
            for value in odd {
                let rest = [value, "\r\n", behind].concat();
                assert_eq!(plain_length(rest.as_bytes()), None, "{rest:?}");
            }
        }
    }

    /// What the grammar says of the octets that have come.
    fn plain_number(rest: &[u8]) -> Option<u64> {
        let end = rest.windows(2).position(|end| end == b"\r\n")?;
        let (digits, is_zero) = (&rest[..end], rest.starts_with(b"0\r\n"));
        let is_plain = digits.iter().all(u8::is_ascii_digit) && (is_zero || !digits.starts_with(b"0"));
        length_values(digits).ok().filter(|_| is_plain).map(|lengths| lengths[0])
    }

    #[test]
    fn a_short_length_is_any_number_of_six_digits_and_nothing_else() {
        for number in (0..2000).chain((2000..1_000_000).step_by(37)) {
            let word = *std::format!("{number}\r\n012345").as_bytes().first_chunk().unwrap();
            assert_eq!(short_length(u64::from_le_bytes(word)), Some(number));
        }
        for rest in
            ["\r\n123456", "0\r\n12345", "10\r\n9999", "999\r\n000", "2048\r\n9x", "99999\r\n0", "123456\r\n"]
        {
            for (at, byte) in (0..8).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut word: [u8; 8] = *rest.as_bytes().first_chunk().unwrap();
                word[at] = byte;
                let found = short_length(u64::from_le_bytes(word));
                assert_eq!(found, plain_number(&word), "{}", word.escape_ascii());
            }
        }
    }

    type Named<'v> = (&'v [u8], Option<usize>);

    fn coding_names(value: &[u8]) -> Result<Vec<Named<'_>>, usize> {
        codings(value)
            .filter_map(|member| match member {
                Ok(Member::Present(coding)) => Some(Ok((&value[coding.name], coding.parameters))),
                Ok(Member::Empty(_)) => None,
                Err(at) => Some(Err(at)),
            })
            .collect()
    }

    #[test]
    fn codings_are_tokens_with_parameters() {
        assert_eq!(coding_names(b"gzip , CHUNKED"), Ok([(&b"gzip"[..], None), (b"CHUNKED", None)].into()));
        assert_eq!(coding_names(b"a;b=c ; d=\"e,\\\"\", f"), Ok([(&b"a"[..], Some(1)), (b"f", None)].into()));
        assert_eq!(coding_names(b"chunked ;"), Ok([(&b"chunked"[..], Some(8))].into()));
        assert_eq!(coding_names(b"\"chunked\""), Err(0));
        assert_eq!(coding_names(b"chun ked"), Err(5));
        assert_eq!(coding_names(b"\xa0chunked"), Err(0));
        assert_eq!(coding_names(b"a;b"), Err(3));
        assert_eq!(coding_names(b"a;b=\"c"), Err(6));
    }

    #[test]
    fn lists_go_on_after_a_fault_and_bear_some_empty_members() {
        let members: Vec<_> = tokens(b"a, b;c=\"d\" ,, close").collect();
        assert_eq!(
            members,
            [Ok(Member::Present(0..1)), Err(4), Ok(Member::Empty(12)), Ok(Member::Present(14..19))]
        );
        assert!(has_token(b"x;y, Close", b"close"));
        assert!(!has_token(b"foo-close", b"close"));
        let commas = [b','; 40];
        assert_eq!(tokens(&commas).take_while(Result::is_ok).count(), EMPTY_MEMBERS);
    }

    #[test]
    fn protocols_may_have_a_version() {
        let value = b"websocket, HTTP/2.0";
        let members: Vec<_> = protocols(value).collect();
        assert_eq!(members, [Ok(Member::Present(0..9)), Ok(Member::Present(11..19))]);
        assert_eq!(protocols(b"a/").next(), Some(Err(1)));
    }
}
