//! Every manifest, record, trace and kept run that version 1 ever allowed is read by today's types and fits today's schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::golden::golden;
use super::{Validator, repository};
use crate::manifest::{Flow, Manifest, Severity};
use crate::report::RunRecord;
use crate::store::exported::ExportedRun;
use crate::store::kept;
use crate::store::shape::StoredRun;
use crate::trace::Recorded;
use crate::trace::shape::{TraceHead, TraceLine};

/// Reads a golden manifest in a folder that has its files.
fn manifest(name: &str) -> Manifest {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "exposed_ports.rego",
        "stray_volumes.rego",
        "stray_volumes.py",
        "example_input.py",
        "estate.sh",
    ] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    let text = golden(&format!("manifests/{name}"));
    let read = Manifest::from_text(&folder.path().join("manifest.toml"), &text);
    read.unwrap_or_else(|bad| panic!("{name}: {:#?}", bad.faults))
}

#[test]
fn every_golden_manifest_is_read_and_fits_the_schema() {
    let validator = Validator::named("manifest");
    let mut warned = BTreeMap::new();
    for entry in std::fs::read_dir(repository().join("tests/golden/manifests")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let read = manifest(&name);
        let value: Value = toml::from_str::<toml::Value>(&golden(&format!("manifests/{name}")))
            .map(|value| serde_json::to_value(value).unwrap())
            .unwrap();
        assert_eq!(validator.refuses(&value), None, "{name}");
        assert_eq!(value["info"]["name"], read.name.as_str());
        assert!(
            !read.extra.contains_key("$schema"),
            "{name}: a handler is told what is for editors"
        );
        warned.insert(name, read.warnings.len());
    }
    let with_warnings: Vec<&String> = warned
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        with_warnings,
        ["input_of_pluggy.toml"],
        "a key and a table of its own"
    );
    assert!(warned.len() >= 9, "{warned:?}");
}

#[test]
fn the_golden_manifest_with_everything_means_what_it_meant() {
    let read = manifest("input_with_everything.toml");
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    assert_eq!(seconds(read.timeouts.grab_config), Some(10.0));
    assert_eq!(seconds(read.timeouts.set_data), Some(0.25));
    assert_eq!(seconds(read.timeouts.hook_idle), Some(0.0));
    assert_eq!(seconds(read.timeouts.hook_total), Some(5400.0));
    assert_eq!(seconds(read.timeouts.cancel_grace), Some(1.5));
    assert_eq!(seconds(read.timeouts.stdin_stall), Some(86400.0));
    assert_eq!(
        (read.max_line, read.caps.memory),
        (Some(512 << 20), Some(2 << 30))
    );
    assert_eq!((read.caps.processes, read.caps.open_files), (Some(8), Some(0)));
    assert_eq!(read.restart.times, Some(1));
    assert_eq!(read.check.severity, Some(Severity::Low));
    assert_eq!((read.protocol, read.flow), ((1, 1), Flow::Replace));
    assert_eq!(read.pins.len(), 1);
    let schema = read.config_schema.unwrap();
    assert_eq!(schema["required"], serde_json::json!(["report_token"]));
    assert_eq!(schema["properties"].as_object().unwrap().len(), 4);
}

/// Calls a function with the name and text of each file of a folder of `tests/golden`.
fn each_of(folder: &str, mut look: impl FnMut(&str, &str)) {
    let mut n_files = 0;
    for entry in std::fs::read_dir(repository().join("tests/golden").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        look(
            &path.display().to_string(),
            &std::fs::read_to_string(&path).unwrap(),
        );
        n_files += 1;
    }
    assert!(n_files > 0, "{folder} is empty");
}

#[test]
fn every_golden_record_is_read_and_fits_the_schema() {
    let validator = Validator::named("run-record");
    let mut statuses = BTreeSet::new();
    each_of("records", |name, text| {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(validator.refuses(&value), None, "{name}");
        let record: RunRecord = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        statuses.extend(record.steps.iter().map(|step| step.status));
    });
    assert_eq!(statuses.len(), 6, "{statuses:?}");
}

#[test]
fn every_golden_trace_is_read_and_fits_the_schema() {
    let validator = Validator::named("trace");
    each_of("traces", |name, text| {
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(validator.refuses(&value), None, "{name}: {line}");
        }
        let (head, rest) = text.split_once('\n').unwrap();
        serde_json::from_str::<TraceHead>(head).unwrap();
        assert!(
            rest.lines()
                .all(|line| serde_json::from_str::<TraceLine>(line).is_ok()),
            "{name}"
        );
        let read = Recorded::from_text(text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(read.lines.len(), rest.lines().count(), "{name}");
    });
}

#[test]
fn every_golden_file_of_a_kept_run_is_read_and_fits_the_schema() {
    let (run, step) = (Validator::named("stored-run"), Validator::named("stored-step"));
    let stored: StoredRun = kept::versioned(golden("runs/run.json").as_bytes()).unwrap();
    let mut n_steps = 0;
    each_of("runs", |path, text| {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        if name == "run.json" {
            assert_eq!(run.refuses(&serde_json::from_str(text).unwrap()), None);
            return;
        }
        let head = text.split_inclusive('\n').next().unwrap();
        assert_eq!(step.refuses(&serde_json::from_str(head).unwrap()), None, "{name}");
        let plan = stored
            .steps
            .iter()
            .find(|plan| name.contains(&plan.plugin))
            .unwrap();
        let read = kept::step_of(head.as_bytes(), text.len() as u64, plan);
        read.unwrap_or_else(|why| panic!("{name}: {why}"));
        n_steps += 1;
    });
    assert!(n_steps >= 2, "{n_steps} steps");
}

#[test]
fn every_golden_index_of_an_exported_run_is_read_and_fits_the_schema() {
    let validator = Validator::named("exported-run");
    each_of("exports", |name, text| {
        assert_eq!(
            validator.refuses(&serde_json::from_str(text).unwrap()),
            None,
            "{name}"
        );
        let read: ExportedRun = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!read.providers.is_empty(), "{name}");
    });
}
