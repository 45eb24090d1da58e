//! Where a run's bytes are read or written one by one. The host's code is built for size, this for speed.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod marshal;
mod parallel;
mod sketch;
pub mod spell;
pub mod tree;
