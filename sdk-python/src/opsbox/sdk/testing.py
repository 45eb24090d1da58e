"""Runs a plugin in a test: its class in memory through the real loop, or its program as a process over pipes.

with Harness(Files, config={"folder": "."}) as plugin:
    result = plugin.gather_data()
    assert plugin.gaps == []
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import Any

from opsbox._wire.channel import Channel
from opsbox._wire.errors import HostError
from opsbox._wire.loop import Loop
from opsbox.sdk._host import to_wire
from opsbox.sdk._plugin import Plugin
from opsbox.sdk._result import Result
from opsbox.sdk._service import Service

_INITIALIZE = {
    "protocol": {"min": 1, "max": 1},
    "host": {"name": "opsbox.sdk.testing", "version": "1.0.0", "pid": os.getpid()},
    "limits": {
        "line_bytes": 256 << 20,
        "depth": 128,
        "in_flight": 64,
        "log_bytes": 8192,
        "stderr_line_bytes": 65536,
    },
    "features": ["progress", "gap", "output"],
    "log_level": "trace",
    "terminal": {"columns": 80, "color": False},
}


class HookError(Exception):
    """A call that the plugin answered with an error.

    Attributes:
        code: The error's code.
        message: Its message.
        data: Its data: `hook`, `hint`, `traceback`, `fields`.
    """

    def __init__(self, code: int, message: str, data: dict[str, Any]) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class Harness:
    """A running plugin, used as a context manager.

    Args:
        target: The plugin's class or an instance, run in memory; or the arguments of its program, run as a
            process.
        config: The fields to set; None sends none but configures and activates all the same.
        host: For a handler: called with method and params of what it asks (`host/active_plugins`,
            `host/call_hook`); returns the result, or raises `HostError` to refuse.

    Attributes:
        hello: The handshake's answer.
        logs: The log messages so far, each with `level` and `message`.
        gaps: The gaps so far, each with `what` and `why`.
        progress: The progress so far.
        output: The text for the user so far.
    """

    def __init__(
        self,
        target: type[Plugin] | Plugin | Sequence[str],
        config: dict[str, Any] | None = None,
        host: Callable[[str, dict[str, Any]], Any] | None = None,
    ) -> None:
        self._target = target
        self._host = host
        self._config = config or {}
        self._last_id = 0
        self.hello: dict[str, Any] = {}
        self.logs: list[dict[str, Any]] = []
        self.gaps: list[dict[str, Any]] = []
        self.progress: list[dict[str, Any]] = []
        self.output = ""

    def __enter__(self) -> Harness:
        in_memory = isinstance(self._target, (type, Plugin))
        self._peer: Any = _Memory(self._target) if in_memory else _Process(self._target)
        try:
            self.hello = self.call("initialize", **_INITIALIZE, plugin=self._peer.name, cwd=os.getcwd())
            for hook, params in (("set_data", {"config": self._config}), ("activate", {})):
                if hook in self.hello["hooks"]:
                    self.call(hook, **params)
        except BaseException:
            self._peer.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call("shutdown")
        finally:
            self._peer.close()

    def schema(self) -> dict[str, Any]:
        """Returns the JSON Schema of the configuration."""
        return self.call("grab_config")

    def gather_data(self) -> Result:
        """Calls a provider."""
        return Result.from_members(**self.call("gather_data"))

    def process(self, data: Sequence[Result]) -> list[Result]:
        """Calls an input."""
        return _results(self.call("process", data=_wire(data)))

    def inject_data(self, data: Result) -> Result:
        """Calls a check before its policy."""
        return Result.from_members(**self.call("inject_data", data=data.members))

    def report_findings(self, data: Result) -> list[Result]:
        """Calls a check after its policy."""
        return _results(self.call("report_findings", data=data.members))

    def process_input(self, results: Sequence[Result]) -> list[Result]:
        """Calls an assistant."""
        return _results(self.call("process_input", input=_wire(results)))

    def process_results(self, results: Sequence[Result]) -> str:
        """Calls an output and returns the text that it showed meanwhile."""
        before = len(self.output)
        self.call("process_results", results=_wire(results))
        return self.output[before:]

    def process_plugin(self, plugin: dict[str, Any], prior_results: Sequence[Result] = ()) -> list[Result]:
        """Calls a handler; `plugin` are the facts as the host tells them."""
        return _results(self.call("process_plugin", plugin=plugin, prior_results=_wire(prior_results)))

    def call(self, method: str, **params: Any) -> Any:
        """Calls any method and returns its result.

        Raises:
            HookError: The plugin answered with an error.
        """
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self._peer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        while True:
            line = self._peer.read()
            if not line:
                raise EOFError(f"the plugin ended during `{method}`")
            answer = json.loads(line)
            if "method" in answer and "id" in answer:
                self._answer(answer)
            elif "method" in answer:
                self._note(answer["method"], answer["params"])
            elif answer["id"] == self._last_id and "error" in answer:
                error = answer["error"]
                raise HookError(error["code"], error["message"], error.get("data", {}))
            elif answer["id"] == self._last_id:
                return answer["result"]

    def _answer(self, asked: dict[str, Any]) -> None:
        answer = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            if self._host is None:
                raise HostError(-32601, f"the harness has no `host` to answer `{asked['method']}`")
            answer["result"] = to_wire(self._host(asked["method"], asked["params"]))
        except HostError as err:
            answer["error"] = {"code": err.code, "message": err.message, "data": err.data}
        self._peer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "output":
            self.output += params["text"]
        else:
            {"log": self.logs, "gap": self.gaps, "progress": self.progress}.get(method, []).append(params)


class _Memory:
    def __init__(self, target: Any) -> None:
        plugin = target() if isinstance(target, type) else target
        self.name = plugin.name or type(plugin).__name__
        to_plugin, from_plugin = os.pipe(), os.pipe()
        self._in = open(to_plugin[1], "wb", buffering=0)
        self._out = open(from_plugin[0], "rb")
        self._reader = open(to_plugin[0], "rb")
        self._plugin_out = from_plugin[1]
        service = Service(plugin, self.name)
        ready = threading.Event()

        def run() -> None:
            loop = Loop(Channel(self._reader, self._plugin_out, lambda: None), service, in_process=True)
            service.connect(loop)
            ready.set()
            loop.run()

        self._thread = threading.Thread(target=run, name=f"plugin {self.name}", daemon=True)
        self._thread.start()
        ready.wait()

    def write(self, line: bytes) -> None:
        self._in.write(line)

    def read(self) -> bytes:
        return self._out.readline()

    def close(self) -> None:
        self._in.close()
        self._thread.join()
        self._reader.close()
        os.close(self._plugin_out)
        self._out.close()


class _Process:
    def __init__(self, argv: Sequence[str]) -> None:
        self.name = os.path.basename(argv[-1])
        env = {**os.environ, "OPSBOX_PLUGIN": "1", "OPSBOX_PROTOCOL": "1", "OPSBOX_RUN_ID": "test"}
        self._process = subprocess.Popen(list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def write(self, line: bytes) -> None:
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def read(self) -> bytes:
        return self._process.stdout.readline()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _wire(results: Sequence[Result]) -> list[dict[str, Any]]:
    return [result.members for result in results]


def _results(members: list[dict[str, Any]]) -> list[Result]:
    return [Result.from_members(**each) for each in members]
