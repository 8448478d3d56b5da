//! Whatever came in and whatever was tolerated, what is forwarded is valid under STRICT and means the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::forward(data));
