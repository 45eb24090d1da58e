"""Says what the plugins of one environment lack, for `opsbox plugins doctor`.

Reads sources and metadata. No plugin and no package of the environment is imported; of this distribution's
own names those are touched that plugins import. The host starts it with a JSON list of plugins: `name`,
`module`, `folder`, `source` (`directory` or `entry_point`) and, for installed ones, `distribution`. It prints
one line.
"""

from __future__ import annotations

import ast
import json
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))
_SHIMS = ("opsbox", "core")
# Packages whose plugins are built into the host, and the one that the bridge stands for.
_SERVED = {
    "opsbox",
    "opsbox-cli-output",
    "opsbox-general-handler",
    "opsbox-json-file-output",
    "opsbox-rego-handler",
    "opsbox-text-file-output",
}
# Modules whose distribution has another name.
_DISTRIBUTIONS = {
    "atlassian": "atlassian-python-api",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "git": "GitPython",
    "github": "PyGithub",
    "google": "google-api-python-client",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "llama_index": "llama-index-core",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "slack_sdk": "slack-sdk",
    "yaml": "PyYAML",
}
# A module that uses one of these may have names that its statements do not show.
_MAKES_NAMES = {"__getattr__", "globals", "exec", "eval", "vars", "modules"}
_STANDINS = ("pluggy", "core")
_MOST_FILES = 200


def main() -> None:
    """Prints the line."""
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != _HERE]
    # What is here and what is in the environment are two things: the second is looked at without the first.
    environment = list(sys.path)
    sys.path.insert(0, _ROOT)
    out = sys.stdout
    sys.stdout = sys.stderr
    metadata = Metadata(environment)
    answer = {
        "opsbox": metadata.opsbox(),
        "plugins": {},
    }
    for plugin in json.loads(sys.argv[1]):
        try:
            answer["plugins"][plugin["name"]] = inspect(plugin, metadata)
        except Exception as err:
            answer["plugins"][plugin["name"]] = {"fault": f"{type(err).__name__}: {err}"}
    out.write(json.dumps(answer) + "\n")


def inspect(plugin: dict, metadata: Metadata) -> dict:
    """Returns what one plugin lacks."""
    from opsbox import _names

    found: dict = {
        "imports": [],
        "names": [],
        "syntax": [],
        "class": None,
        "sealed": _names.is_sealed(),
        "python": None,
        "requires": [],
    }
    files, own = sources(plugin)
    for number, path in enumerate(files):
        source = Source(path, own)
        try:
            source.read()
        except (SyntaxError, ValueError, OSError) as err:
            line = getattr(err, "lineno", None) or 0
            found["syntax"].append(
                {"file": path, "line": line, "message": getattr(err, "msg", None) or str(err)}
            )
            continue
        if number == 0:
            message = source.lacks_class(plugin["module"], plugin.get("class_name") or "")
            found["class"] = {"message": message} if message else None
        for module, line in source.modules:
            if not resolves(module, own, os.path.dirname(path)):
                top = module.split(".")[0]
                found["imports"].append(
                    {
                        "module": module,
                        "distribution": metadata.distribution_of(top),
                        "file": path,
                        "line": line,
                    }
                )
        for module, name, line in source.names:
            said = shim_lacks(module, name)
            if said is not None:
                found["names"].append(
                    {"module": module, "name": name, "file": path, "line": line, "message": said}
                )
    if plugin.get("distribution"):
        found["python"], found["requires"] = metadata.unmet(plugin["distribution"])
    return found


def sources(plugin: dict) -> tuple[list[str], set[str]]:
    """Returns a plugin's files, and the top-level names that are its own.

    Of the files beside its module those count that it imports: the folder may hold tests and other plugins.
    """
    folder, parts = plugin["folder"], plugin["module"].split(".")
    own = {parts[0]}
    names = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.endswith(".py"):
            names[name[:-3]] = path
        elif os.path.isfile(os.path.join(path, "__init__.py")):
            names[name] = os.path.join(path, "__init__.py")
    if plugin["source"] == "directory":
        own.update(names)
    main_file = names.get(parts[-1]) or names.get("__init__")
    found = [main_file] if main_file else []
    for path in found:
        if len(found) >= _MOST_FILES:
            break
        for name in sorted(parts_of_imports(path, own)):
            neighbour = names.get(name)
            if neighbour and neighbour not in found:
                found.append(neighbour)
    return found, own


