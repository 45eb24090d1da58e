"""Goes through the source of an `inject_data` on the plugin's values, without running anything of the plugin.

What is understood is a short list; all else is refused. Values are read only where reading runs no code of
anybody: out of the dictionaries of objects, of exact lists, tuples and dicts. Functions are called only where
they are Python's own and leave no trace.
"""

from __future__ import annotations

import ast
import builtins
import datetime
import operator
import sys
from types import FunctionType, ModuleType

_TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
_PLAIN = frozenset((type(None), bool, int, float, str, bytes, datetime.timezone, *_TIMES))
# The methods of these change nothing.
_WITH_METHODS = frozenset((bool, int, float, str, *_TIMES))
_READING_METHODS = {dict: ("get",), list: ("count", "index"), tuple: ("count", "index")}
_FUNCTIONS = (
    bool,
    int,
    float,
    str,
    len,
    abs,
    round,
    min,
    max,
    sum,
    sorted,
    list,
    tuple,
    dict,
    datetime.timezone,
    *_TIMES,
)
_MAKERS = ("fromtimestamp", "utcfromtimestamp", "fromisoformat", "fromordinal", "strptime", "combine")
# They say something else each time.
_CLOCKS = ("now", "utcnow", "today")
_LEVELS = (
    "trace",
    "debug",
    "info",
    "success",
    "warning",
    "warn",
    "error",
    "critical",
    "fatal",
    "exception",
    "log",
)
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_ZONES = (("datetime", "timezone"), ("zoneinfo", "ZoneInfo"), ("pydantic_core", "TzInfo"))
# Values that are made of more are the real call's.
_DEPTH = 32
_COUNT = 10_000
_TEXT = 1 << 20


class _Refused(Exception):
    """The source has something that is not on the list."""


def only_sets(source: ast.FunctionDef, function: FunctionType, plugin: object) -> bool:
    """Tells whether a hook does nothing but set keys of its argument's `details["input"]`, log and print.

    Args:
        source: The hook's syntax tree, a function of two arguments.
        function: The hook's function.
        plugin: What its first argument will be.
    """
    reading = _Reading(source, function, plugin)
    try:
        reading.block(source.body)
    except Exception:
        # Refused, or an operation failed: the real call will tell how.
        return False
    return not (reading.asks_the_time and reading.has_branches)


