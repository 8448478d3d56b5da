//! Heads whose lines end at the edges of blocks, held against a plain line splitter, at every alignment.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::scan(data));
