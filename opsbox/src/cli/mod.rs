//! Subcommands: each parses, calls the library and hands text to `ui`.

pub mod check;
pub mod demo;
pub mod host;
pub mod run;
pub mod serve;
