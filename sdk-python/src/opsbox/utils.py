"""Names that plugins import from `opsbox.utils`."""

from __future__ import annotations

__all__ = ["SingletonMeta"]


class SingletonMeta(type):
    """Makes every call of a class return its one instance."""

    _instances: dict = {}  # noqa: RUF012 (ClassVar would import typing)

    def __call__(cls, *args: object, **kwargs: object) -> object:
        """Returns the instance, made by the first call."""
        if cls not in SingletonMeta._instances:
            SingletonMeta._instances[cls] = super().__call__(*args, **kwargs)
        return SingletonMeta._instances[cls]


def __getattr__(name: str) -> object:
    from opsbox import _names

    return _names.get(__name__, name)