class _Reading:
    def __init__(self, source: ast.FunctionDef, function: FunctionType, plugin: object) -> None:
        arguments = [argument.arg for argument in (*source.args.posonlyargs, *source.args.args)]
        self._own, self._data = arguments
        self._known: dict[str, object] = {self._own: plugin}
        self._local = (*function.__code__.co_varnames, *function.__code__.co_cellvars)
        self._globals = function.__globals__
        # A branch that was taken once may not be taken again at another time.
        self.asks_the_time = False
        self.has_branches = False

    def block(self, statements: list) -> bool:
        """Goes through statements; tells whether one of them returns."""
        for statement in statements:
            kind = type(statement)
            if kind is ast.Return:
                value = statement.value
                returns_data = type(value) is ast.Name and value.id == self._data
                _demand(
                    value is None or returns_data or (type(value) is ast.Constant and value.value is None)
                )
                return True
            if kind is ast.If:
                self.has_branches = True
                if self.block(statement.body if _plain(self.value(statement.test)) else statement.orelse):
                    return True
            elif kind is ast.Assign:
                _demand(len(statement.targets) == 1)
                self._assign(statement.targets[0], statement.value)
            elif kind is ast.AnnAssign and statement.value is not None:
                self._assign(statement.target, statement.value)
            elif kind is ast.Expr and type(statement.value) is ast.Call:
                self._tell(statement.value)
            else:
                _demand(kind is ast.Pass or (kind is ast.Expr and type(statement.value) is ast.Constant))
        return False

    def value(self, node: ast.expr) -> object:
        """Returns the value of an expression.

        Raises:
            Exception: It is not on the list, or an operation failed.
        """
        return getattr(self, f"_{type(node).__name__}", _refuse)(node)

    def _assign(self, target: ast.expr, node: ast.expr) -> None:
        value = self.value(node)
        if type(target) is ast.Name:
            _demand(target.id in self._local and target.id not in (self._own, self._data))
            self._known[target.id] = value
            return
        _demand(type(target) is ast.Subscript and type(target.value) is ast.Subscript)
        inner = target.value
        details = inner.value
        _demand(type(inner.slice) is ast.Constant and inner.slice.value == "input")
        _demand(type(details) is ast.Attribute and details.attr == "details")
        _demand(type(details.value) is ast.Name and details.value.id == self._data)
        key = self.value(target.slice)
        _demand(type(key) is str and _is_sendable(key) and _is_sendable(value))

    def _tell(self, call: ast.Call) -> None:
        """Goes through a statement that logs or prints."""
        function = call.func
        if type(function) is ast.Attribute:
            _demand(function.attr in _LEVELS and _is_log(self.value(function.value)))
        else:
            _demand(self.value(function) is print)
            _demand(all(keyword.arg in ("sep", "end", "flush") for keyword in call.keywords))
        self._arguments(call)

    def _arguments(self, call: ast.Call) -> tuple[list, dict]:
        _demand(all(keyword.arg for keyword in call.keywords))
        given = [_plain(self.value(argument)) for argument in call.args]
        return given, {keyword.arg: _plain(self.value(keyword.value)) for keyword in call.keywords}

    def _Constant(self, node: ast.Constant) -> object:
        return node.value

    def _Name(self, node: ast.Name) -> object:
        name = node.id
        if name in self._local:
            return self._known[name]
        return self._globals[name] if name in self._globals else vars(builtins)[name]

    def _Attribute(self, node: ast.Attribute) -> object:
        value, name = self.value(node.value), node.attr
        _demand(not name.startswith("__"))
        if type(value) in _TIMES or value is datetime.timezone:
            found = getattr(value, name)
            _demand(type(found) in _PLAIN)
            return found
        return vars(value)[name] if type(value) is ModuleType else _attribute(value, name)

    def _Subscript(self, node: ast.Subscript) -> object:
        value, key = self.value(node.value), self.value(node.slice)
        _demand(type(value) in (dict, list, tuple, str) and type(key) in (str, int, bool))
        return value[key]

    def _Call(self, node: ast.Call) -> object:
        function, (given, named) = node.func, self._arguments(node)
        receiver, name = None, ""
        if type(function) is ast.Attribute:
            receiver, name = self.value(function.value), function.attr
        if type(receiver) in _WITH_METHODS or name in _READING_METHODS.get(type(receiver), ()):
            _demand(not name.startswith("_"))
            _plain(receiver)
        elif any(receiver is each for each in _TIMES):
            _demand(name in _MAKERS or name in _CLOCKS)
        else:
            found = self.value(function)
            clock = getattr(sys.modules.get("time"), "time", None)
            _demand(found is clock or any(found is each for each in _FUNCTIONS))
            self.asks_the_time |= found is clock
            return found(*given, **named)
        self.asks_the_time |= name in _CLOCKS
        return getattr(receiver, name)(*given, **named)

    def _BinOp(self, node: ast.BinOp) -> object:
        left, right = _plain(self.value(node.left)), _plain(self.value(node.right))
        return _OPERATORS[type(node.op)](left, right)

    def _UnaryOp(self, node: ast.UnaryOp) -> object:
        return _OPERATORS[type(node.op)](_plain(self.value(node.operand)))

    def _BoolOp(self, node: ast.BoolOp) -> object:
        self.has_branches = True
        ends_with = type(node.op) is ast.Or
        for each in node.values:
            value = _plain(self.value(each))
            if bool(value) is ends_with:
                break
        return value

    def _IfExp(self, node: ast.IfExp) -> object:
        self.has_branches = True
        return self.value(node.body if _plain(self.value(node.test)) else node.orelse)

    def _Compare(self, node: ast.Compare) -> object:
        left = self.value(node.left)
        for op, each in zip(node.ops, node.comparators):
            right = self.value(each)
            if type(op) not in (ast.Is, ast.IsNot):
                left, right = _plain(left), _plain(right)
            result = _OPERATORS[type(op)](left, right)
            if not result:
                # What follows is not looked at.
                self.has_branches |= len(node.ops) > 1
                break
            left = right
        return result

    def _JoinedStr(self, node: ast.JoinedStr) -> str:
        return "".join(str(_plain(self.value(part))) for part in node.values)

    def _FormattedValue(self, node: ast.FormattedValue) -> str:
        value = _plain(self.value(node.value))
        convert = {-1: None, ord("s"): str, ord("r"): repr, ord("a"): ascii}[node.conversion]
        how = "" if node.format_spec is None else self.value(node.format_spec)
        return format(value if convert is None else convert(value), how)

    def _List(self, node: ast.List) -> list:
        return [self.value(each) for each in node.elts]

    def _Tuple(self, node: ast.Tuple) -> tuple:
        return tuple(self.value(each) for each in node.elts)

    def _Dict(self, node: ast.Dict) -> dict:
        return {_plain(self.value(key)): self.value(value) for key, value in zip(node.keys, node.values)}


