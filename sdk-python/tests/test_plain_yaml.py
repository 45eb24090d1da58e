"""`yaml.dump` in plugins: the bridge writes plain data itself, in the very bytes of PyYAML."""

from __future__ import annotations

import io
import random
from collections import OrderedDict
from types import SimpleNamespace

import pytest
import yaml

from opsbox._bridge import plain_yaml

# fmt: off
ODD = [
    "", " ", "yes", "No", "null", "~", "1", "1.5", "0x1f", "1_000", "1:30", "2024-06-01", ".inf", "1e3",
    "<<", "2024-05-31T23:59:59+00:00", "a b", " a", "a ", "#x", "a #b", "a: b", "a:b", ":", "-", "- a", "?",
    "[x", "{y", "x]", "a, b", "é", "\t", "a\tb", "a\nb", "a\n", "\n\na", "'", "it's", '"', '\\', "%a", "@a",
    "`a", "!a", "&a", "*a", "|", ">", "=", "---", "...", "--- a", "a---", "\x07", "\x85", "\u2028",
    "\ufeff", "😀", "x" * 130, "word " * 30, "it's " * 30, "wörd " * 30, "a" * 78 + " b", "a" * 75 + " b c",
    "k: " + "v " * 50, "line one\nline two " + "w " * 60, "x " * 64, "arn:aws:iam::1:user/x", "10.0.0.0/8",
    "On", "NaN",
]
# fmt: on
LETTERS = " abcXYZ019:-_#'\"\n\t,[]{}&*!|>%@`.é\x85/+=~?"


@pytest.fixture
def dump(monkeypatch):
    """Returns `yaml.dump` as plugins have it."""
    monkeypatch.setattr(yaml, "dump_all", yaml.dump_all)
    plain_yaml.set_up(yaml)
    return yaml.dump


def by_pyyaml(value: object, **settings: object) -> str:
    return yaml.dump_all.__wrapped__([value], **settings)


@pytest.fixture
def taken(monkeypatch):
    """Returns a list that says of each value whether the bridge wrote it."""
    found = []
    original = plain_yaml._plain

    def note(*args: object) -> object:
        made = original(*args)
        found.append(made is not None)
        return made

    monkeypatch.setattr(plain_yaml, "_plain", note)
    return found


@pytest.mark.parametrize("text", ODD)
def test_a_text_is_spelt_as_pyyaml_spells_it_wherever_it_stands(dump, taken, text):
    for value in (
        [text],
        [[text, [text]]],
        {"key": text},
        {"deep": [{"deeper": {"a longer name than the others have": text}}, text]},
        {"deep": {"deeper": [[{"name": text}, text], {}, [], None]}},
    ):
        assert dump(value) == by_pyyaml(value)
    assert all(taken)
    assert dump({text: 1, "b": [text]}) == by_pyyaml({text: 1, "b": [text]})


@pytest.mark.parametrize("end", [" b", " b c", " it's", " b: c", " é"])
def test_lines_are_broken_where_pyyaml_breaks_them(dump, end):
    for length in range(60, 90):
        text = "a" * length + end
        value = {"key": text, "list": [text, [text]], "deep": {"deeper": {"name": text}}}
        assert dump(value) == by_pyyaml(value)


def test_values_by_chance_are_written_as_pyyaml_writes_them(dump, taken):
    dice = random.Random(20_240_601)

    def text() -> str:
        length = dice.choice([1, 2, 3, 5, 8, 20, 100, 200])
        return dice.choice([dice.choice(ODD), "".join(dice.choice(LETTERS) for _ in range(length))])

    def number() -> float:
        special = ["nan", "inf", "-inf", "1e16", "1e-7", "-0.0"]
        return dice.choice([float(dice.choice(special)), dice.random() * 10 ** dice.randrange(-30, 30)])

    def value(level: int) -> object:
        kind = dice.random()
        if level > 4 or (level and kind < 0.4):
            simple = [text, text, text, number, lambda: dice.randrange(-(10**6), 10**20)]
            return dice.choice([*simple, lambda: True, lambda: False, lambda: None, dict, list])()
        if kind < 0.7:
            return [value(level + 1) for _ in range(dice.randrange(4))]
        names = ["name", "tags", "region", text()]
        return {dice.choice(names): value(level + 1) for _ in range(dice.randrange(5))}

    for _ in range(2000):
        made = value(0)
        settings = dice.choice([{}, {"sort_keys": False}, {"sort_keys": True, "default_flow_style": False}])
        settings = {**settings, "Dumper": dice.choice([yaml.Dumper, yaml.SafeDumper])}
        assert dump(made, **settings) == by_pyyaml(made, **settings), made
    assert sum(taken) > 1000


