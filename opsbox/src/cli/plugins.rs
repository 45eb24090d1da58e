//! `opsbox plugins`: what is there, and what one plugin is.

mod json;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::json::summary_json;
pub(super) use self::json::{replaced_json, unusable_json};
use super::request::Answer;
use super::table::{clean, faults_text, from, path_json, table};
use crate::discover::Catalog;
use crate::error::{Failure, Fault};
use crate::manifest::{Flow, Kind, Launch, Manifest, Policy};
use crate::suggest::did_you_mean;

/// Lists all plugins, or those of one type, and everything that cannot be used.
///
/// # Errors
/// A usage failure where no plugin is of that type and no such type is known.
pub fn list(catalog: &Catalog, kind: Option<&str>, width: u16) -> Result<Answer, Failure> {
    let chosen: Vec<&Manifest> = catalog
        .plugins
        .iter()
        .map(AsRef::as_ref)
        .filter(|manifest| kind.is_none_or(|kind| manifest.kind.name() == kind))
        .collect();
    if let (true, Some(kind)) = (chosen.is_empty(), kind)
        && !Kind::NAMES.contains(&kind)
    {
        let mut fault = Fault::new(format!("no plugin is of type `{kind}`"));
        fault.hints.extend(did_you_mean(kind, Kind::NAMES));
        fault.hints.push(format!("types are: {}", Kind::NAMES.join(", ")));
        return Err(Failure::usage(fault));
    }
    let mut ordered = chosen.clone();
    ordered.sort_by_key(|manifest| (order(&manifest.kind), &manifest.name));
    let rows = ordered.iter().map(|manifest| {
        let about = manifest.description.clone().unwrap_or_default();
        vec![
            manifest.name.clone(),
            manifest.kind.to_string(),
            about,
            from(manifest, catalog),
        ]
    });
    let mut text = table(&["name", "type", "description", "from"], rows.collect(), width);
    text.push_str(&format!(
        "{} plugins; one in full: `opsbox plugins show NAME`\n",
        chosen.len()
    ));
    if kind.is_none() {
        text.push_str(&notes(catalog));
    }
    let json = json!({
        "plugins": ordered.iter().map(|manifest| summary_json(manifest)).collect::<Vec<_>>(),
        "unusable": catalog.unusable.iter().map(unusable_json).collect::<Vec<_>>(),
        "replaced": replaced_json(catalog),
        "warnings": catalog.warnings,
    });
    Ok(Answer { text, json, code: 0 })
}

/// Shows one plugin in full, with the schema of its configuration where it is at hand.
///
/// # Errors
/// A usage failure where the name means no plugin, or several.
pub fn show(catalog: &Catalog, name: &str, schema: Option<&Value>, width: u16) -> Result<Answer, Failure> {
    let manifest = catalog.find(name).map_err(Failure::usage)?;
    let handler = crate::plan::handler_of(catalog, &manifest);
    let manifest = manifest.as_ref();
    let schema = schema.or(manifest.config_schema.as_ref());
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    row("type", Some(manifest.kind.to_string()));
    row("description", manifest.description.clone());
    row("version", manifest.version.clone());
    row("from", Some(manifest.origin.to_string()));
    row("started", Some(started(manifest)));
    let python = catalog.interpreter_of(manifest);
    row(
        "python",
        python.map(|python| {
            format!(
                "{} {} (from {})",
                python.version_text(),
                python.path.display(),
                python.why
            )
        }),
    );
    row("uses", Some(manifest.uses.join(", ")));
    row("run by", handler.as_ref().map(|name| format!("handler {name}")));
    row("handles", Some(manifest.handles.join(", ")));
    row(
        "severity",
        manifest.check.severity.map(|severity| severity.name().to_owned()),
    );
    row("remediation", manifest.check.remediation.clone());
    row("reads", Some(manifest.check.reads.join(", ")));
    row(
        "policy",
        manifest.rego.as_ref().map(|rego| {
            let version = rego
                .version
                .map_or("v0 or v1".to_owned(), |version| format!("v{version}"));
            format!("{}, rule {}, Rego {version}", rego.file, rego.rule)
        }),
    );
    row(
        "flow",
        (manifest.kind == Kind::Assistant).then(|| flow(manifest.flow).to_owned()),
    );
    row("environment", Some(manifest.env.join(", ")));
    let heads = format!("{}\n", manifest.name);
    let mut text = heads + &table(&["about", "what"], rows, width);
    text.push_str(&fields(schema, width));
    for warning in &manifest.warnings {
        text.push_str(&format!("\nwarning: {}\n", clean(warning)));
    }
    let mut json = summary_json(manifest);
    json["handler"] = json!(handler);
    json["started"] = json!(started(manifest));
    json["python"] = json!(python.map(|python| path_json(&python.path)));
    json["config_schema"] = json!(schema);
    json["remediation"] = json!(manifest.check.remediation);
    json["env"] = json!(manifest.env);
    json["warnings"] = json!(manifest.warnings);
    Ok(Answer { text, json, code: 0 })
}

