//! Pipeline × manifests → what runs: providers shared, `uses` closed, a handler for each type. Pure, so `opsbox plan` can print it.

mod close;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind as FailureKind};
use crate::manifest::{Kind, Launch, Manifest};
use crate::pipeline::Pipeline;
use close::Closure;

/// Who runs a plugin's hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// The host itself.
    General,
    /// The Rego worker.
    Rego,
    /// A handler plugin, by name.
    Plugin(String),
}

impl std::fmt::Display for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::General => f.write_str("general"),
            Self::Rego => f.write_str("rego"),
            Self::Plugin(name) => f.write_str(name),
        }
    }
}

/// One plugin with its part in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plugin.
    pub manifest: Arc<Manifest>,
    /// Indices into `Plan::providers`, in the order of `uses`; of a provider in the first stage: itself.
    pub providers: Vec<usize>,
    /// Who runs it.
    pub handler: Handler,
}

impl Planned {
    /// Says whether this step only hands a provider's data on.
    pub fn pass_through(&self) -> bool {
        self.manifest.kind == Kind::Provider
    }

    /// Returns the handler plugin that runs it; `None` where the host does.
    pub fn served_by(&self) -> Option<&str> {
        match &self.handler {
            Handler::Plugin(name) => Some(name),
            Handler::General | Handler::Rego => None,
        }
    }
}

/// What runs, stage by stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The pipeline string.
    pub pipeline: String,
    /// Each provider once, one that another uses before it.
    pub providers: Vec<Planned>,
    /// The first stage as written: inputs, Rego checks, and providers that are handed on.
    pub checks: Vec<Planned>,
    /// The assistants, in order.
    pub assistants: Vec<Planned>,
    /// The outputs as written.
    pub outputs: Vec<Planned>,
    /// Handler plugins that some step needs.
    pub handlers: Vec<Planned>,
    /// What a person should know before it runs.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Makes the plan of a pipeline.
    ///
    /// # Errors
    /// A usage failure with all faults: plugins that are missing, doubled, unusable, in the wrong place, or that use each other
    /// in a circle.
    pub fn make(pipeline: &Pipeline, catalog: &Catalog) -> Result<Self, Failure> {
        let mut closure = Closure::new(catalog);
        let mut plan = Self {
            pipeline: pipeline.text.clone(),
            ..Self::default()
        };
        plan.checks = stage(&mut closure, Place::First, &pipeline.first);
        plan.assistants = stage(&mut closure, Place::Middle, &pipeline.assistants);
        plan.outputs = stage(&mut closure, Place::Last, &pipeline.outputs);
        let (providers, handlers, mut faults) = closure.finish();
        plan.providers = providers;
        plan.handlers = handlers;
        faults.extend(without_python(&plan, catalog));
        if !faults.is_empty() {
            return Err(Failure {
                kind: FailureKind::Usage,
                faults,
            });
        }
        plan.warnings = warnings(&plan, catalog);
        Ok(plan)
    }

    /// Returns whether a Rego check is among the checks.
    pub fn has_rego_checks(&self) -> bool {
        self.checks
            .iter()
            .any(|planned| planned.manifest.kind == Kind::Rego)
    }

    /// Returns what has a place in a run, by its index: the steps (providers, checks, assistants, outputs), then the handlers.
    pub fn members(&self) -> impl Iterator<Item = &Planned> {
        self.providers
            .iter()
            .chain(&self.checks)
            .chain(&self.assistants)
            .chain(&self.outputs)
            .chain(&self.handlers)
    }

    /// Returns how many steps there are; members from this index on are handlers.
    pub fn n_steps(&self) -> usize {
        self.providers.len() + self.checks.len() + self.assistants.len() + self.outputs.len()
    }

    /// Returns whether a member is a handler, or a plugin that one serves: such call each other while they run.
    pub fn is_partner(&self, index: usize) -> bool {
        index >= self.n_steps() || self.is_served(index)
    }

    /// Returns whether a member is run by a handler plugin.
    pub fn is_served(&self, index: usize) -> bool {
        let member = self.members().nth(index);
        member.is_some_and(|planned| planned.served_by().is_some())
    }

    /// Returns the index of the handler plugin of this name among the members.
    pub fn handler_index(&self, name: &str) -> Option<usize> {
        let place = self
            .handlers
            .iter()
            .position(|planned| planned.manifest.name == name)?;
        Some(self.n_steps() + place)
    }

    /// Returns every plugin of the plan once: providers, checks, assistants, outputs, handlers.
    pub fn plugins(&self) -> Vec<Arc<Manifest>> {
        let checks = self.checks.iter().filter(|planned| !planned.pass_through());
        self.providers
            .iter()
            .chain(checks)
            .chain(&self.assistants)
            .chain(&self.outputs)
            .chain(&self.handlers)
            .map(|planned| Arc::clone(&planned.manifest))
            .collect()
    }
}

