//! Field lines, RFC 9112 section 5, in the header and in the trailer section.
//!
//! ```text
//! field-line = field-name ":" OWS field-value OWS
//! ```
//!
//! One state machine knows every rule, position and tolerance, a byte at a time. Whole plain lines are taken by
//! [`FieldLines::walk`], which may only ever do what the machine would have done.
#![forbid(unsafe_code)]

use core::ops::RangeInclusive;

use super::is_interim;
use super::known::{Known, Seen, Spelling};
use crate::class::{is_blank, is_digit, is_tchar, is_text};
use crate::judge::{Finding, Halt, Judge};
use crate::policy::Limits;
use crate::rule::Rule;
use crate::scan::{
    Backend, Found, Job, Kept, Marks, Names, careful_token_end, dispatch, text_len, token_end,
};

const SPELLS_FRAMING: &str = "its letters begin with those of a field that decides framing";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    Name,
    NameCr,
    /// Blanks after the name.
    Blank,
    /// A name with an octet that is no tchar, tolerated so far; read on to know what it spells.
    BadName,
    Value,
    ValueCr,
    /// A line that is tolerated and dropped.
    Dropped,
    DroppedCr,
    EmptyLineCr,
    /// The section is whole, and says so again when asked again.
    Ended,
}

impl State {
    /// Does an octet like this leave it as it is?
    #[inline(always)]
    fn stays_at(self, byte: u8) -> bool {
        STAYS[byte as usize] >> self as u8 & 1 != 0
    }
}

/// The states that an octet leaves as they are, a bit each: one look for names and values.
static STAYS: [u16; 256] = {
    let mut states = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let in_name = (is_tchar(byte as u8) as u16) << State::Name as u8;
        let in_value = (is_text(byte as u8) as u16) << State::Value as u8;
        states[byte] = in_name | in_value;
        byte += 1;
    }
    states
};

/// So few bytes are not worth a walk.
pub(super) const FEW: RangeInclusive<usize> = 1..=8;

enum Step {
    Next(State),
    /// Look at the same byte again in another state.
    Again(State),
}

/// Which section the lines stand in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Header,
    Trailer,
}

/// The byte past which a section may not go, and the rule that says so.
#[derive(Clone, Copy)]
pub(crate) struct Ceiling {
    at: usize,
    rule: Rule,
}

impl Ceiling {
    /// Of the message at hand: interim replies have a limit together besides the one for each head.
    pub(crate) fn of_head(judge: &Judge<'_, '_>) -> Ceiling {
        let limits = judge.policy.limits();
        let own = Ceiling { at: limits.header_section as usize, rule: Rule::HeaderSectionTooLarge };
        if !judge.record.status.is_some_and(is_interim) {
            return own;
        }
        let left = u64::from(limits.interim_bytes).saturating_sub(judge.record.interims.bytes) as usize;
        if left < own.at { Ceiling { at: left, rule: Rule::TooManyInterimResponses } } else { own }
    }

    pub(crate) fn of_trailers(judge: &Judge<'_, '_>) -> Ceiling {
        Ceiling { at: judge.policy.limits().trailer_section as usize, rule: Rule::TrailerSectionTooLarge }
    }

    pub(super) fn check(self, at: usize, judge: &Judge<'_, '_>) -> Result<(), Halt> {
        if at < self.at {
            return Ok(());
        }
        Err(judge.refuse(match self.rule {
            // No byte of this message is at fault, but that there is one more.
            Rule::TooManyInterimResponses => Finding::new(self.rule, 0..1, at),
            rule => Finding::at(rule, at),
        }))
    }
}

/// A section as far as it has been read. Positions count from the first byte of the message, or of the trailers.
#[derive(Clone, Copy)]
pub(crate) struct FieldLines {
    state: State,
    place: Place,
    at: usize,
    line: usize,
    /// Where the name ends; in `BadName`, the octet to blame.
    mark: usize,
    /// In `BadName`: what the name spells so far.
    spelling: Spelling,
    /// How far the section may go, and the line at hand.
    ceiling: usize,
    most: usize,
    /// Where the last walk stopped: the line there is not plain.
    stopped: usize,
    /// Where the field at hand begins; none if its line was walked over.
    field: Option<usize>,
    fields: u16,
    /// The line before was dropped, and its continuation lines with it.
    dropping: bool,
    any_dropped: bool,
    any_line: bool,
    /// A line has ended in CRLF.
    any_crlf: bool,
    seen: Seen,
}

