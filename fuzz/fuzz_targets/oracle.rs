//! What we take for a head, httparse takes for the same head.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::oracle(data));
