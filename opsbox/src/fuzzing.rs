//! Doors into what reads strangers' bytes, for the fuzz targets of `tests/fuzz` alone: no part of the library's interface.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Zoned;
use serde_json::{Map, Value};

use crate::cli::table;
use crate::config::convert::Converter;
use crate::config::shape::Shape;
use crate::config::{Raw, dates, files, validate};
use crate::discover::{entry_points, repair};
use crate::environ::Environ;
use crate::error::Fault;
use crate::managed::request::Wanted;
use crate::manifest::{BadManifest, Manifest};
use crate::plugin::ResultSlice;
use crate::redact::{self, Redactor};
use crate::rego::{engine, heads, remote::rewrite};
use crate::store::kept;
use crate::store::shape::{StoredPlan, StoredRun, StoredStep};

/// Reads a manifest as if it lay at this path.
pub fn manifest(path: &Path, text: &str) -> Result<Manifest, BadManifest> {
    Manifest::from_text(path, text)
}

/// Reads the text of a configuration file in JSON.
pub fn json_object(text: &str) -> Result<Map<String, Value>, Fault> {
    files::json_object(Path::new("fuzz.json"), text)
}

/// Reads the text of a configuration file in TOML.
pub fn toml_object(text: &str) -> Result<Map<String, Value>, Fault> {
    files::toml_object(Path::new("fuzz.toml"), text)
}

/// Converts what somebody gave to the type that a field's schema declares.
pub fn convert(schema: &Value, raw: &Raw, now: &Zoned, legacy: bool) -> Result<Value, String> {
    let shape = Shape::of(schema, schema);
    Converter { now, naive: legacy }.convert(raw, &shape)
}

/// Says the type of a field in words.
pub fn words(schema: &Value) -> String {
    Shape::of(schema, schema).words()
}

/// Validates values against a plugin's schema; returns how many fields do not fit.
pub fn validate(schema: &Value, values: &Map<String, Value>) -> Result<usize, String> {
    validate::validate(schema, values, &|_| false).map(|verdict| verdict.fields.len() + verdict.whole.len())
}

/// Reads a moment.
pub fn moment(text: &str, now: &Zoned, legacy: bool) -> Option<String> {
    dates::moment(text, now, legacy)
}

/// Reads a day.
pub fn day(text: &str, now: &Zoned) -> Option<String> {
    dates::day(text, now)
}

/// Reads the entry points of the text of an `entry_points.txt`.
pub fn entry_points(text: &str) -> Vec<(String, String)> {
    entry_points::entry_points(text)
}

/// Reads one header of a distribution's metadata.
pub fn header(text: &str, wanted: &str) -> Option<String> {
    entry_points::header(text, wanted)
}

/// Reads the paths of the text of a `RECORD`.
pub fn recorded(text: &str) -> Vec<String> {
    repair::recorded(text)
}

/// Returns how a Python source spells a class.
pub fn spelling(source: &str, class: &str) -> Option<String> {
    repair::spelling_in(source, class)
}

/// Reads what `plugins add` is asked for; returns what is shown of it, and what must not be.
pub fn requirement(text: &str, environ: &Environ) -> Result<(String, Vec<String>), Fault> {
    Wanted::read(text, environ).map(|wanted| (wanted.what, wanted.secrets))
}

/// Returns a policy with guarded heads.
pub fn guarded(text: &str) -> Option<String> {
    heads::guarded(text)
}

/// Returns a policy and its package as an OPA server gets them.
pub fn rewritten(text: &str) -> Option<(String, Vec<String>)> {
    let rewritten = rewrite::rewrite("fuzz.rego", text, "own", "{}").ok()?;
    Some((rewritten.text, rewritten.package))
}

/// Returns the names of a policy's rules with their lines.
pub fn rules(text: &str) -> Vec<(String, u32)> {
    rewrite::rules(text)
}

/// Says whether the interpreter takes a policy as it is, without a look at its text before.
pub fn parses(text: &str) -> bool {
    let mut engine = engine::engine(engine::Options::default());
    engine.add_policy("fuzz.rego".to_owned(), text.to_owned()).is_ok()
}

/// Reads `run.json` of a kept run.
pub fn stored_run(text: &[u8]) -> Result<StoredRun, String> {
    kept::versioned(text)
}

/// Reads the first line of a step's file.
pub fn stored_step(line: &[u8], length: u64, plan: &StoredPlan) -> Result<StoredStep, String> {
    kept::step_of(line, length, plan)
}

/// Cuts the bytes of a step's file into its Results.
pub fn stored_results(bytes: Vec<u8>, n_results: u64) -> Result<Vec<ResultSlice>, String> {
    kept::results_in(Bytes::from(bytes), n_results)
}

/// Returns the name of a step's file.
pub fn stored_name(step: usize, plugin: &str) -> PathBuf {
    PathBuf::from(kept::file_name(step, plugin, "jsonl"))
}

/// Returns a JSON text without a secret, and in how many fields it stood.
pub fn without_secret(secret: &str, text: &str) -> (String, usize) {
    let done = redact::json(text, Some(&Redactor::of_texts([secret])), &[]);
    (done.text, done.hidden.len())
}

/// Returns valid JSON without spaces between tokens.
pub fn compact(text: &str) -> String {
    crate::plugin::compact(text)
}

/// Returns a text as tables show it.
pub fn cell(text: &str) -> String {
    table::clean(text)
}
