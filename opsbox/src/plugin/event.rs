//! What a plugin says beside its answers, handed on as it comes.

use opsbox_protocol::message::{LogLevel, ProgressParams, Stream};

/// Something a plugin said, or something the host noticed about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A log record of the plugin.
    Log {
        /// How important it is.
        level: LogLevel,
        /// The text; may hold line ends.
        message: String,
    },
    /// A line that the plugin wrote to stderr.
    Stderr(String),
    /// A line on stdout that is not a message, or another thing that the host bears but does not like.
    Warning(String),
    /// How far a call is.
    Progress(ProgressParams),
    /// Text for the user.
    Output {
        /// The text, with its line ends.
        text: String,
        /// Where it goes.
        stream: Stream,
    },
}

/// Takes events of one plugin. It must not block.
pub type Sink = std::sync::Arc<dyn Fn(Event) + Send + Sync>;
