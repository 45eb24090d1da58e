"""Handlers and the plugins they serve, written with the SDK."""

from __future__ import annotations

import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import wire

from opsbox.sdk import Handler, HostError, Plugin, PluginFacts, Result, active_plugins, call_hook, gap
from opsbox.sdk.testing import Harness, HookError

FACTS = {
    "name": "cert",
    "type": "scanner",
    "uses": ["ec2"],
    "hooks": ["scan"],
    "stage": "check",
    "config": {"port": 443},
    "a_member_of_a_newer_host": 1,
}


class Scanning(Handler):
    name = "scanning"

    def process_plugin(self, plugin: PluginFacts, prior_results: list[Result]) -> list[Result]:
        if plugin.type == "crowd":
            with ThreadPoolExecutor(4) as pool:
                made = list(pool.map(lambda n: call_hook(plugin.name, "scan", n=n), range(16)))
            return [Result("a", "crowd", "", {"made": made})]
        data = [call_hook(each.name, "gather_data") for each in active_plugins() if each.type == "provider"]
        try:
            found = call_hook(plugin.name, "scan", data=data, prior=prior_results, port=plugin.config["port"])
        except HostError as err:
            gap(f"`scan` of {plugin.name}", str(err))
            return []
        assert all(isinstance(each, Result) for each in found)
        return found


class Cert(Plugin):
    name = "cert"
    hooks = ("scan", "ports")

    def scan(self, data: list[Result], port: int, **_: Any) -> list[Result]:
        return [each.with_(result_name=f"{each.result_name}:{port}") for each in data]

    def ports(self) -> dict[str, Any]:
        return {"ports": [443]}


def test_a_handler_calls_its_plugin_with_the_data_of_providers():
    asked = []
    ec2 = wire.result({"n": 10**20}, severity="high")

    def host(method: str, params: dict[str, Any]) -> Any:
        asked.append((method, params))
        if method == "host/active_plugins":
            return {"plugins": [FACTS, {"name": "ec2", "type": "provider"}]}
        return ec2 if params["hook"] == "gather_data" else [ec2]

    with Harness(Scanning, host=host) as handler:
        assert handler.hello["hooks"] == ["grab_config", "set_data", "activate", "process_plugin"]
        prior = Result("x", "y", "", {})
        (made,) = handler.process_plugin(FACTS, [prior])
    assert made.details == {"n": 10**20} and made.extra == {"severity": "high"}
    assert asked[-1] == (
        "host/call_hook",
        {
            "id": asked[0][1]["id"],
            "plugin": "cert",
            "hook": "scan",
            "params": {"data": [ec2], "prior": [prior.members], "port": 443},
        },
    )


def test_an_error_of_the_plugin_can_be_caught_and_else_is_the_handlers():
    def host(method: str, params: dict[str, Any]) -> Any:
        if method == "host/active_plugins":
            return {"plugins": []}
        raise HostError(-33008, "port 443 is closed", {"hint": "open it", "plugin": "cert"})

    with Harness(Scanning, host=host) as handler:
        assert handler.process_plugin(FACTS) == []
        assert handler.gaps[0]["why"] == "port 443 is closed"
        with pytest.raises(HookError, match="port 443 is closed") as caught:
            handler.process_plugin({**FACTS, "type": "crowd"})
    assert caught.value.data["hint"] == "open it"


def test_several_threads_may_call_at_once():
    with Harness(Scanning, host=lambda _, params: params["params"]["n"] * 2) as handler:
        (made,) = handler.process_plugin({**FACTS, "type": "crowd"})
    assert made.details["made"] == [2 * n for n in range(16)]


def test_outside_of_a_call_nobody_can_be_asked():
    with pytest.raises(HostError, match="only while `process_plugin` runs"):
        call_hook("cert", "scan")


def test_what_a_handler_of_an_output_returns_goes_nowhere():
    class Odd(Handler):
        def process_plugin(self, plugin: PluginFacts, prior_results: list[Result]) -> Any:
            return {"delivered": 1}

    with Harness(Odd) as handler:
        assert handler.process_plugin({**FACTS, "stage": "output"}) == []
        with pytest.raises(HookError, match="not a Result"):
            handler.process_plugin(FACTS)


def test_a_plugin_of_a_type_of_its_own_answers_the_hooks_that_it_names():
    with Harness(Cert) as plugin:
        assert plugin.hello["hooks"][3:] == ["scan", "ports"]
        made = plugin.call("scan", data=[wire.result({})], port=80)
        assert made[0]["result_name"] == "r:80"
        assert plugin.call("ports") == {"ports": [443]}
        with pytest.raises(HookError) as caught:
            plugin.call("nobody")
        assert caught.value.code == -32601
        with pytest.raises(HookError, match="port"):
            plugin.call("scan", data=[])


def test_a_handler_as_a_program_is_cancelled_while_it_waits(tmp_path):
    program = tmp_path / "handler.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {str(wire.SRC)!r})
            from opsbox.sdk import Handler, call_hook, serve
            class Waits(Handler):
                name = "waits"
                def process_plugin(self, plugin, prior_results):
                    return call_hook(plugin.name, "scan")
            serve(Waits)
            """
        ),
        "utf-8",
    )
    with wire.Session(wire.started([sys.executable, str(program)])) as session:
        early = session.call("process_plugin", plugin=FACTS, prior_results=[])
        assert early.error["code"] == -33002
        assert session.call("set_data", config={}).result == {}
        assert session.call("activate").result == {}
        call = session.post("process_plugin", plugin=FACTS, prior_results=[])
        assert session.until("host/call_hook")["plugin"] == "cert"
        session.notify("$/cancel", id=call)
        assert session.wait().error["code"] == -33004
        assert session.call("activate").result == {}
