//! `opsbox plan`: what would run, in which order, with which configuration, and where everything came from.

use std::sync::Arc;

use serde_json::{Value, json};

use super::config::{fields_json, fields_table};
use super::request::Answer;
use super::table::{clean, faults_json, faults_text, from, origin_json, path_json, table};
use crate::config::Resolution;
use crate::discover::Catalog;
use crate::manifest::Manifest;
use crate::plan::{Plan, Planned};
use crate::python::Interpreter;

/// Shows a plan with its configuration; the exit code is 2 where the configuration does not fit.
///
/// `resolution` is that of `plan.plugins()`, in this order, and of what the host declares itself.
pub fn answer(plan: &Plan, catalog: &Catalog, resolution: &Resolution, width: u16) -> Answer {
    let code = if resolution.faults.is_empty() { 0 } else { 2 };
    Answer {
        text: text(plan, catalog, resolution, width),
        json: to_json(plan, catalog, resolution),
        code,
    }
}

/// Returns each step with the name of its stage, in the order in which they run.
fn steps(plan: &Plan) -> impl Iterator<Item = (&'static str, &Planned)> {
    let label = |name: &'static str| move |planned| (name, planned);
    let gather = plan.providers.iter().map(label("gather"));
    let checks = plan.checks.iter().map(|planned| {
        (
            if planned.pass_through() {
                "hand on"
            } else {
                "check"
            },
            planned,
        )
    });
    let assist = plan.assistants.iter().map(label("assist"));
    let output = plan.outputs.iter().map(label("output"));
    gather
        .chain(checks)
        .chain(assist)
        .chain(output)
        .chain(plan.handlers.iter().map(label("handler")))
}

/// Returns the names of the providers whose data a step gets.
fn uses(plan: &Plan, planned: &Planned) -> Vec<String> {
    if planned.pass_through() && plan.checks.iter().any(|check| std::ptr::eq(check, planned)) {
        return Vec::new();
    }
    planned
        .providers
        .iter()
        .map(|index| plan.providers[*index].manifest.name.clone())
        .collect()
}

fn text(plan: &Plan, catalog: &Catalog, resolution: &Resolution, width: u16) -> String {
    let rows = steps(plan).map(|(stage, planned)| {
        let Manifest { name, kind, .. } = planned.manifest.as_ref();
        let uses = uses(plan, planned).join(", ");
        vec![
            stage.to_owned(),
            name.clone(),
            kind.to_string(),
            uses,
            planned.handler.to_string(),
            from(&planned.manifest, catalog),
        ]
    });
    let header = ["stage", "plugin", "type", "uses", "handler", "from"];
    let mut text = format!(
        "pipeline: {}\n\n{}",
        clean(&plan.pipeline),
        table(&header, rows.collect(), width)
    );
    let plugins = plan.plugins();
    text.push_str(&interpreters(&plugins, catalog));
    let visible: Vec<String> = plugins
        .iter()
        .filter(|manifest| !manifest.env.is_empty())
        .map(|manifest| format!("  {}: {}\n", manifest.name, clean(&manifest.env.join(", "))))
        .collect();
    if !visible.is_empty() {
        text.push_str(&format!(
            "\nenvironment variables that plugins see beside the common ones:\n{}",
            visible.concat()
        ));
    }
    let fields = fields_table(resolution, width);
    if !fields.is_empty() {
        text.push_str(&format!("\n{fields}"));
    }
    let warnings: Vec<&String> = plan.warnings.iter().chain(&resolution.warnings).collect();
    if !warnings.is_empty() {
        text.push_str("\nwarnings:\n");
        warnings
            .iter()
            .for_each(|warning| text.push_str(&format!("  {}\n", clean(warning))));
    }
    if !resolution.faults.is_empty() {
        text.push_str(&format!(
            "\nit cannot run like this:\n{}",
            faults_text(&resolution.faults, "  ")
        ));
    }
    text
}

/// Says which interpreter runs which plugins; one alone runs all of them.
fn interpreters(plugins: &[Arc<Manifest>], catalog: &Catalog) -> String {
    let mut found: Vec<(&Interpreter, Vec<&str>)> = Vec::new();
    for manifest in plugins {
        if let Some(python) = catalog.interpreter_of(manifest) {
            match found.iter_mut().find(|(known, _)| known.path == python.path) {
                Some((_, names)) => names.push(&manifest.name),
                None => found.push((python, vec![&manifest.name])),
            }
        }
    }
    let several = found.len() > 1;
    let lines = found.into_iter().map(|(python, names)| {
        let of = if several {
            format!(" of {}", clean(&names.join(", ")))
        } else {
            String::new()
        };
        format!(
            "\npython{}: {} {} (from {})",
            of,
            python.version_text(),
            python.path.display(),
            python.why
        )
    });
    let text: String = lines.collect();
    if text.is_empty() { text } else { text + "\n" }
}

