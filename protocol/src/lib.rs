//! The Opsbox plugin protocol, version 1: messages, hooks, limits, error codes and framing.
//!
//! Types and pure functions only: no process, no runtime, no terminal. `PROTOCOL.md` beside this crate is the
//! contract for authors of plugins; this crate is its Rust form.

pub mod count;
pub mod error;
pub mod frame;
pub mod handler;
pub mod hook;
pub mod incoming;
pub mod limits;
pub mod message;
pub mod outgoing;
pub mod recover;
pub mod result;
pub mod scan;
pub mod schema;

pub use count::{are_empty, count_findings};
pub use error::{ErrorBody, ErrorData, code};
pub use frame::{FrameError, LineReader};
pub use hook::{Hook, is_hook_name};
pub use incoming::{Expect, Incoming, LineFault, Outcome, Payload, parse_line};
pub use recover::recover_id;
pub use result::{Finding, OpsResult, ResultView, ShapeFault};

/// The protocol version that this crate speaks.
pub const VERSION: u32 = 1;