impl FieldLines {
    /// `any_crlf`: the line before ended in CRLF.
    pub(crate) const fn new(place: Place, at: usize, any_crlf: bool) -> FieldLines {
        FieldLines {
            state: State::LineStart,
            place,
            at,
            line: at,
            mark: at,
            spelling: Spelling::NOTHING,
            ceiling: at,
            most: at,
            stopped: usize::MAX,
            field: None,
            fields: 0,
            dropping: false,
            any_dropped: false,
            any_line: false,
            any_crlf,
            seen: Seen::NONE,
        }
    }

    /// Bytes examined.
    pub(crate) const fn examined(&self) -> usize {
        self.at
    }

    pub(crate) const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Was any line tolerated that is not a field?
    pub(crate) const fn any_dropped(&self) -> bool {
        self.any_dropped
    }

    /// Has any line begun, dropped ones included?
    pub(crate) const fn any_line(&self) -> bool {
        self.any_line
    }

    /// The length of the section, once its empty line has ended.
    #[inline]
    pub(crate) const fn whole(&self) -> Option<usize> {
        match self.state {
            State::Ended => Some(self.at),
            _ => None,
        }
    }

    /// Judge the bytes not yet examined; `Some` is the length of the section once its empty line has ended.
    pub(crate) fn read(
        &mut self,
        judge: &mut Judge<'_, '_>,
        ceiling: Ceiling,
    ) -> Result<Option<usize>, Halt> {
        self.ceiling = ceiling.at;
        let mut kept = Kept::room();
        let mut marks = Marks::new(self.at, &mut kept);
        if matches!(self.state, State::Name | State::Value) && self.is_worth_a_walk(judge.bytes) {
            dispatch(Walk { lines: self, marks: &mut marks, judge });
        }
        loop {
            // Within a line the marks would not tell a CR in a run with other control octets.
            if self.state == State::LineStart && self.is_worth_a_walk(judge.bytes) {
                dispatch(Walk { lines: self, marks: &mut marks, judge });
            }
            if let Some(len) = self.whole() {
                return Ok(Some(len));
            }
            self.most = self.most_from(self.line, judge.policy.limits());
            self.pass_run(judge.bytes);
            let Some(&byte) = judge.bytes.get(self.at) else { return Ok(None) };
            #[cfg(test)]
            crate::scan::work::step();
            self.check_size(byte, judge, ceiling)?;
            match self.step(byte, judge)? {
                Step::Next(state) => {
                    self.at += 1;
                    self.state = state;
                }
                Step::Again(state) => self.state = state,
            }
        }
    }

    fn is_worth_a_walk(&self, bytes: &[u8]) -> bool {
        self.place == Place::Header
            && bytes.len().saturating_sub(self.at) > *FEW.end()
            && self.at != self.stopped
    }

    /// How far a line may go that starts there.
    #[inline(always)]
    fn most_from(&self, line: usize, limits: &Limits) -> usize {
        line.saturating_add(limits.field_line as usize).min(self.ceiling)
    }

    /// The rest of a name and its colon; true if that is all there.
    #[inline(always)]
    fn walk_name<B: Backend>(&mut self, backend: B, judge: &Judge<'_, '_>) -> bool {
        let bytes = up_to(self.most_from(self.line, judge.policy.limits()), judge.bytes);
        let end = token_end(backend, bytes, self.at);
        #[cfg(test)]
        crate::scan::work::add(end - self.at);
        self.at = end;
        if bytes.get(self.at) != Some(&b':') {
            return false;
        }
        self.name_ends(bytes, self.at);
        self.at += 1;
        self.state = State::Value;
        true
    }

