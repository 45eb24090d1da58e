//! The wire of plugins, kept line by line: written while a run goes on, read, shown, and played to a plugin again.

pub mod compare;
pub mod read;
pub mod replay;
mod said;
mod secrets;
pub mod shape;
pub mod show;
#[cfg(test)]
mod tests;
mod write;

pub use read::Recorded;
pub use secrets::Hidden;
pub use write::{Keep, Tracer, Traces};
