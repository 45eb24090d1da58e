"""`inject_data` by a probe: it gives what the real call gives, or nothing has happened."""

# ruff: noqa: E501 (sources of hooks, a line each)

from __future__ import annotations

import copy

import pytest
import wire

DETAILS = {"input": {"volumes": [{"id": "v-1", "size": 8}], "threshold": 3}, "more": [1]}

PRELUDE = """
import copy, json, logging
from datetime import datetime, timedelta, timezone
from uuid import UUID
from opsbox import Result
from pydantic import BaseModel
KEY, MOST = "limit", 3
seen = []
logger = logging.getLogger("check")
class Conf(BaseModel):
    limit: float = 0.5
class P:
    most = 4
    kept = []
    def __init__(self):
        self.conf = {"limit": 0.25, "day": datetime(2024, 1, 2, tzinfo=timezone.utc)}
        self.model, self.lock, self.id = Conf(), open("/dev/null"), UUID(int=7)
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
    "a date as nanoseconds": "when = datetime(2024, 1, 2, tzinfo=timezone.utc)\n"
    'data.details["input"]["when"] = int(when.timestamp() * 1e9)\nreturn data',
    "a date as it is": 'data.details["input"]["when"] = datetime(2024, 1, 2, tzinfo=timezone.utc)\nreturn data',
    "numbers of every kind": 'data.details["input"]["n"] = [0.0, -0.0, 1e21, 1e-7, 2**70, -2**63, 1.5e300]\nreturn data',
    "text of every kind": 'data.details["input"]["é\\n\\u2028"] = {"\\U0001f600": "\\x00\\""}\nreturn data',
    "a value set twice": 'data.details["input"]["a"] = 1\ndata.details["input"]["a"] = 2\nreturn data',
    "the configuration": 'data.details["input"]["limit"] = self.conf["limit"]\nreturn data',
    "a date of the configuration": "when = int(self.conf['day'].timestamp() * 1e9)\n"
    'data.details["input"]["day"] = when\nreturn data',
    "the parts of a date": 'day = self.conf["day"]\n'
    'data.details["input"]["day"] = [day.year, day.isoformat(), day.strftime("%d"), str(day), f"{day:%Y}-{day!s}"]',
    "a day before": 'data.details["input"]["day"] = (self.conf["day"] - timedelta(days=1)).replace(hour=3)',
    "a model": 'data.details["input"]["limit"] = self.model.limit * 2\nreturn data',
    "a constant of the module and of the class": 'data.details["input"][KEY] = self.most + MOST\nreturn data',
    "a choice": 'if self.conf["limit"] > 0.1 and not self.conf.get("off"):\n    data.details["input"]["on"] = True\n'
    'else:\n    data.details["input"]["off"] = len(KEY) if KEY in ("limit",) else None\nreturn data',
    "an early end": 'if self.conf["limit"]:\n    return data\ndata.details["input"].clear()\nreturn data',
    "a docstring, a type and a record": '"""Sets it."""\nlimit: float = round(self.conf["limit"], 1)\n'
    'logger.info("limit %s of %s", limit, self.conf)\ndata.details["input"]["limit"] = limit\nreturn data',
    "an instance of the standard library": 'data.details["input"]["id"] = self.id\nreturn data',
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
    "a name for the inner object": 'inner = data.details["input"]\ninner[KEY] = 1.5\ninner["b"] = None\nreturn data',
    "a condition on the configuration": 'if Conf().limit > 0.1:\n    data.details["input"]["on"] = True\nreturn data',
    "a list changed after it was set": 'items = []\ndata.details["input"]["l"] = items\nitems.append(1)\nreturn data',
    "many keys in a loop": 'for n in range(9):\n    data.details["input"][f"k{n}"] = n\nreturn data',
    "a comprehension": 'data.details["input"]["l"] = [n * 2 for n in range(3)]\nreturn data',
    "its own attribute": 'self.count = getattr(self, "count", 0) + 1\n'
    'data.details["input"]["n"] = self.count\nreturn data',
    "a look whether there are details": 'if hasattr(data, "details"):\n    data.details["input"]["a"] = 1\nreturn data',
    "None instead of the data, and a test for it": 'if data is None:\n    return None\ndata.details["input"]["a"] = 1',
    "keeps the data": 'self.original = data\ndata.details["input"]["a"] = 1\nreturn data',
    "keeps the input in the module": 'seen.append(data.details["input"])\ndata.details["input"]["a"] = len(seen)\nreturn data',
    "keeps the details in a tuple": 'kept = (1, data.details)\ndata.details["input"]["a"] = 1\nreturn data',
    "a list of the class": 'self.kept.append(1)\ndata.details["input"]["n"] = len(self.kept)\nreturn data',
    "an attribute of the class": 'P.most += 1\ndata.details["input"]["n"] = P.most\nreturn data',
    "a list of the module": 'seen.append(1)\ndata.details["input"]["n"] = len(seen)\nreturn data',
    "a counter in a default": 'data.details["input"]["n"] = counted()\nreturn data',
    "a counter in a property": 'data.details["input"]["n"] = self.counted\nreturn data',
    "a method of its own": 'data.details["input"]["n"] = self.count_up()\nreturn data',
    "a method of its own that is called like a pure one": 'data.details["input"]["n"] = self.odd.timestamp()\nreturn data',
    "a subscript of its own": 'data.details["input"]["n"] = self.odd["n"]\nreturn data',
    "a comparison of its own": "if self.odd == 1:\n    pass\nreturn data",
    "a text of its own": 'data.details["input"]["n"] = f"{self.odd}"\nreturn data',
    "a name of Python that is taken": 'data.details["input"]["n"] = sum([1])\nreturn data',
    "an import": 'import json\ndata.details["input"]["n"] = 1\nreturn data',
    "logs the data as another name": 'd = data\nlogger.info("%s", d)\nreturn data',
    "logs what is no log": 'self.odd.info("a")\nreturn data',
    "an operation that fails": 'logger.info("soon")\ndata.details["input"]["a"] = 1 / 0\nreturn data',
    "a choice by the clock": 'if datetime.now().year > 1:\n    data.details["input"]["a"] = 1\nreturn data',
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
counts = []
def counted(at=[]):
    at.append(1)
    return len(at)
def sum(items):
    return counted()
class Odd:
    def timestamp(self): return counted()
    def __getitem__(self, key): return counted()
    def __eq__(self, other): return bool(counted())
    def __str__(self): return str(counted())
    def info(self, text): counted()
P.odd = Odd()
P.counted = property(lambda self: counted())
P.count_up = lambda self: counted()
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


def test_an_error_that_is_logged_meanwhile_is_a_gap(start):
    source = body('logger.error("no limit")\ndata.details["input"]["a"] = 1\nreturn data')
    told, alone = start(source, "rego").call("x-opsbox/inject_patch"), real(start(source, "rego"))
    assert told.result == {"patch": {"a": 1}}
    assert [note["what"] for note in told.noted("gap")] == ["part of what `probe` looks at"]
    assert [{**note, "id": 0} for note in told.noted("gap")] == [
        {**note, "id": 0} for note in alone.noted("gap")
    ]
    assert told.noted("log") == alone.noted("log")


def test_a_thread_that_ends_meanwhile_is_a_gap(start):
    source = (
        body('logger.info("go")\ndata.details["input"]["a"] = 1\nreturn data')
        + """
