//! Watches a plugin's process and its stdin, so that nobody waits for an answer that cannot come.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::task::JoinHandle;

use super::error::PluginError;
use super::launch::Clocks;
use super::peer::Shared;
use super::process::{self, Process};
use super::writer::WriteFault;
use crate::manifest::Caps;
use crate::trace::Tracer;

/// Fails every call as soon as the plugin can no longer answer, with the cause.
pub(crate) async fn supervise(
    mut reading: JoinHandle<()>,
    caps: Caps,
    shared: Arc<Shared>,
    process: Arc<Process>,
    trace: Option<Arc<Tracer>>,
) {
    let forever = Duration::MAX;
    let end = tokio::select! {
        _ = &mut reading => process.ended(Duration::from_secs(1)).await,
        end = process.ended(forever) => {
            // What it wrote before it died is still in the pipe.
            let _in_time = tokio::time::timeout(Duration::from_secs(1), &mut reading).await;
            end
        }
    };
    if let Some(trace) = &trace {
        let how = end.map_or_else(|| "closed its output".to_owned(), |end| process::describe(end).0);
        trace.process(&how);
    }
    let when = shared.now();
    let error = match end {
        Some(end) => match caps.met_by(end, &when) {
            Some(error) => error,
            None => {
                let (how, guess) = process::describe(end);
                let stderr = process.stderr_tail().await;
                let guess = guess.or_else(|| caps.guess(stderr.iter().map(String::as_str)));
                PluginError::Exited {
                    how,
                    when,
                    guess,
                    stderr,
                }
            }
        },
        None => PluginError::ClosedStdout { when },
    };
    shared.fail_all(&error);
}

pub(crate) async fn watch_writer(
    writing: impl Future<Output = Result<(), WriteFault>>,
    shared: Arc<Shared>,
    process: Arc<Process>,
    clocks: Clocks,
) {
    let Err(fault) = writing.await else { return };
    let method = shared.in_flight().unwrap_or_default();
    match fault {
        WriteFault::Stalled => {
            shared.fail_all(&PluginError::Stalled {
                method,
                limit: clocks.stdin_stall.unwrap_or_default(),
            });
            process.signal(Signal::KILL);
        }
        WriteFault::Closed => {
            // The supervisor knows better where the process is dying.
            if process.ended(Duration::from_secs(1)).await.is_none() {
                shared.fail_all(&PluginError::protocol(
                    "it closed its stdin, so it can be told nothing",
                ));
            }
        }
    }
}
