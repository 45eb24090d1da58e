//! End-to-end tests: the real binary, real plugins as real processes, real files.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test crate has no outside, and a test may panic and speak"
)]

mod broken_plugins;
mod examples;
mod house;
mod mixed_run;
mod python_plugins;
mod python_suite;
mod sdk_samples;
mod support;
mod transcript;
