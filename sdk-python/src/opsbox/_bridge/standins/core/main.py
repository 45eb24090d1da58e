"""Stand-in for `core.main`: the same as `opsbox.main`."""

from __future__ import annotations

import opsbox.main as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
