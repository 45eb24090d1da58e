//! Layers × schemas → each plugin's fields, typed and validated, with all faults at once.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::convert::Converter;
use super::layers::Layer;
use super::references;
use super::report::show;
use super::shape::{Shape, plain};
use super::validate::{self, Verdict};
use super::{
    Asked, Assignment, FieldReport, Grammar, PluginConfig, Raw, Resolution, SECRET, Settings, Wanted,
};
use crate::error::Fault;
use crate::suggest::{did_you_mean, nearest};

/// Core settings of the original that command lines and files may still hold, though no plugin declares them.
const OLD_SETTINGS: [&str; 2] = ["oai_key", "claude_key"];

/// What becomes of `env:NAME` and `file:PATH` in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum References {
    /// What they refer to is read.
    Read,
    /// They stay as they are written.
    Keep,
}

pub(super) fn resolve(settings: &Settings, wanted: &[Wanted<'_>], references: References) -> Resolution {
    let mut resolution = Resolution {
        warnings: settings.warnings.clone(),
        ..Resolution::default()
    };
    let mut all: Vec<_> = wanted.iter().map(|wanted| declared(*wanted)).collect();
    hide(
        &settings.secrets,
        all.iter_mut().flatten().map(|(report, _)| report),
    );
    for (wanted, declared) in wanted.iter().zip(all) {
        let config = plugin(settings, *wanted, declared, references, &mut resolution);
        resolution.plugins.push(config);
    }
    unknown(settings, wanted, &mut resolution);
    resolution
}

pub(super) fn explain(settings: &Settings, report: &FieldReport) -> Vec<Asked> {
    let (plugin, field) = (report.plugin.as_str(), report.name.as_str());
    let mut asked = Vec::new();
    let mut found = false;
    for layer in settings.layers.iter().filter(|layer| layer.concerns(plugin)) {
        let value = layer
            .get(plugin, field)
            .map(|found| match references::shown(&found, report.secret) {
                Some(reference) => reference,
                None => raw_text(&found.raw, report.secret),
            });
        let wins = value.is_some() && !found;
        found |= value.is_some();
        asked.push(Asked {
            origin: layer.origin(field),
            value,
            wins,
        });
    }
    asked.push(Asked {
        origin: "the plugin's default".to_owned(),
        value: report.shown_default(),
        wins: !found,
    });
    asked
}

fn plugin(
    settings: &Settings,
    wanted: Wanted<'_>,
    declared: Vec<(FieldReport, Shape)>,
    references: References,
    resolution: &mut Resolution,
) -> PluginConfig {
    let converter = Converter {
        now: &settings.now,
        naive: wanted.legacy,
    };
    let mut values = Map::new();
    let mut fields = Vec::new();
    let mut raws: Vec<Option<Raw>> = Vec::new();
    let mut bad: BTreeSet<String> = BTreeSet::new();
    for (mut report, shape) in declared {
        let found = settings
            .layers
            .iter()
            .find_map(|layer| layer.get(wanted.plugin, &report.name));
        let Some(mut found) = found else {
            raws.push(None);
            fields.push(report);
            continue;
        };
        report.reference = references::shown(&found, report.secret);
        if references == References::Keep && references::refers(&found, report.secret) {
            // Nothing is known of the value but where it is.
            report.value = Some(Value::from(report.reference.as_deref().unwrap_or(SECRET)));
            report.origin = Some(found.origin);
            raws.push(None);
            fields.push(report);
            continue;
        }
        if let Err(why) = references::take(&settings.environ, &report, &mut found, &mut resolution.warnings) {
            bad.insert(report.name.clone());
            resolution.faults.push(report.unread(&found.origin, &why));
            raws.push(None);
            fields.push(report);
            continue;
        }
        match converter.convert(&found.raw, &shape) {
            Ok(value) => {
                values.insert(report.name.clone(), value.clone());
                report.value = Some(value);
                report.origin = Some(found.origin);
            }
            Err(wanted) => {
                bad.insert(report.name.clone());
                let shown = raw_shown(&found.raw);
                let wanted = format!("must be {wanted}");
                resolution.faults.push(report.wrong(
                    shown.as_deref(),
                    &found.origin,
                    &wanted,
                    settings.grammar,
                ));
            }
        }
        raws.push(Some(found.raw));
        fields.push(report);
    }
    let verdict = verdict(wanted, &values, &fields, resolution);
    for (report, raw) in fields.iter().zip(&raws) {
        if !bad.contains(&report.name) {
            let misfit = misfit(report, raw.as_ref(), &verdict, settings.grammar);
            resolution.faults.extend(misfit);
        }
    }
    // A rule over the whole object says little while single fields are still wrong or missing.
    if bad.is_empty() {
        resolution.faults.extend(
            verdict
                .whole
                .iter()
                .map(|text| Fault::new(format!("configuration of plugin `{}`: {text}", wanted.plugin))),
        );
    }
    PluginConfig { values, fields }
}

/// Says that a field is missing or does not fit its schema, where that is so.
fn misfit(report: &FieldReport, raw: Option<&Raw>, verdict: &Verdict, grammar: Grammar) -> Option<Fault> {
    if report.required && report.value.is_none() {
        return Some(report.missing(grammar));
    }
    let (reason, origin) = (verdict.fields.get(&report.name)?, report.origin.as_ref()?);
    let shown = raw.and_then(raw_shown);
    Some(report.wrong(shown.as_deref(), origin, reason, grammar))
}

fn verdict(
    wanted: Wanted<'_>,
    values: &Map<String, Value>,
    fields: &[FieldReport],
    resolution: &mut Resolution,
) -> Verdict {
    if fields.is_empty() {
        return Verdict::default();
    }
    let hidden = |name: &str| fields.iter().any(|field| field.name == name && field.secret);
    validate::validate(wanted.schema, values, &hidden).unwrap_or_else(|cause| {
        resolution.warnings.push(format!(
            "the configuration schema of plugin `{}` cannot be used, so values are passed as they are: {cause}",
            wanted.plugin
        ));
        Verdict::default()
    })
}

/// Returns every field that a schema declares.
pub(super) fn declared(wanted: Wanted<'_>) -> Vec<(FieldReport, Shape)> {
    let required: Vec<&str> = wanted.schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = wanted.schema["properties"].as_object() else {
        return Vec::new();
    };
    properties
        .iter()
        .map(|(name, property)| {
            let shape = Shape::of(property, wanted.schema);
            let text = |key: &str| property[key].as_str().map(str::to_owned);
            let report = FieldReport {
                name: name.clone(),
                plugin: wanted.plugin.to_owned(),
                kind: shape.words(),
                description: text("description").or_else(|| text("title").filter(|_| !wanted.legacy)),
                required: required.contains(&name.as_str()),
                default: property.get("default").cloned(),
                value: None,
                origin: None,
                reference: None,
                secret: shape.secret || (wanted.legacy && shape.text && is_secret_name(name)),
            };
            (report, shape)
        })
        .collect()
}

/// Makes a field a secret in every plugin that declares it where one of them says so: its value is the same one.
fn hide<'a>(known: &BTreeSet<String>, reports: impl Iterator<Item = &'a mut FieldReport>) {
    let (mut secret, mut open) = (known.clone(), Vec::new());
    for report in reports {
        match report.secret {
            true => drop(secret.insert(report.name.clone())),
            false => open.push(report),
        }
    }
    for report in open {
        report.secret = secret.contains(&report.name);
    }
}

