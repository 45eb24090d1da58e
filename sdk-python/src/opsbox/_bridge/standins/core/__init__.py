"""Stand-in for `core`, the name under which the documentation imports `opsbox`."""

from __future__ import annotations

import opsbox

__all__ = ["AppConfig", "PluginInfo", "Registry", "Result"]


def __getattr__(name: str) -> object:
    return getattr(opsbox, name)
