"""`inject_data` by a probe: it gives what the real call gives, or nothing has happened."""

# ruff: noqa: E501 (sources of hooks, a line each)

from __future__ import annotations

import copy

import pytest
import wire

DETAILS = {"input": {"volumes": [{"id": "v-1", "size": 8}], "threshold": 3}, "more": [1]}

PRELUDE = """
import copy, json, logging
from datetime import datetime, timezone
from opsbox import Result
from pydantic import BaseModel
KEY = "limit"
seen = []
class Conf(BaseModel):
    limit: float = 0.5
class P:
    def set_data(self, model): pass
"""


def body(source: str) -> str:
    indented = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return f"{PRELUDE}    def inject_data(self, data):\n{indented}\n"


def probed(session: wire.Session) -> dict | None:
    assert "x-opsbox-inject" in session.hello.result["features"]
    return session.call("x-opsbox/inject_patch").result["patch"]


def patched(patch: dict) -> dict:
    details = copy.deepcopy(DETAILS)
    details["input"].update(patch)
    return details


def real(session: wire.Session) -> wire.Answer:
    return session.call("inject_data", data=wire.result(copy.deepcopy(DETAILS)))


EXACT = {
    "a constant": 'data.details["input"]["limit"] = 5\nreturn data',
    "nothing returned": 'data.details["input"]["limit"] = 5',
    "nothing set": "return data",
    "a key that was there": 'data.details["input"]["threshold"] = 9\nreturn data',
    "a name for the inner object": 'inner = data.details["input"]\ninner[KEY] = 1.5\ninner["b"] = None\nreturn data',
    "a condition on the configuration": 'if Conf().limit > 0.1:\n    data.details["input"]["on"] = True\nreturn data',
    "a date as nanoseconds": "when = datetime(2024, 1, 2, tzinfo=timezone.utc)\n"
    'data.details["input"]["when"] = int(when.timestamp() * 1e9)\nreturn data',
    "a date as it is": 'data.details["input"]["when"] = datetime(2024, 1, 2, tzinfo=timezone.utc)\nreturn data',
    "numbers of every kind": 'data.details["input"]["n"] = [0.0, -0.0, 1e21, 1e-7, 2**70, -2**63, 1.5e300]\nreturn data',
    "text of every kind": 'data.details["input"]["é\\n\\u2028"] = {"\\U0001f600": "\\x00\\""}\nreturn data',
    "a list changed after it was set": 'items = []\ndata.details["input"]["l"] = items\nitems.append(1)\nreturn data',
    "a value set twice": 'data.details["input"]["a"] = 1\ndata.details["input"]["a"] = 2\nreturn data',
    "many keys in a loop": 'for n in range(9):\n    data.details["input"][f"k{n}"] = n\nreturn data',
    "a comprehension": 'data.details["input"]["l"] = [n * 2 for n in range(3)]\nreturn data',
    "its own attribute": 'self.count = getattr(self, "count", 0) + 1\n'
    'data.details["input"]["n"] = self.count\nreturn data',
    "a look whether there are details": 'if hasattr(data, "details"):\n    data.details["input"]["a"] = 1\nreturn data',
    "None instead of the data, and a test for it": 'if data is None:\n    return None\ndata.details["input"]["a"] = 1',
}


@pytest.mark.parametrize("source", EXACT.values(), ids=EXACT)
def test_what_only_sets_keys_needs_no_data_and_gives_the_same(start, source):
    patch = probed(start(body(source), "rego"))
    assert patch is not None
    answer = real(start(body(source), "rego"))
    assert answer.result["details"] == patched(patch)
    # Equal numbers of another kind would be spelt differently.
    assert repr(answer.result["details"]["input"]) == repr(patched(patch)["input"])


