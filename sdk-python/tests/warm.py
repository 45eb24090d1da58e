"""The warm parent as the host uses it: started with a socket, asked for a process for each plugin."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading

import wire

ZYGOTE = wire.MAIN.with_name("zygote.py")


class Parent:
    """A warm parent.

    Attributes:
        said: Its first answer.
    """

    def __init__(
        self,
        specs: list = (),
        flags: tuple = (),
        env: dict | None = None,
        python: str = sys.executable,
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [python, *flags, "-X", "utf8", str(ZYGOTE)],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**wire.COMMON, **(env or {})},
            )
        self._socket = ours
        self._answers = ours.makefile("rb")
        self.said = self.ask("p", b"\0".join(json.dumps(spec).encode() for spec in specs))

    def ask(self, kind: str, payload: bytes, fds: tuple = ()) -> str:
        """Sends a request and returns the answer."""
        frame = kind.encode() + len(payload).to_bytes(4, "big") + payload
        if fds:
            socket.send_fds(self._socket, [frame], fds)
        else:
            self._socket.sendall(frame)
        return self._answers.readline().decode().rstrip("\n")

    def fork(self, spec: dict, env: dict | None = None, folder: str = "/") -> Forked:
        """Forks a plugin's process.

        Raises:
            RuntimeError: It is to be started cold; the text says why.
        """
        (stdin, to), (of, stdout), (errors, stderr) = os.pipe(), os.pipe(), os.pipe()
        variables = {**wire.COMMON, **(env or {})}
        parts = [json.dumps(spec), folder, *(f"{name}={value}" for name, value in variables.items())]
        answer = self.ask("f", "\0".join(parts).encode(), (stdin, stdout, stderr))
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        files = open(to, "wb"), open(of, "rb"), open(errors, "rb")
        word, _, text = answer.partition(" ")
        if word != "forked":
            for file in files:
                file.close()
            raise RuntimeError(answer)
        return Forked(self, int(text), *files)

    def bridge(self, spec: dict, env: dict | None = None, **initialize: object) -> wire.Session:
        """Forks the bridge for a plugin."""
        return wire.Session(self.fork(spec, env), **initialize)

    def close(self) -> int:
        """Closes the socket; returns the exit status."""
        self._answers.close()
        self._socket.close()
        self.stderr = self.process.communicate(timeout=wire.DEADLINE_SECONDS)[1]
        return self.process.returncode

    def __enter__(self) -> Parent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Forked:
    """A forked process, with the face of `subprocess.Popen` as far as the tests need it."""

    def __init__(self, parent: Parent, pid: int, stdin: object, stdout: object, stderr: object) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.returncode: int | None = None
        self._parent = parent
        self._pidfd = os.pidfd_open(pid)

    def wait(self, timeout: float = wire.DEADLINE_SECONDS) -> int:
        """Waits for the end and returns the exit status, negative for a signal."""
        if self.returncode is None:
            if not select.select([self._pidfd], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout)
            os.close(self._pidfd)
            word, _, status = self._parent.ask("r", str(self.pid).encode()).partition(" ")
            assert word == "ended", status
            self.returncode = os.waitstatus_to_exitcode(int(status))
        return self.returncode

    def kill(self) -> None:
        """Ends the whole group at once."""
        if self.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)

    def communicate(self, timeout: float = wire.DEADLINE_SECONDS) -> tuple[bytes, bytes]:
        """Closes stdin and reads both streams to their end."""
        errors: list[bytes] = []
        reader = threading.Thread(target=lambda: errors.append(_rest(self.stderr)))
        reader.start()
        if not self.stdin.closed:
            try:
                self.stdin.close()
            except BrokenPipeError:
                pass
        out = _rest(self.stdout)
        reader.join(timeout)
        self.wait(timeout)
        return out, errors[0]


def _rest(file: object) -> bytes:
    if file.closed:
        return b""
    with file:
        return file.read()
