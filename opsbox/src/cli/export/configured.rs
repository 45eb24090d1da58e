//! What the index says of the configuration: no secret, no file of this machine, and nothing that `--redact` names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::sought::Sought;
use crate::config::SECRET;
use crate::redact::{self, Redacted};
use crate::store::exported::ExportedProvider;
use crate::store::shape::{StoredField, StoredRun};

/// The fields of the providers, and what of them is left out.
#[derive(Default)]
pub(super) struct Configured {
    pub(super) fields: Vec<StoredField>,
    /// What `--redact` names or what held a secret, such as `config.cloud.login`, and how often.
    pub(super) hidden: BTreeMap<String, u64>,
    /// What is left as it is, though its name says that it is a secret.
    pub(super) telling: BTreeMap<String, u64>,
}

impl Configured {
    /// Takes what somebody had set of the providers; `hide` are the fields of `--redact`.
    pub(super) fn of(
        run: &StoredRun,
        providers: &[ExportedProvider],
        sought: &Sought,
        hide: &[String],
    ) -> Self {
        let mut all = Self::default();
        for field in &run.config {
            if providers.iter().any(|provider| provider.plugin == field.plugin) {
                all.add(field, sought, hide);
            }
        }
        all
    }

    fn add(&mut self, field: &StoredField, sought: &Sought, hide: &[String]) {
        let secret = sought.is_secret(field);
        let value = field.value.as_ref().filter(|_| !secret);
        let value = value.map(|value| {
            let prefix = format!("config.{}.", field.plugin);
            let below: Vec<_> = hide
                .iter()
                .filter_map(|path| path.strip_prefix(&prefix))
                .map(str::to_owned)
                .collect();
            let text = json!({field.field.as_str(): value}).to_string();
            let Redacted {
                text,
                hidden,
                telling,
            } = redact::json(&text, Some(&sought.redactor), &below);
            self.hidden
                .extend(hidden.into_iter().map(|(path, n)| (format!("{prefix}{path}"), n)));
            self.telling.extend(
                telling
                    .into_iter()
                    .map(|(path, n)| (format!("{prefix}{path}"), n)),
            );
            let shown = serde_json::from_str::<BTreeMap<String, Value>>(&text).ok();
            let shown = shown.and_then(|mut shown| shown.pop_first());
            shown.map_or_else(|| SECRET.into(), |(_, value)| value)
        });
        self.fields.push(StoredField {
            value,
            secret,
            // It may name a file of this machine.
            origin: None,
            ..field.clone()
        });
    }
}
