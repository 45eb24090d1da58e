//! One plugin: what to run, its process, the JSON-RPC peer and the life cycle of a session.
//!
//! Nothing outside this module starts a process or waits for one.

mod asked;
mod broken;
pub mod call;
mod caps;
pub mod error;
pub mod event;
pub mod follow;
mod gaps;
pub mod guardian;
mod heard;
pub mod launch;
mod leash;
pub(crate) mod meter;
pub mod peer;
mod pin;
pub mod process;
mod quota;
mod reader;
pub mod session;
mod stderr;
mod supervise;
pub mod tool;
mod writer;
pub mod zygote;

pub(crate) use asked::{Ask, HostRequest};
pub use call::{Gap, Reply, ResultSlice, compact};
pub use error::{Origin, PluginError};
pub use event::{Event, Sink};
pub(crate) use leash::Leash;
pub use session::{CallOutcome, Session, SessionContext};