    /// The rest of a value and its CRLF; true if that is all there.
    #[inline(always)]
    fn walk_value<B: Backend>(&mut self, backend: B, marks: &mut Marks<'_>, judge: &Judge<'_, '_>) -> bool {
        let bytes = up_to(self.ceiling, judge.bytes);
        marks.find(backend, bytes, self.at);
        let cr = marks.found().first().unwrap_or(bytes.len());
        let most = self.most_from(self.line, judge.policy.limits());
        if cr > most || !ends_line_at(bytes, cr) {
            self.at = cr.min(most);
            return false;
        }
        marks.pass(1);
        self.at = cr + 2;
        self.line = self.at;
        self.any_crlf = true;
        self.state = State::LineStart;
        true
    }

    /// Whole lines from the start of one; true if a name has begun then, which has not come whole or whose value has
    /// not.
    #[inline(always)]
    fn walk_lines<B: Backend>(&mut self, backend: B, marks: &mut Marks<'_>, judge: &Judge<'_, '_>) -> bool {
        let bytes = up_to(self.ceiling, judge.bytes);
        let limits = judge.policy.limits();
        let start = self.at;
        let room = limits.fields.saturating_sub(self.fields);
        let walked = MoreLines { bytes, line: start, room, limits, marks, seen: &mut self.seen }.run(backend);
        if walked.line != start {
            self.fields += walked.count;
            self.stand_at(walked.line);
        }
        if walked.is_end {
            self.state = State::Ended;
            self.at = walked.line + 2;
            return false;
        }
        self.enter_line(walked.is_plain, bytes)
    }

    /// In front of the line where a walk over a header section has stopped, which began at `start`.
    #[cold]
    pub(super) fn behind(start: usize, walked: Walked, seen: Seen, bytes: &[u8]) -> FieldLines {
        let mut lines = FieldLines::new(Place::Header, start, true);
        if walked.line != start {
            lines.seen = seen;
            lines.fields = walked.count;
            lines.stand_at(walked.line);
        }
        if walked.is_end {
            lines.state = State::Ended;
            lines.at += 2;
        } else {
            lines.enter_line(walked.is_plain, bytes);
        }
        lines
    }

    /// Is a name there to begin, behind plain lines?
    fn enter_line(&mut self, may_begin: bool, bytes: &[u8]) -> bool {
        if !may_begin {
            self.stopped = self.at;
        }
        let begins = may_begin && bytes.get(self.at).is_some_and(|&byte| is_tchar(byte));
        if begins {
            self.begin_field(self.at);
            self.state = State::Name;
        }
        begins
    }

    /// Stand at the start of a line, with plain ones behind, as the machine would have come there.
    #[inline(always)]
    fn stand_at(&mut self, line: usize) {
        self.at = line;
        self.line = line;
        self.field = None;
        self.dropping = false;
        self.any_line = true;
        self.any_crlf = true;
    }

    /// Pass over what goes on as it was: tchar in a name, text in a value, within every limit.
    #[inline]
    fn pass_run(&mut self, bytes: &[u8]) {
        let Some(rest) = bytes.get(self.at..self.most.min(bytes.len())) else { return };
        let run = match self.state {
            State::Value => text_len(rest),
            State::Name => rest.iter().position(|&byte| !is_tchar(byte)).unwrap_or(rest.len()),
            _ => 0,
        };
        #[cfg(test)]
        crate::scan::work::add(run);
        self.at += run;
    }

    /// The few bytes of a small read, the last of `bytes`, if nothing about them is odd: false in front of the first that
    /// is. Does what the machine would have done.
    #[inline(always)]
    pub(super) fn passes(&mut self, bytes: &[u8], limits: &Limits) -> bool {
        let Some(few) = bytes.get(self.at..) else { return false };
        if bytes.len() > self.most || !FEW.contains(&few.len()) {
            return false;
        }
        for (nth, &byte) in few.iter().enumerate() {
            if !self.state.stays_at(byte)
                && !self.passes_on(byte, bytes, bytes.len() - few.len() + nth, limits)
            {
                return false;
            }
            #[cfg(test)]
            crate::scan::work::add(1);
        }
        // Not counted up, so that a read need not wait for what the one before it has stored.
        self.at = bytes.len();
        true
    }

