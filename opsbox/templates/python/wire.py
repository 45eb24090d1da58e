"""Speaks the Opsbox protocol, version 1; what the plugin does is in `plugin.py`."""

from __future__ import annotations

import json
import os
import queue
import re
import threading
import traceback

UNKNOWN_METHOD, INVALID_PARAMS = -32601, -32602
NO_VERSION, NOT_READY, CANCELLED, HOOK_FAILED = -33001, -33002, -33004, -33008
FEATURES = ["progress", "gap", "output"]


class Failed(Exception):
    """An error with a code of the protocol and, where there is one, a hint for the user."""

    def __init__(self, message: str, code: int = HOOK_FAILED, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class Received(dict):
    """A Result of another plugin, with the text that it came in; unchanged, it is handed on as that text."""

    raw = ""

    def text(self) -> str:
        """Returns it as JSON, every digit as it came."""
        # As texts, since to Python 1 is True.
        is_as_it_came = json.dumps(self) == json.dumps(json.loads(self.raw))
        return self.raw if is_as_it_came else to_json(dict(self))


def to_json(value: object) -> str:
    """Returns a value as JSON on one line; Results that were received keep their text."""
    if isinstance(value, Received):
        return value.text()
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def result(
    name: str, description: str, details: dict | list, formatted: str, relates_to: str = "host"
) -> dict:
    """Returns a Result with its five members."""
    texts = {"relates_to": relates_to, "result_name": name, "result_description": description}
    return {**texts, "details": details, "formatted": formatted}


class Call:
    """One call of a hook: its parameters and configuration, and what the plugin may say meanwhile."""

    def __init__(self, plugin: Plugin, number: int | str, params: dict, line: str = "") -> None:
        self.plugin, self.id, self.params, self.line = plugin, number, params, line
        self.config = plugin.config

    def received(self, key: str) -> list[Received]:
        """Returns the Results under a key of the parameters, each with the text that it came in."""
        results = [Received(each) for each in self.params[key]]
        # The host writes no spaces and puts the list last, so the texts can be cut out of the line.
        begin, decoder = f'"params":{{"{key}":[', json.JSONDecoder()
        promised, at = begin in self.line, self.line.find(begin) + len(begin)
        for each in results:
            end = decoder.raw_decode(self.line, at)[1] if promised else at
            each.raw = self.line[at:end] or to_json(dict(each))
            at = end + 1
        return results

    def gap(self, what: str, why: str, **more: str) -> None:
        """Reports that something could not be looked at; `section` and `remedy` may be told as well."""
        if "gap" not in self.plugin.features:
            raise Failed(f"cannot look at {what}: {why}")
        self.plugin.send({"method": "gap", "params": {"id": self.id, "what": what, "why": why, **more}})

    def progress(self, done: float, total: float, unit: str) -> None:
        """Tells how far the work is; ends with an error where the call was cancelled."""
        if self.id in self.plugin.cancelled:
            raise Failed("cancelled", CANCELLED)
        if "progress" in self.plugin.features:
            params = {"id": self.id, "done": done, "total": total, "unit": unit}
            self.plugin.send({"method": "progress", "params": params})

    def log(self, message: str, level: str = "info") -> None:
        """Says something to the user."""
        self.plugin.send({"method": "log", "params": {"level": level, "message": message}})

    def output(self, text: str) -> None:
        """Prints for the user; only outputs do that."""
        if "output" in self.plugin.features:
            self.plugin.send({"method": "output", "params": {"text": text}})
        else:
            self.log(text)

    def call_hook(self, plugin: str, hook: str, params: dict) -> object:
        """Calls a hook of another plugin through the host; only handlers may."""
        return self.plugin.ask(
            "host/call_hook", {"id": self.id, "plugin": plugin, "hook": hook, "params": params}
        )


class Plugin:
    """The loop: answers the host's lines one after the other, while a thread goes on reading."""

    def __init__(self, name: str, hooks: dict, defaults: dict, reader: object, writer: object) -> None:
        self.name, self.hooks, self.config = name, hooks, dict(defaults)
        self.reader, self.writer = reader, writer
        self.features: list[str] = []
        self.cancelled: set = set()
        self.ready = False
        self.asked = 0
        self.lock = threading.Lock()
        self.requests: queue.Queue = queue.Queue()
        self.answers: queue.Queue = queue.Queue()
        self.closed = threading.Event()

    def send(self, message: dict, payload: str = "") -> None:
        """Writes one message, whole; `payload` is JSON that becomes its last members."""
        text = to_json({"jsonrpc": "2.0", **message})
        with self.lock:
            self.writer.write((text[:-1] + payload + "}\n").encode())
            self.writer.flush()

    def ask(self, method: str, params: dict) -> object:
        """Asks the host and waits for its answer."""
        self.asked += 1
        number = f"p{self.asked}"
        self.send({"id": number, "method": method, "params": params})
        while (answer := self.answers.get()) is not None:
            if answer["id"] == number and "error" in answer:
                raise Failed(answer["error"]["message"])
            if answer["id"] == number:
                return answer["result"]
        raise Failed("the host is gone", CANCELLED)

    def read(self) -> None:
        """Sorts lines: requests go to the loop, answers to who waits, cancellations are noted at once."""
        for line in self.reader:
            text = line.decode("utf-8", "replace").strip("\ufeff \t\r\n")
            try:
                message = json.loads(text)
            except RecursionError:
                message = too_deep(text)
            except ValueError:
                continue
            if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
                continue
            numbered = type(message.get("id")) in (int, str)
            if numbered and isinstance(message.get("method"), str):
                self.requests.put((message, text))
            elif numbered and ("result" in message or "error" in message):
                self.answers.put(message)
            elif message.get("method") == "$/cancel" and isinstance(message.get("params"), dict):
                self.cancelled.add(message["params"].get("id"))
        self.requests.put(None)
        self.answers.put(None)
        self.closed.set()

    def serve(self) -> None:
        """Answers until the host closes the line."""
        threading.Thread(target=self.read, daemon=True).start()
        while (request := self.requests.get()) is not None:
            message, line = request
            try:
                done = self.answer(message, line)
                self.send({"id": message["id"]}, ',"result":' + to_json(done))
            except Failed as error:
                data = {"hint": error.hint} if error.hint else None
                self.fail(message["id"], error.code, str(error), data)
            except Exception as error:
                trace = {"traceback": traceback.format_exc()}
                self.fail(message["id"], HOOK_FAILED, f"{type(error).__name__}: {error}", trace)
            self.cancelled.discard(message["id"])

    def fail(self, number: int | str, code: int, message: str, data: dict | None) -> None:
        """Answers with an error."""
        error = {"code": code, "message": message}
        self.send({"id": number, "error": {**error, "data": data} if data else error})

    def answer(self, message: dict, line: str) -> object:
        """Returns the result of a request."""
        method, params = message["method"], message.get("params", {})
        if not isinstance(params, dict):
            raise Failed("`params` is no object", INVALID_PARAMS)
        if method == "initialize":
            return self.initialize(params)
        if method == "shutdown":
            return {}
        if method == "set_data":
            self.config.update(params["config"])
            self.ready = True
            return {}
        if method not in self.hooks:
            raise Failed("unknown method", UNKNOWN_METHOD)
        if not self.ready:
            raise Failed(f"`{method}` came before `set_data`", NOT_READY)
        return self.hooks[method](Call(self, message["id"], params, line))

    def initialize(self, params: dict) -> dict:
        """Returns who this is and what it can do."""
        if params["protocol"]["min"] > 1:
            raise Failed("this plugin speaks version 1 of the protocol", NO_VERSION)
        self.features = [each for each in params.get("features", []) if each in FEATURES]
        plugin = {"name": self.name, "version": "0.1.0"}
        hooks = ["set_data", *self.hooks]
        return {
            "protocol": 1,
            "plugin": plugin,
            "hooks": hooks,
            "features": FEATURES,
            "cancel": "cooperative",
        }


def too_deep(text: str) -> dict | None:
    """Returns a request that nests too deep to be read, so that it can be answered with an error."""
    head = re.match(r'\{"jsonrpc":"2\.0","id":(\d+),"method":"[^"]*"', text)
    return {"jsonrpc": "2.0", "id": int(head[1]), "method": "", "params": None} if head else None


def serve(name: str, hooks: dict, defaults: dict | None = None) -> None:
    """Serves the host over standard input and output; a stray print goes to standard error."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    plugin = Plugin(name, hooks, defaults or {}, reader, writer)
    threading.Thread(target=end_with_the_host, args=(plugin.closed,), daemon=True).start()
    plugin.serve()


def end_with_the_host(closed: threading.Event) -> None:
    """Ends the process a second after the host has closed the line, whatever still runs."""
    closed.wait()
    threading.Event().wait(1)
    os._exit(1)
