//! Under STRICT the first byte past saving is refused, by parser and reference alike, whatever follows it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::earliest(data));
