//! TOML text → `Manifest`, with all faults of the file at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::read::{Report, Table};
use super::{BadManifest, EntryPointFacts, Kind, Launch, Manifest, Origin};
use super::{code, fields, pins, policy, tables};
use crate::bounded;
use crate::error::Fault;
use crate::suggest::did_you_mean;
use crate::ui::text::is_harmful;

/// The greatest manifest that is read.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

const TABLES: [&str; 10] = [
    "info",
    "run",
    "timeouts",
    "limits",
    "restart",
    "check",
    "rego",
    "config",
    "assistant",
    "handler",
];
/// The key by which an editor finds the schema of a manifest.
pub(super) const EDITORS_SCHEMA: &str = "$schema";
const INFO: [&str; 7] = [
    "name",
    "type",
    "module",
    "class_name",
    "uses",
    "description",
    "version",
];

/// Where the text comes from, which decides what the plugin's code is.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Bundled {
        name: &'static str,
        rego: Option<&'static str>,
    },
    Folder(&'a Path),
    EntryPoint(&'a Path, EntryPointFacts<'a>),
}

impl Manifest {
    /// Reads the manifest of a plugin that is part of this binary.
    ///
    /// # Errors
    /// All faults of the text.
    pub fn bundled(name: &'static str, text: &str, rego: Option<&'static str>) -> Result<Self, BadManifest> {
        parse(Source::Bundled { name, rego }, text)
    }

    /// Reads a manifest file of a plugin folder.
    ///
    /// # Errors
    /// All faults of the file; a file that cannot be read, or is too large, is one.
    pub fn from_file(path: &Path) -> Result<Self, BadManifest> {
        parse(Source::Folder(path), &read(path)?)
    }

    /// Reads a manifest of a plugin folder whose text is at hand.
    pub(crate) fn from_text(path: &Path, text: &str) -> Result<Self, BadManifest> {
        parse(Source::Folder(path), text)
    }

    /// Reads the manifest beside the module of an entry point.
    ///
    /// # Errors
    /// All faults of the file; a file that cannot be read, or is too large, is one.
    pub fn from_entry_point(path: &Path, facts: EntryPointFacts<'_>) -> Result<Self, BadManifest> {
        parse(Source::EntryPoint(path, facts), &read(path)?)
    }
}

/// Reads a manifest's text, within the cap.
pub(crate) fn read(path: &Path) -> Result<String, BadManifest> {
    let fault = |cause: String| BadManifest {
        name: None,
        faults: vec![Fault::new(format!(
            "cannot read manifest `{}`: {cause}",
            path.display()
        ))],
    };
    let (text, _) = bounded::read_text(path, MAX_MANIFEST_BYTES).map_err(fault)?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

fn parse(source: Source<'_>, text: &str) -> Result<Manifest, BadManifest> {
    let place = match source {
        Source::Bundled { name, .. } => format!("{name} (built in)"),
        Source::Folder(path) | Source::EntryPoint(path, _) => path.display().to_string(),
    };
    let mut report = Report::new(place, text);
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(err) => {
            let at = err.span().map_or(0, |span| span.start);
            report.fault(
                at,
                format!("not valid TOML: {}", err.message().replace('\n', ", ")),
            );
            return Err(BadManifest {
                name: None,
                faults: report.finish().0,
            });
        }
    };
    let root = Table::root(document.get_ref());
    let mut name = None;
    let manifest = manifest(&mut report, &root, source, &mut name);
    let clean = report.is_clean();
    let (faults, warnings) = report.finish();
    match manifest {
        Some(manifest) if clean => Ok(Manifest { warnings, ..manifest }),
        _ => Err(BadManifest { name, faults }),
    }
}

