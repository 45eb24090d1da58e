//! Strangers who mean harm: files that others may change, text that acts on a terminal, policies that reach out, pins that do not fit.

mod manifests;
mod pinned;
mod policies;
mod pythons;
mod terminal;
mod trusted;

use crate::support::{Sandbox, result};

/// A sandbox with an input `look` that finds one thing, in a script of its own.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.input("look", &[result("fault", "look", "[{\"id\":\"a\"}]")]);
    sandbox
}
