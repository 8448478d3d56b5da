//! Content beside parsers of chunks, on the same bytes in one run. All of the content is at hand.
//!
//! httparse reads the size and passes over the extensions; stepping over data and CRLF is done for it, unchecked. It
//! judges no extension, no limit, no end of data and no trailer. picohttpparser judges as little, and moves the content
//! to the front of the buffer, which therefore is copied afresh each time.
//!
//! `cargo bench --bench body -- --ratios` prints the closing table alone.

mod races;

fn main() {
    races::main(races::bodies::groups());
}