/// Returns the handler plugin that would run a plugin; `None` where the host does, or nothing can.
pub fn handler_of(catalog: &Catalog, manifest: &Arc<Manifest>) -> Option<String> {
    if manifest.kind == Kind::Handler {
        return None;
    }
    let planned = Closure::new(catalog).step(manifest);
    planned.served_by().map(str::to_owned)
}

/// Returns what would keep each plugin from any plan: what it uses is missing, goes in a circle, or no handler serves its type.
pub fn faults_of_all(catalog: &Catalog) -> Vec<Fault> {
    let mut closure = Closure::new(catalog);
    for manifest in &catalog.plugins {
        closure.step(manifest);
    }
    closure.finish().2
}

/// A place of the pipeline string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
}

impl Place {
    fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Provider | Kind::Input | Kind::Rego => Some(Self::First),
            Kind::Assistant => Some(Self::Middle),
            Kind::Output => Some(Self::Last),
            Kind::Handler | Kind::Other(_) => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::First => "first, before the first `-`",
            Self::Middle => "in the middle, between two `-`",
            Self::Last => "last, after the last `-`",
        }
    }
}

fn stage(closure: &mut Closure<'_>, place: Place, names: &[String]) -> Vec<Planned> {
    let mut planned = Vec::new();
    for name in names {
        let manifest = match closure.catalog.find(name) {
            Ok(manifest) => manifest,
            Err(fault) => {
                closure.fault(fault);
                continue;
            }
        };
        if let Err(fault) = right_place(&manifest, place) {
            closure.fault(fault);
            continue;
        }
        planned.push(closure.step(&manifest));
    }
    planned
}

fn right_place(manifest: &Manifest, place: Place) -> Result<(), Fault> {
    let Manifest { name, kind, .. } = manifest;
    if *kind == Kind::Handler {
        return Err(Fault::new(format!(
            "`{name}` is a handler, which does not stand in a pipeline"
        ))
        .hint(format!("name it in a plugin's manifest: `uses = [\"{name}\"]`")));
    }
    match Place::of(kind) {
        Some(right) if right != place => Err(Fault::new(format!(
            "`{name}` is of type {kind}, which does not stand {}",
            place.text()
        ))
        .hint(format!("put `{name}` {}", right.text()))),
        _ => Ok(()),
    }
}

/// Names the Python plugins that no interpreter could run.
fn without_python(plan: &Plan, catalog: &Catalog) -> Option<Fault> {
    if catalog.python.is_some() {
        return None;
    }
    let plugins = plan.plugins();
    let names: Vec<String> = plugins
        .iter()
        .filter(|manifest| matches!(manifest.launch, Launch::Python { .. }))
        .map(|manifest| format!("`{}`", manifest.name))
        .collect();
    if names.is_empty() {
        return None;
    }
    let cause = catalog
        .python_fault
        .clone()
        .unwrap_or_else(|| Fault::new("no Python interpreter was looked for"));
    let message = format!("Python is needed for {}: {}", names.join(", "), cause.message);
    Some(Fault {
        message,
        hints: cause.hints,
    })
}

fn warnings(plan: &Plan, catalog: &Catalog) -> Vec<String> {
    let mut warnings = Vec::new();
    for manifest in plan.plugins() {
        warnings.extend(manifest.warnings.iter().cloned());
        let replaced = catalog.replaced.iter().filter(|replaced| replaced.warn);
        warnings.extend(
            replaced
                .filter(|replaced| replaced.manifest.name == manifest.name)
                .map(|replaced| replaced.text()),
        );
    }
    warnings
}
