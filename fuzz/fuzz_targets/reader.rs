//! The reader that owns its bytes says what the parser says.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::reader(data));
