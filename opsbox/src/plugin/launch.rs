//! From a manifest to the process that serves it, and the clocks of its session.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opsbox_protocol::message::{LogLevel, Terminal};
use opsbox_protocol::{Hook, limits};

use crate::environ;
use crate::manifest::{Caps, Kind, Launch, Manifest, Pin, Timeouts};
use crate::python::{self, Bridge, Interpreter};
use crate::redact::Secrets;
use crate::trust::{self, Judge, Trust};

use super::error::PluginError;
use super::guardian::Guardian;
use super::meter::Meter;
use super::pin::PinnedFile;
use super::process::ProcessSpec;
use super::zygote::Zygotes;
use crate::trace::Traces;

/// The hidden subcommand under which this binary serves what is bundled in it.
pub const SERVE: &str = "__serve";

/// What every session of a run shares.
#[derive(Debug, Clone)]
pub struct SessionContext {
    /// This binary.
    pub executable: PathBuf,
    /// The host's own variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// The user's working directory, absolute.
    pub cwd: PathBuf,
    /// The run's id.
    pub run_id: String,
    /// The interpreter for Python plugins that belong to no other one, or why there is none.
    pub interpreter: Result<Arc<Interpreter>, crate::error::Fault>,
    /// The folder that holds the bridge's files.
    pub bridge: Result<Bridge, String>,
    /// `--timeout`: the total of a hook, whatever the manifest says.
    pub hook_total: Option<Duration>,
    /// `--max-line`: the cap of a line, in bytes, whatever the manifest says.
    pub max_line: Option<u64>,
    /// `--max-memory`: what a plugin's processes may use together, in bytes, whatever the manifest says.
    pub max_memory: Option<u64>,
    /// `--max-cpu`: the processor time of one process of a plugin, whatever the manifest says.
    pub max_cpu: Option<Duration>,
    /// `--restarts`: how often a plugin that crashed is started again, whatever the manifest says.
    pub restarts: Option<u32>,
    /// Who looks at what plugins use that may not use all they like.
    pub meter: Arc<Meter>,
    /// The least level of log records that somebody will see.
    pub log_level: LogLevel,
    /// The user's terminal.
    pub terminal: Option<Terminal>,
    /// Whether legacy plugins get the variables of their manifests, which is `AWS_*`: they cannot declare any.
    pub legacy_environment: bool,
    /// Whether every Python plugin is started cold, `--no-zygote`.
    pub no_zygote: bool,
    /// The warm parents from which Python plugins are forked; `None` where there are none.
    pub zygotes: Option<Arc<Zygotes>>,
    /// The secrets of the run, once its configuration is resolved: nothing that a plugin says is cut before they are replaced in it.
    pub secrets: Secrets,
    /// Who ends the plugins where the host is killed; `None` for a command that starts none.
    pub guardian: Option<Arc<Guardian>>,
    /// Where the wires of all sessions are kept, `--trace`; `None`: nowhere.
    pub traces: Option<Arc<Traces>>,
}

/// The deadlines of a session; `None` is no deadline.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    /// For the answer to `initialize`.
    pub handshake: Option<Duration>,
    /// For `grab_config`.
    pub grab_config: Option<Duration>,
    /// For `set_data`.
    pub set_data: Option<Duration>,
    /// For `activate`.
    pub activate: Option<Duration>,
    /// For a hook without progress, of a plugin that reports progress.
    pub hook_idle: Option<Duration>,
    /// For a hook in all.
    pub hook_total: Option<Duration>,
    /// For the answer to a cancelled call.
    pub cancel_grace: Option<Duration>,
    /// For a write to stdin that makes no progress.
    pub stdin_stall: Option<Duration>,
}

