//! Nothing but printable ASCII is written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::report(data));
