//! Empty Results of checks that saw only part: an output that is not told how the checks ended would take them for "nothing found".

use std::collections::BTreeSet;

use crate::plugin::ResultSlice;
use crate::report::{Role, Status, StepRecord};

/// Returns the places of such Results. What an assistant has renamed is not recognized.
pub(crate) fn places(steps: &[StepRecord], results: &[ResultSlice]) -> BTreeSet<usize> {
    let made = partly(steps).flat_map(|step| &step.made);
    let names: BTreeSet<&str> = made.map(String::as_str).collect();
    let is_hollow = |result: &ResultSlice| result.is_empty() && names.contains(&*result.name());
    let found = results.iter().enumerate();
    found
        .filter(|(_, result)| is_hollow(result))
        .map(|(place, _)| place)
        .collect()
}

/// Returns the Results without those places.
pub(crate) fn without(results: &[ResultSlice], places: &BTreeSet<usize>) -> Vec<ResultSlice> {
    let kept = results.iter().enumerate();
    kept.filter(|(place, _)| !places.contains(place))
        .map(|(_, result)| result.clone())
        .collect()
}

/// Returns what is said of Results that an output does not get.
pub(crate) fn warning(output: &str, names: &[String]) -> String {
    let (first, more) = match names {
        [only] => (only.as_str(), String::new()),
        [first, rest @ ..] => (first.as_str(), format!(" and {} more", rest.len())),
        [] => ("", String::new()),
    };
    format!(
        "`{output}` is not given the empty `{first}`{more}: the check saw only part of its data, and an empty Result would read as \"nothing found\""
    )
}

/// Returns the checks that saw only part.
fn partly(steps: &[StepRecord]) -> impl Iterator<Item = &StepRecord> {
    steps.iter().filter(|step| {
        step.role == Role::Check && step.status == Status::Incomplete && step.findings.is_some()
    })
}
