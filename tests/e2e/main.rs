//! End-to-end tests: the real binary, real plugins as real processes, real files.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test crate has no outside, and a test may panic and speak"
)]

mod bad_input;
mod broken_plugins;
mod configuration;
mod discovery;
mod house;
mod legacy_grammar;
mod python_suite;
mod support;
mod transcript;
