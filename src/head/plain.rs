//! The head that has come whole and in which no byte is odd, as nearly all have: judged in one pass, with nothing kept on
//! the way. It may only ever be read as the machines would have read it, and what stops it is left to them.
#![forbid(unsafe_code)]

use super::field_line::{FieldLines, Walked, whole_lines};
use super::known::Seen;
use super::status_line::StatusLine;
use super::{HeadReader, Outline};
use crate::exchange::Version;
use crate::policy::Limits;
use crate::scan::Marks;

/// The status line of a final reply.
#[derive(Clone, Copy)]
pub(crate) struct PlainLine {
    pub(crate) status: u16,
    pub(crate) version: Version,
    /// With its CRLF.
    pub(crate) len: usize,
}

impl PlainLine {
    /// Where the status code stands.
    pub(crate) const CODE_AT: usize = StatusLine::PLAIN_CODE_AT;

    /// The one that `bytes` start with.
    #[inline(always)]
    pub(crate) fn read(bytes: &[u8], marks: &mut Marks, limits: &Limits) -> Option<PlainLine> {
        marks.find(bytes, 0);
        let end = marks.found().first()?;
        let (status, version) = StatusLine::plain(bytes, end, limits)?;
        Some(PlainLine { status, version, len: end + 2 })
    }

    /// The field lines behind it, up to the first that is not plain or not whole.
    #[inline(always)]
    pub(crate) fn walk(self, bytes: &[u8], marks: &mut Marks, seen: &mut Seen, limits: &Limits) -> Walked {
        let section = &bytes[..bytes.len().min(limits.header_section as usize)];
        whole_lines(section, self.len, limits.fields, limits, marks, seen)
    }

    /// A reader that goes on from there.
    #[cold]
    pub(crate) fn reader(self, bytes: &[u8], walked: Walked, seen: Seen) -> HeadReader {
        HeadReader::Fields(Outline {
            status_line: StatusLine::passed(self.len, self.version),
            fields: FieldLines::behind(self.len, walked, seen, bytes),
        })
    }
}
