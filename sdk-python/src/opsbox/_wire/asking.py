"""Requests to the host: what a handler asks while it serves a plugin."""

from __future__ import annotations

import _thread
from _queue import SimpleQueue

from opsbox._wire import message
from opsbox._wire.errors import HOOK_FAILED, Cancelled, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opsbox._wire.channel import Channel

_ENVELOPE_BYTES = 128


class Asking:
    """The open requests of one plugin. Any thread may ask; each waits for its own answer.

    Args:
        channel: The connection.
    """

    def __init__(self, channel: Channel) -> None:
        self.line_bytes = 0
        self._channel = channel
        self._lock = _thread.allocate_lock()
        self._last = 0
        self._open: dict[object, tuple[object, SimpleQueue]] = {}

    def ask(self, call: object, method: str, payload: bytes) -> object:
        """Asks and waits for the answer.

        Args:
            call: The host's call during which this is asked.
            method: The method.
            payload: Its parameters, JSON.

        Raises:
            HostError: The host answered with an error, or the request is too large for it.
            Cancelled: The call was cancelled meanwhile.
        """
        if self.line_bytes and len(payload) + _ENVELOPE_BYTES > self.line_bytes:
            why = f"`{method}` has {len(payload)} bytes, {self.line_bytes} are allowed"
            hint = "raise `[limits] line` in the manifest, or `--max-line`"
            raise HostError(HOOK_FAILED, why, {"hint": hint})
        if message.is_too_deep(payload, 1):
            raise HostError(HOOK_FAILED, f"`{method}` nests more than {message.MAX_DEPTH - 1} levels deep")
        answer: SimpleQueue = SimpleQueue()
        with self._lock:
            self._last += 1
            key = f"h{self._last}"
            self._open[key] = (call, answer)
        try:
            if getattr(call, "cancelled", False):
                raise Cancelled
            self._channel.request(key, method, payload)
            got = answer.get()
        finally:
            with self._lock:
                self._open.pop(key, None)
        if got is None:
            raise Cancelled("the host has cancelled this call")
        if got.is_error:
            raise _error(got.outcome)
        return got.outcome

    def answered(self, got: message.Message) -> bool:
        """Hands an answer to whoever waits for it; returns whether somebody does."""
        with self._lock:
            waiting = self._open.get(got.id)
        if waiting is None:
            return False
        waiting[1].put(got)
        return True

    def cancel(self, call: object) -> None:
        """Wakes whoever waits for an answer during a call that is cancelled."""
        with self._lock:
            waiting = [answer for owner, answer in self._open.values() if owner is call]
        for answer in waiting:
            answer.put(None)


def _error(body: object) -> HostError:
    body = body if isinstance(body, dict) else {}
    data = body.get("data")
    code = body.get("code")
    return HostError(
        code if isinstance(code, int) else HOOK_FAILED,
        str(body.get("message") or "no message"),
        data if isinstance(data, dict) else None,
    )
