//! The plugin under way: what is sent to it, what it answers, and where that differs from the trace.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};

use super::heard::{Beside, Heard, stray, telling};
use super::{Call, Play, Played};
use crate::plugin::process::{End, Process};
use crate::trace::compare::{Difference, Leniency, compare};
use crate::trace::said::Said;
use crate::trace::shape::{Side, TraceLine};

/// How long what an ended plugin wrote may take to arrive.
const REST: Duration = Duration::from_secs(1);

pub(super) struct Stage {
    stdin: Option<ChildStdin>,
    heard: Heard,
    limit: Duration,
    /// Requests of the host that are under way, by their ids.
    open: BTreeMap<String, Open>,
    /// Ids of the plugin's requests: as in the trace, and as they are now.
    ids: BTreeMap<String, String>,
    /// What the trace has beside calls since the last answer.
    then: Beside,
}

/// A request of the host that is under way.
struct Open {
    call: usize,
    sent: Instant,
    then_ms: f64,
}

impl Stage {
    /// Begins to listen to a plugin, which may write lines of up to `cap` bytes.
    pub(super) fn open(stdin: ChildStdin, stdout: ChildStdout, limit: Duration, cap: u64) -> Self {
        Self {
            stdin: Some(stdin),
            heard: Heard::open(stdout, cap),
            limit,
            open: BTreeMap::new(),
            ids: BTreeMap::new(),
            then: Beside::default(),
        }
    }

