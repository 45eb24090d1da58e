//! The answers of `opsbox plugins --json`, but for what only one command says.

use serde_json::{Value, json};

use crate::cli::table::{faults_json, origin_json, path_json};
use crate::discover::{Catalog, Replaced, Unusable};
use crate::manifest::Manifest;

pub(in crate::cli) fn summary_json(manifest: &Manifest) -> Value {
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

pub(in crate::cli) fn unusable_json(unusable: &Unusable) -> Value {
    json!({
        "name": unusable.name,
        "place": path_json(&unusable.place),
        "distribution": unusable.distribution,
        "faults": faults_json(&unusable.faults),
    })
}

pub(in crate::cli) fn replaced_json(catalog: &Catalog) -> Value {
    let one = |replaced: &Replaced| {
        json!({
            "name": replaced.manifest.name,
            "type": replaced.manifest.kind.name(),
            "origin": origin_json(&replaced.manifest.origin),
            "by": origin_json(&replaced.by),
        })
    };
    catalog.replaced.iter().map(one).collect()
}
