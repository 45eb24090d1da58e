//! End-to-end tests: the real binary, real plugins as real processes, real files.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test crate has no outside, and a test may panic and speak"
)]

mod author_messages;
mod bad_input;
mod book;
mod broken_plugins;
mod bundled_checks;
mod caps;
mod configuration;
mod conform;
mod discovery;
mod examples;
mod faults;
mod first_stage;
mod fuzz_corpus;
mod handlers;
mod hostile;
mod house;
mod in_place;
mod interrupts;
mod legacy_grammar;
mod managed;
mod mixed_run;
mod odd_paths;
mod outputs;
mod providers;
mod published;
mod python_plugins;
mod python_suite;
mod records;
mod rego_checks;
mod restarts;
mod runs;
mod scaffold;
mod scarce;
mod schemas;
mod sdk_samples;
mod secrets;
mod signals;
mod silent_green;
mod soak;
mod support;
mod traces;
mod transcript;
