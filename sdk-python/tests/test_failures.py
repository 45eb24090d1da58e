"""Plugins that misbehave.

The call fails with a message that names hook and cause, and the process lives on.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import wire


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import sys; sys.exit(3)", "the plugin called sys.exit(3)"),
        ("raise SystemExit('no')", "the plugin called sys.exit('no')"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("self.process(data)", "RecursionError"),
        ("return undefined", "NameError: name 'undefined' is not defined"),
    ],
)
def test_an_exception_in_a_hook_fails_the_call_and_the_process_stays(start, statement, message):
    plugin = start(
        f"class P:\n    def process(self, data):\n        {statement}\n    def activate(self): pass\n"
    )
    error = plugin.call("process", data=[]).error
    assert error["code"] == -33008
    assert not error["message"].startswith("`process` failed"), "the host says that"
    assert message in error["message"]
    data = error["data"]
    assert (data["origin"], data["plugin"], data["hook"]) == ("plugin", "probe", "process")
    assert data["hint"]
    assert "plugin_under_test.py" in data["traceback"]
    assert "_bridge" not in data["traceback"]
    assert plugin.call("activate").result == {}


def test_the_hint_names_file_and_line(start):
    plugin = start("class P:\n    def process(self, data):\n        raise ValueError('x')\n")
    assert "plugin_under_test.py:3" in plugin.call("process", data=[]).error["data"]["hint"]


def test_os_exit_is_death(start):
    plugin = start("import os\nclass P:\n    def process(self, data): os._exit(7)\n")
    plugin.post("process", data=[])
    assert plugin.process.stdout.readline() == b""
    assert plugin.process.wait(wire.DEADLINE_SECONDS) == 7


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("import nowhere.at_all\nclass P: pass\n", "No module named 'nowhere'", "pip install nowhere"),
        ("class P:\n    def process(self, data) pass\n", "SyntaxError", "correct the file"),
        ("raise SystemExit(2)\nclass P: pass\n", "sys.exit(2)", "must not end its process"),
        ("class p:\n    def process(self, data): pass\n", "no class `P`; did you mean `p`?", "class_name"),
        (
            "class P:\n    def __init__(self): raise ValueError('x')\n",
            "ValueError: x",
            "plugin_under_test.py:2",
        ),
        ("class P:\n    def __init__(self, needed): pass\n", "needed", ""),
    ],
)
def test_a_failed_import_is_told_by_the_first_call_and_every_later_one(start, source, message, hint):
    plugin = start(source)
    assert plugin.hello.result["protocol"] == 1
    for method in ("grab_config", "process"):
        error = plugin.call(method, data=[]).error
        assert error["code"] == -33008
        assert message in error["message"]
        assert hint in error["data"]["hint"]
        assert error["data"]["traceback"]
    assert plugin.call("shutdown").result == {}


@pytest.mark.parametrize(
    ("module", "source", "hint"),
    [
        (
            "core",
            "from core.plugins import Result\nclass P: pass\n",
            "rename the module `core` (a file `core.py`",
        ),
        ("mine", "from core.plugin import Result\nclass P: pass\n", "core.plugins"),
        ("mine", "from opsbox.plugin import Result\nclass P: pass\n", "opsbox.plugins"),
    ],
)
def test_no_strangers_package_is_advised_for_a_name_of_ours(start, module, source, hint):
    error = start(source, module=module).call("process", data=[]).error
    assert hint in error["data"]["hint"] + error["message"]
    assert "pip install" not in error["data"]["hint"]


def test_an_invalid_configuration_names_every_field(start):
    plugin = start(
        """
        from pydantic import BaseModel, SecretStr, Field
        class Inner(BaseModel):
            ports: list[int]
        class Config(BaseModel):
            token: SecretStr
            inner: Inner
            size: int = Field(description="how much", gt=0)
        class P:
            def grab_config(self): return Config
            def set_data(self, model): self.model = model
            def activate(self): raise ValueError(self.model.size)
        """
    )
    schema = plugin.call("grab_config").result
    assert schema["properties"]["token"] == {
        "format": "password",
        "title": "Token",
        "type": "string",
        "writeOnly": True,
    }
    error = plugin.call("set_data", config={"inner": {"ports": [1, "x"]}, "size": 0}).error
    assert error["code"] == -33006
    assert [field["field"] for field in error["data"]["fields"]] == ["token", "inner.ports[1]", "size"]
    assert plugin.call("set_data", config={"token": "t", "inner": {"ports": []}, "size": 5}).result == {}
    assert "ValueError: 5" in plugin.call("activate").error["message"]


@pytest.mark.parametrize(
    ("returned", "schema", "seen"),
    [
        ("None", {"type": "object", "properties": {}}, None),
        ("{'type': 'object', 'properties': {'a': {'type': 'integer', 'default': 3}}}", None, "3"),
        ("Model", None, "3"),
        ("Model(a=4)", None, "4"),
        ("Data", None, "3"),
    ],
)
def test_grab_config_may_return_a_model_an_instance_a_schema_a_dataclass_or_none(
    start, returned, schema, seen
):
    plugin = start(
        f"""
        import dataclasses
        from pydantic import BaseModel
        class Model(BaseModel):
            a: int = 3
        @dataclasses.dataclass
        class Data:
            a: int = 3
        class P:
            def grab_config(self): return {returned}
            def set_data(self, model): print(model.a)
        """
    )
    answered = plugin.call("grab_config").result
    assert answered == schema or answered["properties"]["a"]["type"] == "integer"
    answer = plugin.call("set_data", config={})
    assert answer.result == {}
    assert [log["message"] for log in answer.noted("log")] == ([seen] if seen else [])


def test_a_field_without_a_schema_does_not_hide_the_others(start):
    plugin = start(
        """
        from pydantic import BaseModel, ConfigDict, Field
        class Client: pass
        class Config(BaseModel):
            model_config = ConfigDict(arbitrary_types_allowed=True)
            client: Client = Field(default=None, description="a client")
            region: str = Field(description="where", required=False)
        class P:
            def grab_config(self): return Config
        """
    )
    schema = plugin.call("grab_config").result
    assert schema["properties"]["client"]["description"] == "a client"
    assert schema["properties"]["region"]["type"] == "string"
    assert "required" not in schema["properties"]["region"]


def test_one_broken_plugin_leaves_another_of_the_same_folder_usable(start, tmp_path):
    start("import nowhere\nclass P: pass\n", module="broken")
    plugin = start("class P:\n    def process(self, data): return []\n")
    assert plugin.call("process", data=[]).result == []


def test_an_answer_over_the_line_cap_is_an_error_and_not_a_line(start):
    plugin = start(
        "class P:\n"
        "    def gather_data(self): return dict(relates_to='a', result_name='b', result_description='c',"
        " details={'a': 'x' * 100_000}, formatted='')\n",
        "provider",
        limits={**wire.INITIALIZE["limits"], "line_bytes": 50_000},
    )
    error = plugin.call("gather_data").error
    assert "50000 are allowed" in error["message"]
    assert "--max-line" in error["data"]["hint"]


def test_started_by_hand_it_says_what_it_is_and_exits_64():
    done = subprocess.run([sys.executable, str(wire.MAIN)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (64, "")
    assert "opsbox run" in done.stderr


def test_the_probe_prints_one_line_of_facts():
    probe = wire.MAIN.with_name("probe.py").read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert facts["version"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["packages"]["pydantic"] is True
    assert "" not in facts["sys_path"]
