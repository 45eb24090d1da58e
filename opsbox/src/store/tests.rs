//! What the store does on its own, without a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::folder::Folder;
use super::kept::file_name;
use super::shape::{STORE_VERSION, StoredPlan, StoredRun, fingerprint};
use super::*;
use crate::report::record::RECORD_VERSION;
use crate::report::{Outcome, Role, RunRecord, Status, StepRecord};

mod sent;

const RESULT: &str =
    r#"{"relates_to":"a", "result_name":"r","result_description":"","details":[{"n":1.50}],"formatted":""}"#;

fn plan(plugin: &str, role: Role) -> StoredPlan {
    StoredPlan {
        plugin: plugin.into(),
        role,
        version: None,
        origin: "built in".into(),
        fingerprint: String::new(),
        providers: Vec::new(),
        passes_on: false,
        appends: false,
        from_run: None,
        standing: None,
    }
}

fn run(id: &str, started: &str) -> StoredRun {
    StoredRun {
        store: STORE_VERSION,
        run: id.into(),
        opsbox: "1".into(),
        pid: 1,
        started: started.into(),
        pipeline: "check-out".into(),
        name: None,
        project: None,
        plugin_dirs: Vec::new(),
        leave_out_gapped: false,
        keep_seconds: 24 * 3600,
        resumed_from: None,
        replayed_from: None,
        steps: vec![plan("check", Role::Check), plan("out", Role::Output)],
        config: Vec::new(),
        secret_variables: BTreeSet::new(),
    }
}

fn ended() -> StepRecord {
    StepRecord {
        status: Status::Findings,
        ..StepRecord::new("check", Role::Check)
    }
}

fn record(id: &str) -> RunRecord {
    RunRecord {
        record: RECORD_VERSION,
        run: id.into(),
        opsbox: "1".into(),
        pipeline: "check-out".into(),
        started: String::new(),
        seconds: 0.0,
        outcome: Outcome::Done,
        exit_code: 0,
        steps: vec![ended()],
        warnings: Vec::new(),
        kept: true,
        deliverable: true,
        resumed_from: None,
        replayed_from: None,
        delivery_of: None,
    }
}

/// Keeps a run of one check with these Results, to its end if `whole`; returns what was said to be lost.
fn keep(store: &Store, run: StoredRun, results: &[&'static str], max_bytes: u64, whole: bool) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let id = run.run.clone();
        let keeping = Keeping {
            place: Place::Own(store.clone()),
            run,
            max_bytes,
            taken: BTreeMap::new(),
        };
        let notices = Notices {
            settled: Box::new(|_, _| {}),
            warned: Box::new(|_| {}),
        };
        let keeper = Keeper::start(keeping, notices).unwrap();
        keeper.step(
            0,
            ended(),
            results
                .iter()
                .map(|text| Bytes::from_static(text.as_bytes()))
                .collect(),
        );
        keeper.flush().await;
        if whole {
            keeper.end(&record(&id))
        } else {
            keeper.warnings()
        }
    })
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(&folder.path().join("state"));
    (folder, store)
}

fn limits(max_size: u64) -> Limits {
    let origin = String::new();
    Limits {
        keep: Bound {
            value: Duration::from_secs(24 * 3600),
            origin: origin.clone(),
        },
        max_size: Bound {
            value: max_size,
            origin,
        },
        of_project: false,
    }
}

fn ids(store: &Store) -> Vec<String> {
    store.list().unwrap().into_iter().map(|entry| entry.id).collect()
}

const NEW: &str = "2026-03-31T12:00:00Z";
const OLD: &str = "2026-03-29T12:00:00Z";

fn now() -> jiff::Timestamp {
    NEW.parse().unwrap()
}

#[test]
fn results_come_back_in_the_bytes_that_were_kept() {
    let (_folder, store) = store();
    assert!(keep(&store, run("one", NEW), &[RESULT, RESULT], 1 << 20, true).is_empty());
    let kept = store.find("o").unwrap();
    let results = kept.results(&kept.steps[0]).unwrap();
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(|result| result.bytes == RESULT.as_bytes()));
    assert_eq!(kept.state(), State::Ended(Outcome::Done));
    assert!(kept.steps[1].ended.is_none());
}

