"""Legacy handlers: what they see of plugins, registry and manager, and what goes over the wire for it."""

from __future__ import annotations

import json

import pytest
import wire

# The general handler's and the rego handler's ways, in a handler of one's own.
HANDLER = """
import contextlib
from pluggy import HookimplMarker, HookspecMarker
from opsbox import PluginInfo, Registry, Result

hookspec = HookspecMarker("opsbox")
hookimpl = HookimplMarker("opsbox")

class ScanSpec:
    @hookspec
    def scan(self, data): ...

def made(value):
    members = dict(relates_to="a", result_name="b", result_description="", formatted="")
    return Result(details={"value": value}, **members)

class P:
    @hookimpl
    def add_hookspecs(self, manager):
        manager.add_hookspecs(ScanSpec)
        self.manager = manager

    @hookimpl
    def process_plugin(self, plugin: "PluginInfo", prior_results: "list[Result]", registry: "Registry"):
        BODY
"""
FACTS = {
    "name": "cert",
    "type": "scanner",
    "uses": ["ec2", "probe"],
    "hooks": ["scan", "inject_data", "process_results"],
    "stage": "check",
    "served_by": "probe",
    "module": "cert_scan",
    "class_name": "CertScan",
    "toml_path": "/p/cert.toml",
    "config": {"port": 443},
    "config_schema": {
        "type": "object",
        "properties": {"port": {"type": "integer", "default": 80, "description": "where"}},
        "required": ["port"],
    },
    "extra": {"rego": {"rego_file": "x.rego"}},
}
EC2 = {"name": "ec2", "type": "provider", "uses": [], "hooks": ["gather_data"], "stage": "provider"}
SELF = {
    "name": "probe",
    "type": "handler",
    "uses": [],
    "hooks": ["process_plugin"],
    "stage": "handler",
    "handles": ["scanner"],
}
PLAIN = {"name": "plain", "type": "input", "uses": [], "hooks": ["process"], "stage": "check"}


