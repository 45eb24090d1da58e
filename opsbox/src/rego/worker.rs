//! The worker's side of the wire: one request after the other, on blocking standard streams.
//!
//! `$/cancel` is not answered to: the interpreter cannot be stopped from within, so the host ends the process. Where an OPA server
//! evaluates it is: the policy must be removed there.

use std::io::{self, BufRead, BufReader, Write};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use opsbox_protocol::error::{ErrorBody, code};
use opsbox_protocol::frame::{FrameError, LineReader};
use opsbox_protocol::incoming::{Incoming, LineFault, parse_line};
use opsbox_protocol::message::{Cancel, InitializeResult, LogLevel, LogParams, PluginInfo};
use opsbox_protocol::{limits, outgoing};
use regorus::Value;
use serde_json::json;

use super::data::Input;
use super::error::{RegoError, shorten};
use super::remote::{Interrupt, Server};
use super::{check, stdio, testing};
use request::{Failure, Given, Job, Settings, decode, large_data, schema};

mod request;

/// The feature by which host and worker know each other.
pub const FEATURE: &str = "x-opsbox-rego";
/// Hands over a provider's data for all checks that follow.
pub const DATA: &str = "x-opsbox/rego/data";
/// Evaluates a check.
pub const CHECK: &str = "x-opsbox/rego/check";
/// Runs the unit tests of policies.
pub const TEST: &str = "x-opsbox/rego/test";

/// Stack of the thread that evaluates, in bytes: enough for modest recursion of comprehensions and nested data.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// How long an evaluation may go on after the end of the input, which says that the host is gone.
const ORPHAN_GRACE: Duration = Duration::from_secs(2);

/// Serves the worker's protocol on standard input and output until its end.
///
/// A failure of the streams ends it with code 1, and so does the end of the input while an evaluation goes on and on.
///
/// `remote`: policies may go to an OPA server. Then a cancel is listened to, and answered after the policy is removed there.
pub fn serve(remote: bool) -> ExitCode {
    let served = std::thread::Builder::new()
        .name("rego".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let (input, output) = stdio::take()?;
            // A system limit that is lower already holds; then there is nothing to set.
            let _ = stdio::limit_memory(stdio::MEMORY_BYTES);
            let interrupt = remote.then(Interrupt::default);
            let input = BufReader::with_capacity(256 * 1024, input);
            run(read_ahead(input, interrupt.clone())?, output, interrupt)
        });
    match served.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Reads at most one line ahead, on a thread of its own, so that a cancel and the end of the input are seen during an evaluation.
fn read_ahead(
    input: impl BufRead + Send + 'static,
    interrupt: Option<Interrupt>,
) -> io::Result<Receiver<Result<String, FrameError>>> {
    let (tx, rx) = sync_channel(0);
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        for line in lines(input) {
            if let (Some(interrupt), Ok(text)) = (&interrupt, &line)
                && is_cancel(text)
            {
                interrupt.set();
                continue;
            }
            if tx.send(line).is_err() {
                return;
            }
        }
        drop(tx);
        let mut grace = ORPHAN_GRACE;
        if let Some(interrupt) = &interrupt {
            interrupt.set();
            grace *= 3;
        }
        std::thread::sleep(grace);
        std::process::exit(1);
    })?;
    Ok(rx)
}

fn is_cancel(line: &str) -> bool {
    matches!(parse_line(line, &|_| None), Ok(Incoming::Notification { method, .. }) if method == "$/cancel")
}

/// Returns the lines of a stream, and the fault of each that cannot be read.
pub fn lines(input: impl BufRead) -> impl Iterator<Item = Result<String, FrameError>> {
    let mut reader = LineReader::new(input);
    std::iter::from_fn(move || reader.next_line().transpose())
}

/// Serves the worker's protocol until there are no more lines. `interrupt`: what a cancel sets, where policies may go to a server.
///
/// # Errors
/// As the streams'.
pub fn run(
    lines: impl IntoIterator<Item = Result<String, FrameError>>,
    output: impl Write,
    interrupt: Option<Interrupt>,
) -> io::Result<()> {
    // The process ends right after: freeing a provider's data value by value would keep a processor from those that still work.
    let mut worker = ManuallyDrop::new(Worker {
        output,
        plugin: "rego".into(),
        input: None,
        interrupt,
        server: None,
        warnings: Vec::new(),
    });
    for line in lines {
        match line {
            Ok(line) => worker.line(line)?,
            Err(FrameError::Io(error)) => return Err(error),
            Err(FrameError::NotUtf8 { id: Some(id) }) => {
                let error = ErrorBody::new(code::PARSE, "a line is not UTF-8");
                worker.write(outgoing::error_line(&id, &error).as_bytes())?;
            }
            Err(fault) => worker.log(LogLevel::Error, &format!("a line was passed over: {fault}"))?,
        }
    }
    Ok(())
}

struct Worker<W> {
    output: W,
    plugin: String,
    input: Option<Input>,
    interrupt: Option<Interrupt>,
    server: Option<Server>,
    /// What to tell before the next answer.
    warnings: Vec<String>,
}

