"""One line as a message: its kind by its keys, its id byte for byte, and what is saved of a broken one."""

from __future__ import annotations

from json.decoder import JSONDecoder

REQUEST = "request"
NOTIFICATION = "notification"
RESPONSE = "response"
NOISE = "noise"
FAULT = "fault"

MAX_DEPTH = 128
_BLANK = " \t\r\n"
_RECOVER_WITHIN = 4096
_DEPTH_SEEN_WITHIN = 1 << 16


class Message:
    """What a line says.

    Attributes:
        kind: One of the five kinds of this module.
        id: The id, an integer or a string; None where there is none or it cannot be recovered.
        raw_id: The id's bytes, to be echoed.
        method: The method, where it is a string.
        params: The parameters as decoded; None where they are missing.
        outcome: Of an answer: its `result`, or its `error` where `is_error`.
        why: What is wrong, for a fault.
        is_damaged: Whether a fault is no well-formed object.
        is_request: Whether a fault was meant as a request, so that it is answered.
    """

    __slots__ = (
        "id",
        "is_damaged",
        "is_error",
        "is_request",
        "kind",
        "method",
        "outcome",
        "params",
        "raw_id",
        "why",
    )

    def __init__(self, kind: str, why: str = "") -> None:
        self.kind = kind
        self.why = why
        self.id: object = None
        self.raw_id = b""
        self.method: str | None = None
        self.params: object = None
        self.outcome: object = None
        self.is_error = False
        self.is_damaged = False
        self.is_request = False


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_scan = JSONDecoder(parse_constant=_refuse).scan_once


def classify(line: bytes) -> Message:
    """Returns the message of a line. Whatever the line holds, this does not raise."""
    try:
        text = line.decode("utf-8-sig").strip(_BLANK)
    except UnicodeDecodeError as err:
        return _broken(line.decode("utf-8", "replace"), f"not UTF-8: {err.reason} at byte {err.start}")
    try:
        members, raw_id, doubled = _members(text)
    except StopIteration as err:
        return _broken(text, f"not JSON at character {err.value}")
    except (ValueError, IndexError, RecursionError) as err:
        return _broken(text, f"not JSON: {err}")
    if "jsonrpc" not in members:
        return Message(NOISE)
    return _by_keys(text, members, raw_id, doubled)


def _by_keys(text: str, members: dict, raw_id: str, doubled: set) -> Message:
    message = Message(FAULT)
    has_id = "id" in members
    if has_id and type(members["id"]) in (int, str) and "id" not in doubled:
        message.id = members["id"]
        message.raw_id = raw_id.encode()
    has_method = "method" in members
    if isinstance(members.get("method"), str):
        message.method = members["method"]
    n_outcomes = ("result" in members) + ("error" in members)
    message.is_request = has_method and has_id and n_outcomes == 0
    if members["jsonrpc"] != "2.0":
        message.why = '`jsonrpc` must be "2.0"'
    elif doubled:
        message.why = f"the member `{min(doubled)}` stands twice"
    elif has_id and message.id is None:
        message.why = "an id is an integer or a string"
    elif has_method and message.method is None:
        message.why = "`method` must be a string"
    elif has_method and n_outcomes:
        message.why = "half a request, half an answer"
    elif not has_method and (not has_id or n_outcomes != 1):
        message.why = "an answer has an `id` and exactly one of `result` and `error`"
    elif has_method:
        message.kind = REQUEST if has_id else NOTIFICATION
        message.params = members.get("params")
    else:
        message.kind = RESPONSE
        message.is_error = "error" in members
        message.outcome = members["error"] if message.is_error else members["result"]
    return message


def _members(text: str) -> tuple[dict, str, set]:
    """Walks the outermost members; each value is read by the C scanner, once.

    Returns:
        The members, the id's text, and the names that stand twice.

    Raises:
        StopIteration: No value where one should be.
        ValueError: Anything else that is not JSON, or no object.
        IndexError: The text ends too early.
    """
    if text[0] != "{":
        raise ValueError("no object")
    members: dict = {}
    doubled: set = set()
    raw_id = ""
    at = _skip(text, 1)
    while text[at] != "}":
        key, at = _scan(text, at)
        at = _skip(text, at)
        if not isinstance(key, str) or text[at] != ":":
            raise ValueError("no member")
        at = _skip(text, at + 1)
        value, end = _scan(text, at)
        if key in members:
            doubled.add(key)
        members[key] = value
        if key == "id":
            raw_id = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
            if text[at] == "}":
                raise ValueError("a comma before the end")
        elif text[at] != "}":
            raise ValueError("no comma between members")
    if at + 1 != len(text):
        raise ValueError("text after the message")
    return members, raw_id, doubled


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at


def _broken(text: str, why: str) -> Message:
    if '"jsonrpc"' not in text:
        return Message(NOISE)
    message = Message(FAULT, why)
    message.is_damaged = True
    keys, message.id, raw_id = _recover(text)
    message.raw_id = raw_id.encode()
    message.is_request = message.id is not None and "method" in keys and not {"result", "error"} & keys
    return message


def _recover(text: str) -> tuple[set, object, str]:
    """Looks for an id at the level of the first brace.

    Returns:
        The names of that level, the id or None, and the id's text.
    """
    start, bracket = text.find("{"), text.find("[")
    if start < 0 or 0 <= bracket < start:
        return set(), None, ""
    head = text[start : start + _RECOVER_WITHIN]
    keys: set = set()
    found, raw = None, ""
    level, at = 0, 0
    while at < len(head):
        char = head[at]
        if char in "{[":
            level += 1
        elif char in "}]":
            level -= 1
            if level == 0:
                break
        elif char == '"':
            try:
                name, end = _scan(head, at)
            except (StopIteration, ValueError):
                break
            rest = head[end:].lstrip(_BLANK)
            if level == 1 and rest.startswith(":"):
                keys.add(name)
                if name == "id":
                    found, raw = _whole_id(rest[1:].lstrip(_BLANK))
            at = end
            continue
        at += 1
    return keys, found, raw


def _whole_id(rest: str) -> tuple[object, str]:
    try:
        value, end = _scan(rest, 0)
    except (StopIteration, ValueError, RecursionError):
        return None, ""
    is_whole = rest[end:].lstrip(_BLANK)[:1] in (",", "}") and type(value) in (int, str)
    return (value, rest[:end]) if is_whole and rest[end:].strip(_BLANK) else (None, "")


def is_too_deep(payload: bytes, level: int = 0) -> bool:
    """Tells whether JSON of this side nests too deep to be sent; `level` is how deep it stands in its line.

    Lines of the host are not asked about: they are made of accepted ones, which may stand deeper in them. Nor
    is looked at long text: the host counts it faster.
    """
    if len(payload) > _DEPTH_SEEN_WITHIN or payload.count(b"[") + payload.count(b"{") + level <= MAX_DEPTH:
        return False
    text = payload.decode()
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at = _scan(text, at)[1]
            continue
        if char in "[{":
            level += 1
            if level > MAX_DEPTH:
                return True
        elif char in "]}":
            level -= 1
        at += 1
    return False
