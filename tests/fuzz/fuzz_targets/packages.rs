//! The fuzz target `packages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::packages::check(data));
