//! What a handler is told of a plugin. No secret is in it.

use opsbox_protocol::handler::PluginFacts;
use serde_json::Value;

use crate::config::PluginConfig;
use crate::manifest::Launch;
use crate::plan::Plan;

/// Returns the facts of a plugin; `index` is its place among the members of the plan.
pub(crate) fn of(
    plan: &Plan,
    index: usize,
    hooks: &[String],
    schema: Option<&Value>,
    config: &PluginConfig,
) -> PluginFacts {
    let Some(planned) = plan.members().nth(index) else {
        return PluginFacts::default();
    };
    let manifest = &planned.manifest;
    let (module, class_name) = match &manifest.launch {
        Launch::Python {
            module, class_name, ..
        } => (Some(module.clone()), Some(class_name.clone())),
        _ => (None, None),
    };
    let secret = |field: &String| {
        let report = config.fields.iter().find(|report| report.name == *field);
        report.is_none_or(|report| report.secret)
    };
    let told = config.values.iter().filter(|(field, _)| !secret(field));
    PluginFacts {
        name: manifest.name.clone(),
        kind: manifest.kind.name().to_owned(),
        uses: manifest.uses.clone(),
        hooks: hooks.to_vec(),
        stage: stage(plan, index).to_owned(),
        served_by: planned.served_by().map(str::to_owned),
        handles: manifest.handles.clone(),
        module,
        class_name,
        toml_path: manifest.origin.manifest().map(|path| path.display().to_string()),
        config: told
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect(),
        config_schema: schema.cloned(),
        extra: manifest.extra.clone(),
    }
}

/// Returns the place of a member in the run.
pub(super) fn stage(plan: &Plan, index: usize) -> &'static str {
    let stages = [
        ("provider", plan.providers.len()),
        ("check", plan.checks.len()),
        ("assistant", plan.assistants.len()),
        ("output", plan.outputs.len()),
    ];
    let mut end = 0;
    for (stage, n_members) in stages {
        end += n_members;
        if index < end {
            return stage;
        }
    }
    "handler"
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::config::FieldReport;
    use crate::manifest::Manifest;
    use crate::plan::{Handler, Planned};

    #[test]
    fn a_handler_is_told_what_stands_in_the_manifest_and_no_secret() {
        let text = "[info]\nname = 'a'\ntype = 'scanner'\nuses = ['h']\n[run]\ncommand = ['a']\n[check]\nreads = ['x']\n";
        let manifest = Manifest::from_text(Path::new("/p/a/manifest.toml"), text).unwrap();
        let planned = Planned {
            manifest: Arc::new(manifest),
            providers: Vec::new(),
            handler: Handler::Plugin("h".into()),
        };
        let plan = Plan {
            checks: vec![planned],
            ..Plan::default()
        };
        let field = |name: &str, secret| FieldReport {
            name: name.into(),
            plugin: "a".into(),
            kind: "string".into(),
            description: None,
            required: false,
            default: None,
            value: None,
            origin: None,
            secret,
            reference: None,
        };
        let values = json!({"port": 443, "token": "geheim", "undeclared": 1});
        let config = PluginConfig {
            values: values.as_object().cloned().unwrap(),
            fields: vec![field("port", false), field("token", true)],
        };
        let facts = of(&plan, 0, &["scan".to_owned()], None, &config);
        assert_eq!(
            serde_json::to_value(&facts).unwrap(),
            json!({
                "name": "a", "type": "scanner", "uses": ["h"], "hooks": ["scan"], "stage": "check", "served_by": "h",
                "toml_path": "/p/a/manifest.toml", "config": {"port": 443},
                "extra": {"run": {"command": ["a"]}, "check": {"reads": ["x"]}},
            })
        );
    }
}
