//! The fuzz target `fixture`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::fixture::check(data));
