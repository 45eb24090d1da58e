//! The section `units`: what systemd says has failed.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::root::{Missing, Root};

/// How long systemd may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Units {
    systemd: bool,
    failed: Vec<Unit>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Unit {
    unit: String,
    load: String,
    active: String,
    sub: String,
}

pub(super) fn units(root: &Root) -> Result<Units, Missing> {
    // The mark that systemd itself names for "systemd runs here" (sd_booted).
    if !root.exists("/run/systemd/system") {
        return Ok(Units {
            systemd: false,
            failed: Vec::new(),
        });
    }
    let failed = ask()?.lines().filter_map(unit_of).collect();
    Ok(Units {
        systemd: true,
        failed,
    })
}

fn ask() -> Result<String, Missing> {
    let failure = |why: String| Missing::new("the failed units of systemd", why);
    let mut child = Command::new("systemctl")
        .args([
            "list-units",
            "--state=failed",
            "--all",
            "--full",
            "--plain",
            "--no-legend",
            "--no-pager",
        ])
        .env("SYSTEMD_COLORS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failure(format!("cannot start `systemctl`: {error}")))?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (tx, rx) = mpsc::channel();
    let started = thread::Builder::new().spawn(move || {
        let mut texts = (String::new(), String::new());
        let read = out.as_mut().map(|out| out.read_to_string(&mut texts.0));
        let read_err = err.as_mut().map(|err| err.read_to_string(&mut texts.1));
        drop((read, read_err));
        // Nobody waits any more where it took too long.
        drop(tx.send(texts));
    });
    if let Err(error) = started {
        drop((child.kill(), child.wait()));
        return Err(failure(format!("cannot read from `systemctl`: {error}")));
    }
    let texts = rx.recv_timeout(PATIENCE);
    if texts.is_err() {
        drop(child.kill());
    }
    let status = child.wait().map_err(|error| failure(error.to_string()))?;
    match texts {
        Err(_) => Err(failure(format!(
            "`systemctl` did not answer within {} s",
            PATIENCE.as_secs()
        ))),
        Ok((_, err)) if !status.success() => Err(failure(format!(
            "`systemctl` failed: {}",
            err.lines().next().unwrap_or("no message")
        ))),
        Ok((out, _)) => Ok(out),
    }
}

/// Reads a line: `nginx.service loaded failed failed A web server`.
fn unit_of(line: &str) -> Option<Unit> {
    let mut words = line
        .split_whitespace()
        .filter(|word| *word != "●" && *word != "*")
        .map(str::to_owned);
    Some(Unit {
        unit: words.next()?,
        load: words.next()?,
        active: words.next()?,
        sub: words.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    #[test]
    fn a_machine_without_systemd_has_no_units_and_no_gap() {
        let (_temp, root) = root(&[]);
        assert_eq!(
            units(&root).expect("looked"),
            Units {
                systemd: false,
                failed: Vec::new()
            }
        );
    }

    #[test]
    fn a_line_is_read_with_or_without_its_mark() {
        let wanted = |unit: &str| Some([unit, "loaded", "failed", "failed"].map(str::to_owned));
        for line in [
            "nginx.service loaded failed failed A web server",
            "● nginx.service loaded failed failed A web",
        ] {
            let unit = unit_of(line).map(|unit| [unit.unit, unit.load, unit.active, unit.sub]);
            assert_eq!(unit, wanted("nginx.service"), "{line}");
        }
        assert_eq!(unit_of(""), None);
    }
}
