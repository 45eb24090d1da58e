"""Plain data as YAML text, byte for byte as PyYAML writes it, many times faster.

Nearly every check makes its text with `yaml.dump`, and that takes longer than all else where there are many
findings. Plain are strings, numbers, true, false, null, lists, and dicts with strings as keys, at the default
settings, each list and dict standing once. All else is written by PyYAML itself, and everything is where a
plugin has changed PyYAML's classes.
"""

from __future__ import annotations

import functools
import re

# The releases whose text this has been compared with; later ones may write another.
_VERSIONS = re.compile(r"(5\.4|6\.0)(\.\d+)?")
# Texts that need no quotes, unless they are another type's, as `yes` is.
_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*").fullmatch
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WIDTH = 80
_INDENT = 2
# Longer keys may be written with a `?`.
_LONGEST_KEY = 100
_DEEPEST = 50
_DEFAULTS = {
    "default_style": None,
    "default_flow_style": False,
    "canonical": None,
    "indent": None,
    "width": None,
    "allow_unicode": None,
    "line_break": None,
    "encoding": None,
    "explicit_start": None,
    "explicit_end": None,
    "version": None,
    "tags": None,
}


class NotPlain(Exception):
    """The value is one for PyYAML itself."""


def set_up(yaml: object) -> None:
    """Lets `yaml.dump` and its kin write plain data by what is here."""
    names = ("dump_all", "Dumper", "SafeDumper", "ScalarNode", "__version__")
    if not all(hasattr(yaml, name) for name in names) or not _VERSIONS.fullmatch(str(yaml.__version__)):
        return
    original = yaml.dump_all
    untouched = {kind: _state(kind) for kind in (yaml.Dumper, yaml.SafeDumper)}

    @functools.wraps(original)
    def dump_all(
        documents: object,
        stream: object = None,
        Dumper: type = yaml.Dumper,
        *further: object,
        **settings: object,
    ) -> object:
        made = None
        is_one = type(documents) is list and len(documents) == 1 and not further
        if is_one and Dumper in untouched and _state(Dumper) == untouched[Dumper]:
            made = _plain(documents[0], yaml, Dumper, settings)
        if made is None:
            return original(documents, stream, Dumper, *further, **settings)
        if stream is None:
            return made
        stream.write(made)
        if hasattr(stream, "flush"):
            stream.flush()
        return None

    yaml.dump_all = dump_all


def _plain(value: object, yaml: object, kind: type, settings: dict) -> str | None:
    """Returns the text of a value; None where PyYAML has to write it, or to say why it cannot."""
    others = {name: value for name, value in settings.items() if name != "sort_keys"}
    sort_keys = settings.get("sort_keys", True)
    if type(sort_keys) is not bool:
        return None
    if any(name not in _DEFAULTS or other is not _DEFAULTS[name] for name, other in others.items()):
        return None
    if type(value) not in (dict, list) or not value:
        return None
    writer = _Writer(kind, yaml.ScalarNode, sort_keys)
    try:
        writer.collection(value, 0, 0)
    except Exception:
        return None
    return "".join((*writer.parts, "\n"))


def _state(kind: type) -> list:
    """Returns all that a class and its bases have, to see later whether a plugin has changed it."""
    return [
        (name, dict(value) if type(value) is dict else value)
        for each in kind.__mro__[:-1]
        for name, value in vars(each).items()
    ]


class _Sink:
    """The stream of a dumper: the parts."""

    def __init__(self, parts: list[str]) -> None:
        self.write = parts.append


