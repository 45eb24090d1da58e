"""Stand-in for `core.cli`: the same as `opsbox.cli`."""

from __future__ import annotations

import opsbox.cli as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
