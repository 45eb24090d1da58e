//! The fuzz target `config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsbox_fuzz::config::check(data));
