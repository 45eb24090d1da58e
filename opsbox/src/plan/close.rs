//! The transitive closure of `uses`: each provider once, a handler for each type, circles found.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Handler, Planned};
use crate::discover::{BUILT_IN_HANDLERS, Catalog};
use crate::error::Fault;
use crate::manifest::{Kind, Manifest};
use crate::suggest::did_you_mean;

/// Collects what the steps of a pipeline pull in.
pub(super) struct Closure<'c> {
    pub(super) catalog: &'c Catalog,
    providers: Vec<Planned>,
    handlers: Vec<Planned>,
    /// Names that are done, with the index of those that are providers.
    done: HashMap<String, Option<usize>>,
    /// The way from a step to the plugin that is looked at, to find circles.
    path: Vec<String>,
    faults: Vec<Fault>,
}

impl<'c> Closure<'c> {
    pub(super) fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            providers: Vec::new(),
            handlers: Vec::new(),
            done: HashMap::new(),
            path: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Notes a fault, once.
    pub(super) fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Plans a plugin that the pipeline names.
    pub(super) fn step(&mut self, manifest: &Arc<Manifest>) -> Planned {
        if manifest.kind == Kind::Provider {
            let providers = self.pull(manifest).into_iter().collect();
            return Planned {
                manifest: Arc::clone(manifest),
                providers,
                handler: Handler::General,
            };
        }
        let providers = self.uses(manifest);
        let handler = self.handler(manifest);
        if handler == Handler::Rego {
            self.check_rego(manifest, &providers);
        }
        Planned {
            manifest: Arc::clone(manifest),
            providers,
            handler,
        }
    }

    pub(super) fn finish(self) -> (Vec<Planned>, Vec<Planned>, Vec<Fault>) {
        (self.providers, self.handlers, self.faults)
    }

    /// Pulls in all that a plugin uses; returns the indices of the providers it names itself.
    fn uses(&mut self, manifest: &Arc<Manifest>) -> Vec<usize> {
        self.path.push(manifest.name.clone());
        let mut providers = Vec::new();
        for (index, name) in manifest.uses.iter().enumerate() {
            if manifest.uses[..index].contains(name) {
                let fault = Fault::new(format!("`{}` uses `{name}` twice", manifest.name));
                self.fault(fault.hint(format!("name it once in `uses` of {}", manifest.origin)));
                continue;
            }
            if BUILT_IN_HANDLERS.contains(&name.as_str()) {
                continue;
            }
            if let Some(begin) = self.path.iter().position(|above| above == name) {
                let mut circle = self.path[begin..].to_vec();
                circle.push(name.clone());
                let circle: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
                self.fault(
                    Fault::new(format!(
                        "plugins use each other in a circle: {}",
                        circle.join(" uses ")
                    ))
                    .hint("take one of the names out of `uses` in its manifest"),
                );
                continue;
            }
            match self.catalog.find(name) {
                Ok(used) => {
                    if let Some(index) = self.pull(&used)
                        && !providers.contains(&index)
                    {
                        providers.push(index);
                    }
                }
                Err(fault) => {
                    let message = format!("`{}` uses `{name}`: {}", manifest.name, fault.message);
                    self.fault(Fault { message, ..fault });
                }
            }
        }
        self.path.pop();
        providers
    }

    /// Plans a used plugin once; returns its index where it is a provider.
    fn pull(&mut self, manifest: &Arc<Manifest>) -> Option<usize> {
        if let Some(index) = self.done.get(&manifest.name) {
            return *index;
        }
        if !matches!(manifest.kind, Kind::Provider | Kind::Handler) {
            let user = self.path.last().cloned().unwrap_or_default();
            self.fault(
                Fault::new(format!(
                    "`{user}` uses `{}`, which is of type {}; only providers and handlers can be used",
                    manifest.name, manifest.kind
                ))
                .hint(format!(
                    "take `{}` out of `uses`, and name it in the pipeline",
                    manifest.name
                )),
            );
            return None;
        }
        let providers = self.uses(manifest);
        let planned = Planned {
            manifest: Arc::clone(manifest),
            providers,
            handler: Handler::General,
        };
        let index = match manifest.kind {
            Kind::Provider => {
                self.providers.push(planned);
                Some(self.providers.len() - 1)
            }
            _ => {
                self.handlers.push(planned);
                None
            }
        };
        self.done.insert(manifest.name.clone(), index);
        index
    }

