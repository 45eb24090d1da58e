"""Output my_plugin: writes all Results into one JSON file."""

from __future__ import annotations

import os
from pathlib import Path

import wire

DEFAULTS = {"my_plugin_file": "my_plugin.json"}  # as in manifest.toml


def write_whole(path: Path, text: str) -> None:
    """Writes a file under a temporary name and renames it, so that nobody sees half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def process_results(call: wire.Call) -> dict:
    """Delivers the Results; where that fails it raises, and the run says that nothing was delivered."""
    results = call.received("results")
    path = Path(call.config["my_plugin_file"])
    write_whole(path, "[" + ",\n".join(map(wire.to_json, results)) + "]\n")
    call.output(f"results in {path}: {len(results)}\n")
    return {}


if __name__ == "__main__":
    wire.serve("my_plugin", {"process_results": process_results}, DEFAULTS)