    /// The octet at `at` leads to another state as in a plain line. If not, that is where to go on.
    #[inline(never)]
    fn passes_on(&mut self, byte: u8, bytes: &[u8], at: usize, limits: &Limits) -> bool {
        let next = match self.state {
            State::Name if byte == b':' => {
                self.name_ends(bytes, at);
                State::Value
            }
            State::Value if byte == b'\r' => State::ValueCr,
            State::ValueCr if byte == b'\n' => {
                self.any_crlf = true;
                self.line = at + 1;
                self.most = self.most_from(self.line, limits);
                State::LineStart
            }
            State::LineStart if is_tchar(byte) && self.fields < limits.fields => {
                self.begin_field(at);
                State::Name
            }
            _ => {
                self.at = at;
                return false;
            }
        };
        self.state = next;
        true
    }

    fn check_size(&self, byte: u8, judge: &Judge<'_, '_>, ceiling: Ceiling) -> Result<(), Halt> {
        let ends = byte == b'\r' || byte == b'\n';
        if !ends && self.at - self.line >= judge.policy.limits().field_line as usize {
            let rule = match self.place {
                Place::Header => Rule::FieldLineTooLong,
                Place::Trailer => Rule::TrailerFieldTooLarge,
            };
            return Err(judge.refuse(Finding::at(rule, self.at)));
        }
        ceiling.check(self.at, judge)
    }

    fn step(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match self.state {
            State::LineStart => self.line_start(byte, judge),
            State::Name => self.name(byte, judge),
            State::NameCr => self.name_cr(byte, judge),
            State::Blank => self.blank(byte, judge),
            State::BadName => self.bad_name(byte, judge),
            State::Value => self.value(byte, judge),
            State::ValueCr => self.value_cr(byte, judge),
            State::Dropped => self.dropped(byte, judge),
            State::DroppedCr => self.dropped_cr(byte, judge),
            State::EmptyLineCr => self.empty_line_cr(byte, judge),
            State::Ended => Ok(Step::Again(State::Ended)),
        }
    }

