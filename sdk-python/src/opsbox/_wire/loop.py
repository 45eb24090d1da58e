"""The loop of a plugin: a thread reads, the main thread serves one call at a time, a signal carries a cancel into a running hook.

There is no asyncio here: hooks are ordinary functions, libraries expect the main thread, and importing it costs more than all the rest.
"""

from __future__ import annotations

import _thread
import _signal
import os
from _queue import SimpleQueue

from opsbox._wire import codec
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
    WireError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opsbox._wire.channel import Channel

PROTOCOL = 1
LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
_SIGNAL = getattr(_signal, "SIGUSR1", None)
_EXIT_GRACE_SECONDS = 1.5


class Call:
    """One request of the host.

    Attributes:
        id: The id's bytes, to be echoed.
        method: The method.
        params: Its parameters, an object.
        cancelled: Whether the host has cancelled it.
    """

    __slots__ = ("cancelled", "id", "interrupted", "key", "method", "params")

    def __init__(self, call_id: bytes, key: object, method: object, params: object) -> None:
        self.id = call_id
        self.key = key
        self.method = method
        self.params = params
        self.cancelled = False
        self.interrupted = False


class Loop:
    """Serves a session.

    Args:
        channel: The connection.
        service: What answers: `name`, `methods` (a container of method names), `hello(params)` → dict, `ready()` after the handshake,
            `answer(call)` → JSON bytes, `settle()` before each answer, `finish()` at the end.
        in_process: True for a loop in a thread of a test: no signals, and the process is not ended.
    """

    def __init__(self, channel: Channel, service: object, in_process: bool = False) -> None:
        self.channel = channel
        self.service = service
        self.current: Call | None = None
        self.log_level = LEVELS["info"]
        self.log_bytes = 8 * 1024
        self.line_bytes = 0
        self._queue: SimpleQueue = SimpleQueue()
        self._pending: dict[object, Call] = {}
        self._main = _thread.get_ident()
        self._interruptible = False
        self._greeted = False
        self._in_process = in_process
        self._ended = _thread.allocate_lock()
        self._ended.acquire()

    def run(self) -> None:
        """Serves until the host closes the stream."""
        if not self._in_process and _SIGNAL is not None:
            _signal.signal(_SIGNAL, lambda *_: self._interrupt())
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
        self.channel.notify(method, codec.encode_plain(body))
        if self._interruptible and _thread.get_ident() == self._main:
            self._interrupt()

    def _read(self) -> None:
        for line in self.channel.lines():
            try:
                message = codec.decode(line)
            except (ValueError, RecursionError) as err:
                self._damaged(line, err)
                continue
            if isinstance(message, dict):
                self._sort(line, message)
            else:
                self.log("warn", "the host sent a line that is no message (no object)")
            line = message = None
        for call in list(self._pending.values()):
            self._cancel(call)
        self._queue.put(None)
        if not self._in_process and not self._ended.acquire(True, _EXIT_GRACE_SECONDS):
            self.service.abandon()
            os._exit(0)

    def _damaged(self, line: bytes, err: Exception) -> None:
        call_id = codec.recover_id(line)
        if call_id is None:
            self.log("warn", f"the host sent a line that is not JSON: {err}")
        else:
            self.channel.error(call_id, PARSE, f"not valid JSON: {err}", None)

    def _sort(self, line: bytes, message: dict) -> None:
        """Classifies a message by its keys. Answers are ignored: this side asks nothing of the host."""
        method = message.get("method")
        if "id" in message:
            key = message["id"]
            call_id = codec.raw_id(line, key)
            if isinstance(key, (bool, dict, list)) or key is None:
                self.log("warn", "the host sent an id that is neither number nor string")
            elif isinstance(method, str):
                call = self._pending[key] = Call(call_id, key, method, message.get("params"))
                self._queue.put(call)
            elif "result" not in message and "error" not in message:
                self.channel.error(call_id, INVALID_REQUEST, "a request needs a `method`", None)
        elif method == "$/cancel":
            params = message.get("params")
            call = self._pending.get(params.get("id")) if isinstance(params, dict) else None
            if call is not None:
                self._cancel(call)

    def _cancel(self, call: Call) -> None:
        call.cancelled = True
        if call is self.current and not self._in_process and _SIGNAL is not None:
            # A signal, not only a flag: it also wakes a hook that sleeps or waits for a socket.
            _signal.pthread_kill(self._main, _SIGNAL)

    def _interrupt(self) -> None:
        """Raises in the main thread, if it runs user code of a cancelled call and is not in the middle of a line."""
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
            from opsbox._wire import faults

            error = faults.hook_failed(err, self.service.name, str(call.method))
        self._interruptible = False
        self.service.settle()
        self._pending.pop(call.key, None)
        if error is None:
            self.channel.result(call.id, payload)
        else:
            self.channel.error(call.id, error.code, error.message, error.data)
        self.current = None
        if call.method == "initialize" and error is None:
            self.service.ready()

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
        try:
            self._interruptible = True
            if call.cancelled:
                raise Cancelled
            payload = self.service.answer(call)
        finally:
            self._interruptible = False
        if self.line_bytes and len(payload) + 64 > self.line_bytes:
            raise WireError(
                HOOK_FAILED,
                f"the answer of `{call.method}` has {len(payload)} bytes, {self.line_bytes} are allowed",
                {
                    "origin": "plugin",
                    "plugin": self.service.name,
                    "hook": call.method,
                    "hint": "raise `[limits] line` in the manifest, or `--max-line`",
                },
            )
        return payload

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
        self._greeted = True
        return codec.encode_plain(self.service.hello(params))


def cut(text: str, most_bytes: int) -> str:
    """Returns a text of at most so many bytes of UTF-8; what is cut ends with `…`."""
    if len(text) * 4 <= most_bytes:
        return text
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= most_bytes:
        return text
    return data[: most_bytes - 3].decode("utf-8", "ignore") + "…"
