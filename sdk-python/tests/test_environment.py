"""What a plugin can import: with nothing installed, beside the original package, and under awkward names."""

from __future__ import annotations

import shutil

import pytest
import wire

NOTHING_INSTALLED = ("-S",)


def test_with_nothing_installed_stand_ins_serve(start):
    plugin = start(
        """
        import pluggy
        from core.plugins import Result
        from core import Result as Same
        from opsbox import PluginInfo, Registry, AppConfig
        from opsbox.base_hooks import BaseSpec, add_hookspecs
        from opsbox.utils import SingletonMeta
        hookimpl = pluggy.HookimplMarker("opsbox")
        class P:
            @hookimpl
            def activate(self):
                manager = pluggy.PluginManager("opsbox")
                add_hookspecs(manager)
                manager.register(self, name="me")
                assert manager.hook.process(data=[]) == [[]]
                assert Same is Result
                assert Registry() is Registry()
                info = PluginInfo(name="a", module="b", class_name="c", type="d", toml_path="e")
                assert info.uses == [] and info.extra is None
                made = Result(
                    relates_to="a", result_name="b", result_description="", details={"d": 1}, formatted="")
                assert made == made.model_copy() and made != made.model_copy(update={"formatted": "x"})
                assert made.model_dump() == made.dict() == dict(made)
                assert made.model_dump_json().startswith('{"relates_to":"a"')
                try:
                    Result(relates_to="a")
                except ValueError as err:
                    assert "formatted" in str(err)
            @hookimpl(optionalhook=True)
            def process(self, data):
                return [each.model_copy(update={"formatted": each.result_name}) for each in data]
        """,
        flags=NOTHING_INSTALLED,
    )
    assert plugin.call("activate").error is None
    given = wire.result({"a": 1}, severity="high")
    assert plugin.call("process", data=[given]).result == [{**given, "formatted": "r"}]


def test_with_nothing_installed_the_console_prints_without_markup(start):
    plugin = start(
        "from opsbox.cli import console\nclass P:\n    def process_results(self, r):\n"
        "        console.rule('[bold]T[/bold]'); console.print('[red]a[/red] [1]', 2)\n",
        "output",
        flags=NOTHING_INSTALLED,
    )
    assert plugin.call("process_results", results=[]).text == f"{' T '.center(60, '─')}\na [1] 2\n"


def test_a_missing_package_is_named_with_the_command_to_install_it(start):
    plugin = start("import pydantic\nclass P: pass\n", module="alone", flags=NOTHING_INSTALLED)
    assert "-m pip install pydantic" in plugin.call("grab_config").error["data"]["hint"]


def test_an_installed_pluggy_is_not_shadowed(start):
    plugin = start("import pluggy\nclass P:\n    def process(self, data): print(pluggy.__file__)\n")
    (log,) = plugin.call("process", data=[]).noted("log")
    assert "standins" not in log["message"]


def test_a_result_is_a_pydantic_model_where_pydantic_is_installed(start):
    plugin = start(
        """
        import pydantic
        from opsbox import Result
        class P:
            def process(self, data):
                assert isinstance(data[0], Result) and issubclass(Result, pydantic.BaseModel)
                Result(relates_to="a")
        """
    )
    assert "ValidationError" in plugin.call("process", data=[wire.result()]).error["message"]


@pytest.mark.parametrize(
    "name", ["json", "email", "cli", "logging", "select", "pydantic", "opsbox", "core.json"]
)
def test_a_plugin_named_like_another_module_leaves_that_one_as_it_is(start, name):
    plugin = start(
        """
        import json, email.message, logging, select, pydantic, opsbox.plugins
        class P:
            def process(self, data):
                assert json.loads("[1]") == [1] and email.message.Message and logging.getLogger
                assert select.poll and pydantic.BaseModel and opsbox.plugins.Result
                return data
        """,
        module=name,
    )
    assert plugin.call("process", data=[wire.result({"a": 1.5})]).result == [wire.result({"a": 1.5})]