    fn line_start(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'\r' => return Ok(Step::Next(State::EmptyLineCr)),
            b'\n' => {
                self.bare_lf(judge)?;
                return Ok(Step::Next(State::Ended));
            }
            _ => {}
        }
        if self.place == Place::Trailer && !self.any_line {
            judge.tolerate(Finding::at(Rule::TrailerSection, self.at))?;
        }
        if is_blank(byte) {
            return self.blank_led_line(judge);
        }
        self.check_count(judge)?;
        match byte {
            b':' => {
                self.tolerate(judge, Finding::at(Rule::EmptyFieldName, self.at))?;
                self.fields += 1;
                self.drop_line();
                Ok(Step::Next(State::Dropped))
            }
            _ if is_tchar(byte) => {
                self.begin_field(self.at);
                Ok(Step::Next(State::Name))
            }
            _ => {
                let step = self.bad_octet(judge, self.at)?;
                self.begin_field(self.at);
                Ok(step)
            }
        }
    }

    fn check_count(&self, judge: &Judge<'_, '_>) -> Result<(), Halt> {
        let limits = judge.policy.limits();
        let (most, rule) = match self.place {
            Place::Header => (limits.fields, Rule::HeaderSectionTooLarge),
            Place::Trailer => (limits.trailer_fields, Rule::TrailerSectionTooLarge),
        };
        if self.fields < most {
            return Ok(());
        }
        Err(judge.refuse(Finding::at(rule, self.at).detail("too many fields")))
    }

    fn begin_field(&mut self, line: usize) {
        self.line = line;
        self.fields += 1;
        self.field = Some(line);
        self.dropping = false;
        self.any_line = true;
    }

    /// The name of the line at hand ends at `end`.
    #[inline]
    fn name_ends(&mut self, bytes: &[u8], end: usize) {
        self.seen.add(bytes, self.line, end);
    }

    /// SP or HTAB first: the line goes on (RFC 9112 5.2), or there is nothing for it to go on from (2.2).
    fn blank_led_line(&mut self, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if self.dropping {
            return Ok(Step::Next(State::Dropped));
        }
        if !self.any_line {
            self.tolerate(judge, Finding::at(Rule::WhitespaceBeforeFirstField, self.at))?;
            self.drop_line();
            return Ok(Step::Next(State::Dropped));
        }
        let finding = Finding::at(Rule::ObsFold, self.at);
        self.field.get_or_insert_with(|| start_of_last(&judge.bytes[..self.line]));
        if self.in_framing_field(judge) {
            return Err(judge.refuse(finding.detail("in a field that decides framing")));
        }
        judge.tolerate(finding)?;
        Ok(Step::Next(State::Value))
    }

    fn name(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            _ if is_tchar(byte) => Ok(Step::Next(State::Name)),
            b':' => {
                self.name_ends(judge.bytes, self.at);
                Ok(Step::Next(State::Value))
            }
            b' ' | b'\t' => {
                let finding = Finding::at(Rule::WhitespaceBeforeColon, self.at);
                let name = &judge.bytes[self.line..self.at];
                if Known::of(name).is_some_and(Known::decides_framing) {
                    return Err(judge.refuse(finding.detail("after a name that decides framing")));
                }
                if judge.denies(Rule::WhitespaceBeforeColon) {
                    return Err(judge.refuse(finding));
                }
                self.mark = self.at;
                Ok(Step::Next(State::Blank))
            }
            b'\r' => Ok(Step::Next(State::NameCr)),
            b'\n' => self.missing_colon(judge, self.at),
            b'/' if &judge.bytes[self.line..self.at] == b"HTTP" => self.repeated_status_line(judge),
            _ => self.bad_octet(judge, self.at),
        }
    }

    fn name_cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'\n' {
            return self.missing_colon(judge, self.at - 1);
        }
        Err(self.refuse(judge, Finding::new(Rule::BareCr, self.at - 1..self.at, self.at)))
    }

    fn missing_colon(&mut self, judge: &mut Judge<'_, '_>, line_end: usize) -> Result<Step, Halt> {
        let finding = Finding::new(Rule::MissingColon, line_end..line_end + 1, self.at);
        if Spelling::of(&judge.bytes[self.line..line_end]).is_done_here() {
            return Err(self.refuse(judge, finding.detail(SPELLS_FRAMING)));
        }
        self.tolerate(judge, finding)?;
        if line_end == self.at {
            self.bare_lf(judge)?;
        }
        self.drop_line();
        self.end_line(judge)
    }

    fn blank(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        let name = self.line..self.mark;
        match byte {
            b' ' | b'\t' => Ok(Step::Next(State::Blank)),
            b':' => {
                let finding = Finding::new(Rule::WhitespaceBeforeColon, self.mark..self.at, self.at);
                judge.tolerate(finding)?;
                self.name_ends(judge.bytes, name.end);
                Ok(Step::Next(State::Value))
            }
            b'\r' => Ok(Step::Next(State::NameCr)),
            b'\n' => self.missing_colon(judge, self.at),
            _ if is_digit(byte) && &judge.bytes[name] == b"HTTP" => self.repeated_status_line(judge),
            _ => self.bad_octet(judge, self.mark),
        }
    }

    fn repeated_status_line(&mut self, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        self.tolerate(judge, Finding::new(Rule::RepeatedStatusLine, self.line..self.at + 1, self.at))?;
        self.drop_line();
        Ok(Step::Next(State::Dropped))
    }

    /// An octet that is no tchar stands in the name.
    fn bad_octet(&mut self, judge: &Judge<'_, '_>, blamed: usize) -> Result<Step, Halt> {
        self.mark = blamed;
        if judge.denies(self.rule(Rule::InvalidFieldName)) {
            return Err(self.refuse(judge, self.bad_name_found()));
        }
        self.spelling = Spelling::of(&judge.bytes[self.line..self.at]);
        self.spell(judge.bytes[self.at], judge)?;
        Ok(Step::Next(State::BadName))
    }

    fn bad_name_found(&self) -> Finding {
        Finding::new(Rule::InvalidFieldName, self.mark..self.mark + 1, self.at)
    }

    /// Nothing that comes makes it another name, once it spells that of a field that decides framing.
    fn spell(&mut self, byte: u8, judge: &Judge<'_, '_>) -> Result<(), Halt> {
        self.spelling.add(byte);
        if !self.spelling.is_done() {
            return Ok(());
        }
        Err(self.refuse(judge, self.bad_name_found().detail(SPELLS_FRAMING)))
    }

    fn bad_name(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        self.spell(byte, judge)?;
        if !matches!(byte, b':' | b'\r' | b'\n') {
            return Ok(Step::Next(State::BadName));
        }
        self.tolerate(judge, self.bad_name_found())?;
        self.drop_line();
        Ok(Step::Again(State::Dropped))
    }

    fn value(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            _ if is_text(byte) => Ok(Step::Next(State::Value)),
            b'\r' => Ok(Step::Next(State::ValueCr)),
            b'\n' => {
                self.bare_lf(judge)?;
                self.end_line(judge)
            }
            _ => {
                self.control_octet(byte, judge)?;
                Ok(Step::Next(State::Value))
            }
        }
    }

    fn control_octet(&self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
        let known = self.known(judge);
        let rule = match known {
            _ if byte == 0 => Rule::NulInField,
            Some(Known::TransferEncoding) => Rule::MalformedTransferEncoding,
            Some(Known::ContentLength) => Rule::InvalidContentLength,
            _ => Rule::ControlCharacterInFieldValue,
        };
        let finding = Finding::at(rule, self.at);
        let decides_framing = known.is_some_and(Known::decides_framing);
        if decides_framing { Err(judge.refuse(finding)) } else { judge.tolerate(finding) }
    }

    fn value_cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'\n' {
            return self.end_line(judge);
        }
        let finding = Finding::new(Rule::BareCr, self.at - 1..self.at, self.at);
        if self.in_framing_field(judge) {
            return Err(self.refuse(judge, finding));
        }
        self.tolerate(judge, finding)?;
        Ok(Step::Again(State::Value))
    }

    fn drop_line(&mut self) {
        self.dropping = true;
        self.any_dropped = true;
        self.any_line = true;
    }

    fn dropped(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        match byte {
            b'\r' => Ok(Step::Next(State::DroppedCr)),
            b'\n' => {
                self.bare_lf(judge)?;
                self.end_line(judge)
            }
            _ => Ok(Step::Next(State::Dropped)),
        }
    }

    fn dropped_cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'\n' {
            return self.end_line(judge);
        }
        self.tolerate(judge, Finding::new(Rule::BareCr, self.at - 1..self.at, self.at))?;
        Ok(Step::Again(State::Dropped))
    }

    fn bare_lf(&self, judge: &mut Judge<'_, '_>) -> Result<(), Halt> {
        let finding = Finding::at(Rule::BareLf, self.at);
        self.tolerate(judge, if self.any_crlf { finding.detail("mixed with CRLF") } else { finding })
    }

    fn end_line(&mut self, judge: &Judge<'_, '_>) -> Result<Step, Halt> {
        self.any_crlf |= judge.bytes[..self.at].last() == Some(&b'\r');
        self.line = self.at + 1;
        Ok(Step::Next(State::LineStart))
    }

    fn empty_line_cr(&mut self, byte: u8, judge: &mut Judge<'_, '_>) -> Result<Step, Halt> {
        if byte == b'\n' {
            return Ok(Step::Next(State::Ended));
        }
        Err(self.refuse(judge, Finding::new(Rule::BareCr, self.at - 1..self.at, self.at)))
    }

    /// The field whose value is at hand, if it is known.
    fn known(&self, judge: &Judge<'_, '_>) -> Option<Known> {
        // However long the line, a name that is known has ended by there.
        let line = up_to(Known::LONGEST + 1, &judge.bytes[self.field?..]);
        #[cfg(test)]
        crate::scan::work::add(line.len());
        line.split(|&byte| byte == b':' || is_blank(byte)).next().and_then(Known::of)
    }

    fn in_framing_field(&self, judge: &Judge<'_, '_>) -> bool {
        self.known(judge).is_some_and(Known::decides_framing)
    }

    /// What breaks the shape of a line is one rule of its own in a trailer section.
    fn rule(&self, rule: Rule) -> Rule {
        match (self.place, rule) {
            (Place::Header, rule) => rule,
            (
                Place::Trailer,
                Rule::MissingColon
                | Rule::WhitespaceBeforeFirstField
                | Rule::BareCr
                | Rule::BareLf
                | Rule::EmptyFieldName
                | Rule::InvalidFieldName
                | Rule::RepeatedStatusLine,
            ) => Rule::MalformedTrailerField,
            (Place::Trailer, rule) => rule,
        }
    }

    fn finding(&self, finding: Finding) -> Finding {
        let own = finding.rule();
        match self.rule(own) {
            rule if rule == own => finding,
            rule => finding.as_rule(rule).or_detail(own.id()),
        }
    }

    fn refuse(&self, judge: &Judge<'_, '_>, finding: Finding) -> Halt {
        judge.refuse(self.finding(finding))
    }

    /// In trailers only a line that surely ended in CRLF can be passed over: never a bare CR or LF.
    fn tolerate(&self, judge: &mut Judge<'_, '_>, finding: Finding) -> Result<(), Halt> {
        let ends_line = matches!(finding.rule(), Rule::BareCr | Rule::BareLf);
        if self.place == Place::Trailer && ends_line {
            return Err(self.refuse(judge, finding));
        }
        judge.tolerate(self.finding(finding))
    }
}

