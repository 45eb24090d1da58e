"""One connection to the host: lines in, messages out."""

from __future__ import annotations

import _thread
import io
import os

from opsbox._wire.codec import encode_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_JOIN_BELOW = 1 << 16


class Channel:
    """Reads lines from one descriptor and writes whole messages to another.

    Any thread may write. While the main thread is inside a write, `masked` is above zero: an interrupt must
    then wait, or it would cut a line in two.

    Args:
        reader: A binary file with `readline`.
        out_fd: The descriptor to write to.
        on_broken: Called where the host has gone; may not return.
    """

    def __init__(self, reader: object, out_fd: int, on_broken: Callable[[], None]) -> None:
        self.masked = 0
        self._reader = reader
        self._out_fd = out_fd
        self._on_broken = on_broken
        self._lock = _thread.allocate_lock()
        self._owner = 0
        self._late: list[tuple[bytes, ...]] = []
        self._main = _thread.get_ident()

    def line(self) -> bytes:
        """Returns the next line that is not blank, nothing at the end. The last may lack its newline."""
        while True:
            line = self._reader.readline()
            if not line or not line.isspace():
                return line

    def result(self, call_id: bytes, payload: bytes) -> None:
        """Answers a request; `payload` is JSON."""
        self._send((b'{"jsonrpc":"2.0","id":' + call_id + b',"result":', payload, b"}\n"))

    def error(self, call_id: bytes, code: int, message: str, data: dict | None) -> None:
        """Answers a request with an error."""
        body = {"code": code, "message": message}
        if data:
            body["data"] = data
        self._send((b'{"jsonrpc":"2.0","id":' + call_id + b',"error":', encode_plain(body), b"}\n"))

    def request(self, request_id: str, method: str, payload: bytes) -> None:
        """Asks the host; `payload` is JSON."""
        head = f'{{"jsonrpc":"2.0","id":"{request_id}","method":"{method}","params":'
        self._send((head.encode(), payload, b"}\n"))

    def notify(self, method: str, payload: bytes) -> None:
        """Sends a notification; `payload` is JSON."""
        self._send((b'{"jsonrpc":"2.0","method":"' + method.encode() + b'","params":', payload, b"}\n"))

    def mute(self) -> None:
        """Sends nothing from now on; a line that another thread is writing is finished first."""
        with self._lock:
            self._out_fd = -1

    def detach(self) -> None:
        """Cuts a forked child off the wire.

        It shares the descriptors, and its lines would mix with the parent's.
        """
        self._lock = _thread.allocate_lock()
        self._out_fd = -1

    def _send(self, parts: tuple[bytes, ...]) -> None:
        me = _thread.get_ident()
        if self._owner == me:
            # A finalizer that logs can run inside a write of its own thread. Its line waits for that one.
            self._late.append(parts)
            return
        in_main = me == self._main
        if in_main:
            self.masked += 1
        try:
            with self._lock:
                self._owner = me
                try:
                    self._write(parts)
                    while self._late:
                        self._write(self._late.pop(0))
                finally:
                    self._owner = 0
        finally:
            if in_main:
                self.masked -= 1

    def _write(self, parts: tuple[bytes, ...]) -> None:
        if self._out_fd < 0:
            return
        if sum(map(len, parts)) < _JOIN_BELOW:
            parts = (b"".join(parts),)
        try:
            for part in parts:
                view = memoryview(part)
                while view:
                    view = view[os.write(self._out_fd, view) :]
        except OSError:
            self._out_fd = -1
            self._on_broken()


def over(in_fd: int, out_fd: int) -> Channel:
    """Returns the channel of a process: where the host has gone, the process ends at once."""
    return Channel(io.BufferedReader(io.FileIO(in_fd, "r"), 1 << 18), out_fd, lambda: os._exit(0))
