"""Names that plugins import from `opsbox.config`.

The application's settings, as far as a plugin's own process knows them.
"""

from __future__ import annotations

import os

from opsbox import _facts
from opsbox.utils import SingletonMeta

__all__ = ["AppConfig", "ApplicationSettings", "LLMValidator", "find_config_file"]

# What the original makes of the keys.
_OPENAI_MODEL = "gpt-4o"
_CLAUDE_MODEL = "claude-3-5-sonnet-20240620"
_TEMPERATURE = 0.2


def find_config_file(filename: str) -> str | None:
    """Returns the path of a file in the home folder, or None if there is none."""
    path = os.path.join(os.path.expanduser("~"), filename)
    return path if os.path.isfile(path) else None


class AppConfig(metaclass=SingletonMeta):
    """The application's configuration: of the fields, those that this plugin declared and somebody set.

    Every attribute is made when it is first asked for, and can be set.

    Attributes:
        basic_settings: The application's own settings; defaults in a plugin's process.
        module_settings: The plugin's fields as they were sent.
        llm_settings: The keys for language models; None where the plugin was not given one.
        registry: The registry, which holds nobody.
        llm: A llama_index model, made from the field `oai_key`, else from `claude_key`; absent without them.
        embed_model: The embedding model that goes with it, None with `claude_key`; absent without them.
    """

    def load(self, all_fields: bool = False) -> None:
        """Does nothing: the host has loaded the configuration."""

    def init_settings(self, load_modules: bool = True) -> None:
        """Does nothing: the host has loaded the configuration."""

    def init_llms(self) -> None:
        """Makes `llm` and `embed_model` now, if there is a key."""
        keys = self.llm_settings
        if keys.oai_key is not None or keys.claude_key is not None:
            self.llm = self._make_llm()
            self.embed_model = self._make_embed_model()

    def grab_conf_environment_plugins(self) -> list:
        """Refuses: a plugin's process knows no other plugins.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("a plugin does not see the other plugins; `opsbox plugins list` does")

    def _make_basic_settings(self) -> object:
        from opsbox.config import ApplicationSettings

        return ApplicationSettings()

    def _make_module_settings(self) -> dict:
        return _facts.config

    def _make_llm_settings(self) -> object:
        from opsbox.config import LLMValidator

        return LLMValidator(**{key: _facts.config.get(key) for key in ("oai_key", "claude_key")})

    def _make_registry(self) -> object:
        from opsbox.plugins import Registry

        return Registry()

    def _make_llm(self) -> object:
        keys = self._keys("llm")
        if keys.oai_key is not None:
            model = _imported("llama_index.llms.openai", "OpenAI", "llm")
            return model(model=_OPENAI_MODEL, api_key=keys.oai_key, temperature=_TEMPERATURE)
        model = _imported("llama_index.llms.anthropic", "Anthropic", "llm")
        return model(model=_CLAUDE_MODEL, api_key=keys.claude_key)

    def _make_embed_model(self) -> object:
        keys = self._keys("embed_model")
        if keys.oai_key is None:
            return None
        model = _imported("llama_index.embeddings.openai", "OpenAIEmbedding", "embed_model")
        return model(api_key=keys.oai_key)

    def _keys(self, name: str) -> object:
        keys = self.llm_settings
        if keys.oai_key is None and keys.claude_key is None:
            plugin = _facts.plugin.get("name")
            whose = f"plugin `{plugin}`" if plugin else "this process"
            raise AttributeError(
                f"`AppConfig().{name}` needs the field `oai_key` or `claude_key`, and {whose} has neither: "
                "set the variable `OPSBOX_SET_OAI_KEY` or `OPSBOX_SET_CLAUDE_KEY`, "
                "or the field in a file for `--config`"
            )
        return keys

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_"):
            make = getattr(type(self), f"_make_{name}", None)
            if make is not None:
                value = make(self)
                # The host may send other fields later; what was made of the first ones must not stay.
                if name not in ("module_settings", "llm_settings"):
                    setattr(self, name, value)
                return value
        raise AttributeError(
            f"`AppConfig()` has no `{name}`; it has `basic_settings`, `module_settings`, `llm_settings`, "
            "`registry`, `llm` and `embed_model`"
        )

    def __getitem__(self, key: str | list) -> object:
        """Returns one attribute, or a dict of several."""
        return getattr(self, key) if isinstance(key, str) else {name: getattr(self, name) for name in key}

    def __setitem__(self, key: str, value: object) -> None:
        """Sets an attribute."""
        setattr(self, key, value)

    def __delitem__(self, key: str) -> None:
        """Deletes an attribute."""
        delattr(self, key)


def _imported(module: str, name: str, wanted: str) -> object:
    """Returns a class of llama_index.

    Raises:
        ImportError: It is not installed; the text names the extra that brings it.
    """
    from importlib import import_module

    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as err:
        if err.name is None or not err.name.startswith("llama_index"):
            raise
        from opsbox import _names

        raise _names.missing(module, f"`AppConfig().{wanted}`") from err


def __getattr__(name: str) -> object:
    from opsbox import _names

    return _names.get(__name__, name)