#[inline(always)]
fn up_to(most: usize, bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(most)]
}

/// Of whole plain lines.
fn start_of_last(lines: &[u8]) -> usize {
    let before = lines.strip_suffix(b"\r\n").unwrap_or(lines);
    #[cfg(test)]
    crate::scan::work::add(before.iter().rev().take_while(|&&byte| byte != b'\n').count());
    before.iter().rposition(|&byte| byte == b'\n').map_or(0, |lf| lf + 1)
}

#[inline(always)]
fn ends_line_at(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..at + 2) == Some(b"\r\n")
}

/// Whole plain lines that were walked over.
#[derive(Clone, Copy)]
pub(crate) struct Walked {
    /// Where the next one starts.
    line: usize,
    count: u16,
    /// The empty line is the next.
    is_end: bool,
    /// Nothing is known against the next one: it has not come whole.
    is_plain: bool,
}

impl Walked {
    /// None: the empty line stands there, or something odd.
    #[inline(always)]
    pub(super) fn none(bytes: &[u8], line: usize) -> Walked {
        Walked { line, count: 0, is_end: ends_line_at(bytes, line), is_plain: false }
    }

    /// The same behind `count` others.
    #[inline(always)]
    pub(super) fn behind(self, count: u16) -> Walked {
        Walked { count: self.count + count, ..self }
    }

