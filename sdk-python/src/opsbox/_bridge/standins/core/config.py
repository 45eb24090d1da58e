"""Stand-in for `core.config`: the same as `opsbox.config`."""

from __future__ import annotations

import opsbox.config as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
