"""Prints, as one line of JSON, the names that plugins import in vain from the modules for old plugins.

The sources are read, nothing of a plugin is imported. `opsbox plugins doctor` runs this as a script, with one
argument: a JSON list of plugins as the bridge gets them, of one interpreter.
"""

from __future__ import annotations

import json
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))


def main() -> None:
    """Prints the line: an object of plugin names, each with a list of texts; who has none is left out."""
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != _HERE]
    sys.path.insert(0, _ROOT)
    found = {}
    for spec in json.loads(sys.argv[1]):
        texts = unknown(spec)
        if texts:
            found[spec["name"]] = texts
    sys.stdout.write(json.dumps(found) + "\n")


def unknown(spec: dict) -> list[str]:
    """Returns a sentence for each name that a plugin's source imports and nobody offers."""
    from opsbox import _names
    from opsbox._bridge import hooks

    path = hooks.file_of(spec) if spec["source"] == "directory" else hooks.source_of(spec["module"])
    texts = []
    for line, module, name in imported(path):
        # The documentation wrote `core` for `opsbox`.
        home = "opsbox" + module[4:] if module.partition(".")[0] == "core" else module
        offered = _names.OFFERED.get(home)
        if offered is None and home.partition(".")[0] == "opsbox" and not _is_there(home):
            texts.append(f"{path}:{line} imports `{module}`, which is not there")
        elif offered is not None and name not in (*offered, "*", None) and not _elsewhere(home, name):
            why = _names.ABSENT.get(home, {}).get(name)
            reason = f": {why}" if why else ""
            texts.append(f"{path}:{line} imports `{name}` from `{module}`, which does not have it{reason}")
    return texts


def imported(path: str | None) -> list[tuple]:
    """Returns line, module and name of every import from `opsbox` and `core`; no name for a whole module."""
    import ast

    try:
        with open(path or "", "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and _concerns(node.module):
            found.extend((node.lineno, node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            found.extend((node.lineno, alias.name, None) for alias in node.names if _concerns(alias.name))
    return found


def _concerns(module: str) -> bool:
    top = module.partition(".")[0]
    # A `core` of the environment's own is not ours.
    return top == "opsbox" or (top == "core" and not _is_there("core"))


def _is_there(module: str) -> bool:
    from importlib.machinery import PathFinder

    top, _, rest = module.partition(".")
    if not rest:
        return PathFinder.find_spec(top) is not None
    import opsbox

    parts = rest.split(".")
    return any(
        os.path.isfile(os.path.join(home, *parts) + ".py") or os.path.isdir(os.path.join(home, *parts))
        for home in opsbox.__path__
    )


def _elsewhere(module: str, name: str) -> bool:
    """Tells whether a name is a module below a package, or what an original has that is installed too."""
    return _is_there(f"{module}.{name}") or _in_original(module, name)


def _in_original(module: str, name: str) -> bool:
    """Tells whether an original that is installed too defines or imports a name in a module."""
    import ast

    import opsbox

    for home in opsbox.__path__[1:]:
        try:
            with open(os.path.join(home, module.rpartition(".")[2] + ".py"), "rb") as file:
                body = ast.parse(file.read()).body
        except (OSError, SyntaxError, ValueError):
            continue
        for node in body:
            names = [alias.asname or alias.name for alias in getattr(node, "names", ())]
            names.extend(target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name))
            if name in (*names, getattr(node, "name", None)):
                return True
    return False


if __name__ == "__main__":
    main()
