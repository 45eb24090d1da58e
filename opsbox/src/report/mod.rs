//! What a run did: one record, from which the summary and the exit code derive.

pub mod junit;
pub mod record;
pub mod summary;

pub use opsbox_protocol::message::Status;
pub use record::{ErrorRecord, Outcome, Role, RunRecord, SkipReason, StepRecord, hands_on};
