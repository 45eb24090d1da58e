"""`inject_data` without the data: what the hook sets in `details["input"]`, where its source says it all.

Most of these hooks set a few keys and read nothing, so a hundred megabytes need not come here for them. The
source is gone through first, statement by statement, on the plugin's own values: see `reading`. Nothing of
the plugin runs meanwhile. Where every statement only sets keys, names local values, logs or prints, the hook
then runs, once, on a stand-in that has nothing but an empty `details["input"]`; what is in there is the
answer. A hook that does anything else is only ever called with the real data.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Varying arguments (0x04, 0x08); generators and coroutines (0x20, 0x80, 0x200), whose call runs nothing.
_UNUSUAL = 0x2AC


def patch_of(hook: object, plugin: object, call: Callable) -> dict | None:
    """Returns what a hook sets in `details["input"]`, or None where only the real data can tell.

    Where it returns None nothing of the plugin has run.

    Args:
        hook: The plugin's method `inject_data`.
        plugin: The plugin.
        call: A function that calls a hook with one value, in the bridge's way.

    Raises:
        BaseException: What the hook raises.
    """
    function = getattr(hook, "__func__", None)
    source = _source(function) if getattr(hook, "__self__", None) is plugin else None
    if source is None:
        return None
    from opsbox._bridge import reading

    if not reading.only_sets(source, function, plugin):
        return None
    from types import SimpleNamespace

    patch: dict = {}
    call(hook, SimpleNamespace(details={"input": patch}))
    return patch


def _source(function: object) -> object:
    """Returns the syntax tree of a plain function of two arguments; None for others, and without a source.

    The source is that of the code that runs: compiled, it gives the same.
    """
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & _UNUSUAL or (code.co_argcount, code.co_kwonlyargcount) != (2, 0):
        return None
    if hasattr(function, "__wrapped__") or function.__closure__:
        return None
    import ast
    import linecache

    lines = linecache.getlines(code.co_filename, function.__globals__)
    try:
        tree = ast.parse("".join(lines))
        compiled = compile("".join(lines), code.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name == code.co_name
        and min(each.lineno for each in (node, *node.decorator_list)) == code.co_firstlineno
    ]
    codes = [compiled]
    for each in codes:
        codes.extend(constant for constant in each.co_consts if type(constant) is type(code))
    # Two functions of one name in one line cannot be told apart.
    return found[0] if len(found) == 1 and codes.count(code) == 1 else None
