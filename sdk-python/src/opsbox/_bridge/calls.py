"""Hooks of any name between a handler and its plugins: arguments as parameters, and back again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What the hooks of the protocol call the Results that they are given.
PARAMETERS = {
    "process": "data",
    "inject_data": "data",
    "report_findings": "data",
    "process_input": "input",
    "process_results": "results",
}
_ONE = ("inject_data", "report_findings")
_ARGS = "args"
_MEMBERS = {"relates_to", "result_name", "result_description", "details", "formatted"}
_RESTORED_LEVELS = 4


class Methods:
    """The methods that the bridge answers: those of the protocol, and whatever may be a method of a class.

    Args:
        known: The protocol's.
    """

    def __init__(self, known: tuple) -> None:
        self._known = frozenset(known)

    def __contains__(self, method: str) -> bool:
        return method in self._known or (method.isidentifier() and not method.startswith("_"))


def params_of(hook: str, args: tuple, named: dict) -> dict:
    """Returns a call's arguments as parameters.

    Results given to a hook of the protocol go under that hook's name for them. Otherwise named arguments are
    members of their own, and the others are the list `args`.
    """
    if hook in PARAMETERS and len(args) + len(named) == 1:
        from opsbox._wire import results

        value = args[0] if args else next(iter(named.values()))
        try:
            given = results.as_one(value) if hook in _ONE else results.as_list(value)
            return {PARAMETERS[hook]: given}
        except results.BadReturn:
            pass
    return {**named, _ARGS: list(args)} if args else dict(named)


def is_own(method: str, params: dict) -> bool:
    """Tells whether a call is none of the protocol: another hook, or one with other parameters."""
    if method == "gather_data":
        return bool(params)
    return method not in PARAMETERS or (bool(params) and PARAMETERS[method] not in params)


def run(hook: Callable, params: dict, make: Callable) -> object:
    """Calls a method with the arguments that `params_of` made parameters of."""
    values = {name: restore(value, make) for name, value in params.items()}
    args = ()
    if isinstance(values.get(_ARGS), list) and not _takes(hook, _ARGS):
        args = values.pop(_ARGS)
    returned = hook(*args, **values)
    return list(returned) if hasattr(returned, "__next__") else returned


def restore(value: object, make: Callable, level: int = 0) -> object:
    """Returns decoded JSON in which what has the members of a Result is one."""
    if level > _RESTORED_LEVELS:
        return value
    if isinstance(value, dict):
        if value.keys() >= _MEMBERS:
            return make(**value)
        return {name: restore(item, make, level + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [restore(item, make, level + 1) for item in value]
    return value


def _takes(hook: Callable, name: str) -> bool:
    code = getattr(getattr(hook, "__func__", hook), "__code__", None)
    return code is not None and name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
