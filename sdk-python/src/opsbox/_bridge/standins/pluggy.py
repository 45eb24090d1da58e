"""Stand-in for `pluggy` where it is not installed: markers that mark, and a manager that calls."""

from __future__ import annotations

__all__ = ["HookimplMarker", "HookspecMarker", "PluginManager", "PluginValidationError", "HookCallError"]
__version__ = "0+opsbox"


class PluginValidationError(Exception):
    """A plugin that does not fit."""


class HookCallError(Exception):
    """A hook called wrongly."""


class _Marker:
    _kind = ""

    def __init__(self, project_name: str) -> None:
        self.project_name = project_name

    def __call__(self, function: object = None, **options: object) -> object:
        """Marks a function, with or without options, as a decorator."""

        def mark(target: object) -> object:
            setattr(target, f"{self.project_name}_{self._kind}", options)
            return target

        return mark if function is None else mark(function)


class HookimplMarker(_Marker):
    """Marks implementations of hooks."""

    _kind = "impl"


class HookspecMarker(_Marker):
    """Marks specifications of hooks."""

    _kind = "spec"


class _Caller:
    def __init__(self, manager: PluginManager, name: str) -> None:
        self._manager = manager
        self.name = name

    def __call__(self, **arguments: object) -> list:
        found = [
            getattr(plugin, self.name, None) for plugin in reversed(list(self._manager._plugins.values()))
        ]
        answers = [hook(**_wanted(hook, arguments)) for hook in found if callable(hook)]
        return [answer for answer in answers if answer is not None]


class _Relay:
    def __init__(self, manager: PluginManager) -> None:
        self._manager = manager

    def __getattr__(self, name: str) -> _Caller:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Caller(self._manager, name)


class PluginManager:
    """Keeps plugins by name and calls their hooks, the last registered first.

    Wrappers and ordering are not there.
    """

    def __init__(self, project_name: str) -> None:
        self.project_name = project_name
        self.hook = _Relay(self)
        self._plugins: dict[str, object] = {}

    def add_hookspecs(self, module_or_class: object) -> None:
        """Accepts specifications; the stand-in does not check against them."""

    def register(self, plugin: object, name: str | None = None) -> str:
        """Registers a plugin and returns its name."""
        name = name or getattr(plugin, "__name__", None) or str(id(plugin))
        if name in self._plugins or plugin in self._plugins.values():
            raise ValueError(f"plugin already registered: {name}")
        self._plugins[name] = plugin
        return name

    def unregister(self, plugin: object = None, name: str | None = None) -> object:
        """Forgets a plugin and returns it."""
        name = name or self.get_name(plugin)
        return self._plugins.pop(name, None)

    def get_name(self, plugin: object) -> str | None:
        """Returns the name of a registered plugin."""
        return next((name for name, value in self._plugins.items() if value is plugin), None)

    def get_plugin(self, name: str) -> object:
        """Returns a registered plugin or None."""
        return self._plugins.get(name)

    def has_plugin(self, name: str) -> bool:
        """Tells whether a plugin of this name is registered."""
        return name in self._plugins

    def is_registered(self, plugin: object) -> bool:
        """Tells whether this plugin is registered."""
        return any(value is plugin for value in self._plugins.values())

    def get_plugins(self) -> set:
        """Returns the registered plugins."""
        return set(self._plugins.values())

    def list_name_plugin(self) -> list:
        """Returns pairs of name and plugin."""
        return list(self._plugins.items())

    def check_pending(self) -> None:
        """Does nothing."""

    def load_setuptools_entrypoints(self, group: str, name: str | None = None) -> int:
        """Loads nothing: the host finds plugins."""
        return 0


def _wanted(hook: object, arguments: dict) -> dict:
    code = getattr(hook, "__code__", None)
    if code is None:
        return arguments
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: value for name, value in arguments.items() if name in names}
