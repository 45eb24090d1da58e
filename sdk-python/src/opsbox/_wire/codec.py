"""Values to JSON text.

The fast way is the C encoder of `json` with a hook for what it does not know; where there is much to write, a
program that writes faster (`native`). Only when that fails is the value walked in Python (`values.simplify`),
to repair what can be repaired and name the path of the rest.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

    from opsbox._wire import native

# A long list is encoded in pieces of so many items: the C encoder is slower where its parts no longer fit
# the caches.
_ITEMS = 256
# Long lists stand at most so deep: a list of Results, one of them, `details`, `input`, a kind of resources.
_SPLIT_LEVELS = 5
_MOST_KEYS = 64
# From so much text on it is worth to start a program that writes the rest.
_MUCH = 1 << 20

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _default(value: object) -> object:
    from opsbox._wire import values

    return values.convert(value)


# Loops end by the limit of recursion; the slow way names them.
_rich = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, separators=(",", ":"), allow_nan=False, default=_default
)


# The program that writes long values, where there is one.
program: str | None = None


def encode(value: object, warn: Callable[[str], None] | None = None) -> bytes | mmap:
    """Returns a value as UTF-8 JSON in one line, without spaces.

    Args:
        value: Anything; what JSON has no word for is converted as pydantic's JSON mode does.
        warn: Told in one sentence what had to be repaired: NaN, infinities, text that is not Unicode.

    Raises:
        values.Inexpressible: An object that has no JSON form, or a loop; it names the path.
    """
    try:
        return _encoded(value)
    except Exception:
        # NaN, a loop, a lone surrogate, an unknown object: the slow way repairs it or says where it is.
        from opsbox._wire import values

        clean, repairs = values.simplify(value)
        if repairs and warn is not None:
            warn(values.describe(repairs))
        return _plain.encode(clean).encode()


def _encoded(value: object) -> bytes | mmap:
    try:
        return _Pieces(_MUCH if program is not None else None).of(value)
    except _Much:
        pass
    from opsbox._wire import native

    try:
        return native.written(program, lambda frames: _split(value, _Marshalled(frames), _SPLIT_LEVELS))
    except native.Unwritten:
        return _Pieces(None).of(value)


class _Much(Exception):
    """There is more text than this process should write."""


class _Pieces:
    """Takes pieces of a value and keeps their JSON.

    Args:
        most: After so many bytes it raises `_Much`; None for all there are.
    """

    def __init__(self, most: int | None) -> None:
        self._all: list[bytes] = []
        self._left = most

    def of(self, value: object) -> bytes:
        """Returns the JSON of a value."""
        _split(value, self, _SPLIT_LEVELS)
        return b"".join(self._all)

    def text(self, text: bytes) -> None:
        """Takes what is JSON already."""
        self._all.append(text)

    def value(self, value: object) -> None:
        """Takes a value."""
        self._keep(_rich.encode(value).encode())

    def items(self, items: list) -> None:
        """Takes a list, for its JSON without the brackets."""
        self._keep(_rich.encode(items)[1:-1].encode())

    def _keep(self, text: bytes) -> None:
        if self._left is not None:
            if self._left < 0:
                raise _Much
            self._left -= len(text)
        self._all.append(text)


class _Marshalled:
    """Takes the same pieces for the program that writes them.

    Those with values that it does not know, such as dates, are written here.
    """

    def __init__(self, frames: native.Frames) -> None:
        self.text = frames.text
        self._frames = frames

    def value(self, value: object) -> None:
        """Takes a value."""
        try:
            self._frames.value(value)
        except ValueError:
            self.text(_rich.encode(value).encode())

    def items(self, items: list) -> None:
        """Takes a list, for its JSON without the brackets."""
        try:
            self._frames.items(items)
        except ValueError:
            self.text(_rich.encode(items)[1:-1].encode())


def _split(value: object, into: _Pieces | _Marshalled, levels: int) -> None:
    """Hands over a value in pieces."""
    kind = type(value)
    if kind is list and len(value) > _ITEMS and levels:
        before = b"["
        for at in range(0, len(value), _ITEMS):
            into.text(before)
            into.items(value[at : at + _ITEMS])
            before = b","
        into.text(b"]")
    elif kind is list and value and levels == _SPLIT_LEVELS:
        # The Results of a hook.
        before = b"["
        for item in value:
            into.text(before)
            _split(item, into, levels - 1)
            before = b","
        into.text(b"]")
    elif kind is dict and 0 < len(value) <= _MOST_KEYS and levels and set(map(type, value)) == {str}:
        before = "{"
        for key, item in value.items():
            into.text(f"{before}{_rich.encode(key)}:".encode())
            _split(item, into, levels - 1)
            before = ","
        into.text(b"}")
    else:
        into.value(value)


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
