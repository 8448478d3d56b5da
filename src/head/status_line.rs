//! The status line, RFC 9112 section 4, and the empty lines that may stand before it.
//!
//! ```text
//! status-line  = HTTP-version SP status-code SP [ reason-phrase ] CRLF
//! HTTP-version = %s"HTTP" "/" DIGIT "." DIGIT
//! ```
#![forbid(unsafe_code)]

use super::field_line::{Ceiling, FEW};
use super::is_interim;
use crate::class::{is_blank, is_digit, is_text};
use crate::exchange::{Method, Version, Written};
use crate::judge::{Finding, Halt, Judge};
use crate::policy::Limits;
use crate::proxy_status::ProxyError;
use crate::rule::Rule;

const PREFIX: &[u8; 5] = b"HTTP/";

/// Eight octets behind the version, for a code of nothing.
const NO_CODE: u64 = u64::from_le_bytes(*b" 000 \0\0\0");
/// The bits in which they may differ from those of a line; what makes more than those of a 6 or of ten; and how many
/// octets are looked at.
const DIGITS: u64 = u64::from_le_bytes([0, 15, 15, 15, 0, 0, 0, 0]);
const TOO_LARGE: u64 = u64::from_le_bytes([0, 10, 6, 6, 0, 0, 0, 0]);
const UP_TO_REASON: u64 = u64::MAX >> 24;

/// Empty lines skipped before a status line; RFC 9112 2.2 lets a server skip "at least one", a client none.
const EMPTY_LINES: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    EmptyLineCr,
    Prefix,
    /// The prefix in another case; holds where it first differs.
    CaseVariant(u8),
    Major,
    /// After a major version that is not 1.
    OtherMajor,
    Dot,
    Minor,
    AfterVersion,
    Code,
    AfterCode,
    Reason,
    Cr,
}

/// The states of a line of HTTP/1.1 before and after each octet.
const UP_TO_CODE: [(State, u8, State); StatusLine::PLAIN_CODE_AT] = [
    (State::Start, b'H', State::Prefix),
    (State::Prefix, b'T', State::Prefix),
    (State::Prefix, b'T', State::Prefix),
    (State::Prefix, b'P', State::Prefix),
    (State::Prefix, b'/', State::Major),
    (State::Major, b'1', State::Dot),
    (State::Dot, b'.', State::Minor),
    (State::Minor, b'1', State::AfterVersion),
    (State::AfterVersion, b' ', State::Code),
];

/// What the caller is to do after a byte.
enum Step {
    Next(State),
    Done,
}

/// The status line as far as it has been read. Positions count from the message's first byte.
#[derive(Clone, Copy)]
pub(crate) struct StatusLine {
    state: State,
    at: usize,
    /// Where the line starts, after the empty ones.
    line: usize,
    empty_lines: u8,
    code_at: usize,
    minor: u8,
}

impl StatusLine {
    /// Nothing has been read.
    #[inline(always)]
    pub(super) const fn new() -> StatusLine {
        StatusLine { state: State::Start, at: 0, line: 0, empty_lines: 0, code_at: 0, minor: 0 }
    }

    /// Where the code stands in a plain line.
    pub(super) const PLAIN_CODE_AT: usize = 9;

    /// Of a plain line with the line end behind it.
    pub(super) const SHORTEST: usize = b"HTTP/1.1 200 \r\n\r\n".len();

    /// Bytes examined.
    pub(super) const fn examined(&self) -> usize {
        self.at
    }

    pub(super) const fn line(&self) -> usize {
        self.line
    }

    pub(super) const fn code_at(&self) -> usize {
        self.code_at
    }

    pub(super) const fn version(&self) -> Version {
        if self.minor == 0 { Version::Http10 } else { Version::Http11 }
    }

    /// Judge the bytes not yet examined; `Some` is the length of the line once it has ended.
    pub(super) fn read(&mut self, judge: &mut Judge<'_, '_>) -> Result<Option<usize>, Halt> {
        while let Some(&byte) = judge.bytes.get(self.at) {
            #[cfg(test)]
            crate::scan::work::step();
            self.check_length(byte, judge)?;
            Ceiling::of_head(judge).check(self.at, judge)?;
            match self.step(byte, judge)? {
                Step::Next(state) => {
                    self.at += 1;
                    self.state = state;
                }
                Step::Done => {
                    self.at += 1;
                    return Ok(Some(self.at));
                }
            }
        }
        Ok(None)
    }

