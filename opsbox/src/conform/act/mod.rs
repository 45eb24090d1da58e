//! One process on the stage: bytes go out, answers are waited for, and what the plugin asks is answered as a host does.

mod ending;
mod steps;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use opsbox_protocol::{code, handler};
use serde_json::{Value, json};

use crate::manifest::{Kind, Manifest};
use crate::plugin::launch::SessionSpec;

use super::line::{Answer, Message};
use super::sample;
use super::scene::{Ask, Missed, Scene};
use super::stage::{PATIENCE, Stage, request};
use super::wire::{self, Next, Wire};

/// A process on the stage.
pub(crate) struct Act<'a> {
    stage: &'a Stage<'a>,
    wire: Option<Wire>,
    pub(crate) scene: Scene,
    root: Option<tempfile::TempDir>,
    run_id: String,
    next_id: u64,
    greeted: bool,
    over: bool,
    /// Answers to what the plugin asked; sent once nothing more is there to read, so that what it asks at once stands in a row.
    replies: Vec<String>,
}

impl<'a> Stage<'a> {
    /// Starts the plugin's process for a scene, in an empty folder.
    pub(crate) fn open(&'a self, name: &'static str) -> Act<'a> {
        let mut act = Act {
            stage: self,
            wire: None,
            scene: Scene {
                name,
                ..Scene::default()
            },
            root: None,
            run_id: format!("{}-{name}", self.ctx.run_id),
            next_id: 0,
            greeted: false,
            over: false,
            replies: Vec::new(),
        };
        if let Err(why) = act.begin() {
            act.scene.harness = Some(why);
            act.over = true;
        }
        act
    }
}

