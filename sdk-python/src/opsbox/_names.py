"""Which names the modules for old plugins offer, where each comes from, and what is said of the others.

`OFFERED` is the whole list: `opsbox plugins doctor` compares it with what a plugin's source imports.
"""

from __future__ import annotations

import os
import sys

__all__ = [
    "ABSENT",
    "DEFINED",
    "EXTRAS",
    "OFFERED",
    "SERVED",
    "absent",
    "get",
    "install_hint",
    "is_sealed",
    "missing",
]

# What each module defines itself; its `__all__` says the same.
DEFINED: dict[str, tuple] = {
    "opsbox": (),
    "opsbox.plugins": ("PluginNotFoundError", "Registry"),
    "opsbox.config": ("AppConfig", "find_config_file"),
    "opsbox.cli": ("console",),
    "opsbox.base_hooks": ("BaseSpec", "HandlerSpec", "add_hookspecs", "hookspec"),
    "opsbox.utils": ("SingletonMeta",),
    "opsbox.main": ("main",),
}

# What each module fetches when it is touched: the name, and the module with the attribute. Beside our own
# there are the names that the original's modules had because they imported them, since a plugin may have them
# from there.
SERVED: dict[str, dict] = {
    "opsbox": {
        "Result": "opsbox.plugins:Result",
        "PluginInfo": "opsbox.plugins:PluginInfo",
        "Registry": "opsbox.plugins:Registry",
        "AppConfig": "opsbox.config:AppConfig",
        "base_hooks": "opsbox.base_hooks",
        "cli": "opsbox.cli",
        "config": "opsbox.config",
        "plugins": "opsbox.plugins",
        "utils": "opsbox.utils",
    },
    "opsbox.plugins": {
        "PluginFlow": "opsbox._shapes:PluginFlow",
        "PluginInfo": "opsbox._shapes:PluginInfo",
        "Result": "opsbox._shapes:Result",
        "Any": "typing:Any",
        "BaseModel": "pydantic:BaseModel",
        "Path": "pathlib:Path",
        "SingletonMeta": "opsbox.utils:SingletonMeta",
        "Type": "typing:Type",
        "ValidationError": "pydantic:ValidationError",
        "add_hookspecs": "opsbox.base_hooks:add_hookspecs",
        "contextlib": "contextlib",
        "hookspec": "opsbox.base_hooks:hookspec",
        "importlib": "importlib",
        "logger": "loguru:logger",
        "pluggy": "pluggy",
        "runpy": "runpy",
        "sys": "sys",
        "types": "types",
    },
    "opsbox.config": {
        "ApplicationSettings": "opsbox._shapes:ApplicationSettings",
        "LLMValidator": "opsbox._shapes:LLMValidator",
        "BaseModel": "pydantic:BaseModel",
        "Field": "pydantic:Field",
        "FieldInfo": "pydantic.fields:FieldInfo",
        "PluginFlow": "opsbox._shapes:PluginFlow",
        "Registry": "opsbox.plugins:Registry",
        "SingletonMeta": "opsbox.utils:SingletonMeta",
        "dateparser": "dateparser",
        "datetime": "datetime:datetime",
        "environ": "os:environ",
        "json": "json",
        "logger": "loguru:logger",
        "path": "os:path",
        "sys": "sys",
    },
    "opsbox.cli": {
        "Align": "rich.align:Align",
        "ApplicationSettings": "opsbox._shapes:ApplicationSettings",
        "Console": "rich.console:Console",
        "FieldInfo": "pydantic.fields:FieldInfo",
        "Table": "rich.table:Table",
        "Text": "rich.text:Text",
    },
    "opsbox.base_hooks": {
        "BaseModel": "pydantic:BaseModel",
        "TYPE_CHECKING": "typing:TYPE_CHECKING",
        "logger": "loguru:logger",
        "pluggy": "pluggy",
    },
    "opsbox.utils": {},
    "opsbox.main": {
        "AppConfig": "opsbox.config:AppConfig",
        "JSONDecodeError": "json:JSONDecodeError",
        "PluginNotFoundError": "opsbox.plugins:PluginNotFoundError",
        "Registry": "opsbox.plugins:Registry",
        "argv": "sys:argv",
        "console": "opsbox.cli:console",
        "logger": "loguru:logger",
        "sys": "sys",
        "yaml": "yaml",
    },
}

_SCREEN = "it was a part of the original's own screens, and the program prints its own"
_LOGS = "it set up the original's log, and the program writes the log now"

