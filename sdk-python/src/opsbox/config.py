"""Names that plugins import from `opsbox.config`.

The application's settings, as far as a plugin's own process knows them.
"""

# No `from __future__ import annotations`: pydantic reads these annotations.

import os
from typing import Any, Optional, Union

from opsbox import _facts
from opsbox._models import BaseModel
from opsbox.utils import SingletonMeta

__all__ = ["AppConfig", "ApplicationSettings", "LLMValidator", "find_config_file"]


def find_config_file(filename: str) -> Optional[str]:
    """Returns the path of a file in the home folder, or None if there is none."""
    path = os.path.join(os.path.expanduser("~"), filename)
    return path if os.path.isfile(path) else None


class ApplicationSettings(BaseModel):
    """The settings of the application itself."""

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

    oai_key: Optional[str] = None
    claude_key: Optional[str] = None


class AppConfig(metaclass=SingletonMeta):
    """The application's configuration: of the fields, those that this plugin declared and somebody set.

    Attributes:
        basic_settings: The application's own settings; defaults in a plugin's process.
        module_settings: The plugin's fields as they were sent.
        llm: A llama_index model, made on first use from the field `oai_key` or `claude_key`; absent without
            them.
        embed_model: The embedding model that goes with it, or None.
    """

    def __init__(self) -> None:
        self.basic_settings = ApplicationSettings()

    @property
    def module_settings(self) -> dict:
        """The plugin's fields."""
        return _facts.config

    @property
    def llm_settings(self) -> LLMValidator:
        """The keys for language models that this plugin was given."""
        return LLMValidator(**{key: _facts.config.get(key) for key in ("oai_key", "claude_key")})

    def load(self, all_fields: bool = False) -> None:
        """Does nothing: the host has loaded the configuration."""

    def init_settings(self, load_modules: bool = True) -> None:
        """Does nothing: the host has loaded the configuration."""

    def init_llms(self) -> None:
        """Makes `llm` and `embed_model` now, if there is a key."""
        keys = self.llm_settings
        if keys.oai_key is not None:
            from llama_index.embeddings.openai import OpenAIEmbedding
            from llama_index.llms.openai import OpenAI

            self.llm = OpenAI(model="gpt-4o", api_key=keys.oai_key, temperature=0.2)
            self.embed_model = OpenAIEmbedding(api_key=keys.oai_key)
        elif keys.claude_key is not None:
            from llama_index.llms.anthropic import Anthropic

            self.llm = Anthropic(model="claude-3-5-sonnet-20240620", api_key=keys.claude_key)
            self.embed_model = None

    def __getattr__(self, name: str) -> Any:
        if name in ("llm", "embed_model"):
            self.init_llms()
            if name in self.__dict__:
                return self.__dict__[name]
            raise AttributeError(
                f"`{name}` needs the field `oai_key` or `claude_key`, which this plugin was not given"
            )
        raise AttributeError(f"AppConfig has no attribute `{name}`")

    def __getitem__(self, key: Union[str, list]) -> Any:
        """Returns one attribute, or a dict of several."""
        return getattr(self, key) if isinstance(key, str) else {name: getattr(self, name) for name in key}

    def __setitem__(self, key: str, value: object) -> None:
        """Sets an attribute."""
        setattr(self, key, value)

    def __delitem__(self, key: str) -> None:
        """Deletes an attribute."""
        delattr(self, key)


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    from opsbox import _original

    return _original.attribute(__name__, "config", name)
