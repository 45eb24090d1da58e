//! The loop of a session: a reader thread that always listens, and the hooks one after the other on the caller's thread.

use std::any::Any;
use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use opsbox_protocol::message::{
    Cancel, CancelParams, InitializeParams, InitializeResult, LogLevel, LogParams, PluginInfo, SetDataParams,
};
use opsbox_protocol::{
    ErrorBody, FrameError, Hook, Incoming, LineFault, LineReader, VERSION, code, parse_line,
};

use crate::ctx::{Ctx, STEPS};
use crate::error::{Place, Result};
use crate::service::Service;
use crate::wire::{Reply, Wire};

/// What every plugin of this SDK answers beside the hooks of its role.
const LIFE_CYCLE: [Hook; 3] = [Hook::GrabConfig, Hook::SetData, Hook::Activate];
/// The additions to the protocol that this SDK knows for every plugin.
const FEATURES: [&str; 2] = ["gap", "output"];

/// A request that waits for its turn. Its parameters stay in the line they came in.
struct Call {
    id: u64,
    raw_id: String,
    hook: Hook,
    line: String,
    params: Option<Range<usize>>,
    cancelled: Arc<AtomicBool>,
}

impl Call {
    fn params(&self) -> &str {
        self.params.clone().map_or("{}", |range| &self.line[range])
    }
}

type Flags = Arc<Mutex<HashMap<u64, Arc<AtomicBool>>>>;

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
    };
    thread::spawn(move || {
        listener.listen(reader);
        at_eof();
        // Only a harness comes this far: a process has ended.
        listener.cancel_all();
    });
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

struct Listener {
    wire: Arc<Wire>,
    flags: Flags,
    calls: mpsc::Sender<Call>,
}

impl Listener {
    fn listen(&self, reader: impl Read) {
        let mut lines = LineReader::new(BufReader::with_capacity(64 * 1024, reader));
        loop {
            match lines.next_line() {
                Ok(Some(line)) => self.receive(line),
                Ok(None) | Err(FrameError::Io(_)) => break,
                Err(FrameError::NotUtf8 { id: Some(id) }) => {
                    let error = ErrorBody::new(code::PARSE, "a line is not UTF-8");
                    self.wire.refuse(&id, &error);
                }
                Err(error) => {
                    let message = format!("a message of the host was passed over: {error}");
                    self.wire.notify(
                        "log",
                        &LogParams {
                            level: LogLevel::Warn,
                            message,
                            fields: None,
                        },
                    );
                }
            }
        }
    }

    fn cancel_all(&self) {
        for flag in self.flags.lock().unwrap_or_else(PoisonError::into_inner).values() {
            flag.store(true, Ordering::Relaxed);
        }
    }

    fn receive(&self, line: String) {
        let (id, raw_id, hook, params) = match parse_line(&line, &|_| None) {
            Ok(Incoming::Request { id, method, params }) => {
                let place = Place {
                    plugin: "",
                    hook: &method,
                };
                let Ok(number) = id.parse::<u64>() else {
                    let error = place.sdk(code::INVALID_REQUEST, "the host's ids are integers from 1");
                    return self.wire.refuse(id, &error);
                };
                let Some(hook) = Hook::from_method(&method) else {
                    let error = place.sdk(code::METHOD_NOT_FOUND, format!("unknown method `{method}`"));
                    return self.wire.refuse(id, &error);
                };
                let range = params.map(|params| {
                    let start = params.get().as_ptr() as usize - line.as_ptr() as usize;
                    start..start + params.get().len()
                });
                (number, id.to_owned(), hook, range)
            }
            Ok(Incoming::Notification { method, params }) => {
                if method == "$/cancel"
                    && let Some(params) = params
                    && let Ok(CancelParams { id }) = serde_json::from_str(params.get())
                    && let Some(flag) = self.flags.lock().unwrap_or_else(PoisonError::into_inner).get(&id)
                {
                    flag.store(true, Ordering::Relaxed);
                }
                return;
            }
            Err(LineFault::Damaged {
                id: Some(id), why, ..
            }) => {
                let code = if why.starts_with("not valid JSON") {
                    code::PARSE
                } else {
                    code::INVALID_REQUEST
                };
                return self.wire.refuse(&id, &ErrorBody::new(code, why));
            }
            // Answers to requests that were never made, and what is no message at all.
            Ok(Incoming::Response { .. }) | Err(_) => return,
        };
        let cancelled = Arc::new(AtomicBool::new(false));
        self.flags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&cancelled));
        // The worker only goes away together with the session.
        drop(self.calls.send(Call {
            id,
            raw_id,
            hook,
            line,
            params,
            cancelled,
        }));
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
            hook: call.hook.method(),
        };
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(call, place)))
            .unwrap_or_else(|panic| Err(place.sdk(code::HOOK_FAILED, panic_text(&*panic))));
        let sent = answer.and_then(|reply| {
            self.wire
                .respond(call.hook.method(), &call.raw_id, &reply)
                .map_err(|error| place.sdk(code::HOOK_FAILED, error.to_string()))
        });
        if let Err(error) = sent {
            self.wire.refuse(&call.raw_id, &error);
        }
        if call.hook == Hook::Initialize
            && let Some(session) = &self.session
        {
            self.wire.set_line_bytes(session.limits.line_bytes);
        }
    }

    fn answer(&mut self, call: &Call, place: Place<'_>) -> Result<Reply, ErrorBody> {
        if call.hook == Hook::Initialize {
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
        match call.hook {
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
            .chain(role.hooks().contains(&Hook::ProcessResults).then_some(STEPS));
        let result = InitializeResult {
            protocol: VERSION,
            plugin: PluginInfo {
                name: params.plugin.clone(),
                version: self.service.version.to_owned(),
            },
            hooks: LIFE_CYCLE
                .iter()
                .chain(role.hooks())
                .map(|hook| hook.method().to_owned())
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
            format!("the parameters of `{}` have the wrong shape: {error}", call.hook),
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
    use std::io::{self, Write};

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
