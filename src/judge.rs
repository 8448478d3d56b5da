//! The one place where a deviation meets the policy.
#![forbid(unsafe_code)]

use core::ops::Range;

use crate::exchange::{Exchange, Written};
use crate::policy::Policy;
use crate::proxy_status::ProxyError;
use crate::rule::{Level, Relax, Rule, RuleSet};
use crate::violation::{Phase, Retry, Span, Violation};

/// Why a judging function stopped. It then has changed nothing, so that after a note it can be called again on the
/// same byte: a rule is noted once a message, and the second call passes.
pub(crate) enum Halt {
    Note(Violation),
    Deny(Violation),
}

/// A deviation, positions counted from the judge's `base`.
#[derive(Clone, Copy)]
pub(crate) struct Finding {
    rule: Rule,
    span: Span,
    related: Option<Span>,
    decided: u64,
    found: Option<u8>,
    detail: Option<&'static str>,
    /// The error type, where the bytes make it more exact than the rule does.
    error: Option<ProxyError>,
    /// Where the message to blame began, if it is not the one at hand.
    message_start: Option<u64>,
}

fn span(range: Range<usize>) -> Span {
    Span { start: range.start as u64, end: range.end as u64 }
}

impl Finding {
    /// `rule` is broken by the bytes of `span`, as the byte at `decided` settled.
    pub(crate) fn new(rule: Rule, blamed: Range<usize>, decided: usize) -> Finding {
        Finding {
            rule,
            span: span(blamed),
            related: None,
            decided: decided as u64,
            found: None,
            detail: None,
            error: None,
            message_start: None,
        }
    }

    /// One byte is to blame that may no longer be at hand.
    pub(crate) fn byte(rule: Rule, at: u64, byte: u8, decided: u64) -> Finding {
        let span = Span { start: at, end: at + 1 };
        Finding { span, decided, found: Some(byte), ..Finding::new(rule, 0..0, 0) }
    }

    /// A fault of the very byte that shows it.
    pub(crate) fn at(rule: Rule, at: usize) -> Finding {
        Finding::new(rule, at..at + 1, at)
    }

    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }

    /// The same, reported under another rule.
    pub(crate) fn as_rule(mut self, rule: Rule) -> Finding {
        self.rule = rule;
        self
    }

    pub(crate) fn related(mut self, blamed: Range<usize>) -> Finding {
        self.related = Some(span(blamed));
        self
    }

    /// An earlier message, which began at that offset, is to blame.
    pub(crate) fn of_message(mut self, start: u64) -> Finding {
        self.message_start = Some(start);
        self
    }

    pub(crate) fn detail(mut self, detail: &'static str) -> Finding {
        self.detail = Some(detail);
        self
    }

    /// Where there is nothing more exact to say.
    pub(crate) fn or_detail(mut self, detail: &'static str) -> Finding {
        self.detail.get_or_insert(detail);
        self
    }

    /// Reported to the client under this error type.
    pub(crate) fn error(mut self, error: ProxyError) -> Finding {
        self.error = Some(error);
        self
    }
}

/// The interim replies before a message in its exchange.
#[derive(Clone, Copy)]
pub(crate) struct Interims {
    pub(crate) messages: u16,
    pub(crate) bytes: u64,
    /// One of them carried the connection option `close`.
    pub(crate) close: bool,
    /// Where the last of them began.
    pub(crate) last: u64,
}

impl Interims {
    pub(crate) const NONE: Interims = Interims { messages: 0, bytes: 0, close: false, last: 0 };
}

/// What is known of the message being judged, and of the exchange it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    /// Offset of the message's first byte.
    pub(crate) start: u64,
    pub(crate) phase: Phase,
    /// The status code, once its three digits are read.
    pub(crate) status: Option<u16>,
    /// The first tolerated rule that forbids to use the connection again; holds for the exchange.
    pub(crate) closing: Option<Rule>,
    pub(crate) interims: Interims,
    noted: RuleSet,
}

