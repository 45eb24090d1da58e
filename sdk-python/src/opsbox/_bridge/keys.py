"""The keys for language models: which plugins get them though their own configuration does not declare them.

In the original `AppConfig().llm` is made from the whole configuration. Here a plugin is sent its own fields
alone; one whose source uses `AppConfig` for a language model gets these two fields in addition, and no other
plugin sees them. The source is read, nothing is imported.
"""

from __future__ import annotations

import _ast
import os

FIELDS = {
    "oai_key": "key for OpenAI, for `AppConfig().llm` and `.embed_model`",
    "claude_key": "key for Claude, for `AppConfig().llm` where there is no `oai_key`",
}
HOOKS = ("grab_config", "set_data")
_USES = frozenset(("llm", "embed_model", "llm_settings", "init_llms"))
_HOMES = frozenset(("opsbox", "core", "opsbox.config", "core.config", "opsbox.main", "core.main"))
_PARSE_ONLY = 0x400
_MOST_FILES = 64


def wanted(path: str | None) -> bool:
    """Tells whether a plugin uses a language model of `AppConfig`.

    Args:
        path: Its source file; those beside it that it imports are read as well. None where it is not known.
    """
    seen: set = set()
    open_files = [path] if path else []
    has_config = has_use = False
    while open_files and len(seen) < _MOST_FILES:
        file = open_files.pop()
        if file in seen:
            continue
        seen.add(file)
        for node in _nodes(file):
            has_config = has_config or _is_config(node)
            has_use = has_use or _is_use(node)
            open_files.extend(_neighbours(node, os.path.dirname(file)))
        if has_config and has_use:
            return True
    return False


def add(schema: dict) -> set:
    """Adds the fields to a JSON Schema that has them not, and returns the names of those that were added."""
    properties = schema.setdefault("properties", {})
    added = {name for name in FIELDS if name not in properties}
    for name in FIELDS:
        if name in added:
            properties[name] = {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": FIELDS[name],
                "writeOnly": True,
            }
    return added


def _nodes(path: str) -> list:
    try:
        with open(path, "rb") as file:
            source = file.read()
        tree = compile(source, path, "exec", _PARSE_ONLY, dont_inherit=True)
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    found, rest = [], [tree]
    while rest:
        node = rest.pop()
        found.append(node)
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, _ast.AST):
                rest.append(value)
            elif isinstance(value, list):
                rest.extend(item for item in value if isinstance(item, _ast.AST))
    return found


def _is_config(node: object) -> bool:
    if isinstance(node, _ast.ImportFrom):
        return node.module in _HOMES and any(alias.name in ("AppConfig", "*") for alias in node.names)
    return isinstance(node, _ast.Attribute) and node.attr == "AppConfig"


def _is_use(node: object) -> bool:
    if isinstance(node, _ast.Attribute):
        return node.attr in _USES
    # `AppConfig()["llm"]`, `getattr(AppConfig(), "llm")`.
    return isinstance(node, _ast.Constant) and isinstance(node.value, str) and node.value in _USES


def _neighbours(node: object, folder: str) -> list:
    """Returns the files in the plugin's own folder that an import statement may mean."""
    names: list = []
    if isinstance(node, _ast.ImportFrom):
        if node.module:
            names.append(node.module)
        if node.level:
            names.extend(alias.name for alias in node.names)
    elif isinstance(node, _ast.Import):
        names.extend(alias.name for alias in node.names)
    paths = [os.path.join(folder, f"{name.rsplit('.', 1)[-1]}.py") for name in names]
    return [path for path in paths if os.path.isfile(path)]
