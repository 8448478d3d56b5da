//! The requests of the example gateway, in every split and written anew.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| badgateway_fuzz::requests(data));
