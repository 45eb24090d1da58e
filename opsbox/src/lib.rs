//! The Opsbox host: discovers plugins, plans a pipeline, runs it over child processes and reports what happened.

pub mod error;
pub mod manifest;
pub mod suggest;