impl<W: Write> Worker<W> {
    fn line(&mut self, line: String) -> io::Result<()> {
        if let Some((id, input)) = large_data(&line) {
            drop(line);
            return self.settle(&id, DATA, Ok(Job::Data(input)));
        }
        let (id, method, job) = match parse_line(&line, &|_| None) {
            Ok(Incoming::Request { id, method, params }) => (
                id.to_owned(),
                method.clone().into_owned(),
                decode(&method, params),
            ),
            Ok(Incoming::Notification { .. } | Incoming::Response { .. }) => return Ok(()),
            Err(LineFault::Noise) => {
                return self.log(LogLevel::Warn, "a line that is no message was passed over");
            }
            Err(LineFault::Damaged { id, why, .. }) => {
                let Some(id) = id else {
                    return self.log(
                        LogLevel::Error,
                        &format!("a broken message was passed over: {why}"),
                    );
                };
                return self.write(
                    outgoing::error_line(&id, &ErrorBody::new(code::INVALID_REQUEST, why)).as_bytes(),
                );
            }
        };
        drop(line);
        self.settle(&id, &method, job)
    }

    /// Does what is asked, and answers.
    fn settle(&mut self, id: &str, method: &str, job: Result<Job, Failure>) -> io::Result<()> {
        let answered = job.and_then(|job| {
            let caught = catch_unwind(AssertUnwindSafe(|| self.answer(job)));
            caught.unwrap_or_else(|_| {
                Err(Failure::Body(ErrorBody::new(
                    code::INTERNAL,
                    "the Rego interpreter panicked",
                )))
            })
        });
        for warning in std::mem::take(&mut self.warnings) {
            self.log(LogLevel::Warn, &warning)?;
        }
        match answered {
            Ok((result, prints)) => {
                for print in prints {
                    self.log(LogLevel::Info, &print)?;
                }
                outgoing::write_response(&mut self.output, id, &result)
            }
            Err(failure) => {
                let body = failure.body(&self.plugin, method);
                self.write(outgoing::error_line(id, &body).as_bytes())
            }
        }
    }

    fn answer(&mut self, job: Job) -> Result<(Vec<u8>, Vec<String>), Failure> {
        let empty = || Ok((b"{}".to_vec(), Vec::new()));
        match job {
            Job::Initialize(plugin) => {
                self.plugin = plugin;
                let result = InitializeResult {
                    protocol: opsbox_protocol::VERSION,
                    plugin: PluginInfo {
                        name: "rego".into(),
                        version: env!("CARGO_PKG_VERSION").into(),
                    },
                    hooks: vec!["set_data".into(), "activate".into()],
                    features: vec![FEATURE.into()],
                    cancel: if self.interrupt.is_some() {
                        Cancel::Cooperative
                    } else {
                        Cancel::None
                    },
                };
                Ok((json!(result).to_string().into_bytes(), Vec::new()))
            }
            Job::Schema => Ok((schema().to_string().into_bytes(), Vec::new())),
            Job::SetData(settings) => {
                self.set(settings)?;
                empty()
            }
            Job::Activate => {
                if let Some(server) = &self.server {
                    server.reach()?;
                }
                empty()
            }
            Job::Nothing => empty(),
            Job::Data(input) => {
                self.input = Some(input);
                empty()
            }
            Job::Check(check, given, time) => {
                let input = self.given(given, &check.name)?;
                let answer = match &self.server {
                    None => check::run(&check, input, time)?,
                    Some(server) => {
                        let (answer, warning) = server.run(&check, &input, time);
                        self.warnings.extend(warning);
                        answer?
                    }
                };
                self.warnings.extend(answer.warnings.iter().cloned());
                Ok((answer.json(), answer.prints))
            }
            Job::Examine(check, given, time) => {
                let input = self.given(given, &check.name)?;
                let examined = check::examine(*check, input, time);
                let json = examined.json();
                let (warnings, prints) = examined
                    .answer
                    .map_or_else(|_| Default::default(), |answer| (answer.warnings, answer.prints));
                self.warnings.extend(warnings);
                Ok((json, prints))
            }
            Job::Test(suite) => Ok((json!(testing::run(&suite)?).to_string().into_bytes(), Vec::new())),
        }
    }

    /// Returns what a check is to see.
    fn given(&self, given: Given, check: &str) -> Result<Value, RegoError> {
        match (given, &self.input) {
            (Given::Own(input), _) => Ok(input),
            (Given::Kept, Some(kept)) => Ok(kept.value.clone()),
            (Given::Patched(patch), Some(kept)) => kept.with(&patch),
            (_, None) => Err(RegoError::NoData {
                check: check.to_owned(),
            }),
        }
    }

    fn set(&mut self, settings: Settings) -> Result<(), Failure> {
        if let Some(bytes) = settings.memory_bytes {
            stdio::limit_memory(bytes).map_err(|error| {
                let why = format!("cannot limit the memory to {bytes} bytes: {error}");
                Failure::Body(ErrorBody::new(code::CONFIG_INVALID, why))
            })?;
        }
        if let Some(url) = settings.opa_url {
            let interrupt = self.interrupt.clone().unwrap_or_default();
            self.server = Some(Server::at(&url, settings.authorities.as_deref(), interrupt)?);
        }
        Ok(())
    }

    fn log(&mut self, level: LogLevel, message: &str) -> io::Result<()> {
        let max = usize::try_from(limits::LOG_BYTES).unwrap_or(usize::MAX) / 4;
        let params = LogParams {
            level,
            message: shorten(message, max),
            fields: None,
        };
        let line = outgoing::notification_line("log", &params)?;
        self.write(line.as_bytes())
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.output.write_all(line)?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests;