/// Old plugins cannot mark their secrets, so these are known by how their names end.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    ["key", "token", "secret", "password", "access_key_id"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Notes what the command line sets though nobody declares it.
fn unknown(settings: &Settings, wanted: &[Wanted<'_>], resolution: &mut Resolution) {
    // A plugin that could not be asked may own any field.
    if wanted.iter().any(|wanted| *wanted.schema == Value::Bool(true)) {
        return;
    }
    let fields = |plugin: Option<&str>| -> BTreeSet<&str> {
        let chosen = wanted
            .iter()
            .filter(|wanted| plugin.is_none_or(|name| name == wanted.plugin));
        chosen
            .filter_map(|wanted| wanted.schema["properties"].as_object())
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    };
    for layer in &settings.layers {
        let Layer::File(file) = layer else { continue };
        // One file serves many pipelines, so a plugin that this one does not run may have its table.
        let runs = |name: &String| wanted.iter().any(|wanted| wanted.plugin == name);
        if !file.strict || !file.plugin.as_ref().is_none_or(runs) {
            continue;
        }
        let known = fields(file.plugin.as_deref());
        for field in file.values.keys().filter(|field| !known.contains(field.as_str())) {
            let whose = file
                .plugin
                .as_ref()
                .map_or("no plugin of this pipeline declares".to_owned(), |plugin| {
                    format!("plugin `{plugin}` does not declare")
                });
            let mut fault = Fault::new(format!("{whose} the field `{field}` of {}", file.origin));
            fault.hints.extend(did_you_mean(field, known.iter().copied()));
            resolution.faults.push(fault);
        }
    }
    misspelt(settings, &fields(None), resolution);
    let mut told = BTreeSet::new();
    for Assignment { plugin, field, .. } in &settings.assignments {
        if let Some(plugin) = plugin
            && !wanted.iter().any(|wanted| wanted.plugin == plugin)
        {
            let mut fault = Fault::new(format!(
                "`--set {plugin}.{field}` is for plugin `{plugin}`, which this pipeline does not run"
            ));
            fault
                .hints
                .extend(did_you_mean(plugin, wanted.iter().map(|wanted| wanted.plugin)));
            resolution.faults.push(fault);
            continue;
        }
        let known = fields(plugin.as_deref());
        if known.contains(field.as_str()) || !told.insert((plugin, field)) {
            continue;
        }
        let flag = settings.grammar.flag(field);
        if settings.grammar == Grammar::Legacy && OLD_SETTINGS.contains(&field.as_str()) {
            resolution
                .warnings
                .push(format!("no plugin of this pipeline uses `{flag}`"));
            continue;
        }
        let flag = flag.trim_end_matches(" …").trim_end_matches("=…");
        let mut fault = Fault::new(format!(
            "no plugin of this pipeline declares the field `{field}` of `{flag}`"
        ));
        fault
            .hints
            .extend(did_you_mean(field, known.iter().copied()).or_else(|| settings.grammar.setting(field)));
        fault.hints.push(match known.len() {
            0 => "no plugin of this pipeline has fields".to_owned(),
            1..=12 => format!(
                "fields are: {}",
                known.iter().copied().collect::<Vec<_>>().join(", ")
            ),
            _ => "see all fields with `opsbox config show PIPELINE`".to_owned(),
        });
        resolution.faults.push(fault);
    }
}

/// Warns of variables `OPSBOX_SET_<FIELD>` that look like a field's but are not. Others may be meant for other pipelines.
fn misspelt(settings: &Settings, known: &BTreeSet<&str>, resolution: &mut Resolution) {
    let names: Vec<String> = known.iter().map(|field| field.to_uppercase()).collect();
    for layer in &settings.layers {
        let Layer::Set(vars) = layer else { continue };
        for (name, _) in vars.iter().filter(|(name, _)| !names.contains(name)) {
            let near = nearest(name, names.iter().map(String::as_str));
            // Nothing is lost where the right one is set as well.
            let unset = |near: &&str| !vars.iter().any(|(set, _)| set == near);
            resolution.warnings.extend(near.filter(unset).map(|near| {
                format!(
                    "no plugin of this pipeline declares the field of the variable `OPSBOX_SET_{name}`; \
                     did you mean `OPSBOX_SET_{near}`?"
                )
            }));
        }
    }
}

/// Returns a raw value as text; `None` where there is none.
fn raw_shown(raw: &Raw) -> Option<String> {
    match raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::List(texts) => Some(texts.join(" ")),
        Raw::Bare => None,
        Raw::Json(value) => Some(plain(value)),
    }
}

fn raw_text(raw: &Raw, secret: bool) -> String {
    let text = raw_shown(raw).unwrap_or_else(|| "(flag without value)".to_owned());
    show(&Value::from(text), secret)
}
