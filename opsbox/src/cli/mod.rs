//! Subcommands: each parses, calls the library and hands text to `ui`.

pub mod args;
mod call;
pub mod check;
pub mod config;
pub mod deliver;
pub mod demo;
pub mod diagnosis;
pub mod dispatch;
pub mod doctor;
mod earlier;
mod export;
pub mod host;
pub mod keep;
pub mod legacy;
mod new;
pub mod packages;
pub mod plan;
pub mod plugins;
pub mod prove;
pub mod request;
pub mod run;
pub mod runs;
pub mod schemas;
pub mod serve;
pub mod signals;
pub(crate) mod table;
mod wire;
