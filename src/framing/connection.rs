//! What the Connection options say (RFC 9110 section 7.6.1), and whether the connection may be used again (RFC 9112
//! section 9.3).
#![forbid(unsafe_code)]

use super::{Ruling, WholeHead, name_at};
use crate::exchange::{Exchange, Framing, Version, Written};
use crate::head::Field;
use crate::head::known::Known;
use crate::judge::Halt;
use crate::rule::Rule;
use crate::value::{self, Member};
use crate::violation::{Reason, Reuse};

/// What the head says about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    CloseOption,
    Http10,
    Persistent,
}

/// RFC 9112 section 9.3, first match: may the connection carry another request after this reply?
pub(crate) fn reuse(ruling: &Ruling, closing: Option<Rule>, exchange: &Exchange) -> Reuse {
    let reason = match (ruling.framing, closing) {
        (Framing::Tunnel, _) => Reason::Tunnel,
        (_, Some(rule)) => Reason::Tolerated(rule),
        (Framing::UntilClose, None) => Reason::CloseDelimited,
        _ if exchange.request_written() != Written::Whole => Reason::RequestUnfinished,
        _ if exchange.is_closing() => Reason::RequestClosing,
        _ => match ruling.persistence {
            Persistence::CloseOption => Reason::CloseOption,
            Persistence::Http10 => Reason::Http10,
            Persistence::Persistent => return Reuse::Yes,
        },
    };
    Reuse::No(reason)
}

impl WholeHead<'_, '_, '_> {
    /// The Connection options, and the fields that need one.
    pub(super) fn connection(&mut self) -> Result<Persistence, Halt> {
        let (close, keep_alive) = self.connection_options()?;
        self.hop_by_hop_fields()?;
        Ok(match self.default_persistence() {
            _ if close => Persistence::CloseOption,
            Persistence::Http10 if keep_alive => Persistence::Persistent,
            persistence => persistence,
        })
    }

    fn default_persistence(&self) -> Persistence {
        match self.outline.version() {
            Version::Http10 => Persistence::Http10,
            Version::Http11 => Persistence::Persistent,
        }
    }

    /// Every member of every Connection line: is `close` among them, is `keep-alive`?
    fn connection_options(&mut self) -> Result<(bool, bool), Halt> {
        let (mut close, mut keep_alive) = (None, None);
        for field in self.fields_of(Known::Connection) {
            let start = field.value_offset() as usize;
            for member in value::tokens(field.value()) {
                let at = match member {
                    Ok(Member::Present(at)) => at,
                    Ok(Member::Empty(_)) => continue,
                    Err(at) => {
                        let at = start + at;
                        self.judge.tolerate(self.finding(Rule::InvalidConnectionOption, at..at + 1))?;
                        continue;
                    }
                };
                let option = &field.value()[at.clone()];
                let at = start + at.start..start + at.end;
                if option.eq_ignore_ascii_case(b"close") {
                    close.get_or_insert(at);
                } else if option.eq_ignore_ascii_case(b"keep-alive") {
                    keep_alive.get_or_insert(at);
                } else if is_end_to_end(option) {
                    self.judge.tolerate(self.finding(Rule::ConnectionNominatesEndToEndField, at))?;
                }
            }
        }
        if let (Some(close), Some(keep_alive)) = (&close, &keep_alive) {
            let finding = self.finding(Rule::ConnectionNotPersistent, close.clone());
            self.judge.tolerate(finding.related(keep_alive.clone()))?;
        }
        Ok((close.is_some(), keep_alive.is_some()))
    }

    /// Keep-Alive, Proxy-Connection, TE and Upgrade mean nothing unless Connection names them.
    fn hop_by_hop_fields(&mut self) -> Result<(), Halt> {
        let unnamed = HOP_BY_HOP.map(|known| self.is_unnamed(known).then_some(known));
        if unnamed.iter().all(Option::is_none) {
            return Ok(());
        }
        let is_unnamed =
            |field: &Field<'_>| Known::of(field.name()).is_some_and(|known| unnamed.contains(&Some(known)));
        let Some(field) = self.all_fields().find(is_unnamed) else { return Ok(()) };
        let rule = Rule::HopByHopFieldWithoutConnectionOption;
        self.judge.tolerate(self.finding(rule, name_at(&field)))
    }

    /// Is the field there, with no Connection line that names it?
    fn is_unnamed(&self, known: Known) -> bool {
        // In a 101 the missing option upgrade is a rule of its own.
        let applies = self.outline.seen().has(known) && !(known == Known::Upgrade && self.status == 101);
        applies
            && !self.fields_of(Known::Connection).any(|field| value::has_token(field.value(), known.name()))
    }
}

const HOP_BY_HOP: [Known; 4] = [Known::KeepAlive, Known::ProxyConnection, Known::Te, Known::Upgrade];

/// Fields meant for every recipient, which a connection option must not take away: framing, control data, caching,
/// authentication, and what browsers rely on for security. Transfer-Encoding is one of this hop, and some name it.
pub(crate) fn is_end_to_end(option: &[u8]) -> bool {
    const END_TO_END: [&[u8]; 39] = [
        b"access-control-allow-credentials",
        b"access-control-allow-headers",
        b"access-control-allow-methods",
        b"access-control-allow-origin",
        b"access-control-expose-headers",
        b"access-control-max-age",
        b"age",
        b"authorization",
        b"cache-control",
        b"clear-site-data",
        b"content-disposition",
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-security-policy",
        b"content-security-policy-report-only",
        b"content-type",
        b"cookie",
        b"cross-origin-embedder-policy",
        b"cross-origin-opener-policy",
        b"cross-origin-resource-policy",
        b"date",
        b"etag",
        b"expires",
        b"host",
        b"last-modified",
        b"location",
        b"permissions-policy",
        b"referrer-policy",
        b"retry-after",
        b"set-cookie",
        b"strict-transport-security",
        b"vary",
        b"via",
        b"www-authenticate",
        b"x-content-type-options",
        b"x-frame-options",
    ];
    END_TO_END.iter().any(|name| option.eq_ignore_ascii_case(name))
}