#[test]
fn folders_and_files_are_private_whatever_was_there() {
    let (folder, store) = store();
    fs::create_dir_all(folder.path().join("state/runs")).unwrap();
    fs::set_permissions(store.root(), Permissions::from_mode(0o777)).unwrap();
    keep(&store, run("one", NEW), &[RESULT], 1 << 20, true);
    let mut open = vec![store.root().to_owned()];
    let mut n_files = 0;
    while let Some(path) = open.pop() {
        let meta = path.metadata().unwrap();
        let mode = meta.permissions().mode() & 0o777;
        assert_eq!(
            mode,
            if meta.is_dir() { 0o700 } else { 0o600 },
            "{}",
            path.display()
        );
        n_files += usize::from(meta.is_file());
        if meta.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert_eq!(n_files, 5, "run.json, lock, marks, one step, record.json");
}

#[test]
fn what_is_too_large_is_left_out_and_told() {
    let (_folder, store) = store();
    let lost = keep(&store, run("one", NEW), &[RESULT], 10, true);
    assert!(
        lost[0].contains("the Results of `check` are not kept"),
        "{lost:?}"
    );
    let kept = store.find("last").unwrap();
    let fault = kept.results(&kept.steps[0]).unwrap_err();
    assert!(fault.message.contains("were not kept"), "{fault:?}");
    assert_eq!(kept.steps[0].record().unwrap().status, Status::Findings);
}

#[test]
fn a_step_whose_file_is_gone_is_known_by_the_record_without_its_results() {
    let (_folder, store) = store();
    keep(&store, run("one", NEW), &[RESULT], 1 << 20, true);
    fs::remove_file(
        store
            .root()
            .join("one/steps")
            .join(file_name(0, "check", "jsonl")),
    )
    .unwrap();
    let kept = store.find("one").unwrap();
    assert_eq!(kept.steps[0].record().unwrap().status, Status::Findings);
    let fault = kept.results(&kept.steps[0]).unwrap_err();
    assert!(fault.message.contains("were not kept"), "{fault:?}");
}

#[test]
fn damaged_files_are_named_and_never_read_as_less() {
    let (_folder, store) = store();
    keep(&store, run("one", NEW), &[RESULT], 1 << 20, true);
    let file = store
        .root()
        .join("one/steps")
        .join(file_name(0, "check", "jsonl"));
    let whole = fs::read(&file).unwrap();
    let cut = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let kept = store.find("one").unwrap();
        let step = &kept.steps[0];
        step.damage
            .clone()
            .unwrap_or_else(|| kept.results(step).unwrap_err().message)
    };
    assert!(cut(&whole[..whole.len() - 5]).contains("should have"));
    assert!(cut(&whole[..20]).contains("its first line"));
    assert!(cut(b"").contains("its first line"));
    let flipped = String::from_utf8(whole.clone())
        .unwrap()
        .replace("\"details\"", "\"detailz\"");
    assert!(
        cut(flipped.as_bytes()).contains("its Result 1"),
        "{}",
        cut(flipped.as_bytes())
    );
    let newer = String::from_utf8(whole)
        .unwrap()
        .replace("{\"store\":1", "{\"store\":9");
    assert!(cut(newer.as_bytes()).contains("version 9"));
    for text in ["", "{", "[]", "{\"store\":2}"] {
        fs::write(store.root().join("one/run.json"), text).unwrap();
        let fault = store.find("one").unwrap_err();
        assert!(fault.message.contains("run.json` is damaged"), "{fault:?}");
        assert!(matches!(store.list().unwrap()[0].state, State::Damaged(_)));
    }
}

#[test]
fn a_link_in_the_place_of_a_run_or_of_the_store_is_not_followed() {
    let (folder, store) = store();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir_all(store.root().parent().unwrap()).unwrap();
    symlink(&elsewhere, store.root()).unwrap();
    let lost = keep(&store, run("one", NEW), &[RESULT], 1 << 20, true);
    assert!(lost[0].contains("it is a symbolic link"), "{lost:?}");
    assert!(fs::read_dir(&elsewhere).unwrap().next().is_none());
    fs::remove_file(store.root()).unwrap();

    keep(&store, run("real", NEW), &[RESULT], 1 << 20, true);
    fs::rename(store.root().join("real"), elsewhere.join("real")).unwrap();
    symlink(elsewhere.join("real"), store.root().join("real")).unwrap();
    assert!(store.find("real").unwrap_err().message.contains("symbolic link"));
    let wish = Wish {
        ids: vec!["real".into()],
        ..Wish::default()
    };
    let pruned = store.prune(&wish, &limits(0), None, now()).unwrap();
    assert!(pruned[0].obstacle.is_some(), "{pruned:?}");
    assert!(elsewhere.join("real/run.json").exists());
}

