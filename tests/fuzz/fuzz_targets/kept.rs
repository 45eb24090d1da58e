//! The fuzz target `kept`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::kept::check(data));
