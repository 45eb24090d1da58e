//! What a person is told of a change that did not come about, or came about otherwise than asked.

use super::demand::Version;
use super::lock::{LockFile, Requested, normal};
use super::trouble::Trouble;
use crate::error::{Failure, Fault, Kind};
use crate::python::Interpreter;

/// Says why versions that were there are not kept; `python`: the installer passed over some that demand another Python than this one.
pub(super) fn anew(python: bool, was: Option<Version>, base: &Interpreter) -> String {
    let is = base.version;
    if python && was.is_some_and(|was| (was.0, was.1) != (is.0, is.1)) {
        return format!(
            "not all versions that were there accept Python {}; all are chosen anew",
            base.version_text()
        );
    }
    "the versions that were there cannot all be kept with what is wanted now; all are chosen anew".to_owned()
}

/// A fault of something that was added at an earlier time.
pub(super) fn earlier(fault: Fault, old: &Requested) -> Failure {
    let message = format!("what was added before as `{}`: {}", old.name, fault.message);
    let hint = format!(
        "put it back, or take it away with `opsbox plugins remove {}`",
        old.name
    );
    Failure::run(Fault::new(message).hint(hint))
}

/// Says why a name cannot be removed; `None` where it can.
pub(super) fn not_added(lock: &LockFile, name: &str) -> Option<Fault> {
    let wanted = normal(name);
    if lock.requested.iter().any(|old| old.name == wanted) {
        return None;
    }
    let added: Vec<&str> = lock.requested.iter().map(|old| old.name.as_str()).collect();
    let fault = if lock.package(name).is_some() {
        Fault::new(format!(
            "`{name}` was not added by itself: another package needs it"
        ))
    } else {
        let mut fault = Fault::new(format!("`{name}` is not in the managed environment"));
        fault
            .hints
            .extend(crate::suggest::did_you_mean(&wanted, added.iter().copied()));
        fault
    };
    Some(fault.hint(format!("what was added: {}", added.join(", "))))
}

/// Turns a trouble into what a person is told.
pub(super) fn failure(trouble: Trouble) -> Failure {
    let unchanged = "nothing was changed";
    match trouble {
        Trouble::Interrupted => Failure {
            kind: Kind::Interrupted,
            faults: vec![Fault::new(format!("interrupted; {unchanged}"))],
        },
        Trouble::Python(demands) => Failure::run(Fault::new(demands.join("; "))),
        Trouble::Conflict { fault, .. } | Trouble::Failed(fault) => Failure::run(fault.hint(unchanged)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn why_versions_are_not_kept_is_said_as_it_is() {
        let base = Interpreter {
            version: (3, 13, 1),
            ..Interpreter::unknown(Path::new("/p"))
        };
        let kept =
            "the versions that were there cannot all be kept with what is wanted now; all are chosen anew";
        assert_eq!(anew(false, Some((3, 11, 7)), &base), kept);
        assert_eq!(anew(true, Some((3, 13, 0)), &base), kept);
        assert_eq!(
            anew(true, Some((3, 11, 7)), &base),
            "not all versions that were there accept Python 3.13.1; all are chosen anew"
        );
    }
}
