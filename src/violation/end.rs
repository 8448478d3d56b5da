//! The end of a reply, and whether its connection may be used again.
#![forbid(unsafe_code)]

use core::fmt;

use super::Violation;
use crate::rule::Rule;

/// Why a connection must not carry another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is no reply to judge by.
    NoReply,
    /// The connection has ended.
    Closed,
    /// It is a tunnel now, or speaks another protocol.
    Tunnel,
    /// The reply is not at its end.
    Unfinished,
    /// The reply, or what came after it, was refused by this rule.
    Refused(Rule),
    /// The reply was used, but this rule makes where it ended uncertain.
    Tolerated(Rule),
    /// The content ended with the connection.
    CloseDelimited,
    /// The reply ended before the request was wholly written.
    RequestUnfinished,
    /// The request asked for the connection to be closed.
    RequestClosing,
    /// The reply carried the connection option `close`.
    CloseOption,
    /// HTTP/1.0 without the connection option `keep-alive`.
    Http10,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoReply => f.write_str("there was no reply"),
            Reason::Closed => f.write_str("the connection has ended"),
            Reason::Tunnel => f.write_str("it no longer speaks HTTP"),
            Reason::Unfinished => f.write_str("the reply is not at its end"),
            Reason::Refused(rule) | Reason::Tolerated(rule) => f.write_str(rule.id()),
            Reason::CloseDelimited => f.write_str("the content ends with the connection"),
            Reason::RequestUnfinished => f.write_str("the request was not wholly written"),
            Reason::RequestClosing => f.write_str("the request asked for close"),
            Reason::CloseOption => f.write_str("Connection: close"),
            Reason::Http10 => f.write_str("HTTP/1.0 without keep-alive"),
        }
    }
}

/// May the connection carry another request (RFC 9112 9.3)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// Yes.
    Yes,
    /// No, and why.
    No(Reason),
}

/// The end of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub(crate) reuse: Reuse,
    pub(crate) content: u64,
    pub(crate) wire: u64,
    pub(crate) note: Option<Violation>,
}

impl End {
    /// May the connection carry another request, as of this byte? Bytes that follow it speak against it: ask
    /// [`Parser::reuse`](crate::Parser::reuse) once there are no more. Never in what [`Parser::close`](crate::Parser::close) returns.
    pub const fn reuse(&self) -> Reuse {
        self.reuse
    }

    /// Bytes of content, framing removed.
    pub const fn content(&self) -> u64 {
        self.content
    }

    /// Bytes received for this exchange, interim replies included.
    pub const fn wire(&self) -> u64 {
        self.wire
    }

    /// What was tolerated in the way the connection ended, be it by a rule that was noted before; always `None` in an [`Event::End`](crate::Event::End).
    pub const fn note(&self) -> Option<&Violation> {
        self.note.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn reasons_are_told_in_words_or_by_their_rule() {
        assert_eq!(Reason::CloseOption.to_string(), "Connection: close");
        assert_eq!(Reason::Tolerated(Rule::BareCr).to_string(), "bare-cr");
    }
}