/// Everything needed to start and talk to one plugin.
#[derive(Debug, Clone)]
pub struct SessionSpec {
    /// The plugin's name.
    pub name: String,
    /// The process.
    pub process: ProcessSpec,
    /// Files that must be what the manifest says when the process is started.
    pub pinned: Vec<PinnedFile>,
    /// Whether the bridge runs it: then its last argument is the bridge's, and a warm parent can fork it.
    pub bridged: bool,
    /// The deadlines.
    pub clocks: Clocks,
    /// The cap of a line, in bytes.
    pub line_bytes: u64,
    /// What its processes may use; zero is no limit.
    pub caps: Caps,
    /// The protocol versions that the manifest states.
    pub protocol: (u32, u32),
    /// Whether it delivers Results: such a plugin goes on when a run is cancelled, so that what was gathered is not lost.
    pub delivers: bool,
    /// The hook that a plugin of this type must implement.
    pub role_hook: Option<Hook>,
}

impl SessionSpec {
    /// Makes the spec of a manifest's plugin.
    ///
    /// # Errors
    /// [`PluginError::NotFound`] where the program, or a Python interpreter for a legacy plugin, is not there.
    pub fn of(manifest: &Manifest, ctx: &SessionContext) -> Result<Self, PluginError> {
        let (program, args) = match &manifest.launch {
            Launch::Bundled => (
                ctx.executable.clone(),
                vec![
                    SERVE.into(),
                    "plugin".into(),
                    OsString::from(manifest.name.as_str()),
                ],
            ),
            Launch::Command { argv } => command(argv, &manifest.home, ctx)?,
            Launch::Python { .. } => python_command(manifest, ctx)?,
            Launch::Nothing => {
                return Err(PluginError::NotFound {
                    program: manifest.name.clone(),
                    looked_in: "its manifest, which names no program".into(),
                });
            }
        };
        let default_line = if manifest.legacy {
            limits::LEGACY_LINE_BYTES
        } else {
            limits::LINE_BYTES
        };
        Ok(Self {
            name: manifest.name.clone(),
            process: ProcessSpec {
                program,
                args,
                env: environment_of(manifest, ctx),
                cwd: ctx.cwd.clone(),
                secrets: ctx.secrets.clone(),
                trace: None,
            },
            pinned: pinned(manifest, ctx)?,
            bridged: matches!(manifest.launch, Launch::Python { .. }),
            clocks: clocks(&manifest.timeouts, ctx.hook_total, manifest.legacy),
            line_bytes: ctx.max_line.or(manifest.max_line).unwrap_or(default_line),
            caps: Caps {
                cpu: ctx.max_cpu.or(manifest.caps.cpu),
                memory: ctx.max_memory.or(manifest.caps.memory),
                ..manifest.caps
            },
            protocol: manifest.protocol,
            delivers: manifest.kind == Kind::Output,
            role_hook: match manifest.kind {
                // Old plugins are asked for their fields first, as they always were; a missing hook shows when it is called.
                _ if manifest.legacy => None,
                Kind::Provider => Some(Hook::GatherData),
                Kind::Input => Some(Hook::Process),
                Kind::Assistant => Some(Hook::ProcessInput),
                Kind::Output => Some(Hook::ProcessResults),
                Kind::Handler => Some(Hook::ProcessPlugin),
                Kind::Rego | Kind::Other(_) => None,
            },
        })
    }

    /// Makes the spec of the Rego worker that serves the checks of one provider; `remote`: with the help of an OPA server.
    pub fn rego_worker(provider: &str, remote: bool, ctx: &SessionContext) -> Self {
        let mode = if remote { Some("remote".into()) } else { None };
        Self {
            name: format!("rego worker of {provider}"),
            process: ProcessSpec {
                program: ctx.executable.clone(),
                args: [SERVE.into(), "rego".into()].into_iter().chain(mode).collect(),
                env: host_variables(ctx),
                cwd: ctx.cwd.clone(),
                secrets: ctx.secrets.clone(),
                trace: None,
            },
            pinned: Vec::new(),
            bridged: false,
            clocks: clocks(&Timeouts::default(), ctx.hook_total, false),
            line_bytes: ctx.max_line.unwrap_or(limits::LEGACY_LINE_BYTES),
            // The worker bounds its memory itself, and the host the time of each policy.
            caps: Caps::default(),
            protocol: (opsbox_protocol::VERSION, opsbox_protocol::VERSION),
            delivers: false,
            role_hook: None,
        }
    }
}