REFUSED = {
    "reads a key": 'data.details["input"]["b"] = data.details["input"]["threshold"]\nreturn data',
    "reads a key that may be missing": 'data.details["input"]["b"] = data.details["input"].get("x", 1)\nreturn data',
    "reads with a fallback": 'try:\n    a = data.details["input"]["volumes"]\nexcept Exception:\n    a = []\n'
    'data.details["input"]["n"] = len(a)\nreturn data',
    "pops": 'data.details["input"].pop("volumes")\nreturn data',
    "deletes": 'del data.details["input"]["volumes"]\nreturn data',
    "iterates": 'data.details["input"]["n"] = [k for k in data.details["input"]]\nreturn data',
    "asks whether a key is there": 'if "volumes" in data.details["input"]:\n    data.details["input"]["a"] = 1\n'
    "return data",
    "setdefault": 'data.details["input"].setdefault("threshold", 8)\nreturn data',
    "update": 'data.details["input"].update(a=1)\nreturn data',
    "merges in place": 'data.details["input"] |= {"a": 1}\nreturn data',
    "adds in place": 'data.details["input"]["threshold"] += 1\nreturn data',
    "writes deeper": 'data.details["input"]["volumes"][0] = 1\nreturn data',
    "length": 'data.details["input"]["n"] = len(data.details["input"])\nreturn data',
    "truth": 'if data.details["input"]:\n    data.details["input"]["a"] = 1\nreturn data',
    "truth of the data": 'if data:\n    data.details["input"]["a"] = 1\nreturn data',
    "compares": 'if data.details != {}:\n    data.details["input"]["a"] = 1\nreturn data',
    "another section": 'data.details["more"] = 1\nreturn data',
    "reads another section": 'data.details["input"]["a"] = data.details["more"]\nreturn data',
    "replaces input": 'data.details["input"] = {"a": 1}\nreturn data',
    "replaces details": 'data.details = {"input": {"a": 1}}\nreturn data',
    "another attribute": 'data.details["input"]["a"] = data.relates_to\nreturn data',
    "sets an attribute": 'data.formatted = "x"\nreturn data',
    "model_dump": 'd = data.model_dump()\nd["details"]["input"]["a"] = 1\nreturn Result(**d)',
    "model_copy": 'd = data.model_copy(deep=True)\nd.details["input"]["a"] = 1\nreturn d',
    "deepcopy": 'd = copy.deepcopy(data)\nd.details["input"]["a"] = 1\nreturn d',
    "copy of the details": 'd = copy.copy(data.details)\nd["input"]["a"] = 1\nreturn data',
    "a dict of the details": 'd = dict(data.details)\nd["input"]["a"] = 1\nreturn data',
    "unpacks": 'data.details["input"]["n"] = {**data.details["input"]}\nreturn data',
    "builds a new Result": 'return Result(relates_to="a", result_name="b", result_description="c", '
    'details=data.details, formatted="")',
    "returns its details": 'data.details["input"]["a"] = 1\nreturn Result.model_construct('
    '**{**data.__dict__, "formatted": "z"})',
    "json": 'data.details["input"]["n"] = len(json.dumps(data.details))\nreturn data',
    "repr": 'data.details["input"]["n"] = len(repr(data.details))\nreturn data',
    "isinstance": 'if isinstance(data.details, dict):\n    data.details["input"]["a"] = 1\nreturn data',
    "type": 'if type(data.details) is dict:\n    data.details["input"]["a"] = 1\nreturn data',
    "type, in another function": 'if kind_of(data.details) is dict:\n    data.details["input"]["a"] = 1\nreturn data',
    "hands it on": 'helper(data.details["input"])\nreturn data',
    "logs it": 'logging.info("%s", data.details)\ndata.details["input"]["a"] = 1\nreturn data',
    "a key that is no text": 'data.details["input"][1] = 1\nreturn data',
    "a key of a kind of its own": 'data.details["input"][Text("k")] = 1\nreturn data',
    "itself as the value": 'data.details["input"]["a"] = data.details["input"].copy\nreturn data',
    "a value that is used up": 'data.details["input"]["a"] = (n for n in [1, 2])\nreturn data',
    "a set": 'data.details["input"]["a"] = {2, 1}\nreturn data',
    "a number that is none": 'data.details["input"]["a"] = float("nan")\nreturn data',
    "half a character": 'data.details["input"]["a"] = "\\ud800"\nreturn data',
    "a global": 'global KEY\nKEY = "k2"\ndata.details["input"][KEY] = 1\nreturn data',
    "raises": 'data.details["input"]["a"] = 1\nraise ValueError("too bad")',
    "raises after a print": 'print("said")\ndata.details["input"]["a"] = 1\nraise ValueError("too bad")',
    "exits": 'data.details["input"]["a"] = 1\nraise SystemExit(3)',
    "no attribute of that name": 'data.details["input"]["a"] = self.conf["a"]\nreturn data',
    "a generator": 'data.details["input"]["a"] = 1\nyield data',
    "returns something else": 'data.details["input"]["a"] = 1\nreturn [data]',
    "keeps the count, then reads": "self.count = getattr(self, 'count', 0) + 1\n"
    'data.details["input"]["n"] = self.count + len(data.details["input"])\nreturn data',
    "keeps a list, then reads": "self.__dict__.setdefault('seen', []).append(1)\n"
    'data.details["input"]["n"] = len(self.seen) + len(data.details["input"])\nreturn data',
    "tells by printing": 'print("said")\ndata.details["input"]["n"] = len(data.details)\nreturn data',
}
HELPERS = """
kind = type
class Text(str): pass
def kind_of(value): return kind(value)
def helper(inner): inner["a"] = 1
"""


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_what_the_probe_cannot_tell_is_left_to_the_real_call_as_if_nothing_had_happened(start, source):
    text = body(source) + HELPERS
    session = start(text, "rego")
    answer = session.call("x-opsbox/inject_patch")
    assert answer.result == {"patch": None}
    assert answer.notes == []
    after, alone = real(session), real(start(text, "rego"))
    assert (after.result, after.notes) == (alone.result, alone.notes)
    if alone.error:
        assert after.error["message"] == alone.error["message"]


