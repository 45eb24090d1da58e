//! The host's own trace records, on their way to the log: `-vv` shows what it starts, asks and waits for.

use std::fmt::{self, Write};
use std::sync::Arc;

use opsbox_protocol::message::LogLevel;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::Ui;

/// Sends the host's trace records to this terminal from now on, where its level asks for them.
pub fn show(ui: &Arc<Ui>) {
    if ui.log_level() > LogLevel::Debug {
        return;
    }
    let subscriber = tracing_subscriber::registry().with(ToUi(Arc::clone(ui)));
    // A second call in one process finds the first one's subscriber, which is as good.
    let _first = tracing::subscriber::set_global_default(subscriber);
}

struct ToUi(Arc<Ui>);

impl<S: Subscriber> Layer<S> for ToUi {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("opsbox") {
            return;
        }
        let level = match *event.metadata().level() {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warn,
            Level::INFO => LogLevel::Info,
            Level::DEBUG => LogLevel::Debug,
            Level::TRACE => LogLevel::Trace,
        };
        let mut text = Text::default();
        event.record(&mut text);
        self.0
            .log(level, None, &format!("{}{}", text.message, text.fields));
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        // Writing to a string cannot fail.
        debug_assert!(written.is_ok());
    }
}