def _refuse(_: object) -> None:
    raise _Refused


def _demand(holds: object) -> None:
    if not holds:
        raise _Refused


def _attribute(value: object, name: str) -> object:
    """Reads an attribute where that runs no code of its class."""
    kind = type(value)
    _demand(not issubclass(kind, type) and kind.__getattribute__ is object.__getattribute__)
    found = [vars(base)[name] for base in kind.__mro__ if name in vars(base)]
    _demand(not found or not any("__get__" in vars(base) for base in type(found[0]).__mro__))
    own = object.__getattribute__(value, "__dict__")
    return own[name] if name in own else found[0]


def _is_log(value: object) -> bool:
    logging, loguru = sys.modules.get("logging"), sys.modules.get("loguru")
    if logging is not None and (value is logging or type(value) in (logging.Logger, logging.RootLogger)):
        return True
    return loguru is not None and type(value) is type(loguru.logger)


def _plain(value: object) -> object:
    """Returns a value, but refuses it where comparing or formatting it could run somebody's code."""
    left = [_COUNT]

    def look(value: object, depth: int) -> None:
        left[0] -= 1
        _demand(left[0] > 0 and depth < _DEPTH)
        kind = type(value)
        if kind in (list, tuple):
            for each in value:
                look(each, depth + 1)
        elif kind is dict:
            for key, each in value.items():
                look(key, depth + 1)
                look(each, depth + 1)
        else:
            _demand(kind in _PLAIN and not (kind in (str, bytes) and len(value) > _TEXT))
            if kind in (datetime.datetime, datetime.time):
                kinds = (getattr(sys.modules.get(module), name, None) for module, name in _ZONES)
                _demand(value.tzinfo is None or type(value.tzinfo) in kinds)

    look(value, 0)
    return value


def _is_sendable(value: object) -> bool:
    """Tells whether a value is one of JSON's own, or a fixed one that has a form there."""
    left = [_COUNT]

    def fits(value: object, depth: int) -> bool:
        left[0] -= 1
        if left[0] < 0 or depth > _DEPTH:
            return False
        kind = type(value)
        if kind is str:
            return value.isascii() or _is_unicode(value)
        if kind is float:
            return value - value == 0.0  # Neither NaN nor infinite: those are repaired, with a warning.
        if kind in (list, tuple):
            return all(fits(item, depth + 1) for item in value)
        if kind is dict:
            return all(
                type(key) is str and fits(key, depth + 1) and fits(item, depth + 1)
                for key, item in value.items()
            )
        return kind in (type(None), bool, int, *_TIMES) or _is_fixed(kind)

    return fits(value, 0)


def _is_fixed(kind: type) -> bool:
    """Tells whether a class is one of Python's own whose values cannot change, or an enumeration."""
    if kind.__module__ in ("decimal", "fractions", "uuid"):
        return getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(kind, enum.Enum)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
