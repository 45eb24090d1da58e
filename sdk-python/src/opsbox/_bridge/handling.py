"""The handler's side of the bridge: `process_plugin` with proxies that call back through the host."""

from __future__ import annotations

from opsbox._bridge import calls, hooks
from opsbox._bridge.registry import Manager, Registry
from opsbox._wire import results
from opsbox._wire.errors import HOOK_FAILED, METHOD_NOT_FOUND, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from opsbox._wire.loop import Call, Loop


class Handling:
    """What a handler plugin sees of the run.

    Args:
        loop: The loop to ask through.
        name: The handler's own name.
        plugin: The handler itself.
        make: Makes a Result of its members.
    """

    def __init__(self, loop: Loop, name: str, plugin: object, make: Callable) -> None:
        self.name = name
        self.plugin = plugin
        self._loop = loop
        self._make = make
        self._infos: dict[str, object] = {}
        self._facts: dict[str, dict] = {}
        self._listed: list | None = None
        self._in_hand: list[str] = []
        self.manager = Manager(self)
        self.registry = Registry(self)

    def add_hookspecs(self) -> None:
        """Lets the handler add the contracts of its types, before it is configured.

        What the original passes over is told as a warning.
        """
        add = getattr(self.plugin, "add_hookspecs", None)
        if not callable(add):
            return
        try:
            add(self.manager)
        except (ValueError, AttributeError) as err:
            self._loop.log("warn", f"`add_hookspecs` failed and is passed over: {err}")

    def process(self, hook: Callable, call: Call) -> object:
        """Runs `process_plugin` and returns the Results that it returned."""
        info = self.info(call.params.get("plugin") or {})
        prior = results.list_from_wire(call.params.get("prior_results") or [], self._make)
        call.params.clear()
        returned = self._with(info.name, lambda: hook(info, prior, self.registry))
        # What comes of an output goes nowhere; the original did not look at it either.
        return None if self.facts(info.name).get("stage") == "output" else returned

    def process_here(self, plugin: object, prior_results: list, registry: object) -> object:
        """Runs this handler's own `process_plugin` for another plugin than those that it is working on.

        Raises:
            HostError: It is working on this one; the host says so, and notes it.
        """
        name = getattr(plugin, "name", "")
        if name in self._in_hand:
            return PluginObject(self, self.name, ["process_plugin"]).process_plugin(
                plugin, prior_results, registry
            )
        return self._with(name, lambda: self.plugin.process_plugin(plugin, prior_results, registry))

    def _with(self, name: str, work: Callable) -> object:
        self._in_hand.append(name)
        try:
            return work()
        finally:
            self._in_hand.remove(name)

    def active(self) -> list:
        """Returns the plugins of the run, asked for once: they do not change."""
        if self._listed is None:
            answer = self._ask("host/active_plugins", {})
            self._listed = [self.info(facts) for facts in answer["plugins"]]
        return self._listed

    def facts(self, name: str) -> dict:
        """Returns what the host said of a plugin."""
        return self._facts.get(name, {})

    def info(self, facts: dict) -> object:
        """Returns a plugin as handlers know it; the same object for the same plugin."""
        name = facts.get("name", "")
        if name not in self._infos:
            from opsbox.plugins import PluginInfo

            self._facts[name] = facts
            self._infos[name] = PluginInfo.model_construct(
                name=name,
                type=facts.get("type", ""),
                module=facts.get("module", ""),
                class_name=facts.get("class_name", ""),
                toml_path=facts.get("toml_path", ""),
                uses=facts.get("uses", []),
                extra=facts.get("extra", {}),
                config=_config(facts),
                plugin_obj=self.plugin
                if name == self.name
                else PluginObject(self, name, facts.get("hooks", [])),
            )
        return self._infos[name]

    def call(self, plugin: str, hook: str, params: dict) -> object:
        """Calls a hook of a plugin and returns what it returned, Results as such.

        Raises:
            NoSuchHook: The plugin has no such hook.
            HostError: It failed, or the host refused the call.
        """
        try:
            answer = self._ask("host/call_hook", {"plugin": plugin, "hook": hook, "params": params})
        except HostError as err:
            if err.code == METHOD_NOT_FOUND:
                raise NoSuchHook(err.message) from None
            if err.data.get("origin") != "host":
                err.message = f"`{hook}` of plugin `{plugin}` failed: {err.message}"
                err.args = (err.message,)
            raise
        return calls.restore(answer, self._make)

    def _ask(self, method: str, body: dict) -> object:
        call = self._loop.current
        if call is None:
            raise HostError(HOOK_FAILED, f"`{method}` can be asked only while `process_plugin` runs")
        return self._loop.ask(call, method, body)


