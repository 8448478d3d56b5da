//! Where a message ends, RFC 9112 section 6.3.
//!
//! All of it is decided at the empty line, with every field seen. Nothing here is done for a head in which none of
//! the fields in question stands.
#![forbid(unsafe_code)]

mod connection;
mod plain;

use crate::exchange::{Framing, Method, Version, Written};
use crate::head::known::Known;
use crate::head::{Field, Fields, Outline, Sift, is_interim};
use crate::judge::{Finding, Halt, Judge};
use crate::proxy_status::ProxyError;
use crate::rule::Rule;
use crate::value::{self, At, LengthFault, Member};

#[cfg(feature = "std")]
pub(crate) use connection::is_end_to_end;
pub(crate) use connection::{Persistence, reuse};
pub(crate) use plain::plain;

/// What the end of a head settles.
#[derive(Clone, Copy)]
pub(crate) struct Ruling {
    pub(crate) framing: Framing,
    pub(crate) persistence: Persistence,
    /// The head announced trailers.
    pub(crate) trailer: bool,
}

impl Ruling {
    /// Before any head.
    pub(crate) const NONE: Ruling =
        Ruling { framing: Framing::None, persistence: Persistence::Persistent, trailer: false };
}

/// Judge a head that was read whole; `judge.bytes` starts with its message.
pub(crate) fn settle(outline: &Outline, judge: &mut Judge<'_, '_>) -> Result<Ruling, Halt> {
    let status = judge.record.status.unwrap_or(0);
    let seen = outline.seen();
    if let Some(ruling) =
        plain(status, outline.version(), seen, judge.bytes, judge.exchange, judge.policy.limits())
    {
        return Ok(ruling);
    }
    let mut head = WholeHead { outline, status, judge };
    head.request()?;
    let framing = head.message_body_length()?;
    let persistence = head.connection()?;
    head.singletons()?;
    Ok(Ruling { framing, persistence, trailer: seen.has(Known::Trailer) })
}

/// Protocols that an Upgrade field may name in layers; more is nonsense, and time lost.
const PROTOCOLS: usize = 16;

struct WholeHead<'h, 'j, 'b> {
    outline: &'h Outline,
    status: u16,
    judge: &'h mut Judge<'j, 'b>,
}

/// A Content-Length that has one meaning.
struct ContentLength {
    value: u64,
    /// The second number, where there are several.
    repeated: Option<At>,
    leading_zero: Option<usize>,
}

/// A Transfer-Encoding that keeps to the grammar.
struct Codings {
    /// An empty member among the others.
    empty: Option<usize>,
    parameters: Option<usize>,
    chunked: bool,
    second_chunked: Option<At>,
    /// The first coding that is not chunked.
    foreign: Option<At>,
    last: At,
    last_is_chunked: bool,
    identity_alone: bool,
}

impl<'b> WholeHead<'_, '_, 'b> {
    fn is_final(&self) -> bool {
        !is_interim(self.status)
    }

    fn decided(&self) -> usize {
        self.outline.len() - 1
    }

    fn finding(&self, rule: Rule, span: At) -> Finding {
        Finding::new(rule, span, self.decided())
    }

    /// Blame for what is missing, or for the head as a whole.
    fn end_of_head(&self, rule: Rule) -> Finding {
        self.finding(rule, self.outline.len()..self.outline.len())
    }

    fn code(&self) -> At {
        self.outline.code_at()..self.outline.code_at() + 3
    }

