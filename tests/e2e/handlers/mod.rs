//! Handler plugins: in shell, Rust and Python, with plugins of any language.

mod calls;
mod failures;
mod python;
mod refusals;
mod samples;

use crate::support::Sandbox;

impl Sandbox {
    /// Adds a handler in shell of these types; `process` are the shell commands of its `process_plugin`.
    pub fn handler(&self, name: &str, handles: &[&str], process: &str, info: &str) {
        let more = format!("{info}---[handler]\nhandles = {handles:?}\n");
        self.shell(name, "handler", &[("process_plugin", process)], &more);
    }

    /// Adds the handler `scanning` of type `scanner`: it calls `scan` of the plugin and answers what that one answers.
    pub fn scanning(&self) {
        let process = "name_of; call $name scan '{\"deep\":true}'; [ -n \"$result\" ] || refused";
        self.handler("scanning", &["scanner"], process, "");
    }
}