    /// The length of the section, if that was all of it.
    #[inline(always)]
    pub(crate) fn whole(self) -> Option<usize> {
        self.is_end.then_some(self.line + 2)
    }
}

/// Walk over at most `room` of them from `line` on, where the empty line does not stand.
#[inline(never)]
pub(super) fn more_lines(bytes: &[u8], line: usize, room: u16, limits: &Limits, seen: &mut Seen) -> Walked {
    dispatch(MoreLines { bytes, line, room, limits, marks: &mut Marks::new(line, &mut Kept::room()), seen })
}

/// The same walk where the empty line is not the next, with the marks there are.
struct MoreLines<'w, 'k, 'b> {
    bytes: &'b [u8],
    line: usize,
    room: u16,
    limits: &'w Limits,
    marks: &'w mut Marks<'k>,
    seen: &'w mut Seen,
}

impl Job for MoreLines<'_, '_, '_> {
    type Output = Walked;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Walked {
        let MoreLines { bytes, mut line, room, limits, marks, seen } = self;
        let mut left = usize::from(room);
        let is_plain = loop {
            if ends_line_at(bytes, line) || left == 0 || !marks.find(backend, bytes, line) {
                break left > 0;
            }
            let reach = reach_of(bytes, line, limits);
            let ends = marks.found().up_to(left);
            let (mut passed, mut next) = Lines { bytes: reach, line, ends, seen }.walk(backend);
            if passed == 0 {
                let Some((colon, end)) = careful_line(reach, line, ends) else { break false };
                seen.add(reach, line, colon);
                (passed, next) = (1, end + 2);
            }
            line = next;
            left -= passed;
            marks.pass(passed);
        };
        Walked { line, count: room - left as u16, is_end: ends_line_at(bytes, line), is_plain }
    }
}

