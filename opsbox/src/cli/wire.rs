//! `opsbox plugin trace` and `plugin replay`: a trace shown, and played to a plugin.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::cli::host::{self, Own};
use crate::cli::named::manifest_of;
use crate::cli::request::{Answer, Replay, TraceShow};
use crate::cli::signals;
use crate::cli::table::table;
use crate::config::{Wanted, of_flags};
use crate::error::{Failure, Fault, Kind};
use crate::manifest::{Launch, Manifest};
use crate::plugin::Event;
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::redact::Redactor;
use crate::trace::Recorded;
use crate::trace::compare::{Difference, Leniency};
use crate::trace::replay::{Call, Play, Played, play, schema, secret_fields};
use crate::trace::show::{self, cut, duration};
use crate::ui::Ui;
use crate::ui::text::clean;

/// How long an answer may take where `--timeout` does not say.
const ANSWER: Duration = Duration::from_secs(60);
/// So much of a value is shown, in characters.
const SHOWN_CHARS: usize = 100;
/// So many differences of one call are shown.
const SHOWN_DIFFERENCES: usize = 20;

/// Shows a trace.
///
/// # Errors
/// Where the file is no trace.
pub(super) fn trace(own: &Own, query: &TraceShow, columns: u16) -> Result<Answer, Failure> {
    let trace = Recorded::from_file(&own.environ.absolute(&query.trace)).map_err(Failure::usage)?;
    Ok(Answer {
        text: show::text(&trace, usize::from(columns), query.full),
        json: show::json(&trace),
        code: 0,
    })
}

