"""How hooks are found and called, and what they may return."""

from __future__ import annotations

import pytest
import wire

RESULT = "dict(relates_to='a', result_name='b', result_description='c', details={}, formatted='')"


def test_the_double_c_spelling_wins_where_both_exist(start):
    plugin = start(
        """
        class P:
            def process_results(self, results): print("single")
            def proccess_results(self, results): print("double")
        """,
        "output",
    )
    assert plugin.hello.result["hooks"] == ["process_results"]
    assert plugin.call("process_results", results=[]).text == "double\n"


@pytest.mark.parametrize(
    "signature", ["self, whatever", "self, *args", "self, *, results", "self", "self, a=1, b=2"]
)
def test_a_hook_may_call_its_parameter_what_it_likes(start, signature):
    plugin = start(f"class P:\n    def process_results({signature}): print('called')\n", "output")
    assert plugin.call("process_results", results=[]).text == "called\n"


def test_a_class_with_a_foreign_base_lists_all_hooks_of_its_type_and_missing_ones_answer_softly(start):
    plugin = start("import collections\nclass P(collections.UserDict): pass\n", "assistant")
    assert plugin.hello.result["hooks"] == ["grab_config", "set_data", "activate", "process_input"]
    assert plugin.call("grab_config").result["properties"] == {}
    assert plugin.call("set_data", config={}).result == {}
    assert plugin.call("activate").result == {}
    error = plugin.call("process_input", input=[]).error
    assert error["code"] == -33008
    assert "`process_input`" in error["message"]


def test_hooks_of_a_base_in_the_same_file_are_listed(start):
    plugin = start(
        """
        class Base:
            def activate(self): pass
        class P(Base):
            def process(self, data): return None
        """
    )
    assert plugin.hello.result["hooks"] == ["activate", "process"]


@pytest.mark.parametrize(
    ("returned", "count"),
    [
        ("None", 0),
        ("[]", 0),
        (RESULT, 1),
        (f"[[{RESULT}], [[{RESULT}, None]]]", 2),
        (f"({RESULT}, {RESULT})", 2),
        (f"(each for each in [{RESULT}])", 1),
        ("Result(relates_to='a', result_name='b', result_description='c', details=[{}], formatted='')", 1),
    ],
)
def test_what_a_hook_returns_becomes_a_flat_list(start, returned, count):
    plugin = start(f"from opsbox import Result\nclass P:\n    def process(self, data): return {returned}\n")
    assert len(plugin.call("process", data=[]).result) == count


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("'text'", "expected a Result, got a value of type str"),
        ("[{'relates_to': 'a'}]", "`[0]`: not a Result: it lacks `result_name`"),
        (f"dict({RESULT}, details=[1])", "`details[0]` must be an object"),
        (f"dict({RESULT}, formatted=None)", "`formatted` must be a string, not None"),
        (
            f"dict({RESULT}, details={{'a': {{'b': [object()]}}}})",
            "`[0].details.a.b[0]` is an object of type object",
        ),
        (f"dict({RESULT}, details={{'a': b'\\xff'}})", "`[0].details.a` is bytes that are not UTF-8"),
        (f"[x := dict({RESULT}), x['details'].update(a=x)]", "`[0].details.a` contains itself"),
    ],
)
def test_what_is_no_result_is_an_error_that_names_its_path(start, returned, message):
    plugin = start(f"class P:\n    def process(self, data): return {returned}\n")
    error = plugin.call("process", data=[]).error
    assert error["code"] == -33008
    assert message in error["message"]


def test_a_provider_must_return_one_result(start):
    plugin = start("class P:\n    def gather_data(self): return None\n", "provider")
    assert "expected one Result, got None" in plugin.call("gather_data").error["message"]


