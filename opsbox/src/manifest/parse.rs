//! TOML text → `Manifest`, with all faults of the file at once.

use std::path::{Component, Path, PathBuf};

use toml::de::DeTable;

use super::fields;
use super::read::{Report, Table};
use super::{
    BadManifest, CheckFacts, EntryPointFacts, Flow, Kind, Launch, Manifest, Origin, Policy, RegoCheck,
    Severity, Timeouts,
};
use crate::error::Fault;
use crate::suggest::did_you_mean;

/// The greatest manifest that is read.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// The protocol version that this host speaks.
const PROTOCOL: u32 = 1;

const TABLES: [&str; 9] = [
    "info",
    "run",
    "timeouts",
    "limits",
    "check",
    "rego",
    "config",
    "assistant",
    "handler",
];
const INFO: [&str; 7] = [
    "name",
    "type",
    "module",
    "class_name",
    "uses",
    "description",
    "version",
];

/// What variables a plugin sees that cannot declare any: the published ones talk to AWS.
const LEGACY_ENV: &str = "AWS_*";

/// Where the text comes from, which decides what the plugin's code is.
#[derive(Clone, Copy)]
enum Source<'a> {
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
    let size = std::fs::metadata(path)
        .map_err(|err| fault(err.to_string()))?
        .len();
    if size > MAX_MANIFEST_BYTES {
        return Err(fault(format!(
            "it has {size} bytes, more than the {MAX_MANIFEST_BYTES} allowed"
        )));
    }
    let bytes = std::fs::read(path).map_err(|err| fault(err.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8".to_owned()))?;
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
    root.only(report, &TABLES, modern);
    info.only(report, &INFO, strict);

    let name = info.required(report, "name", "my_plugin");
    *found = name.clone();
    if let Some(name) = &name {
        check_name(report, &info, name);
    }
    let kind = info
        .required(report, "type", "input")
        .map(|name| Kind::from_name(&name));
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
    let rego = rego(report, root, source, kind.as_ref(), modern);
    let launch = launch(report, &info, run.as_ref(), source, kind.as_ref());
    let legacy = matches!(launch, Some(Launch::Python { .. }));
    let protocol = protocol(report, run.as_ref());
    let env = environment(report, run.as_ref(), legacy);
    let (timeouts, max_line) = limits(report, root);
    let check = check(report, root);
    let config_schema = root
        .table(report, "config")
        .map(|config| fields::schema(report, &config));
    let flow = flow(report, root, legacy);
    let handles = handles(report, root, modern);

    Some(Manifest {
        name: name?,
        kind: kind?,
        description: description.or_else(|| rego.as_ref().and_then(|rego| rego.description.clone())),
        version: version.or_else(|| distribution_version(source)),
        uses,
        origin: origin(source),
        home: home(source),
        launch: launch?,
        protocol,
        env,
        timeouts,
        max_line,
        check,
        rego,
        config_schema,
        flow,
        handles,
        legacy,
        warnings: Vec::new(),
    })
}

fn check_name(report: &mut Report<'_>, info: &Table<'_>, name: &str) {
    let bad = name
        .chars()
        .find(|c| "-,/\\".contains(*c) || c.is_whitespace() || c.is_control());
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

fn launch(
    report: &mut Report<'_>,
    info: &Table<'_>,
    run: Option<&Table<'_>>,
    source: Source<'_>,
    kind: Option<&Kind>,
) -> Option<Launch> {
    if let Some(run) = run {
        run.only(report, &["command", "protocol", "env"], true);
        if !run.has("command") {
            let hint = "add `command = [\"bin/plugin\"]` to `[run]`".to_owned();
            report
                .fault(run.start, "`[run]` has no `command`")
                .hints
                .push(hint);
            return None;
        }
        let argv = run.strings(report, "command")?;
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            report.fault(run.offset("command"), "`command` in `[run]` names no program");
            return None;
        }
        return Some(Launch::Command { argv });
    }
    let rego = kind == Some(&Kind::Rego);
    if let Source::Bundled { .. } = source {
        return Some(if rego { Launch::Nothing } else { Launch::Bundled });
    }
    if !info.has("module") && !info.has("class_name") {
        if rego {
            return Some(Launch::Nothing);
        }
        let name = info.string(report, "name").unwrap_or_else(|| "plugin".to_owned());
        let fault = report.fault(
            info.start,
            "neither `[run]` nor `module` and `class_name` say what to start",
        );
        fault
            .hints
            .push(format!("add a table `[run]` with `command = [\"bin/{name}\"]`"));
        fault.hints.push(format!(
            "or, for a Python class, `module = \"{name}\"` and `class_name = \"…\"`"
        ));
        return None;
    }
    let module = info.required(report, "module", "my_module");
    let class_name = info.required(report, "class_name", "MyPlugin");
    match source {
        Source::EntryPoint(_, facts) => {
            // The entry point is what the original imported; the manifest's `module` is only its last part.
            let (module, class_name) = facts.value.split_once(':')?;
            let class_name = class_name.split('[').next().unwrap_or(class_name);
            Some(Launch::Python {
                module: module.trim().to_owned(),
                class_name: class_name.trim().to_owned(),
                entry_point: true,
            })
        }
        _ => {
            let (module, class_name) = (module?, class_name?);
            check_code(report, info, &home(source), &module);
            Some(Launch::Python {
                module,
                class_name,
                entry_point: false,
            })
        }
    }
}

fn check_code(report: &mut Report<'_>, info: &Table<'_>, home: &Path, module: &str) {
    let at = info.offset("module");
    let last = module.rsplit('.').next().unwrap_or(module);
    if last.is_empty() || last.contains(['/', '\\', '\0']) {
        report.fault(
            at,
            format!("`module` is `{module}`, which is no name of a Python module"),
        );
        return;
    }
    let file = home.join(format!("{last}.py"));
    if !file.is_file() {
        report
            .fault(
                at,
                format!(
                    "code file `{}` of `module = \"{module}\"` does not exist",
                    file.display()
                ),
            )
            .hints
            .push(format!(
                "put `{last}.py` beside the manifest, or correct `module`"
            ));
    }
}

fn rego(
    report: &mut Report<'_>,
    root: &Table<'_>,
    source: Source<'_>,
    kind: Option<&Kind>,
    modern: bool,
) -> Option<RegoCheck> {
    let is_rego = kind == Some(&Kind::Rego);
    let Some(table) = root.table(report, "rego") else {
        if is_rego && !root.has("rego") {
            let hint = "add a table `[rego]` with `rego_file = \"check.rego\"`".to_owned();
            report
                .fault(
                    root.offset("info"),
                    "a plugin of type `rego` needs a `[rego]` table",
                )
                .hints
                .push(hint);
        }
        return None;
    };
    let known = [
        "rego_file",
        "description",
        "version",
        "rule",
        "strict",
        "gather_from",
    ];
    table.only(report, &known, modern);
    if !is_rego {
        report.warn(table.start, "`[rego]` counts only for plugins of type `rego`");
        return None;
    }
    let lenient = root
        .table(report, "info")
        .is_some_and(|info| info.has("class_name"))
        && !root.has("run");
    let description = table.string(report, "description");
    let strict = table.boolean(report, "strict").unwrap_or(!lenient);
    let rule = table
        .string(report, "rule")
        .unwrap_or_else(|| "details".to_owned());
    let version = match table.integers(report, "version", "version = 1").as_deref() {
        None => 1,
        Some([0]) => 0,
        Some([1]) => 1,
        Some(_) => {
            let hint = "write `version = 0` for old policies, or leave it out".to_owned();
            report
                .fault(table.offset("version"), "`version` in `[rego]` must be 0 or 1")
                .hints
                .push(hint);
            1
        }
    };
    let file = table.required(report, "rego_file", "check.rego")?;
    let policy = policy(report, &table, source, &file)?;
    Some(RegoCheck {
        file,
        policy,
        version,
        rule,
        strict,
        description,
    })
}

fn policy(report: &mut Report<'_>, table: &Table<'_>, source: Source<'_>, file: &str) -> Option<Policy> {
    let at = table.offset("rego_file");
    if let Source::Bundled { rego, .. } = source {
        if rego.is_none() {
            report.fault(at, format!("policy `{file}` is not part of this binary"));
        }
        return rego.map(Policy::Embedded);
    }
    let leaves = Path::new(file)
        .components()
        .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    if leaves {
        report
            .fault(
                at,
                format!("`rego_file` is `{file}`, which leaves the manifest's folder"),
            )
            .hints
            .push("put the policy beside the manifest or below it".to_owned());
        return None;
    }
    let path = home(source).join(file);
    if !path.is_file() {
        report
            .fault(at, format!("policy `{}` does not exist", path.display()))
            .hints
            .push("put the policy there, or correct `rego_file` in `[rego]`".to_owned());
        return None;
    }
    Some(Policy::File(path))
}

fn protocol(report: &mut Report<'_>, run: Option<&Table<'_>>) -> (u32, u32) {
    let example = "protocol = [1, 1]";
    let Some(run) = run else {
        return (PROTOCOL, PROTOCOL);
    };
    let Some(numbers) = run.integers(report, "protocol", example) else {
        return (PROTOCOL, PROTOCOL);
    };
    let range = match numbers[..] {
        [only] => (only, only),
        [least, greatest] if least <= greatest => (least, greatest),
        _ => {
            let message = "`protocol` in `[run]` must be the least and the greatest version";
            report
                .fault(run.offset("protocol"), message)
                .hints
                .push(format!("write `{example}`"));
            return (PROTOCOL, PROTOCOL);
        }
    };
    if !(range.0..=range.1).contains(&PROTOCOL) {
        let message = format!(
            "speaks plugin protocol {} to {}, this host speaks {PROTOCOL}",
            range.0, range.1
        );
        report.fault(run.offset("protocol"), message);
    }
    range
}

fn environment(report: &mut Report<'_>, run: Option<&Table<'_>>, legacy: bool) -> Vec<String> {
    match run {
        Some(run) => {
            let patterns = run.strings(report, "env").unwrap_or_default();
            for pattern in &patterns {
                let plain = pattern.strip_suffix('*').unwrap_or(pattern);
                let fine =
                    plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !pattern.is_empty();
                if !fine {
                    let message = format!("`env` in `[run]` holds `{pattern}`, which is no variable's name");
                    let hint = "write names, or beginnings of names with a star: `env = [\"AWS_*\"]`";
                    report
                        .fault(run.offset("env"), message)
                        .hints
                        .push(hint.to_owned());
                }
            }
            patterns
        }
        None if legacy => vec![LEGACY_ENV.to_owned()],
        None => Vec::new(),
    }
}

fn limits(report: &mut Report<'_>, root: &Table<'_>) -> (Timeouts, Option<u64>) {
    let mut timeouts = Timeouts::default();
    if let Some(table) = root.table(report, "timeouts") {
        let mut known = Vec::new();
        for (key, slot) in [
            ("handshake", &mut timeouts.handshake),
            ("grab_config", &mut timeouts.grab_config),
            ("set_data", &mut timeouts.set_data),
            ("activate", &mut timeouts.activate),
            ("hook_idle", &mut timeouts.hook_idle),
            ("hook_total", &mut timeouts.hook_total),
            ("cancel_grace", &mut timeouts.cancel_grace),
            ("stdin_stall", &mut timeouts.stdin_stall),
        ] {
            *slot = table.duration(report, key);
            known.push(key);
        }
        table.only(report, &known, true);
    }
    let line = root.table(report, "limits").and_then(|table| {
        table.only(report, &["line"], true);
        table.size(report, "line")
    });
    (timeouts, line)
}

fn check(report: &mut Report<'_>, root: &Table<'_>) -> CheckFacts {
    let Some(table) = root.table(report, "check") else {
        return CheckFacts::default();
    };
    table.only(report, &["severity", "remediation", "reads"], true);
    CheckFacts {
        severity: table
            .choice(report, "severity", &Severity::NAMES)
            .and_then(|name| Severity::from_name(&name)),
        remediation: table.string(report, "remediation"),
        reads: table.strings(report, "reads").unwrap_or_default(),
    }
}

fn flow(report: &mut Report<'_>, root: &Table<'_>, legacy: bool) -> Flow {
    let usual = if legacy { Flow::Append } else { Flow::Replace };
    let Some(table) = root.table(report, "assistant") else {
        return usual;
    };
    table.only(report, &["flow"], true);
    match table.choice(report, "flow", &["replace", "append"]).as_deref() {
        Some("replace") => Flow::Replace,
        Some("append") => Flow::Append,
        _ => usual,
    }
}

fn handles(report: &mut Report<'_>, root: &Table<'_>, modern: bool) -> Vec<String> {
    let Some(table) = root.table(report, "handler") else {
        return Vec::new();
    };
    table.only(report, &["handles"], modern);
    table.strings(report, "handles").unwrap_or_default()
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
        },
    }
}

fn home(source: Source<'_>) -> PathBuf {
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
