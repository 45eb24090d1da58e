"""Names that plugins import from `opsbox.base_hooks`: the specifications common to all plugins."""

from __future__ import annotations

import pluggy

__all__ = ["BaseSpec", "HandlerSpec", "add_hookspecs", "hookspec"]

hookspec = pluggy.HookspecMarker("opsbox")


class BaseSpec:
    """What every plugin may have."""

    @hookspec
    def grab_config(self) -> object:
        """Returns the pydantic model of the plugin's configuration."""

    @hookspec
    def set_data(self, model: object) -> None:
        """Takes the configuration."""

    @hookspec
    def activate(self) -> None:
        """Prepares the plugin."""


class HandlerSpec:
    """What a handler has."""

    @hookspec
    def add_hookspecs(self, manager: object) -> None:
        """Adds specifications to the manager."""

    @hookspec
    def process_plugin(self, plugin: object, prior_results: list, registry: object) -> list:
        """Runs another plugin."""


def add_hookspecs(manager: object) -> None:
    """Adds these specifications to a pluggy manager."""
    manager.add_hookspecs(BaseSpec)
    manager.add_hookspecs(HandlerSpec)


def __getattr__(name: str) -> object:
    from opsbox import _names

    return _names.get(__name__, name)
