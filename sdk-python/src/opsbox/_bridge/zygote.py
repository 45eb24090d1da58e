"""The warm parent: it imports once what several plugins need, and is forked for each of them.

The host starts `python -X utf8 -P zygote.py` with one end of a socket pair as standard input. Each request is
a frame (a letter, the length in 4 bytes, the payload), each answer a line of text:

- `p`, the specs of the planned plugins → `ready …`, or `cold …` with the reason why nothing can be forked;
- `f`, a plugin's spec, folder and variables, with its three descriptors → `forked PID`, or `cold …`;
- `r`, the number of a child that has ended → `ended STATUS`, as `wait` gives it. Only then its number is
  free, so that the host can signal the group without hitting anybody else.

Nothing of a plugin is looked at here: a frame is taken apart in the child, and overwritten in the parent.
"""

from __future__ import annotations

import _socket
import gc
import os
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
_MAIN = os.path.join(_HERE, "main.py")
_HEAD_BYTES = 5
_N_DESCRIPTORS = 3


def main() -> None:
    """Serves the host until it closes the socket; in a child, runs the plugin. Either ends the process.

    Raises:
        SystemExit: With 64, where it was not the host that started it.
    """
    try:
        sock = _socket.socket(fileno=os.dup(0))
    except OSError:
        sys.stderr.write(
            "This is the process from which Opsbox forks Python plugins. The program `opsbox` starts it;\n"
            "it does nothing by hand.\n"
        )
        sys.exit(64)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    # As in main.py, so that a child finds what it would find in a process of its own.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    sys.path.insert(0, _ROOT)
    gc.disable()
    request = _serve(sock)
    if request is None:
        os._exit(0)
    spec_text = _become(*request)
    sock.close()

    from opsbox._bridge import leaving
    from opsbox._bridge.main import serve

    shared = frozenset(sys.modules)
    serve(spec_text)
    leaving.leave(shared)


def _serve(sock: object) -> tuple | None:
    """Answers requests; returns in a child, with the frame and the descriptors it was forked for.

    Returns None where the host has gone.
    """
    while True:
        kind, frame, fds = _receive(sock)
        if kind == b"p":
            answer = _prepare(frame)
        elif kind == b"f":
            answer = _fork(fds)
            if answer is None:
                return frame, fds
            frame[:] = bytes(len(frame))
            for fd in fds:
                os.close(fd)
        elif kind == b"r":
            answer = _reap(int(frame))
        else:
            return None
        try:
            sock.sendall(answer.replace("\n", " ").encode("utf-8", "replace") + b"\n")
        except OSError:
            return None


def _receive(sock: object) -> tuple[bytes, bytearray, list[int]]:
    """Returns the next request: its letter, payload and descriptors; no letter where there is none."""
    try:
        head, ancillary, _, _ = sock.recvmsg(_HEAD_BYTES, _socket.CMSG_SPACE(4 * _N_DESCRIPTORS))
        fds = [
            int.from_bytes(data[at : at + 4], sys.byteorder)
            for level, kind, data in ancillary
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS
            for at in range(0, len(data) - 3, 4)
        ]
        head += bytes(_fill(sock, bytearray(_HEAD_BYTES - len(head)))) if head else b""
        return head[:1], _fill(sock, bytearray(int.from_bytes(head[1:], "big"))), fds
    except (OSError, EOFError):
        return b"", bytearray(), []


def _fill(sock: object, buffer: bytearray) -> bytearray:
    rest = memoryview(buffer)
    while rest:
        n_read = sock.recv_into(rest)
        if not n_read:
            raise EOFError
        rest = rest[n_read:]
    return buffer


def _prepare(frame: bytearray) -> str:
    """Imports what two or more of the planned plugins need."""
    try:
        from opsbox._bridge import preload

        done = preload.preload(bytes(frame).decode("utf-8", "surrogateescape").split("\0"))
    except BaseException as err:
        # What is half imported would fail in another way in the children than in a process of its own.
        return f"cold {type(err).__name__}: {err}"
    if hasattr(gc, "freeze"):
        # Otherwise a collection in a child writes to every object, and copies its page.
        gc.freeze()
    return _obstacle() or f"ready with {', '.join(done) or 'the bridge alone'}"


def _obstacle() -> str | None:
    """Returns why nothing can be forked.

    A lock that another thread holds would stay locked in the child for ever.
    """
    try:
        n_threads = len(os.listdir("/proc/self/task"))
    except OSError as err:
        return f"cold it cannot be told how many threads run: {err}"
    return None if n_threads == 1 else f"cold {n_threads} threads run in the warm parent"


def _fork(fds: list[int]) -> str | None:
    """Forks; returns the answer for the host, None in the child."""
    obstacle = _obstacle()
    if obstacle is not None:
        return obstacle
    if len(fds) != _N_DESCRIPTORS:
        return f"cold {len(fds)} descriptors arrived instead of {_N_DESCRIPTORS}"
    for stream in (sys.stdout, sys.stderr):
        # A child would write what is left in the buffer a second time.
        if stream is not None:
            stream.flush()
    try:
        pid = os.fork()
    except OSError as err:
        return f"cold {err}"
    if pid == 0:
        return None
    _lead_group(pid)
    return f"forked {pid}"


def _reap(pid: int) -> str:
    try:
        return f"ended {os.waitpid(pid, 0)[1]}"
    except OSError as err:
        return f"lost {err}"


def _lead_group(pid: int) -> None:
    """Makes a process the leader of a group of its own; parent and child both do, whoever comes first."""
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # It has ended already, or the other was first.


def _become(frame: bytearray, fds: list[int]) -> str:
    """Makes a forked child what `main.py` would find in a process of its own; returns the plugin's spec."""
    _lead_group(os.getpid())
    gc.enable()
    for target, fd in enumerate(fds):
        os.dup2(fd, target)
        os.close(fd)
    spec, folder, *variables = bytes(frame).split(b"\0")
    _surround(_table(variables))
    time.tzset()
    os.chdir(folder)
    spec_text = os.fsdecode(spec)
    sys.argv[:] = [_MAIN, spec_text]
    sys.modules["__main__"].__file__ = _MAIN
    return spec_text


def _surround(variables: dict[bytes, bytes]) -> None:
    """Exchanges the environment.

    What the interpreter's start and the imports made of variables, such as `LC_CTYPE` in the C locale, they
    would have made of the plugin's own too.
    """
    with open("/proc/self/environ", "rb") as file:
        given = _table(file.read().split(b"\0"))
    for name in given.keys() | os.environb.keys():
        made = os.environb.get(name)
        if made != given.get(name) and variables.get(name) == given.get(name):
            if made is None:
                variables.pop(name, None)
            else:
                variables[name] = made
    os.environ.clear()
    os.environb.update(variables)


def _table(variables: list[bytes]) -> dict[bytes, bytes]:
    pairs = (variable.partition(b"=") for variable in variables if variable)
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    main()
