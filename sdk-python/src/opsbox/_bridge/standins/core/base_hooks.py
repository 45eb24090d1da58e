"""Stand-in for `core.base_hooks`: the same as `opsbox.base_hooks`."""

from __future__ import annotations

import opsbox.base_hooks as _real

__all__ = _real.__all__


def __getattr__(name: str) -> object:
    return getattr(_real, name)
