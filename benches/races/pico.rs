//! picohttpparser, the C library, compiled by `picohttpparser-sys` with `-O3 -msse4`. No link-time optimisation reaches
//! into it: each call is a call.
#![allow(unsafe_code, reason = "the only way to call C")]

use std::hint::black_box;
use std::mem;
use std::ptr;

use picohttpparser_sys::{phr_chunked_decoder, phr_decode_chunked, phr_header, phr_parse_response};

/// More fields than any head here has.
const FIELDS: usize = 100;

pub struct Pico {
    table: [phr_header; FIELDS],
}

impl Pico {
    pub fn new() -> Pico {
        Pico { table: [phr_header::default(); FIELDS] }
    }

    /// Status and number of fields, once the head is whole. Of the bytes, `last` have been shown before: a first look
    /// from there on tells whether the head is whole.
    pub fn split(&mut self, bytes: &[u8], last: usize) -> Option<(u16, usize)> {
        let (mut minor, mut status, mut reason, mut reason_len) = (0, 0, ptr::null(), 0);
        let mut fields = FIELDS;
        // SAFETY: `bytes` may be read to their length and the table written to its own, and the rest are places of
        // this frame. What the table then points at is not looked at.
        let used = unsafe {
            phr_parse_response(
                bytes.as_ptr().cast(),
                bytes.len(),
                &mut minor,
                &mut status,
                &mut reason,
                &mut reason_len,
                self.table.as_mut_ptr(),
                &mut fields,
                last,
            )
        };
        (used > 0).then_some((status as u16, fields))
    }

    /// With the number of bytes it was shown before.
    pub fn arrive(&mut self, bytes: &[u8], ends: &[usize]) -> Option<(u16, usize)> {
        let mut last = 0;
        for &end in ends {
            let split = self.split(&black_box(bytes)[..end], last);
            if split.is_some() {
                return split;
            }
            last = end;
        }
        None
    }
}

/// Take the framing out of the chunks in `body`, trailers as well: bytes of content, which then stand at its start.
pub fn decode_chunked(body: &mut [u8]) -> Option<usize> {
    // SAFETY: it is made of numbers, and zeros are what it is to start with.
    let mut decoder: phr_chunked_decoder = unsafe { mem::zeroed() };
    decoder.consume_trailer = 1;
    let mut len = body.len();
    // SAFETY: `body` may be read and written to its length, and the rest are places of this frame.
    let left = unsafe { phr_decode_chunked(&mut decoder, body.as_mut_ptr().cast(), &mut len) };
    (left == 0).then_some(len)
}
