"""The loop of a plugin: a thread reads, the main thread serves the calls, a signal carries a cancel to it.

There is no asyncio here: hooks are ordinary functions, libraries expect the main thread, and importing it
costs more than all the rest.
"""

from __future__ import annotations

import _signal
import _thread
import os
import time
from _queue import SimpleQueue

from opsbox._wire import codec, message
from opsbox._wire.errors import (
    CANCELLED,
    HOOK_FAILED,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_READY,
    PARSE,
    UNSUPPORTED_PROTOCOL,
    Cancelled,
    HostError,
    WireError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from opsbox._wire.asking import Asking
    from opsbox._wire.channel import Channel

PROTOCOL = 1
_LIFE_CYCLE = ("grab_config", "set_data", "activate", "shutdown")
LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
_SIGNAL = getattr(_signal, "SIGUSR1", None)
_EXIT_GRACE_SECONDS = 1.2
_ABANDON_GRACE_SECONDS = 0.3
_WAKE_AGAIN_SECONDS = 0.02


class Call:
    """One request of the host.

    Attributes:
        id: The id's bytes, to be echoed.
        method: The method.
        params: Its parameters, an object.
        cancelled: Whether the host has cancelled it.
        held: What is let go only after the answer is out: freeing much takes as long as sending it.
    """

    __slots__ = ("cancelled", "gap", "held", "id", "interrupted", "key", "method", "params")

    def __init__(self, call_id: bytes, key: object, method: str, params: object) -> None:
        self.id = call_id
        self.key = key
        self.method = method
        self.params = params
        self.cancelled = False
        self.interrupted = False
        self.gap: dict | None = None
        self.held: object = None


class Loop:
    """Serves a session.

    Args:
        channel: The connection.
        service: What answers: `name`, `methods` (a container of method names), `keeps_order` (whether hooks
            before `set_data` and `activate` are refused), `hello(params)` → dict,
            `ready()` after the handshake, `answer(call)` → JSON bytes, `settle()` before each answer,
            `finish()` at the end, `abandon()` before the process is ended at once.
        in_process: True for a loop in a thread of a test: no signals, and the process is not ended.
    """

    def __init__(self, channel: Channel, service: object, in_process: bool = False) -> None:
        self.channel = channel
        self.service = service
        self.current: Call | None = None
        self.features: frozenset = frozenset()
        self.log_level = LEVELS["info"]
        self.log_bytes = 8 * 1024
        self.line_bytes = 0
        self._queue: SimpleQueue = SimpleQueue()
        self._pending: dict[object, Call] = {}
        self._asking: Asking | None = None
        self._making = _thread.allocate_lock()
        self._main = _thread.get_ident()
        self._home = os.getpid()
        self.elsewhere: Callable[[str, dict], None] | None = None
        self._interruptible = False
        self._greeted = False
        self._awaited: set[str] = set()
        self._in_process = in_process
        self._ended = _thread.allocate_lock()
        self._ended.acquire()

    def run(self) -> None:
        """Serves until the host closes the stream."""
        if not self._in_process and _SIGNAL is not None:
            _signal.signal(_SIGNAL, self._on_signal)
        _thread.start_new_thread(self._read, ())
        while True:
            call = self._queue.get()
            if call is None:
                break
            self._serve(call)
            call = None
        self.service.finish()
        if self._in_process:
            self._ended.release()

    def log(self, level: str, message: str, fields: dict | None = None) -> None:
        """Sends a log message, cut to the host's limit, if somebody will see it."""
        if LEVELS.get(level, 20) < self.log_level:
            return
        body = {"level": level, "message": cut(message, self.log_bytes)}
        if fields:
            body["fields"] = fields
        self.notify("log", body)

    def notify(self, method: str, body: dict) -> None:
        """Sends a notification; a cancel that came meanwhile takes effect after it."""
        if self.elsewhere is not None:
            self.elsewhere(method, body)
            return
        self.channel.notify(method, codec.encode_plain(body))
        if self._interruptible and _thread.get_ident() == self._main:
            self._interrupt()

    def gap(self, call: Call, body: dict) -> None:
        """Reports that part of what a call should have looked at could not be looked at."""
        if "gap" in self.features:
            self.notify("gap", {"id": call.key, **body})
        elif call.gap is None:
            call.gap = body

    def ask(self, call: Call, method: str, body: dict) -> object:
        """Asks the host during one of its calls and returns the answer; see `asking.Asking.ask`."""
        if os.getpid() != self._home:
            why = f"`{method}` in a forked process, which the host does not know"
            hint = "ask in the process that Opsbox started, not in a child of it"
            raise HostError(HOOK_FAILED, why, {"hint": hint})
        # Threads may ask at once, and answers find their way through one object only.
        with self._making:
            if self._asking is None:
                from opsbox._wire.asking import Asking

                self._asking = Asking(self.channel)
        self._asking.line_bytes = self.line_bytes
        # The body is user data: what JSON has no word for is converted, as in answers.
        payload = codec.encode({"id": call.key, **body}, lambda text: self.log("warn", text))
        try:
            return self._asking.ask(call, method, payload)
        except Cancelled:
            # The signal, which would do the same, may come later or, in a test, never.
            if _thread.get_ident() == self._main:
                call.interrupted = True
            raise

    def output(self, text: str, stream: str) -> None:
        """Shows text to the user; where the host does not know `output`, as log messages."""
        if "output" in self.features:
            self.notify("output", {"text": text, "stream": stream})
        else:
            for line in text.splitlines():
                self.log("info", line)

    def _read(self) -> None:
        while True:
            line = self.channel.line()
            if not line:
                break
            got = message.classify(line)
            line = None  # It may be hundreds of megabytes, and the next one may be long in coming.
            self._sort(got)
            got = None
        for call in list(self._pending.values()):
            self._cancel(call)
        self._queue.put(None)
        if not self._in_process and not self._ended.acquire(True, _EXIT_GRACE_SECONDS):
            # Saving what was printed may block, where the host no longer reads. The end must not.
            _thread.start_new_thread(self._abandon, ())
            self._ended.acquire(True, _ABANDON_GRACE_SECONDS)
            os._exit(0)

    def _abandon(self) -> None:
        self.service.abandon()
        self._ended.release()

    def _sort(self, got: message.Message) -> None:
        """Queues a request, carries out a cancel, hands on an answer that somebody waits for."""
        if got.kind == message.REQUEST:
            call = self._pending[got.id] = Call(got.raw_id, got.id, got.method, got.params)
            self._queue.put(call)
        elif got.kind == message.NOTIFICATION and got.method == "$/cancel":
            key = got.params.get("id") if isinstance(got.params, dict) else None
            call = self._pending.get(key) if isinstance(key, (int, str)) else None
            if call is not None:
                self._cancel(call)
        elif got.kind == message.RESPONSE:
            if self._asking is not None:
                self._asking.answered(got)
        elif got.kind == message.FAULT and got.is_request and got.id is not None:
            self.channel.error(got.raw_id, PARSE if got.is_damaged else INVALID_REQUEST, got.why, None)
        elif got.kind in (message.FAULT, message.NOISE):
            self.log("warn", f"passed over a line of the host: {got.why or 'no message of the protocol'}")

    def _cancel(self, call: Call) -> None:
        call.cancelled = True
        if self._asking is not None:
            self._asking.cancel(call)
        if call is self.current and not self._in_process and _SIGNAL is not None:
            _thread.start_new_thread(self._wake, (call,))

    def _wake(self, call: Call) -> None:
        """Signals the main thread until it has noticed.

        A signal, not only a flag: it also wakes a hook that sleeps or waits for a socket. Once is not enough:
        one that comes just before the thread begins to wait is not seen until that ends. Where the plugin
        has taken the signal for itself none is sent: it could even end the process.
        """
        while call is self.current and not call.interrupted and _signal.getsignal(_SIGNAL) == self._on_signal:
            _signal.pthread_kill(self._main, _SIGNAL)
            time.sleep(_WAKE_AGAIN_SECONDS)

    def _on_signal(self, *_: object) -> None:
        self._interrupt()

    def _interrupt(self) -> None:
        """Raises, if the call is cancelled, its user code runs, and no line is half written."""
        call = self.current
        if (
            call is not None
            and call.cancelled
            and self._interruptible
            and not self.channel.masked
            and not call.interrupted
        ):
            call.interrupted = True
            raise Cancelled("the host has cancelled this call")

    def _serve(self, call: Call) -> None:
        payload, error = b"", None
        try:
            self.current = call
            payload = self._answer(call)
        except Cancelled:
            error = self._cancelled(call)
        except WireError as err:
            error = self._cancelled(call) if call.interrupted else err
        except BaseException as err:
            # The service turns what user code raises into a WireError; this is a fault of our own.
            from opsbox._wire import faults

            error = faults.internal(err, self.service.name, call.method)
        self._interruptible = False
        self.service.settle()
        self._pending.pop(call.key, None)
        if error is None:
            self.channel.result(call.id, payload)
        else:
            self.channel.error(call.id, error.code, error.message, error.data)
        self.current = None
        if error is None and call.method == "initialize":
            self.service.ready()
        elif error is None and call.method == "shutdown" and not self._in_process:
            self.channel.mute()  # The protocol allows no message after this answer.

    def _answer(self, call: Call) -> bytes:
        if call.params is None:
            call.params = {}
        if not isinstance(call.params, dict):
            raise WireError(INVALID_PARAMS, "`params` must be an object")
        if call.method == "initialize":
            return self._hello(call.params)
        if not self._greeted:
            raise WireError(NOT_READY, f"`{call.method}` before `initialize`")
        if call.method not in self.service.methods:
            raise WireError(METHOD_NOT_FOUND, f"unknown method `{call.method}`")
        if self._awaited and call.method not in _LIFE_CYCLE:
            missing = min(self._awaited, key=_LIFE_CYCLE.index)
            raise WireError(NOT_READY, f"`{call.method}` before `{missing}`")
        try:
            self._interruptible = True
            if call.cancelled:
                raise Cancelled
            payload = self.service.answer(call)
            self._awaited.discard(call.method)
        finally:
            self._interruptible = False
        if call.gap is not None:
            why = f"`{call.method}` could not look at {call.gap['what']}: {call.gap['why']}"
            data = {"origin": "plugin", "plugin": self.service.name, "hook": call.method}
            raise WireError(HOOK_FAILED, why, {**data, "hint": call.gap.get("remedy", "see the log")})
        if self.line_bytes and len(payload) + 64 > self.line_bytes:
            why = f"has {len(payload)} bytes, {self.line_bytes} are allowed"
            raise self._unsendable(call, why, "raise `[limits] line` in the manifest, or `--max-line`")
        if message.is_too_deep(payload, 1):
            why = f"nests more than {message.MAX_DEPTH - 1} levels deep"
            raise self._unsendable(call, why, "return flatter `details`")
        return payload

    def _unsendable(self, call: Call, why: str, hint: str) -> WireError:
        return WireError(
            HOOK_FAILED,
            f"the answer of `{call.method}` {why}",
            {"origin": "plugin", "plugin": self.service.name, "hook": call.method, "hint": hint},
        )

    def _cancelled(self, call: Call) -> WireError:
        return WireError(
            CANCELLED,
            f"`{call.method}` was cancelled",
            {"origin": "plugin", "plugin": self.service.name, "hook": call.method},
        )

    def _hello(self, params: dict) -> bytes:
        wanted = params.get("protocol")
        low, high = (
            (wanted.get("min", 1), wanted.get("max", 1)) if isinstance(wanted, dict) else (PROTOCOL, PROTOCOL)
        )
        if not low <= PROTOCOL <= high:
            raise WireError(
                UNSUPPORTED_PROTOCOL,
                f"the host speaks protocol {low} to {high}, this plugin speaks {PROTOCOL}",
                {
                    "origin": "plugin",
                    "plugin": self.service.name,
                    "supported": {"min": PROTOCOL, "max": PROTOCOL},
                },
            )
        limits = params.get("limits") or {}
        self.log_bytes = int(limits.get("log_bytes") or self.log_bytes)
        self.line_bytes = int(limits.get("line_bytes") or 0)
        self.log_level = LEVELS.get(params.get("log_level"), 20)
        self.features = frozenset(params.get("features") or ())
        self._greeted = True
        hello = self.service.hello(params)
        if self.service.keeps_order:
            self._awaited = {"set_data", "activate"}.intersection(hello["hooks"])
        return codec.encode_plain(hello)


def cut(text: str, most_bytes: int) -> str:
    """Returns a text of at most so many bytes of UTF-8; what is cut ends with `…`."""
    if len(text) * 4 <= most_bytes:
        return text
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= most_bytes:
        return text
    return data[: most_bytes - 3].decode("utf-8", "ignore") + "…"
