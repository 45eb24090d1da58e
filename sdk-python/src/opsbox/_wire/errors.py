"""Error codes of the protocol, and the two exceptions that travel through the loop."""

from __future__ import annotations

PARSE = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
UNSUPPORTED_PROTOCOL = -33001
NOT_READY = -33002
CANCELLED = -33004
CONFIG_INVALID = -33006
HOOK_FAILED = -33008


class WireError(Exception):
    """An answer that is an error.

    Args:
        code: One of the codes of this module.
        message: One sentence for people.
        data: Facts about the error: `origin`, `plugin`, `hook`, `hint`, `traceback`, `fields`.
    """

    def __init__(self, code: int, message: str, data: dict | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data or {}


class HostError(RuntimeError):
    """A request to the host that was answered with an error: a hook of a plugin that failed, or a refusal.

    Attributes:
        code: The error's code.
        message: Its message.
        data: Its data: `plugin`, `hook`, `hint`, `traceback`.
    """

    def __init__(self, code: int, message: str, data: dict | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data or {}


class Cancelled(KeyboardInterrupt):
    """Raised inside a hook whose call the host has cancelled.

    It is a `KeyboardInterrupt`, so that `except Exception` does not swallow it and what cleans up on Ctrl-C
    cleans up here too.
    """


def config_invalid(fields: list[tuple[str, str]], plugin: str) -> WireError:
    """Returns "configuration invalid" for pairs of a field's path and what is wrong with it.

    Values are never named.
    """
    text = "; ".join(f"`{path}`: {message}" for path, message in fields)
    hint = "see `opsbox config explain FIELD` for what a field takes and where its value comes from"
    data = {"origin": "plugin", "plugin": plugin, "hook": "set_data", "hint": hint}
    data["fields"] = [{"field": path, "message": message} for path, message in fields]
    return WireError(CONFIG_INVALID, f"configuration invalid: {text}", data)
