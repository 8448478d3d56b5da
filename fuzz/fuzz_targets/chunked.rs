//! Chunked bodies, held against a plain decoder.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::chunked(data));
