"""Prints, as one line of JSON, what the host needs to know about a Python environment.

Imports none of its packages. The host hands it to `-c`, so that it needs no file.
"""

from __future__ import annotations

import json
import os
import sys

_PACKAGES = ("pluggy", "pydantic", "pydantic_core", "opsbox", "core", "loguru", "rich", "yaml")


def main() -> None:
    """Prints the line."""
    facts = {
        "executable": sys.executable,
        "version": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "sys_path": [entry for entry in sys.path if os.path.isabs(entry) and os.path.isdir(entry)],
        "editable": editable(sys.meta_path),
        "packages": {name: is_there(name) for name in _PACKAGES},
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def editable(finders: list) -> dict[str, str]:
    """Returns what editable installs map: a top-level name to its absolute folder or file.

    Args:
        finders: The finders of `sys.meta_path`; a build tool's own finder holds its table under a name of its
            own.
    """
    found: dict[str, str] = {}
    for finder in finders:
        module = sys.modules.get(getattr(finder, "__module__", None) or "")
        tables = (
            getattr(module, "MAPPING", None),  # setuptools
            getattr(finder, "_redirections", None),  # editables, used by hatch and pdm
            getattr(finder, "known_source_files", None),  # scikit-build-core
        )
        for table in tables:
            if isinstance(table, dict):
                for name, path in table.items():
                    _add(found, name, path)
    return found


def _add(found: dict[str, str], name: object, path: object) -> None:
    if not isinstance(name, str) or not isinstance(path, (str, os.PathLike)):
        return
    path = os.path.abspath(path)
    parts = name.split(".")
    if os.path.basename(path) == "__init__.py":
        path = os.path.dirname(path)
    for _ in parts[1:]:
        path = os.path.dirname(path)
    if len(parts) == 1 or os.path.isdir(path):
        found.setdefault(parts[0], path)


def is_there(name: str) -> bool:
    """Tells whether a top-level module can be found. Finders are asked, nothing is imported."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            if find is not None and find(name, None) is not None:
                return True
        except Exception:
            # A foreign finder that fails on a name does not know it.
            continue
    return False


if __name__ == "__main__":
    main()
