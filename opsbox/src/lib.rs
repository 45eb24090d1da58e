//! The Opsbox host: discovers plugins, plans a pipeline, runs it over child processes and reports what happened.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bounded;
pub mod cli;
pub mod config;
pub mod conform;
pub mod discover;
pub mod environ;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod halt;
pub mod managed;
pub mod manifest;
pub mod pipeline;
pub mod plan;
pub mod plugin;
pub mod published;
pub mod python;
pub mod redact;
pub mod rego;
pub mod report;
pub mod run;
pub mod scaffold;
pub mod store;
pub mod suggest;
pub mod trace;
pub mod trust;
pub mod ui;
