"""Long plain data as JSON, written by a child: the program that started this process.

Marshalling a value takes a sixth of the time that writing its JSON takes, and the program makes the same text
of it. It writes into memory that has no file; nothing goes out before all is there.
"""

from __future__ import annotations

import fcntl
import marshal
import mmap
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The one that every Python writes, and the program's word for what it reads.
_FORMAT = 4
_FRAMES = "1"
_JOINED_BELOW = 1 << 16
_LENGTH_BYTES = 4
# Of the pipe, so that one side need not wait for the other at each frame. Python names the call since 3.10.
_PIPE_BYTES = 1 << 18
_SET_PIPE_BYTES = 1031


class Unwritten(Exception):
    """The program made no text."""


def written(program: str, give: Callable[[Frames], None]) -> mmap.mmap:
    """Returns the JSON of what `give` puts into the frames, as `program` writes it.

    Raises:
        Unwritten: There is none: the program cannot be started, or does not know how to write this.
    """
    try:
        memory = os.memfd_create("answer")
    except (OSError, AttributeError) as err:
        raise Unwritten from err
    try:
        _fill(program, memory, give)
        return mmap.mmap(memory, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as err:
        raise Unwritten from err
    finally:
        os.close(memory)


def _fill(program: str, memory: int, give: Callable[[Frames], None]) -> None:
    reads, writes = os.pipe()
    try:
        fcntl.fcntl(writes, _SET_PIPE_BYTES, _PIPE_BYTES)
    except OSError:
        pass  # The user has as many as he may; it works with less.
    try:
        actions = [(os.POSIX_SPAWN_DUP2, reads, 0), (os.POSIX_SPAWN_DUP2, memory, 1)]
        arguments = [program, "__serve", "json", _FRAMES]
        child = os.posix_spawn(program, arguments, {"OPSBOX_PLUGIN": "1"}, file_actions=actions)
    except BaseException:
        os.close(writes)
        raise
    finally:
        os.close(reads)
    try:
        frames = Frames(writes)
        give(frames)
        frames.end()
    finally:
        # Without the end it has nothing to tell, and ends by itself.
        os.close(writes)
        status = os.waitpid(child, 0)[1]
    if status:
        raise Unwritten


class Frames:
    """What the program is to write, one after the other."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._parts: list[bytes] = []
        self._n_bytes = 0

    def text(self, text: bytes) -> None:
        """Puts what is JSON already."""
        self._put(b"t", text)

    def value(self, value: object) -> None:
        """Puts the JSON of a value.

        Raises:
            ValueError: It is of a type that cannot be marshalled, or holds such a value.
        """
        self._put(b"v", marshal.dumps(value, _FORMAT))

    def items(self, items: list) -> None:
        """Puts the JSON of a list without its brackets.

        Raises:
            ValueError: As `value`.
        """
        self._put(b"l", marshal.dumps(items, _FORMAT))

    def end(self) -> None:
        """Says that this is all."""
        self._put(b".", b"")
        self._flush()

    def _put(self, kind: bytes, content: bytes) -> None:
        self._parts.append(kind + len(content).to_bytes(_LENGTH_BYTES, "little"))
        self._parts.append(content)
        self._n_bytes += len(content)
        if self._n_bytes >= _JOINED_BELOW:
            self._flush()

    def _flush(self) -> None:
        view = memoryview(b"".join(self._parts))
        self._parts.clear()
        self._n_bytes = 0
        while view:
            view = view[os.write(self._fd, view) :]
