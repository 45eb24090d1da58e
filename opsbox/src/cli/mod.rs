//! Subcommands: each parses, calls the library and hands text to `ui`.

pub mod args;
pub mod config;
pub mod legacy;
pub mod plan;
pub mod plugins;
pub mod request;
mod table;
