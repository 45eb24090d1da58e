//! Empty Results of checks that saw only part: an output that is not told how the checks ended would take them for "nothing found".

use std::collections::BTreeSet;

use crate::plugin::ResultSlice;
use crate::report::{Status, StepRecord};

/// Returns the Results of a check, marked where it saw only part of its data.
pub(crate) fn marked(mut results: Vec<ResultSlice>, record: &StepRecord) -> Vec<ResultSlice> {
    mark(&mut results, record.status);
    results
}

/// Marks the Results of a check that ended so.
pub(crate) fn mark(results: &mut [ResultSlice], status: Status) {
    for result in results {
        result.partly = status == Status::Incomplete;
    }
}

/// Returns the names of marked Results, by which they are known when an assistant has had them; what also a check that saw everything has
/// made is not among them, and what an assistant has renamed is not recognized.
pub(crate) fn names(results: &[ResultSlice]) -> BTreeSet<String> {
    if !results.iter().any(|result| result.partly) {
        return BTreeSet::new();
    }
    let of = |partly: bool| results.iter().filter(move |result| result.partly == partly);
    let whole: BTreeSet<_> = of(false).map(ResultSlice::name).collect();
    let names = of(true).map(ResultSlice::name);
    names.filter(|name| !whole.contains(name)).collect()
}

/// Marks an assistant's Results by their names.
pub(crate) fn mark_named(results: &mut [ResultSlice], names: &BTreeSet<String>) {
    for result in results {
        result.partly = !names.is_empty() && names.contains(&*result.name());
    }
}

/// Returns the places of hollow Results.
pub(crate) fn places(results: &[ResultSlice]) -> BTreeSet<usize> {
    let found = results.iter().enumerate();
    found
        .filter(|(_, result)| result.partly && result.is_empty())
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
