"""Imports a plugin's module, from its folder or from an installed package, and makes the plugin."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

from opsbox._bridge import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Missing(Exception):
    """The module has no such class; the message says which it has."""


def load(spec: dict, warn: Callable[[str], None]) -> object:
    """Imports the module and returns the plugin: the class called without arguments.

    Args:
        spec: What the host said about the plugin.
        warn: Called with a sentence where something had to be assumed.

    Raises:
        BaseException: Whatever the plugin's code raises.
    """
    module = _from_folder(spec) if spec["source"] == "directory" else _installed(spec, warn)
    found = module
    for part in spec["class_name"].split("."):
        if not hasattr(found, part):
            raise Missing(_missing(module, spec))
        found = getattr(found, part)
    return found() if isinstance(found, type) or callable(found) else found


def _installed(spec: dict, warn: Callable[[str], None]) -> object:
    name, path = spec["module"], hooks.file_of(spec)
    try:
        return import_module(name)
    except ImportError as err:
        if not os.path.isfile(path):
            raise
        missing = getattr(err, "name", None)
        if isinstance(err, ModuleNotFoundError) and missing and f"{name}.".startswith(f"{missing}."):
            # Another module of the first name, such as one built into the interpreter, hides the package.
            warn(f"Python has no module `{name}` ({err}); `{path}` was taken for it")
        else:
            foreign = _foreign_package(name, path)
            if foreign is None:
                raise
            warn(f"`{foreign}` of another package cannot be imported ({err}); `{path}` was loaded without it")
    return _from_folder(spec, alone=True)


def _foreign_package(name: str, path: str) -> str | None:
    """Returns the `__init__.py` beside a module if its import failed and another distribution brought it."""
    parent = name.rpartition(".")[0]
    init = os.path.join(os.path.dirname(path), "__init__.py")
    if not parent or parent in sys.modules or not os.path.isfile(init):
        return None
    for folder in map(os.path.abspath, sys.path):
        if not path.startswith(folder + os.sep) or not os.path.isdir(folder):
            continue
        for entry in os.listdir(folder):
            try:
                with open(os.path.join(folder, entry, "RECORD"), encoding="utf-8") as file:
                    listed = {line.rsplit(",", 2)[0] for line in file}
            except OSError:
                continue
            if os.path.relpath(path, folder) in listed:
                return None if os.path.relpath(init, folder) in listed else init
    return None


def _from_folder(spec: dict, alone: bool = False) -> object:
    path = hooks.file_of(spec)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"the plugin's file {path} does not exist")
    name = spec["module"]
    parent = name.rpartition(".")[0]
    if alone or _is_taken(name.split(".")[0], path):
        # A plugin may be called like a module of the standard library or of the environment. That one keeps
        # its name.
        name, parent = f"opsbox_plugin_{name.replace('.', '_')}", ""
    if parent and parent not in sys.modules:
        _make_parent(parent, spec["folder"])
    module_spec = ModuleSpec(name, SourceFileLoader(name, path), origin=path)
    module_spec.has_location = True
    return _execute(module_spec)


def _execute(spec: ModuleSpec) -> object:
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(spec.name, None)
        raise
    return sys.modules.get(spec.name, module)


def _is_taken(top: str, path: str) -> bool:
    if (
        top in sys.modules
        or top in getattr(sys, "stdlib_module_names", ())
        or top in sys.builtin_module_names
    ):
        return True
    spec = PathFinder.find_spec(top)
    if spec is None:
        return False
    folder = os.path.dirname(path)
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return not any(os.path.abspath(place).startswith(os.path.abspath(folder)) for place in places)


def _make_parent(parent: str, folder: str) -> None:
    """Makes the packages above a dotted module, so that the plugin can import its neighbours through them."""
    from types import ModuleType

    so_far = ""
    for part in parent.split("."):
        so_far = f"{so_far}.{part}" if so_far else part
        if so_far not in sys.modules:
            package = ModuleType(so_far)
            package.__path__ = [folder]
            sys.modules[so_far] = package


def _missing(module: object, spec: dict) -> str:
    classes = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return missing(spec["module"], spec["class_name"], classes)


def missing(module: str, wanted: str, classes: list[str]) -> str:
    """Says that a module has no such class, and which it has."""
    from difflib import get_close_matches

    near = get_close_matches(wanted, classes, 1, 0.6) or [
        name for name in classes if name.lower() == wanted.lower()
    ]
    if near:
        return f"module `{module}` has no class `{wanted}`; did you mean `{near[0]}`?"
    listed = ", ".join(f"`{name}`" for name in classes) or "none"
    return f"module `{module}` has no class `{wanted}`; it has {listed}"