    /// The few bytes of a small read behind the first, if they go on as most lines do: false in front of any that is
    /// better looked at by the machine, which would have done the same. `status` is the code, if it has come.
    #[inline(never)]
    pub(super) fn passes(&mut self, bytes: &[u8], status: Option<u16>, limits: &Limits) -> bool {
        let most = limits.status_line.min(limits.header_section) as usize;
        let is_plain = self.line == 0 && !status.is_some_and(is_interim);
        if !is_plain || bytes.len() > most || !FEW.contains(&bytes.len().wrapping_sub(self.at)) {
            return false;
        }
        for (at, &byte) in bytes.iter().enumerate().skip(self.at) {
            let Some(state) = self.plain_step(byte, at) else {
                self.at = at;
                return false;
            };
            #[cfg(test)]
            crate::scan::work::add(1);
            self.state = state;
        }
        self.at = bytes.len();
        true
    }

    fn plain_step(&mut self, byte: u8, at: usize) -> Option<State> {
        match self.state {
            State::Code if is_digit(byte) && at - self.code_at < 2 => Some(State::Code),
            State::AfterCode if byte == b' ' => Some(State::Reason),
            State::Reason if byte == b'\r' => Some(State::Cr),
            State::Reason if is_text(byte) => Some(State::Reason),
            state => {
                let &(_, _, next) = UP_TO_CODE.get(at).filter(|row| (row.0, row.1) == (state, byte))?;
                match next {
                    State::AfterVersion => self.minor = 1,
                    State::Code => self.code_at = at + 1,
                    _ => {}
                }
                Some(next)
            }
        }
    }

    /// The code of the common line of a final HTTP/1.1 reply, of which the first control octet stands at `end`. Says
    /// what the machine would have said.
    #[inline(always)]
    pub(super) fn plain(bytes: &[u8], end: usize, limits: &Limits) -> Option<u16> {
        let (words, _) = bytes.first_chunk::<16>()?.as_chunks();
        // What differs from the octets around a code is the code; a digit too large goes beyond its four bits.
        let code = u64::from_le_bytes(words[1]) ^ NO_CODE;
        let beyond = (code | code.wrapping_add(TOO_LARGE)) & !DIGITS & UP_TO_REASON;
        if words[0] != *b"HTTP/1.1" || beyond != 0 {
            return None;
        }
        let [_, hundreds, tens, ones, ..] = code.to_le_bytes().map(u16::from);
        let status = hundreds * 100 + tens * 10 + ones;
        let fits = end <= limits.status_line as usize;
        let is_plain = status >= 200 && fits && bytes.get(end..end + 2) == Some(b"\r\n");
        is_plain.then_some(status)
    }

    /// As it is after a plain line of that length.
    pub(super) const fn passed(len: usize) -> StatusLine {
        StatusLine { at: len, code_at: StatusLine::PLAIN_CODE_AT, minor: 1, ..StatusLine::new() }
    }

    fn check_length(&self, byte: u8, judge: &Judge<'_, '_>) -> Result<(), Halt> {
        let ends = byte == b'\r' || byte == b'\n';
        if !ends && self.at - self.line >= judge.policy.limits().status_line as usize {
            return Err(judge.refuse(Finding::at(Rule::StatusLineTooLong, self.at)));
        }
        Ok(())
    }

    fn step(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match self.state {
            State::Start => self.start(byte, judge),
            State::EmptyLineCr => self.empty_line_cr(byte, judge),
            State::Prefix => self.prefix(byte, judge),
            State::CaseVariant(first) => self.case_variant(first, byte, judge),
            State::Major => self.major(byte, judge),
            State::OtherMajor => Err(self.other_major(byte, judge)),
            State::Dot => self.dot(byte, judge),
            State::Minor => self.minor(byte, judge),
            State::AfterVersion => self.after_version(byte, judge),
            State::Code => self.code(byte, judge),
            State::AfterCode => self.after_code(byte, judge),
            State::Reason => self.reason(byte, judge),
            State::Cr => self.cr(byte, judge),
        }
    }

