//! `opsbox plugin call`: one call by hand, with configuration and clocks as in a run.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use opsbox_protocol::Expect;
use opsbox_protocol::message::LogLevel;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::bounded::{MOST_DATA, read_given};
use crate::cli::host::{self, Own};
use crate::cli::request::Call;
use crate::cli::{named, run, signals};
use crate::config::{Settings, Wanted};
use crate::error::{Failure, Fault, Kind};
use crate::manifest::{Launch, Manifest};
use crate::plugin::event::Sink;
use crate::plugin::launch::{self, SessionSpec};
use crate::plugin::{CallOutcome, Event, PluginError, Reply, Session, SessionContext};
use crate::redact::{Redactor, Secrets};
use crate::report::record::GapRecord;
use crate::trace::Hidden;
use crate::ui::Ui;

/// The exit code where the plugin could not look at everything.
const INCOMPLETE: u8 = 4;

/// Makes the call, prints the result and returns the exit code: 0, or 4 where the plugin reported a gap.
///
/// # Errors
/// What is wrong with the plugin, its configuration or the parameters; the plugin's own error.
pub(super) async fn call(own: &Own, ui: &Arc<Ui>, call: &Call) -> Result<u8, Failure> {
    let catalog = host::catalog(own, &call.flags)?;
    let manifest = named::manifest_of(own, &catalog, &call.plugin)?;
    if manifest.launch == Launch::Nothing {
        let fault = Fault::new(format!(
            "`{}` has no program: its policy is all there is",
            manifest.name
        ));
        let hint = format!("`opsbox check eval {} --input FILE` evaluates it", manifest.name);
        return Err(Failure::usage(fault.hint(hint)));
    }
    let params = match &call.params {
        Some(path) => read(path, &own.environ.absolute(path))?,
        None => Bytes::from_static(b"{}"),
    };
    let settings = run::settings(own, &call.flags)?;
    let ctx = host::session_context(own, ui, &catalog, &call.flags);
    let (mut ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    ctx.log_level = ctx.log_level.min(LogLevel::Info);
    ctx.traces = host::traces(own, &ctx, &call.flags, &settings)?;
    let sink = sink(ui, &manifest, &ctx.secrets);
    let asked = Asked {
        manifest: &manifest,
        settings: &settings,
        ctx: &ctx,
        hook: &call.hook,
    };
    let failed = |error: PluginError| asked.failed(&error);
    let spec = SessionSpec::of(&manifest, &ctx).map_err(failed)?;
    let started = Session::start(spec, &ctx, sink, interrupts.halt()).await;
    interrupts.check()?;
    let mut session = started.map_err(failed)?;
    let answer = asked.ask(&mut session, params).await;
    session.stop().await;
    interrupts.check()?;
    let CallOutcome { answer, gaps } = answer?;
    for gap in &gaps {
        let what = format!(
            "`{}` could not look at {}",
            manifest.name,
            GapRecord::from(gap).line()
        );
        ui.warn(&asked.clean(what));
    }
    let text = match answer.map_err(failed)? {
        Reply::Raw(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Reply::Results(results) => {
            let texts = results
                .iter()
                .map(|result| String::from_utf8_lossy(&result.bytes).into_owned());
            texts.collect::<Vec<_>>().join("\n")
        }
    };
    ui.json(&format!("{text}\n"));
    Ok(if gaps.is_empty() { 0 } else { INCOMPLETE })
}

fn sink(ui: &Arc<Ui>, manifest: &Manifest, secrets: &Secrets) -> Sink {
    let (name, ui, secrets) = (manifest.name.clone(), Arc::clone(ui), secrets.clone());
    Arc::new(move |event: Event| {
        match secrets.event(event) {
            // Whoever calls by hand wants to hear what the plugin says.
            Event::Stderr(text) | Event::Output { text, .. } => {
                ui.note(&format!("{name}: {}", text.trim_end()))
            }
            Event::Log {
                level: LogLevel::Info,
                message,
            } => ui.note(&format!("{name}: {message}")),
            event => ui.said(&name, event),
        }
    })
}

struct Asked<'a> {
    manifest: &'a Manifest,
    settings: &'a Settings,
    ctx: &'a SessionContext,
    hook: &'a str,
}

impl Asked<'_> {
    /// Configures the plugin as a run does, and calls the hook.
    async fn ask(&self, session: &mut Session, params: Bytes) -> Result<CallOutcome, Failure> {
        let failed = |error: PluginError| self.failed(&error);
        let schema = match &self.manifest.config_schema {
            Some(schema) => Some(schema.clone()),
            None => session.grab_config().await.map_err(failed)?,
        };
        let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        if self.hook == "grab_config" {
            return Ok(answered(Ok(Reply::Raw(schema.to_string().into()))));
        }
        self.configure(session, &schema).await?;
        let hooks = &session.hello().hooks;
        if !session.may_have(self.hook) {
            let fault = Fault::new(format!("`{}` has no hook `{}`", self.manifest.name, self.hook));
            let hint = match hooks.as_slice() {
                [] => "it lists none".to_owned(),
                hooks => format!("it lists {}", hooks.join(", ")),
            };
            return Err(Failure::usage(fault.hint(hint)));
        }
        if ["set_data", "activate"].contains(&self.hook) {
            // That was done already, with what `--set` and the files say.
            return Ok(answered(Ok(Reply::Raw(Bytes::from_static(b"{}")))));
        }
        Ok(session.request(self.hook, Expect::Raw, vec![params]).await)
    }

    async fn configure(&self, session: &mut Session, schema: &Value) -> Result<(), Failure> {
        let mut resolution = self.settings.resolve(&[Wanted {
            plugin: &self.manifest.name,
            schema,
            legacy: self.manifest.legacy,
        }]);
        if !resolution.faults.is_empty() {
            return Err(Failure {
                kind: Kind::Usage,
                faults: resolution.faults,
            });
        }
        let seen = launch::seen_by([self.manifest], self.ctx);
        let variables = seen.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.ctx
            .secrets
            .set(Redactor::of_run(&resolution.plugins, variables));
        if let Some(traces) = &self.ctx.traces {
            traces.know(Hidden::of(&resolution.plugins, &self.ctx.variables));
        }
        let values = resolution.plugins.remove(0).values;
        let configured = match session.set_data(values).await {
            Ok(()) => session.activate().await,
            Err(error) => Err(error),
        };
        configured.map_err(|error| self.failed(&error))
    }

    fn clean(&self, text: String) -> String {
        self.ctx.secrets.text(text).into_owned()
    }

    /// Returns the failure that tells of an error of the plugin, without its secrets.
    fn failed(&self, error: &PluginError) -> Failure {
        Failure::run(self.ctx.secrets.fault(error.fault(&self.manifest.name)))
    }
}

fn answered(answer: Result<Reply, PluginError>) -> CallOutcome {
    CallOutcome {
        answer,
        gaps: Vec::new(),
    }
}

/// Reads the parameters: one JSON object, on one line.
fn read(shown: &Path, path: &Path) -> Result<Bytes, Failure> {
    let fault = |why: String| {
        let fault = Fault::new(format!("`--params {}`: {why}", shown.display()));
        Failure::usage(fault.hint("give a file with a JSON object, such as `{\"data\":[]}` for `process`"))
    };
    let text = read_given(path, MOST_DATA).map_err(fault)?;
    let raw: &RawValue =
        serde_json::from_str(&text).map_err(|error| fault(format!("not valid JSON: {error}")))?;
    if !raw.get().starts_with('{') {
        return Err(fault("a JSON object is expected".into()));
    }
    Ok(Bytes::from(crate::plugin::compact(raw.get())))
}
