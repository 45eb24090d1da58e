"""`BaseModel`: pydantic's where it is installed, else a plain class with the methods that plugins use."""

from __future__ import annotations

__all__ = ["HAS_PYDANTIC", "BaseModel", "open_model"]

try:
    from pydantic import BaseModel

    HAS_PYDANTIC = True
except ImportError:
    HAS_PYDANTIC = False

    class BaseModel:  # type: ignore[no-redef]
        """Keeps its annotated fields as attributes; unknown ones are kept too.

        It checks what is missing, not types.
        """

        def __init__(self, **values: object) -> None:
            fields = self._fields()
            missing = [name for name, needed in fields.items() if needed and name not in values]
            if missing:
                raise ValueError(f"{type(self).__name__}: missing {', '.join(missing)}")
            for name in fields:
                default = getattr(type(self), name, None)
                value = values.pop(name) if name in values else _copied(default)
                object.__setattr__(self, name, value)
            self.__dict__.update(values)

        @classmethod
        def _fields(cls) -> dict[str, bool]:
            """Returns the annotated names, each with whether it must be given."""
            fields: dict[str, bool] = {}
            for base in reversed(cls.__mro__):
                for name in vars(base).get("__annotations__", None) or getattr(base, "__annotations__", {}):
                    if not name.startswith("_") and name not in ("model_config", "model_fields"):
                        fields[name] = not hasattr(cls, name)
            return fields

        @property
        def model_extra(self) -> dict:
            """The values beyond the annotated fields."""
            fields = self._fields()
            return {name: value for name, value in self.__dict__.items() if name not in fields}

        @classmethod
        def model_construct(cls, _fields_set: object = None, **values: object) -> BaseModel:
            """Makes one without checks."""
            self = cls.__new__(cls)
            self.__dict__.update(values)
            return self

        @classmethod
        def model_validate(cls, value: object) -> BaseModel:
            """Makes one from a dict, or returns the instance given."""
            return value if isinstance(value, cls) else cls(**value)

        def model_dump(
            self, *, include: object = None, exclude: object = (), exclude_none: bool = False, **_: object
        ) -> dict:
            """Returns the fields as a dict; models inside become dicts."""
            return {
                name: _dumped(value)
                for name, value in self.__dict__.items()
                if (include is None or name in include)
                and name not in (exclude or ())
                and not (exclude_none and value is None)
            }

        def model_dump_json(self, *, indent: int | None = None, **options: object) -> str:
            """Returns the fields as JSON text."""
            import json

            from opsbox._wire import values

            clean, _ = values.simplify(self.model_dump(**options))
            return json.dumps(
                clean, indent=indent, separators=None if indent else (",", ":"), ensure_ascii=False
            )

        def model_copy(self, *, update: dict | None = None, deep: bool = False) -> BaseModel:
            """Returns a copy, some fields exchanged."""
            from copy import deepcopy

            values = deepcopy(self.__dict__) if deep else dict(self.__dict__)
            values.update(update or {})
            return type(self).model_construct(**values)

        dict = model_dump
        json = model_dump_json
        copy = model_copy
        construct = model_construct
        parse_obj = model_validate

        def __eq__(self, other: object) -> bool:
            return type(self) is type(other) and self.__dict__ == other.__dict__

        __hash__ = None  # type: ignore[assignment]

        def __iter__(self) -> object:
            return iter(self.__dict__.items())

        def __repr__(self) -> str:
            shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
            return f"{type(self).__name__}({shown})"

        __str__ = __repr__


def open_model() -> object:
    """Returns the setting that makes a pydantic model keep unknown keys: data must survive the way."""
    return {"extra": "allow"}


def _copied(default: object) -> object:
    return default.copy() if isinstance(default, (list, dict, set)) else default


def _dumped(value: object) -> object:
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, dict):
        return {key: _dumped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_dumped(item) for item in value) if type(value) in (list, tuple) else value
    return value