    fn start(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'\r' if judge.denies(Rule::EmptyLineBeforeStatusLine) => {
                Err(judge.refuse(self.empty_line(self.at)))
            }
            b'\r' => Ok(Step::Next(State::EmptyLineCr)),
            b'\n' => self.skip_empty_line(self.at, judge),
            b' ' | b'\t' if judge.record.interims.messages == 0 => {
                Err(judge.refuse(Finding::at(Rule::StatusLineExtraWhitespace, self.at)))
            }
            _ => self.prefix(byte, judge),
        }
    }

    fn empty_line_cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte != b'\n' {
            return Err(judge.refuse(Finding::new(Rule::BareCr, self.at - 1..self.at, self.at)));
        }
        self.skip_empty_line(self.at - 1, judge)
    }

    fn empty_line(&self, start: usize) -> Finding {
        Finding::new(Rule::EmptyLineBeforeStatusLine, start..start + 1, self.at)
    }

    fn skip_empty_line(&mut self, start: usize, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if self.empty_lines >= EMPTY_LINES {
            return Err(judge.refuse(self.empty_line(start)));
        }
        judge.tolerate(self.empty_line(start))?;
        self.empty_lines += 1;
        self.line = self.at + 1;
        Ok(Step::Next(State::Start))
    }

    fn prefix(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        let matched = self.at - self.line;
        if byte == PREFIX[matched] {
            let whole = matched + 1 == PREFIX.len();
            return Ok(Step::Next(if whole { State::Major } else { State::Prefix }));
        }
        if byte.eq_ignore_ascii_case(&PREFIX[matched]) {
            return Ok(Step::Next(State::CaseVariant(matched as u8)));
        }
        Err(self.not_http(self.at, judge))
    }

    /// `http/` is a version in the wrong case, `hello` is no HTTP at all: read on until that is known.
    fn case_variant(&mut self, first: u8, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        let matched = self.at - self.line;
        let blamed = self.line + first as usize;
        if !byte.eq_ignore_ascii_case(&PREFIX[matched]) {
            return Err(self.not_http(blamed, judge));
        }
        if matched + 1 < PREFIX.len() {
            return Ok(Step::Next(State::CaseVariant(first)));
        }
        if judge.record.interims.messages > 0 {
            return Err(self.not_http(blamed, judge));
        }
        Err(judge.refuse(Finding::new(Rule::MalformedHttpVersion, blamed..blamed + 1, self.at)))
    }

    fn not_http(&self, blamed: usize, judge: &Judge<'_, '_>) -> Halt {
        if judge.record.interims.messages > 0 {
            // What stands where a status line is due counts as content of the interim reply before it.
            let finding = Finding::new(Rule::InterimResponseWithContent, blamed..blamed + 1, self.at);
            return judge.refuse(finding.of_message(judge.record.interims.last));
        }
        let finding = Finding::new(Rule::NotHttp, blamed..blamed + 1, self.at);
        let first = judge.bytes[blamed];
        judge.refuse(match looks_like(first) {
            Some(protocol) if blamed == self.line => {
                let finding = finding.detail(protocol);
                if is_tls_record(first) { finding.error(ProxyError::TlsProtocolError) } else { finding }
            }
            _ => finding,
        })
    }

    fn major(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'1' => Ok(Step::Next(State::Dot)),
            b'0'..=b'9' => Ok(Step::Next(State::OtherMajor)),
            _ => Err(self.malformed_version(judge)),
        }
    }

    /// `HTTP/2.0` is another version, `HTTP/01.1` is none.
    fn other_major(&self, byte: u8, judge: &Judge<'_, '_>) -> Halt {
        if !matches!(byte, b'.' | b' ' | b'\t' | b'\r' | b'\n') {
            return self.malformed_version(judge);
        }
        let finding = Finding::new(Rule::UnsupportedHttpMajorVersion, self.at - 1..self.at, self.at);
        judge.refuse(match judge.bytes[self.at - 1] {
            b'2' => finding.detail("as curl prints an HTTP/2 reply: capture with --http1.1"),
            _ => finding,
        })
    }

    fn dot(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'.' { Ok(Step::Next(State::Minor)) } else { Err(self.malformed_version(judge)) }
    }

    fn minor(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'0' | b'1' => {}
            b'2'..=b'9' => judge.tolerate(Finding::at(Rule::HttpMinorVersionHigher, self.at))?,
            _ => return Err(self.malformed_version(judge)),
        }
        self.minor = byte - b'0';
        Ok(Step::Next(State::AfterVersion))
    }

    fn malformed_version(&self, judge: &Judge<'_, '_>) -> Halt {
        judge.refuse(Finding::at(Rule::MalformedHttpVersion, self.at))
    }

    fn after_version(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b' ' => {}
            b'\t' => judge.tolerate(Finding::at(Rule::StatusLineExtraWhitespace, self.at))?,
            b'\x0b' | b'\x0c' => {
                return Err(judge.refuse(Finding::at(Rule::StatusLineExtraWhitespace, self.at)));
            }
            b'\r' | b'\n' => return Err(judge.refuse(Finding::at(Rule::MalformedStatusCode, self.at))),
            _ => return Err(self.malformed_version(judge)),
        }
        self.code_at = self.at + 1;
        Ok(Step::Next(State::Code))
    }

    fn code(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        let digits = self.at - self.code_at;
        if digits == 0 && is_blank(byte) {
            judge.tolerate(Finding::at(Rule::StatusLineExtraWhitespace, self.at))?;
            self.code_at = self.at + 1;
            return Ok(Step::Next(State::Code));
        }
        if digits == 0 && (byte == b'\x0b' || byte == b'\x0c') {
            return Err(judge.refuse(Finding::at(Rule::StatusLineExtraWhitespace, self.at)));
        }
        if !is_digit(byte) {
            return Err(judge.refuse(Finding::at(Rule::MalformedStatusCode, self.at)));
        }
        if digits < 2 {
            return Ok(Step::Next(State::Code));
        }
        self.judge_code(judge)?;
        Ok(Step::Next(State::AfterCode))
    }

    /// With the third digit the code is whole; what it alone decides is decided here.
    fn judge_code(&self, judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
        let span = self.code_at..self.code_at + 3;
        let code = number(&judge.bytes[span.clone()]);
        judge.record.status = Some(code);
        let finding = |rule| Finding::new(rule, span.clone(), self.at);
        if code < 100 {
            return Err(judge.refuse(finding(Rule::StatusCodeBelow100)));
        }
        if code > 599 {
            let finding = finding(Rule::StatusCodeAbove599);
            judge.tolerate(match meaning(code) {
                Some(meaning) => finding.detail(meaning),
                None => finding,
            })?;
        }
        if code < 200 {
            self.judge_interim(code, judge)?;
        }
        let switches = code == 101 || (judge.exchange.method() == Method::Connect && code / 100 == 2);
        if switches && judge.exchange.request_written() != Written::Whole {
            return Err(judge.refuse(finding(Rule::SwitchingProtocolsBeforeRequestComplete)));
        }
        Ok(())
    }

    fn judge_interim(&self, code: u16, judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
        if self.version() == Version::Http10 {
            let minor = self.line + 7;
            let finding = Finding::new(Rule::InterimResponseInHttp10, minor..minor + 1, self.at);
            return Err(judge.refuse(finding));
        }
        if code == 101 {
            if !judge.exchange.offers_upgrade() {
                let span = self.code_at..self.code_at + 3;
                return Err(judge.refuse(Finding::new(Rule::UnsolicitedSwitchingProtocols, span, self.at)));
            }
            return Ok(());
        }
        if judge.record.interims.messages >= judge.policy.limits().interim_messages {
            return Err(judge.refuse(Finding::new(Rule::TooManyInterimResponses, 0..1, self.at)));
        }
        // What is left for interim replies may have been used up by this one, before it was known for one.
        Ceiling::of_head(judge).check(self.at, judge)?;
        judge.tolerate(Finding::new(Rule::InterimResponse, 0..1, self.at))
    }

    fn after_code(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b' ' => Ok(Step::Next(State::Reason)),
            b'\t' => {
                judge.tolerate(Finding::at(Rule::StatusLineExtraWhitespace, self.at))?;
                Ok(Step::Next(State::Reason))
            }
            b'\r' | b'\n' => {
                judge.tolerate(Finding::at(Rule::MissingSpaceAfterStatusCode, self.at))?;
                self.reason(byte, judge)
            }
            b'\x0b' | b'\x0c' => Err(judge.refuse(Finding::at(Rule::StatusLineExtraWhitespace, self.at))),
            _ => Err(judge.refuse(Finding::at(Rule::MalformedStatusCode, self.at))),
        }
    }

    fn reason(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'\r' => return Ok(Step::Next(State::Cr)),
            b'\n' => {
                judge.tolerate(Finding::at(Rule::BareLf, self.at))?;
                return Ok(Step::Done);
            }
            b'\0' => return Err(judge.refuse(Finding::at(Rule::InvalidReasonPhrase, self.at))),
            _ if !is_text(byte) => {
                judge.tolerate(Finding::at(Rule::InvalidReasonPhrase, self.at))?;
            }
            _ => {}
        }
        Ok(Step::Next(State::Reason))
    }

    fn cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'\n' {
            return Ok(Step::Done);
        }
        Err(judge.refuse(Finding::new(Rule::BareCr, self.at - 1..self.at, self.at)))
    }
}

