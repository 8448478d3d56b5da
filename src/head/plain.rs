//! The head that has come whole and in which no byte is odd, as nearly all have: judged in one pass, with nothing kept on
//! the way. It may only ever be read as the machines would have read it, and what stops it is left to them.
#![forbid(unsafe_code)]

use super::field_line::{FieldLines, Lines, Walked, careful_line, more_lines, reach_of};
use super::known::Seen;
use super::status_line::StatusLine;
use super::{HeadReader, Outline};
use crate::policy::Limits;
use crate::scan::{Backend, Kept, Marks};

/// The status line of a final HTTP/1.1 reply.
#[derive(Clone, Copy)]
pub(crate) struct PlainStatusLine {
    pub(crate) status: u16,
    /// With its CRLF.
    pub(crate) len: usize,
}

impl PlainStatusLine {
    /// Where the status code stands.
    pub(crate) const CODE_AT: usize = StatusLine::PLAIN_CODE_AT;

    /// The one that `bytes` start with, and the field lines behind it up to the first that is not plain or not whole;
    /// those that are known are added to `seen`, of which there were none.
    #[inline(always)]
    pub(crate) fn read<B: Backend>(
        backend: B,
        bytes: &[u8],
        seen: &mut Seen,
        limits: &Limits,
    ) -> Option<(PlainStatusLine, Walked)> {
        let bytes = &bytes[..bytes.len().min(limits.header_section as usize)];
        if bytes.len() < StatusLine::SHORTEST {
            return None;
        }
        let mut kept = Kept::room();
        let mut marks = Marks::new(0, &mut kept);
        marks.fill(backend, bytes);
        let (end, ends) = marks.found().split_first()?;
        let status = StatusLine::plain(bytes, end, limits)?;
        let len = end + 2;
        // As far as the first marks tell, which for most heads is all of it.
        let ends = ends.up_to(usize::from(limits.fields));
        let (passed, next) =
            Lines { bytes: reach_of(bytes, len, limits), line: len, ends, seen }.walk(backend);
        let none = Walked::none(bytes, next);
        let goes_on = none.whole().is_none()
            && (passed == ends.len() || careful_line(bytes, next, ends.from(passed)).is_some());
        let walked =
            if goes_on { more_lines(bytes, next, limits.fields - passed as u16, limits, seen) } else { none };
        Some((PlainStatusLine { status, len }, walked.behind(passed as u16)))
    }

    /// A reader that goes on from there.
    #[cold]
    pub(crate) fn reader(self, bytes: &[u8], walked: Walked, seen: Seen) -> HeadReader {
        HeadReader::Fields(Outline {
            status_line: StatusLine::passed(self.len),
            fields: FieldLines::behind(self.len, walked, seen, bytes),
        })
    }
}
