//! What Python plugins import of the names for old plugins that is not offered; read from their sources by a script of the bridge.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Interpreter, Runner, script_argv, spec_of};
use crate::manifest::Manifest;

/// Returns for each plugin a sentence about every name that it imports and will not get; plugins without any are left out.
///
/// An interpreter that cannot be asked says nothing: what is wrong with it is told elsewhere.
pub fn unknown_names(
    interpreter: &Interpreter,
    files_root: &Path,
    plugins: &[&Manifest],
    run: Runner<'_>,
) -> BTreeMap<String, Vec<String>> {
    let specs: Vec<_> = plugins.iter().map(|manifest| spec_of(manifest)).collect();
    let mut argv = script_argv(interpreter, files_root, "audit.py");
    argv.push(serde_json::Value::from(specs).to_string().into());
    let Ok(output) = run(&argv[0], &argv[1..]) else {
        return BTreeMap::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // A site that prints at the start must not hide the answer.
    let answer = text
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str(line).ok());
    answer.unwrap_or_default()
}