impl Act<'_> {
    fn begin(&mut self) -> Result<(), String> {
        let root = tempfile::Builder::new()
            .prefix("opsbox-test-")
            .tempdir()
            .map_err(|error| format!("cannot make a folder for the plugin: {error}"))?;
        let cwd = root.path().join("a/b/work");
        std::fs::create_dir_all(&cwd)
            .map_err(|error| format!("cannot make a folder for the plugin: {error}"))?;
        let mut ctx = self.stage.ctx.clone();
        ctx.cwd = cwd;
        ctx.run_id.clone_from(&self.run_id);
        let spec = SessionSpec::of(self.stage.manifest, &ctx).map_err(|error| error.to_string())?;
        let (halt, guardian) = (self.stage.halt.clone(), self.stage.ctx.guardian.as_ref());
        let opened = Wire::open(&spec.process, spec.line_bytes, halt, guardian);
        self.wire = Some(opened.map_err(|error| error.to_string())?);
        self.root = Some(root);
        Ok(())
    }

    /// Returns the folder that holds all folders of this process.
    pub(crate) fn root(&self) -> PathBuf {
        self.root
            .as_ref()
            .map(|root| root.path().to_owned())
            .unwrap_or_default()
    }

    /// Returns the working directory of the process.
    fn cwd(&self) -> PathBuf {
        self.root().join("a/b/work")
    }

    /// Listens for a while, though nothing is to be expected.
    pub(crate) async fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.over && self.wire.is_some() {
            match self.next(until, time).await {
                Next::Line(entry) => {
                    self.scene.entries.push(entry);
                    self.react();
                }
                // One that has ended is found out by the first request.
                Next::Nothing(_) => return,
            }
        }
    }

    /// Sends lines that nobody answers; each with its `\n`.
    pub(crate) async fn tell(&mut self, lines: &[&[u8]]) {
        for line in lines {
            let Some(wire) = self.wire.as_mut().filter(|_| !self.over) else {
                return;
            };
            let line = wire::line(*line);
            self.scene.entries.push(wire.sending(&[&line]));
            if let Err(missed) = wire.send(&[&line], PATIENCE).await {
                self.missed("tell", "", 0, missed);
            }
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: &Value) {
        let line = json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string();
        self.tell(&[line.as_bytes()]).await;
    }

    /// Makes a request and waits for its answer; returns whether it was answered with a result.
    pub(crate) async fn ask(&mut self, label: &'static str, method: &str, params: &str) -> bool {
        let id = self.id();
        let line = request(id, method, params);
        self.ask_pieces(label, method, id, &[&line]).await
    }

    /// Makes a request in a form of the caller's, in pieces, and waits for its answer.
    pub(crate) async fn ask_pieces(
        &mut self,
        label: &'static str,
        method: &str,
        id: u64,
        pieces: &[&[u8]],
    ) -> bool {
        if self.send(label, method, id, pieces).await {
            self.wait(label).await;
        }
        matches!(self.scene.answer(label), Some(Answer::Result(_)))
    }

    /// Sends a request without waiting; returns whether it was sent.
    pub(crate) async fn send(
        &mut self,
        label: &'static str,
        method: &str,
        id: u64,
        pieces: &[&[u8]],
    ) -> bool {
        let patience = self.stage.patience(method);
        let Some(wire) = self.wire.as_mut().filter(|_| !self.over) else {
            return false;
        };
        self.scene.entries.push(wire.sending(pieces));
        match wire.send(pieces, patience).await {
            Ok(()) => {
                self.note(label, method, id, None);
                true
            }
            Err(missed) => {
                self.missed(label, method, id, missed);
                false
            }
        }
    }

    fn missed(&mut self, label: &'static str, method: &str, id: u64, missed: Missed) {
        self.over = true;
        self.note(label, method, id, Some(missed));
    }

    fn note(&mut self, label: &'static str, method: &str, id: u64, missed: Option<Missed>) {
        self.scene.asks.push(Ask {
            label,
            method: method.to_owned(),
            id,
            sent: self.scene.entries.len().saturating_sub(1),
            answer: None,
            missed,
        });
    }

    /// Waits for the answer to a request that was sent.
    pub(crate) async fn wait(&mut self, label: &'static str) {
        let Some(index) = self.scene.asks.iter().position(|ask| ask.label == label) else {
            return;
        };
        let (method, id) = (self.scene.asks[index].method.clone(), self.scene.asks[index].id);
        let limit = self.stage.patience(&method);
        let until = Instant::now() + limit;
        // It may have come while another answer was waited for.
        self.scene.asks[index].answer = (0..self.scene.entries.len()).find(|at| self.answers(*at, id));
        while self.scene.asks[index].answer.is_none() {
            match self.next(until, limit).await {
                Next::Line(entry) => {
                    self.scene.entries.push(entry);
                    let at = self.scene.entries.len() - 1;
                    if self.answers(at, id) {
                        self.scene.asks[index].answer = Some(at);
                    } else {
                        self.react();
                    }
                }
                Next::Nothing(missed) => {
                    if matches!(missed, Missed::Late(_)) {
                        self.stage.in_vain(&method);
                    }
                    self.scene.asks[index].missed = Some(missed);
                    self.over = true;
                    return;
                }
            }
        }
    }

    fn answers(&self, at: usize, id: u64) -> bool {
        let id = id.to_string();
        let message = self.scene.got(at).and_then(|line| line.message());
        message.is_some_and(|message| message.is_response() && message.get("id") == Some(&id))
    }

    /// Returns the next line; where it has to be waited for, what the plugin asked is answered first.
    async fn next(&mut self, until: Instant, limit: Duration) -> Next {
        let gone = Missed::Ended("is gone".into());
        let ready = self.wire.as_mut().and_then(Wire::ready);
        if let Some(entry) = ready {
            return Next::Line(entry);
        }
        for reply in std::mem::take(&mut self.replies) {
            self.tell(&[reply.as_bytes()]).await;
        }
        match self.wire.as_mut() {
            Some(wire) => wire.next(until, limit).await,
            None => Next::Nothing(gone),
        }
    }

    /// Prepares the answer to what the plugin's last line asks, as a host gives it.
    fn react(&mut self) {
        let last = self.scene.entries.len() - 1;
        let message = self.scene.got(last).and_then(|line| line.message());
        let Some(message) = message.filter(|message| message.is_request()) else {
            return;
        };
        let reply = reply(message, self.stage.manifest, self.greeted);
        self.replies.extend(reply);
    }

    /// Returns the next id.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Goes on with this id.
    pub(crate) fn next_id_is(&mut self, id: u64) {
        self.next_id = id - 1;
    }
}

/// Returns the host's answer to a request of the plugin; `None` where its id cannot be answered.
fn reply(message: &Message, manifest: &Manifest, greeted: bool) -> Option<String> {
    let id = message.get("id")?;
    if !id.starts_with('"') && id.parse::<i64>().is_err() {
        return None;
    }
    let method = message.method().unwrap_or_default();
    let error = |code: i64, why: &str| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":\"{why}\"}}}}")
    };
    let result = |text: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{text}}}");
    if !greeted {
        return Some(error(
            code::NOT_READY,
            "a request before the answer to `initialize`",
        ));
    }
    if manifest.kind != Kind::Handler {
        return Some(error(code::METHOD_NOT_FOUND, "this host offers no such method"));
    }
    Some(match method.as_str() {
        handler::ACTIVE_PLUGINS => {
            let own = json!({
                "name": manifest.name, "type": "handler", "uses": manifest.uses, "hooks": ["process_plugin"],
                "stage": "handler", "handles": manifest.handles, "config": {}, "extra": {},
            });
            result(&json!({"plugins": [sample::served(manifest), own]}).to_string())
        }
        handler::CALL_HOOK => result(&sample::served_answer()),
        _ => error(code::METHOD_NOT_FOUND, "this host offers no such method"),
    })
}
