"""What a warm parent imports before it is forked: what two or more of the planned plugins import as well.

What only one plugin needs is left to that one: imported here it would hold up all others. Nothing is imported
that is not on the list, and nothing that does not lie in the interpreter's own folders of packages: a
plugin's module, or a neighbour with the name of a package, is never run here.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib import import_module

from opsbox._bridge import hooks

# Packages that are imported without side effects, and what of them plugins get only by using them.
_ALLOWED = {
    "boto3": (),
    "botocore": (),
    "loguru": (),
    "pluggy": (),
    "pydantic": ("pydantic.main", "pydantic.json_schema"),
    "requests": (),
    "rich": (),
    "yaml": (),
}
# Whoever imports one of these wants `Result`, a model of pydantic, which takes its time to be made.
_SHIM = ("core", "opsbox")
_NAMES = ("opsbox.plugins", "opsbox._names", "opsbox._shapes")
_BRIDGE = (
    "atexit",
    "importlib.util",
    "select",
    "opsbox._bridge.config",
    "opsbox._bridge.leaving",
    "opsbox._bridge.loading",
    "opsbox._bridge.main",
    "opsbox._bridge.plain_yaml",
    "opsbox._bridge.service",
    "opsbox._wire.faults",
    "opsbox._wire.records",
    "opsbox._wire.results",
    "opsbox._wire.stdio",
)
# A line that only looks like an import, in a text, does no harm: parsing every source would take longer than
# that import.
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))", re.MULTILINE)
_LEAST = 2


def preload(specs: list[str]) -> list[str]:
    """Imports the bridge, and what at least two of the plugins import.

    Args:
        specs: The plugins' specs, as the bridge gets them.

    Returns:
        The modules imported for the plugins.

    Raises:
        BaseException: What one of the modules raised.
    """
    for name in _BRIDGE:
        import_module(name)
    done = []
    for name in wanted([json.loads(spec) for spec in specs if spec]):
        try:
            import_module(name)
        except ModuleNotFoundError as err:
            if err.name != name:
                raise
            continue  # Plugins try what another version has; nothing of it was run.
        done.append(name)
    return done


def wanted(specs: list[dict]) -> list[str]:
    """Returns the modules to import: on the list, in the environment, imported by at least two plugins."""
    counts: dict[str, int] = {}
    for spec in specs:
        for name in _of_plugin(spec):
            counts[name] = counts.get(name, 0) + 1
    own = {spec["module"].split(".")[0] for spec in specs}
    shared = sorted(name for name, count in counts.items() if count >= _LEAST)
    tops = {name.split(".")[0] for name in shared}
    there = {top for top in tops | {"pydantic"} if top in _ALLOWED and top not in own and _is_installed(top)}
    names = [name for name in shared if name.split(".")[0] in there]
    names += [extra for top in sorted(tops & there) for extra in _ALLOWED[top]]
    # Without pydantic in the environment, a plugin's own folder may hold one, and `Result` is made from that.
    if tops.intersection(_SHIM) and "pydantic" in there:
        names += _NAMES
    return list(dict.fromkeys(names))


def imports(source: bytes) -> set[str]:
    """Returns the modules that a source imports, and the packages that they are in."""
    found = set()
    for start, several in _IMPORT.findall(source):
        for part in (start or several).split(b","):
            name = (part.split() or [b""])[0].decode()
            found.update({name, name.split(".")[0]} - {""})
    return found


def _of_plugin(spec: dict) -> set[str]:
    path = hooks.file_of(spec) if spec["source"] == "directory" else hooks.source_of(spec["module"])
    try:
        with open(path or "", "rb") as file:
            return imports(file.read())
    except (OSError, ValueError):
        return set()  # The plugin itself will say so.


def _is_installed(top: str) -> bool:
    """Tells whether a package lies in this interpreter's own folders of packages."""
    import site

    homes = [*site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        homes.append(site.getusersitepackages())
    path = hooks.source_of(top)
    return (
        path is not None
        and top not in sys.modules
        and any(path.startswith(os.path.join(home, "")) for home in homes)
    )