class _Writer:
    """Collects the parts of one document.

    Args:
        kind: PyYAML's class of dumper: it decides how a text is written, and writes the rare ones.
        scalar: PyYAML's class of node for a text.
        sort_keys: Whether keys are written in order.
    """

    def __init__(self, kind: type, scalar: type, sort_keys: bool) -> None:
        self.parts: list[str] = []
        self._sort_keys = sort_keys
        self._scalar = scalar
        self._dumper = kind(_Sink(self.parts), default_flow_style=False)
        self._seen: set[int] = set()
        # Of each text: what stands after `:` or `-`, wherever on the line that is; else its style.
        self._anywhere: dict[str, str] = {}
        self._styles: dict[str, tuple[str, str | None]] = {}
        self._heads: dict[str, str] = {}
        # No number, date or word of another type begins with these.
        others = self._dumper.yaml_implicit_resolvers
        self._safe = frozenset(_LETTERS).difference(others) if None not in others else frozenset()

    def collection(self, value: object, indent: int, level: int) -> None:
        """Writes a list or a dict that is not empty; the first line's indentation stands there already."""
        if level > _DEEPEST:
            raise NotPlain
        self._once(value)
        if type(value) is list:
            self._list(value, indent, level + 1)
        else:
            self._dict(value, indent, level + 1)

    def _list(self, value: list, indent: int, level: int) -> None:
        parts, anywhere = self.parts, self._anywhere
        before, between = "", "\n" + " " * indent
        for item in value:
            kind = type(item)
            written = anywhere.get(item) if kind is str else None
            if written is not None:
                parts.append(before + "-" + written)
            elif (kind is dict or kind is list) and item:
                parts.append(before + "- ")
                self.collection(item, indent + _INDENT, level)
            else:
                parts.append(before + "-")
                self._leaf(item, indent + 1, indent)
            before = between

    def _dict(self, value: dict, indent: int, level: int) -> None:
        parts, anywhere, heads = self.parts, self._anywhere, self._heads
        before, between = "", "\n" + " " * indent
        for name in sorted(value) if self._sort_keys else value:
            head = (heads.get(name) if type(name) is str else None) or self._head(name)
            item = value[name]
            kind = type(item)
            written = anywhere.get(item) if kind is str else None
            if written is not None:
                parts.append(before + head + written)
            elif kind is dict and item:
                parts.append(before + head + between + "  ")
                self.collection(item, indent + _INDENT, level)
            elif kind is list and item:
                # The hyphens of a list stand below the key that has it.
                parts.append(before + head + between)
                self.collection(item, indent, level)
            else:
                parts.append(before + head)
                self._leaf(item, indent + len(head), indent)
            before = between

    def _head(self, name: object) -> str:
        """Returns a key with its colon."""
        written = None
        if type(name) is str and 0 < len(name) < _LONGEST_KEY:
            written = self._style(name)[1]
        if written is None:
            raise NotPlain
        head = self._heads[name] = written + ":"
        return head

    def _leaf(self, value: object, column: int, indent: int) -> None:
        """Writes what stands in one place, with the blank before it."""
        kind = type(value)
        if kind is str:
            self._text(value, column, indent)
        elif kind is bool:
            self.parts.append(" true" if value else " false")
        elif kind is int:
            self.parts.append(f" {value}")
        elif kind is float:
            self.parts.append(" " + self._float(value))
        elif value is None:
            self.parts.append(" null")
        elif kind is dict or kind is list:
            self._once(value)
            self.parts.append(" {}" if kind is dict else " []")
        else:
            raise NotPlain

    def _float(self, value: float) -> str:
        spelt = repr(value)
        # Not a number, infinities and exponents are spelt otherwise in YAML.
        return spelt if "." in spelt and "e" not in spelt else self._dumper.represent_float(value).value

    def _text(self, value: str, column: int, indent: int) -> None:
        style, written = self._style(value)
        # Only blanks break a line, and only beyond the width.
        if written is not None and " " not in value:
            self._anywhere[value] = written = " " + written
            self.parts.append(written)
        elif written is not None and column + len(written) < _WIDTH:
            self.parts.append(" " + written)
        else:
            dumper = self._dumper
            dumper.column, dumper.indent = column, indent + _INDENT
            dumper.whitespace = dumper.indention = False
            write = {"": dumper.write_plain, "'": dumper.write_single_quoted, '"': dumper.write_double_quoted}
            write[style](value)

    def _style(self, value: str) -> tuple[str, str | None]:
        """Returns the quotes that a text needs, and it within them; None where only PyYAML spells it."""
        if value and value[0] in self._safe and _SIMPLE(value):
            return "", value
        found = self._styles.get(value)
        if found is None:
            found = self._styles[value] = self._styled(value)
        return found

    def _styled(self, value: str) -> tuple[str, str | None]:
        dumper = self._dumper
        is_text = dumper.resolve(self._scalar, value, (True, False)) == "tag:yaml.org,2002:str"
        analysis = dumper.analyze_scalar(value)
        if is_text and analysis.allow_block_plain:
            return "", value
        if not analysis.allow_single_quoted:
            return '"', None
        return "'", None if analysis.multiline else "'" + value.replace("'", "''") + "'"

    def _once(self, value: object) -> None:
        """Notes a list or dict. One that stands twice gets an anchor from PyYAML."""
        if id(value) in self._seen:
            raise NotPlain
        self._seen.add(id(value))
