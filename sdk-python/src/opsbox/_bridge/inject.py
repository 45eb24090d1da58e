"""`inject_data` without the data: what the hook would set in `details["input"]`, found out with a probe.

Most of these hooks set a few keys and read nothing, so a hundred megabytes need not come here for them. The
probe is no dict and no Result: whatever a hook does to it but `data.details["input"][key] = value`, and
returning it, or nothing, spoils it. The hook then runs a second time, on the real data, as if it had never
run: what it printed, logged and set on its plugin meanwhile is taken back. Where that could not be done (the
plugin keeps something other than plain values, the code asks for types or sets globals) there is no probe.
What a hook does to the world outside of its process it does twice where the probe is spoiled after it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = (type(None), bool, int, float, str)
# Their values cannot change, and have a form in JSON.
_FIXED_MODULES = ("datetime", "decimal", "fractions", "uuid", "zoneinfo")
# Nobody can notice these being asked of the probe, or they leave traces that cannot be taken back.
_TELLING_NAMES = frozenset(
    ("type", "id", "vars", "dir", "globals", "locals", "eval", "exec", "object", "callable", "open")
)
# Patterns of `match` look at the kind of a value; globals outlive the hook.
_UNSEEN_OPERATIONS = ("MATCH_MAPPING", "MATCH_SEQUENCE", "MATCH_CLASS", "STORE_GLOBAL", "DELETE_GLOBAL")
_LEVELS = 32
_VALUES = 10_000


class Spoiled(BaseException):
    """The probe was asked for something that only the real data can tell.

    Not an Exception, so that no hook takes it for a failure of its own and goes another way.
    """


class Recorder:
    """What a probe has seen.

    Attributes:
        patch: The keys that were set, with their values.
        spoiled: Whether anything else was done to the probe.
    """

    def __init__(self) -> None:
        self.patch: dict[str, object] = {}
        self.spoiled = False

    def spoil(self) -> None:
        """Notes that the probe is of no use, and ends the hook."""
        self.spoiled = True
        raise Spoiled


def _refuse(self: object, *_: object, **__: object) -> None:
    object.__getattribute__(self, "_recorder").spoil()


# Python looks these up on the class, past `__getattribute__`.
_OPERATIONS = (
    "bool bytes call ceil complex contains copy deepcopy delitem divmod enter eq exit float floor "
    "format fspath ge getitem getnewargs getstate gt hash index int invert iter le len length_hint lt "
    "missing ne neg next pos reduce reduce_ex repr reversed round setattr delattr setitem setstate "
    "sizeof str trunc dir abs await aiter anext aenter aexit get set delete instancecheck subclasscheck "
    "buffer add sub mul matmul truediv floordiv mod pow lshift rshift and xor or radd rsub rmul rmatmul "
    "rtruediv rfloordiv rmod rpow rdivmod rlshift rrshift rand rxor ror iadd isub imul imatmul itruediv "
    "ifloordiv imod ipow ilshift irshift iand ixor ior "
)


class _Sealed:
    """Refuses everything; its kinds allow what they are for."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        object.__setattr__(self, "_recorder", recorder)

    def __getattribute__(self, name: str) -> object:
        _refuse(self)


for _name in _OPERATIONS.split():
    setattr(_Sealed, f"__{_name}__", _refuse)


