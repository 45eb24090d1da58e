//! The table of faults: a name, what it does, when, and how.

use std::time::Duration;

use crate::call::Call;
use crate::wire::Wire;
use crate::{framing, life_cycle, semantics, start, watching};

/// When a fault acts. It then answers itself, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Before anything is read.
    Start,
    /// Before every line that came.
    Line,
    /// In the place of the answer to `initialize`.
    Hello,
    /// In the place of the answer to `grab_config`.
    Schema,
    /// In the place of the answer to `set_data`.
    Configure,
    /// In the place of the answer to `activate`.
    Activate,
    /// In the place of the answer to the hook of its role.
    Work,
    /// When the host answers a request; of `"p5"` the id is 5.
    Answer,
    /// When a call is cancelled.
    Cancel,
    /// In the place of the answer to `shutdown`.
    Shutdown,
    /// At the end of stdin.
    End,
    /// Never: it is only its way with the wire.
    Never,
}

/// One thing that a plugin can do wrong. One that acts at several times has several rows of the same name.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub does: &'static str,
    pub at: At,
    pub act: fn(&Call),
    pub wire: Wire,
}

/// Makes a row of the table.
pub const fn fault(name: &'static str, does: &'static str, at: At, act: fn(&Call)) -> Fault {
    Fault {
        name,
        does,
        at,
        act,
        wire: Wire::Plain,
    }
}

/// Makes a row for a plugin that does everything right, on a strange wire.
pub const fn on_wire(name: &'static str, does: &'static str, wire: Wire) -> Fault {
    Fault {
        wire,
        ..fault(name, does, At::Never, |_| {})
    }
}

fn all() -> impl Iterator<Item = &'static Fault> {
    [
        watching::FAULTS,
        start::FAULTS,
        framing::FAULTS,
        semantics::FAULTS,
        life_cycle::FAULTS,
    ]
    .into_iter()
    .flatten()
}

/// Returns the first row of a fault.
pub fn find(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.name == name)
}

/// Returns the names of all faults, each with what it does.
pub fn listed() -> String {
    all()
        .map(|fault| format!("{}: {}\n", fault.name, fault.does))
        .collect()
}

/// Does what the fault does at this time; returns false where it does nothing then.
pub fn act(at: At, call: &Call) -> bool {
    let row = all().find(|fault| fault.name == call.fault && fault.at == at);
    row.inspect(|fault| (fault.act)(call)).is_some()
}

/// Does nothing until somebody ends the process.
pub fn forever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
