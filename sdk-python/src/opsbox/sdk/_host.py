"""What a handler asks of the host while it serves a plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from opsbox._wire import results
from opsbox._wire.errors import HOOK_FAILED, HostError
from opsbox.sdk import _context
from opsbox.sdk._result import Result

_RESTORED_LEVELS = 4


@dataclass(frozen=True)
class PluginFacts:
    """What the host tells of a plugin.

    Attributes:
        name: Its name.
        type: Its type.
        uses: The plugins that its manifest's `uses` names.
        hooks: The hooks that it lists; `*` where it may have others too.
        stage: Its place: `provider`, `check`, `assistant`, `output` or `handler`.
        served_by: The handler plugin that runs it; empty where the host does.
        handles: Of a handler: the types that it serves.
        config: Its fields that somebody set; secret ones are left out.
        config_schema: The JSON Schema of its configuration, empty where it has none.
        extra: The manifest's tables other than `[info]`.
        toml_path: The manifest file; empty for what is part of the host.
    """

    name: str
    type: str = ""
    uses: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    stage: str = ""
    served_by: str = ""
    handles: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    config_schema: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    toml_path: str = ""

    @classmethod
    def from_members(cls, **members: Any) -> PluginFacts:
        """Returns the facts; members that a newer host adds are passed over."""
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in members.items() if name in known and value is not None})


def active_plugins() -> list[PluginFacts]:
    """Returns the plugins of the run: the pipeline's in its order, then providers, then handlers.

    Raises:
        HostError: The host refuses.
    """
    return [PluginFacts.from_members(**facts) for facts in _ask("host/active_plugins", {})["plugins"]]


def call_hook(plugin: str, hook: str, **params: Any) -> Any:
    """Calls a hook of a plugin that a handler serves, of a handler, or `gather_data` of a provider.

    Args:
        plugin: The plugin's name.
        hook: One of its hooks.
        params: The hook's parameters; Results among them, also in lists, travel as such.

    Returns:
        What the hook returned; what has the members of a Result is one.

    Raises:
        HostError: The plugin answered with an error, or the host refused the call.
    """
    body = {"plugin": plugin, "hook": hook, "params": to_wire(params)}
    return from_wire(_ask("host/call_hook", body))


def to_wire(value: Any) -> Any:
    """Returns a value with its Results as their members."""
    if isinstance(value, Result):
        return value.members
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {name: to_wire(item) for name, item in value.items()}
    return value


def from_wire(value: Any, level: int = 0) -> Any:
    """Returns decoded JSON in which what has the members of a Result is one."""
    if level <= _RESTORED_LEVELS and isinstance(value, list):
        return [from_wire(item, level + 1) for item in value]
    if level <= _RESTORED_LEVELS and isinstance(value, dict):
        if value.keys() >= set(results.MEMBERS):
            return Result.from_members(**value)
        return {name: from_wire(item, level + 1) for name, item in value.items()}
    return value


def _ask(method: str, body: dict[str, Any]) -> Any:
    loop, call = _context._running()
    if loop is None or call is None:
        raise HostError(HOOK_FAILED, f"`{method}` can be asked only while `process_plugin` runs")
    return loop.ask(call, method, body)
