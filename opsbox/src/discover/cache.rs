//! Remembered answers to `grab_config`, one file per plugin, valid until something changes that could change the answer.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stamp::{self, Stamp};
use crate::manifest::{Launch, Manifest, Origin};
use crate::python::Interpreter;

/// More files beside a manifest than this are not looked at; such a plugin is asked anew each time.
const MAX_FILES: usize = 512;

/// Which plugin, and all that could change its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaKey {
    plugin: String,
    state: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    schema: Value,
}

/// The cache of configuration schemas.
#[derive(Debug, Clone)]
pub struct SchemaCache {
    folder: PathBuf,
}

impl SchemaCache {
    /// Opens the cache in the host's cache folder; nothing is read or made yet.
    pub fn new(cache_dir: &Path) -> Self {
        Self {
            folder: cache_dir.join("schemas"),
        }
    }

    /// Returns all that could change a plugin's answer; `None`: its answer must not be remembered.
    pub fn key(manifest: &Manifest, python: Option<&Interpreter>) -> Option<SchemaKey> {
        let mut runs_on = String::new();
        let mut key = format!("1 {} {}\n", env!("CARGO_PKG_VERSION"), manifest.name);
        match &manifest.launch {
            Launch::Bundled | Launch::Nothing => return None,
            Launch::Command { argv } => {
                key.push_str(&format!("{argv:?}\n"));
                // A program by name is somewhere on PATH; only one beside the manifest can be watched.
                if Path::new(&argv[0]).components().count() > 1 {
                    key.push_str(&format!("{:?}\n", Stamp::of(&manifest.home.join(&argv[0]))));
                }
            }
            Launch::Python {
                module,
                class_name,
                entry_point,
            } => {
                // Which interpreter runs a plugin may change what it answers, so each has a place of its own.
                let python = manifest.origin.interpreter().map(AsRef::as_ref).or(python)?;
                runs_on = python.path.display().to_string();
                key.push_str(&format!(
                    "{module} {class_name} {entry_point} {} {:?}\n",
                    python.path.display(),
                    python.version
                ));
                for folder in &python.sys_path {
                    key.push_str(&format!("{:?}\n", Stamp::of(folder)));
                }
            }
        }
        if let Origin::EntryPoint { value, version, .. } = &manifest.origin {
            key.push_str(&format!("{value} {version}\n"));
        }
        let mut files: Vec<PathBuf> = Vec::new();
        collect(&manifest.home, 2, &mut files);
        if files.len() > MAX_FILES {
            return None;
        }
        files.sort();
        for file in files {
            key.push_str(&format!("{:?}\n", Stamp::of(&file)));
        }
        let place = manifest.origin.manifest().unwrap_or(Path::new("")).display();
        Some(SchemaKey {
            plugin: format!("{place} {} {runs_on}", manifest.name),
            state: key,
        })
    }

    /// Returns the remembered schema; a damaged or stale entry counts as none.
    pub fn get(&self, key: &SchemaKey) -> Option<Value> {
        let bytes = std::fs::read(self.place(key)).ok()?;
        let entry: Entry = serde_json::from_slice(&bytes).ok()?;
        (entry.key == key.state).then_some(entry.schema)
    }

    /// Remembers a schema.
    ///
    /// # Errors
    /// What the file system says; the caller may go on without.
    pub fn put(&self, key: &SchemaKey, schema: &Value) -> std::io::Result<()> {
        stamp::write(
            &self.place(key),
            &Entry {
                key: key.state.clone(),
                schema: schema.clone(),
            },
        )
    }

    /// One file per plugin: an outdated answer is overwritten, not kept.
    fn place(&self, key: &SchemaKey) -> PathBuf {
        self.folder.join(format!("{}.json", stamp::hash(&key.plugin)))
    }
}

/// Collects the files of a plugin's folder, some levels deep; what Python and editors leave behind does not count.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || name == "__pycache__" || name == "node_modules" || files.len() > MAX_FILES
        {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => collect(&entry.path(), depth - 1, files),
            Ok(kind) if !kind.is_dir() => files.push(entry.path()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answer_is_remembered_until_a_file_of_the_plugin_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin/manifest.toml");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "[info]\nname='a'\ntype='input'\n[run]\ncommand=['./a']\n").unwrap();
        std::fs::write(path.with_file_name("a"), "1").unwrap();
        let manifest = Manifest::from_file(&path).unwrap();
        let cache = SchemaCache::new(&folder.path().join("cache"));
        let key = SchemaCache::key(&manifest, None).unwrap();
        assert_eq!(cache.get(&key), None);
        cache.put(&key, &json!({"type": "object"})).unwrap();
        assert_eq!(cache.get(&key), Some(json!({"type": "object"})));
        std::fs::write(path.with_file_name("a"), "22").unwrap();
        let changed = SchemaCache::key(&manifest, None).unwrap();
        assert_ne!(changed, key);
        assert_eq!(cache.get(&changed), None);
        cache.put(&changed, &json!({})).unwrap();
        assert_eq!(cache.get(&key), None, "the outdated answer was overwritten");
        // A file of the same size and time, as an archive unpacks it, is another one all the same.
        let time = path.with_file_name("a").metadata().unwrap().modified().unwrap();
        let fresh = path.with_file_name("fresh");
        std::fs::write(&fresh, "33").unwrap();
        std::fs::File::options()
            .write(true)
            .open(&fresh)
            .unwrap()
            .set_modified(time)
            .unwrap();
        std::fs::rename(&fresh, path.with_file_name("a")).unwrap();
        let replaced = SchemaCache::key(&manifest, None).unwrap();
        assert_ne!(changed, replaced);
        let changed = replaced;
        cache.put(&changed, &json!({})).unwrap();
        let entry = std::fs::read_dir(folder.path().join("cache/schemas"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        std::fs::write(entry.path(), "{\"key\":").unwrap();
        assert_eq!(cache.get(&changed), None, "a damaged entry counts as none");
    }
}
