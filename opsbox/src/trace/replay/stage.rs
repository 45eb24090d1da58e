//! The plugin under way: what is sent to it, what it says, and where that differs from the trace.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::{Call, Play, Played};
use crate::trace::compare::{Difference, Leniency, compare};
use crate::trace::shape::Side;
use crate::trace::show::Said;

/// The lines of the plugin as they come.
type Lines = tokio::sync::mpsc::UnboundedReceiver<String>;

async fn read(stdout: ChildStdout, tell: tokio::sync::mpsc::UnboundedSender<String>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if tell.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
        line.clear();
    }
}

pub(super) struct Stage {
    stdin: Option<ChildStdin>,
    said: Lines,
    reader: JoinHandle<()>,
    limit: Duration,
    answers: BTreeMap<String, (Instant, Result<Value, Value>)>,
    requests: VecDeque<(Value, String, Value)>,
    /// Gaps and output since the last answer.
    told: Vec<Value>,
}

/// A request of the host that is under way.
struct Open {
    call: usize,
    sent: Instant,
    then_ms: f64,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Stage {
    /// Begins to listen to a plugin.
    pub(super) fn open(stdin: ChildStdin, stdout: ChildStdout, limit: Duration) -> Self {
        let (tell, said) = tokio::sync::mpsc::unbounded_channel();
        Self {
            stdin: Some(stdin),
            said,
            reader: tokio::spawn(read(stdout, tell)),
            limit,
            answers: BTreeMap::new(),
            requests: VecDeque::new(),
            told: Vec::new(),
        }
    }

    /// Ends the plugin's input.
    pub(super) fn close(&mut self) {
        self.stdin = None;
    }

    /// Plays line after line; stops with the reason where the plugin does not go along.
    pub(super) async fn perform(&mut self, play: &Play<'_>, played: &mut Played) -> Result<(), String> {
        let mut open: BTreeMap<String, Open> = BTreeMap::new();
        // Ids of the plugin's requests: as in the trace, and as they are now.
        let mut ids: BTreeMap<String, Value> = BTreeMap::new();
        let mut told = Vec::new();
        for line in &play.trace.lines {
            match (line.from, Said::of(line)) {
                (Side::Host, Said::Request(id, method, _)) => {
                    self.send(&play.dressed(&line.line)).await?;
                    let call = Call::new(&id, method);
                    played.calls.push(call);
                    let call = played.calls.len() - 1;
                    let sent = Instant::now();
                    open.insert(
                        id.to_string(),
                        Open {
                            call,
                            sent,
                            then_ms: line.ms,
                        },
                    );
                }
                (Side::Host, Said::Answer(id, _)) => {
                    let Some(now) = ids.get(&id.to_string()) else {
                        continue;
                    };
                    self.send(&with_id(&line.line, &id, now)).await?;
                }
                (Side::Host, _) => self.send(&line.line).await?,
                (Side::Plugin, Said::Request(id, method, params)) => {
                    let (now, differences) = self.asked(&method, &params, &play.leniency).await?;
                    ids.insert(id.to_string(), now);
                    let call = Call::new(&id, method);
                    played.calls.push(Call { differences, ..call });
                }
                (Side::Plugin, Said::Answer(id, then)) => {
                    let Some(under_way) = open.remove(&id.to_string()) else {
                        continue;
                    };
                    let call = &mut played.calls[under_way.call];
                    let (when, now) = self.answer(&id.to_string(), &call.method).await?;
                    call.then_ms = Some(line.ms - under_way.then_ms);
                    call.now_ms = Some((when - under_way.sent).as_secs_f64() * 1e3);
                    if line.is_whole() {
                        call.differences = differences(&then, &now, &play.leniency);
                    }
                    let (then, now) = (
                        json!(std::mem::take(&mut told)),
                        json!(std::mem::take(&mut self.told)),
                    );
                    call.differences
                        .extend(
                            compare(&then, &now, &play.leniency)
                                .into_iter()
                                .map(|found| Difference {
                                    path: format!("(gaps and output){}", found.path),
                                    ..found
                                }),
                        );
                }
                (Side::Plugin, Said::Notification(method, params)) => told.extend(telling(&method, params)),
                (Side::Plugin | Side::Stderr | Side::Process, _) => {}
            }
        }
        for (id, under_way) in open {
            let call = &mut played.calls[under_way.call];
            if let Ok((when, now)) = self.answer(&id, &call.method).await {
                call.now_ms = Some((when - under_way.sent).as_secs_f64() * 1e3);
                call.differences.push(Difference {
                    path: "(the answer)".into(),
                    then: None,
                    now: Some(now.unwrap_or_else(|error| json!({"error": error}))),
                });
            }
        }
        Ok(())
    }

    async fn send(&mut self, line: &str) -> Result<(), String> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        let line = format!("{line}\n");
        let written = tokio::time::timeout(self.limit, stdin.write_all(line.as_bytes())).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the plugin has closed its standard input, or ended".into()),
            Err(_) => Err("the plugin does not read its standard input".into()),
        }
    }

    /// Waits for the answer to a request of the host.
    async fn answer(&mut self, id: &str, method: &str) -> Result<(Instant, Result<Value, Value>), String> {
        let until = Instant::now() + self.limit;
        loop {
            if let Some(answer) = self.answers.remove(id) {
                return Ok(answer);
            }
            self.hear(until, &format!("no answer to `{method}`")).await?;
        }
    }

    /// Waits for a request of the plugin.
    async fn asked(
        &mut self,
        method: &str,
        params: &Value,
        leniency: &Leniency,
    ) -> Result<(Value, Vec<Difference>), String> {
        let until = Instant::now() + self.limit;
        loop {
            if let Some((id, now_method, now)) = self.requests.pop_front() {
                let mut differences = compare(params, &now, leniency);
                if now_method != method {
                    differences.push(Difference {
                        path: "(the method)".into(),
                        then: Some(method.into()),
                        now: Some(now_method.into()),
                    });
                }
                return Ok((id, differences));
            }
            self.hear(until, &format!("it did not ask `{method}`")).await?;
        }
    }

    async fn hear(&mut self, until: Instant, lacking: &str) -> Result<(), String> {
        let line = match tokio::time::timeout_at(until.into(), self.said.recv()).await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(format!("{lacking}: the plugin has closed its output, or ended")),
            Err(_) => return Err(format!("{lacking} within {} s", self.limit.as_secs())),
        };
        match Said::of_text(&line) {
            Said::Request(id, method, params) => self.requests.push_back((id, method, params)),
            Said::Notification(method, params) => self.told.extend(telling(&method, params)),
            Said::Answer(id, outcome) => {
                self.answers.insert(id.to_string(), (Instant::now(), outcome));
            }
            Said::Other => {}
        }
        Ok(())
    }
}

