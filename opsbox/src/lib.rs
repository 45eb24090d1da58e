//! The Opsbox host: discovers plugins, plans a pipeline, runs it over child processes and reports what happened.

pub mod discover;
pub mod error;
pub mod manifest;
pub mod pipeline;
pub mod plan;
pub mod python;
pub mod suggest;
