//! Any split says the same, and says it with the deciding byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::split(data));
