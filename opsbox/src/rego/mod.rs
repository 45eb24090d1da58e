//! The Rego worker: this same binary, run as a child, evaluating policies over the wire of every plugin.
//!
//! Nothing here is called by the host's own process: deep recursion or a hostile policy aborts the process that
//! evaluates it, so that process must not be the one that holds the run.

pub mod worker;

pub mod check;
pub mod engine;
pub mod remote;
pub mod testing;

pub mod data;
pub mod error;
pub mod findings;
pub mod formatted;
pub mod outline;
pub mod scan;
pub mod spell;

pub(crate) mod heads;
mod stdio;

pub use worker::serve;

#[cfg(test)]
mod tests;
