//! The fuzz target `classification`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::classification::check(data));
