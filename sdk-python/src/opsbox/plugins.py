"""Names that plugins import from `opsbox.plugins`: `Result` above all.

There is no registry here: the host is the registry.
"""

# No `from __future__ import annotations`: pydantic reads these annotations, and real ones cost it less.

from pathlib import Path
from typing import Any, Optional, Union

from opsbox._models import HAS_PYDANTIC, BaseModel, open_model
from opsbox.utils import SingletonMeta

__all__ = ["PluginFlow", "PluginInfo", "PluginNotFoundError", "Registry", "Result"]


class PluginNotFoundError(Exception):
    """A plugin, or several, that are not there."""

    def __init__(self, plugin_name: Union[str, list]) -> None:
        self.plugin_name = plugin_name
        names = ", ".join(plugin_name) if isinstance(plugin_name, list) else plugin_name
        self.message = (
            f"Plugins {names} not found." if isinstance(plugin_name, list) else f"Plugin '{names}' not found."
        )
        super().__init__(self.message)


class Result(BaseModel):
    """What plugins hand to each other.

    Attributes:
        relates_to: What the result is about, for example `ec2`.
        result_name: The result's own name.
        result_description: What the result tells.
        details: An object, or a list of objects.
        formatted: Text for people.
    """

    if HAS_PYDANTIC:
        model_config = open_model()

    relates_to: str
    result_name: str
    result_description: str
    details: Union[dict, list[dict]]
    formatted: str


class PluginInfo(BaseModel):
    """Facts about a plugin, as its manifest gives them."""

    if HAS_PYDANTIC:
        model_config = {"arbitrary_types_allowed": True}

    name: str
    module: str
    class_name: str
    type: str
    toml_path: Union[str, Path]
    plugin_obj: Optional[Any] = None
    config: Optional[Any] = None
    uses: list = []
    extra: Optional[dict] = None


class PluginFlow(BaseModel):
    """The plugins of a pipeline, by stage."""

    input_plugins: list = []
    assistant_plugins: list = []
    output_plugins: list = []

    def set_flow(self, pipeline: str) -> "PluginFlow":
        """Reads a pipeline string: `in1,in2-assistant-out1,out2`."""
        first, *middle = pipeline.split("-")
        last = middle.pop()
        self.input_plugins = first.split(",")
        self.assistant_plugins = middle
        self.output_plugins = last.split(",")
        return self

    @property
    def all_visible_modules(self) -> list:
        """All plugins of the pipeline."""
        return self.input_plugins + self.assistant_plugins + self.output_plugins


class Registry(metaclass=SingletonMeta):
    """Stands for the registry in annotations. Plugins run in processes of their own, so it holds nobody."""

    project_name = "opsbox"

    def __init__(
        self, flow: Optional[PluginFlow] = None, plugin_dir: Optional[str] = None, load_bundled: bool = True
    ) -> None:
        self.flow = flow
        self.plugin_dir = plugin_dir
        self.handlers: dict = {}
        self.active_plugins: list = []
        self.available_plugins: list = []


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    from opsbox import _original

    return _original.attribute(__name__, "plugins", name)