/// So many bytes, from `line` on, that no line in them is longer than a line may be.
#[inline(always)]
pub(super) fn reach_of<'b>(bytes: &'b [u8], line: usize, limits: &Limits) -> &'b [u8] {
    up_to(line.saturating_add(limits.field_line as usize), bytes)
}

/// Take what is plain: a token, a colon, text, CRLF, within every limit; and the empty line behind them. Stops in front of
/// anything else, and looks at nothing past the ceiling. What is left of a line that has not come whole is gone into as far
/// as it goes.
struct Walk<'w, 'k, 'j, 'b> {
    lines: &'w mut FieldLines,
    marks: &'w mut Marks<'k>,
    judge: &'w Judge<'j, 'b>,
}

impl Job for Walk<'_, '_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let Walk { lines, marks, judge } = self;
        let mut goes_on = true;
        while goes_on {
            goes_on = match lines.state {
                State::LineStart => lines.walk_lines(backend, marks, judge),
                State::Name => lines.walk_name(backend, judge),
                State::Value => lines.walk_value(backend, marks, judge),
                _ => false,
            };
        }
    }
}

/// The lines from `line` on, which may end where `ends` tells: how many are whole and plain, each told by one look.
pub(super) struct Lines<'w, 'b> {
    pub(super) bytes: &'b [u8],
    pub(super) line: usize,
    pub(super) ends: Found<'w>,
    pub(super) seen: &'w mut Seen,
}

impl Lines<'_, '_> {
    /// And where the next one starts.
    #[inline(always)]
    pub(super) fn walk<B: Backend>(self, backend: B) -> (usize, usize) {
        let Lines { bytes, mut line, ends, seen } = self;
        let Some(names) = Names::new(bytes) else { return (0, line) };
        let (start, mut passed, mut any, mut sum) = (line, 0, 0, 0);
        while let Some(end) = ends.nth(passed) {
            let colon = names.token_end(backend, line);
            if !is_line(bytes, line, colon, end) {
                break;
            }
            let bit = seen.place(bytes, line, colon);
            any |= bit;
            sum += u64::from(bit);
            line = end + 2;
            passed += 1;
        }
        if !seen.add_once(any, sum) {
            add_each(&bytes[..line], start, seen);
        }
        (passed, line)
    }
}

/// Where the name and the line end of which one look has told nothing: the name is long, or the bytes are few.
#[cold]
pub(super) fn careful_line(bytes: &[u8], line: usize, ends: Found<'_>) -> Option<(usize, usize)> {
    let colon = careful_token_end(bytes, line);
    let end = ends.first().filter(|&end| is_line(bytes, line, colon, end))?;
    Some((colon, end))
}

/// Note the names of whole plain lines, among which one is there again.
#[cold]
fn add_each(lines: &[u8], start: usize, seen: &mut Seen) {
    let mut line = start;
    for field_line in lines[start..].split_inclusive(|&byte| byte == b'\n') {
        #[cfg(test)]
        crate::scan::work::add(field_line.len());
        let name = field_line.iter().take_while(|&&byte| byte != b':').count();
        seen.add(lines, line, line + name);
        line += field_line.len();
    }
}

/// Is this a line, with its name up to the colon and its CR at `end`?
#[inline(always)]
fn is_line(bytes: &[u8], line: usize, colon: usize, end: usize) -> bool {
    colon > line && bytes.get(colon) == Some(&b':') && ends_line_at(bytes, end)
}
