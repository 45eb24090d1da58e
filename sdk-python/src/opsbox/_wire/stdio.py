"""Protects descriptors 0 and 1, and captures what is written to 1: by `print`, by C code, by subprocesses.

Replacing `sys.stdout` alone is not enough; the descriptors themselves are exchanged before user code is
loaded.
"""

from __future__ import annotations

import _thread
import codecs
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 16
_DRAIN_MOST = 1 << 24


def protect(capture: bool = True) -> tuple[int, int, int]:
    """Exchanges descriptors 0 and 1 and the standard streams.

    Args:
        capture: Whether descriptor 1 leads into a pipe; else it leads to standard error.

    Returns:
        The wire's private descriptors for reading and writing, and the read end of the pipe (-1 without).
        Subprocesses inherit none of them.
    """
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)  # Integers of any size must survive; the host caps the line.
    wire_in, wire_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    end = -1
    if capture:
        end, target = os.pipe()
        os.dup2(target, 1)
        os.close(target)
        os.set_blocking(end, False)
    else:
        os.dup2(2, 1)
    # Unbuffered, as under `python -u`: what is printed stays in order with what C code and subprocesses
    # write.
    raw = io.FileIO(1, "w", closefd=False)
    out = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", write_through=True)
    sys.stdout = sys.__stdout__ = out
    nothing = io.FileIO(0, "r", closefd=False)
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(nothing), encoding="utf-8")
    return wire_in, wire_out, end


class Capture:
    """Hands on what arrives in the capture pipe.

    A thread waits for it; `drain` empties the pipe at once, so that what a hook printed goes out before its
    answer.

    Args:
        fd: The read end, not blocking.
        emit: Called with text, one call at a time.
        by_line: Whether `emit` gets whole lines, without their ends; else text as it comes.
    """

    def __init__(self, fd: int, emit: Callable[[str], None], by_line: bool) -> None:
        self._fd = fd
        self._emit = emit
        self._by_line = by_line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = _thread.allocate_lock()
        self._rest = ""

    def start(self) -> None:
        """Starts the thread that waits."""
        _thread.start_new_thread(self._watch, ())

    def drain(self, last: bool = False) -> None:
        """Hands on all that was written before the call; with `last` an unfinished line too."""
        try:
            sys.stdout.flush()
        except (OSError, ValueError, AttributeError):
            pass  # A plugin may have closed or replaced it; what reached the descriptor counts.
        with self._lock:
            taken = 0
            while taken < _DRAIN_MOST:
                chunk = self._read()
                if not chunk:
                    break
                taken += len(chunk)
                self._hand_on(self._decoder.decode(chunk))
            if last:
                self._hand_on(self._decoder.decode(b"", True))
                if self._rest:
                    self._emit(self._rest)
                    self._rest = ""

    def detach(self) -> None:
        """Lets go in a forked child: the text is the parent's to read, and the lock's owner may not exist."""
        self._lock = _thread.allocate_lock()
        self._fd = -1

    def _watch(self) -> None:
        import select

        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while True:
            try:
                events = poll.poll()
            except OSError:
                return
            if any(
                event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) and not event & select.POLLIN
                for _, event in events
            ):
                return
            with self._lock:
                chunk = self._read()
                if chunk:
                    self._hand_on(self._decoder.decode(chunk), last=False)

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, _CHUNK)
        except OSError:
            return b""

    def _hand_on(self, text: str, last: bool = True) -> None:
        """Emits whole lines, and what follows the last line end only with `last` or where it is long."""
        text = self._rest + text
        everything = len(text) > _CHUNK or (last and not self._by_line)
        end = len(text) if everything else text.rfind("\n") + 1
        whole, self._rest = text[:end], text[end:]
        if not self._by_line:
            if whole:
                self._emit(whole)
            return
        for line in whole.split("\n"):
            if line.strip():
                self._emit(line.rstrip("\r"))