/// Returns what of a notification is compared: gaps and output. Logs and progress are about the way, not the answer.
fn telling(method: &str, mut params: Value) -> Option<Value> {
    match method {
        "gap" | "output" => {
            // The id is that of the call, which is the same in both.
            params.as_object_mut()?.remove("id");
            Some(params)
        }
        _ => None,
    }
}

fn differences(
    then: &Result<Value, Value>,
    now: &Result<Value, Value>,
    leniency: &Leniency,
) -> Vec<Difference> {
    match (then, now) {
        (Ok(then), Ok(now)) => compare(then, now, leniency),
        (Err(then), Err(now)) => {
            let mut leniency = leniency.clone();
            if !leniency.strict {
                // It names lines of files that are elsewhere, or were changed.
                leniency.ignore.push("traceback".into());
            }
            compare(&json!({"error": then}), &json!({"error": now}), &leniency)
        }
        (then, now) => {
            let shown = |outcome: &Result<Value, Value>| match outcome {
                Ok(result) => json!({"result": result}),
                Err(error) => json!({"error": error}),
            };
            vec![Difference {
                path: "(the answer)".into(),
                then: Some(shown(then)),
                now: Some(shown(now)),
            }]
        }
    }
}

/// Returns the host's answer with the id that the plugin gave its request now; the host writes the id before the payload.
fn with_id(line: &str, then: &Value, now: &Value) -> String {
    line.replacen(&format!("\"id\":{then}"), &format!("\"id\":{now}"), 1)
}
