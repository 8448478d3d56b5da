//! JSON whose texts are printable ASCII, one line a value; raw values go out as they are.
#![forbid(unsafe_code)]

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::Error;
use serde_json::ser::{Formatter, Serializer};

/// JSON leaves DEL and the C1 controls as they are: a terminal obeys them, and what takes colours out drops them.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        if text.bytes().all(is_printable) {
            return out.write_all(text.as_bytes());
        }
        text.encode_utf16().try_for_each(|unit| match u8::try_from(unit) {
            Ok(byte) if is_printable(byte) => out.write_all(&[byte]),
            _ => write!(out, "\\u{unit:04x}"),
        })
    }
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// The value without a line end.
pub fn line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut text, Ascii))?;
    String::from_utf8(text).map_err(serde_json::Error::custom)
}
