"""One plugin behind the loop: handshake from its source, import right after it, then a hook per call."""

from __future__ import annotations

import json
import os

from opsbox import _facts
from opsbox._bridge import calls, hooks, keys
from opsbox._wire import channel, codec, forked, stdio
from opsbox._wire.errors import HOOK_FAILED, METHOD_NOT_FOUND, WireError
from opsbox._wire.loop import LEVELS, PROTOCOL, Call, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap

# What is missing after a record at level error in a hook. In hooks that prepare, an error is not yet a loss.
_PART = {
    "gather_data": "part of the data of {}",
    "process": "part of what {} looks at",
    "inject_data": "part of what {} looks at",
    hooks.INJECT_PATCH: "part of what {} looks at",
    "report_findings": "part of the findings of {}",
    "process_input": "part of the work of {}",
    "process_results": "part of the delivery of {}",
}

_OBJECTS_BETWEEN_LOOKS = 10_000
_LOOKS_BETWEEN_SECOND = 50


def run(spec_text: str, wire_in: int, wire_out: int, capture_fd: int) -> None:
    """Runs the plugin that the spec describes, until the host closes the stream."""
    spec = json.loads(spec_text)
    codec.program = spec.get("program")
    bridge = Bridge(spec)
    bridge.connect(Loop(channel.over(wire_in, wire_out), bridge), capture_fd)
    bridge.loop.run()


