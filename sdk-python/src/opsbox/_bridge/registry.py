"""What a handler knows as `registry` and `registry.manager`: views of the run, which the host holds."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from opsbox._bridge.handling import Handling

_BUILT_IN = ("input", "output", "assistant")


class Registry:
    """The plugins of the run.

    Attributes:
        project_name: As the original has it.
        manager: The hooks of all plugins.
        plugin_dir: None: the host finds plugins.
    """

    project_name = "opsbox"
    plugin_dir = None

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self.manager = handling.manager

    @property
    def active_plugins(self) -> list:
        """The plugins of the run: the pipeline's, then the providers and handlers that they use."""
        return self._handling.active()

    @property
    def available_plugins(self) -> list:
        """The same: other plugins that may be installed take no part in the run."""
        return self._handling.active()

    @property
    def handlers(self) -> dict:
        """The handler of each type, to be asked with `process_plugin`."""
        found: dict = {name: _General() for name in _BUILT_IN}
        found["rego"] = _Rego()
        for info in self.active_plugins:
            for name in self._handling.facts(info.name).get("handles", ()):
                own = info.name == self._handling.name
                found.setdefault(name, _Own(self._handling) if own else info.plugin_obj)
        return found

    @property
    def flow(self) -> object:
        """The names of the pipeline, by stage."""
        from opsbox.plugins import PluginFlow

        stages: dict = {"check": [], "assistant": [], "output": []}
        for info in self.active_plugins:
            stages.get(self._handling.facts(info.name).get("stage"), []).append(info.name)
        return PluginFlow(
            input_plugins=stages["check"],
            assistant_plugins=stages["assistant"],
            output_plugins=stages["output"],
        )

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"`registry.{name}` is not there: the host loads, configures and orders plugins; "
            "there are active_plugins, available_plugins, handlers, manager and flow"
        )


class Manager:
    """Calls hooks of the run's plugins, and of objects of the handler's own, as pluggy's manager does."""

    project_name = "opsbox"

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self._own: dict[str, object] = {}
        self.specs: list = []
        self.hook = _Relay(self)

    def add_hookspecs(self, module_or_class: object) -> None:
        """Keeps a contract; the plugins that fulfil it run elsewhere, so nothing is checked."""
        self.specs.append(module_or_class)

    def register(self, plugin: object, name: str | None = None) -> str:
        """Registers an object of the handler's own; returns its name."""
        name = name or getattr(plugin, "__name__", None) or str(id(plugin))
        if name in self._own or any(known is plugin for known in self._own.values()):
            raise ValueError(f"plugin already registered: {name}")
        self._own[name] = plugin
        return name

    def unregister(self, plugin: object = None, name: str | None = None) -> object:
        """Forgets an object of the handler's own and returns it."""
        found = name or next((key for key, value in self._own.items() if value is plugin), None)
        return self._own.pop(found, None)

    def list_name_plugin(self) -> list:
        """Returns pairs of name and plugin object."""
        active = [(info.name, info.plugin_obj) for info in self._handling.active()]
        return active + list(self._own.items())

    def get_plugins(self) -> set:
        """Returns the plugin objects."""
        return {plugin for _, plugin in self.list_name_plugin()}

    def get_plugin(self, name: str) -> object:
        """Returns the plugin object of this name, or None."""
        return dict(self.list_name_plugin()).get(name)

    def has_plugin(self, name: str) -> bool:
        """Tells whether there is a plugin of this name."""
        return self.get_plugin(name) is not None

    def get_name(self, plugin: object) -> str | None:
        """Returns the name of a plugin object, or None."""
        return next((name for name, known in self.list_name_plugin() if known is plugin), None)

    def is_registered(self, plugin: object) -> bool:
        """Tells whether this is a plugin object of the run or of the handler's own."""
        return self.get_name(plugin) is not None

    def check_pending(self) -> None:
        """Does nothing: nothing is checked against contracts."""

    def callable_objects(self) -> list:
        """Returns what hooks are called of, the last registered first: only what a handler may call."""
        reachable = []
        for info in self._handling.active():
            facts = self._handling.facts(info.name)
            if facts.get("served_by") or facts.get("stage") in ("handler", "provider"):
                reachable.append(info.plugin_obj)
        return [*reversed(list(self._own.values())), *reversed(reachable)]


class _Relay:
    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def __getattr__(self, name: str) -> Callable:
        if name.startswith("_"):
            raise AttributeError(name)
        from opsbox._bridge.handling import NoSuchHook

        def call(**arguments: object) -> list:
            answers = []
            for plugin in self._manager.callable_objects():
                hook = getattr(plugin, name, None)
                try:
                    answers.append(hook(**_wanted(hook, arguments)) if callable(hook) else None)
                except NoSuchHook:
                    # It could not tell before.
                    continue
            return [answer for answer in answers if answer is not None]

        call.__name__ = name
        return call


class _General:
    """Runs a plugin of a built-in type that the handler was given, as the host would."""

    def process_plugin(self, plugin: object, prior_results: list, registry: Registry) -> object:
        """Calls the one hook of the plugin's type."""
        hooks = plugin.plugin_obj
        if plugin.type == "assistant":
            return hooks.process_input(prior_results)
        if plugin.type == "output":
            return hooks.process_results(prior_results)
        used = [
            info for info in registry.active_plugins if info.type == "provider" and info.name in plugin.uses
        ]
        return hooks.process([info.plugin_obj.gather_data() for info in used])


class _Own:
    """The handler itself, under the types that it handles."""

    def __init__(self, handling: Handling) -> None:
        self._handling = handling

    def process_plugin(self, plugin: object, prior_results: list, registry: Registry) -> object:
        """Runs another plugin here; one that is in hand would come back to itself, so the host refuses it."""
        return self._handling.process_here(plugin, prior_results, registry)

    def __getattr__(self, name: str) -> object:
        return getattr(self._handling.plugin, name)


class _Rego:
    """Says that policies are not evaluated here."""

    def process_plugin(self, plugin: object, prior_results: list, registry: Registry) -> object:
        """Refuses.

        Raises:
            RuntimeError: Always; it says what to do.
        """
        raise RuntimeError(
            f"the host evaluates Rego policies itself and lends nobody its evaluator; "
            f"leave the handler out of `uses` of `{plugin.name}`"
        )


def _wanted(hook: Callable, arguments: dict) -> dict:
    """Returns the arguments that an implementation takes; a plugin elsewhere takes all."""
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    if code is None or code.co_flags & 0x08:
        return arguments
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: value for name, value in arguments.items() if name in names}