def parts_of_imports(path: str, own: set[str]) -> set[str]:
    """Returns all names that a file's imports of its own neighbours hold; none where it cannot be read."""
    source = Source(path, own)
    try:
        source.read()
    except (SyntaxError, ValueError, OSError):
        return set()
    return source.neighbours


class Source:
    """The imports of one file."""

    def __init__(self, path: str, own: set[str]) -> None:
        self.path = path
        self.own = own
        self.modules: list[tuple[str, int]] = []
        self.names: list[tuple[str, str, int]] = []
        self.neighbours: set[str] = set()
        self._aliases: dict[str, str] = {}
        self._tree: ast.Module | None = None

    def read(self) -> None:
        """Reads the file.

        Raises:
            SyntaxError: It is not valid in this version of Python.
            OSError: It cannot be read.
        """
        import warnings

        with open(self.path, "rb") as file:
            text = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = self._tree = ast.parse(text, self.path)
        for statement in tree.body:
            self._visit(statement)
        for node in ast.walk(tree):
            # An attribute of a shim module: `opsbox.plugins.Result`, or of what it was imported as.
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = self._aliases.get(node.value.id)
                if module is not None and isinstance(node.ctx, ast.Load):
                    self.names.append((module, node.attr, node.lineno))

    def lacks_class(self, module: str, class_name: str) -> str | None:
        """Returns a sentence where the file surely has no such class; None where it has or may have."""
        from opsbox._bridge import loading

        first = class_name.split(".")[0]
        bound: set[str] = set()
        if not first or not all(_bind(node, bound) for node in self._tree.body):
            return None
        if first in bound or _MAKES_NAMES & bound:
            return None
        classes = [node.name for node in self._tree.body if isinstance(node, ast.ClassDef)]
        return loading.missing(module, class_name, classes)

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._module(alias.name, node.lineno)
                home, _, last = alias.name.rpartition(".")
                if home.split(".")[0] in _SHIMS:
                    self.names.append((home, last, node.lineno))
                if alias.name.split(".")[0] in self.own:
                    self.neighbours.update(alias.name.split("."))
                if alias.name.split(".")[0] in _SHIMS and (alias.asname or "." not in alias.name):
                    self._aliases[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom):
            if node.level or (node.module or "").split(".")[0] in self.own:
                self.neighbours.update((node.module or "").split("."))
                self.neighbours.update(alias.name for alias in node.names)
            if node.level == 0 and node.module:
                self._module(node.module, node.lineno)
                if node.module.split(".")[0] in _SHIMS:
                    for alias in node.names:
                        if alias.name != "*":
                            self.names.append((node.module, alias.name, node.lineno))
        elif isinstance(node, ast.Try):
            # Whoever catches the failure of an import can do without it.
            if not any(catches_import(handler) for handler in node.handlers):
                self._children(node.body)
            for handler in node.handlers:
                self._children(handler.body)
            self._children(node.orelse)
            self._children(node.finalbody)
        elif isinstance(node, ast.If) and is_type_checking(node.test):
            self._children(node.orelse)
        else:
            self._children(ast.iter_child_nodes(node))

    def _children(self, nodes: object) -> None:
        for node in nodes:
            self._visit(node)

    def _module(self, module: str, line: int) -> None:
        if all(module != known for known, _ in self.modules):
            self.modules.append((module, line))


def _bind(statement: ast.AST, bound: set[str]) -> bool:
    """Adds all names that a statement may bind or read; False where others may come, as from `import *`."""
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            if node.name == "*":
                return False
            bound.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store) or node.id in _MAKES_NAMES:
                bound.add(node.id)
        elif isinstance(node, ast.Attribute) and node.attr == "modules":
            bound.add(node.attr)
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
    return True