/// Returns what was found but is not used, and what was odd about the search.
pub(super) fn notes(catalog: &Catalog) -> String {
    let mut text = String::new();
    if !catalog.unusable.is_empty() {
        text.push_str("\ncannot be used:\n");
        for unusable in &catalog.unusable {
            let name = unusable.name.as_deref().unwrap_or("(no name)");
            let package = unusable
                .distribution
                .as_ref()
                .map(|name| format!(" of package {name}"))
                .unwrap_or_default();
            text.push_str(&format!(
                "  {}\n{}",
                clean(&format!("{name}{package}")),
                faults_text(&unusable.faults, "    ")
            ));
        }
    }
    if !catalog.replaced.is_empty() {
        text.push_str("\nreplaced:\n");
        catalog
            .replaced
            .iter()
            .for_each(|replaced| text.push_str(&format!("  {}\n", clean(&replaced.text()))));
    }
    let assumed: Vec<&String> = catalog
        .plugins
        .iter()
        .flat_map(|manifest| &manifest.warnings)
        .collect();
    if !assumed.is_empty() {
        text.push_str("\nodd, but usable:\n");
        assumed
            .iter()
            .for_each(|warning| text.push_str(&format!("  {}\n", clean(warning))));
    }
    for warning in &catalog.warnings {
        text.push_str(&format!("\nwarning: {}\n", clean(warning)));
    }
    text
}

fn started(manifest: &Manifest) -> String {
    match &manifest.launch {
        Launch::Bundled => "by this program".to_owned(),
        Launch::Command { argv } => argv.join(" "),
        Launch::Python {
            module, class_name, ..
        } => format!("class {class_name} of Python module {module}"),
        Launch::Nothing => match manifest.rego.as_ref().map(|rego| &rego.policy) {
            Some(Policy::File(path)) => format!("policy {}, no code", path.display()),
            _ => "policy of this program, no code".to_owned(),
        },
    }
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Replace => "its answer takes the place of the list",
        Flow::Append => "receives the earlier assistants' results and then the inputs'",
    }
}

fn fields(schema: Option<&Value>, width: u16) -> String {
    let Some(schema) = schema.filter(|schema| schema["properties"].is_object()) else {
        return String::new();
    };
    let wanted = crate::config::Wanted {
        plugin: "",
        schema,
        legacy: false,
    };
    let rows = crate::config::fields_of(wanted).into_iter().map(|report| {
        let default = if report.required {
            "(required)".to_owned()
        } else {
            report.shown_default().unwrap_or_default()
        };
        vec![
            report.name,
            report.kind,
            default,
            report.description.unwrap_or_default(),
        ]
    });
    let table = table(
        &["field", "type", "default", "description"],
        rows.collect(),
        width,
    );
    if table.is_empty() {
        table
    } else {
        format!("\n{table}")
    }
}

/// The order in which people meet them: what looks, what changes, what delivers, what feeds.
fn order(kind: &Kind) -> usize {
    match kind {
        Kind::Rego | Kind::Input => 0,
        Kind::Assistant => 1,
        Kind::Output => 2,
        Kind::Provider => 3,
        Kind::Other(_) => 4,
        Kind::Handler => 5,
    }
}
