//! The values of a run's secret fields, kept out of all that plugins say about their work.
//!
//! What is deliberately absent: Results are never altered; what they hold is what their check found.

use std::sync::OnceLock;

use serde_json::Value;

use crate::config::{PluginConfig, SECRET};
use crate::plugin::Event;
use crate::report::StepRecord;

/// A shorter value would be found inside words that have nothing to do with it.
const LEAST_CHARS: usize = 4;

/// What must not be shown; empty until the configuration is known.
#[derive(Debug, Default)]
pub(crate) struct Secrets(OnceLock<Vec<String>>);

impl Secrets {
    /// Learns the secrets of a configuration, once.
    pub(crate) fn learn(&self, plugins: &[PluginConfig]) {
        let mut secrets = Vec::new();
        for plugin in plugins {
            let secret = plugin.fields.iter().filter(|field| field.secret);
            secret
                .filter_map(|field| field.value.as_ref())
                .for_each(|value| texts(value, &mut secrets));
        }
        // One that holds another goes first, so that nothing of it is left.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        let _first_time = self.0.set(secrets);
    }

    /// Hides what a plugin says of them; an output's own text is its result.
    pub(crate) fn hide_in_event(&self, event: Event) -> Event {
        match event {
            Event::Log { level, message } => Event::Log {
                level,
                message: self.hidden(message),
            },
            Event::Stderr(line) => Event::Stderr(self.hidden(line)),
            Event::Warning(message) => Event::Warning(self.hidden(message)),
            Event::Progress(mut progress) => {
                progress.message = progress.message.map(|message| self.hidden(message));
                Event::Progress(progress)
            }
            output @ Event::Output { .. } => output,
        }
    }

    /// Hides them in what is written down of a step.
    pub(crate) fn hide_in_record(&self, record: &mut StepRecord) {
        let errors = record.errors.iter_mut().flat_map(|error| {
            error
                .hints
                .iter_mut()
                .chain([&mut error.message])
                .chain(&mut error.traceback)
        });
        let gaps = record
            .gaps
            .iter_mut()
            .flat_map(|gap| [&mut gap.what, &mut gap.why].into_iter().chain(&mut gap.remedy));
        for text in errors.chain(gaps) {
            *text = self.hidden(std::mem::take(text));
        }
    }

    fn hidden(&self, text: String) -> String {
        let secrets = self.0.get().map(Vec::as_slice).unwrap_or_default();
        let shown = |text: String, secret: &String| text.replace(secret, SECRET);
        secrets.iter().fold(text, shown)
    }
}

/// Collects the texts of a value, however deep.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().count() >= LEAST_CHARS => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        _ => {}
    }
}
