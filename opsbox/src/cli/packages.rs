//! `opsbox plugins add|remove`: packages of the managed environment, and what came of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::host::{self, Own};
use super::request::{Answer, PackagesChange};
use super::signals::{self, Interrupts};
use super::table::{clean, faults_json, faults_text, path_json};
use crate::discover::{BUILT_IN_HANDLERS, Unusable, entry_points};
use crate::error::Failure;
use crate::halt::HaltSeen;
use crate::managed::{Changed, LockFile, Manager, Now, Package, Source, Watch, normal};
use crate::manifest::{Kind, Manifest};
use crate::plugin::guardian::Guardian;
use crate::python::{self, Candidate, Runner};
use crate::ui::Ui;

/// Changes the managed environment and says what changed.
///
/// # Errors
/// What cannot be added or removed, why the installation failed, or that it was interrupted; the environment is as it was then.
pub fn change(own: &Own, ui: &Arc<Ui>, change: &PackagesChange) -> Result<Answer, Failure> {
    let guardian = Guardian::start(&own.executable, &host::run_id(&own.environ)).ok();
    let interrupts = Interrupts::watch(ui, signals::OF_AN_INSTALLATION);
    let screen = Work {
        ui,
        guardian,
        halt: interrupts.halt(),
    };
    let run = host::prober(own);
    let manager = Manager {
        environ: &own.environ,
        files: python::bridge_files(),
        run: &run,
        watch: &screen,
    };
    let changed = match change {
        PackagesChange::Add(what, options) => manager.add(what, options),
        PackagesChange::Locked(path, options) => manager.add_locked(path.as_deref(), options),
        PackagesChange::Remove(names) => manager.remove(names),
    };
    ui.worked();
    let changed = changed?;
    Ok(answer(own, &changed, &run))
}

/// Passes on what the work says to the terminal.
struct Work<'a> {
    ui: &'a Ui,
    guardian: Option<Guardian>,
    halt: HaltSeen,
}

impl Watch for Work<'_> {
    fn step(&self, what: &str) {
        self.ui.works(what);
    }

    fn said(&self, line: &str) {
        self.ui.detail("installer", line);
    }

    fn note(&self, text: &str) {
        self.ui.note(text);
    }

    fn halt(&self) -> &HaltSeen {
        &self.halt
    }

    fn guardian(&self) -> Option<&Guardian> {
        self.guardian.as_ref()
    }
}

fn answer(own: &Own, changed: &Changed, run: Runner<'_>) -> Answer {
    let Some(now) = &changed.now else {
        return Answer {
            text: "nothing is left in the managed environment; it is removed\n".to_owned(),
            json: json!({"environment": null, "packages": [], "plugins": [], "unusable": []}),
            code: 0,
        };
    };
    let (plugins, unusable, fault) = plugins_of(own, now, run);
    let (came, went) = differences(changed.before.as_ref(), &now.lock);
    let mut text = format!(
        "managed environment: Python {}, {} packages ({})\n",
        now.lock.python,
        now.lock.packages.len(),
        now.active.folder.display()
    );
    text.push_str(&packages_text(now, &came));
    if came.is_empty() && went.is_empty() {
        text.push_str("nothing new: everything was there in this version\n");
    }
    if !went.is_empty() {
        text.push_str(&format!("gone: {}\n", went.join(", ")));
    }
    let is_new = |manifest: &&Manifest| {
        came.iter()
            .any(|package| Some(package.name.as_str()) == distribution(manifest))
    };
    let new: Vec<&Manifest> = plugins.iter().filter(is_new).collect();
    if !new.is_empty() {
        let names: Vec<String> = new
            .iter()
            .map(|manifest| format!("{} ({})", manifest.name, manifest.kind))
            .collect();
        text.push_str(&format!("plugins: {}\n", clean(&names.join(", "))));
    } else if !came.is_empty() {
        text.push_str("no plugin came with them\n");
    }
    if !unusable.is_empty() {
        text.push_str("cannot be used:\n");
        for one in &unusable {
            text.push_str(&faults_text(&one.faults, "  "));
        }
    }
    text.push_str(&next(&new));
    if let Some(fault) = &fault {
        text.push_str(&faults_text(std::slice::from_ref(fault), ""));
    }
    let json = json!({
        "environment": {
            "folder": path_json(&now.active.folder), "python": now.lock.python, "installer": now.lock.installer,
            "lock_file": path_json(&now.active.folder.join(crate::managed::LOCK_FILE)),
        },
        "packages": now.lock.packages.iter().map(|package| package_json(package, &came)).collect::<Vec<_>>(),
        "gone": went,
        "plugins": plugins.iter().map(|manifest| json!({
            "name": manifest.name, "type": manifest.kind.name(), "version": manifest.version, "distribution": distribution(manifest),
        })).collect::<Vec<_>>(),
        "unusable": unusable.iter().map(|one| json!({"name": one.name, "faults": faults_json(&one.faults)})).collect::<Vec<_>>(),
    });
    Answer { text, json, code: 0 }
}