def test_details_travel_in_pydantics_json_mode(start):
    plugin = start(
        """
        import dataclasses, datetime, decimal, enum, ipaddress, pathlib, uuid
        from opsbox import Result
        from pydantic import BaseModel, SecretStr
        class Color(enum.Enum):
            RED = "red"
        class Model(BaseModel):
            when: datetime.date
            secret: SecretStr
        @dataclasses.dataclass
        class Data:
            path: pathlib.Path
        utc = datetime.timezone.utc
        class P:
            def process(self, data):
                return Result(relates_to="a", result_name="b", result_description="c", formatted="", details={
                    "utc": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=utc),
                    "naive": datetime.datetime(2024, 1, 2, 3, 4, 5, 600),
                    "delta": datetime.timedelta(days=1, seconds=90),
                    "decimal": decimal.Decimal("1.10"), "uuid": uuid.UUID(int=1), "set": {3, 1, 2},
                    "enum": Color.RED, "bytes": b"abc", "tuple": (1, 2), "ip": ipaddress.ip_address("::1"),
                    "model": Model(when="2024-01-02", secret="hunter2"), "data": Data(pathlib.Path("/tmp")),
                    "big": 10 ** 4000, "float": 0.1, "keys": {1: "a", Color.RED: "b", (1, "x"): "c"},
                })
        """
    )
    details = plugin.call("process", data=[]).result[0]["details"]
    assert details.pop("big") == 10**4000
    assert details == {
        "utc": "2024-01-02T03:04:05Z",
        "naive": "2024-01-02T03:04:05.000600",
        "delta": "P1DT1M30S",
        "decimal": "1.10",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "set": [1, 2, 3],
        "enum": "red",
        "bytes": "abc",
        "tuple": [1, 2],
        "ip": "::1",
        "model": {"when": "2024-01-02", "secret": "**********"},
        "data": {"path": "/tmp"},
        "float": 0.1,
        "keys": {"1": "a", "red": "b", "1,x": "c"},
    }


def test_nan_and_infinity_become_null_with_a_warning(start):
    plugin = start(
        f"class P:\n    def process(self, data):\n"
        f"        return dict({RESULT}, details={{'a': float('nan'), 'b': [1e999]}})\n"
    )
    answer = plugin.call("process", data=[])
    assert answer.result[0]["details"] == {"a": None, "b": [None]}
    warning = answer.noted("log")[0]
    assert warning["level"] == "warn"
    assert "`[0].details.a` is not a number, sent as null, `[0].details.b[0]` is" in warning["message"]


def test_a_file_name_that_is_not_unicode_is_spelt_out_with_a_warning(start):
    plugin = start(
        f"import os\nclass P:\n    def process(self, data):\n        name = os.fsdecode(b'a\\xff')\n"
        f"        return dict({RESULT}, details={{'files': [{{'name': name}}], name: 1}})\n"
    )
    answer = plugin.call("process", data=[])
    assert answer.result[0]["details"] == {"files": [{"name": "a\\udcff"}], "a\\udcff": 1}
    assert "`[0].details.files[0].name`" in answer.noted("log")[0]["message"]


def test_unknown_members_of_a_result_survive(start):
    plugin = start("class P:\n    def process_input(self, input): return input\n", "assistant")
    given = wire.result([{"b": 1, "a": "\u2028"}], severity="high")
    assert plugin.call("process_input", input=[given]).result == [given]


def test_a_result_changed_in_place_and_not_returned_counts_for_inject_data(start):
    plugin = start("class P:\n    def inject_data(self, data): data.details['x'] = 1\n", "rego")
    assert plugin.call("inject_data", data=wire.result({})).result["details"] == {"x": 1}


def test_garbage_is_collected_less_often_unless_the_plugin_says_how_often(start):
    source = """
        import gc
        {}
        class P:
            def process(self, data):
                found = {{"on": gc.isenabled(), "each": gc.get_threshold()[0]}}
                return {{**{}, "details": found}}
        """
    for line, each in (("", 10_000), ("gc.set_threshold(300)", 300)):
        plugin = start(source.format(line, RESULT))
        assert plugin.call("process", data=[]).result[0]["details"] == {"on": True, "each": each}
