"""The models among the names for old plugins, `Result` above all. They bring pydantic, so they are apart."""

# No `from __future__ import annotations`: pydantic reads these annotations, and real ones cost it less.

from pathlib import Path
from typing import Any, Optional, Union

from opsbox._models import HAS_PYDANTIC, BaseModel, open_model

__all__ = ["ApplicationSettings", "LLMValidator", "PluginFlow", "PluginInfo", "Result"]


class Result(BaseModel):
    """What plugins hand to each other.

    Attributes:
        relates_to: What the result is about, for example `ec2`.
        result_name: The result's own name.
        result_description: What the result tells.
        details: An object, or a list of objects.
        formatted: Text for people.
    """

    __module__ = "opsbox.plugins"

    if HAS_PYDANTIC:
        model_config = open_model()

    relates_to: str
    result_name: str
    result_description: str
    details: Union[dict, list[dict]]
    formatted: str


class PluginInfo(BaseModel):
    """Facts about a plugin, as its manifest gives them."""

    __module__ = "opsbox.plugins"

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

    __module__ = "opsbox.plugins"

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


class ApplicationSettings(BaseModel):
    """The settings of the application itself."""

    __module__ = "opsbox.config"

    modules: Union[list, str] = []
    config: Optional[str] = None
    plugin_dir: Optional[str] = None
    log_level: Optional[str] = None
    log_file: Optional[str] = None
    init_debug: bool = False
    see_all: bool = False
    help: bool = False
    verbose: bool = False


class LLMValidator(BaseModel):
    """The keys for language models."""

    __module__ = "opsbox.config"

    oai_key: Optional[str] = None
    claude_key: Optional[str] = None