fn manifest(
    report: &mut Report<'_>,
    root: &Table<'_>,
    source: Source<'_>,
    found: &mut Option<String>,
) -> Option<Manifest> {
    let Some(info) = root.table(report, "info") else {
        if !root.has("info") {
            let hint = "begin the file with `[info]`, then `name = \"…\"` and `type = \"…\"`";
            report.fault(0, "no `[info]` table").hints.push(hint.to_owned());
        }
        return None;
    };
    let run = root.table(report, "run");
    let bundled = matches!(source, Source::Bundled { .. });
    let has_code_keys = info.has("module") || info.has("class_name");
    let strict = run.is_some() || bundled;
    // Old manifests may hold any table; one written for this host holds only what it knows.
    let modern = strict || !has_code_keys;
    // Only its type matters: editors read it, this host does not.
    let _for_editors = root.string(report, EDITORS_SCHEMA);
    info.only(report, &INFO, strict);

    let name = info.required(report, "name", "my_plugin");
    *found = name.clone();
    if let Some(name) = &name {
        check_name(report, &info, name);
    }
    let kind = info
        .required(report, "type", "input")
        .map(|name| Kind::from_name(&name));
    let known: Vec<&str> = TABLES.into_iter().chain([EDITORS_SCHEMA]).collect();
    match &kind {
        // What its handler wants to know of it stands in tables of its own.
        Some(Kind::Other(_)) if !modern => root.without_near_misses(report, &known),
        _ => root.only(report, &known, modern),
    }
    if let Some(Kind::Other(other)) = &kind
        && let Some(hint) = did_you_mean(other, Kind::NAMES)
    {
        report.warn(
            info.offset("type"),
            format!("type `{other}` needs a handler plugin; {hint}"),
        );
    }
    let description = info.string(report, "description");
    let version = info.string(report, "version");
    let uses = info.strings(report, "uses").unwrap_or_default();
    let rego = policy::rego(report, root, source, kind.as_ref(), modern);
    let launch = code::launch(report, &info, run.as_ref(), source, kind.as_ref());
    let legacy = matches!(launch, Some(Launch::Python { .. }));
    let pins = pins::pins(report, run.as_ref(), launch.as_ref(), &home(source));
    let protocol = code::protocol(report, run.as_ref());
    let env = code::environment(report, run.as_ref(), legacy);
    let timeouts = tables::timeouts(report, root);
    let (max_line, caps) = tables::limits(report, root);
    let restart = tables::restart(report, root);
    let check = tables::check(report, root);
    let config_schema = root
        .table(report, "config")
        .map(|config| fields::schema(report, &config));
    let flow = tables::flow(report, root, legacy);
    let handles = tables::handles(report, root, modern);

    Some(Manifest {
        name: name?,
        kind: kind?,
        description: description.or_else(|| rego.as_ref().and_then(|rego| rego.description.clone())),
        version: version.or_else(|| distribution_version(source)),
        uses,
        origin: origin(source),
        home: home(source),
        launch: launch?,
        pins,
        protocol,
        env,
        timeouts,
        max_line,
        caps,
        restart,
        check,
        rego,
        config_schema,
        flow,
        handles,
        extra: tables::extra(root),
        legacy,
        warnings: Vec::new(),
    })
}

fn check_name(report: &mut Report<'_>, info: &Table<'_>, name: &str) {
    let bad = name
        .chars()
        .find(|c| "-,/\\".contains(*c) || c.is_whitespace() || is_harmful(*c));
    let at = info.offset("name");
    if let Some(bad) = bad {
        let hint = "use letters, digits and `_`: pipelines are split at `-` and `,`";
        report
            .fault(at, format!("`name` is {name:?}, which holds {bad:?}"))
            .hints
            .push(hint.to_owned());
    } else if name.starts_with('.') || name.len() > 128 {
        report.fault(
            at,
            format!("`name` is {name:?}, which begins with a dot or is longer than 128 bytes"),
        );
    }
}

fn origin(source: Source<'_>) -> Origin {
    match source {
        Source::Bundled { .. } => Origin::Bundled,
        Source::Folder(path) => Origin::Folder {
            manifest: path.to_owned(),
        },
        Source::EntryPoint(path, facts) => Origin::EntryPoint {
            manifest: path.to_owned(),
            distribution: facts.distribution.to_owned(),
            version: facts.version.to_owned(),
            value: facts.value.to_owned(),
            interpreter: Arc::clone(facts.interpreter),
        },
    }
}

pub(super) fn home(source: Source<'_>) -> PathBuf {
    match source {
        Source::Bundled { .. } => PathBuf::new(),
        Source::Folder(path) | Source::EntryPoint(path, _) => {
            path.parent().map_or_else(PathBuf::new, Path::to_path_buf)
        }
    }
}

fn distribution_version(source: Source<'_>) -> Option<String> {
    match source {
        Source::EntryPoint(_, facts) if !facts.version.is_empty() => Some(facts.version.to_owned()),
        Source::Bundled { .. } => Some(env!("CARGO_PKG_VERSION").to_owned()),
        _ => None,
    }
}
