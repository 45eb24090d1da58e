//! Which plugins there are: built in, in plugin folders, and in a Python environment; nothing is started or imported.

pub mod cache;
pub(crate) mod entry_points;
mod folders;
mod guard;
pub(crate) mod repair;
mod search;
pub(crate) mod stamp;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Fault;
use crate::managed::{Active, LockFile};
use crate::manifest::{Kind, Launch, Manifest, Origin};
use crate::python::Interpreter;
use crate::suggest::did_you_mean;

pub use search::{BundledManifest, Search};

/// Names that always mean the handlers of this host.
pub const BUILT_IN_HANDLERS: [&str; 2] = ["general", "rego"];

/// All plugins that were found, and what was found but cannot be used.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Usable plugins, sorted by name; a name that comes twice may not be used.
    pub plugins: Vec<Arc<Manifest>>,
    /// Manifests and entry points that cannot be used, sorted by place.
    pub unusable: Vec<Unusable>,
    /// Plugins whose place another one of that name has taken.
    pub replaced: Vec<Replaced>,
    /// What was odd about the search itself: a folder that is not there, a link loop.
    pub warnings: Vec<String>,
    /// The interpreter that was chosen: its environment was searched, and it runs Python plugins of folders.
    pub python: Option<Arc<Interpreter>>,
    /// Why there is no interpreter.
    pub python_fault: Option<Fault>,
    /// The managed environment, which is searched as well.
    pub managed: Option<Arc<Managed>>,
    /// Where the search looked, for people.
    pub sources: Vec<String>,
}

/// The managed environment as the search found it; while this lives, it is not removed.
#[derive(Debug)]
pub struct Managed {
    /// Its folder.
    pub active: Active,
    /// Its interpreter, or why it cannot be used.
    pub python: Result<Arc<Interpreter>, Fault>,
    /// What is in it.
    pub lock: Result<LockFile, Fault>,
}

impl Managed {
    /// Returns whether a plugin belongs to it.
    pub fn holds(&self, origin: &Origin) -> bool {
        match (origin.interpreter(), &self.python) {
            (Some(of), Ok(own)) => Arc::ptr_eq(of, own),
            _ => false,
        }
    }
}

/// Something that looks like a plugin but cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The name, where one could be read.
    pub name: Option<String>,
    /// The manifest, or the metadata of the entry point.
    pub place: PathBuf,
    /// The distribution, for an entry point.
    pub distribution: Option<String>,
    /// Why; at least one.
    pub faults: Vec<Fault>,
}

impl Unusable {
    /// Says whether a person who writes `name` means this one: a manifest that cannot be read is known by its folder or file.
    fn is_called(&self, name: &str) -> bool {
        if self.name.is_some() || self.distribution.is_some() {
            return self.name.as_deref() == Some(name);
        }
        let folder = self.place.parent().and_then(|folder| folder.file_name());
        [self.place.file_stem(), folder].contains(&Some(name.as_ref()))
    }
}

/// A plugin whose name means another plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Replaced {
    /// The plugin that is not used.
    pub manifest: Arc<Manifest>,
    /// What the name means instead.
    pub by: Origin,
    /// Whether whoever uses the name should be told.
    pub warn: bool,
}

impl Replaced {
    /// Returns one sentence for lists and warnings.
    pub fn text(&self) -> String {
        let Manifest { name, origin, .. } = self.manifest.as_ref();
        match self.by {
            Origin::Bundled => format!("`{name}` is built in here; the one of {origin} is not used"),
            ref by => format!("`{name}` of {by} is used; the one of {origin} is not"),
        }
    }
}

impl Catalog {
    /// Returns the one plugin of that name.
    ///
    /// # Errors
    /// A fault that names near misses, all places of a doubled plugin, or the reasons why a manifest cannot be used.
    pub fn find(&self, name: &str) -> Result<Arc<Manifest>, Fault> {
        let found: Vec<_> = self
            .plugins
            .iter()
            .filter(|manifest| manifest.name == name)
            .collect();
        match found[..] {
            [manifest] => Ok(Arc::clone(manifest)),
            [] => Err(self.missing(name)),
            _ => {
                let places: Vec<String> = found.iter().map(|manifest| manifest.origin.to_string()).collect();
                Err(Fault::new(format!(
                    "plugin `{name}` is there {} times: {}",
                    places.len(),
                    places.join("; ")
                ))
                .hint("rename one of them, remove one, or leave its folder out of `--plugin-dir`"))
            }
        }
    }

    /// Returns whether a handler plugin that is there serves a type.
    pub fn serves(&self, kind: &Kind) -> bool {
        let serves = |manifest: &Arc<Manifest>| manifest.handles.iter().any(|handled| handled == kind.name());
        self.plugins.iter().any(serves)
    }

    /// Returns the interpreter that runs a plugin; `None` for one that is no Python plugin, or where there is no interpreter.
    pub fn interpreter_of<'a>(&'a self, manifest: &'a Manifest) -> Option<&'a Arc<Interpreter>> {
        match manifest.launch {
            Launch::Python { .. } => manifest.origin.interpreter().or(self.python.as_ref()),
            _ => None,
        }
    }

    /// Returns names of the usable plugins of one type or, without a type, of all.
    pub fn names<'a>(&'a self, kind: Option<&'a Kind>) -> impl Iterator<Item = &'a str> {
        self.plugins
            .iter()
            .filter(move |manifest| kind.is_none_or(|kind| *kind == manifest.kind))
            .map(|manifest| manifest.name.as_str())
    }

    fn missing(&self, name: &str) -> Fault {
        if let Some(unusable) = self.unusable.iter().find(|unusable| unusable.is_called(name)) {
            let reasons: Vec<&str> = unusable
                .faults
                .iter()
                .map(|fault| fault.message.as_str())
                .collect();
            let mut fault = Fault::new(format!("plugin `{name}` cannot be used: {}", reasons.join("; ")));
            fault.hints = unusable
                .faults
                .iter()
                .flat_map(|fault| fault.hints.clone())
                .collect();
            return fault;
        }
        let mut fault = Fault::new(format!("plugin `{name}` not found"));
        fault.hints.extend(did_you_mean(name, self.names(None)));
        // A name with a `-` was torn apart by the pipeline string.
        let torn = self
            .unusable
            .iter()
            .filter_map(|unusable| unusable.name.as_deref())
            .find(|known| known.contains('-') && known.split('-').any(|part| part == name));
        fault.hints.extend(torn.map(|known| {
            format!("`{known}` cannot be named in a pipeline: its manifest must give it a name without `-`")
        }));
        if BUILT_IN_HANDLERS.contains(&name) {
            fault.hints.push(format!(
                "`{name}` is a handler of this host and does not stand in a pipeline"
            ));
            return fault;
        }
        if !self.sources.is_empty() {
            fault
                .hints
                .push(format!("plugins come from: {}", self.sources.join("; ")));
        }
        if let Some(python) = &self.python_fault {
            fault
                .hints
                .push(format!("no Python package was looked at: {}", python.message));
        }
        let unread = self.unusable.len();
        fault.hints.push(match unread {
            0 => "see what is there with `opsbox plugins list`, or add a folder with `--plugin-dir DIR` (`--plugin_dir DIR` beside `--modules`)"
                .to_owned(),
            1 => "one plugin cannot be used, see `opsbox plugins doctor`".to_owned(),
            _ => format!("{unread} plugins cannot be used, see `opsbox plugins doctor`"),
        });
        fault
    }
}