class _Data(_Sealed):
    """Stands for the Result."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        if name != "details":
            _refuse(self)
        return _Details(object.__getattribute__(self, "_recorder"))


class _Details(_Sealed):
    """Stands for its details."""

    __slots__ = ()

    def __getitem__(self, key: object) -> object:
        if type(key) is not str or key != "input":
            _refuse(self)
        return _Input(object.__getattribute__(self, "_recorder"))


class _Input(_Sealed):
    """Stands for what the policy gets as its input."""

    __slots__ = ()

    def __setitem__(self, key: object, value: object) -> None:
        if type(key) is not str:
            _refuse(self)
        object.__getattribute__(self, "_recorder").patch[key] = value


def patch_of(hook: object, plugin: object, call: Callable) -> dict | None:
    """Returns what a hook sets in `details["input"]`, or None where only the real data can tell.

    Where it returns None the plugin is as it was before.

    Args:
        hook: The plugin's method `inject_data`.
        plugin: The plugin.
        call: A function that calls a hook with one value, in the bridge's way.

    Raises:
        Cancelled: The host has cancelled the call.
    """
    from copy import deepcopy

    from opsbox._wire.errors import Cancelled

    codes = _codes(hook, plugin)
    if not codes or sys.getprofile() is not None or not _can_be_kept(getattr(plugin, "__dict__", None)):
        return None
    recorder = Recorder()
    data = _Data(recorder)
    try:
        before = deepcopy(plugin.__dict__)
    except Exception:
        return None
    try:
        sys.setprofile(_watch({*codes, call.__code__}, recorder))
        try:
            returned = call(hook, data)
        finally:
            sys.setprofile(None)
        fits = not recorder.spoiled and (returned is None or returned is data)
        if fits and _is_sendable(recorder.patch):
            return recorder.patch
    except Cancelled:
        raise
    except BaseException:
        # The hook failed, or the probe was spoiled: the real data will show which.
        recorder.spoiled = True
    plugin.__dict__.clear()
    plugin.__dict__.update(before)
    return None


def _codes(hook: object, plugin: object) -> list:
    """Returns the code of a hook and of the functions in it.

    Nothing where it is no ordinary method, or does what cannot be seen or taken back.
    """
    function = getattr(hook, "__func__", None)
    code = getattr(function, "__code__", None)
    if (
        code is None
        or hook.__self__ is not plugin
        or hasattr(function, "__wrapped__")
        or function.__closure__
    ):
        return []
    if code.co_flags & 0x2A0:  # A generator or a coroutine: calling it runs nothing yet.
        return []
    from opcode import opmap

    unseen = {opmap[name] for name in _UNSEEN_OPERATIONS if name in opmap}
    codes = [code]
    for each in codes:
        if _TELLING_NAMES & set(each.co_names) or unseen & set(each.co_code[::2]):
            return []
        codes.extend(constant for constant in each.co_consts if type(constant) is type(code))
    return codes


def _watch(codes: set, recorder: Recorder) -> Callable:
    """Returns a profile function: no other function may get the probe; it could ask for its type unseen."""

    def watch(frame: object, event: str, _: object) -> None:
        if event != "call" or frame.f_code in codes or frame.f_globals is globals():
            return
        if any(issubclass(type(value), _Sealed) for value in frame.f_locals.values()):
            recorder.spoil()

    return watch


def _can_be_kept(state: object) -> bool:
    """Tells whether a plugin's attributes are plain values, few enough to be copied."""
    left = [_VALUES]

    def is_plain(value: object, level: int) -> bool:
        left[0] -= 1
        kind = type(value)
        if left[0] < 0 or level > _LEVELS:
            return False
        if kind in _PLAIN or kind.__module__ in _FIXED_MODULES or _is_member(kind):
            return True
        if kind in (list, tuple, set, frozenset):
            return all(is_plain(item, level + 1) for item in value)
        if kind is dict:
            return all(is_plain(key, level + 1) and is_plain(item, level + 1) for key, item in value.items())
        if _is_model(kind):
            return is_plain(value.__dict__, level + 1) and is_plain(value.__pydantic_private__, level + 1)
        return False

    return type(state) is dict and is_plain(state, 0)


def _is_model(kind: type) -> bool:
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    return isinstance(base, type) and issubclass(kind, base) and hasattr(kind, "model_fields")


def _is_member(kind: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(kind, enum.Enum)


def _is_sendable(patch: object, level: int = 0) -> bool:
    """Tells whether values are JSON's own, or fixed ones: nothing that is used up by looking at it."""
    kind = type(patch)
    if kind is str:
        return patch.isascii() or _is_unicode(patch)
    if kind is float:
        return patch - patch == 0.0  # Neither NaN nor infinite: those are repaired, with a warning.
    if kind in _PLAIN or kind.__module__ in _FIXED_MODULES or _is_member(kind):
        return True
    if level > _LEVELS:
        return False
    if kind in (list, tuple):
        return all(_is_sendable(item, level + 1) for item in patch)
    if kind is dict:
        return all(
            type(key) is str and _is_sendable(key) and _is_sendable(item, level + 1)
            for key, item in patch.items()
        )
    return False


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
