"""Fixtures: a plugin written in the test itself, run by the bridge in a real process, started or forked."""

from __future__ import annotations

import sys
import textwrap
from contextlib import ExitStack

import pytest
import warm
import wire

# What an interpreter reads at its start; the host starts a plugin cold that has one of its own.
_AT_START = ("PYTHON", "LOGURU_", "LC_", "LANG")
# A plugin of the tests imports these, so that a warm parent for two of them does too.
_LIKE = "import boto3, loguru, pluggy, pydantic, requests, rich.console, yaml\nfrom opsbox import Result\n"


@pytest.fixture(scope="session")
def parents(tmp_path_factory):
    """Returns the warm parent for an interpreter with these flags, one for all tests."""
    folder = tmp_path_factory.mktemp("like")
    (folder / "like.py").write_text(_LIKE)
    like = {"name": "like", "type": "input", "module": "like", "class_name": "P", "source": "directory"}
    with ExitStack() as stack:
        made = {}

        def parent(flags: tuple) -> warm.Parent:
            if flags not in made:
                made[flags] = warm.Parent([{**like, "folder": str(folder)}] * 2, flags)
                stack.callback(made[flags].close)
                assert made[flags].said.startswith("ready"), made[flags].said
            return made[flags]

        yield parent


@pytest.fixture(params=["cold", "warm"] if sys.platform == "linux" else ["cold"])
def start(tmp_path, request, parents):
    """Runs the bridge for a plugin whose class is `P`; the source is written to a folder of the test."""
    with ExitStack() as stack:

        def run(
            source: str, kind: str = "input", module: str = "plugin_under_test", **options: object
        ) -> wire.Session:
            (tmp_path / f"{module.rsplit('.', 1)[-1]}.py").write_text(textwrap.dedent(source), "utf-8")
            spec = {
                "name": "probe",
                "type": kind,
                "module": module,
                "class_name": options.pop("class_name", "P"),
                "folder": str(tmp_path),
                "source": "directory",
            }
            at_start = any(name.startswith(_AT_START) for name in options.get("env") or {})
            if request.param == "cold" or at_start:
                return stack.enter_context(wire.bridge(spec, **options))
            return stack.enter_context(parents(options.pop("flags", ())).bridge(spec, **options))

        yield run
