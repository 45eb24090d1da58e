//! The conformance suite: starts a plugin as the host would, plays every part of the protocol to it, and says which rules it keeps.
//!
//! `scenes` put the plugin on the wire and only collect; `rules` hold one rule each, by its id in PROTOCOL.md, and only judge. What goes
//! wrong on this side (a process that cannot be started, a folder that cannot be made) is never a verdict on the plugin.

mod act;
mod line;
mod look;
pub mod report;
pub mod rule;
pub mod rules;
mod sample;
mod scene;
mod scenes;
mod stage;
mod start;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::config::{Settings, Wanted};
use crate::error::{Failure, Fault, Kind as FailureKind};
use crate::halt::{Halt, HaltSeen};
use crate::manifest::{Launch, Manifest};
use crate::plugin::SessionContext;
use report::{Checked, Report};
use rule::{Judged, Observed, Rule, Verdict};
use sample::Sample;
use stage::{Facts, Stage};
use start::Start;

/// Text that no plugin has by chance; the fields' secrets are made of it.
const CANARY: &str = "opsbox-canary-7f3a9d5c1e";
/// A shorter value of the author's is not looked for: it could stand anywhere.
const LEAST_SECRET: usize = 8;

/// What is wanted of the suite.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// `--sample`, absolute.
    pub sample: Option<PathBuf>,
    /// `--timeout`: how long any answer is waited for.
    pub limit: Option<Duration>,
    /// Whether a handler that is there serves the plugin's type.
    pub served: bool,
}

/// Plays the whole suite to a plugin; `said` is told what is being played.
///
/// # Errors
/// A usage failure where the plugin cannot be started or tried at all: no program, a required field for which no value is known.
pub async fn prove(
    manifest: &Manifest,
    ctx: &SessionContext,
    halt: HaltSeen,
    settings: &Settings,
    wishes: &Wishes,
    said: &dyn Fn(&str),
) -> Result<Report, Failure> {
    if manifest.launch == Launch::Nothing {
        let what = format!(
            "`{}` is a Rego check without code: there is no plugin to test",
            manifest.name
        );
        let hint = "test its policy with `opsbox check test`";
        return Err(Failure::usage(Fault::new(what).hint(hint)));
    }
    let sample = wishes.sample.as_deref().map(Sample::read).transpose();
    let sample = sample.map_err(Failure::usage)?;
    let mut stage = Stage {
        manifest,
        ctx,
        limit: wishes.limit,
        halt: halt.clone(),
        facts: Facts::default(),
        late: std::cell::RefCell::default(),
    };
    let spec = stage
        .spec()
        .map_err(|error| Failure::usage(error.fault(&manifest.name)))?;
    said("a whole life");
    let learn = |facts| learned(manifest, settings, sample.as_ref(), facts);
    let (whole, facts) = scenes::whole(&stage, learn).await?;
    if let Some(why) = &whole.harness {
        let fault = Fault::new(format!("plugin `{}` cannot be tested: {why}", manifest.name));
        return Err(Failure::usage(fault));
    }
    let start = Start::of(&whole, manifest);
    if let Some(said) = start.lacks_a_program() {
        let what = format!(
            "plugin `{}` cannot be tested: a program that it needs is not there",
            manifest.name
        );
        return Err(Failure::usage(Fault::new(what).hint(said)));
    }
    let greeted = matches!(whole.answer("initialize"), Some(line::Answer::Result(_)));
    stage.facts = facts;
    let mut scenes = vec![whole];
    if greeted && *halt.borrow() == Halt::Go {
        scenes::others(&stage, &mut scenes, said).await;
    }
    let observed = Observed {
        manifest,
        facts: &stage.facts,
        scenes: &scenes,
        line_bytes: spec.line_bytes,
        grace: spec.clocks.cancel_grace,
        served: wishes.served,
    };
    let harness = scenes.iter().find_map(|scene| scene.harness.clone());
    let checked = rules::all().map(|rule| check(rule, &observed, harness.as_deref(), &start));
    Ok(Report {
        plugin: manifest.name.clone(),
        kind: manifest.kind.name().to_owned(),
        origin: manifest.origin.to_string(),
        checked: checked.collect(),
        secrets: stage
            .facts
            .secrets
            .iter()
            .map(|(_, value)| value.clone())
            .collect(),
        harness,
    })
}

