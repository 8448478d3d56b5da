//! The head that has come whole and in which no byte is odd, as nearly all have: judged in one pass, with nothing kept on
//! the way. It may only ever be read as the machines would have read it, and what stops it is left to them.
#![forbid(unsafe_code)]

use super::field_line::{FieldLines, Lines, Walked, reach_of, whole_lines};
use super::known::Seen;
use super::status_line::StatusLine;
use super::{HeadReader, Outline};
use crate::exchange::Version;
use crate::policy::Limits;
use crate::scan::{Backend, Job, Marks, dispatch};

/// The status line of a final reply.
#[derive(Clone, Copy)]
pub(crate) struct PlainStatusLine {
    pub(crate) status: u16,
    pub(crate) version: Version,
    /// With its CRLF.
    pub(crate) len: usize,
}

impl PlainStatusLine {
    /// Where the status code stands.
    pub(crate) const CODE_AT: usize = StatusLine::PLAIN_CODE_AT;

    /// The one that `bytes` start with, and the field lines behind it up to the first that is not plain or not whole;
    /// those that are known are added to `seen`, of which there were none.
    #[inline(always)]
    pub(crate) fn read(bytes: &[u8], seen: &mut Seen, limits: &Limits) -> Option<(PlainStatusLine, Walked)> {
        let section = &bytes[..bytes.len().min(limits.header_section as usize)];
        let start = dispatch(Start { bytes: section, seen, limits })?;
        let room = limits.fields - start.passed;
        let walked = whole_lines(section, start.next, room, limits, seen);
        Some((start.line, walked.behind(start.passed)))
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

/// As far as the first marks tell, which for most heads is all of it. The marks go no further than this.
struct Start<'w, 'b> {
    bytes: &'b [u8],
    seen: &'w mut Seen,
    limits: &'w Limits,
}

struct Started {
    line: PlainStatusLine,
    /// Field lines.
    passed: u16,
    /// Where the one behind them starts.
    next: usize,
}

impl Job for Start<'_, '_> {
    type Output = Option<Started>;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Option<Started> {
        let Start { bytes, seen, limits } = self;
        let mut marks = Marks::new(0);
        marks.fill(backend, bytes);
        let found = marks.found();
        let end = found.first()?;
        let (status, version) = StatusLine::plain(bytes, end, limits)?;
        let len = end + 2;
        let ends = found.rest().up_to(usize::from(limits.fields));
        let passed = Lines { bytes: reach_of(bytes, len, limits), line: len, ends, seen }.run(backend);
        let next = ends.up_to(passed).last().map_or(len, |last| last + 2);
        Some(Started { line: PlainStatusLine { status, version, len }, passed: passed as u16, next })
    }
}
