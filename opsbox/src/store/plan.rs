//! What is stored of a plan, and what of it is another now.

use std::collections::BTreeSet;
use std::fs;

use super::shape::{StoredField, StoredPlan, StoredRun, fingerprint};
use crate::config::PluginConfig;
use crate::manifest::{Flow, Manifest, Policy};
use crate::plan::{Plan, Planned};
use crate::redact::userinfo_within;
use crate::report::Role;

impl StoredPlan {
    /// Returns the steps of a plan as they are stored, in the order of the record.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let roles = [
            (Role::Provider, &plan.providers),
            (Role::Check, &plan.checks),
            (Role::Assistant, &plan.assistants),
            (Role::Output, &plan.outputs),
        ];
        roles
            .into_iter()
            .flat_map(|(role, steps)| steps.iter().map(move |planned| Self::of(plan, role, planned)))
            .collect()
    }

    fn of(plan: &Plan, role: Role, planned: &Planned) -> Self {
        let manifest = &planned.manifest;
        let providers = planned
            .providers
            .iter()
            .filter_map(|index| plan.providers.get(*index));
        Self {
            plugin: manifest.name.clone(),
            role,
            version: version_of(manifest),
            origin: manifest.origin.to_string(),
            fingerprint: fingerprint_of(manifest),
            providers: providers.map(|provider| provider.manifest.name.clone()).collect(),
            passes_on: role == Role::Check && planned.pass_through(),
            appends: role == Role::Assistant && manifest.flow == Flow::Append,
            from_run: None,
            standing: None,
        }
    }

    /// Returns what is another than it was, for people; `None` where the plugin is the same.
    pub fn difference(&self, now: &Self) -> Option<String> {
        let plugin = &self.plugin;
        let none = "none".to_owned();
        if self.origin != now.origin {
            Some(format!(
                "`{plugin}` was from {} and is from {} now",
                self.origin, now.origin
            ))
        } else if self.version != now.version {
            let (was, is) = (self.version.as_ref(), now.version.as_ref());
            Some(format!(
                "`{plugin}` was of version {} and is of version {} now",
                was.unwrap_or(&none),
                is.unwrap_or(&none)
            ))
        } else if self.fingerprint != now.fingerprint {
            Some(format!(
                "the manifest or the policy of `{plugin}` has changed ({})",
                now.origin
            ))
        } else if self.providers != now.providers || self.appends != now.appends {
            Some(format!("`{plugin}` uses other providers"))
        } else {
            None
        }
    }
}

impl StoredRun {
    /// Returns what is stored of the configuration: what somebody set, without secrets, and URLs without name and password; each field once,
    /// also of a plugin that has two steps.
    pub fn fields(plugins: &[PluginConfig]) -> Vec<StoredField> {
        let mut seen = BTreeSet::new();
        plugins
            .iter()
            .flat_map(|plugin| &plugin.fields)
            .filter(|field| field.value.is_some() && seen.insert((&field.plugin, &field.name)))
            .map(|field| StoredField {
                plugin: field.plugin.clone(),
                field: field.name.clone(),
                value: field
                    .value
                    .as_ref()
                    .filter(|_| !field.secret)
                    .map(userinfo_within),
                secret: field.secret,
                origin: field.origin.clone(),
            })
            .collect()
    }
}

fn version_of(manifest: &Manifest) -> Option<String> {
    match manifest.origin.manifest() {
        Some(_) => manifest.version.clone(),
        None => Some(env!("CARGO_PKG_VERSION").to_owned()),
    }
}

fn fingerprint_of(manifest: &Manifest) -> String {
    let text = |path: &std::path::Path| fs::read(path).unwrap_or_default();
    let own = match manifest.origin.manifest() {
        Some(path) => text(path),
        None => env!("CARGO_PKG_VERSION").as_bytes().to_vec(),
    };
    let policy = match manifest.rego.as_ref().map(|rego| &rego.policy) {
        Some(Policy::Embedded(policy)) => policy.as_bytes().to_vec(),
        Some(Policy::File(path)) => text(path),
        None => Vec::new(),
    };
    fingerprint([own.as_slice(), policy.as_slice()])
}
