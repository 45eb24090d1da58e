"""Tells syntax of a newer Python from a mistake."""

from __future__ import annotations

import re
import sys

_STATEMENTS = (
    (re.compile(r"\s*match\s.*:\s*(#.*)?$"), (3, 10)),
    (re.compile(r"\s*except\s*\*"), (3, 11)),
    (re.compile(r"\s*type\s+\w+\s*(\[.*\])?\s*="), (3, 12)),
    (re.compile(r"\s*(async\s+)?(def|class)\s+\w+\s*\["), (3, 12)),
)
_F_STRINGS_OF_3_12 = (
    "f-string expression part cannot include a backslash",
    "f-string expression part cannot include '#'",
)
_QUOTES = ("'", '"')


def needed(err: SyntaxError) -> str | None:
    """Returns the version that reads what this one does not, such as "3.12".

    None where no newer version would, as far as the line that the error shows tells.
    """
    text = err.text or ""
    message = err.msg or ""
    version = None
    if message in _F_STRINGS_OF_3_12 or (message.startswith("f-string") and _reuses_quotes(text)):
        version = (3, 12)
    elif not message.startswith("f-string"):
        version = next((least for pattern, least in _STATEMENTS if pattern.match(text)), None)
    if version is None or sys.version_info >= version:
        return None
    return ".".join(map(str, version))


class _Broken(Exception):
    """The line is not whole in the newer reading either."""


def _reuses_quotes(line: str) -> bool:
    """Tells whether an f-string holds its own quotes between braces and is whole if that is allowed."""
    try:
        _, reused = _code(line, 0, [])
    except _Broken:
        return False
    return reused


def _code(line: str, at: int, outer: list[str]) -> tuple[int, bool]:
    """Reads code up to the brace that ends it, or up to the line's end outside of a string."""
    depth, reused = 0, False
    while at < len(line):
        char = line[at]
        if char in _QUOTES:
            reused = reused or char in outer
            at, inner = _string(line, at, outer)
            reused = reused or inner
            continue
        if outer and char == "}" and depth == 0:
            return at + 1, reused
        if char == "#" and not outer:
            break
        depth += (char in "([{") - (char in ")]}")
        at += 1
    if outer:
        raise _Broken
    return at, reused


def _string(line: str, at: int, outer: list[str]) -> tuple[int, bool]:
    prefix = re.search(r"\w*$", line[:at]).group().lower()
    quote = line[at] * (3 if line.startswith(line[at] * 3, at) else 1)
    formatted, raw = "f" in prefix, "r" in prefix
    at += len(quote)
    reused = False
    while at < len(line):
        if line[at] == "\\" and not raw:
            at += 2
        elif line.startswith(quote, at):
            return at + len(quote), reused
        elif formatted and line.startswith(("{{", "}}"), at):
            at += 2
        elif formatted and line[at] == "{":
            at, inner = _code(line, at + 1, [*outer, quote[0]])
            reused = reused or inner
        else:
            at += 1
    raise _Broken
