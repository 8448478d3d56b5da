//! The gateway's own answers are well-formed and hold nothing of the upstream's.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::answer(data));
