"""The SDK: roles, typed configuration, the harness, and a plugin as a program."""

from __future__ import annotations

import datetime
import enum
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Literal, Optional

import pytest
import wire

from opsbox.sdk import Assistant, Check, Input, Output, Provider, Result, gap, log, option, output, progress
from opsbox.sdk.testing import Harness, HookError


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    ports: List[int]


@dataclass(frozen=True)
class Config:
    region: str = option(description="where to look")
    token: str = option("", secret=True)
    most: int = option(5, description="how many", schema={"minimum": 1})
    ratio: float = 0.5
    color: Color = Color.RED
    mode: Literal["fast", "slow"] = "fast"
    since: Optional[datetime.datetime] = None
    folder: Path = Path(".")
    tags: Dict[str, str] = option(factory=dict)
    inner: Optional[Inner] = None


class Hosts(Provider[Config]):
    name = "hosts"
    version = "2.1"
    active = False

    def activate(self) -> None:
        self.active = True

    def gather_data(self) -> Result:
        assert self.active
        progress(1, 2, unit="regions", message=self.config.region)
        gap("region us", "denied", section="vms", remedy="ask")
        log.warn("odd", region=self.config.region)
        return Result("vms", "hosts", "Hosts", {"config": str(self.config.color), "most": self.config.most})


def test_a_provider_runs_in_memory_with_progress_gaps_and_log():
    with Harness(Hosts, {"region": "eu"}) as plugin:
        assert plugin.hello["plugin"] == {"name": "hosts", "version": "2.1"}
        assert plugin.hello["hooks"] == ["grab_config", "set_data", "activate", "gather_data"]
        assert plugin.hello["features"] == ["progress", "gap", "output"]
        assert plugin.gather_data().details == {"config": "Color.RED", "most": 5}
    assert plugin.progress == [{"id": 4, "done": 1, "total": 2, "unit": "regions", "message": "eu"}]
    assert plugin.gaps == [{"id": 4, "section": "vms", "what": "region us", "why": "denied", "remedy": "ask"}]
    assert plugin.logs == [{"level": "warn", "message": "odd", "fields": {"region": "eu"}}]


def test_the_schema_comes_from_the_dataclass():
    with Harness(Hosts, {"region": "eu"}) as plugin:
        schema = plugin.schema()
    assert schema["required"] == ["region"]
    properties = schema["properties"]
    assert properties["region"] == {"type": "string", "description": "where to look"}
    assert properties["token"] == {"type": "string", "format": "password", "writeOnly": True}
    assert properties["most"] == {"type": "integer", "minimum": 1, "description": "how many", "default": 5}
    assert properties["color"] == {"enum": ["red", "blue"], "default": "red"}
    assert properties["since"]["anyOf"] == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    assert properties["tags"]["additionalProperties"] == {"type": "string"}
    assert properties["inner"]["anyOf"][0]["properties"]["ports"]["items"] == {"type": "integer"}


def test_fields_become_what_the_dataclass_declares():
    class Probe(Hosts):
        def gather_data(self) -> Result:
            return Result("a", "b", "c", {"seen": repr(self.config)})

    fields = {
        "region": "eu",
        "ratio": 1,
        "color": "blue",
        "since": "2024-01-02T03:04:05Z",
        "folder": "/tmp",
        "inner": {"ports": [1]},
    }
    with Harness(Probe, fields) as plugin:
        seen = plugin.gather_data().details["seen"]
    expected = Config(
        region="eu",
        ratio=1.0,
        color=Color.BLUE,
        since=datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        folder=Path("/tmp"),
        tags={},
        inner=Inner([1]),
    )
    assert seen == repr(expected)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, {"region": "missing"}),
        ({"region": 1}, {"region": "expected str"}),
        ({"region": "x", "most": True, "nope": 1}, {"most": "expected int", "nope": "unknown field"}),
        ({"region": "x", "color": "green"}, {"color": "expected one of 'red', 'blue'"}),
        ({"region": "x", "mode": "no"}, {"mode": "expected one of 'fast', 'slow'"}),
        ({"region": "x", "tags": {"a": 1}}, {"tags.a": "expected str"}),
        ({"region": "x", "since": "soon"}, {"since": "expected Optional[datetime.datetime]"}),
    ],
)
def test_all_wrong_fields_are_reported_together(fields, faults):
    with pytest.raises(HookError) as caught, Harness(Hosts, fields):
        pass
    assert caught.value.code == -33006
    found = {fault["field"]: fault["message"] for fault in caught.value.data["fields"]}
    if "since" in found:
        found["since"] = found["since"].replace("datetime.datetime | None", "Optional[datetime.datetime]")
        found["since"] = found["since"].replace(
            "Union[datetime.datetime, NoneType]", "Optional[datetime.datetime]"
        )
    assert found == faults


class Count(Input):
    def process(self, data: List[Result]) -> List[Result]:
        return [
            Result("count", each.result_name, "", {"n": len(each.details)}, extra={"x": 1}) for each in data
        ]


