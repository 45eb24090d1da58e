"""Children that a plugin forks: their records reach its own process, and each ends where its code ends.

A child shares the wire's descriptors, but its lines would mix with its parent's, so it is cut off the wire.
What it logs goes through a pipe beside the wire, in writes so small that no two can mix. Children that are
executed anew do not inherit that pipe; those of multiprocessing may open it (`_bridge/spawned`).
"""

from __future__ import annotations

import _thread
import json
import os
import sys

from opsbox._wire.codec import encode_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 16
_MARGIN = 10


class Children:
    """What the children of one plugin have to tell.

    Args:
        take: Called in the plugin's own process with what a child told: its kind, and an object.

    Attributes:
        is_child: Whether this process is a child.
    """

    def __init__(self, take: Callable[[str, dict], None]) -> None:
        self.is_child = False
        self._take = take
        self._cut_off: Callable[[], None] | None = None
        self._ended: Callable[[str], None] | None = None
        self._making = _thread.allocate_lock()
        self._lock = _thread.allocate_lock()
        self._reading = self._writing = -1
        self._pipe: tuple | None = None
        self._watched = False
        self._rest = b""

    @classmethod
    def of_another(cls, writing: int, pipe: tuple) -> Children:
        """Returns what a child speaks through that was not forked.

        Args:
            writing: The pipe's end.
            pipe: What `open` said of the pipe; another one is not written to.
        """
        child = cls(lambda *_: None)
        child.is_child, child._writing, child._pipe = True, writing, pipe
        return child

    def open(self) -> tuple | None:
        """Opens the pipe before the first child.

        Returns its descriptor for writing, and what tells it from others; None where it cannot be opened.
        """
        self._before()
        self._in_parent()
        return None if self._pipe is None else (self._writing, *self._pipe)

    def install(self, cut_off: Callable[[], None], ended: Callable[[str], None]) -> None:
        """Sees every fork from now on.

        Args:
            cut_off: Called in each child, to cut it off the wire.
            ended: Called in a child with a sentence, where it ends with an exception that nobody caught.
        """
        self._cut_off, self._ended = cut_off, ended
        os.register_at_fork(
            before=self._before, after_in_parent=self._in_parent, after_in_child=self._in_child
        )

    def keep(self, work: Callable, *args: object) -> object:
        """Calls `work` and returns what it returns; a child forked in it that comes back as well ends here.

        It could do nothing but wait for calls that the host sends to its parent.
        """
        home = os.getpid()
        try:
            value = work(*args)
        except BaseException as err:
            if os.getpid() != home:
                self._end(err)
            raise
        if os.getpid() != home:
            self._end(None)
        return value

    def tell(self, kind: str, body: dict) -> None:
        """Tells the plugin's own process something from this child; a long text is cut."""
        data = _line(kind, body)
        try:
            if self._is_ours(self._writing):
                os.write(self._writing, data)
                return
        except OSError:
            pass  # Nobody reads it any more.
        sys.stderr.write(" ".join([kind, *(text for text in body.values() if isinstance(text, str))]) + "\n")

    def drain(self) -> None:
        """Hands on all that children have told before the call."""
        if self._reading >= 0 and not self.is_child:
            with self._lock:
                while self._hand_on():
                    pass

    def _before(self) -> None:
        if self.is_child or self._writing >= 0:
            return
        with self._making:
            if self._writing >= 0:
                return
            try:
                reading, writing = os.pipe()
            except OSError:
                return  # No descriptor is free; what the child has to tell goes to standard error.
            os.set_blocking(reading, False)
            self._pipe = _identity(reading)
            self._reading, self._writing = reading, writing

    def _in_parent(self) -> None:
        if not self._watched and self._reading >= 0 and not self.is_child:
            self._watched = True
            _thread.start_new_thread(self._watch, ())

    def _in_child(self) -> None:
        self.is_child = True
        self._making = _thread.allocate_lock()
        self._cut_off()
        if self._is_ours(self._reading):
            # Else a write would wait for ever where the parent has gone.
            os.close(self._reading)
        self._reading = -1

    def _watch(self) -> None:
        import select

        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        while all(event == select.POLLIN for _, event in poll.poll()) and self._is_ours(self._reading):
            with self._lock:
                self._hand_on()

    def _hand_on(self) -> bool:
        """Hands on what there is; returns whether there was something."""
        try:
            data = os.read(self._reading, _CHUNK) if self._is_ours(self._reading) else b""
        except OSError:
            data = b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(*json.loads(line))
        return bool(data)

    def _is_ours(self, fd: int) -> bool:
        """Tells whether it is the pipe still: a plugin may have closed it, and got its number for a file."""
        try:
            return fd >= 0 and _identity(fd) == self._pipe
        except OSError:
            return False

    def _end(self, err: BaseException | None) -> None:
        """Ends a child as an interpreter would end that has come to its end with this exception."""
        from opsbox._wire.errors import WireError
        from opsbox._wire.results import BadReturn
        from opsbox._wire.values import Inexpressible

        status = 1
        try:
            # What a child returns goes nowhere, so nobody minds its shape.
            returned = err is None or isinstance(err, (BadReturn, Inexpressible, WireError))
            status = 0 if returned else self._told(err)
            wait_and_clean_up()
            flush()
            if isinstance(err, KeyboardInterrupt):
                import signal

                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            import traceback

            traceback.print_exc()
            status = status or 1
        finally:
            os._exit(status)

    def _told(self, err: BaseException) -> int:
        """Says what a child ended with, and returns its status."""
        if isinstance(err, SystemExit):
            if err.code is None or isinstance(err.code, int):
                return (err.code or 0) & 0xFF
            sys.stderr.write(f"{err.code}\n")
            return 1
        from opsbox._wire import faults

        sys.excepthook(type(err), err, faults.own_part(err))
        if not isinstance(err, KeyboardInterrupt):
            what = f"a forked process ended with {faults.one_line(err)}; nobody caught it"
            self._ended(what)
        return 1


def wait_and_clean_up() -> None:
    """Waits for threads and runs exit handlers."""
    import atexit

    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()


def flush() -> None:
    """Writes what is buffered in files that nobody closed, and in the standard streams."""
    import gc
    import io

    # What was frozen before a fork is not listed: these are the objects of the plugin alone.
    for each in gc.get_objects():
        if issubclass(type(each), io.IOBase):
            try:
                if not each.closed and each.writable():
                    each.flush()
            except (OSError, ValueError):
                pass  # Its other end is gone, or it was taken apart: the interpreter passes over it, too.


def _identity(fd: int) -> tuple:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _line(kind: str, body: dict) -> bytes:
    """Returns a line that is written whole or not at all; its longest text is cut where it is too long."""
    from select import PIPE_BUF

    body = dict(body)
    while True:
        data = encode_plain([kind, body]) + b"\n"
        if len(data) <= PIPE_BUF:
            return data
        name = max(
            (name for name, value in body.items() if isinstance(value, str)), key=lambda name: len(body[name])
        )
        body[name] = body[name][: len(body[name]) * PIPE_BUF // len(data) - _MARGIN] + "…"
