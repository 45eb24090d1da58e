//! The fuzz target `legacy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::legacy::check(data));