# What the original's modules had and these have not, with the reason.
ABSENT: dict[str, dict] = {
    "opsbox.plugins": {"toml": "it was `tomllib` of Python 3.11; import that"},
    "opsbox.cli": dict.fromkeys(
        (
            "ascii_art",
            "config_help",
            "pipeline_building_help",
            "print_available_plugins",
            "print_basic_args_help",
            "print_config_help",
            "print_missing_arguments_error",
            "print_opsbox_banner",
            "print_pipeline_building_help",
            "print_pipeline_help",
            "print_plugin_not_found_error",
            "print_welcome_message",
            "welcome_message",
        ),
        _SCREEN,
    ),
    "opsbox.main": {
        **dict.fromkeys(("start_logging", "verbose_formatter"), _LOGS),
        **dict.fromkeys(
            (
                "print_available_plugins",
                "print_basic_args_help",
                "print_config_help",
                "print_missing_arguments_error",
                "print_opsbox_banner",
                "print_pipeline_building_help",
                "print_pipeline_help",
                "print_plugin_not_found_error",
                "print_welcome_message",
            ),
            _SCREEN,
        ),
    },
}

OFFERED: dict[str, tuple] = {
    module: tuple(sorted((*DEFINED[module], *SERVED[module]))) for module in sorted(DEFINED)
}

# The extra of the distribution `opsbox` that brings a package.
EXTRAS: dict[str, str] = {"dateparser": "dates", "llama_index": "llm"}

# What is in those extras by their own names; the same as in pyproject.toml.
_OF_EXTRAS = {
    "dates": ("'dateparser>=1.2'",),
    "llm": (
        "'llama-index-core>=0.12,<0.13'",
        "'llama-index-embeddings-openai>=0.3'",
        "'llama-index-llms-anthropic>=0.6.3'",
        "'llama-index-llms-openai>=0.3'",
    ),
}

# Packages that are installed under another name than the one they are imported by.
_PACKAGES = {"yaml": "PyYAML"}


def get(module: str, name: str) -> object:
    """Returns a name that a module fetches when it is touched, and keeps it there.

    Raises:
        AttributeError: The module does not offer it, nor does an original installed beside it.
        ImportError: It comes from a package that is not installed.
    """
    target = SERVED[module].get(name)
    if target is None:
        return absent(module, name)
    from importlib import import_module

    home, _, attribute = target.partition(":")
    try:
        value = import_module(home)
    except ModuleNotFoundError as err:
        if err.name is None or home.partition(".")[0] != err.name.partition(".")[0]:
            raise
        raise missing(err.name, f"`{module}.{name}`") from err
    if attribute:
        value = getattr(value, attribute)
    setattr(sys.modules[module], name, value)
    return value


def absent(module: str, name: str) -> object:
    """Returns what an original that is installed too has under a name, or says that there is none.

    Raises:
        AttributeError: There is none; its text names module, name, plugin and what there is.
    """
    # `copy`, `inspect` and `doctest` ask for such names and expect the plain answer.
    if name.startswith("__"):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if module != "opsbox":
        from opsbox import _original

        found, value = _original.attribute(module.rpartition(".")[2], name)
        if found:
            return value
    raise AttributeError(explained(module, name))


def explained(module: str, name: str) -> str:
    """Says that a module does not have a name, for which plugin, why, and which names it has."""
    from opsbox import _facts

    plugin = _facts.plugin.get("name")
    asked = f", which plugin `{plugin}` asks for" if plugin else ""
    reason = ABSENT.get(module, {}).get(name)
    why = f": {reason}" if reason else ""
    offered = ", ".join(f"`{each}`" for each in OFFERED[module])
    return f"module `{module}` has no `{name}`{asked}{why}; it has {offered}"


def missing(package: str, wanted: str) -> ImportError:
    """Returns the error that a package is not installed, with the command that installs it.

    Args:
        package: The module that was not found.
        wanted: What needs it.
    """
    top = package.partition(".")[0]
    text = f"{wanted} needs the package `{top}`, which is not installed: {install_hint(top)}"
    return ModuleNotFoundError(text, name=package)


def install_hint(package: str) -> str:
    """Returns how to install the package of a top-level module, in the imperative."""
    extra = EXTRAS.get(package)
    if os.path.isfile(os.path.join(sys.prefix, "opsbox-lock.json")):
        wanted = f"'opsbox[{extra}]'" if extra else _PACKAGES.get(package, package)
        return f"add it to the managed environment: `opsbox plugins add {wanted}`"
    # By their own names: what an index has as `opsbox` is the original.
    wanted = " ".join(_OF_EXTRAS[extra]) if extra else _PACKAGES.get(package, package)
    python = sys.executable or "python"
    if is_sealed():
        return (
            f"this Python belongs to the system and takes no packages: make an environment with "
            f"`{python} -m venv ENV`, install it there with `ENV/bin/pip install {wanted}`, and run with "
            f"OPSBOX_PYTHON=ENV"
        )
    return f"install it with `{python} -m pip install {wanted}`"


def is_sealed() -> bool:
    """Tells whether pip refuses to install into this Python, because the system's packages own it."""
    from sysconfig import get_path

    in_environment = sys.prefix != sys.base_prefix
    return not in_environment and os.path.isfile(os.path.join(get_path("stdlib"), "EXTERNALLY-MANAGED"))
