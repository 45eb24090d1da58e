"""Serves a plugin of the SDK: the same loop as the bridge's, with typed roles behind it."""

from __future__ import annotations

import os
import sys
from typing import Any

from opsbox._wire import channel, codec, forked, results, stdio
from opsbox._wire.errors import INVALID_PARAMS, WireError
from opsbox._wire.loop import PROTOCOL, Call, Loop
from opsbox.sdk import _context, _host, _schema
from opsbox.sdk._plugin import Plugin, implemented
from opsbox.sdk._result import Result

_PARAMETERS = {
    "process": "data",
    "inject_data": "data",
    "report_findings": "data",
    "process_input": "input",
    "process_results": "results",
}
_PROTOCOL_HOOKS = ("gather_data", *_PARAMETERS)
_EXIT_BY_HAND = 64
_PIECE = 500


def serve(plugin: type[Plugin] | Plugin) -> None:
    """Serves a plugin until the host closes the stream. Started by hand it says what it is and exits with 64.

    Args:
        plugin: The plugin's class, or an instance.
    """
    made = plugin() if isinstance(plugin, type) else plugin
    name = made.name or type(made).__name__
    if os.environ.get("OPSBOX_PLUGIN") != "1":
        sys.stderr.write(
            f"This is `{name}`, a plugin of Opsbox; the program `opsbox` starts it.\n"
            f"To run it, name it in a pipeline: `opsbox run PIPELINE --plugin-dir {os.getcwd()}`.\n"
        )
        sys.exit(_EXIT_BY_HAND)
    wire_in, wire_out, _ = stdio.protect(capture=False)
    service = Service(made, name)
    loop = Loop(channel.over(wire_in, wire_out), service)
    service.connect(loop)
    from opsbox._wire.records import RecordFinder

    service.children.install(service.cut_off, service.child_ended)
    RecordFinder(service.record, lambda: loop.log_level).install()
    loop.run()