@pytest.mark.parametrize(
    "attribute",
    ["object()", "open('/dev/null')", "[print]", "dict.fromkeys(range(20000))", "iter([1])"],
)
def test_a_plugin_that_keeps_more_than_plain_values_is_not_probed(start, attribute):
    source = body('data.details["input"]["a"] = 1\nreturn data')
    source += f"    def __init__(self): self.kept = {attribute}\n"
    assert probed(start(source, "rego")) is None


def test_models_and_dates_of_a_plugin_are_plain_values(start):
    source = body('data.details["input"]["a"] = self.conf.limit\nreturn data')
    source += "    def __init__(self): self.conf, self.day = Conf(), datetime(2024, 1, 1)\n"
    assert probed(start(source, "rego")) == {"a": 0.5}


def test_what_was_printed_and_logged_is_sent_where_the_patch_is_used(start):
    source = body('print("said")\ndata.details["input"]["a"] = 1\nreturn data')
    answer = start(source, "rego").call("x-opsbox/inject_patch")
    assert answer.result == {"patch": {"a": 1}}
    assert [note["message"] for note in answer.noted("log")] == ["said"]


def test_a_plugin_that_cannot_be_imported_or_has_no_such_hook_answers_null(start):
    broken = start("import nowhere\nclass P:\n    def inject_data(self, data): pass\n", "rego")
    assert broken.call("x-opsbox/inject_patch").result == {"patch": None}
    assert "nowhere" in broken.call("inject_data", data=wire.result()).error["message"]
    without = start("class P:\n    def report_findings(self, data): return data\n", "rego")
    assert "x-opsbox-inject" not in without.hello.result["features"]


def test_a_profiler_of_the_plugin_stays(start):
    source = body('data.details["input"]["a"] = 1\nreturn data')
    source += "import sys\nsys.setprofile(lambda *given: None)\n"
    assert probed(start(source, "rego")) is None
