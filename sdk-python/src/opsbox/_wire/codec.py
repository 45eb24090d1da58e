"""Lines to messages and values to JSON text.

The fast way is the C encoder of `json` with a hook for what it does not know. Only when that fails is the value walked in Python
(`values.simplify`), to repair what may be repaired and to name the path of what may not.
"""

from __future__ import annotations

import json
from json.decoder import JSONDecoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = b'{"jsonrpc":"2.0","id":'
_BLANK = " \t\r\n"

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _default(value: object) -> object:
    from opsbox._wire import values

    return values.convert(value)


_rich = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_default)


def encode(value: object, warn: Callable[[str], None] | None = None) -> bytes:
    """Returns a value as UTF-8 JSON in one line, without spaces.

    Args:
        value: Anything; what JSON has no word for is converted as pydantic's JSON mode does.
        warn: Told in one sentence where NaN or an infinity became null.

    Raises:
        values.Inexpressible: An object that has no JSON form, a text that is not Unicode, a loop; it names the path.
    """
    try:
        return _rich.encode(value).encode()
    except Exception:
        # NaN, a loop, a lone surrogate, a key or an object that is unknown: the slow way repairs it or says where it is.
        from opsbox._wire import values

        clean, lost = values.simplify(value)
        if lost and warn is not None:
            warn(values.describe_lost(lost))
        return _plain.encode(clean).encode()


def encode_plain(value: object) -> bytes:
    """Returns the envelope's own values as JSON. A text that is not Unicode is spelt with escapes, so that no text can fail."""
    try:
        return _plain.encode(value).encode()
    except UnicodeEncodeError:
        return _plain.encode(_spelt(value)).encode()


def _spelt(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_spelt(key): _spelt(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelt(item) for item in value]
    return value


def decode(line: bytes) -> object:
    """Returns the value of a line; a leading BOM is accepted."""
    if line.startswith(b"\xef\xbb\xbf"):
        line = line[3:]
    return json.loads(line)


def raw_id(line: bytes, value: object) -> bytes:
    """Returns the id's bytes as they stand in the line, so that an answer echoes them."""
    if type(value) is int:
        text = b"%d" % value
        if line.startswith(_HEAD + text + b","):
            return text
    try:
        return _scan_id(line.decode("utf-8-sig")).encode()
    except (ValueError, IndexError):
        return encode_plain(value)


def recover_id(line: bytes) -> bytes | None:
    """Returns the digits of an `"id"` member near the start of a broken line, or None."""
    head = line[:4096]
    at = head.find(b'"id"')
    if at < 0:
        return None
    rest = head[at + 4 :].lstrip()
    if not rest.startswith(b":"):
        return None
    rest = rest[1:].lstrip()
    digits = rest[: len(rest) - len(rest.lstrip(b"0123456789"))]
    ends = rest[len(digits) :].lstrip()[:1] in (b",", b"}")
    return digits if digits and ends else None


def _scan_id(text: str) -> str:
    """Walks the top-level members, since the id may stand anywhere and in any spelling."""
    decode_at = JSONDecoder().raw_decode
    at = _skip(text, text.index("{") + 1)
    found = ""
    while text[at] != "}":
        key, at = decode_at(text, at)
        at = _skip(text, _skip(text, at) + 1)
        _, end = decode_at(text, at)
        if key == "id":
            found = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at
