"""Input my_plugin: finds a machine with too much work."""

from __future__ import annotations

from pathlib import Path

import wire

DEFAULTS = {"my_plugin_max_load": 4}  # as in manifest.toml


def findings(text: str, max_load: int) -> list:
    """Returns what is wrong with the load in the text of /proc/loadavg."""
    load = float(text.split()[1])
    if load < max_load:
        return []
    return [
        {
            "resource": "load",
            "message": f"the load over 5 minutes is {load}",
            "load": load,
            "threshold": max_load,
            "severity": "medium",
            "remediation": "Find the busiest processes (`top`), or add processors.",
        }
    ]


def process(call: wire.Call, proc: Path = Path("/proc")) -> list:
    """Answers one Result; a load that cannot be read is an error, and not "nothing found"."""
    found = findings((proc / "loadavg").read_text(), call.config["my_plugin_max_load"])
    formatted = "\n".join(finding["message"] for finding in found) or "not busy"
    return [wire.result("my_plugin", "machines with too much work", found, formatted)]


if __name__ == "__main__":
    wire.serve("my_plugin", {"process": process}, DEFAULTS)
