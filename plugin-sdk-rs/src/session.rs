//! The loop of a session: a reader thread that always listens, and the hooks one after the other on the caller's thread.

use std::any::Any;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread;

use opsbox_protocol::message::{Cancel, InitializeParams, InitializeResult, PluginInfo, SetDataParams};
use opsbox_protocol::{ErrorBody, Hook, VERSION, code};

use crate::ctx::{Ctx, PRIVATE, STEPS};
use crate::error::{Place, Result};
use crate::listen::{Call, Flags, Listener, Method};
use crate::service::Service;
use crate::wire::{Reply, Wire};

/// What every plugin of this SDK answers beside the hooks of its role.
const LIFE_CYCLE: [Hook; 3] = [Hook::GrabConfig, Hook::SetData, Hook::Activate];
/// The additions to the protocol that this SDK knows for every plugin.
const FEATURES: [&str; 2] = ["gap", "output"];

/// The exit code for a machine that has no room for a thread, `EX_OSERR`.
const NO_THREAD: i32 = 71;

/// Runs a session until the host closes its side. `at_eof` is called on the reader's thread as soon as that happens, even
/// while a hook runs.
pub(crate) fn run(
    service: Service,
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    at_eof: impl FnOnce() + Send + 'static,
) {
    let wire = Arc::new(Wire::new(writer));
    let flags = Flags::default();
    let (tx, rx) = mpsc::channel();
    let listener = Listener {
        wire: Arc::clone(&wire),
        flags: Arc::clone(&flags),
        calls: tx,
        own: service.role.own_hooks(),
    };
    let started = thread::Builder::new().spawn(move || {
        listener.listen(reader);
        at_eof();
        // Only a harness comes this far: a process has ended.
        listener.cancel_all();
    });
    if let Err(error) = started {
        let _said = writeln!(
            std::io::stderr(),
            "cannot read the host's lines: no thread can be started: {error}"
        );
        std::process::exit(NO_THREAD);
    }
    let mut worker = Worker {
        service,
        wire,
        session: None,
        active: false,
    };
    for call in rx {
        worker.handle(&call);
        flags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&call.id);
    }
}

struct Worker {
    service: Service,
    wire: Arc<Wire>,
    session: Option<Arc<InitializeParams>>,
    active: bool,
}

