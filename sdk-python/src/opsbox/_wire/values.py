"""What JSON has no word for, converted as pydantic's JSON mode does; what cannot be is named by its path.

Imported only when a value needs it. Nothing here imports pydantic; where it is loaded already, its serializer
is asked last.
"""

from __future__ import annotations

import math
import sys

from opsbox._wire.codec import spelt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_LEVELS = 128
_converters: dict[type, Callable] = {}


class Inexpressible(ValueError):
    """A value that JSON cannot carry.

    Args:
        path: Where it stands, for example `details.hosts[3].client`; empty for the value itself.
        why: What is wrong with it.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"`{path}` {why}" if path else f"the value {why}")
        self.path = path
        self.why = why


def convert(value: object) -> object:
    """Returns a value one step nearer to JSON. The result may hold further values that need converting.

    Raises:
        TypeError: No JSON form is known.
    """
    kind = type(value)
    converter = _converters.get(kind)
    if converter is None:
        converter = _converters[kind] = _find(kind)
    return converter(value)


def simplify(value: object) -> tuple[object, list[str]]:
    """Returns a copy made of JSON's own types, and what had to be repaired, each with its path.

    NaN and infinities become null; text that is not Unicode (a file name, mostly) has its lone surrogates
    spelt out.

    Raises:
        Inexpressible: It names the path.
    """
    repairs: list[str] = []
    return _walk(value, "", repairs, set(), 0), repairs


def describe(repairs: list[str]) -> str:
    """Returns the warning for the repairs that `simplify` returned."""
    more = f" and {len(repairs) - 5} more" if len(repairs) > 5 else ""
    return f"changed on the way, since JSON cannot carry it: {', '.join(repairs[:5])}{more}"


def _walk(value: object, path: str, repairs: list[str], open_ids: set[int], level: int) -> object:
    kind = type(value)
    if kind is str:
        return _text(value, path, repairs)
    if value is None or kind is bool or kind is int:
        return value
    if isinstance(value, float) and not _is_enum(kind):
        if math.isfinite(value):
            return float(value)
        repairs.append(f"`{path}` is not a number, sent as null")
        return None
    if level > _MAX_LEVELS:
        raise Inexpressible(path[:200], f"nests more than {_MAX_LEVELS} levels deep")
    if id(value) in open_ids:
        raise Inexpressible(path, "contains itself")
    open_ids.add(id(value))
    try:
        if isinstance(value, dict):
            result = {}
            for key, item in value.items():
                name = _text(_key(key, path), path, repairs)
                result[name] = _walk(item, f"{path}.{name}" if path else name, repairs, open_ids, level + 1)
            return result
        if isinstance(value, (list, tuple)):
            return [_walk(item, f"{path}[{i}]", repairs, open_ids, level + 1) for i, item in enumerate(value)]
        if isinstance(value, str) and not _is_enum(kind):
            return _text(str.__str__(value), path, repairs)
        if isinstance(value, int) and not _is_enum(kind):
            return int(value)
        try:
            nearer = convert(value)
        except RecursionError:
            raise
        except Exception as err:
            raise Inexpressible(path, str(err)) from err
        return _walk(nearer, path, repairs, open_ids, level + 1)
    finally:
        open_ids.discard(id(value))


def _text(value: str, path: str, repairs: list[str]) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        value = spelt(value)
        repairs.append(f"`{path}` is text that is not Unicode, its surrogates are spelt out")
    return value


def _key(key: object, path: str) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if key is None:
        return "None"
    if _is_enum(type(key)):
        return _key(key.value, path)
    if isinstance(key, (int, float)):
        return repr(key)
    if isinstance(key, tuple):
        return ",".join(_key(part, path) for part in key)
    try:
        nearer = convert(key)
    except Exception as err:
        raise Inexpressible(path, f"has a key of type {_name(type(key))}, which has no form as text") from err
    if isinstance(nearer, str):
        return nearer
    raise Inexpressible(path, f"has a key of type {_name(type(key))}, which has no form as text")


def _is_enum(kind: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(kind, enum.Enum)


def _name(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _loaded(kind: type, module: str, name: str) -> bool:
    """Tells whether `kind` derives from a class of a module that somebody has imported.

    Else no value of it can exist.
    """
    base = getattr(sys.modules.get(module), name, None)
    return isinstance(base, type) and issubclass(kind, base)


def _find(kind: type) -> Callable:
    if _is_enum(kind):
        return lambda value: value.value
    if hasattr(kind, "model_dump"):
        return lambda value: value.model_dump(mode="json")
    if hasattr(kind, "__dataclass_fields__"):
        return lambda value: {name: getattr(value, name) for name in kind.__dataclass_fields__}
    if issubclass(kind, (set, frozenset)):
        return _sorted
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return _bytes
    for module, name, converter in _TABLE:
        if _loaded(kind, module, name):
            return converter
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):
        return dict
    if hasattr(kind, "__next__"):
        return list
    return _ask_pydantic


def _sorted(value: object) -> list:
    """Sets have no order of their own; a sorted one makes two runs equal."""
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _bytes(value: object) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise TypeError("is bytes that are not UTF-8; encode them, for example with base64") from None


def _zulu(text: str) -> str:
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _duration(value: object) -> str:
    """Returns a timedelta as ISO 8601, as pydantic spells it."""
    micros = (value.days * 86400 + value.seconds) * 1_000_000 + value.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, micros = divmod(micros, 1_000_000)
    days, seconds = divmod(seconds, 86400)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    date = f"{days // 365}Y" * (days >= 365) + f"{days % 365}D" * (days % 365 > 0)
    fraction = f".{micros:06d}".rstrip("0") if micros else ""
    clock = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    clock += f"{seconds}{fraction}S" * bool(seconds or micros)
    if not date and not clock:
        return "PT0S"
    return f"{sign}P{date}" + (f"T{clock}" if clock else "")


def _ask_pydantic(value: object) -> object:
    core = sys.modules.get("pydantic_core")
    if core is not None:
        try:
            return core.to_jsonable_python(value)
        except Exception:
            core = None
    raise TypeError(f"is an object of type {_name(type(value))}, which has no form in JSON")


_TABLE = (
    ("datetime", "datetime", lambda value: _zulu(value.isoformat())),
    ("datetime", "date", lambda value: value.isoformat()),
    ("datetime", "time", lambda value: _zulu(value.isoformat())),
    ("datetime", "timedelta", _duration),
    ("decimal", "Decimal", str),
    ("fractions", "Fraction", str),
    ("uuid", "UUID", str),
    ("pathlib", "PurePath", str),
    ("collections", "deque", list),
    ("ipaddress", "_IPAddressBase", str),
    ("re", "Pattern", lambda value: value.pattern),
)
