"""The SDK for new plugins: a class per role, a dataclass for the configuration, and `serve`.

    from dataclasses import dataclass
    from opsbox.sdk import Provider, Result, option, serve

    @dataclass(frozen=True)
    class Config:
        folder: str = option(".", description="folder to list")

    class Files(Provider[Config]):
        name = "files_here"

        def gather_data(self) -> Result:
            names = sorted(os.listdir(self.config.folder))
            return Result("files", "files_here", "Files of a folder", {"names": names}, ", ".join(names))

    if __name__ == "__main__":
        serve(Files)

It needs neither pluggy nor pydantic. `opsbox.sdk.testing` runs a plugin in a test, in memory or as a process.
"""

from __future__ import annotations

from opsbox._wire.errors import Cancelled, HostError
from opsbox.sdk._context import gap, is_cancelled, log, output, progress
from opsbox.sdk._host import PluginFacts, active_plugins, call_hook
from opsbox.sdk._plugin import Assistant, Check, Handler, Input, Output, Plugin, Provider
from opsbox.sdk._result import Result
from opsbox.sdk._schema import option
from opsbox.sdk._service import serve

__all__ = [
    "Assistant",
    "Cancelled",
    "Check",
    "Handler",
    "HostError",
    "Input",
    "Output",
    "Plugin",
    "PluginFacts",
    "Provider",
    "Result",
    "active_plugins",
    "call_hook",
    "gap",
    "is_cancelled",
    "log",
    "option",
    "output",
    "progress",
    "serve",
]
