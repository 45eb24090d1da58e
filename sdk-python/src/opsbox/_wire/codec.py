"""Values to JSON text.

The fast way is the C encoder of `json` with a hook for what it does not know. Only when that fails is the
value walked in Python (`values.simplify`), to repair what can be repaired and name the path of the rest.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# A long list is encoded in pieces of so many items: the C encoder is slower where its parts no longer fit
# the caches.
_ITEMS = 256
# Long lists stand at most so deep in a Result: `result`, `details`, a kind of resources, as `input` has it.
_SPLIT_LEVELS = 4
_MOST_KEYS = 64

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _default(value: object) -> object:
    from opsbox._wire import values

    return values.convert(value)


# Loops end by the limit of recursion; the slow way names them.
_rich = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), allow_nan=False, default=_default
)


def encode(value: object, warn: Callable[[str], None] | None = None) -> bytes:
    """Returns a value as UTF-8 JSON in one line, without spaces.

    Args:
        value: Anything; what JSON has no word for is converted as pydantic's JSON mode does.
        warn: Told in one sentence what had to be repaired: NaN, infinities, text that is not Unicode.

    Raises:
        values.Inexpressible: An object that has no JSON form, or a loop; it names the path.
    """
    try:
        pieces: list[bytes] = []
        _encode(value, pieces.append, _SPLIT_LEVELS)
        return b"".join(pieces)
    except Exception:
        # NaN, a loop, a lone surrogate, an unknown object: the slow way repairs it or says where it is.
        from opsbox._wire import values

        clean, repairs = values.simplify(value)
        if repairs and warn is not None:
            warn(values.describe(repairs))
        return _plain.encode(clean).encode()


def _encode(value: object, put: Callable[[bytes], None], levels: int) -> None:
    """Hands over the JSON of a value in pieces."""
    kind = type(value)
    if kind is list and len(value) > _ITEMS and levels:
        before = b"["
        for at in range(0, len(value), _ITEMS):
            put(before)
            put(_rich.encode(value[at : at + _ITEMS])[1:-1].encode())
            before = b","
        put(b"]")
    elif kind is dict and 0 < len(value) <= _MOST_KEYS and levels and set(map(type, value)) == {str}:
        before = "{"
        for key, item in value.items():
            put(f"{before}{_rich.encode(key)}:".encode())
            _encode(item, put, levels - 1)
            before = ","
        put(b"}")
    else:
        put(_rich.encode(value).encode())


def encode_plain(value: object) -> bytes:
    """Returns the envelope's own values as JSON.

    A text that is not Unicode is spelt with escapes, so that no text can fail.
    """
    try:
        return _plain.encode(value).encode()
    except UnicodeEncodeError:
        return _plain.encode(spelt(value)).encode()


def spelt(value: object) -> object:
    """Returns texts, also within dicts and lists, with their lone surrogates spelt out as escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {spelt(key): spelt(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [spelt(item) for item in value]
    return value