def catches_import(handler: ast.ExceptHandler) -> bool:
    """Tells whether an `except` catches that a module is missing."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    wanted = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
    return any(isinstance(kind, ast.Name) and kind.id in wanted for kind in kinds)


def is_type_checking(test: ast.AST) -> bool:
    """Tells whether a condition holds for type checkers only."""
    return getattr(test, "id", None) == "TYPE_CHECKING" or getattr(test, "attr", None) == "TYPE_CHECKING"


def resolves(module: str, own: set[str], folder: str) -> bool:
    """Tells whether a module can be found. Nothing is imported: below the top, paths are searched."""
    parts = module.split(".")
    if parts[0] in _SHIMS or parts[0] in _STANDINS or parts[0] in own:
        return True
    if parts[0] in sys.builtin_module_names or parts[0] in getattr(sys, "stdlib_module_names", ()):
        return True
    if any(os.path.exists(os.path.join(folder, parts[0] + end)) for end in (".py", os.sep + "__init__.py")):
        return True
    spec = find(parts[0], None)
    if spec is None:
        return False
    for depth in range(1, len(parts)):
        places = spec.submodule_search_locations
        if places is None:
            # A module may make others as it is imported; that cannot be seen from outside.
            return True
        places = list(places)
        spec = find(".".join(parts[: depth + 1]), places)
        if spec is None:
            # So may a package, as `six.moves` does: only one whose code never speaks of modules is trusted.
            return any(makes_modules(place) for place in places)
    return True


def makes_modules(folder: str) -> bool:
    """Tells whether a package's own code may make modules that no file shows."""
    try:
        with open(os.path.join(folder, "__init__.py"), "rb") as file:
            text = file.read()
    except OSError:
        return False
    return b"sys.modules" in text or b"__getattr__" in text or b"__path__" in text


def find(name: str, places: list | None) -> object:
    """Asks the finders for a module."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        try:
            spec = find_spec(name, places) if find_spec is not None else None
        except Exception:
            # A foreign finder that fails on a name does not know it.
            continue
        if spec is not None:
            return spec
    return None


def shim_lacks(module: str, name: str) -> str | None:
    """Returns why a name cannot be had from a module of this distribution; None where it can."""
    from importlib import import_module

    wanted = module
    if module.split(".")[0] == "core":
        # The bridge serves `core` from a folder of its own; its modules are those of `opsbox`.
        standins = os.path.join(_HERE, "standins")
        if standins not in sys.path:
            sys.path.append(standins)
    try:
        found = import_module(wanted)
    except ModuleNotFoundError as err:
        missing = (err.name or "").split(".")[0]
        if missing in _SHIMS:
            return f"there is no module `{module}`"
        return None
    except Exception:
        return None
    try:
        getattr(found, name)
    except AttributeError as err:
        if find(f"{wanted}.{name}", list(getattr(found, "__path__", ()))) is not None:
            return None
        return str(err)
    except Exception:
        # It is there, but what it stands for cannot be made here; a missing package is told by itself.
        return None
    return None


class Metadata:
    """What installers left in the environment."""

    def __init__(self, places: list[str]) -> None:
        from importlib.metadata import distributions

        self._versions: dict[str, str] = {}
        self._found: dict[str, object] = {}
        self._tops: dict[str, str] = {}
        for distribution in distributions(path=places):
            name = distribution.metadata["Name"]
            if name and normal(name) not in self._found:
                self._found[normal(name)] = distribution
                self._versions[normal(name)] = distribution.version

    def opsbox(self) -> dict | None:
        """Returns version and kind of the `opsbox` that is installed there."""
        distribution = self._found.get("opsbox")
        if distribution is None:
            return None
        version = self._versions["opsbox"]
        bridge = distribution.locate_file("opsbox/_bridge")
        kind = "original"
        if version.endswith("+light"):
            kind = "light"
        elif os.path.isdir(str(bridge)):
            kind = "this"
        return {"version": version, "kind": kind}

    def distribution_of(self, top: str) -> str:
        """Returns the name of the distribution that most likely brings a module."""
        return _DISTRIBUTIONS.get(top, top.replace("_", "-"))

    def unmet(self, name: str) -> tuple[str | None, list[dict]]:
        """Returns what a distribution demands of Python, if that is not met, and the packages it lacks."""
        distribution = self._found.get(normal(name))
        if distribution is None:
            return None, []
        demand = distribution.metadata["Requires-Python"]
        python = ".".join(map(str, sys.version_info[:3]))
        refused = demand if demand and not admits(demand, python) else None
        lacks = []
        for text in distribution.requires or []:
            requirement, _, marker = text.partition(";")
            project, specifier = split(requirement)
            if normal(project) in _SERVED or not applies(marker.strip()):
                continue
            there = self._versions.get(normal(project))
            if there is None or (specifier and not admits(specifier, there)):
                lacks.append({"requirement": requirement.strip(), "there": there})
        return refused, lacks


def normal(name: str) -> str:
    """Returns a distribution's name as indexes compare it."""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


