//! The fuzz target `manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::manifest::check(data));