impl Record {
    pub(crate) const NEW: Record = Record {
        start: 0,
        phase: Phase::Idle,
        status: None,
        closing: None,
        interims: Interims::NONE,
        noted: RuleSet::NONE,
    };

    /// A new message begins at `start`, in the same exchange.
    #[inline]
    pub(crate) fn next_message(&mut self, start: u64) {
        self.start = start;
        self.phase = Phase::StatusLine;
        self.status = None;
        self.noted = RuleSet::NONE;
    }

    pub(crate) fn close_because(&mut self, rule: Rule) {
        self.closing.get_or_insert(rule);
    }

    /// A violation of `rule` in this message, its place still to be filled in.
    pub(crate) fn violation(&self, rule: Rule, exchange: &Exchange) -> Violation {
        Violation {
            rule,
            phase: self.phase,
            retry: retry(rule, self.phase, exchange),
            found: None,
            received_status: self.status,
            proxy_error: rule.proxy_error(),
            span: Span { start: self.start, end: self.start },
            related: None,
            decided_at: self.start,
            message_start: self.start,
            detail: None,
        }
    }
}

/// The bytes at hand, what is known of their message, and the policy they are held against.
pub(crate) struct Judge<'j, 'b> {
    pub(crate) bytes: &'b [u8],
    /// Offset of the first of `bytes`.
    pub(crate) base: u64,
    pub(crate) policy: &'j Policy,
    pub(crate) exchange: &'j Exchange,
    pub(crate) record: &'j mut Record,
}

impl Judge<'_, '_> {
    pub(crate) fn denies(&self, rule: Rule) -> bool {
        self.policy.level(rule) == Level::Deny
    }

    /// Deny, note or pass, as the policy says of the rule.
    #[cold]
    pub(crate) fn tolerate(&mut self, finding: Finding) -> Result<(), Halt> {
        let rule = finding.rule;
        let level = self.policy.level(rule);
        if level == Level::Deny {
            return Err(self.refuse(finding));
        }
        if rule.relax() == Relax::Closing {
            self.record.close_because(rule);
        }
        if level == Level::Note && self.record.noted.insert(rule) {
            return Err(Halt::Note(self.violation(finding)));
        }
        Ok(())
    }

    /// Deny, whatever the policy says.
    #[cold]
    pub(crate) fn refuse(&self, finding: Finding) -> Halt {
        Halt::Deny(self.violation(finding))
    }

    fn violation(&self, finding: Finding) -> Violation {
        let absolute = |span: Span| Span { start: self.base + span.start, end: self.base + span.end };
        let at_hand = || self.bytes.get(finding.span.start as usize).copied();
        let is_empty = finding.span.start == finding.span.end;
        let found = if is_empty { None } else { finding.found.or_else(at_hand) };
        Violation {
            span: absolute(finding.span),
            related: finding.related.map(absolute),
            decided_at: self.base + finding.decided,
            found,
            detail: finding.detail,
            message_start: finding.message_start.unwrap_or(self.record.start),
            proxy_error: finding.error.or(finding.rule.proxy_error()),
            ..self.record.violation(finding.rule, self.exchange)
        }
    }
}

/// Only a connection that ended, or a timer that ran out, makes a request worth repeating; a bad reply will repeat
/// itself (semantics of RFC 9110 9.2.2).
fn retry(rule: Rule, phase: Phase, exchange: &Exchange) -> Retry {
    match rule {
        Rule::ClosedBeforeFirstByte | Rule::ResponseHeaderTimeout | Rule::UnsolicitedResponse
            if exchange.request_written() == Written::Nothing =>
        {
            Retry::Always
        }
        Rule::ClosedBeforeFirstByte
        | Rule::ClosedAfterInterimResponse
        | Rule::IncompleteHeaderSection
        | Rule::ResponseHeaderTimeout => Retry::Idempotent,
        Rule::ConnectionReset if matches!(phase, Phase::StatusLine | Phase::Header) => Retry::Idempotent,
        _ => Retry::Never,
    }
}
