//! Python plugins of the original's style run unchanged: from a folder, from a package, in a full environment and in a bare one.

mod cache;
pub mod configuration;
mod documentation;
mod environment;
mod failures;
pub mod flow;
mod installed;
mod names;
mod warm;