class Tag(Assistant):
    config_schema = {"type": "object", "properties": {"tag": {"type": "string", "default": "t"}}}

    def process_input(self, results: List[Result]) -> List[Result]:
        return [each.with_(formatted=self.config["tag"]) for each in results]


class Show(Output):
    def process_results(self, results: List[Result]) -> None:
        for each in results:
            output(f"{each.result_name}: {each.formatted}\n")


class Inject(Check):
    def inject_data(self, data: Result) -> Result:
        return data.with_(details={**data.details, "limit": 3})


def test_input_assistant_and_output_hand_on_results():
    given = Result("a", "one", "c", {"k": 1})
    with Harness(Count) as count, Harness(Tag, {"tag": "hot"}) as tag, Harness(Show) as show:
        (counted,) = count.process([given])
        assert counted == Result("count", "one", "", {"n": 1}, extra={"x": 1})
        (tagged,) = tag.process_input([counted])
        assert tagged.extra == {"x": 1}
        assert show.process_results([tagged]) == "one: hot\n"


def test_only_the_hooks_that_a_check_overrides_are_listed():
    with Harness(Inject) as plugin:
        assert plugin.hello["hooks"][3:] == ["inject_data"]
        assert plugin.inject_data(Result("a", "b", "c", {"x": 1})).details == {"x": 1, "limit": 3}
        with pytest.raises(HookError) as caught:
            plugin.report_findings(Result("a", "b", "c", []))
    assert caught.value.code == -32601


def test_an_exception_reaches_the_test_as_the_host_would_see_it():
    class Broken(Provider):
        def gather_data(self) -> Any:
            return 1 / 0

    with Harness(Broken) as plugin, pytest.raises(HookError) as caught:
        plugin.gather_data()
    assert "ZeroDivisionError" in caught.value.message
    assert "test_sdk.py" in caught.value.data["traceback"]


PROGRAM = """
import logging, os, sys
sys.path.insert(0, {src!r})
from dataclasses import dataclass
from opsbox.sdk import Provider, Result, option, serve

@dataclass(frozen=True)
class Config:
    folder: str = option(".", description="folder to list")

class Files(Provider[Config]):
    name = "files_here"

    def gather_data(self) -> Result:
        print("to standard error"); os.system("echo also there"); logging.error("a record")
        return Result("files", "files_here", "Files of a folder", {{"names": [self.config.folder]}})

    def close(self):
        logging.warning("closed")

if __name__ == "__main__":
    serve(Files)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "files_here.py"
    path.write_text(textwrap.dedent(PROGRAM.format(src=str(wire.SRC))))
    return [sys.executable, "-S", str(path)]


def test_a_plugin_as_a_process_needs_nothing_installed_and_keeps_the_wire_clean(program, capfd):
    with Harness(program, {"folder": "/tmp"}) as plugin:
        assert plugin.gather_data().details == {"names": ["/tmp"]}
        assert [entry["message"] for entry in plugin.logs] == ["a record"]
        assert plugin.gaps == []
    assert plugin.logs[-1]["message"] == "closed"
    assert capfd.readouterr().err == "to standard error\nalso there\n"


def test_a_plugin_started_by_hand_says_what_it_is_and_exits_64(program):
    done = subprocess.run(program, capture_output=True, text=True, check=False, env={})
    assert (done.returncode, done.stdout) == (64, "")
    assert "`files_here`" in done.stderr


def test_a_plugin_of_the_sdk_ends_with_its_stream(program):
    session = wire.Session(wire.started(program))
    with session:
        assert session.hello.result["cancel"] == "cooperative"
        assert session.close()[0] == 0


def test_the_sdk_imports_neither_pluggy_nor_pydantic():
    code = f"import sys; sys.path.insert(0, {str(wire.SRC)!r}); import opsbox.sdk; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pluggy", "pydantic", "asyncio", "importlib.metadata"} & set(done.stdout.split())


@pytest.mark.skipif(sys.platform != "linux", reason="what `fork` does to a plugin is promised on Linux")
def test_what_a_forked_child_says_is_said_by_the_plugin(tmp_path):
    path = tmp_path / "forks.py"
    path.write_text(
        textwrap.dedent(
            f"""
            import logging, os, sys
            sys.path.insert(0, {str(wire.SRC)!r})
            from opsbox.sdk import Input, gap, output, serve

            class Forks(Input):
                name = "forks"

                def process(self, data):
                    pid = os.fork()
                    if pid == 0:
                        gap("region eu", "denied", remedy="ask")
                        logging.error("a record")
                        output("x" * 9000)
                        raise ValueError("lost")
                    os.waitpid(pid, 0)
                    return []

            serve(Forks)
            """
        )
    )
    with Harness([sys.executable, "-S", str(path)]) as plugin:
        assert plugin.process([]) == []
        assert [(each["what"], each["why"], each.get("remedy")) for each in plugin.gaps] == [
            ("region eu", "denied", "ask"),
            ("part of the work", "a forked process ended with ValueError: lost; nobody caught it", None),
        ]
        assert [entry["message"] for entry in plugin.logs] == ["a record"]
        assert plugin.output == "x" * 9000
