//! One plugin: what to run, its process, the JSON-RPC peer and the life cycle of a session.
//!
//! Nothing outside this module starts a process or waits for one.

pub mod call;
pub mod error;
pub mod event;
pub mod follow;
pub mod guardian;
pub mod launch;
pub mod peer;
pub mod process;
mod quota;
mod reader;
pub mod session;
mod supervise;
pub mod tool;
mod writer;

pub use call::{Gap, Reply, ResultSlice};
pub use error::PluginError;
pub use event::{Event, Sink};
pub use session::{Session, SessionContext};