    fn check_rego(&mut self, manifest: &Manifest, providers: &[usize]) {
        let name = &manifest.name;
        if providers.len() > 1 {
            let names: Vec<&str> = providers
                .iter()
                .map(|index| self.providers[*index].manifest.name.as_str())
                .collect();
            self.fault(
                Fault::new(format!(
                    "rego check `{name}` uses {} providers ({}); it can use only one",
                    names.len(),
                    names.join(", ")
                ))
                .hint("leave one of them in `uses` of its manifest"),
            );
        }
        // Names that could not be pulled in have been reported already.
        let named = manifest
            .uses
            .iter()
            .filter(|name| !BUILT_IN_HANDLERS.contains(&name.as_str()))
            .count();
        if providers.is_empty() && named == 0 {
            self.fault(
                Fault::new(format!(
                    "rego check `{name}` uses no provider, so there is no data to look at"
                ))
                .hint("name one in its manifest, such as `uses = [\"host\"]`"),
            );
        }
    }

    fn handler(&mut self, manifest: &Arc<Manifest>) -> Handler {
        let kind = manifest.kind.name();
        // A handler that the plugin names goes before a built-in one of the same type.
        let named = manifest.uses.iter().find(|name| {
            self.handlers.iter().any(|planned| {
                planned.manifest.name == **name
                    && planned.manifest.handles.iter().any(|handled| handled == kind)
            })
        });
        if let Some(name) = named {
            return Handler::Plugin(name.clone());
        }
        match &manifest.kind {
            Kind::Rego => Handler::Rego,
            Kind::Other(kind) => self.handler_of_other(manifest, kind),
            _ => Handler::General,
        }
    }

    fn handler_of_other(&mut self, manifest: &Manifest, kind: &str) -> Handler {
        let serving: Vec<Arc<Manifest>> = self
            .catalog
            .plugins
            .iter()
            .filter(|other| {
                other.kind == Kind::Handler && other.handles.iter().any(|handled| handled == kind)
            })
            .cloned()
            .collect();
        let name = &manifest.name;
        match &serving[..] {
            [handler] => {
                self.pull(handler);
                return Handler::Plugin(handler.name.clone());
            }
            [] => {
                let mut fault = Fault::new(format!("no handler serves type `{kind}` of plugin `{name}`"));
                fault.hints.extend(did_you_mean(kind, Kind::NAMES));
                // Often `handles` stands under `[info]`, where it is an unknown key.
                let idle = self
                    .catalog
                    .plugins
                    .iter()
                    .filter(|other| other.kind == Kind::Handler && other.handles.is_empty());
                fault.hints.extend(idle.map(|other| {
                    format!("if handler `{}` is to serve it, write `handles = [\"{kind}\"]` under `[handler]` in its manifest", other.name)
                }));
                fault
                    .hints
                    .push(format!("types of this host: {}", Kind::NAMES.join(", ")));
                self.fault(fault);
            }
            several => {
                let names: Vec<&str> = several.iter().map(|handler| handler.name.as_str()).collect();
                self.fault(
                    Fault::new(format!(
                        "several handlers serve type `{kind}` of plugin `{name}`: {}",
                        names.join(", ")
                    ))
                    .hint(format!(
                        "name one in its manifest, such as `uses = [\"{}\"]`",
                        names[0]
                    )),
                );
            }
        }
        Handler::General
    }
}