class Host:
    """Answers what a handler asks, and keeps the calls.

    Args:
        answers: For a hook: what it returns; an error object in `HostRefuses` is raised.
    """

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.calls: list[tuple] = []
        self.ids: set = set()

    def __call__(self, method: str, params: dict) -> object:
        self.ids.add(params["id"])
        if method == "host/active_plugins":
            return {"plugins": [FACTS, PLAIN, EC2, SELF]}
        assert method == "host/call_hook"
        self.calls.append((params["plugin"], params["hook"], params["params"]))
        answer = self.answers[params["hook"]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def handle(start, body: str, host: Host, facts: dict = FACTS, prior: tuple = ()) -> wire.Answer:
    plugin = start(HANDLER.replace("BODY", body.strip()), "handler")
    plugin.host = host
    assert plugin.hello.result["hooks"] == ["process_plugin"]
    return plugin.call("process_plugin", plugin=facts, prior_results=list(prior))


def returns(start, expression: str, host: Host | None = None, **options: object) -> object:
    """Returns the value of an expression in `process_plugin`."""
    answer = handle(start, f"return made({expression})", host or Host(), **options)
    assert answer.error is None, answer.error
    return answer.result[0]["details"]["value"]


def test_a_plugin_is_what_its_manifest_says(start):
    facts = "[plugin.name, plugin.type, plugin.uses, plugin.module, plugin.class_name, str(plugin.toml_path)]"
    assert returns(start, facts) == [
        "cert",
        "scanner",
        ["ec2", "probe"],
        "cert_scan",
        "CertScan",
        "/p/cert.toml",
    ]


def test_the_configuration_looks_like_the_class_of_its_model(start):
    value = returns(
        start,
        "[plugin.extra['rego']['rego_file'], plugin.config.port, plugin.config()['port'], "
        "plugin.config.model_fields['port'].is_required(), plugin.config.model_fields['port'].description]",
    )
    assert value == ["x.rego", 443, 80, True, "where"]


def test_providers_are_found_as_the_published_handlers_find_them(start):
    host = Host(gather_data=wire.result({"instances": [1]}), scan=[wire.result([{"n": 1}])])
    body = """
        providers = [x for x in registry.active_plugins if (x.type == "provider") and (x.name in plugin.uses)]
        data = [x.plugin_obj.gather_data() for x in providers]
        assert isinstance(data[0], Result), type(data[0])
        return plugin.plugin_obj.scan(data, deep=True)
    """
    answer = handle(start, body, host)
    assert answer.result == [wire.result([{"n": 1}])]
    assert host.calls == [
        ("ec2", "gather_data", {}),
        ("cert", "scan", {"deep": True, "args": [[wire.result({"instances": [1]})]]}),
    ]
    assert len(host.ids) == 1


def test_hooks_of_the_protocol_get_results_under_their_own_name_in_either_spelling(start):
    host = Host(inject_data=wire.result({"x": 1}), process_results={})
    body = """
        given = plugin.plugin_obj.inject_data(prior_results[0])
        plugin.plugin_obj.proccess_results(results=[given, [prior_results[0], None]])
        return given
    """
    answer = handle(start, body, host, prior=(wire.result({"n": 10**20}, severity="high"),))
    assert answer.result == [wire.result({"x": 1})]
    given = wire.result({"n": 10**20}, severity="high")
    assert host.calls == [
        ("cert", "inject_data", {"data": given}),
        ("cert", "process_results", {"results": [wire.result({"x": 1}), given]}),
    ]


def test_a_hook_that_the_plugin_does_not_list_is_an_attribute_error(start):
    body = """
        with contextlib.suppress(AttributeError):
            plugin.plugin_obj.report_findings(None)
            raise RuntimeError("not reached")
        assert not hasattr(plugin.plugin_obj, "client") and hasattr(plugin.plugin_obj, "scan")
        plugin.plugin_obj.scna()
    """
    error = handle(start, body, Host()).error
    assert error["message"].startswith(
        "AttributeError: plugin `cert` has no hook `scna`; it lists scan, inject_data, process_results."
    )


def test_hooks_that_are_the_hosts_to_call_are_no_attributes(start):
    error = handle(start, "plugin.plugin_obj.set_data({})", Host()).error
    assert "`set_data` of plugin `cert` is for the host to call" in error["message"]


def test_a_plugin_that_may_have_any_hook_is_asked(start):
    facts = {**FACTS, "hooks": ["*"]}
    refused = wire.HostRefuses({"code": -32601, "message": "class `C` has no hook `scan`"})
    assert returns(start, "plugin.plugin_obj.anything(1)", Host(anything={"a": 2}), facts=facts) == {"a": 2}
    error = handle(start, "plugin.plugin_obj.scan()", Host(scan=refused), facts=facts).error
    assert error["message"] == "NoSuchHook: class `C` has no hook `scan`"


def test_an_error_of_the_plugin_is_told_with_its_hint_and_traceback(start):
    data = {"origin": "plugin", "plugin": "cert", "hint": "look at cert.py:3", "traceback": "File cert.py"}
    refused = wire.HostRefuses({"code": -33008, "message": "KeyError: 'x'", "data": data})
    error = handle(start, "plugin.plugin_obj.scan()", Host(scan=refused)).error
    assert error["message"] == "`scan` of plugin `cert` failed: KeyError: 'x'"
    assert error["data"]["hint"] == "look at cert.py:3"
    assert "process_plugin" in error["data"]["traceback"] and "File cert.py" in error["data"]["traceback"]


def test_a_handler_may_catch_what_fails_and_the_hosts_words_stand_alone(start):
    refused = wire.HostRefuses(
        {"code": -33012, "message": "the call would come back", "data": {"origin": "host"}}
    )
    body = """
        try:
            plugin.plugin_obj.scan()
        except RuntimeError as err:
            text = f"{err.code} {err}"
        return made(text)
    """
    answer = handle(start, body, Host(scan=refused))
    assert answer.result[0]["details"]["value"] == "-33012 the call would come back"


def test_the_manager_calls_every_plugin_that_a_handler_may_call_and_its_own_objects_first(start):
    host = Host(scan={"from": "cert"})
    body = """
        class Own:
            def scan(self, data): return data
            def other(self): return None
        own = Own()
        assert registry.manager is self.manager
        assert registry.manager.register(own, name="own") == "own"
        assert registry.manager.get_plugin("own") is own and registry.manager.has_plugin("ec2")
        assert registry.manager.get_plugin("probe") is self
        hook = registry.manager.hook
        value = [hook.scan(data=1, more=2), hook.nobody(), hook.other()]
        return made(value)
    """
    answer = handle(start, body, host)
    assert answer.result[0]["details"]["value"] == [[1, {"from": "cert"}], [], []]
    assert host.calls == [("cert", "scan", {"data": 1, "more": 2})]


def test_the_registry_knows_handlers_and_flow(start):
    value = returns(
        start,
        "[registry.handlers['scanner'].manager is self.manager, sorted(registry.handlers), "
        "registry.flow.input_plugins, [x.name for x in registry.available_plugins]]",
    )
    names = ["cert", "plain", "ec2", "probe"]
    assert value == [True, ["assistant", "input", "output", "rego", "scanner"], ["cert", "plain"], names]


def test_a_built_in_handler_can_be_asked_for_the_plugin_in_hand(start):
    facts = {**FACTS, "name": "mine", "type": "input", "hooks": ["process"]}
    host = Host(gather_data=wire.result({}), process=[wire.result([{}])])
    answer = handle(
        start, "return registry.handlers[plugin.type].process_plugin(plugin, [], registry)", host, facts
    )
    assert answer.result == [wire.result([{}])]
    assert host.calls[1] == ("mine", "process", {"data": [wire.result({})]})


def test_another_handler_is_asked_by_its_process_plugin(start):
    other = {**SELF, "name": "other", "handles": ["odd"]}
    host = Host(process_plugin=[wire.result([{}])])
    body = """
        registry.active_plugins
        other = next(x for x in registry.active_plugins if x.name == "other")
        return other.plugin_obj.process_plugin(plugin, prior_results, registry)
    """
    listed = host.__call__

    class Two(Host):
        def __call__(self, method: str, params: dict) -> object:
            if method == "host/active_plugins":
                return {"plugins": [FACTS, other, SELF]}
            return listed(method, params)

    answer = handle(start, body, Two(), prior=(wire.result({}),))
    assert answer.result == [wire.result([{}])]
    assert host.calls == [("other", "process_plugin", {"plugin": FACTS, "prior_results": [wire.result({})]})]


def test_several_threads_may_call_at_once(start):
    body = """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as pool:
            value = list(pool.map(lambda n: plugin.plugin_obj.scan(n=n), range(16)))
        return made(value)
    """
    host = Host(scan=0)
    answer = handle(start, body, host)
    assert answer.result[0]["details"]["value"] == [0] * 16
    assert sorted(call[2]["n"] for call in host.calls) == list(range(16))


def test_a_cancel_ends_a_handler_that_waits_for_an_answer(start):
    plugin = start(HANDLER.replace("BODY", "return plugin.plugin_obj.scan()"), "handler")
    call = plugin.post("process_plugin", plugin=FACTS, prior_results=[])
    assert plugin.until("host/call_hook")["hook"] == "scan"
    plugin.notify("$/cancel", id=call)
    assert plugin.wait().error["code"] == -33004
    assert plugin.call("activate").result == {}


def test_an_answer_that_comes_after_the_cancel_is_ignored(start):
    plugin = start(HANDLER.replace("BODY", "return plugin.plugin_obj.scan()"), "handler")
    call = plugin.post("process_plugin", plugin=FACTS, prior_results=[])
    request = json.loads(plugin.read())
    plugin.notify("$/cancel", id=call)
    assert plugin.wait().error["code"] == -33004
    late = {"jsonrpc": "2.0", "id": request["id"], "result": []}
    plugin.send(json.dumps(late).encode())
    answer = plugin.call("activate")
    assert answer.result == {} and answer.notes == []


def test_outside_of_process_plugin_nobody_can_be_asked(start):
    plugin = start(
        """
        class P:
            def add_hookspecs(self, manager): self.manager = manager
            def activate(self): self.manager.hook.scan()
            def process_plugin(self, plugin, prior_results, registry): return []
        """,
        "handler",
    )
    refused = {"code": -32600, "message": "only handlers may ask", "data": {"origin": "host"}}

    def host(method: str, params: dict) -> object:
        raise wire.HostRefuses(refused)

    plugin.host = host
    assert plugin.call("activate").error["message"] == "only handlers may ask"


def test_hookspecs_that_cannot_be_added_are_a_warning(start):
    plugin = start(
        """
        class P:
            def add_hookspecs(self, manager): raise ValueError("twice")
            def set_data(self, model): pass
            def process_plugin(self, plugin, prior_results, registry): return None
        """,
        "handler",
    )
    answer = plugin.call("set_data", config={})
    assert "`add_hookspecs` failed and is passed over: twice" in answer.noted("log")[0]["message"]
    assert plugin.call("process_plugin", plugin=FACTS, prior_results=[]).result == []


SCANNER = """
from opsbox import Result

class Base:
    def close_port(self): return None

class P(Base):
    ports = [443]

    def grab_config(self): return None

    def scan(self, data, deep=False, *, level=1):
        assert isinstance(data[0], Result), data
        return [Result(**{**data[0].model_dump(), "details": {"deep": deep, "level": level}})]

    def _private(self): ...

    @property
    def not_a_hook(self): return 1

    def count(self, args): return {"n": len(args)}
"""


def test_a_plugin_of_a_type_of_its_own_lists_all_its_public_methods(start):
    plugin = start(SCANNER, "scanner")
    assert plugin.hello.result["hooks"] == ["grab_config", "scan", "count", "close_port"]


def test_own_hooks_take_positional_and_named_arguments_and_results_both_ways(start):
    plugin = start(SCANNER, "scanner")
    given = wire.result({"a": 1})
    answer = plugin.call("scan", args=[[given], True], level=3)
    assert answer.result == [wire.result({"deep": True, "level": 3})]
    assert plugin.call("scan", data=[given]).result == [wire.result({"deep": False, "level": 1})]
    assert plugin.call("count", args=[1, 2]).result == {"n": 2}
    assert plugin.call("close_port").result is None


@pytest.mark.parametrize("method", ["sacn", "_private", "ports", "process"])
def test_what_is_no_method_of_the_class_is_unknown(start, method):
    plugin = start(SCANNER, "scanner")
    assert plugin.call(method).error["code"] == -32601


def test_an_own_hook_that_is_called_wrongly_fails_by_its_name(start):
    error = start(SCANNER, "scanner").call("scan", nonsense=1).error
    assert error["code"] == -33008
    assert "scan() got an unexpected keyword argument 'nonsense'" in error["message"]
    assert error["data"]["hook"] == "scan"


def test_a_class_with_a_foreign_base_may_have_any_hook(start):
    source = "import collections\nclass P(collections.UserDict):\n    def scan(self): return 1\n"
    plugin = start(source, "scanner")
    assert plugin.hello.result["hooks"] == ["grab_config", "set_data", "activate", "*", "scan"]
    assert plugin.call("copy").result == {}
    assert plugin.call("scan").result == 1


def test_a_handler_that_calls_itself_for_the_plugin_in_hand_asks_the_host_which_refuses(start):
    refused = wire.HostRefuses({"code": -33012, "message": "it would wait for itself"})
    host = Host(process_plugin=refused)
    body = """
        own = registry.handlers["scanner"]
        try:
            own.process_plugin(plugin, [], registry)
        except Exception:
            pass
        return own.process_plugin(plugin, [], registry)
    """
    answer = handle(start, body, host)
    assert "it would wait for itself" in answer.error["message"]
    assert [(plugin, hook) for plugin, hook, _ in host.calls] == [("probe", "process_plugin")] * 2


def test_a_handler_may_call_itself_for_another_plugin_of_its_type(start):
    body = """
        if plugin.name == "other":
            return [made("here")]
        other = PluginInfo(name="other", module="", class_name="", type="scanner", toml_path="")
        return registry.handlers["scanner"].process_plugin(other, [], registry)
    """
    host = Host()
    answer = handle(start, body, host)
    assert answer.error is None, answer.error
    assert (answer.result[0]["details"]["value"], host.calls) == ("here", [])
