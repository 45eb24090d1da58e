//! The steps of a life: the handshake, the configuration, a fence, a look from outside.

use opsbox_protocol::message::{FEATURES, HostInfo, Limits, LogLevel};
use opsbox_protocol::{Hook, VERSION};
use serde_json::{Value, json};

use super::Act;
use crate::conform::look;
use crate::conform::scene::Look;
use crate::conform::stage::{Facts, NO_METHOD};

impl Act<'_> {
    /// Returns the parameters of `initialize`.
    pub(crate) fn hello(&self) -> Value {
        let line_bytes = self.stage.spec().map_or(0, |spec| spec.line_bytes);
        json!({
            "protocol": {"min": VERSION, "max": VERSION},
            "host": HostInfo {
                name: "opsbox".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                pid: std::process::id(),
            },
            "plugin": self.stage.manifest.name,
            "limits": Limits::with_line_bytes(line_bytes),
            "features": FEATURES,
            "log_level": LogLevel::Debug,
            "cwd": self.cwd(),
            "terminal": null,
        })
    }

    /// Shakes hands with these parameters; returns whether the plugin agreed.
    pub(crate) async fn greet(&mut self, params: &Value) -> bool {
        self.greeted = self
            .ask("initialize", Hook::Initialize.method(), &params.to_string())
            .await;
        self.greeted
    }

    /// Goes through the life cycle up to the first hook; returns whether the plugin is ready.
    pub(crate) async fn prepare(&mut self) -> bool {
        let hello = self.hello();
        self.greet(&hello).await && self.configure(&self.stage.facts.clone()).await
    }

    /// Hands over the configuration and activates.
    pub(crate) async fn configure(&mut self, facts: &Facts) -> bool {
        let params = json!({"config": facts.config}).to_string();
        let set = !facts.has(Hook::SetData) || self.ask("set_data", "set_data", &params).await;
        set && (!facts.has(Hook::Activate) || self.ask("activate", "activate", "{}").await)
    }

    /// Asks what every plugin answers: whatever came before has been read.
    pub(crate) async fn fence(&mut self, label: &'static str) {
        self.ask(label, NO_METHOD, "{}").await;
    }

    /// Looks at the process from outside.
    pub(crate) fn look(&mut self, when: &'static str) {
        let Some(wire) = self.wire.as_ref().filter(|_| !self.over) else {
            return;
        };
        let pid = wire.process.id();
        let family = look::family(pid, &self.run_id);
        let look = Look {
            when,
            sockets: look::sockets(pid),
            files: self.files(),
            exposed: look::exposed(&self.root()),
            strays: look::strays(pid, &family),
            commands: look::commands(&family),
            stdout_is_wire: wire.stdout_inode.and_then(|inode| look::writes_to(pid, inode)),
        };
        self.scene.looks.push(look);
    }

    pub(super) fn files(&self) -> Vec<String> {
        let files = look::files(&self.root()).into_iter();
        files
            .filter(|name| !["a", "a/b", "a/b/work"].contains(&name.as_str()))
            .collect()
    }
}
