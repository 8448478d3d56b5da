//! No panic, always progress, the same answer twice, errors for good.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::total(data));