class NoSuchHook(AttributeError):
    """A plugin that has not the hook that was called."""


class PluginObject:
    """Stands for a plugin that runs in a process of its own. Its methods are the plugin's hooks."""

    def __init__(self, handling: Handling, name: str, listed: list) -> None:
        self._handling = handling
        self._name = name
        self._listed = listed

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        hook = hooks.wire_name(name)
        if hook in hooks.COMMON:
            raise AttributeError(f"`{name}` of plugin `{self._name}` is for the host to call")
        if hook not in self._listed and hooks.ANY not in self._listed:
            listed = ", ".join(self._listed) or "none"
            raise AttributeError(
                f"plugin `{self._name}` has no hook `{name}`; it lists {listed}. "
                "It runs in a process of its own, so only hooks can be reached"
            )

        def call(*args: object, **named: object) -> object:
            params = self._process_params(args, named) if hook == "process_plugin" else None
            returned = self._handling.call(self._name, hook, params or calls.params_of(hook, args, named))
            return None if hook == "process_results" else returned

        call.__name__ = name
        return call

    def __dir__(self) -> list:
        return [name for name in self._listed if name != hooks.ANY]

    def __repr__(self) -> str:
        return f"<plugin `{self._name}`, in a process of its own>"

    def _process_params(self, args: tuple, named: dict) -> dict:
        """Returns the parameters of another handler's `process_plugin(plugin, prior_results, registry)`."""
        given = dict(zip(("plugin", "prior_results", "registry"), args), **named)
        name = getattr(given.get("plugin"), "name", "")
        return {
            "plugin": self._handling.facts(name)
            or {"name": name, "type": getattr(given["plugin"], "type", "")},
            "prior_results": results.as_list(given.get("prior_results")),
        }


class ConfigModel(dict):
    """A plugin's configuration: its model's class, as far as the JSON Schema tells, and the values set.

    Secrets are not among them.
    """

    def __init__(self, schema: dict, values: dict) -> None:
        super().__init__(values)
        self._schema = schema

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_") and name in self:
            return self[name]
        raise AttributeError(f"the configuration has no value `{name}`")

    def __call__(self, **values: object) -> object:
        """Returns an instance: these values, and the defaults of the others."""
        from opsbox._bridge.config import Fields

        properties = self._schema.get("properties") or {}
        defaults = {name: prop["default"] for name, prop in properties.items() if "default" in prop}
        return Fields({**defaults, **{name: value for name, value in values.items() if name in properties}})

    def model_json_schema(self) -> dict:
        """Returns the JSON Schema."""
        return self._schema

    @property
    def model_fields(self) -> dict:
        """The fields by name, each with `description`, `default` and `is_required()`."""
        required = self._schema.get("required") or []
        properties = self._schema.get("properties") or {}
        return {name: _Field(prop, name in required) for name, prop in properties.items()}


class _Field:
    def __init__(self, prop: dict, required: bool) -> None:
        self.description = prop.get("description")
        self.default = prop.get("default")
        self._required = required

    def is_required(self) -> bool:
        """Whether somebody must set it."""
        return self._required


def _config(facts: dict) -> ConfigModel | None:
    schema = facts.get("config_schema") or {}
    return ConfigModel(schema, facts.get("config") or {}) if schema.get("properties") else None
