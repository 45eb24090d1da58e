"""Where a plugin's source is, and the hooks that it has: found and read without importing anything."""

from __future__ import annotations

import _ast
import os
import sys

_STANDINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "standins")
_STANDIN_NAMES = ("pluggy", "core")

COMMON = ("grab_config", "set_data", "activate")
BY_TYPE = {
    "provider": ("gather_data",),
    "input": ("process",),
    "rego": ("inject_data", "report_findings"),
    "assistant": ("process_input",),
    "output": ("process_results",),
    "handler": ("process_plugin",),
}
WORK = (
    "gather_data",
    "process",
    "inject_data",
    "report_findings",
    "process_input",
    "process_results",
    "process_plugin",
)
# Further hooks than are listed: the plugin answers "unknown method" for those that it has not.
ANY = "*"
# The feature by which host and bridge know each other, and the method that it offers.
INJECT = "x-opsbox-inject"
INJECT_PATCH = "x-opsbox/inject_patch"
# The original calls the spelling with two c, its documentation teaches the other. Where a class has both, the
# first holds.
SPELLINGS = {
    "process_input": ("proccess_input", "process_input"),
    "process_results": ("proccess_results", "process_results"),
}
_WIRE_NAMES = {spelling: hook for hook, spellings in SPELLINGS.items() for spelling in spellings}
_WIRE_NAMES.update({hook: hook for hook in COMMON + WORK if hook not in SPELLINGS})
# A handler's method that is called with the registry's manager, which is here.
_NEVER_LISTED = ("add_hookspecs",)
_PLAIN_BASES = {"object", "ABC", "Protocol", "Generic"}
_PARSE_ONLY = 0x400


class StandinFinder:
    """Finds `pluggy` and `core` where nobody else does; it stands last, so it never shadows a real one."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> object:
        """Returns the stand-in's spec, or None."""
        if path is not None or name not in _STANDIN_NAMES:
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [_STANDINS])


def prepare(spec: dict) -> None:
    """Appends the plugin's own folder to the environment's, and the stand-ins to the finders."""
    stand_in()
    if spec["source"] == "directory" and spec["folder"] not in sys.path:
        sys.path.append(spec["folder"])


def stand_in() -> None:
    """Appends the stand-ins to the finders."""
    sys.meta_path.append(StandinFinder)


def file_of(spec: dict) -> str:
    """Returns the code file of a plugin from a folder: the last part of its module, beside the manifest."""
    return os.path.join(spec["folder"], spec["module"].rsplit(".", 1)[-1] + ".py")


def possible(plugin_type: str) -> list[str]:
    """Returns all hooks that a plugin of this type can have; of a type that a handler serves, that is any."""
    return [*COMMON, *BY_TYPE.get(plugin_type, (ANY,))]


def wire_name(name: str) -> str:
    """Returns the hook on the wire that a method of this name is."""
    return _WIRE_NAMES.get(name, name)


def listed(path: str | None, class_name: str, plugin_type: str) -> list[str]:
    """Returns the hooks that the class in this file has, or all possible ones where the source does not tell.

    Args:
        path: The source file; None where it is not known.
        class_name: The plugin's class.
        plugin_type: The type in its manifest.
    """
    try:
        with open(path or "", "rb") as file:
            source = file.read()
        tree = compile(source, path, "exec", _PARSE_ONLY, dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return possible(plugin_type)
    classes: dict[str, _ast.ClassDef] = {}
    _collect(tree.body, classes)
    own = _own(class_name, classes, [])
    names = _methods(class_name, classes, set())
    if names is None:
        return [*possible(plugin_type), *own]
    found = {_WIRE_NAMES[name] for name in names if name in _WIRE_NAMES}
    return [*(hook for hook in COMMON + WORK if hook in found), *own]


def source_of(module: str) -> str | None:
    """Returns the source file of a module, found without importing it or its parents, or None."""
    path, name = None, ""
    parts = module.split(".")
    for part in parts:
        name = f"{name}.{part}" if name else part
        spec = _spec(name, path)
        if spec is None:
            # A namespace package within one that is not imported: the finders cannot tell its folders.
            path = [os.path.join(folder, part) for folder in path or ()]
            path = [folder for folder in path if os.path.isdir(folder)]
            if not path or name == module:
                return None
            continue
        path = None if spec.submodule_search_locations is None else list(spec.submodule_search_locations)
        if path is None and name != module:
            return None
    return spec.origin if spec.origin and spec.origin.endswith(".py") else None


def _spec(name: str, path: object) -> object:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec = find(name, path) if find is not None else None
        except Exception:
            # An editable install's own finder may fail on what it does not know; the import itself will tell.
            continue
        if spec is not None:
            return spec
    return None


def _collect(body: list, classes: dict) -> None:
    for node in body:
        if isinstance(node, _ast.ClassDef):
            classes[node.name] = node
        for part in ("body", "orelse", "finalbody", "handlers"):
            if isinstance(node, (_ast.If, _ast.Try, _ast.With, _ast.ExceptHandler)):
                _collect(getattr(node, part, []), classes)


def _methods(name: str, classes: dict, seen: set) -> set | None:
    """Returns the names in a class's body and in its bases', or None where they are not all here."""
    node = classes.get(name)
    if node is None or name in seen:
        return None
    seen.add(name)
    names: set[str] = set()
    for base in node.bases:
        base_name = _base_name(base)
        if base_name in classes:
            inherited = _methods(base_name, classes, seen)
            if inherited is None:
                return None
            names |= inherited
        elif base_name not in _PLAIN_BASES:
            return None
    if any(
        keyword.arg == "metaclass" and _base_name(keyword.value) != "ABCMeta" for keyword in node.keywords
    ):
        return None
    for item in node.body:
        if isinstance(item, (_ast.FunctionDef, _ast.AsyncFunctionDef)):
            names.add(item.name)
        elif isinstance(item, _ast.Assign):
            names.update(target.id for target in item.targets if isinstance(target, _ast.Name))
        elif isinstance(item, (_ast.If, _ast.Try, _ast.With, _ast.For)):
            return None
    return names


def _own(name: str, classes: dict, found: list) -> list:
    """Returns the public methods in a class's body and its bases' that are no hooks of the protocol.

    Which of them are hooks of the plugin's own type only its handler knows.
    """
    node = classes.get(name)
    for item in getattr(node, "body", ()):
        if (
            isinstance(item, _ast.FunctionDef)
            and not item.name.startswith("_")
            and item.name not in found
            and item.name not in _WIRE_NAMES
            and item.name not in _NEVER_LISTED
            and not any(_base_name(each) in ("property", "cached_property") for each in item.decorator_list)
        ):
            found.append(item.name)
    for base in getattr(node, "bases", ()):
        base_name = _base_name(base)
        if base_name != name:
            _own(base_name, {key: value for key, value in classes.items() if key != name}, found)
    return found


def _base_name(node: object) -> str:
    if isinstance(node, _ast.Subscript):
        node = node.value
    if isinstance(node, _ast.Attribute):
        return node.attr
    return node.id if isinstance(node, _ast.Name) else ""
