"""An exception in user code as an error of the protocol: message, traceback from its first frame, hint."""

from __future__ import annotations

import os
import sys
import traceback

from opsbox._wire.errors import HOOK_FAILED, INTERNAL, HostError, WireError
from opsbox._wire.results import BadReturn
from opsbox._wire.values import Inexpressible

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_MESSAGE_MOST = 2000
_RETURN_HINT = "return a `Result` or a list of them, made of what JSON or pydantic's JSON mode can express"
_TRACEBACK_MOST = 48 * 1024


def hook_failed(err: BaseException, plugin: str, hook: str, doing: str = "") -> WireError:
    """Returns the error for an exception in a hook.

    Args:
        err: The exception.
        plugin: The plugin's name.
        hook: The hook as its author spells it.
        doing: What failed, for example "cannot import `x`"; empty for the hook itself.
    """
    if isinstance(err, (BadReturn, Inexpressible)):
        data = {"origin": "plugin", "plugin": plugin, "hook": hook, "hint": _RETURN_HINT}
        return WireError(HOOK_FAILED, f"it returned what cannot be sent: {err}", data)
    data = {
        "origin": "plugin",
        "plugin": plugin,
        "hook": hook,
        "hint": hint_for(err),
        "traceback": text_of(err),
    }
    # The host puts "`hook` failed" before it.
    message = f"{doing}: {_cause(err)}" if doing else _cause(err)
    if isinstance(err, HostError):
        # What the called plugin said is the cause: its hint and its frames tell more than the caller's.
        message = err.message
        data["hint"] = err.data.get("hint") or data["hint"]
        if err.data.get("traceback"):
            data["traceback"] += f"\nIn plugin `{err.data.get('plugin')}`:\n{err.data['traceback']}"[
                -_TRACEBACK_MOST:
            ]
    return WireError(HOOK_FAILED, message, data)


def internal(err: BaseException, plugin: str, hook: str) -> WireError:
    """Returns the error for an exception that is not user code's."""
    data = {"origin": "sdk", "plugin": plugin, "hook": hook}
    data["traceback"] = "".join(traceback.format_exception(type(err), err, err.__traceback__))[
        -_TRACEBACK_MOST:
    ]
    return WireError(
        INTERNAL, f"the Python side of the protocol broke during `{hook}`: {one_line(err)}", data
    )


def one_line(err: BaseException) -> str:
    """Returns an exception's type and text in one line."""
    kind = type(err).__name__
    if isinstance(err, SystemExit):
        return f"the plugin called sys.exit({err.code!r})"
    try:
        text = " ".join(str(err).split())
    except Exception:
        text = "<its text cannot be made>"
    if len(text) > _MESSAGE_MOST:
        text = text[:_MESSAGE_MOST] + "…"
    return f"{kind}: {text}" if text else kind


def _cause(err: BaseException) -> str:
    newer = _newer(err)
    if newer is None:
        return one_line(err)
    return f"needs Python {newer} or newer: {err.filename}, line {err.lineno}: {err.msg}"


def _newer(err: BaseException) -> str | None:
    if not isinstance(err, SyntaxError):
        return None
    from opsbox._wire import newer

    return newer.needed(err)


def text_of(err: BaseException) -> str:
    """Returns the traceback from the plugin's first frame on, its middle cut out where it is huge."""
    try:
        text = "".join(traceback.format_exception(type(err), err, own_part(err)))
    except Exception as broken:
        text = f"{type(err).__name__}: <no traceback: {type(broken).__name__}>\n"
    if len(text) > _TRACEBACK_MOST:
        half = _TRACEBACK_MOST // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
    return text


def own_part(err: BaseException) -> object:
    """Returns an exception's traceback from the plugin's first frame on; None where it has none."""
    tb = err.__traceback__
    while tb is not None and _is_ours(tb.tb_frame.f_code.co_filename):
        tb = tb.tb_next
    return tb


def hint_for(err: BaseException) -> str:
    """Returns what to do about an exception, in the imperative."""
    if isinstance(err, ModuleNotFoundError) and err.name:
        from opsbox import _names

        hint = _not_to_install(err) or _names.install_hint(err.name.split(".")[0])
        # An error of a name that needs a package says so itself.
        if hint not in str(err):
            return hint
    if isinstance(err, ImportError):
        hint = _no_such_name(err)
        if hint:
            return hint
    if isinstance(err, SyntaxError):
        version = ".".join(map(str, sys.version_info[:3]))
        newer = _newer(err)
        if newer is not None:
            return f"run it with Python {newer} or newer (`--python PATH`); this is {version}"
        return f"correct the file, or use the Python version it was written for; this is {version}"
    if isinstance(err, SystemExit):
        return "raise an exception that says what is wrong; a plugin must not end its process"
    if isinstance(err, EOFError):
        return "do not read standard input; a plugin gets its values from its configuration"
    if isinstance(err, MemoryError):
        return "gather less at once, or give the process more memory"
    place = _place(err)
    return f"look at {place}; `-v` shows the traceback" if place else "see the traceback, which `-v` shows"


def _not_to_install(err: ModuleNotFoundError) -> str:
    """Returns what to do about a missing module that no package of its first name would bring; else nothing.

    What an index has as `core` is a stranger's.
    """
    from opsbox import _names

    top = err.name.split(".")[0]
    if str(err).endswith("is not a package"):
        return f"rename the module `{top}` (a file `{top}.py`, mostly): it hides the package of `{err.name}`"
    if top not in ("core", "opsbox"):
        return ""
    offered = ", ".join(f"{top}{each[len('opsbox') :]}" for each in _names.OFFERED if "." in each)
    return f"import what there is: {offered}"


def _no_such_name(err: ImportError) -> str:
    """Returns what a module for old plugins has, where a name was imported that it has not; else nothing."""
    from opsbox import _names

    top, dot, rest = (err.name or "").partition(".")
    module = f"opsbox{dot}{rest}" if top == "core" else err.name
    # Python says the name itself in the text alone, before 3.12.
    name = str(err).partition("cannot import name '")[2].partition("'")[0]
    return _names.explained(module, name) if module in _names.OFFERED and name else ""


def _place(err: BaseException) -> str:
    """Returns file and line of the deepest frame that is neither ours nor a library's."""
    found = ""
    tb = err.__traceback__
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if (
            not _is_ours(name)
            and not name.startswith("<")
            and "site-packages" not in name
            and not name.startswith(_STDLIB)
        ):
            found = f"{name}:{tb.tb_lineno}"
        tb = tb.tb_next
    return found


def _is_ours(name: str) -> bool:
    return name.startswith((_OURS, "<frozen importlib"))


_STDLIB = os.path.dirname(os.path.abspath(traceback.__file__)) + os.sep
