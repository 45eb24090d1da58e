"""Fixtures: a plugin written in the test itself, run by the bridge in a real process."""

from __future__ import annotations

import textwrap
from contextlib import ExitStack

import pytest
import wire


@pytest.fixture
def start(tmp_path):
    """Starts the bridge for a plugin whose class is `P`; the source is written to a folder of the test."""
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
            return stack.enter_context(wire.bridge(spec, **options))

        yield run