/// Reads the plugins of an environment from its packages' metadata; none of them is imported.
fn plugins_of(
    own: &Own,
    now: &Now,
    run: Runner<'_>,
) -> (Vec<Manifest>, Vec<Unusable>, Option<crate::error::Fault>) {
    let Some(path) = python::of_environment(&now.active.folder) else {
        return (Vec::new(), Vec::new(), None);
    };
    let why = python::MANAGED.to_owned();
    let inspected = python::judge(&own.environ, Candidate { path, why }, None)
        .and_then(|judged| python::inspect(&own.environ, &judged, python::bridge_files(), run));
    match inspected {
        Ok(interpreter) => {
            let mut found = entry_points::find(&Arc::new(interpreter));
            // What this program has built in is not what somebody added.
            found.manifests.retain(|manifest| !is_built_in(&manifest.name));
            found.manifests.sort_by(|left, right| left.name.cmp(&right.name));
            (found.manifests, found.unusable, None)
        }
        Err(fault) => (Vec::new(), Vec::new(), Some(fault)),
    }
}

/// Returns the packages that are new or of another version or source, and the names of those that are gone.
fn differences<'a>(before: Option<&LockFile>, now: &'a LockFile) -> (Vec<&'a Package>, Vec<String>) {
    let same = |package: &&Package| {
        before
            .and_then(|before| before.package(&package.name))
            .is_some_and(|old| old.version == package.version && old.source == package.source)
    };
    let is_asked_for = |package: &Package| {
        now.requested
            .iter()
            .any(|asked| asked.name == normal(&package.name))
    };
    // A folder may hold something else under the same version.
    let is_local =
        |package: &Package| !matches!(package.source, Source::Index | Source::Light) && is_asked_for(package);
    let came = now
        .packages
        .iter()
        .filter(|package| !same(package) || is_local(package));
    let old = before
        .map(|before| before.packages.as_slice())
        .unwrap_or_default();
    let went = old.iter().filter(|old| now.package(&old.name).is_none());
    (
        came.collect(),
        went.map(|old| format!("{} {}", old.name, old.version)).collect(),
    )
}

fn packages_text(now: &Now, came: &[&Package]) -> String {
    let is_asked_for = |package: &&&Package| {
        now.lock
            .requested
            .iter()
            .any(|asked| asked.name == normal(&package.name))
    };
    let asked: Vec<_> = came.iter().filter(is_asked_for).collect();
    let mut text = String::new();
    for package in &asked {
        let place = package
            .source
            .text()
            .map(|place| format!(", from {place}"))
            .unwrap_or_default();
        text.push_str(&format!(
            "added: {}\n",
            clean(&format!("{} {}{place}", package.name, package.version))
        ));
    }
    let others: Vec<String> = came
        .iter()
        .filter(|package| !is_asked_for(package))
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    if !others.is_empty() {
        text.push_str(&format!("with them: {}\n", clean(&others.join(", "))));
    }
    text
}

/// Says what to try next.
fn next(new: &[&Manifest]) -> String {
    let first = |kinds: &[Kind]| new.iter().find(|manifest| kinds.contains(&manifest.kind));
    if let Some(check) = first(&[Kind::Rego, Kind::Input]) {
        let name = &check.name;
        return format!(
            "next: `opsbox plugins show {name}`, `opsbox plan {name}-cli_out`, `opsbox plugins doctor`\n"
        );
    }
    match new.first() {
        Some(plugin) => format!(
            "next: `opsbox plugins show {}`, `opsbox plugins doctor`\n",
            plugin.name
        ),
        None => "next: `opsbox plugins list`\n".to_owned(),
    }
}

fn is_built_in(name: &str) -> bool {
    BUILT_IN_HANDLERS.contains(&name) || opsbox_plugins::BUNDLED.iter().any(|plugin| plugin.name == name)
}

fn distribution(manifest: &Manifest) -> Option<&str> {
    match &manifest.origin {
        crate::manifest::Origin::EntryPoint { distribution, .. } => Some(distribution),
        _ => None,
    }
}

fn package_json(package: &Package, came: &[&Package]) -> Value {
    let mut value = json!(package);
    value["added"] = json!(came.iter().any(|new| std::ptr::eq(*new, package)));
    value
}
