"""Names that plugins import from `opsbox.plugins`: `Result` above all, which comes when touched.

There is no registry here: the host is the registry.
"""

from __future__ import annotations

from opsbox.utils import SingletonMeta

__all__ = ["PluginFlow", "PluginInfo", "PluginNotFoundError", "Registry", "Result"]


class PluginNotFoundError(Exception):
    """A plugin, or several, that are not there."""

    def __init__(self, plugin_name: str | list) -> None:
        self.plugin_name = plugin_name
        names = ", ".join(plugin_name) if isinstance(plugin_name, list) else plugin_name
        self.message = (
            f"Plugins {names} not found." if isinstance(plugin_name, list) else f"Plugin '{names}' not found."
        )
        super().__init__(self.message)


class Registry(metaclass=SingletonMeta):
    """Stands for the registry in annotations. Plugins run in processes of their own, so it holds nobody."""

    project_name = "opsbox"

    def __init__(self, flow: object = None, plugin_dir: str | None = None, load_bundled: bool = True) -> None:
        self.flow = flow
        self.plugin_dir = plugin_dir
        self.handlers: dict = {}
        self.active_plugins: list = []
        self.available_plugins: list = []


def __getattr__(name: str) -> object:
    from opsbox import _names

    return _names.get(__name__, name)