/// Returns the variables a plugin of this manifest gets.
pub fn environment_of(manifest: &Manifest, ctx: &SessionContext) -> BTreeMap<OsString, OsString> {
    let declared: &[String] = if manifest.legacy && !ctx.legacy_environment {
        &[]
    } else {
        &manifest.env
    };
    variables(declared, &manifest.home, ctx)
}

/// Returns the variables that some plugin of these sees, as far as they are texts.
pub fn seen_by<'a>(
    manifests: impl IntoIterator<Item = &'a Manifest>,
    ctx: &SessionContext,
) -> BTreeMap<String, String> {
    let text = |text: OsString| text.into_string().ok();
    manifests
        .into_iter()
        .flat_map(|manifest| environment_of(manifest, ctx))
        .filter_map(|(name, value)| Some((text(name)?, text(value)?)))
        .collect()
}

/// Returns the variables of a child that is part of the host: those that every plugin gets.
pub(super) fn host_variables(ctx: &SessionContext) -> BTreeMap<OsString, OsString> {
    variables(&[], Path::new(""), ctx)
}

fn variables(declared: &[String], home: &Path, ctx: &SessionContext) -> BTreeMap<OsString, OsString> {
    let passes = |name: &str| environ::is_common(name) || environ::matches(name, declared);
    let mut env: BTreeMap<_, _> = ctx
        .variables
        .iter()
        .filter(|(name, _)| name.to_str().is_some_and(passes))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.insert("OPSBOX_PLUGIN".into(), "1".into());
    env.insert(
        "OPSBOX_PROTOCOL".into(),
        opsbox_protocol::VERSION.to_string().into(),
    );
    env.insert("OPSBOX_PLUGIN_HOME".into(), home.into());
    env.insert("OPSBOX_RUN_ID".into(), ctx.run_id.clone().into());
    env
}

/// Resolves `[run] command`: the program against the manifest's folder, then `PATH`; later words that begin with `./` against the folder too.
fn command(
    argv: &[String],
    home: &Path,
    ctx: &SessionContext,
) -> Result<(PathBuf, Vec<OsString>), PluginError> {
    let Some((first, rest)) = argv.split_first() else {
        return Err(PluginError::NotFound {
            program: String::new(),
            looked_in: home.display().to_string(),
        });
    };
    let leaves = Path::new(first)
        .components()
        .any(|part| part == std::path::Component::ParentDir);
    if leaves {
        return Err(PluginError::Spawn {
            program: first.clone(),
            why: format!(
                "`[run] command` leaves the manifest's folder `{}`",
                home.display()
            ),
            hint: Some(
                "put the program beside the manifest, or name it by its absolute path or as it is on `PATH`"
                    .into(),
            ),
        });
    }
    let program = program(first, home, ctx)?;
    let beside: Vec<Option<PathBuf>> = rest.iter().map(|word| beside(word, home)).collect();
    trusted(
        std::iter::once(program.clone()).chain(beside.iter().flatten().cloned()),
        ctx,
    )?;
    let args = rest
        .iter()
        .zip(beside)
        .map(|(word, beside)| beside.map_or_else(|| word.into(), PathBuf::into_os_string));
    Ok((program, args.collect()))
}

/// Refuses files that anyone could change; what is only odd was told when they were found.
fn trusted(files: impl IntoIterator<Item = PathBuf>, ctx: &SessionContext) -> Result<(), PluginError> {
    let variable = ctx.variables.get(std::ffi::OsStr::new(trust::VARIABLE));
    let trust = Trust::of_user(variable.and_then(|value| value.to_str()));
    let judged = Judge::new(trust).judge(files);
    judged.map(drop).map_err(PluginError::Untrusted)
}