class Bridge:
    """Answers the host's calls with a legacy plugin's methods.

    Args:
        spec: `name`, `type`, `module`, `class_name`, `folder`, `source`; `program` is not for it.
    """

    # The original called every hook whenever it liked; one without configuration may well work.
    keeps_order = False
    methods = calls.Methods((*hooks.COMMON, *hooks.WORK, hooks.INJECT_PATCH, "shutdown"))

    def __init__(self, spec: dict) -> None:
        self.name = spec["name"]
        self.loop: Loop | None = None
        self._spec = spec
        self._plugin: object = None
        self._import_error: BaseException | None = None
        self._wants_keys = False
        self._added_keys: set = set()
        self._configuration = None
        self._make_result = None
        self._handling = None
        self._capture: stdio.Capture | None = None
        self._children = forked.Children(lambda _, record: self._tell(**record))

    def connect(self, loop: Loop, capture_fd: int) -> None:
        """Joins loop and capture together."""
        self.loop = loop
        # Handlers and plugins of a type of their own may stand last in a pipeline; the host knows where.
        is_output = self._spec["type"] not in ("provider", "input", "rego", "assistant")
        self._capture = stdio.Capture(capture_fd, self._output if is_output else self._printed, not is_output)

    def hello(self, params: dict) -> dict:
        """Returns the handshake's answer. The plugin is not imported yet."""
        terminal = params.get("terminal") or {}
        _facts.terminal.update(terminal)
        _facts.plugin.update(self._spec)
        if terminal.get("columns"):
            os.environ.setdefault("COLUMNS", str(terminal["columns"]))
        hooks.prepare(self._spec)
        spec = self._spec
        path = hooks.file_of(spec) if spec["source"] == "directory" else hooks.source_of(spec["module"])
        listed = hooks.listed(path, spec["class_name"], spec["type"])
        self._wants_keys = keys.wanted(path)
        if self._wants_keys:
            listed.extend(hook for hook in keys.HOOKS if hook not in listed)
        return {
            "protocol": PROTOCOL,
            "plugin": {"name": self.name, "version": ""},
            "hooks": listed,
            "features": [
                "gap",
                "output",
                *(["private"] if "process_results" in listed else ()),
                *([hooks.INJECT] if "inject_data" in listed else ()),
            ],
            "cancel": "cooperative",
        }

    def ready(self) -> None:
        """Imports the plugin while the host is busy with the others; a failure is told by the first call.

        What the handshake does not need is imported here, after its answer.
        """
        import atexit
        import gc

        from opsbox._bridge import loading
        from opsbox._wire.records import RecordFinder

        # Data is many small objects and no garbage; looking for some at each 700 takes a third of reading it.
        gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, _LOOKS_BETWEEN_SECOND, *gc.get_threshold()[2:])
        self._capture.start()
        # Registered first, so run last: what other exit handlers print still goes out.
        atexit.register(self._drain_last)
        atexit.register(self._let_go)
        self._children.install(self._cut_off, lambda why: self._tell("error", why, "", True))
        # What multiprocessing imports for the first process that it is to start anew.
        starters = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver")
        further = {"yaml": _quicken, **dict.fromkeys(starters, self._expect_children)}
        RecordFinder(self._record, lambda: self.loop.log_level, further).install()
        try:
            self._plugin = self._children.keep(loading.load, self._spec, self._warn)
        except BaseException as err:
            self._import_error = err

    def answer(self, call: Call) -> bytes | mmap:
        """Runs one hook.

        Raises:
            WireError: The hook failed.
        """
        if call.method == "shutdown":
            self._finish()
            return b"{}"
        from opsbox._bridge import config

        # A module that cannot be imported is told by `inject_data` itself.
        is_patch = call.method == hooks.INJECT_PATCH
        if self._import_error is not None:
            if is_patch:
                return b'{"patch":null}'
            raise self._cannot_import(call.method)
        hook, spelling = self._hook("inject_data" if is_patch else call.method)
        unwatch = None
        if call.method in _PART:
            from opsbox._bridge import threads

            unwatch = threads.watch(self._thread_ended)
        try:
            return self._children.keep(self._run, call, hook)
        except WireError:
            raise
        except BaseException as err:
            if call.method == "set_data" and config.is_validation_error(err):
                raise config.invalid(err, self.name) from err
            from opsbox._wire import faults

            raise faults.hook_failed(err, self.name, spelling) from err
        finally:
            if unwatch is not None:
                unwatch()

    def settle(self) -> None:
        """Sends what was printed, and what children logged, before the answer goes out."""
        self._drain_last()

    def finish(self) -> None:
        """Does nothing more: exit handlers run when the interpreter ends."""

    def abandon(self) -> None:
        """Saves what was printed, before the process ends at once."""
        self._drain_last()

    def _finish(self) -> None:
        """Runs the exit handlers: what they print must go out before the answer, after which nothing may."""
        import atexit

        atexit.unregister(self._drain_last)
        self._children.keep(atexit._run_exitfuncs)

    def _drain_last(self) -> None:
        self._capture.drain(last=True)
        self._children.drain()

    def _let_go(self) -> None:
        """Drops the plugin, which the threads of the loop would hold to the last, with all that it holds."""
        self._plugin = self._import_error = self._configuration = self._handling = None

    def _run(self, call: Call, hook: object) -> bytes:
        from opsbox._wire import results

        method, params = call.method, call.params
        if method == "grab_config":
            return codec.encode(self._schema(hook), self._warn)
        if method == "set_data":
            return self._set_data(hook, params.get("config") or {})
        if hook is None and method in hooks.COMMON:
            return b"{}"
        if method == hooks.INJECT_PATCH:
            return self._inject_patch(hook)
        if method == "activate":
            self._handles()
            hook()
            return b"{}"
        if method == "process_plugin":
            return codec.encode(results.as_list(self._handles().process(hook, call)), self._warn)
        if calls.is_own(method, params):
            return codec.encode(calls.run(hook, params, self._result_class()), self._warn)
        if method == "gather_data":
            call.held = results.as_one(hook())
            return codec.encode(call.held, self._warn)
        value = params.get(calls.PARAMETERS[method])
        if params.get("private"):
            # Whatever the plugin writes from here on is the user's alone.
            os.umask(0o077)
        params.clear()
        if method in ("inject_data", "report_findings"):
            given = results.from_wire(value, self._result_class())
        else:
            given = results.list_from_wire(value, self._result_class())
        del value
        # A class whose source was not found has been said to have every hook.
        returned = given if hook is None else call_positionally(hook, given)
        call.held = (given, returned)
        if method == "process_results":
            return b"{}"
        if method == "inject_data":
            # A hook that changes the Result in place may forget to return it.
            return codec.encode(results.as_one(given if returned is None else returned), self._warn)
        return codec.encode(results.as_list(returned), self._warn)

    def _inject_patch(self, hook: object) -> bytes:
        """Answers what `inject_data` sets; null where the hook has to see the data itself."""
        from opsbox._bridge import inject

        # A class whose source was not found has been said to have every hook.
        patch = {} if hook is None else inject.patch_of(hook, self._plugin, call_positionally)
        return codec.encode({"patch": patch}, self._warn)

    def _configure(self, hook: object) -> object:
        from opsbox._bridge.config import Configuration

        self._configuration = Configuration(None if hook is None else hook())
        return self._configuration

    def _schema(self, hook: object) -> dict:
        schema = self._configure(hook).schema()
        if self._wants_keys:
            self._added_keys = keys.add(schema)
        return schema

    def _handles(self) -> object:
        """Returns the handler's side of the bridge, its hookspecs added; None for other plugins."""
        if self._handling is None and self._spec["type"] == "handler":
            from opsbox._bridge.handling import Handling

            self._handling = Handling(self.loop, self.name, self._plugin, self._result_class())
            self._handling.add_hookspecs()
        return self._handling

    def _set_data(self, hook: object, fields: dict) -> bytes:
        self._handles()
        _facts.config.clear()
        _facts.config.update(fields)
        if hook is None:
            return b"{}"
        # The host may know the schema from its cache and never have asked.
        if self._configuration is None:
            self._schema(self._hook("grab_config")[0])
        if not self._configuration.is_none:
            own = {name: value for name, value in fields.items() if name not in self._added_keys}
            call_positionally(hook, self._configuration.build(own, self.name))
        return b"{}"

    def _hook(self, method: str) -> tuple[object, str]:
        """Returns the plugin's method, None where an optional one is missing, and its spelling."""
        for spelling in hooks.SPELLINGS.get(method, (method,)):
            hook = getattr(self._plugin, spelling, None)
            if callable(hook):
                return hook, spelling
        if method in (*hooks.COMMON, *hooks.BY_TYPE["rego"]):
            return None, method
        if method not in hooks.BY_TYPE.get(self._spec["type"], ()):
            raise WireError(METHOD_NOT_FOUND, f"class `{self._spec['class_name']}` has no hook `{method}`")
        raise WireError(
            HOOK_FAILED,
            f"class `{self._spec['class_name']}` has no hook `{method}`",
            {
                "origin": "plugin",
                "plugin": self.name,
                "hook": method,
                "hint": f"add a method `{method}`, or correct `type` in the manifest",
            },
        )

    def _result_class(self) -> object:
        if self._make_result is None:
            from opsbox.plugins import Result

            # The host has checked the shape; checking again would copy every object.
            self._make_result = Result.model_construct
        return self._make_result

    def _cannot_import(self, method: str) -> WireError:
        from opsbox._bridge import loading
        from opsbox._wire import faults

        err = self._import_error
        module = self._spec["module"]
        error = faults.hook_failed(err, self.name, method, f"cannot import `{module}`")
        if isinstance(err, loading.Missing):
            error = WireError(HOOK_FAILED, str(err), error.data)
            error.data["hint"] = "correct `class_name` in the manifest, or the entry point"
        else:
            error.data["hint"] = f"module `{module}`: {error.data['hint']}"
        return error

    def _output(self, text: str) -> None:
        self.loop.output(text, "stdout")

    def _printed(self, line: str) -> None:
        self.loop.log("info", line)

    def _warn(self, text: str) -> None:
        self.loop.log("warn", text)

    def _record(self, level: str, text: str, logger: str, raised: bool) -> None:
        from opsbox._bridge.spawned import counts_as_gap

        self._tell(level, text, logger, counts_as_gap(level, raised))

    def _tell(self, level: str, text: str, logger: str, counts: bool) -> None:
        """Sends a record, of this process or of a child; one that counts leaves a gap in the open call."""
        if self._children.is_child:
            if counts or LEVELS.get(level, 20) >= self.loop.log_level:
                record = {"level": level, "text": text, "logger": logger, "counts": counts}
                self._children.tell("record", record)
            return
        self.loop.log(level, text, {"logger": logger} if logger else None)
        if counts:
            self._gap(text)

    def _thread_ended(self, thread: str, err: BaseException, traceback: object) -> None:
        from traceback import format_exception

        what = f"thread `{thread}` ended with {type(err).__name__}: {err}"
        note = f"{what}; nobody caught it, and `-v` shows the traceback"
        self._tell("error", note, "", self._children.is_child)
        self._tell("info", "".join(format_exception(type(err), err, traceback)).rstrip(), "", False)
        if not self._children.is_child:
            self._gap(what)

    def _gap(self, why: str) -> None:
        call = self.loop.current
        what = _PART.get(call.method) if call is not None else None
        if what is not None:
            self.loop.notify(
                "gap", {"id": call.key, "what": what.format(f"`{self.name}`"), "why": why[:2000]}
            )

    def _expect_children(self, _: object) -> None:
        from opsbox._bridge import spawned

        spawned.expect(self._children, self.loop.log_level)

    def _cut_off(self) -> None:
        self.loop.channel.detach()
        self._capture.detach()


def _quicken(yaml: object) -> None:
    from opsbox._bridge import plain_yaml

    plain_yaml.set_up(yaml)


def call_positionally(hook: object, value: object) -> object:
    """Calls a hook with its one value, whatever the parameter is called.

    A hook that takes none is called without.
    """
    function = getattr(hook, "__func__", hook)
    code = getattr(function, "__code__", None)
    if code is not None:
        n_positional = code.co_argcount - (1 if function is not hook else 0)
        if n_positional <= 0 and not code.co_flags & 0x04:
            if code.co_kwonlyargcount:
                return hook(**{code.co_varnames[code.co_argcount]: value})
            return hook()
    return hook(value)
