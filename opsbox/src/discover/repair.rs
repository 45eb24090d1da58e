//! What an entry point says wrongly and its package tells rightly: module, place of the manifest, spelling of the class, imports of `core`.
//!
//! Nothing is guessed that two files of a package could mean, and every repair is a sentence that says what was assumed.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::manifest::{Launch, Manifest};

/// A module's file may hold this much; a greater one is not read for a class.
const MAX_SOURCE_BYTES: u64 = 4 << 20;

/// Returns the files of an installed distribution, as its `RECORD` lists them.
pub(super) fn files(metadata: &Path) -> Vec<PathBuf> {
    let Some(root) = metadata.parent() else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(metadata.join("RECORD")).unwrap_or_default();
    recorded(&text).into_iter().map(|path| root.join(path)).collect()
}

/// Returns the paths that the text of a `RECORD` lists, as they stand there.
pub(crate) fn recorded(text: &str) -> Vec<String> {
    let path = |line: &str| match line.strip_prefix('"') {
        // A name that holds a comma or a quote stands in quotes, and quotes in it are doubled.
        Some(rest) => rest.rfind("\",").map(|end| rest[..end].replace("\"\"", "\"")),
        None => line.split(',').next().map(str::to_owned),
    };
    text.lines().filter_map(path).collect()
}

/// Returns the one file of a package that a module's name can mean, where Python finds another module or none.
///
/// Its folders may be others than the module's; where several files fit, none does.
pub(super) fn code_file(files: &[PathBuf], module: &str, class: &str) -> Option<PathBuf> {
    let last = module.rsplit('.').next()?;
    let named = |path: &&PathBuf| path.file_stem().and_then(|stem| stem.to_str()) == Some(last);
    let python = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "py") && path.is_file();
    let found: Vec<&PathBuf> = files.iter().filter(named).filter(python).collect();
    match found[..] {
        [only] => Some(only.clone()),
        _ => only(found.into_iter().filter(|path| spelling(path, class).is_some())).cloned(),
    }
}

/// Returns the one manifest among these files that describes the entry point's class or, failing that, its module.
pub(super) fn manifest_file(files: &[PathBuf], module: &str, class: &str) -> Option<PathBuf> {
    let fits = |path: &&PathBuf| {
        path.extension().is_some_and(|ending| ending == "toml")
            && path.file_name().is_some_and(|name| name != "pyproject.toml")
    };
    let read = |path: &'_ PathBuf| Some((path.clone(), info(&crate::manifest::read(path).ok()?)?));
    let manifests: Vec<_> = files.iter().filter(fits).filter_map(read).collect();
    let last = module.rsplit('.').next()?;
    let by = |same: &dyn Fn(&(String, String)) -> bool| {
        only(manifests.iter().filter(|(_, said)| same(said))).map(|(path, _)| path.clone())
    };
    by(&|said| said.1.eq_ignore_ascii_case(class))
        .or_else(|| by(&|said| said.0.rsplit('.').next() == Some(last)))
}

/// Returns the TOML files below a folder, for a package whose `RECORD` does not list them, as an editable install's does not.
pub(super) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < 3 => waiting.push((path, depth + 1)),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    found.sort();
    found
}

/// Corrects the class of an entry point that its file spells otherwise, and notes names that only this host serves.
///
/// `file` is the code's file, `about` names the plugin and its package, `has_core` says whether the environment has a module `core`.
pub(super) fn source(manifest: &mut Manifest, file: &Path, about: &str, has_core: bool) {
    let Launch::Python { class_name, .. } = &mut manifest.launch else {
        return;
    };
    let Some(text) = read(file) else {
        return;
    };
    if let Some(spelt) = spelling_in(&text, class_name).filter(|spelt| spelt != class_name) {
        manifest.warnings.push(format!(
            "{about}: the entry point names class `{class_name}`, which `{}` does not have; `{spelt}` was taken, which differs in case only",
            file.display()
        ));
        *class_name = spelt;
    }
    let core = text.lines().map(str::trim_start).find_map(|line| {
        let module = line
            .strip_prefix("from ")
            .or_else(|| line.strip_prefix("import "))?;
        let module = module.split([' ', ',']).next()?;
        (module == "core" || module.starts_with("core.")).then(|| module.to_owned())
    });
    if let Some(module) = core.filter(|_| !has_core) {
        manifest.warnings.push(format!(
            "{about}: it imports `{module}`, which is not installed; it was given the names of `opsbox{}`",
            module.strip_prefix("core").unwrap_or_default()
        ));
    }
}

/// Returns how a file spells a class, which may differ in case; `None` where it has none that could be meant.
fn spelling(file: &Path, class: &str) -> Option<String> {
    spelling_in(&read(file)?, class)
}

pub(crate) fn spelling_in(text: &str, class: &str) -> Option<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut classes: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("class "))
        .filter_map(|rest| rest.trim_start().split(|c| !word(c)).next())
        .filter(|name| name.eq_ignore_ascii_case(class))
        .collect();
    // A name that is imported, assigned or made otherwise is there as it is.
    if classes.contains(&class) || text.split(|c| !word(c)).any(|name| name == class) {
        return Some(class.to_owned());
    }
    classes.sort_unstable();
    classes.dedup();
    only(classes.into_iter()).map(str::to_owned)
}

fn read(file: &Path) -> Option<String> {
    let size = std::fs::metadata(file).ok()?.len();
    (size <= MAX_SOURCE_BYTES)
        .then(|| std::fs::read(file).ok())?
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns `module` and `class_name` of a manifest's `[info]` table; empty where it has none.
fn info(text: &str) -> Option<(String, String)> {
    let document = DeTable::parse(text).ok()?;
    let info = document.get_ref().get("info")?.get_ref().as_table()?;
    let value = |key: &str| {
        let value = info.get(key).and_then(|value| value.get_ref().as_str());
        value.unwrap_or_default().to_owned()
    };
    Some((value("module"), value("class_name")))
}

/// Returns the one item of an iterator; `None` where it has none or several.
fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}
