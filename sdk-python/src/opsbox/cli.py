"""Names that plugins import from `opsbox.cli`: `console`, which writes to the captured standard output.

It is a rich console where rich is installed, as wide and as colored as the user's terminal; else a plain one.
"""

from __future__ import annotations

from opsbox import _facts

__all__ = ["console"]


class _PlainConsole:
    """Does without rich what plugins ask of the console: it prints, without markup."""

    def __init__(self, width: int) -> None:
        self.width = width

    def print(self, *values: object, sep: str = " ", end: str = "\n", **_: object) -> None:
        """Prints values; the markup `[bold]…[/bold]` is taken out."""
        import re

        text = sep.join(str(value) for value in values)
        print(re.sub(r"\[/?[a-z][a-z0-9_ #]*\]|\[/\]", "", text), end=end)

    def rule(self, title: str = "", **_: object) -> None:
        """Prints a line across, the title in its middle."""
        import re

        title = re.sub(r"\[/?[a-z][a-z0-9_ #]*\]|\[/\]", "", title)
        print(f" {title} ".center(self.width, "─") if title else "─" * self.width)

    def log(self, *values: object, **options: object) -> None:
        """Prints values."""
        self.print(*values)


def _make_console() -> object:
    terminal = _facts.terminal
    width = terminal.get("columns") or 80
    try:
        from rich.console import Console
    except ImportError:
        return _PlainConsole(width)
    if terminal.get("color"):
        return Console(width=width, force_terminal=True)
    return Console(width=width, force_terminal=False, no_color=True)


def __getattr__(name: str) -> object:
    if name == "console":
        value = globals()["console"] = _make_console()
        return value
    from opsbox import _names

    return _names.get(__name__, name)