def split(requirement: str) -> tuple[str, str]:
    """Splits `name[extra] (>=1)` into name and specifier."""
    import re

    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*\(?([^)@]*)\)?", requirement)
    return (match.group(1), match.group(3).strip()) if match else (requirement.strip(), "")


def applies(marker: str) -> bool:
    """Tells whether a marker holds here; one of an extra, or that cannot be read, does not."""
    import platform
    import re

    if not marker:
        return True
    if "extra" in marker:
        return False
    values = {
        "python_version": ".".join(map(str, sys.version_info[:2])),
        "python_full_version": ".".join(map(str, sys.version_info[:3])),
        "sys_platform": sys.platform,
        "platform_system": platform.system(),
        "platform_machine": platform.machine(),
        "os_name": os.name,
        "implementation_name": sys.implementation.name,
        "platform_python_implementation": platform.python_implementation(),
    }
    if "(" in marker:
        return False
    clause = re.compile(r"^(\w+)\s*(<=|>=|==|!=|<|>|~=)\s*['\"]([^'\"]*)['\"]$")

    def holds(text: str) -> bool:
        match = clause.match(text.strip())
        if not match or match.group(1) not in values:
            return False
        name, operator, wanted = match.groups()
        if "version" in name:
            return admits(operator + wanted, values[name])
        return (values[name] == wanted) == (operator == "==")

    alternatives = re.split(r"\s+or\s+", marker)
    return any(all(holds(part) for part in re.split(r"\s+and\s+", choice)) for choice in alternatives)


def admits(specifier: str, version: str) -> bool:
    """Tells whether a specifier such as `>=1.2,<2` admits a version; what cannot be read admits every one."""
    import re

    own = release(version)
    for clause in specifier.split(","):
        match = re.match(r"\s*(===|~=|==|!=|>=|<=|>|<)\s*v?([0-9][^\s]*)\s*$", clause)
        if not match:
            continue
        operator, text = match.groups()
        wildcard = text.endswith(".*")
        wanted = release(text[:-2] if wildcard else text)
        length = max(len(own), len(wanted))
        left, right = pad(own, length), pad(wanted, length)
        begins = pad(own, len(wanted))[: len(wanted)] == wanted
        fits = {
            "==": begins if wildcard else left == right,
            "===": begins if wildcard else left == right,
            "!=": not begins if wildcard else left != right,
            "~=": left >= right and own[: len(wanted) - 1] == wanted[:-1],
            ">=": left >= right,
            "<=": left <= right,
            ">": left > right,
            "<": left < right,
        }
        if not fits[operator]:
            return False
    return True


def release(version: str) -> list[int]:
    """Returns the numbers of a version; pre-releases count as the release."""
    import re

    numbers = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    return [int(part) for part in numbers.group(1).split(".")] if numbers else [0]


def pad(numbers: list[int], length: int) -> list[int]:
    """Returns the numbers with zeros at the end."""
    return numbers + [0] * (length - len(numbers))


if __name__ == "__main__":
    main()
