//! A looser policy takes what a stricter one takes, and no level moves where content begins or ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::policy(data));