fn check(rule: &'static Rule, observed: &Observed<'_>, harness: Option<&str>, start: &Start) -> Checked {
    let judged = start.verdict(rule).unwrap_or_else(|| (rule.judge)(observed));
    let unheard = !matches!(start, Start::Greeted);
    let (verdict, evidence, reason) = match judged {
        Judged::Kept | Judged::Unseen(_) if unheard => (Verdict::NotRun, None, Some(start::WHY.to_owned())),
        Judged::Kept => (Verdict::Pass, None, None),
        Judged::Unseen(_) if harness.is_some() => (Verdict::NotChecked, None, harness.map(str::to_owned)),
        Judged::Unseen(why) => (Verdict::NotApplicable, None, Some(why)),
        Judged::Broken(evidence) if rule.should => (Verdict::Warn, Some(evidence), None),
        Judged::Broken(evidence) => (Verdict::Fail, Some(evidence), None),
        Judged::Odd(evidence) => (Verdict::Warn, Some(evidence), None),
    };
    Checked {
        rule,
        verdict,
        evidence,
        reason,
    }
}

/// Makes a configuration of what the author set and the schema says, and the calls that make the plugin work.
fn learned(
    manifest: &Manifest,
    settings: &Settings,
    sample: Option<&Sample>,
    mut facts: Facts,
) -> Result<Facts, Failure> {
    if let Some(Sample::Call(hook, _)) = sample
        && facts.introduced
        && !facts.hooks.contains(hook)
    {
        let what = format!(
            "the sample calls `{hook}`, which plugin `{}` does not list",
            manifest.name
        );
        let hint = format!("it lists {}", facts.hooks.join(", "));
        return Err(Failure::usage(Fault::new(what).hint(hint)));
    }
    facts.works = sample::works(manifest, &facts.hooks, sample);
    let usable = facts.schema["properties"].is_object()
        && crate::config::faults_of(&facts.schema, &Map::new()).is_ok();
    // What a schema that is none wants nobody can know.
    let schema = if usable {
        facts.schema.clone()
    } else {
        json!({"type": "object", "properties": {}})
    };
    let mut values = set_by_author(manifest, settings, &schema)?;
    let secret = |field: &str, values: &Map<String, Value>| {
        let set = values.get(field).and_then(Value::as_str);
        let value = set.map_or_else(|| format!("{CANARY}-{field}"), str::to_owned);
        let known = value.len() >= LEAST_SECRET && sample::fits(&schema, field, &json!(value));
        known.then_some(value)
    };
    let wanted = Wanted {
        plugin: &manifest.name,
        schema: &schema,
        legacy: manifest.legacy,
    };
    for report in crate::config::fields_of(wanted)
        .iter()
        .filter(|report| report.secret)
    {
        let Some(value) = secret(&report.name, &values) else {
            continue;
        };
        if report.required {
            values.insert(report.name.clone(), json!(value));
        }
        facts.secrets.push((report.name.clone(), value));
    }
    let missing = sample::fill(&schema, &mut values, false);
    if !missing.is_empty() {
        let faults = missing.iter().map(|field| {
            Fault::new(format!(
                "no value is known that fits the required field `{field}` of plugin `{}`",
                manifest.name
            ))
            .hint(format!("give one: `--set {field}=…`"))
        });
        return Err(Failure {
            kind: FailureKind::Usage,
            faults: faults.collect(),
        });
    }
    facts.config = values;
    Ok(facts)
}

/// Returns what `--set` sets, typed by the schema; what is missing is found later.
fn set_by_author(
    manifest: &Manifest,
    settings: &Settings,
    schema: &Value,
) -> Result<Map<String, Value>, Failure> {
    let mut relaxed = schema.clone();
    if let Value::Object(members) = &mut relaxed {
        members.remove("required");
    }
    let wanted = Wanted {
        plugin: &manifest.name,
        schema: &relaxed,
        legacy: manifest.legacy,
    };
    let mut resolution = settings.resolve(&[wanted]);
    if !resolution.faults.is_empty() {
        return Err(Failure {
            kind: FailureKind::Usage,
            faults: resolution.faults,
        });
    }
    Ok(resolution
        .plugins
        .pop()
        .map(|plugin| plugin.values)
        .unwrap_or_default())
}
