//! Sessions of the host with the children of `child.rs`, started as the host starts plugins.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opsbox::error::Fault;
use opsbox::halt::{self, Halt};
use opsbox::plugin::launch::{Clocks, SessionSpec};
use opsbox::plugin::process::ProcessSpec;
use opsbox::plugin::{Session, SessionContext};
use opsbox_protocol::limits;
use opsbox_protocol::message::LogLevel;
use tokio::sync::watch;

use crate::Outcome;

/// Sessions, and the signal that they listen to: dropping it would end what they wait for.
pub(crate) struct Host {
    ctx: SessionContext,
    halt: watch::Sender<Halt>,
}

impl Host {
    pub(crate) fn new() -> Outcome<Self> {
        let ctx = SessionContext {
            executable: std::env::current_exe()?,
            variables: Default::default(),
            cwd: std::env::current_dir()?,
            run_id: "bench".into(),
            interpreter: Err(Fault::new("no Python here")),
            bridge: Err("no Python here".into()),
            hook_total: None,
            max_line: None,
            max_memory: None,
            max_cpu: None,
            restarts: None,
            meter: Arc::default(),
            log_level: LogLevel::Info,
            terminal: None,
            legacy_environment: false,
            guardian: None,
            no_zygote: true,
            zygotes: None,
            secrets: Default::default(),
            traces: None,
        };
        Ok(Self {
            ctx,
            halt: halt::channel().0,
        })
    }

    /// Starts a child with the clocks that every plugin has.
    pub(crate) async fn start(&self, role: &[&str]) -> Outcome<Session> {
        let limit = |seconds| Some(Duration::from_secs(seconds));
        let spec = SessionSpec {
            name: role.join(" "),
            process: ProcessSpec {
                program: own()?,
                args: std::iter::once("child")
                    .chain(role.iter().copied())
                    .map(Into::into)
                    .collect(),
                env: Default::default(),
                cwd: self.ctx.cwd.clone(),
                secrets: Default::default(),
                trace: None,
            },
            clocks: Clocks {
                handshake: limit(300),
                grab_config: limit(10),
                set_data: limit(10),
                activate: limit(60),
                hook_idle: limit(300),
                hook_total: limit(3600),
                cancel_grace: limit(5),
                stdin_stall: limit(10),
            },
            pinned: Vec::new(),
            bridged: false,
            line_bytes: limits::LEGACY_LINE_BYTES,
            caps: Default::default(),
            protocol: (1, 1),
            delivers: false,
            role_hook: None,
        };
        Ok(Session::start(spec, &self.ctx, Arc::new(|_| ()), self.halt.subscribe()).await?)
    }
}

/// Returns this program, which is its own child.
pub(crate) fn own() -> Outcome<PathBuf> {
    Ok(std::env::current_exe()?)
}

/// Runs a figure on the host's kind of runtime, and in a task as a run's steps are: the runtime's own future is polled at a higher price.
pub(crate) fn run(figure: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::spawn(figure).await? })
}
