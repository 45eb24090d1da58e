"""Every published check: what the probe finds out is what its `inject_data` does to the real data.

Needs an environment with the published packages, whose interpreter `OPSBOX_TEST_PACKAGES` names.
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import wire

PYTHON = os.environ.get("OPSBOX_TEST_PACKAGES")
LISTING = """
import importlib.metadata as metadata, json, os
found = []
for package in metadata.distributions():
    for point in package.entry_points:
        if point.group == "opsbox.plugins" and package.metadata["Name"].endswith("-checks"):
            found.append({"name": point.name, "module": point.module, "class_name": point.attr})
print(json.dumps(sorted(found, key=lambda point: point["name"])))
"""
DETAILS = {"input": {"kept": [1.0, 2**70, {"a": None}], "limit": "x"}, "beside": {"b": 1e21}}
# These have nothing to inject.
WITHOUT_HOOK = (
    "console_access",
    "empty_zones",
    "mfa_enabled",
    "no_healthy_targets",
    "stray_ebs",
    "unattached_eips",
)


def checks() -> list[dict]:
    if not PYTHON:
        return []
    run = subprocess.run([PYTHON, "-c", LISTING], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


CHECKS = checks()


@pytest.mark.skipif(not PYTHON, reason="OPSBOX_TEST_PACKAGES is not set")
def test_there_are_21_checks():
    assert len(CHECKS) == 21


@pytest.mark.parametrize("point", CHECKS, ids=[point["name"] for point in CHECKS])
def test_the_probe_gives_what_the_real_call_gives(point):
    spec = json.dumps({**point, "type": "rego", "folder": "", "source": "entry_point"})
    argv = [PYTHON, "-X", "utf8", str(wire.MAIN), spec]
    # The thresholds are dates, or numbers: the defaults serve, but for dates that count from now.
    with wire.Session(argv) as session:
        properties = session.call("grab_config").result.get("properties", {})
        dates = [name for name, field in properties.items() if "date-time" in json.dumps(field)]
        config = dict.fromkeys(dates, "2024-05-06T07:08:09.123456Z")
        assert session.call("set_data", config=config).error is None
        has_hook = "inject_data" in session.hello.result["hooks"]
        assert has_hook == ("x-opsbox-inject" in session.hello.result["features"])
        if not has_hook:
            assert point["module"].endswith(WITHOUT_HOOK)
            return
        patch = session.call("x-opsbox/inject_patch").result["patch"]
        real = session.call("inject_data", data=wire.result(DETAILS)).result["details"]
    assert patch
    patched = {**DETAILS, "input": {**DETAILS["input"], **patch}}
    assert real == patched
    assert repr(real) == repr(patched)