def twice() -> object:
    one = {"name": "a"}
    return [one, one]


def round_and_round() -> object:
    value: dict = {"name": "a"}
    value["self"] = value
    return value


class Text(str):
    """A text that PyYAML gives a tag."""


@pytest.mark.parametrize(
    "value",
    [
        twice(),
        [{"a": 1}, {Text("a"): 1}],
        ["a", Text("a")],
        [[]] * 2,
        round_and_round(),
        ("a",),
        {1: "a"},
        OrderedDict(a=1),
        [b"a"],
        {"a": {1, 2}},
        "a",
        [],
        None,
    ],
    ids=repr,
)
def test_what_is_not_plain_is_left_to_pyyaml(dump, taken, value):
    assert dump(value) == by_pyyaml(value)
    assert taken == [False]


@pytest.mark.parametrize(
    "settings",
    [
        {"indent": 4},
        {"width": 20},
        {"allow_unicode": True},
        {"default_flow_style": True},
        {"explicit_start": True},
    ],
    ids=repr,
)
def test_other_settings_are_obeyed(dump, settings):
    value = {"name": "größe " * 8, "list": ["a", {"b": "c d " * 10}]}
    assert dump(value, **settings) == by_pyyaml(value, **settings)
    assert dump(value, **settings) != dump(value)


def test_a_representer_of_the_plugin_is_obeyed(dump, monkeypatch):
    monkeypatch.setattr(yaml.Dumper, "yaml_representers", yaml.Dumper.yaml_representers.copy(), raising=False)
    assert dump({"a": "b"}) == "a: b\n"
    yaml.add_representer(
        str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
    )
    assert dump({"a": "b"}) == "'a': 'b'\n"


def test_a_changed_method_of_the_dumper_is_obeyed(dump, monkeypatch):
    original = yaml.Dumper.increase_indent
    monkeypatch.setattr(
        yaml.Dumper, "increase_indent", lambda self, flow=False, indentless=False: original(self, flow, False)
    )
    assert dump({"a": ["b"]}) == "a:\n  - b\n"


def test_a_stream_gets_the_text_and_its_error_reaches_the_plugin(dump):
    stream = io.StringIO()
    assert dump({"a": "b"}, stream) is None
    assert stream.getvalue() == "a: b\n"
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        dump({"a": "b"}, stream)


def test_what_cannot_be_written_fails_as_before(dump):
    with pytest.raises(yaml.representer.RepresenterError):
        dump([object()], Dumper=yaml.SafeDumper)


PLUGIN = """
{imports}
def members(text):
    return dict(relates_to="a", result_name="b", result_description="c", details=[], formatted=text)
class P:
    def process(self, data):
        found = [{{"i-1": {{"state": "running", "tags": {{}}}}}}]
        return members(f"{{dump(found, default_flow_style=False)}}{{hasattr(yaml.dump_all, '__wrapped__')}}")
"""


@pytest.mark.parametrize("imports", ["import yaml; dump = yaml.dump", "from yaml import dump; import yaml"])
def test_plugins_have_it_however_they_import_it(start, imports):
    plugin = start(PLUGIN.format(imports=imports))
    assert (
        plugin.call("process", data=[]).result[0]["formatted"]
        == "- i-1:\n    state: running\n    tags: {}\nTrue"
    )


@pytest.mark.parametrize("lack", [{"__version__": "7.0"}, {"__version__": None}, {"SafeDumper": None}])
def test_another_release_and_another_module_of_this_name_are_left_alone(lack):
    names = ("__version__", "dump_all", "Dumper", "SafeDumper", "ScalarNode")
    members = {**{name: getattr(yaml, name) for name in names}, **lack}
    other = SimpleNamespace(**{name: value for name, value in members.items() if value is not None})
    plain_yaml.set_up(other)
    assert other.dump_all is yaml.dump_all
