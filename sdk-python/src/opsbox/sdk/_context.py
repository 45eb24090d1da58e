"""What a plugin's code tells the host while a hook runs: progress, gaps, log messages, output.

These are functions and not methods, so that code far below the plugin's class can call them. Any thread may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsbox._wire.loop import Call, Loop

_loops: list[Loop] = []


def enter(loop: Loop) -> None:
    """Makes a loop the one that the functions here speak through."""
    _loops.append(loop)


def leave(loop: Loop) -> None:
    """Takes a loop away again."""
    if loop in _loops:
        _loops.remove(loop)


def progress(
    done: float, total: float | None = None, unit: str | None = None, message: str | None = None
) -> None:
    """Tells how far the running hook is; it also starts the host's idle clock anew.

    Args:
        done: How much is done, in `unit`.
        total: How much there is to do, where known.
        unit: What is counted, for example `regions`.
        message: What is being done now.
    """
    loop, call = _running()
    if call is not None and "progress" in loop.features:
        body = {"id": call.key, "done": done, "total": total, "unit": unit, "message": message}
        loop.notify("progress", {key: value for key, value in body.items() if value is not None})


def gap(what: str, why: str, section: str | None = None, remedy: str | None = None) -> None:
    """Tells that part of what the running hook should have looked at could not be looked at.

    The call, and every check whose data comes from it, then counts as incomplete and never as clean.

    Args:
        what: What could not be looked at, for example `region us-east-1`.
        why: Why not.
        section: The top-level key of the data that it concerns; None: all of it.
        remedy: What to do about it.
    """
    loop, call = _running()
    if call is None:
        log.warn(f"not looked at: {what}: {why}")
        return
    body = {"section": section, "what": what, "why": why, "remedy": remedy}
    loop.gap(call, {key: value for key, value in body.items() if value is not None})


def output(text: str, stream: str = "stdout") -> None:
    """Shows text to the user: what an output plugin is for.

    Args:
        text: The text with its line ends.
        stream: `stdout` for results, `stderr` for all else.
    """
    if _loops:
        _loops[-1].output(text, stream)


def is_cancelled() -> bool:
    """Tells whether the host has cancelled the running hook.

    In the main thread `Cancelled` is raised by itself.
    """
    _, call = _running()
    return call is not None and call.cancelled


class Log:
    """Sends log messages. Records of `logging` and `loguru` arrive as well."""

    def trace(self, message: str, **fields: Any) -> None:
        """Sends the finest detail."""
        self._send("trace", message, fields)

    def debug(self, message: str, **fields: Any) -> None:
        """Sends a message for authors."""
        self._send("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        """Sends a message for users who ask."""
        self._send("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        """Sends a message about something odd."""
        self._send("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Sends a message about something wrong."""
        self._send("error", message, fields)

    def _send(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if _loops:
            plain = (str, int, float, bool)
            shown = {key: value if isinstance(value, plain) else str(value) for key, value in fields.items()}
            _loops[-1].log(level, message, shown)


log = Log()


def _running() -> tuple[Loop | None, Call | None]:
    loop = _loops[-1] if _loops else None
    return loop, loop.current if loop is not None else None
