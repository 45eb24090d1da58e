"""The names that old plugins import: all of the original's are there or explained, and light to import."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
import wire

from opsbox import _names

# Every public name of the modules of opsbox 0.2.5, whether defined or imported there.
ORIGINAL = {
    "opsbox": "AppConfig PluginInfo Registry Result base_hooks config plugins utils",
    "opsbox.plugins": "Any BaseModel Path PluginFlow PluginInfo PluginNotFoundError Registry Result "
    "SingletonMeta Type ValidationError add_hookspecs contextlib hookspec importlib logger "
    "pluggy runpy sys toml types",
    "opsbox.config": "AppConfig ApplicationSettings BaseModel Field FieldInfo LLMValidator PluginFlow "
    "Registry SingletonMeta dateparser datetime environ find_config_file json logger path sys",
    "opsbox.cli": "Align ApplicationSettings Console FieldInfo Table Text ascii_art config_help console "
    "pipeline_building_help print_available_plugins print_basic_args_help print_config_help "
    "print_missing_arguments_error print_opsbox_banner print_pipeline_building_help print_pipeline_help "
    "print_plugin_not_found_error print_welcome_message welcome_message",
    "opsbox.base_hooks": "BaseModel BaseSpec HandlerSpec TYPE_CHECKING add_hookspecs hookspec logger pluggy",
    "opsbox.utils": "SingletonMeta",
    "opsbox.main": "AppConfig JSONDecodeError PluginNotFoundError Registry argv console logger main "
    "print_available_plugins print_basic_args_help print_config_help print_missing_arguments_error "
    "print_opsbox_banner print_pipeline_building_help print_pipeline_help print_plugin_not_found_error "
    "print_welcome_message start_logging sys verbose_formatter yaml",
}
HEAVY = ("pydantic", "rich", "dateparser", "llama_index", "loguru", "yaml", "requests", "typing")


def test_every_public_name_of_the_original_is_offered_or_its_absence_has_a_reason():
    for module, names in ORIGINAL.items():
        known = {*_names.OFFERED[module], *_names.ABSENT.get(module, ())}
        assert set(names.split()) - known == set(), module
        assert not set(_names.OFFERED[module]) & set(_names.ABSENT.get(module, ())), module
    assert set(_names.OFFERED) == set(ORIGINAL)


@pytest.mark.parametrize("module", sorted(_names.OFFERED))
def test_what_is_offered_is_what_the_module_has(module):
    loaded = importlib.import_module(module)
    for name in _names.OFFERED[module]:
        if name == "dateparser":
            continue  # an extra
        assert getattr(loaded, name) is not None, name
    own = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module
    }
    assert own <= set(_names.OFFERED[module])
    shapes = {name for name, home in _names.SERVED[module].items() if home.startswith("opsbox._shapes:")}
    if module not in ("opsbox", "opsbox.cli"):
        listed = set(loaded.__all__)
        assert set(_names.DEFINED[module]) <= listed <= {*_names.DEFINED[module], *shapes}


@pytest.mark.parametrize("module", sorted(_names.OFFERED))
def test_importing_a_module_brings_nothing_heavy(module):
    code = (
        f"import sys; before = set(sys.modules); import {module}; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(wire.SRC)!r}); {code}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    brought = {name.partition(".")[0] for name in done.stdout.split()}
    assert module.partition(".")[0] in brought
    # pluggy, which `base_hooks` needs for its marks, brings typing.
    allowed = {"typing"} if module == "opsbox.base_hooks" else set()
    assert brought & set(HEAVY) - allowed == set()


def test_an_unknown_attribute_says_which_there_are_and_which_plugin_asked(start):
    plugin = start(
        """
        import opsbox.plugins, opsbox.cli
        class P:
            def activate(self):
                assert not hasattr(opsbox.plugins, "Rare")
                opsbox.plugins.Rare
            def process(self, data):
                opsbox.cli.print_opsbox_banner()
        """
    )
    message = plugin.call("activate").error["message"]
    assert "module `opsbox.plugins` has no `Rare`, which plugin `probe` asks for; it has" in message
    assert "`PluginInfo`" in message and "`Result`" in message
    message = plugin.call("process", data=[]).error["message"]
    assert (
        "`print_opsbox_banner`, which plugin `probe` asks for: it was a part of the original's own screens"
        in message
    )


@pytest.mark.parametrize("module", ["opsbox.plugins", "core.plugins"])
def test_an_unknown_name_in_an_import_is_explained_in_the_hint(start, module):
    plugin = start(f"from {module} import Result, Rare\nclass P:\n    def process(self, data): pass\n")
    error = plugin.call("process", data=[]).error
    assert "cannot import name 'Rare'" in error["message"]
    hint = error["data"]["hint"]
    assert "module `opsbox.plugins` has no `Rare`, which plugin `probe` asks for; it has `Any`" in hint


def test_a_name_from_a_package_that_is_not_there_says_how_to_install_it(start):
    plugin = start(
        """
        import opsbox.config
        class P:
            def process(self, data): return opsbox.config.dateparser.parse("now")
        """,
        flags=("-S",),
    )
    message = plugin.call("process", data=[]).error["message"]
    assert "`opsbox.config.dateparser` needs the package `dateparser`, which is not installed" in message
    assert "install 'dateparser>=1.2'" in message


def test_the_hint_names_a_command_that_works_for_the_python_at_hand(tmp_path, monkeypatch):
    from opsbox import _names

    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/env/bin/python")
    assert _names.install_hint("pydantic") == "install it with `/env/bin/python -m pip install pydantic`"
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr("sys.base_prefix", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    sealed = _names.install_hint("pydantic")
    assert "`ENV/bin/pip install pydantic`" in sealed and "OPSBOX_PYTHON=ENV" in sealed
    assert "/env/bin/python -m pip" not in sealed
    (tmp_path / "opsbox-lock.json").touch()
    managed = "add it to the managed environment: `opsbox plugins add "
    assert _names.install_hint("pydantic") == f"{managed}pydantic`"
    assert _names.install_hint("llama_index") == f"{managed}'opsbox[llm]'`"


def test_the_packages_of_the_extras_are_those_of_the_project():
    from pathlib import Path

    from opsbox import _names

    project = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    for wanted in _names._OF_EXTRAS.values():
        for package in wanted:
            assert f'"{package[1:-1]}"' in project, package


def test_a_result_is_used_as_the_pydantic_model_that_it_was():
    import pickle

    from pydantic import BaseModel, ValidationError

    from opsbox import Result

    values = {
        "relates_to": "a",
        "result_name": "b",
        "result_description": "c",
        "formatted": "e",
        "details": [{"d": 1}],
    }
    result = Result(**values)
    assert isinstance(result, BaseModel)
    assert result.model_dump() == values and result == Result.model_validate(values)
    assert result.model_copy(update={"formatted": "x"}) != result
    assert Result.model_validate_json(result.model_dump_json()) == result
    assert pickle.loads(pickle.dumps(result)) == result
    with pytest.warns(DeprecationWarning):
        assert Result.parse_obj(result.dict()) == result.copy()
    with pytest.raises(ValidationError, match="formatted"):
        Result(**{name: value for name, value in values.items() if name != "formatted"})
    with pytest.raises(ValidationError, match="details"):
        Result(**{**values, "details": "text"})

    class More(Result):
        score: int = 3

    assert More(**values).model_dump() == {**values, "score": 3}
    assert (Result.__module__, Result.__qualname__) == ("opsbox.plugins", "Result")
    import opsbox
    import opsbox.plugins

    assert opsbox.plugins.Result is opsbox.Result is Result