/// Returns the program that the first word of a command means.
fn program(word: &str, home: &Path, ctx: &SessionContext) -> Result<PathBuf, PluginError> {
    let beside = home.join(word);
    if beside.is_file() {
        return Ok(beside);
    }
    let path = ctx.variables.get(std::ffi::OsStr::new("PATH"));
    which::which_in(word, path, home).map_err(|_| PluginError::NotFound {
        program: word.to_owned(),
        looked_in: format!("`{}` and PATH", home.display()),
    })
}

/// Returns the file of the manifest's folder that a later word of a command means.
fn beside(word: &str, home: &Path) -> Option<PathBuf> {
    let beside = home.join(word);
    (word.starts_with("./") && beside.exists()).then_some(beside)
}

/// Returns the files that a manifest pins, found as its command finds them.
fn pinned(manifest: &Manifest, ctx: &SessionContext) -> Result<Vec<PinnedFile>, PluginError> {
    let Launch::Command { argv } = &manifest.launch else {
        return Ok(Vec::new());
    };
    let file = |pin: &Pin| {
        let path = match argv.first() {
            Some(first) if *first == pin.word => program(first, &manifest.home, ctx)?,
            _ => manifest.home.join(&pin.word),
        };
        let sha256 = pin.sha256.clone();
        Ok(PinnedFile { path, sha256 })
    };
    manifest.pins.iter().map(file).collect()
}

/// Returns the interpreter that runs a Python plugin: that of the environment it is installed in, else the chosen one.
///
/// # Errors
/// [`PluginError::NotFound`] where the plugin belongs to no environment and no interpreter was found.
pub fn interpreter_of<'a>(
    manifest: &'a Manifest,
    ctx: &'a SessionContext,
) -> Result<&'a Arc<Interpreter>, PluginError> {
    if let Some(own) = manifest.origin.interpreter() {
        return Ok(own);
    }
    ctx.interpreter.as_ref().map_err(|fault| PluginError::NotFound {
        program: "python3".into(),
        looked_in: fault.message.clone(),
    })
}

fn python_command(
    manifest: &Manifest,
    ctx: &SessionContext,
) -> Result<(PathBuf, Vec<OsString>), PluginError> {
    let interpreter = interpreter_of(manifest, ctx)?;
    trusted(python::own_files(&interpreter.path), ctx)?;
    let bridge = ctx.bridge.as_ref().map_err(|why| PluginError::Spawn {
        program: "the Python bridge".into(),
        why: why.clone(),
        hint: None,
    })?;
    let mut argv = python::bridge_argv(interpreter, &bridge.folder, manifest, &ctx.executable).into_iter();
    let program = argv.next().map(PathBuf::from).unwrap_or_default();
    Ok((program, argv.collect()))
}

/// Returns the deadlines of a session: what a manifest sets, else the usual ones of PROTOCOL.md; zero switches one off.
pub(crate) fn clocks(set: &Timeouts, hook_total: Option<Duration>, legacy: bool) -> Clocks {
    // The first call of an old plugin waits for its imports, which take long where they hold pandas or llama_index and the machine is busy.
    let first = if legacy { 60 } else { 10 };
    let clock = |set: Option<Duration>, seconds: u64| {
        let limit = set.unwrap_or(Duration::from_secs(seconds));
        (!limit.is_zero()).then_some(limit)
    };
    Clocks {
        handshake: clock(set.handshake, 30),
        grab_config: clock(set.grab_config, first),
        set_data: clock(set.set_data, first),
        activate: clock(set.activate, 60),
        hook_idle: clock(set.hook_idle, 300),
        hook_total: clock(hook_total.or(set.hook_total), 3600),
        cancel_grace: clock(set.cancel_grace, 5),
        stdin_stall: clock(set.stdin_stall, 10),
    }
}
