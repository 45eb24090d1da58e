"""The lines that every reader of the protocol must agree on, shared with the Rust tests."""

from __future__ import annotations

import json
import sys

import pytest
import wire

sys.path.insert(0, str(wire.SRC))

from opsbox._wire.message import classify, is_too_deep

GOLDEN = wire.SRC.parent.parent / "tests" / "golden" / "lines.jsonl"
LINES = GOLDEN.read_text("utf-8").split("\n") if GOLDEN.is_file() else []


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["name"]) for case in (json.loads(line) for line in LINES if line)]
)
def test_line_is_what_the_golden_file_says(case):
    # A lone surrogate stands for bytes that no JSON file can hold; the golden lines have none unescaped.
    message = classify(case["line"].encode())
    # Depth is judged of what a plugin sends; a reader of the host's lines does not look at it.
    kind = "fault" if is_too_deep(case["line"].encode("utf-8", "replace")) else message.kind
    assert (kind, message.id, message.method) == (case["class"], case["id"], case["method"]), message.why
    assert type(message.id) is type(case["id"])
