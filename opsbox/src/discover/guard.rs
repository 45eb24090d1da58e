//! Plugins whose files others could change: refused, or warned about.

use std::path::{Path, PathBuf};

use crate::manifest::{Launch, Manifest, Origin, Policy};
use crate::trust::Judge;

use super::Unusable;

/// Takes away what is not trusted, and notes what is odd about the rest.
pub(super) fn trusted(
    judge: &mut Judge,
    manifests: Vec<Manifest>,
    unusable: &mut Vec<Unusable>,
) -> Vec<Manifest> {
    let mut kept = Vec::new();
    for mut manifest in manifests {
        match judge.judge(files_of(&manifest)) {
            Ok(mut warnings) => {
                manifest.warnings.append(&mut warnings);
                kept.push(manifest);
            }
            Err(fault) => unusable.push(Unusable {
                name: Some(manifest.name.clone()),
                place: manifest
                    .origin
                    .manifest()
                    .map_or_else(PathBuf::new, Path::to_path_buf),
                distribution: match &manifest.origin {
                    Origin::EntryPoint { distribution, .. } => Some(distribution.clone()),
                    Origin::Bundled | Origin::Folder { .. } => None,
                },
                faults: vec![fault],
            }),
        }
    }
    kept
}

/// Returns the files that decide what a plugin does, as far as its folder holds them.
fn files_of(manifest: &Manifest) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = manifest
        .origin
        .manifest()
        .map(Path::to_path_buf)
        .into_iter()
        .collect();
    match &manifest.launch {
        Launch::Command { argv } => {
            let beside = argv
                .iter()
                .enumerate()
                .filter(|(index, word)| *index == 0 || word.starts_with("./"));
            files.extend(beside.map(|(_, word)| manifest.home.join(word)));
        }
        Launch::Python { module, .. } => {
            let last = module.rsplit('.').next().unwrap_or(module);
            files.push(manifest.home.join(format!("{last}.py")));
        }
        Launch::Bundled | Launch::Nothing => {}
    }
    if let Some(Policy::File(policy)) = manifest.rego.as_ref().map(|rego| &rego.policy) {
        files.push(policy.clone());
    }
    files
}