    fn all_fields(&self) -> Fields<'b> {
        self.fields_from(self.outline.fields_at())
    }

    fn fields_from(&self, at: usize) -> Fields<'b> {
        Fields::new(&self.judge.bytes[at..self.outline.len()], at as u64, Sift::Dropped)
    }

    fn fields_of(&self, known: Known) -> impl Iterator<Item = Field<'b>> + use<'b> {
        let seen = self.outline.seen();
        let from = if seen.has(known) {
            seen.only(known).unwrap_or(self.outline.fields_at())
        } else {
            self.outline.len()
        };
        let most = if seen.repeats(known) { usize::MAX } else { 1 };
        self.fields_from(from).filter(move |field| Known::of(field.name()) == Some(known)).take(most)
    }

    fn first_of(&self, known: Known) -> Option<Field<'b>> {
        self.fields_of(known).next()
    }

    /// What the reply says about the request: an upgrade taken or not, a request still being written.
    fn request(&mut self) -> Result<(), Halt> {
        if self.status == 101 {
            self.switching_protocols()?;
        } else if self.judge.exchange.offers_upgrade() && self.is_final() {
            self.judge.tolerate(self.finding(Rule::UpgradeRefused, self.code()))?;
        }
        if self.judge.exchange.request_written() != Written::Whole && self.is_final() {
            self.judge.tolerate(self.finding(Rule::ResponseBeforeRequestComplete, self.code()))?;
        }
        Ok(())
    }

    /// RFC 9110 7.8: a 101 names what it switches to, and switches only to what was offered.
    fn switching_protocols(&mut self) -> Result<(), Halt> {
        let mismatch = Rule::SwitchingProtocolsUpgradeMismatch;
        if !self.outline.seen().has(Known::Upgrade) {
            return Err(self.refuse_to_switch(self.end_of_head(mismatch).detail("no Upgrade field")));
        }
        let mut named = 0;
        for field in self.fields_of(Known::Upgrade) {
            let mut offered = |member| match member {
                Ok(Member::Present(at)) => {
                    named += 1;
                    named <= PROTOCOLS && offers(self.judge.exchange.offer(), &field.value()[at])
                }
                Ok(Member::Empty(_)) => true,
                Err(_) => false,
            };
            if !value::protocols(field.value()).all(&mut offered) {
                let finding = self.finding(mismatch, value_at(&field));
                let many = named > PROTOCOLS;
                let detail = if many {
                    "more protocols than make sense"
                } else {
                    "to a protocol that was not offered"
                };
                return Err(self.refuse_to_switch(finding.detail(detail)));
            }
        }
        if named == 0 {
            return Err(self.refuse_to_switch(self.end_of_head(mismatch).detail("Upgrade names no protocol")));
        }
        if !self.fields_of(Known::Connection).any(|field| value::has_token(field.value(), b"upgrade")) {
            let finding = self.end_of_head(mismatch).detail("no connection option upgrade");
            self.judge.tolerate(finding)?;
        }
        Ok(())
    }

    /// RFC 9209 2.3.27: a switch of HTTP versions that failed is told from that of other protocols.
    fn refuse_to_switch(&self, finding: Finding) -> Halt {
        let versions = offers(self.judge.exchange.offer(), b"h2c");
        self.judge.refuse(if versions { finding.error(ProxyError::HttpUpgradeFailed) } else { finding })
    }

    /// RFC 9112 section 6.3; the numbers are those of its list.
    fn message_body_length(&mut self) -> Result<Framing, Halt> {
        let (method, status) = (self.judge.exchange.method(), self.status);
        let length = self.outline.seen().has(Known::ContentLength);
        let coding = self.outline.seen().has(Known::TransferEncoding);
        let any = length || coding;

        // Not in the list: 101 ends the use of HTTP on this connection (RFC 9110 15.2.2).
        if status == 101 {
            self.fields_where_none_may_be()?;
            return Ok(Framing::Tunnel);
        }
        // 2. A 2xx answer to CONNECT. It comes before 1, as 204 to CONNECT is a tunnel as well.
        if method == Method::Connect && status / 100 == 2 {
            if any {
                self.framing_field_in_connect()?;
            }
            return Ok(Framing::Tunnel);
        }
        // 1. HEAD, 1xx, 204 and 304 have no content, whatever the fields say.
        if status < 200 || status == 204 {
            self.fields_where_none_may_be()?;
            return Ok(Framing::None);
        }
        if method == Method::Head || status == 304 {
            if any {
                self.fields_of_the_content_not_sent()?;
            }
            return Ok(Framing::None);
        }
        // 3. and 4. Transfer-Encoding, which overrides Content-Length.
        if coding {
            return self.transfer_encoding();
        }
        // 5. and 6. Content-Length.
        if length {
            return self.content_length();
        }
        // 7. is about requests. 8. Everything up to the close.
        self.judge.tolerate(self.end_of_head(Rule::CloseDelimitedResponse))?;
        Ok(Framing::UntilClose)
    }

    /// 1xx and 204: neither field may be sent at all.
    fn fields_where_none_may_be(&mut self) -> Result<(), Halt> {
        let seen = self.outline.seen();
        if !seen.has(Known::ContentLength) && !seen.has(Known::TransferEncoding) {
            return Ok(());
        }
        if let Some(field) = self.first_of(Known::ContentLength) {
            let rule = Rule::ContentLengthIn1xxOr204;
            self.judge.tolerate(self.finding(rule, name_at(&field)))?;
            if self.fields_of(Known::ContentLength).any(|field| field.value() != b"0") {
                self.judge.record.close_because(rule);
            }
        }
        if let Some(field) = self.first_of(Known::TransferEncoding) {
            self.judge.tolerate(self.finding(Rule::TransferEncodingIn1xxOr204, name_at(&field)))?;
        }
        Ok(())
    }

    fn framing_field_in_connect(&mut self) -> Result<(), Halt> {
        let framing = |field: &Field<'_>| {
            matches!(Known::of(field.name()), Some(Known::ContentLength | Known::TransferEncoding))
        };
        let Some(field) = self.all_fields().find(framing) else { return Ok(()) };
        self.judge.tolerate(self.finding(Rule::FramingFieldInConnect2xx, name_at(&field)))
    }

    /// HEAD and 304: the fields describe what a GET would have been answered, so only nonsense is worth a word.
    fn fields_of_the_content_not_sent(&mut self) -> Result<(), Halt> {
        let length = self.outline.seen().has(Known::ContentLength);
        let coding = self.first_of(Known::TransferEncoding);
        if let Some(coding) = coding.filter(|_| self.outline.version() == Version::Http10) {
            self.transfer_encoding_in_http_1_0(&coding)?;
        }
        let rule = Rule::FramingFieldsOnBodilessResponse;
        let detail = if length && coding.is_some() {
            "Content-Length with Transfer-Encoding"
        } else if length && self.read_lengths().is_err() {
            "a Content-Length without meaning"
        } else if coding.is_some() && !self.read_codings().is_ok_and(|codings| codings.parameters.is_none()) {
            "a Transfer-Encoding without meaning"
        } else {
            return Ok(());
        };
        self.judge.tolerate(self.end_of_head(rule).detail(detail))
    }

    fn transfer_encoding_in_http_1_0(&mut self, coding: &Field<'_>) -> Result<(), Halt> {
        let finding = self.finding(Rule::TransferEncodingInHttp10, name_at(coding));
        let version = self.outline.line() + 5..self.outline.line() + 8;
        self.judge.tolerate(finding.related(version))
    }

    fn transfer_encoding(&mut self) -> Result<Framing, Halt> {
        let length = self.first_of(Known::ContentLength);
        if let Some(coding) = self.first_of(Known::TransferEncoding) {
            if self.outline.version() == Version::Http10 {
                self.transfer_encoding_in_http_1_0(&coding)?;
            } else if let Some(length) = length {
                let (first, second) =
                    if length.offset() < coding.offset() { (length, coding) } else { (coding, length) };
                let finding = self.finding(Rule::ContentLengthWithTransferEncoding, name_at(&second));
                self.judge.tolerate(finding.related(name_at(&first)))?;
            }
        }
        let codings = match self.read_codings() {
            Ok(codings) => codings,
            Err(finding) => return Err(self.judge.refuse(finding)),
        };
        self.judge_codings(&codings)
    }

    fn judge_codings(&mut self, codings: &Codings) -> Result<Framing, Halt> {
        if let Some(at) = codings.empty {
            let finding = self.finding(Rule::MalformedTransferEncoding, at..at + 1);
            self.judge.tolerate(finding.detail("an empty list member"))?;
        }
        if let Some(at) = codings.parameters {
            return Err(self.judge.refuse(self.finding(Rule::TransferCodingParameters, at..at + 1)));
        }
        if let Some(at) = &codings.second_chunked {
            self.judge.tolerate(self.finding(Rule::ChunkedAppliedTwice, at.clone()))?;
        }
        if codings.identity_alone {
            self.judge.tolerate(self.finding(Rule::UnsupportedTransferCoding, codings.last.clone()))?;
            self.judge.tolerate(self.end_of_head(Rule::CloseDelimitedResponse))?;
            return Ok(Framing::UntilClose);
        }
        if !codings.last_is_chunked {
            self.judge.tolerate(self.finding(Rule::TransferCodingNotFinalChunked, codings.last.clone()))?;
            return Ok(Framing::UntilClose);
        }
        if let Some(at) = &codings.foreign {
            return Err(self.judge.refuse(self.finding(Rule::UnsupportedTransferCoding, at.clone())));
        }
        Ok(Framing::Chunked)
    }

    /// All Transfer-Encoding lines as one list (RFC 9110 5.3), or why it is none.
    fn read_codings(&self) -> Result<Codings, Finding> {
        let rule = Rule::MalformedTransferEncoding;
        let mut found: Option<Codings> = None;
        let mut empty = None;
        for field in self.fields_of(Known::TransferEncoding) {
            let start = field.value_offset() as usize;
            for member in value::codings(field.value()) {
                let coding = match member {
                    Ok(Member::Present(coding)) => coding,
                    Ok(Member::Empty(at)) => {
                        empty.get_or_insert(start + comma_of(field.value(), at));
                        continue;
                    }
                    Err(at) => return Err(self.finding(rule, start + at..start + at + 1)),
                };
                let name = &field.value()[coding.name.clone()];
                let at = start + coding.name.start..start + coding.name.end;
                let is_chunked = name.eq_ignore_ascii_case(b"chunked");
                if !is_chunked && resembles_chunked(name) {
                    return Err(self.finding(rule, at).detail("it resembles chunked and is not"));
                }
                let codings = found.get_or_insert_with(|| Codings::starting_with(at.clone()));
                codings.push(at, name, is_chunked, coding.parameters.map(|semicolon| start + semicolon));
            }
        }
        let at = empty.unwrap_or(self.outline.len());
        match found {
            Some(codings) => Ok(Codings { empty, ..codings }),
            None => Err(self.finding(rule, at..at + 1).detail("it names no coding")),
        }
    }

    fn content_length(&mut self) -> Result<Framing, Halt> {
        let length = match self.read_lengths() {
            Ok(length) => length,
            Err(finding) => return Err(self.judge.refuse(finding)),
        };
        if let Some(at) = length.repeated {
            self.judge.tolerate(self.finding(Rule::RepeatedContentLength, at))?;
        }
        if let Some(at) = length.leading_zero {
            self.judge.tolerate(self.finding(Rule::ContentLengthLeadingZeros, at..at + 1))?;
        }
        if length.value > self.judge.policy.limits().content {
            return Err(self.judge.refuse(self.end_of_head(Rule::ResponseBodyTooLarge)));
        }
        Ok(Framing::Length(length.value))
    }

    /// All Content-Length lines as one list of numbers, or why it has no meaning.
    fn read_lengths(&self) -> Result<ContentLength, Finding> {
        let mut found: Option<(ContentLength, At)> = None;
        for field in self.fields_of(Known::ContentLength) {
            let start = field.value_offset() as usize;
            for length in value::lengths(field.value()) {
                let length = length.map_err(|fault| self.length_fault(fault, start))?;
                let at = start + length.at.start..start + length.at.end;
                let zero_led = self.judge.bytes[at.start] == b'0' && at.len() > 1;
                let leading_zero = zero_led.then_some(at.start);
                let Some((known, first)) = &mut found else {
                    found = Some((ContentLength { value: length.value, repeated: None, leading_zero }, at));
                    continue;
                };
                if length.value != known.value {
                    let finding = self.finding(Rule::ConflictingContentLength, at);
                    return Err(finding.related(first.clone()));
                }
                known.repeated.get_or_insert(at);
                known.leading_zero = known.leading_zero.or(leading_zero);
            }
        }
        match found {
            Some((length, _)) => Ok(length),
            None => Err(self.end_of_head(Rule::InvalidContentLength)),
        }
    }

    fn length_fault(&self, fault: LengthFault, start: usize) -> Finding {
        let (rule, at) = match fault {
            LengthFault::Malformed(at) => (Rule::InvalidContentLength, start + at),
            LengthFault::Overflow(at) => (Rule::ContentLengthOverflow, start + at),
        };
        self.finding(rule, at..at + 1)
    }

    /// RFC 9110 5.3: a field that is no list stands once.
    fn singletons(&mut self) -> Result<(), Halt> {
        if !self.outline.seen().repeats_any_singleton() {
            return Ok(());
        }
        let mut firsts = [None; Known::COUNT];
        for field in self.all_fields() {
            let Some(known) = Known::of(field.name()).filter(|known| known.is_singleton()) else { continue };
            let Some(first) = firsts[known as usize].replace(field) else { continue };
            let same = first.value() == field.value();
            let detail = if same { "with the same value" } else { "with another value" };
            let finding = self.finding(Rule::RepeatedSingletonField, name_at(&field));
            return self.judge.tolerate(finding.related(name_at(&first)).detail(detail));
        }
        Ok(())
    }
}

