//! The end of a process, and what it leaves behind.

use std::time::{Duration, Instant};

use opsbox_protocol::Hook;

use super::Act;
use crate::conform::look;
use crate::conform::scene::{Ending, Look, Scene};
use crate::conform::stage::{END_LIMIT, END_PATIENCE};
use crate::conform::wire::Next;
use crate::plugin::guardian;

impl Act<'_> {
    /// Ends the process in good order and returns the record.
    pub(crate) async fn end(mut self) -> Scene {
        if !self.over {
            self.ask("shutdown", Hook::Shutdown.method(), "{}").await;
        }
        self.leave().await
    }

    /// Closes stdin, waits for the end and returns the record.
    pub(crate) async fn leave(mut self) -> Scene {
        let Some(mut wire) = self.wire.take() else {
            return self.scene;
        };
        let patience = self.stage.limit.unwrap_or(END_PATIENCE).max(END_LIMIT);
        let patience = self.stage.once("the end", patience).max(END_LIMIT);
        let before = wire.process.has_ended();
        self.scene.entries.push(wire.close());
        let since = Instant::now();
        let end = wire.ended(patience).await;
        if end.is_none() {
            self.stage.in_vain("the end");
        }
        let after_eof = end.map(|_| if before { Duration::ZERO } else { since.elapsed() });
        // What it wrote before it died is still in the pipe; a child of its own may hold that open.
        let until = Instant::now() + Duration::from_millis(500);
        while end.is_some()
            && let Next::Line(entry) = wire.next(until, patience).await
        {
            self.scene.entries.push(entry);
        }
        while let Some(entry) = wire.ready() {
            self.scene.entries.push(entry);
        }
        let pid = wire.process.id();
        let family = look::family(pid, &self.run_id);
        let left = family.iter().filter(|seen| seen.pid != pid && seen.group != pid);
        let left = left.map(|seen| format!("process {} (`{}`) lives on", seen.pid, seen.name));
        self.scene.ending = Some(Ending {
            after_eof,
            patience,
            code: end.and_then(|end| match end {
                crate::plugin::process::End::Status(status) => status.code(),
                crate::plugin::process::End::Unknown => None,
            }),
            words: end.map_or_else(
                || "did not end".to_owned(),
                |end| crate::plugin::process::describe(end).0,
            ),
            left: left.collect(),
        });
        // Its last words are on their way for a moment longer.
        let _drained = wire.process.stderr_tail().await;
        let (files, exposed) = (self.files(), look::exposed(&self.root()));
        self.scene.looks.push(Look {
            when: "ended",
            sockets: Vec::new(),
            files,
            exposed,
            strays: Vec::new(),
            commands: Vec::new(),
            stdout_is_wire: None,
        });
        drop(wire.process);
        guardian::end_run(&self.run_id);
        let mut stderr = wire
            .stderr
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.scene.stderr = std::mem::take(&mut *stderr);
        drop(stderr);
        self.scene
    }
}