fn to_json(plan: &Plan, catalog: &Catalog, resolution: &Resolution) -> Value {
    let steps: Vec<Value> = steps(plan)
        .map(|(stage, planned)| {
            let manifest = planned.manifest.as_ref();
            json!({
                "stage": stage.replace(' ', "_"),
                "plugin": manifest.name,
                "type": manifest.kind.name(),
                "handler": planned.handler.to_string(),
                "uses": uses(plan, planned),
                "description": manifest.description,
                "version": manifest.version,
                "legacy": manifest.legacy,
                "env": manifest.env,
                "severity": manifest.check.severity.map(|severity| severity.name()),
                "reads": manifest.check.reads,
                "origin": origin_json(&manifest.origin),
                "python": catalog.interpreter_of(manifest).map(|python| path_json(&python.path)),
            })
        })
        .collect();
    let python = catalog.python.as_ref().map(|python| {
        json!({"path": path_json(&python.path), "version": python.version_text(), "from": python.why, "prefix": path_json(&python.prefix)})
    });
    json!({
        "pipeline": plan.pipeline,
        "steps": steps,
        "python": python,
        "config": fields_json(resolution),
        "warnings": plan.warnings.iter().chain(&resolution.warnings).collect::<Vec<_>>(),
        "faults": faults_json(&resolution.faults),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::config::{FieldReport, PluginConfig};
    use crate::error::Fault;
    use crate::pipeline::Pipeline;
    use crate::plan::tests::plugin;

    fn example() -> (Plan, Catalog, Resolution) {
        let plugins = vec![
            plugin("p", "ec2", "provider", &[]),
            plugin("p", "idle", "rego", &["rego", "ec2"]),
            plugin("p", "limit", "assistant", &[]),
            plugin("p", "cli_out", "output", &[]),
        ];
        let catalog = Catalog {
            plugins,
            ..Catalog::default()
        };
        let plan = Plan::make(&Pipeline::parse("idle,ec2-limit-cli_out").unwrap(), &catalog).unwrap();
        let field = |name: &str, value: Option<Value>, secret: bool| FieldReport {
            name: name.into(),
            plugin: "ec2".into(),
            kind: "string".into(),
            description: None,
            required: true,
            default: Some(json!("eu")),
            origin: value.as_ref().map(|_| "--set".to_owned()),
            value,
            secret,
            reference: None,
        };
        let fields = vec![
            field("region", None, false),
            field("token", Some(json!("geheim")), true),
        ];
        let resolution = Resolution {
            plugins: vec![PluginConfig {
                fields,
                ..PluginConfig::default()
            }],
            faults: vec![Fault::new("plugin `ec2` needs `x`").hint("set it")],
            warnings: vec!["careful".into()],
        };
        (plan, catalog, resolution)
    }

    #[test]
    fn plan_reads_from_top_to_bottom() {
        let (plan, catalog, resolution) = example();
        let answer = answer(&plan, &catalog, &resolution, 80);
        assert_eq!(answer.code, 2);
        expect![[r#"
            pipeline: idle,ec2-limit-cli_out

            STAGE    PLUGIN   TYPE       USES  HANDLER  FROM
            gather   ec2      provider         general  /p/ec2/manifest.toml
            check    idle     rego       ec2   rego     /p/idle/manifest.toml
            hand on  ec2      provider         general  /p/ec2/manifest.toml
            assist   limit    assistant        general  /p/limit/manifest.toml
            output   cli_out  output           general  /p/cli_out/manifest.toml

            PLUGIN  FIELD   TYPE    VALUE      FROM
            ec2     region  string  (missing)
            ec2     token   string  <secret>   --set

            warnings:
              careful

            it cannot run like this:
              plugin `ec2` needs `x`
                hint: set it
        "#]]
        .assert_eq(&answer.text);
    }

    #[test]
    fn plan_for_programs_says_the_same_and_no_secret() {
        let (plan, catalog, resolution) = example();
        let json = to_json(&plan, &catalog, &resolution);
        let stages: Vec<_> = json["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["stage"].as_str().unwrap())
            .collect();
        assert_eq!(stages, ["gather", "check", "hand_on", "assist", "output"]);
        assert_eq!(json["steps"][1]["uses"], json!(["ec2"]));
        assert_eq!(json["config"][1]["value"], "<secret>");
        assert!(!json.to_string().contains("geheim"));
    }
}
