"""Results between wire and hook: what a hook returns is brought into the protocol's shape, or refused."""

from __future__ import annotations

from opsbox._wire.errors import INVALID_PARAMS, WireError

MEMBERS = ("relates_to", "result_name", "result_description", "details", "formatted")
_TEXTS = ("relates_to", "result_name", "result_description", "formatted")


class BadReturn(ValueError):
    """A hook returned what is no Result; the message says what and where."""


def from_wire(value: object, make: object) -> object:
    """Returns a Result object.

    Args:
        value: The Result's object as decoded from the line.
        make: Called with the members as keywords.

    Raises:
        WireError: `value` has not the shape of a Result.
    """
    if not isinstance(value, dict):
        raise WireError(INVALID_PARAMS, f"expected a Result (an object), got {_kind(value)}")
    wrong = [name for name in MEMBERS if name not in value]
    if wrong:
        raise WireError(INVALID_PARAMS, f"a Result lacks `{'`, `'.join(wrong)}`")
    return make(**value)


def list_from_wire(value: object, make: object) -> list:
    """Returns a list of Result objects; arguments and errors as `from_wire`."""
    if not isinstance(value, list):
        raise WireError(INVALID_PARAMS, f"expected a list of Results, got {_kind(value)}")
    return [from_wire(item, make) for item in value]


def as_list(returned: object) -> list:
    """Returns what a hook returned as a flat list of objects with the five members.

    None is an empty list, a single Result a list of one; nested lists, tuples and generators are flattened.

    Raises:
        BadReturn: Something in it is no Result.
    """
    found: list = []
    _flatten(returned, "", found, 0)
    return found


def as_one(returned: object) -> dict:
    """Returns what a hook returned as one Result.

    Raises:
        BadReturn: It is none, or more than one.
    """
    found = as_list(returned)
    if len(found) != 1:
        got = "None" if returned is None else f"{len(found)} Results"
        raise BadReturn(f"expected one Result, got {got}")
    return found[0]


def _flatten(value: object, path: str, found: list, level: int) -> None:
    if value is None:
        return
    members = _members(value)
    if members is not None:
        found.append(_checked(members, path))
    elif isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "__next__"):
        if level > 32:
            raise BadReturn("the lists nest more than 32 levels deep")
        for index, item in enumerate(value):
            _flatten(item, f"{path}[{index}]", found, level + 1)
    else:
        raise BadReturn(f"{_at(path)}expected a Result, got {_kind(value)}")


def _members(value: object) -> dict | None:
    """Returns the members of a Result in order, those beyond the five included.

    Or None for what is not meant as one.
    """
    if isinstance(value, dict):
        return value
    if all(hasattr(value, name) for name in MEMBERS) and not isinstance(value, type):
        kind = type(value)
        names = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", None) or MEMBERS
        members = {name: getattr(value, name) for name in names}
        members.update(getattr(value, "model_extra", None) or {})
        return members
    return None


def _checked(members: dict, path: str) -> dict:
    missing = [name for name in MEMBERS if name not in members]
    if missing:
        raise BadReturn(f"{_at(path)}not a Result: it lacks `{'`, `'.join(missing)}`")
    for name in _TEXTS:
        if not isinstance(members[name], str):
            raise BadReturn(f"{_at(path)}`{name}` must be a string, not {_kind(members[name])}")
    details = members["details"]
    if isinstance(details, (list, tuple)):
        for index, item in enumerate(details):
            if not _is_object(item):
                raise BadReturn(f"{_at(path)}`details[{index}]` must be an object, not {_kind(item)}")
    elif not _is_object(details):
        raise BadReturn(f"{_at(path)}`details` must be an object or a list of objects, not {_kind(details)}")
    return members


def _is_object(value: object) -> bool:
    kind = type(value)
    if kind is dict or isinstance(value, dict):
        return True
    return not isinstance(value, type) and (
        hasattr(kind, "model_dump") or hasattr(kind, "__dataclass_fields__")
    )


def _at(path: str) -> str:
    return f"`{path}`: " if path else ""


def _kind(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