class Service:
    """Answers the host's calls with a plugin's methods.

    Args:
        plugin: The plugin.
        name: Its name.
    """

    keeps_order = True

    def __init__(self, plugin: Plugin, name: str) -> None:
        self.name = name
        self._plugin = plugin
        self._hooks = implemented(type(plugin))
        self._loop: Loop | None = None
        self.children = forked.Children(self._heard)
        self.methods = frozenset((*self._hooks, "shutdown"))

    def connect(self, loop: Loop) -> None:
        """Takes the loop to speak through."""
        self._loop = loop
        _context.enter(loop)

    def hello(self, params: dict[str, Any]) -> dict[str, Any]:
        """Returns the handshake's answer."""
        return {
            "protocol": PROTOCOL,
            "plugin": {"name": self.name, "version": self._plugin.version},
            "hooks": self._hooks,
            "features": [
                "progress",
                "gap",
                "output",
                *(["private"] if "process_results" in self._hooks else ()),
            ],
            "cancel": "cooperative",
        }

    def ready(self) -> None:
        """Does nothing: the plugin is made already."""

    def answer(self, call: Call) -> bytes:
        """Runs one hook.

        Raises:
            WireError: The hook failed.
        """
        try:
            return self.children.keep(self._run, call)
        except WireError:
            raise
        except BaseException as err:
            from opsbox._wire import faults

            raise faults.hook_failed(err, self.name, call.method) from err

    def settle(self) -> None:
        """Sends what children told; what is printed goes to standard error at once."""
        self.children.drain()

    def finish(self) -> None:
        """Lets go of the loop."""
        _context.leave(self._loop)

    def abandon(self) -> None:
        """Does nothing before the process ends at once."""

    def record(self, level: str, text: str, logger: str, raised: bool) -> None:
        """Sends a record of `logging` or `loguru`."""
        self._loop.log(level, text, {"logger": logger} if logger else None)

    def cut_off(self) -> None:
        """Cuts a forked child off the wire: it speaks through its parent from here on."""
        self._loop.channel.detach()
        self._loop.elsewhere = self._tell

    def child_ended(self, why: str) -> None:
        """Tells of a child that ended with an exception, which its parent may never look at."""
        _context.gap("part of the work", why)

    def _tell(self, method: str, body: dict[str, Any]) -> None:
        """Has the parent say what this child would; the user's text in pieces, since long ones are cut."""
        if method != "output":
            self.children.tell(method, body)
            return
        for at in range(0, len(body["text"]), _PIECE):
            self.children.tell(method, {**body, "text": body["text"][at : at + _PIECE]})

    def _heard(self, method: str, body: dict[str, Any]) -> None:
        """Sends on what a child told. The call that is open in this process is the one that it belongs to."""
        if "id" not in body:
            self._loop.notify(method, body)
            return
        del body["id"]
        call = self._loop.current
        if method == "gap" and call is not None:
            self._loop.gap(call, body)
        elif method == "gap":
            self._loop.log("warn", f"not looked at: {body['what']}: {body['why']}")
        elif call is not None:
            self._loop.notify(method, {"id": call.key, **body})

    def _run(self, call: Call) -> bytes:
        plugin, method, params = self._plugin, call.method, call.params
        if method == "grab_config":
            return codec.encode(self._schema())
        if method == "set_data":
            self._configure(params.get("config") or {})
            return b"{}"
        if method in ("activate", "shutdown"):
            (plugin.activate if method == "activate" else plugin.close)()
            return b"{}"
        hook = getattr(plugin, method)
        if method == "process_plugin":
            return self._handle(hook, params)
        if method not in _PROTOCOL_HOOKS:
            return codec.encode(_host.to_wire(hook(**_host.from_wire(params))), self._warn)
        if method == "gather_data":
            return self._one(hook())
        value = params.get(_PARAMETERS[method])
        if params.get("private"):
            # Whatever the plugin writes from here on is the user's alone.
            os.umask(0o077)
        params.clear()
        if value is None:
            raise WireError(INVALID_PARAMS, f"`{method}` needs `{_PARAMETERS[method]}`")
        if method in ("inject_data", "report_findings"):
            returned = hook(results.from_wire(value, Result.from_members))
        else:
            returned = hook(results.list_from_wire(value, Result.from_members))
        if method == "process_results":
            return b"{}"
        if method == "inject_data":
            return self._one(returned)
        return codec.encode(results.as_list(_members(returned)), self._warn)

    def _handle(self, hook: Any, params: dict[str, Any]) -> bytes:
        facts = _host.PluginFacts.from_members(**(params.get("plugin") or {}))
        returned = hook(facts, results.list_from_wire(params.get("prior_results") or [], Result.from_members))
        if facts.stage == "output":
            return b"[]"
        return codec.encode(results.as_list(_members(returned)), self._warn)

    def _one(self, returned: Any) -> bytes:
        return codec.encode(results.as_one(_members(returned)), self._warn)

    def _schema(self) -> dict[str, Any]:
        kind = type(self._plugin)
        if kind.config_type is not None:
            return _schema.of_dataclass(kind.config_type)
        return kind.config_schema or {"type": "object", "properties": {}}

    def _configure(self, fields: dict[str, Any]) -> None:
        kind = type(self._plugin)
        if kind.config_type is not None:
            self._plugin.config = _schema.build(kind.config_type, fields, self.name)
            return
        properties = (kind.config_schema or {}).get("properties", {})
        defaults = {name: prop["default"] for name, prop in properties.items() if "default" in prop}
        self._plugin.config = {**defaults, **fields}

    def _warn(self, text: str) -> None:
        self._loop.log("warn", text)


def _members(returned: Any) -> Any:
    """Returns Results as their members, so that what is in `extra` stands beside the five."""
    if isinstance(returned, Result):
        return returned.members
    if isinstance(returned, (list, tuple)) or hasattr(returned, "__next__"):
        return [_members(item) for item in returned]
    return returned
