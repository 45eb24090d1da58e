"""What the shim does not offer, taken from the original `opsbox` package where that is installed too."""

from __future__ import annotations

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def attribute(stem: str, name: str) -> tuple[bool, object]:
    """Returns whether the original has an attribute, and the attribute.

    Args:
        stem: The module's file, without ending.
        name: The attribute.

    Raises:
        AttributeError: There is an original, and it cannot be imported.
    """
    original = _load(stem)
    if original is None or not hasattr(original, name):
        return False, None
    return True, getattr(original, name)


def _load(stem: str) -> object:
    alias = f"opsbox._original_{stem}"
    if alias in sys.modules:
        return sys.modules[alias]
    import opsbox

    for home in opsbox.__path__:
        path = os.path.join(home, f"{stem}.py")
        if os.path.abspath(home) != _HERE and os.path.isfile(path):
            from importlib.util import module_from_spec, spec_from_file_location

            spec = spec_from_file_location(alias, path)
            module = module_from_spec(spec)
            sys.modules[alias] = module
            try:
                spec.loader.exec_module(module)
            except Exception as err:
                del sys.modules[alias]
                raise AttributeError(f"the original {path} cannot be imported: {err}") from err
            return module
    return None