def test_a_plugin_imports_its_neighbours(start, tmp_path):
    (tmp_path / "helper_of_mine.py").write_text("VALUE = 'mine'\n")
    plugin = start(
        "from helper_of_mine import VALUE\nfrom mine.helper_of_mine import VALUE as same\n"
        "from .helper_of_mine import VALUE as again\n"
        "class P:\n    def process(self, data): print(VALUE, same, again)\n",
        module="mine.plugin",
    )
    (log,) = plugin.call("process", data=[]).noted("log")
    assert log["message"] == "mine mine mine"


def test_what_the_shim_lacks_is_found_in_the_original_package(start, tmp_path):
    original = tmp_path / "site" / "opsbox"
    original.mkdir(parents=True)
    (original / "__init__.py").write_text("raise RuntimeError('the original is not imported')\n")
    (original / "main.py").write_text("NAME = 'original main'\n")
    (original / "plugins.py").write_text(
        "from opsbox.utils import SingletonMeta\nRARE = 'rare'\nResult = None\n"
    )
    plugin = start(
        """
        from opsbox.main import NAME
        from opsbox.plugins import RARE, Result
        class P:
            def process(self, data): print(NAME, RARE, Result.__module__)
        """,
        env={"PYTHONPATH": str(tmp_path / "site")},
    )
    (log,) = plugin.call("process", data=[]).noted("log")
    assert log["message"] == "original main rare opsbox.plugins"


def test_an_installed_copy_of_this_package_is_no_original(start, tmp_path):
    shutil.copytree(wire.SRC / "opsbox", tmp_path / "site" / "opsbox")
    plugin = start(
        "from opsbox.plugins import RARE\nclass P:\n    def process(self, data): pass\n",
        env={"PYTHONPATH": str(tmp_path / "site")},
    )
    error = plugin.call("process", data=[]).error
    assert "ImportError: cannot import name 'RARE'" in error["message"]


def test_an_installed_plugin_is_found_and_its_hooks_are_read_without_importing_it(tmp_path):
    package = tmp_path / "shop" / "checks"
    package.mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").write_text("print('imported')\n")
    (package / "__init__.py").write_text("")
    (package / "stock.py").write_text("class Stock:\n    def process(self, data): return data\n")
    spec = {"name": "stock", "type": "input", "module": "shop.checks.stock", "class_name": "Stock"}
    spec.update(folder=str(package), source="entry_point")
    with wire.bridge(spec, env={"PYTHONPATH": str(tmp_path)}) as plugin:
        assert plugin.hello.result["hooks"] == ["process"]
        assert plugin.call("process", data=[wire.result()]).result == [wire.result()]


def test_app_config_knows_the_fields_that_the_plugin_was_given(start):
    plugin = start(
        """
        from opsbox.config import AppConfig
        class P:
            def grab_config(self): return {"type": "object", "properties": {"region": {"type": "string"}}}
            def set_data(self, model): assert model.region == model["region"]
            def activate(self):
                config = AppConfig()
                print(config.module_settings, config.llm_settings.oai_key, hasattr(config, "llm"))
        """
    )
    assert plugin.call("set_data", config={"region": "eu"}).result == {}
    (log,) = plugin.call("activate").noted("log")
    assert log["message"] == "{'region': 'eu'} None False"


def test_the_hooks_of_a_module_in_nested_namespace_packages_are_read_from_its_source(tmp_path):
    package = tmp_path / "shop" / "checks"
    package.mkdir(parents=True)
    (package / "stock.py").write_text("class Stock:\n    def report_findings(self, data): return data\n")
    spec = {"name": "stock", "type": "rego", "module": "shop.checks.stock", "class_name": "Stock"}
    spec.update(folder=str(package), source="entry_point")
    with wire.bridge(spec, env={"PYTHONPATH": str(tmp_path)}) as plugin:
        assert plugin.hello.result["hooks"] == ["report_findings"]


def test_a_rego_plugin_whose_source_does_not_tell_its_hooks_may_lack_both(start):
    plugin = start("class Base: pass\nP = type('P', (Base,), {})\n", "rego")
    assert "inject_data" in plugin.hello.result["hooks"]
    given = wire.result({"input": {"a": 1}})
    assert plugin.call("inject_data", data=given).result == given
    assert plugin.call("report_findings", data=given).result == [given]
