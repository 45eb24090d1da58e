"""A host without a host: starts a plugin's process and speaks the protocol with it, line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
MAIN = SRC / "opsbox" / "_bridge" / "main.py"
DEADLINE_SECONDS = 60
COMMON = {"PATH": os.environ["PATH"], "OPSBOX_PLUGIN": "1", "OPSBOX_PROTOCOL": "1", "LANG": "C.UTF-8"}

INITIALIZE = {
    "protocol": {"min": 1, "max": 1},
    "host": {"name": "test", "version": "1.0.0", "pid": 1},
    "plugin": "x",
    "limits": {
        "line_bytes": 1 << 30,
        "depth": 128,
        "in_flight": 64,
        "log_bytes": 8192,
        "stderr_line_bytes": 65536,
    },
    "features": ["progress", "gap", "output"],
    "log_level": "info",
    "cwd": "/",
    "terminal": {"columns": 60, "color": False},
}


class Answer:
    """What came back for one call.

    Attributes:
        result: The result, or None.
        error: The error, or None.
        notes: The notifications that came before the answer: pairs of method and params.
        line: The answer's line.
    """

    def __init__(self, line: bytes, notes: list) -> None:
        message = json.loads(line)
        self.line = line
        self.result = message.get("result")
        self.error = message.get("error")
        self.notes = notes

    def noted(self, method: str) -> list[dict]:
        """Returns the params of the notifications of one method."""
        return [params for name, params in self.notes if name == method]

    @property
    def text(self) -> str:
        """What the plugin wanted the user to see."""
        return "".join(params["text"] for params in self.noted("output"))


class HostRefuses(Exception):
    """Raised by a test's host to answer with an error; its argument is the error object."""


class Session:
    """A running plugin: the process that was started for it, or forked."""

    def __init__(self, process: object, **initialize: object) -> None:
        self.process = process
        self._id = 0
        self.host = None
        self.hello = self.call("initialize", **{**INITIALIZE, **initialize})

    def send(self, line: bytes) -> None:
        """Writes one line."""
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def post(self, method: str, **params: object) -> int:
        """Sends a request and returns its id."""
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self.send(json.dumps(message, separators=(",", ":")).encode())
        return self._id

    def notify(self, method: str, **params: object) -> None:
        """Sends a notification."""
        self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def wait(self) -> Answer:
        """Reads up to the next answer."""
        notes = []
        while True:
            line = self.read()
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0", line
            if "method" in message and "id" in message:
                notes.append((message["method"], message["params"]))
                self.send(json.dumps(self._host_says(message), separators=(",", ":")).encode())
            elif "method" in message:
                notes.append((message["method"], message["params"]))
            else:
                return Answer(line, notes)

    def _host_says(self, message: dict) -> dict:
        """Returns the answer to a request of the plugin: what `host` returns, or the error that it raises."""
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            return {**answer, "result": self.host(message["method"], message["params"])}
        except HostRefuses as err:
            return {**answer, "error": err.args[0]}

    def read(self) -> bytes:
        """Reads one line."""
        line = self.process.stdout.readline()
        assert line, (
            f"the plugin ended: {self.process.wait(DEADLINE_SECONDS)}\n{self.process.stderr.read().decode()}"
        )
        return line

    def until(self, method: str) -> dict:
        """Reads up to the next message of a method, before which no answer may come; returns its params."""
        while True:
            line = self.read()
            message = json.loads(line)
            assert "method" in message, f"an answer came before `{method}`: {line.decode()}"
            if message.get("method") == method:
                return message["params"]

    def call(self, method: str, **params: object) -> Answer:
        """Sends a request and returns its answer."""
        call_id = self.post(method, **params)
        answer = self.wait()
        assert json.loads(answer.line)["id"] == call_id
        return answer

    def close(self) -> tuple[int, list[tuple[str, dict]]]:
        """Closes the stream; returns the exit status and the notifications that came last."""
        out, self.stderr = self.process.communicate(timeout=DEADLINE_SECONDS)
        messages = [json.loads(line) for line in out.splitlines()]
        return self.process.returncode, [
            (message["method"], message["params"]) for message in messages if "method" in message
        ]

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def bridge(spec: dict, flags: tuple = (), env: dict | None = None, **initialize: object) -> Session:
    """Starts the bridge for a plugin, with further flags for the interpreter."""
    argv = [sys.executable, *flags, "-X", "utf8", str(MAIN), json.dumps(spec)]
    return Session(started(argv, env), **initialize)


def started(argv: list, env: dict | None = None) -> subprocess.Popen:
    """Starts a plugin's process."""
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env={**COMMON, **(env or {})})


def result(details: object = None, **members: object) -> dict:
    """Returns a Result as it stands on the wire."""
    base = {
        "relates_to": "ec2",
        "result_name": "r",
        "result_description": "d",
        "details": {} if details is None else details,
    }
    return {**base, "formatted": "f", **members}
