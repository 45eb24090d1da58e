"""Provider my_plugin: gathers how busy this machine is."""

from __future__ import annotations

from pathlib import Path

import wire

DEFAULTS = {"my_plugin_memory": True}  # as in manifest.toml


def load(text: str) -> dict:
    """Returns the load over 1, 5 and 15 minutes of the text of /proc/loadavg."""
    one, five, fifteen = (float(word) for word in text.split()[:3])
    return {"one": one, "five": five, "fifteen": fifteen}


def memory(text: str) -> dict:
    """Returns total and available KiB of the text of /proc/meminfo."""
    lines = dict(line.split(":") for line in text.splitlines())
    return {"total_kib": kib(lines["MemTotal"]), "available_kib": kib(lines["MemAvailable"])}


def kib(words: str) -> int:
    """Returns the number in words such as ` 16384 kB`."""
    return int(words.split()[0])


def gather_data(call: wire.Call, proc: Path = Path("/proc")) -> dict:
    """Answers the data; what cannot be read is a gap, never an empty value."""
    sections = {"load": ("loadavg", load), "memory": ("meminfo", memory)}
    if not call.config["my_plugin_memory"]:
        del sections["memory"]
    details = {}
    for section, (file, read) in sections.items():
        try:
            details[section] = read((proc / file).read_text())
        except OSError as error:
            call.gap(str(proc / file), error.strerror or "cannot be read", section=section)
    return wire.result("my_plugin", "how busy this machine is", details, f"gathered: {', '.join(details)}")


if __name__ == "__main__":
    wire.serve("my_plugin", {"gather_data": gather_data}, DEFAULTS)