#[test]
fn old_runs_and_those_beyond_the_size_go_and_the_newest_stays() {
    let (_folder, store) = store();
    keep(&store, run("a", OLD), &[RESULT], 1 << 20, true);
    keep(&store, run("b", "2026-03-31T11:00:00Z"), &[RESULT], 1 << 20, true);
    keep(&store, run("c", NEW), &[RESULT], 1 << 20, true);
    store
        .prune(&Wish::default(), &limits(1 << 20), None, now())
        .unwrap();
    assert_eq!(ids(&store), ["c", "b"]);
    let dry = Wish {
        keep_last: Some(1),
        dry_run: true,
        ..Wish::default()
    };
    assert_eq!(store.prune(&dry, &limits(1), None, now()).unwrap()[0].id, "b");
    assert_eq!(ids(&store), ["c", "b"]);
    store.prune(&Wish::default(), &limits(1), None, now()).unwrap();
    assert_eq!(ids(&store), ["c"]);
}

#[test]
fn a_project_s_size_touches_only_the_project_s_runs() {
    let (_folder, store) = store();
    let ours = Path::new("/project/opsbox.toml");
    keep(
        &store,
        run("foreign", "2026-03-31T10:00:00Z"),
        &[RESULT],
        1 << 20,
        true,
    );
    for (id, started) in [("old", "2026-03-31T11:00:00Z"), ("new", NEW)] {
        let run = StoredRun {
            project: Some(ours.into()),
            ..run(id, started)
        };
        keep(&store, run, &[RESULT], 1 << 20, true);
    }
    let limits = Limits {
        of_project: true,
        ..limits(1)
    };
    store.prune(&Wish::default(), &limits, Some(ours), now()).unwrap();
    assert_eq!(ids(&store), ["new", "foreign"]);
}

#[test]
fn a_run_whose_lock_is_held_is_running_and_not_pruned() {
    let (_folder, store) = store();
    keep(&store, run("one", OLD), &[RESULT], 1 << 20, false);
    keep(&store, run("two", NEW), &[RESULT], 1 << 20, true);
    let lock = Folder::open(&store.root().join("one"))
        .unwrap()
        .lock("lock")
        .unwrap()
        .unwrap();
    let wish = Wish {
        keep_last: Some(0),
        ..Wish::default()
    };
    assert_eq!(store.list().unwrap()[1].state, State::Running);
    assert!(
        store
            .find("one")
            .unwrap()
            .claim()
            .unwrap_err()
            .message
            .contains("in use")
    );
    let pruned = store.prune(&wish, &limits(1), None, now()).unwrap();
    assert_eq!(
        pruned.iter().filter(|pruned| pruned.obstacle.is_some()).count(),
        1
    );
    assert_eq!(ids(&store), ["one"]);
    drop(lock);
    assert_eq!(store.list().unwrap()[0].state, State::Killed);
    store.prune(&wish, &limits(1), None, now()).unwrap();
    assert!(ids(&store).is_empty());
}

#[test]
fn a_name_is_an_id_or_a_beginning_that_is_the_only_one() {
    let (_folder, store) = store();
    assert!(store.find("last").unwrap_err().message.contains("no run is kept"));
    keep(&store, run("ab", OLD), &[], 1 << 20, true);
    keep(&store, run("abc", NEW), &[], 1 << 20, true);
    assert_eq!(store.find("ab").unwrap().run.run, "ab");
    assert_eq!(store.find("abc").unwrap().run.run, "abc");
    assert!(
        store
            .find("a")
            .unwrap_err()
            .message
            .contains("2 kept runs begin with `a`")
    );
    for name in ["", "../ab", "zz", "ab/steps", "."] {
        assert!(
            store.find(name).unwrap_err().message.contains("no kept run"),
            "{name}"
        );
    }
}

#[test]
fn fingerprints_tell_parts_apart() {
    let of = |parts: &[&str]| fingerprint(parts.iter().map(|part| part.as_bytes()));
    assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
    assert_ne!(of(&["ab", ""]), of(&["a", "b"]));
    assert_ne!(of(&["a"]), of(&["b"]));
}

#[test]
fn a_run_that_a_wrong_clock_called_later_is_not_the_last_one() {
    let (_folder, store) = store();
    keep(
        &store,
        run("future", "2999-01-01T00:00:00Z"),
        &[RESULT],
        1 << 20,
        true,
    );
    assert_eq!(store.find("last").unwrap().run.run, "future");
    keep(&store, run("today", NEW), &[RESULT], 1 << 20, true);
    assert_eq!(store.find("last").unwrap().run.run, "today");
}
