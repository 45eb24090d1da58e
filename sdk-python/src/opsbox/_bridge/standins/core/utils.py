"""Stand-in for `core.utils`: the same as `opsbox.utils`."""

from __future__ import annotations

import opsbox.utils as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
