"""A dataclass as JSON Schema, and the fields that were sent as an instance of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
import types
import typing
from collections import abc
from pathlib import Path, PurePath
from typing import Any

from opsbox._wire.errors import config_invalid

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
}
_LISTS = (list, set, frozenset, tuple, abc.Sequence, abc.Iterable)
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))


def option(
    default: Any = dataclasses.MISSING,
    *,
    description: str = "",
    secret: bool = False,
    factory: Any = dataclasses.MISSING,
    schema: dict[str, Any] | None = None,
) -> Any:
    """Returns a field of a configuration's dataclass.

    Args:
        default: Its value where nobody sets it; without it and `factory` the field is required.
        description: What it is for.
        secret: Whether its value must never be shown.
        factory: Makes the default, for lists and the like.
        schema: Further keywords of JSON Schema, for example `{"minimum": 1}`.
    """
    facts = {"description": description, "secret": secret, "schema": schema or {}}
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=facts)
    if default is not dataclasses.MISSING:
        return dataclasses.field(default=default, metadata=facts)
    return dataclasses.field(metadata=facts)


def of_dataclass(kind: type) -> dict[str, Any]:
    """Returns the JSON Schema of a dataclass.

    Raises:
        TypeError: A field has a type that JSON has no word for; it names the field.
    """
    return {"$schema": _DIALECT, **_object_schema(kind)}


def build(kind: type, fields: dict[str, Any], plugin: str) -> Any:
    """Returns an instance made of the fields that were sent; the others take their defaults.

    Raises:
        WireError: A field is missing, unknown or of the wrong type; all faults are named.
    """
    faults: list[tuple[str, str]] = []
    value = _build(kind, fields, "", faults)
    if faults:
        raise config_invalid(faults, plugin)
    return value


def _object_schema(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties, required = {}, []
    for field in dataclasses.fields(kind):
        facts = field.metadata
        prop = _type_schema(hints[field.name], f"{kind.__name__}.{field.name}")
        prop.update(facts.get("schema", {}))
        if facts.get("description"):
            prop["description"] = facts["description"]
        if facts.get("secret"):
            prop.update(format="password", writeOnly=True)
        if field.default is not dataclasses.MISSING:
            if not facts.get("secret"):
                prop["default"] = _plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            prop["default"] = _plain(field.default_factory())
        else:
            required.append(field.name)
        properties[field.name] = prop
    schema = {"type": "object", "title": kind.__name__, "properties": properties}
    if required:
        schema["required"] = required
    return schema


def _type_schema(hint: Any, path: str) -> dict[str, Any]:
    if hint is Any or hint is object:
        return {}
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return {"anyOf": [_type_schema(arg, path) for arg in args]}
    if origin is typing.Literal:
        return {"enum": list(args)}
    if hint in _LISTS or origin in _LISTS:
        schema: dict[str, Any] = {"type": "array"}
        if args:
            schema["items"] = _type_schema(args[0], path)
        return schema
    if hint in (dict, abc.Mapping) or origin in (dict, abc.Mapping):
        schema = {"type": "object"}
        if args:
            schema["additionalProperties"] = _type_schema(args[1], path)
        return schema
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return _object_schema(hint)
        if issubclass(hint, enum.Enum):
            return {"enum": [item.value for item in hint]}
        if issubclass(hint, PurePath):
            return {"type": "string", "format": "path"}
    raise TypeError(f"the field `{path}` has a type with no form in JSON Schema: {hint!r}")


def _plain(value: Any) -> Any:
    from opsbox._wire import values

    return values.simplify(value)[0]


def _build(kind: type, fields: dict[str, Any], path: str, faults: list[tuple[str, str]]) -> Any:
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind)}
    before = len(faults)
    values = {}
    for name, value in fields.items():
        at = f"{path}.{name}" if path else name
        if name in known:
            values[name] = _coerce(hints[name], value, at, faults)
        else:
            faults.append((at, "unknown field"))
    for name, field in known.items():
        has_default = dataclasses.MISSING not in (field.default,) or (
            field.default_factory is not dataclasses.MISSING
        )
        if name not in values and not has_default:
            faults.append((f"{path}.{name}" if path else name, "missing"))
    if len(faults) > before:
        return None
    try:
        return kind(**values)
    except (TypeError, ValueError) as err:
        # A dataclass checks its own rules in `__post_init__`.
        faults.append((path or "configuration", str(err)))
        return None


def _coerce(hint: Any, value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
    """Returns a value of JSON as the type that the field wants; a fault is added where it does not fit."""
    if hint is Any or hint is object:
        return value
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        for arg in args:
            attempt: list[tuple[str, str]] = []
            made = _coerce(arg, value, path, attempt)
            if not attempt:
                return made
        faults.append((path, f"expected {_named(hint)}"))
        return None
    if origin is typing.Literal:
        return value if value in args else _fault(hint, path, faults)
    if hint in _LISTS or origin in _LISTS:
        if not isinstance(value, list):
            return _fault(hint, path, faults)
        item = args[0] if args else Any
        made = [_coerce(item, each, f"{path}[{index}]", faults) for index, each in enumerate(value)]
        maker = origin or hint
        return maker(made) if maker in (tuple, set, frozenset) else made
    if hint in (dict, abc.Mapping) or origin in (dict, abc.Mapping):
        if not isinstance(value, dict):
            return _fault(hint, path, faults)
        item = args[1] if args else Any
        return {key: _coerce(item, each, f"{path}.{key}", faults) for key, each in value.items()}
    return _coerce_scalar(hint, value, path, faults)


def _coerce_scalar(hint: Any, value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, path, faults) if isinstance(value, dict) else _fault(hint, path, faults)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if hint in (str, int, float, bool, type(None)):
        return value if type(value) is hint else _fault(hint, path, faults)
    try:
        if hint is datetime.datetime:
            return datetime.datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
        if hint is datetime.date:
            return datetime.date.fromisoformat(value)
        if issubclass(hint, enum.Enum):
            return hint(value)
        if issubclass(hint, PurePath):
            return (Path if hint is Path else hint)(os.fspath(value))
    except (TypeError, ValueError, AttributeError):
        return _fault(hint, path, faults)
    return value


def _fault(hint: Any, path: str, faults: list[tuple[str, str]]) -> None:
    faults.append((path, f"expected {_named(hint)}"))


def _named(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(repr(item.value) for item in hint)
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(hint)))
    return (
        hint.__name__
        if isinstance(hint, type) and not typing.get_args(hint)
        else str(hint).replace("typing.", "")
    )