    /// Plays line after line; stops with the reason where the plugin does not go along.
    pub(super) async fn perform(&mut self, play: &Play<'_>, played: &mut Played) -> Result<(), String> {
        for line in &play.trace.lines {
            match line.from {
                Side::Host => self.say(play, line, played).await?,
                Side::Plugin => self.compare(line, &play.leniency, played).await?,
                Side::Stderr | Side::Process => {}
            }
        }
        for (id, under_way) in std::mem::take(&mut self.open) {
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

    /// Sends what the host sent.
    async fn say(&mut self, play: &Play<'_>, line: &TraceLine, played: &mut Played) -> Result<(), String> {
        match Said::of(line) {
            Said::Request(id, method, _) => {
                self.heard.expect(&id);
                let sent = Instant::now();
                self.send(&play.dressed(&line.line)).await?;
                played.calls.push(Call::new(&id, method));
                let call = played.calls.len() - 1;
                let open = Open {
                    call,
                    sent,
                    then_ms: line.ms,
                };
                self.open.insert(id, open);
                Ok(())
            }
            Said::Answer(id, _) => match self.ids.get(&id) {
                Some(now) => self.send(&with_id(&line.line, &id, now)).await,
                None => Ok(()),
            },
            _ => self.send(&line.line).await,
        }
    }

    /// Waits for what the plugin said, and compares it.
    async fn compare(
        &mut self,
        line: &TraceLine,
        leniency: &Leniency,
        played: &mut Played,
    ) -> Result<(), String> {
        let said = Said::of(line);
        let is_broken = matches!(said, Said::Broken(_));
        let (id, then) = match said {
            Said::Request(id, method, params) => {
                let params = line.is_whole().then_some(&params);
                let (now, differences) = self.asked(&method, params, leniency).await?;
                let call = Call::new(&id, method);
                played.calls.push(Call { differences, ..call });
                self.ids.insert(id, now);
                return Ok(());
            }
            Said::Notification(method, params) => {
                self.then.told.extend(telling(&method, params));
                return Ok(());
            }
            Said::Answer(id, then) => (Some(id), then),
            Said::Broken(id) => (id, Err(line.line.as_str().into())),
            Said::Other => return Ok(()),
        };
        let open = id.as_ref().and_then(|id| self.open.remove(id));
        let (Some(id), Some(under_way)) = (&id, open) else {
            let said = match id {
                Some(id) if !is_broken => stray(&id, then),
                _ => line.line.as_str().into(),
            };
            self.then.strays.push(said);
            return Ok(());
        };
        let call = &mut played.calls[under_way.call];
        let (when, now) = self.answer(id, &call.method).await?;
        call.then_ms = Some(line.ms - under_way.then_ms);
        call.now_ms = Some((when - under_way.sent).as_secs_f64() * 1e3);
        if line.is_whole() {
            call.differences = differences(&then, &now, leniency);
        }
        call.differences.extend(self.beside(leniency));
        Ok(())
    }

    /// Compares what was said beside calls until now.
    fn beside(&mut self, leniency: &Leniency) -> Vec<Difference> {
        self.heard.settled();
        let (then, now) = (&mut self.then, &mut self.heard.beside);
        let pairs = [
            ("(gaps and output)", &mut then.told, &mut now.told),
            ("(answers to nothing)", &mut then.strays, &mut now.strays),
        ];
        let mut found = Vec::new();
        for (what, then, now) in pairs {
            let (then, now) = (json!(std::mem::take(then)), json!(std::mem::take(now)));
            let places = compare(&then, &now, leniency).into_iter();
            found.extend(places.map(|place| Difference {
                path: format!("{what}{}", place.path),
                ..place
            }));
        }
        found
    }

    /// Ends the plugin's input, and hears what it says until its end.
    pub(super) async fn close(
        &mut self,
        process: &Process,
        limit: Duration,
        played: &mut Played,
    ) -> Option<End> {
        self.stdin = None;
        let ended = process.ended(limit);
        tokio::pin!(ended);
        let end = loop {
            let heard = tokio::select! {
                end = &mut ended => break end,
                heard = self.heard.next(), if !self.heard.is_over() => heard,
            };
            stop(played, heard);
        };
        process.signal(Signal::KILL);
        let until = Instant::now() + REST;
        while !self.heard.is_over() {
            match tokio::time::timeout_at(until.into(), self.heard.next()).await {
                Ok(heard) => stop(played, heard),
                Err(_) => break,
            }
        }
        end
    }

    /// Notes what the plugin said and nobody asked for: its further requests, and where `is_all`, what it said after its last answer.
    pub(super) fn rest(&mut self, leniency: &Leniency, is_all: bool, played: &mut Played) {
        for (id, method, params) in std::mem::take(&mut self.heard.requests) {
            let differences = vec![Difference {
                path: "(the request)".into(),
                then: None,
                now: Some(params),
            }];
            let call = Call::new(&id, method);
            played.calls.push(Call { differences, ..call });
        }
        let differences = self.beside(leniency);
        if is_all && !differences.is_empty() {
            let call = Call::new("-", "(after the last answer)".into());
            played.calls.push(Call { differences, ..call });
        }
    }

    async fn send(&mut self, line: &str) -> Result<(), String> {
        let Some(stdin) = &mut self.stdin else {
            return Ok(());
        };
        let line = format!("{line}\n");
        let writing = tokio::time::timeout(self.limit, stdin.write_all(line.as_bytes()));
        tokio::pin!(writing);
        // A plugin that nobody listens to may not read either.
        let written = loop {
            tokio::select! {
                written = &mut writing => break written,
                heard = self.heard.next(), if !self.heard.is_over() => heard?,
            }
        };
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
            if let Some(answer) = self.heard.answers.remove(id) {
                return Ok(answer);
            }
            self.hear(until, &format!("no answer to `{method}`")).await?;
        }
    }

    /// Waits for a request of the plugin; parameters that were cut are not compared.
    async fn asked(
        &mut self,
        method: &str,
        params: Option<&Value>,
        leniency: &Leniency,
    ) -> Result<(String, Vec<Difference>), String> {
        let until = Instant::now() + self.limit;
        loop {
            if let Some((id, now_method, now)) = self.heard.requests.pop_front() {
                let mut differences = params.map_or_else(Vec::new, |then| compare(then, &now, leniency));
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
        if !self.heard.is_over() {
            return match tokio::time::timeout_at(until.into(), self.heard.next()).await {
                Ok(heard) => heard.map_err(|why| format!("{lacking}: {why}")),
                Err(_) => Err(format!("{lacking} within {} s", self.limit.as_secs())),
            };
        }
        Err(format!("{lacking}: the plugin has closed its output, or ended"))
    }
}

/// Notes the first reason why the play stopped.
fn stop(played: &mut Played, heard: Result<(), String>) {
    if let Err(why) = heard {
        played.stopped.get_or_insert(why);
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
fn with_id(line: &str, then: &str, now: &str) -> String {
    line.replacen(&format!("\"id\":{then}"), &format!("\"id\":{now}"), 1)
}
