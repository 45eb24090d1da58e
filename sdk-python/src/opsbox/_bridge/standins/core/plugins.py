"""Stand-in for `core.plugins`: the same as `opsbox.plugins`."""

from __future__ import annotations

import opsbox.plugins as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