impl Worker {
    fn handle(&mut self, call: &Call) {
        let plugin = self
            .session
            .as_ref()
            .map(|session| session.plugin.clone())
            .unwrap_or_default();
        let place = Place {
            plugin: &plugin,
            hook: call.method.name(),
        };
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(call, place)))
            .unwrap_or_else(|panic| Err(place.sdk(code::HOOK_FAILED, panic_text(&*panic))));
        let sent = answer.and_then(|reply| {
            self.wire
                .respond(call.method.name(), &call.raw_id, &reply)
                .map_err(|error| place.sdk(code::HOOK_FAILED, error.to_string()))
        });
        if let Err(error) = sent {
            self.wire.refuse(&call.raw_id, &error);
        }
        if call.method.is(Hook::Initialize)
            && let Some(session) = &self.session
        {
            self.wire.set_line_bytes(session.limits.line_bytes);
        }
    }

    fn answer(&mut self, call: &Call, place: Place<'_>) -> Result<Reply, ErrorBody> {
        if call.method.is(Hook::Initialize) {
            return self.initialize(call, place);
        }
        let Some(session) = self.session.clone() else {
            return Err(place.sdk(code::NOT_READY, "the first call must be `initialize`"));
        };
        if call.cancelled.load(Ordering::Relaxed) {
            return Err(place.sdk(code::CANCELLED, "cancelled before it began"));
        }
        let cancelled = Arc::clone(&call.cancelled);
        let ctx = Ctx::new(call.id, Arc::clone(&self.wire), session, cancelled);
        let reply = self.run(call, &ctx, place)?;
        match ctx.untold_gap() {
            None => Ok(reply),
            // The rule for a host that does not know gaps: an answer that looks whole must not be given.
            Some(gap) => Err(place.sdk(code::HOOK_FAILED, gap)),
        }
    }

    fn run(&mut self, call: &Call, ctx: &Ctx, place: Place<'_>) -> Result<Reply, ErrorBody> {
        let hook = match &call.method {
            Method::Known(hook) => *hook,
            Method::Own(name) if !self.active => {
                return Err(place.sdk(code::NOT_READY, format!("`activate` must come before `{name}`")));
            }
            Method::Own(name) => return self.service.role.call_own(name, call.params(), ctx, place),
        };
        match hook {
            Hook::GrabConfig => Ok(Reply::Json(self.service.role.schema().to_string())),
            Hook::SetData => {
                let params: SetDataParams = read(call, place)?;
                self.active = false;
                self.service
                    .role
                    .configure(params.config, place)
                    .map(|()| Reply::Empty)
            }
            Hook::Activate => {
                self.service.role.activate(ctx, place)?;
                self.active = true;
                Ok(Reply::Empty)
            }
            Hook::Shutdown => Ok(Reply::Empty),
            hook if !self.service.role.hooks().contains(&hook) => {
                Err(place.sdk(code::METHOD_NOT_FOUND, format!("the plugin has no hook `{hook}`")))
            }
            hook if !self.active => {
                Err(place.sdk(code::NOT_READY, format!("`activate` must come before `{hook}`")))
            }
            hook => self.service.role.call(hook, call.params(), ctx, place),
        }
    }

    fn initialize(&mut self, call: &Call, place: Place<'_>) -> Result<Reply, ErrorBody> {
        let params: InitializeParams = read(call, place)?;
        if !(params.protocol.min..=params.protocol.max).contains(&VERSION) {
            let message = format!(
                "the host speaks protocol {} to {}, this plugin speaks {VERSION}",
                params.protocol.min, params.protocol.max
            );
            let mut error = place.sdk(code::UNSUPPORTED_PROTOCOL, message);
            if let Some(data) = error.data.as_mut() {
                data["supported"] = serde_json::json!({"min": VERSION, "max": VERSION});
            }
            return Err(error);
        }
        let role = &self.service.role;
        // The first only for plugins that ask for its clock, the last only for outputs.
        let features = role
            .reports_progress()
            .then_some("progress")
            .into_iter()
            .chain(FEATURES)
            .chain(
                role.hooks()
                    .contains(&Hook::ProcessResults)
                    .then_some([STEPS, PRIVATE])
                    .into_iter()
                    .flatten(),
            );
        let result = InitializeResult {
            protocol: VERSION,
            plugin: PluginInfo {
                name: params.plugin.clone(),
                version: self.service.version.to_owned(),
            },
            hooks: LIFE_CYCLE
                .iter()
                .chain(role.hooks())
                .map(|hook| hook.method())
                .chain(role.own_hooks().iter().copied())
                .map(str::to_owned)
                .collect(),
            features: features.map(str::to_owned).collect(),
            cancel: Cancel::Cooperative,
        };
        self.session = Some(Arc::new(params));
        let text = serde_json::to_string(&result)
            .map_err(|error| place.sdk(code::INTERNAL, format!("cannot write the answer: {error}")))?;
        Ok(Reply::Json(text))
    }
}

fn read<T: serde::de::DeserializeOwned>(call: &Call, place: Place<'_>) -> Result<T, ErrorBody> {
    serde_json::from_str(call.params()).map_err(|error| {
        place.sdk(
            code::INVALID_PARAMS,
            format!(
                "the parameters of `{}` have the wrong shape: {error}",
                call.method.name()
            ),
        )
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("the hook panicked: {what}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;
    use crate::{NoConfig, Output, Plugin, ResultRef};

    struct Quiet;

    impl Plugin for Quiet {
        type Config = NoConfig;

        fn configure(_: NoConfig) -> Result<Self> {
            Ok(Self)
        }
    }

    impl Output for Quiet {
        fn process_results(&mut self, _: &[ResultRef<'_>], _: &Ctx) -> Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_request_that_is_not_utf8_is_answered() {
        let kept = Kept::default();
        let input = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"activate\",\"params\":{\"a\":\"\xff\"}}\n";
        run(Service::output::<Quiet>(), &input[..], kept.clone(), || {});
        let text = String::from_utf8(kept.0.lock().expect("no panic").clone()).expect("UTF-8");
        assert_eq!(
            text,
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32700,\"message\":\"a line is not UTF-8\"}}\n"
        );
    }
}
