"""Handler my_plugin: runs plugins of the type my_plugin_type, whose hook `look` answers findings."""

from __future__ import annotations

import sys

import wire


def process_plugin(call: wire.Call) -> list:
    """Answers the Results of the plugin that the host names."""
    plugin = call.params["plugin"]["name"]
    found = call.call_hook(plugin, "look", {})
    if not isinstance(found, list):
        raise wire.Failed(f"`look` of `{plugin}` answered no list of findings")
    return [wire.result(plugin, f"what {plugin} found", found, f"findings: {len(found)}", "my_plugin")]


def look(call: wire.Call) -> list:
    """Answers the findings of my_plugin_example, a plugin for this handler to run."""
    return [{"resource": "example", "message": "the handler has asked", "severity": "info"}]


if __name__ == "__main__":
    if sys.argv[1:] == ["example"]:
        wire.serve("my_plugin_example", {"look": look})
    else:
        wire.serve("my_plugin", {"process_plugin": process_plugin})