impl Codings {
    fn starting_with(last: At) -> Codings {
        Codings {
            empty: None,
            parameters: None,
            chunked: false,
            second_chunked: None,
            foreign: None,
            last,
            last_is_chunked: false,
            identity_alone: false,
        }
    }

    fn push(&mut self, at: At, name: &[u8], is_chunked: bool, parameters: Option<usize>) {
        let is_first = self.last == at;
        if !is_chunked {
            self.foreign.get_or_insert(at.clone());
        } else if self.chunked {
            self.second_chunked.get_or_insert(at.clone());
        }
        if is_chunked {
            self.chunked = true;
            self.parameters = self.parameters.or(parameters);
        }
        self.identity_alone = is_first && name.eq_ignore_ascii_case(b"identity");
        self.last_is_chunked = is_chunked;
        self.last = at;
    }
}

fn offers(offer: &[u8], protocol: &[u8]) -> bool {
    value::protocols(offer).any(|member| match member {
        Ok(Member::Present(at)) => offer[at].eq_ignore_ascii_case(protocol),
        _ => false,
    })
}

/// A coding name that a careless search for "chunked" would take for it.
fn resembles_chunked(name: &[u8]) -> bool {
    name.windows(7).any(|part| part.eq_ignore_ascii_case(b"chunked"))
}

/// The comma that makes a member empty: the one before it at the end of a list, else the one after.
fn comma_of(value: &[u8], at: usize) -> usize {
    match value[..at].iter().rposition(|&byte| byte == b',') {
        Some(comma) if at == value.len() => comma,
        _ => at,
    }
}

fn name_at(field: &Field<'_>) -> At {
    let start = field.offset() as usize;
    start..start + field.name().len()
}

fn value_at(field: &Field<'_>) -> At {
    let start = field.value_offset() as usize;
    start..start + field.value().len()
}