/// The status code that three digits write.
fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
}

/// Does one of the four content types of RFC 8446 5.1 stand there?
fn is_tls_record(first: u8) -> bool {
    matches!(first, 0x14..=0x17)
}

/// The protocol a first byte that is not `H` gives away: wrong port, wrong upstream, missing head.
fn looks_like(byte: u8) -> Option<&'static str> {
    Some(match byte {
        _ if is_tls_record(byte) => "looks like a TLS record: is this port for https?",
        0x00 => "looks like HTTP/2 frames: does this port want h2c?",
        b'S' => "looks like SSH",
        b'2' => "looks like an SMTP or FTP greeting",
        b'<' => "looks like markup without a head",
        b'G' | b'P' => "looks like a request",
        0x1f => "looks like gzip without a head",
        0xef => "begins with a byte order mark",
        b'I' => "looks like ICY, Shoutcast's status line",
        b'R' => "looks like RTSP",
        b'+' | b'-' => "looks like Redis or POP3",
        b'*' => "looks like IMAP or Redis",
        b'{' | b'[' => "looks like JSON without a head",
        _ => return None,
    })
}

/// What is known of status codes that no RFC defines: who sends them, and what they say.
pub(crate) fn meaning(code: u16) -> Option<&'static str> {
    Some(match code {
        218 => "Apache: this is fine",
        299 => "a success of the application's own making",
        419 => "Laravel: page expired",
        420 => "Twitter: enhance your calm, a rate limit; Spring: method failure",
        430 => "Shopify: too many requests at once",
        440 => "IIS: login time-out",
        444 => "nginx: closed without a reply",
        449 => "IIS: retry with more information",
        450 => "blocked by parental controls",
        460 => "AWS load balancer: the client closed before the idle time-out",
        463 => "AWS load balancer: X-Forwarded-For with more than 30 addresses",
        464 => "AWS load balancer: protocol versions do not match",
        494 => "nginx: request header too large",
        495 => "nginx: client certificate error",
        496 => "nginx: client certificate required",
        497 => "nginx: plain HTTP sent to an https port",
        498 => "an invalid or expired token",
        499 => "nginx: the client closed the request",
        509 => "cPanel: bandwidth limit exceeded",
        520 => "Cloudflare: the origin answered with something unknown",
        521 => "Cloudflare: the origin refused the connection",
        522 => "Cloudflare: connecting to the origin timed out",
        523 => "Cloudflare: the origin is unreachable",
        524 => "Cloudflare: the origin did not answer in time",
        525 => "Cloudflare: TLS handshake with the origin failed",
        526 => "Cloudflare: the origin's certificate is invalid",
        527 => "Cloudflare: Railgun connection failed",
        529 => "the site is overloaded",
        530 => "site frozen, or a CDN's origin error",
        540 => "Shopify: temporarily disabled",
        561 => "AWS load balancer: unauthorized by the identity provider",
        598 => "a proxy's network read timed out",
        599 => "a proxy's network connect timed out",
        783 => "Shopify: an unexpected token in the request",
        999 => "LinkedIn and others: request denied",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn the_plain_status_line_is_of_http_1_1_and_a_final_code() {
        let limits = Limits::DEFAULT;
        for code in 0..1000 {
            let line = format!("HTTP/1.1 {code:03} Fine\r\nA");
            let found = StatusLine::plain(line.as_bytes(), 17, &limits);
            assert_eq!(found, (200..600).contains(&code).then_some(code));
        }
        let line = b"HTTP/1.1 200 \r\nA:\r\n\r\n";
        for (at, byte) in (0..15).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
            let mut other = *line;
            other[at] = byte;
            let code = core::str::from_utf8(&other[9..12]).ok().and_then(|code| code.parse().ok());
            let is_around = other[..9] == line[..9] && other[12..15] == line[12..15];
            let expected = code.filter(|code| is_around && (200..600).contains(code));
            let found = StatusLine::plain(&other, 13, &limits);
            assert_eq!(found, expected, "{}", other.escape_ascii());
        }
        let by_limit = |status_line| StatusLine::plain(line, 13, &Limits { status_line, ..limits });
        assert_eq!([12, 13].map(by_limit), [None, Some(200)]);
    }
}
