"""`AppConfig().llm`: made as the original made it, for the plugins that use it, from keys only those see."""

from __future__ import annotations

import pytest
import wire

from opsbox._bridge import keys

USER = """
from {home} import AppConfig
class P:
    def grab_config(self): return {{"type": "object", "properties": {{"region": {{"type": "string"}}}}}}
    def set_data(self, model): self.given = dict(model)
    def process(self, data):
        config = AppConfig()
        print(self.given, config.llm, config.embed_model)
"""
LLAMA = {
    "llms/openai": "class OpenAI:\n    def __init__(self, **given): self.given = given\n"
    "    def __repr__(self): return f'OpenAI{sorted(self.given.items())}'\n",
    "llms/anthropic": "class Anthropic:\n    def __init__(self, **given): self.given = given\n"
    "    def __repr__(self): return f'Anthropic{sorted(self.given.items())}'\n",
    "embeddings/openai": "class OpenAIEmbedding:\n    def __init__(self, **given): self.given = given\n"
    "    def __repr__(self): return f'Embedding{sorted(self.given.items())}'\n",
}


@pytest.fixture
def llama(tmp_path):
    """An environment's variables with a `llama_index` that only notes what it is made with."""
    for name, source in LLAMA.items():
        path = tmp_path / "site" / "llama_index" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return {"PYTHONPATH": str(tmp_path / "site")}


def said(plugin: wire.Session) -> str:
    answer = plugin.call("process", data=[])
    assert answer.error is None, answer.error
    (log,) = answer.noted("log")
    return log["message"]


@pytest.mark.parametrize("home", ["opsbox", "opsbox.config", "core.config"])
def test_a_plugin_that_uses_the_model_declares_the_keys_and_gets_the_models(start, llama, home):
    plugin = start(USER.format(home=home), env=llama)
    properties = plugin.call("grab_config").result["properties"]
    assert list(properties) == ["region", "oai_key", "claude_key"]
    assert properties["oai_key"]["writeOnly"] is True
    assert plugin.call("set_data", config={"region": "eu", "oai_key": "k", "claude_key": "c"}).result == {}
    assert said(plugin) == (
        "{'region': 'eu'} OpenAI[('api_key', 'k'), ('model', 'gpt-4o'), ('temperature', 0.2)] "
        "Embedding[('api_key', 'k')]"
    )


def test_a_claude_key_alone_makes_that_model_and_no_embedding(start, llama):
    plugin = start(USER.format(home="opsbox"), env=llama)
    # The host may know the schema from its cache, so it is not asked for here.
    assert plugin.call("set_data", config={"claude_key": "c"}).result == {}
    assert said(plugin) == "{} Anthropic[('api_key', 'c'), ('model', 'claude-3-5-sonnet-20240620')] None"


def test_without_a_key_the_error_names_the_fields_and_the_plugin(start, llama):
    plugin = start(USER.format(home="opsbox"), env=llama)
    plugin.call("set_data", config={})
    message = plugin.call("process", data=[]).error["message"]
    assert message.startswith(
        "AttributeError: `AppConfig().llm` needs the field `oai_key` or `claude_key`, and plugin `probe` has "
        "neither: set the variable `OPSBOX_SET_OAI_KEY`"
    )


def test_without_the_package_the_error_names_the_extra(start):
    plugin = start(USER.format(home="opsbox"))
    plugin.call("set_data", config={"oai_key": "k"})
    error = plugin.call("process", data=[]).error
    message = error["message"]
    assert "`AppConfig().llm` needs the package `llama_index`, which is not installed" in message
    assert "install 'llama-index-core>=0.12,<0.13' " in message
    assert "llama-index" not in error["data"]["hint"], "what the message says is not said twice"


def test_a_plugin_that_imports_llama_index_itself_is_told_the_extra(start):
    plugin = start("from llama_index.core import Document\nclass P:\n    def process(self, data): pass\n")
    assert "'llama-index-core>=0.12,<0.13'" in plugin.call("process", data=[]).error["data"]["hint"]


def test_a_pydantic_model_that_forbids_other_fields_is_not_given_the_keys(start, llama):
    plugin = start(
        """
        from opsbox import AppConfig
        from pydantic import BaseModel
        class Config(BaseModel, extra="forbid"):
            region: str = "eu"
        class P:
            def grab_config(self): return Config
            def set_data(self, model): self.model = model
            def process(self, data): print(self.model, AppConfig()["llm"])
        """,
        env=llama,
    )
    plugin.call("grab_config")
    assert plugin.call("set_data", config={"oai_key": "k"}).result == {}
    assert said(plugin).startswith("region='eu' OpenAI")


def test_a_plugin_that_declares_a_key_itself_keeps_it(start, llama):
    plugin = start(
        """
        from opsbox import AppConfig
        class P:
            def grab_config(self): return {"properties": {"oai_key": {"type": "string"}}}
            def set_data(self, model): self.given = dict(model)
            def process(self, data): print(self.given, AppConfig().embed_model)
        """,
        env=llama,
    )
    properties = plugin.call("grab_config").result["properties"]
    assert properties["oai_key"] == {"type": "string"} and "claude_key" in properties
    plugin.call("set_data", config={"oai_key": "k"})
    assert said(plugin) == "{'oai_key': 'k'} Embedding[('api_key', 'k')]"


def test_a_plugin_without_configuration_of_its_own_gets_the_keys_too(start, llama):
    plugin = start(
        "from opsbox import AppConfig\nclass P:\n    def process(self, data): print(AppConfig().llm)\n",
        env=llama,
    )
    assert plugin.hello.result["hooks"] == ["process", "grab_config", "set_data"]
    assert set(plugin.call("grab_config").result["properties"]) == {"oai_key", "claude_key"}
    plugin.call("set_data", config={"oai_key": "k"})
    assert said(plugin).startswith("OpenAI")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from opsbox import AppConfig\nx = AppConfig().llm\n", True),
        ("import opsbox\nx = opsbox.AppConfig().embed_model\n", True),
        ("import opsbox.config as c\ndef f():\n    return getattr(c.AppConfig(), 'llm')\n", True),
        ("from core.config import AppConfig\nAppConfig()['embed_model']\n", True),
        ("from helper import ask\n", True),
        ("from . import helper\n", True),
        ("from opsbox import AppConfig\nAppConfig().basic_settings\n", False),
        ("class Mine:\n    llm = 1\nMine().llm\n", False),
        ("from elsewhere import AppConfig\nAppConfig().llm\n", False),
        ("# AppConfig().llm\n", False),
        ("def broken(:\n", False),
    ],
)
def test_only_sources_that_use_the_model_want_the_keys(tmp_path, source, expected):
    (tmp_path / "helper.py").write_text("from opsbox import AppConfig\ndef ask(): return AppConfig().llm\n")
    (tmp_path / "plugin.py").write_text(source)
    assert keys.wanted(str(tmp_path / "plugin.py")) is expected


def test_a_plugin_whose_source_is_not_known_wants_none():
    assert keys.wanted(None) is False
