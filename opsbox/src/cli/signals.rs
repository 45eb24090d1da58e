//! Interrupts: what the first ones ask for, and that the last one ends the process whatever it is doing.
//!
//! They are watched in a thread of their own, so that a stdout or a file that takes nothing cannot hold them up. A signal that was ignored
//! when the process began stays ignored, as `nohup` and background jobs of a shell want it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::error::{Failure, Fault, Kind};
use crate::halt::{self, Halt, HaltSeen};
use crate::plugin::SessionContext;
use crate::plugin::guardian::Guardian;
use crate::ui::Ui;

/// How long a terminal may take for the note of a signal.
const TO_NOTE: Duration = Duration::from_millis(100);

/// What the signals of a run ask for, in order: the first cancels, the second ends everything.
pub const OF_A_RUN: &[(Halt, &str)] = &[
    (
        Halt::Cancel,
        "interrupted: cancelling what runs, delivering what was gathered; once more ends everything",
    ),
    (Halt::Abort, "interrupted again: ending everything now"),
];
/// What the signals of a command ask for that only asks plugins something.
pub const OF_A_QUESTION: &[(Halt, &str)] = &[(Halt::Abort, "interrupted: ending the plugins")];

/// What the signals ask for of a command that installs.
pub const OF_AN_INSTALLATION: &[(Halt, &str)] = &[(
    Halt::Abort,
    "interrupted: ending the installer, leaving everything as it was",
)];

/// The watch over the signals. When it is dropped there is nothing left to end in good order, and any signal ends the process at once.
pub struct Interrupts {
    seen: HaltSeen,
    over: Arc<AtomicBool>,
}

impl Interrupts {
    /// Begins to watch; each signal asks for the next of `steps`, and the one after the last ends the process at once.
    pub fn watch(ui: &Arc<Ui>, steps: &'static [(Halt, &'static str)]) -> Self {
        let (halt, seen) = halt::channel();
        let over = Arc::new(AtomicBool::new(false));
        let (ready_tx, ready) = mpsc::channel();
        let watching = {
            let (ui, over) = (Arc::clone(ui), Arc::clone(&over));
            move || watch_signals(&halt, steps, &ui, &over, ready_tx)
        };
        let started = std::thread::Builder::new().name("signals".into()).spawn(watching);
        // The sender is dropped where the signals cannot be watched.
        if started.is_err() || ready.recv().is_err() {
            ui.warn("signals cannot be watched; an interrupt ends the command without a summary");
        }
        Self { seen, over }
    }

    /// Returns where the sessions see the halt.
    pub fn halt(&self) -> HaltSeen {
        self.seen.clone()
    }

    /// Returns whether everything is to end now.
    pub fn aborted(&self) -> bool {
        *self.seen.borrow() == Halt::Abort
    }

    /// Fails where everything is to end now.
    ///
    /// # Errors
    /// A failure of the kind [`Kind::Interrupted`].
    pub fn check(&self) -> Result<(), Failure> {
        if !self.aborted() {
            return Ok(());
        }
        Err(Failure {
            kind: Kind::Interrupted,
            faults: vec![Fault::new("interrupted before there was an answer")],
        })
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// Lets a write beyond the limit of file sizes (`ulimit -f`) be an error like a full disk; without a handler it would end the process.
///
/// One that is ignored stays ignored, also for the plugins.
pub fn survive_size_limits() {
    let number = rustix::process::Signal::XFSZ.as_raw();
    if ignored() & (1 << (number - 1)) != 0 {
        return;
    }
    // Where there can be no handler there is nothing to lose but that.
    let _handled = signal(SignalKind::from_raw(number));
}

/// Gives sessions a guardian, which ends them where the host is killed, and begins to watch for signals.
pub fn guarded(
    ctx: &SessionContext,
    ui: &Arc<Ui>,
    steps: &'static [(Halt, &'static str)],
) -> (SessionContext, Interrupts) {
    let mut ctx = ctx.clone();
    match Guardian::start(&ctx.executable, &ctx.run_id) {
        Ok(guardian) => ctx.guardian = Some(Arc::new(guardian)),
        Err(error) => ui.warn(&format!(
            "plugins may outlive a killed host: no guardian: {error}"
        )),
    }
    (ctx, Interrupts::watch(ui, steps))
}

fn watch_signals(
    halt: &watch::Sender<Halt>,
    steps: &[(Halt, &'static str)],
    ui: &Arc<Ui>,
    over: &AtomicBool,
    ready: mpsc::Sender<()>,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        let ignored = ignored();
        let open = |kind: SignalKind| -> Result<Option<Signal>, ()> {
            if ignored & (1 << (kind.as_raw_value() - 1)) != 0 {
                return Ok(None);
            }
            signal(kind).map(Some).map_err(drop)
        };
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
            open(SignalKind::interrupt()),
            open(SignalKind::terminate()),
            open(SignalKind::hangup()),
        ) else {
            return;
        };
        // Whoever waits for it may be gone only with the process.
        let _told = ready.send(());
        let mut steps = steps.iter();
        loop {
            tokio::select! {
                () = next(&mut interrupt) => {}
                () = next(&mut terminate) => {}
                () = next(&mut hangup) => {}
            }
            let step = steps.next().filter(|_| !over.load(Ordering::SeqCst));
            let Some((step, note)) = step else {
                // The guardian ends the plugins.
                std::process::exit(i32::from(Kind::Interrupted.exit_code()));
            };
            let (ui, note) = (Arc::clone(ui), *note);
            let noting = tokio::task::spawn_blocking(move || ui.note(note));
            // A command may be over as soon as it is halted, so the note comes first; but a terminal that takes nothing holds up neither
            // the halt nor the next signal.
            let _in_time = tokio::time::timeout(TO_NOTE, noting).await;
            halt.send_replace(*step);
        }
    });
}

async fn next(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

/// Returns the signals that are ignored, as a mask; where the system does not tell, none is.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status)
}

fn mask(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        assert_eq!(
            mask("Name:\tx\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000001001\n"),
            0x1001
        );
        assert_eq!(mask("Name:\tx\n"), 0);
    }
}