import threading
def fail(): raise OSError("gone")
def start(record):
    thread = threading.Thread(target=fail, name="fetcher")
    thread.start()
    thread.join()
    return True
logger.addFilter(start)
"""
    )
    told, alone = start(source, "rego").call("x-opsbox/inject_patch"), real(start(source, "rego"))
    assert told.result == {"patch": {"a": 1}}
    assert [note["why"] for note in told.noted("gap")] == ["thread `fetcher` ended with OSError: gone"]
    assert len(alone.noted("gap")) == 1
    assert [note["message"].splitlines()[0] for note in told.noted("log")] == [
        note["message"].splitlines()[0] for note in alone.noted("log")
    ]


def test_the_clock_may_be_read(start):
    source = body(
        'now = datetime.now(timezone.utc)\ndata.details["input"]["now"] = now.timestamp()\nreturn data'
    )
    now = probed(start(source, "rego"))["now"]
    assert real(start(source, "rego")).result["details"]["input"]["now"] >= now


def test_loguru_is_a_log(start):
    pytest.importorskip("loguru")
    source = "from loguru import logger as out\n" + body(
        'out.warning("limit {}", self.conf["limit"])\ndata.details["input"]["a"] = 1\nreturn data'
    )
    told, alone = start(source, "rego").call("x-opsbox/inject_patch"), real(start(source, "rego"))
    assert told.result == {"patch": {"a": 1}}
    assert [note["message"] for note in told.noted("log")] == ["limit 0.25"]
    assert told.noted("log") == alone.noted("log")


@pytest.mark.parametrize(
    "after",
    [
        "P.inject_data.__code__ = (lambda self, data: seen.append(data)).__code__",
        "exec('def inject_data(self, data):\\n    seen.append(data)', globals(), made := {})\n"
        "P.inject_data = made['inject_data']",
        "P.inject_data = staticmethod(lambda data: data)",
        "import os\nos.remove(__file__)",
        "open(__file__, 'w').write('changed = 1')",
    ],
)
def test_a_hook_whose_source_is_not_what_runs_is_not_read(start, after):
    source = body('data.details["input"]["a"] = 1\nreturn data') + after + "\n"
    assert probed(start(source, "rego")) is None


def test_the_hook_runs_once(start):
    source = body('logger.info("go")\ndata.details["input"]["a"] = 1\nreturn data')
    source += "logger.addFilter(lambda record: seen.append(1) or logging.warning('%d', len(seen)) or True)\n"
    answer = start(source, "rego").call("x-opsbox/inject_patch")
    assert [note["message"] for note in answer.noted("log")] == ["1", "go"]
