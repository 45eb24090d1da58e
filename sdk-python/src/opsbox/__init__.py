"""Opsbox for Python: `opsbox.sdk` for new plugins, and the names that plugins of the original Opsbox import.

Importing this package loads nothing: `Result` and the others come on first use, since they bring pydantic
along.
"""

from __future__ import annotations

import os as _os
import sys as _sys

__all__ = ["AppConfig", "PluginInfo", "Registry", "Result"]
__version__ = "1.0.0"

# Where the original package is installed too, submodules that are not here are found there. An installed copy
# of this package is none: it has a bridge.
__path__ = list(__path__) + [
    _home
    for _home in (_os.path.join(_entry, "opsbox") for _entry in _sys.path)
    if _home not in __path__
    and _os.path.isfile(_os.path.join(_home, "__init__.py"))
    and not _os.path.isdir(_os.path.join(_home, "_bridge"))
]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'opsbox' has no attribute {name!r}")
    from opsbox import _names

    return _names.get(__name__, name)
