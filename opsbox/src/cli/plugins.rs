//! `opsbox plugins`: what is there, what one plugin is, and why something is not there.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::{Value, json};

use super::request::Answer;
use super::table::{clean, faults_json, faults_text, from, origin_json, table};
use crate::discover::{Catalog, Unusable};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::manifest::{Flow, Kind, Launch, Manifest, Policy};
use crate::plugin::tool;
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
        manifest
            .rego
            .as_ref()
            .map(|rego| format!("{}, rule {}, Rego v{}", rego.file, rego.rule, rego.version)),
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
    json["python"] = json!(python.map(|python| &python.path));
    json["config_schema"] = json!(schema);
    json["remediation"] = json!(manifest.check.remediation);
    json["env"] = json!(manifest.env);
    json["warnings"] = json!(manifest.warnings);
    Ok(Answer { text, json, code: 0 })
}

/// Says what is wrong and what to do; the exit code is 2 where a plugin cannot be used.
pub fn doctor(catalog: &Catalog, environ: &Environ) -> Answer {
    let mut text = String::from("python:\n");
    match (&catalog.python, &catalog.python_fault) {
        (Some(python), _) => {
            let version = python.version_text();
            text.push_str(&format!(
                "  {} {version} at {} (from {})\n",
                python.implementation,
                python.path.display(),
                python.why
            ));
            // What has a stand-in, or only belongs to the original, is missed by nobody.
            let needed = |name: &&str| ["pydantic", "yaml", "loguru", "rich"].contains(name);
            let missing: Vec<&str> = python
                .packages
                .iter()
                .filter(|(_, there)| !**there)
                .map(|(name, _)| name.as_str())
                .filter(needed)
                .collect();
            if !missing.is_empty() {
                text.push_str(&format!(
                    "  not installed there: {} (needed only by plugins that import them)\n",
                    missing.join(", ")
                ));
            }
        }
        (None, Some(fault)) => text.push_str(&faults_text(std::slice::from_ref(fault), "  ")),
        (None, None) => text.push_str("  was not looked for\n"),
    }
    text.push_str(&format!("places:\n  {}\n", catalog.sources.join("\n  ")));
    let mut faults = doubled(catalog);
    faults.extend(without_program(catalog, environ));
    faults.extend(crate::plan::faults_of_all(catalog));
    faults.extend(without_python(catalog));
    let code = if faults.is_empty() && catalog.unusable.is_empty() && catalog.warnings.is_empty() {
        0
    } else {
        2
    };
    text.push_str(&notes(catalog));
    if !faults.is_empty() {
        text.push_str(&format!("\nproblems:\n{}", faults_text(&faults, "  ")));
    }
    if code == 0 {
        text.push_str(&format!("\nall {} plugins can be used\n", catalog.plugins.len()));
    }
    let json = json!({
        "python": catalog.python.as_ref().map(|python| json!({
            "path": python.path, "version": python.version_text(), "from": python.why, "packages": python.packages,
        })),
        "python_fault": catalog.python_fault.as_ref().map(|fault| json!({"message": fault.message, "hints": fault.hints})),
        "sources": catalog.sources,
        "plugins": catalog.plugins.len(),
        "unusable": catalog.unusable.iter().map(unusable_json).collect::<Vec<_>>(),
        "replaced": replaced_json(catalog),
        "warnings": catalog.warnings,
        "plugin_warnings": catalog.plugins.iter().flat_map(|manifest| &manifest.warnings).collect::<Vec<_>>(),
        "faults": faults_json(&faults),
    });
    Answer { text, json, code }
}

/// Returns what was found but is not used, and what was odd about the search.
fn notes(catalog: &Catalog) -> String {
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

fn doubled(catalog: &Catalog) -> Vec<Fault> {
    let mut names: Vec<&str> = catalog.names(None).collect();
    names.sort_unstable();
    let mut twice: Vec<&str> = names
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    twice.dedup();
    twice
        .into_iter()
        .filter_map(|name| catalog.find(name).err())
        .collect()
}

/// Names the plugins that need Python where there is none.
fn without_python(catalog: &Catalog) -> Option<Fault> {
    let needs = |manifest: &&std::sync::Arc<Manifest>| matches!(manifest.launch, Launch::Python { .. });
    let names: Vec<_> = catalog
        .plugins
        .iter()
        .filter(needs)
        .map(|manifest| manifest.name.as_str())
        .collect();
    if catalog.python.is_some() || names.is_empty() {
        return None;
    }
    Some(
        Fault::new(format!(
            "these plugins need a Python interpreter: {}",
            names.join(", ")
        ))
        .hint("install Python 3.9 or newer, or name one with `--python PATH`"),
    )
}

fn without_program(catalog: &Catalog, environ: &Environ) -> Vec<Fault> {
    let mut faults = Vec::new();
    for manifest in &catalog.plugins {
        let Launch::Command { argv } = &manifest.launch else {
            continue;
        };
        let program = Path::new(&argv[0]);
        let beside = Some(manifest.home.join(program)).filter(|beside| beside.is_file());
        let named = program.components().count() == 1;
        let on_path = || which::which_in(program, environ.var_os("PATH"), &environ.cwd).ok();
        let found = beside.or_else(|| on_path().filter(|_| named));
        if let Some(why) = found.as_deref().and_then(tool::refusal) {
            let fault = Fault::new(format!("plugin `{}`: `{}` {why}", manifest.name, argv[0]));
            faults.push(fault.hint(format!("correct it, or `command` in `{}`", manifest.origin)));
        } else if found.is_none() {
            let place = if named {
                "beside the manifest or on `PATH`"
            } else {
                "there"
            };
            faults.push(
                Fault::new(format!(
                    "plugin `{}`: program `{}` is not {place}",
                    manifest.name, argv[0]
                ))
                .hint(format!(
                    "install it, or correct `command` in `{}`",
                    manifest.origin
                )),
            );
        }
    }
    faults
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

fn summary_json(manifest: &Manifest) -> Value {
    json!({
        "name": manifest.name,
        "type": manifest.kind.name(),
        "description": manifest.description,
        "version": manifest.version,
        "uses": manifest.uses,
        "handles": manifest.handles,
        "severity": manifest.check.severity.map(|severity| severity.name()),
        "reads": manifest.check.reads,
        "legacy": manifest.legacy,
        "origin": origin_json(&manifest.origin),
    })
}

fn unusable_json(unusable: &Unusable) -> Value {
    json!({
        "name": unusable.name,
        "place": unusable.place,
        "distribution": unusable.distribution,
        "faults": faults_json(&unusable.faults),
    })
}

fn replaced_json(catalog: &Catalog) -> Value {
    let one = |replaced: &crate::discover::Replaced| json!({"name": replaced.manifest.name, "origin": origin_json(&replaced.manifest.origin), "by": origin_json(&replaced.by)});
    catalog.replaced.iter().map(one).collect()
}
