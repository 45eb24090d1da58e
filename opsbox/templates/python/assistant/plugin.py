"""Assistant my_plugin: puts first how many findings there are, and hands on everything else as it came."""

from __future__ import annotations

import wire

DEFAULTS = {"my_plugin_first": True}  # as in manifest.toml


def count(results: list) -> dict:
    """Returns a Result that says how many findings each Result has."""
    found = {}
    for each in results:
        details = each["details"]
        number = len(details) if isinstance(details, list) else int(bool(details))
        found[each["result_name"]] = found.get(each["result_name"], 0) + number
    formatted = "\n".join(f"{name}: {number}" for name, number in found.items()) or "no results"
    return wire.result("my_plugin", "how many findings there are", {"findings": found}, formatted, "summary")


def process_input(call: wire.Call) -> list:
    """Answers the list that takes the place of the given one."""
    results = call.received("input")
    summary = [count(results)]
    return summary + results if call.config["my_plugin_first"] else results + summary


if __name__ == "__main__":
    wire.serve("my_plugin", {"process_input": process_input}, DEFAULTS)
