"""What the host told this process, for the shim's modules to read. Filled by the bridge; empty elsewhere."""

from __future__ import annotations

plugin: dict = {}
config: dict = {}
terminal: dict = {}