/// Plays a trace to a plugin; the exit code is 1 where it answers otherwise.
///
/// # Errors
/// Where the trace cannot be played or the plugin not be started.
pub(super) async fn replay(own: &Own, ui: &Arc<Ui>, query: &Replay, columns: u16) -> Result<Answer, Failure> {
    let trace = Recorded::from_file(&own.environ.absolute(&query.trace)).map_err(Failure::usage)?;
    let catalog = host::catalog(own, &query.flags)?;
    let manifest = manifest_of(own, &catalog, &query.plugin)?;
    if manifest.launch == Launch::Nothing {
        let fault = Fault::new(format!("`{}` has no program that could answer", manifest.name));
        return Err(Failure::usage(fault));
    }
    let ctx = host::session_context(own, ui, &catalog, &query.flags);
    let (ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    let spec = SessionSpec::of(&manifest, &ctx).map_err(|error| Failure::run(error.fault(&manifest.name)))?;
    let mut leniency = Leniency {
        strict: query.strict,
        ignore: query.ignore.clone(),
        swaps: vec![(trace.head.run.clone(), ctx.run_id.clone())],
    };
    if trace.head.cwd.len() > 1 {
        let here = ctx.cwd.display().to_string();
        leniency.swaps.push((trace.head.cwd.clone(), here));
    }
    let fills = fills(query, own, &manifest, &trace)?;
    let hidden = secret_fields(&trace);
    let secrets = fills.iter().filter(|(name, _)| hidden.contains(*name));
    let secrets = Arc::new(Redactor::of_values(secrets.map(|(_, value)| value)));
    let playing = play(
        Play {
            trace: &trace,
            spec,
            ctx: &ctx,
            limit: query
                .flags
                .timeout
                .filter(|limit| !limit.is_zero())
                .unwrap_or(ANSWER),
            fills,
            leniency,
        },
        sink(ui, &manifest.name, &secrets),
    );
    let mut halt = interrupts.halt();
    let played = tokio::select! {
        played = playing => Some(played),
        () = crate::halt::reached(&mut halt, crate::halt::Halt::Abort) => None,
    };
    interrupts.check()?;
    let Some(played) = played else {
        return Err(Failure::run(Fault::new("interrupted")));
    };
    let mut played = played.map_err(Failure::usage)?;
    played.hide(&secrets);
    Ok(Answer {
        text: text(&trace, &manifest.name, &played, columns),
        json: of_played(&trace, &played),
        code: u8::from(!played.is_same()),
    })
}

fn sink(ui: &Arc<Ui>, name: &str, secrets: &Arc<Redactor>) -> Sink {
    let (ui, name, secrets) = (Arc::clone(ui), name.to_owned(), Arc::clone(secrets));
    Arc::new(move |event| match secrets.event(event) {
        // Outside a run nobody has asked for it.
        Event::Output { text, stream } => {
            let text = secrets.text(text).into_owned();
            ui.said(&name, Event::Output { text, stream });
        }
        event => ui.said(&name, event),
    })
}

/// Returns what `--set` gives this plugin, of the types that it had in the trace, or has by its manifest.
fn fills(
    query: &Replay,
    own: &Own,
    manifest: &Manifest,
    trace: &Recorded,
) -> Result<Map<String, Value>, Failure> {
    let schema = schema(trace).filter(Value::is_object);
    let schema = schema.or_else(|| manifest.config_schema.clone());
    let wanted = Wanted {
        plugin: &manifest.name,
        schema: &schema.unwrap_or_else(|| json!({})),
        legacy: manifest.legacy,
    };
    of_flags(wanted, &query.flags.assignments, &own.environ.now).map_err(|faults| Failure {
        kind: Kind::Usage,
        faults,
    })
}

fn text(trace: &Recorded, plugin: &str, played: &Played, columns: u16) -> String {
    let time = |ms: Option<f64>| ms.map_or("-".to_owned(), duration);
    let rows = played.calls.iter().map(|call| {
        let verdict = match call.differences.len() {
            0 => "as before".to_owned(),
            1 => "1 difference".to_owned(),
            n => format!("{n} differences"),
        };
        vec![
            format!("{} {}", call.id, call.method),
            time(call.then_ms),
            time(call.now_ms),
            verdict,
        ]
    });
    let mut text = table(&["call", "then", "now", "answer"], rows.collect(), columns);
    for call in played.calls.iter().filter(|call| !call.differences.is_empty()) {
        text.push_str(&format!("\n{} {}\n", call.id, clean(&call.method)));
        for found in call.differences.iter().take(SHOWN_DIFFERENCES) {
            text.push_str(&different(found));
        }
        if call.differences.len() > SHOWN_DIFFERENCES {
            let more = call.differences.len() - SHOWN_DIFFERENCES;
            text.push_str(&format!("  and {more} more; --json has all\n"));
        }
    }
    if let Some(why) = &played.stopped {
        text.push_str(&format!("\nstopped: {}\n", clean(why)));
    }
    if let Some((then, now)) = &played.end {
        text.push_str(&format!(
            "\nthe process\n  then  {}\n  now   {}\n",
            clean(then),
            clean(now)
        ));
    }
    if !played.is_same() && !played.unfilled.is_empty() {
        text.push_str(&unfilled(&played.unfilled));
    }
    for line in &played.stderr {
        text.push_str(&format!("stderr: {}\n", clean(line)));
    }
    let n_calls = played.calls.len();
    let n_other = played
        .calls
        .iter()
        .filter(|call| !call.differences.is_empty())
        .count();
    let verdict = if played.is_same() {
        "as before".to_owned()
    } else {
        format!("{n_other} answered otherwise")
    };
    let (was, release) = (&trace.head.plugin, &trace.head.opsbox);
    text.push_str(&format!(
        "\n{n_calls} calls of `{}` (opsbox {}) played to `{}`: {verdict}\n",
        clean(was),
        clean(release),
        clean(plugin)
    ));
    text
}

/// Says which secrets the plugin did not get, since that alone may be why it answers otherwise.
fn unfilled(fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| clean(field)).collect();
    let names: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
    let flags: Vec<_> = fields.iter().map(|field| format!("--set {field}=…")).collect();
    format!(
        "\n{} {} sent as the text `<secret>`, since a trace holds no secrets\n  give what it was: `{}`\n",
        names.join(", "),
        if fields.len() == 1 { "was" } else { "were" },
        flags.join(" ")
    )
}

fn different(found: &Difference) -> String {
    let shown = |value: &Option<Value>| {
        let text = value.as_ref().map_or("nothing".to_owned(), Value::to_string);
        cut(&clean(&text), SHOWN_CHARS)
    };
    let place = if found.path.is_empty() {
        "(the answer)"
    } else {
        &found.path
    };
    format!(
        "  {}\n    then  {}\n    now   {}\n",
        clean(place),
        shown(&found.then),
        shown(&found.now)
    )
}

fn of_played(trace: &Recorded, played: &Played) -> Value {
    let difference = |found: &Difference| json!({"path": found.path, "then": found.then, "now": found.now});
    let call = |call: &Call| {
        json!({
            "id": call.id,
            "method": call.method,
            "then_ms": call.then_ms,
            "now_ms": call.now_ms,
            "differences": call.differences.iter().map(difference).collect::<Vec<_>>(),
        })
    };
    json!({
        "plugin": trace.head.plugin,
        "same": played.is_same(),
        "calls": played.calls.iter().map(call).collect::<Vec<_>>(),
        "stopped": played.stopped,
        "end": played.end.as_ref().map(|(then, now)| json!({"then": then, "now": now})),
        "unfilled": played.unfilled,
        "stderr": played.stderr,
    })
}
