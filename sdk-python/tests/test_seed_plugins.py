"""Plugins as the documentation teaches them, and one like those that are published, run unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
import wire

PLUGINS = Path(__file__).parent / "plugins"


def spec(folder: str, module: str, class_name: str, kind: str) -> dict:
    return {
        "name": module,
        "type": kind,
        "module": module,
        "class_name": class_name,
        "folder": str(PLUGINS / folder),
        "source": "directory",
    }


@pytest.fixture
def idle():
    with wire.bridge(spec("idle_instances", "idle_instances", "IdleInstances", "rego")) as session:
        yield session


def test_the_documentations_pipeline_hands_results_from_input_to_output():
    with wire.bridge(spec("seed", "example_input", "ExampleInputPlugin", "input")) as plugin:
        assert plugin.hello.result["hooks"] == ["process"]
        gathered = plugin.call("process", data=[]).result
    assert gathered == [
        {
            "relates_to": "ExampleInputPlugin",
            "result_name": "GatheredData",
            "result_description": "Data gathered from the example input plugin.",
            "details": {"key1": "value1", "key2": "value2"},
            "formatted": "{'key1': 'value1', 'key2': 'value2'}",
        }
    ]
    with wire.bridge(spec("seed", "example_assistant", "ExampleAssistantPlugin", "assistant")) as plugin:
        assert plugin.hello.result["hooks"] == ["process_input"]
        processed = plugin.call("process_input", input=gathered).result
    assert processed[0]["details"] == {"key1": "VALUE1", "key2": "VALUE2"}
    with wire.bridge(spec("seed", "example_output", "ExampleOutputPlugin", "output")) as plugin:
        assert plugin.hello.result["hooks"] == ["process_results"]
        delivered = plugin.call("process_results", results=processed)
    assert delivered.result == {}
    assert delivered.text == "Output from ExampleInputPlugin: {'key1': 'VALUE1', 'key2': 'VALUE2'}\n"


def test_a_rego_check_gets_its_configuration_and_reports(idle):
    assert idle.hello.result["hooks"] == [
        "grab_config",
        "set_data",
        "inject_data",
        "report_findings",
        "rego_location",
    ]
    schema = idle.call("grab_config").result
    assert schema["properties"]["cpu_idle_threshold"]["default"] == 1
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert idle.call("set_data", config={"cpu_idle_threshold": 7}).result == {}
    assert idle.call("activate").result == {}
    injected = idle.call("inject_data", data=wire.result({"input": {"big": 2**80}})).result
    assert injected["details"] == {"input": {"big": 2**80, "cpu_idle_threshold": 7}}
    reported = idle.call("report_findings", data=wire.result([{"instance_id": "i-1", "region": "eu"}]))
    assert reported.result[0]["formatted"] == "Idle instances:\n\n- i-1: eu\n"
    assert reported.noted("log")[0]["message"] == "1 found"
    assert idle.call("shutdown").result == {}
    assert idle.close() == (0, [])


def test_set_data_without_grab_config_before_it_uses_the_plugins_defaults(idle):
    assert idle.call("set_data", config={}).result == {}
    assert idle.call("inject_data", data=wire.result({"input": {}})).result["details"]["input"] == {
        "cpu_idle_threshold": 1
    }


def test_a_wrong_field_is_an_invalid_configuration_that_names_its_path_and_not_its_value(idle):
    error = idle.call("set_data", config={"cpu_idle_threshold": "hunter2"}).error
    assert error["code"] == -33006
    assert error["data"]["fields"][0]["field"] == "cpu_idle_threshold"
    assert "`cpu_idle_threshold`" in error["message"]
    assert "hunter2" not in str(error)


def test_hooks_are_listed_before_the_plugin_is_imported(tmp_path):
    (tmp_path / "broken.py").write_text(
        "import nowhere_to_be_found\nclass P:\n    def process(self, data): pass\n"
    )
    given = {"name": "b", "type": "input", "module": "broken", "class_name": "P", "folder": str(tmp_path)}
    with wire.bridge({**given, "source": "directory"}) as plugin:
        assert plugin.hello.result["hooks"] == ["process"]
