"""What cannot be loaded as it is written: repaired with a word, or refused with the version that it needs."""

from __future__ import annotations

import sys

import pytest
import wire

import opsbox._wire.newer as newer


def installed(folder, module: str) -> dict:
    """Returns the spec of an entry point in `folder`."""
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True)
    path.write_text("class P:\n    def process(self, data): return []\n", "utf-8")
    spec = {"name": "probe", "type": "input", "module": module, "class_name": "P"}
    return {**spec, "folder": str(path.parent), "source": "entry_point"}


def test_a_module_built_into_the_interpreter_does_not_hide_a_plugin(tmp_path):
    with wire.bridge(installed(tmp_path, "time.plug"), env={"PYTHONPATH": str(tmp_path)}) as plugin:
        answer = plugin.call("process", data=[])
    assert answer.result == []
    (warning,) = [log["message"] for log in answer.noted("log") if log["level"] == "warn"]
    assert warning.startswith("Python has no module `time.plug`")
    assert warning.endswith(f"`{tmp_path / 'time' / 'plug.py'}` was taken for it")


def test_a_module_that_the_plugin_itself_lacks_is_still_its_fault(tmp_path):
    spec = installed(tmp_path, "mine.plug")
    (tmp_path / "mine" / "plug.py").write_text("import mine.other\n", "utf-8")
    with wire.bridge(spec, env={"PYTHONPATH": str(tmp_path)}) as plugin:
        error = plugin.call("process", data=[]).error
    assert "No module named 'mine.other'" in error["message"]


@pytest.mark.parametrize("owner", ["another", "mine"])
def test_a_package_around_the_plugin_that_another_distribution_brought_may_fail(tmp_path, owner):
    spec = installed(tmp_path, "chat.plug")
    init = tmp_path / "chat" / "__init__.py"
    init.write_text("import nowhere\n", "utf-8")
    for name, files in {"mine": ["chat/plug.py"], "another": []}.items():
        lines = [*files, *(["chat/__init__.py"] if name == owner else [])]
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "RECORD").write_text("".join(f"{line},,\n" for line in lines))
    with wire.bridge(spec, env={"PYTHONPATH": str(tmp_path)}) as plugin:
        answer = plugin.call("process", data=[])
    if owner == "mine":
        assert "No module named 'nowhere'" in answer.error["message"]
        return
    assert answer.result == []
    (warning,) = [log["message"] for log in answer.noted("log") if log["level"] == "warn"]
    assert warning.startswith(f"`{init}` of another package cannot be imported (No module named 'nowhere')")


@pytest.mark.parametrize(
    ("kind", "hook", "params", "what"),
    [
        ("input", "process", {"data": []}, "part of what `probe` looks at"),
        ("assistant", "process_input", {"input": []}, "part of the work of `probe`"),
        ("output", "process_results", {"results": []}, "part of the delivery of `probe`"),
        ("rego", "report_findings", {"data": wire.result()}, "part of the findings of `probe`"),
    ],
)
def test_an_error_that_a_hook_logs_and_hides_is_a_gap_of_its_call(start, kind, hook, params, what):
    plugin = start(
        f"""
        import logging
        class P:
            def activate(self): logging.error("not yet")
            def {hook}(self, value):
                logging.warning("slow")
                logging.error("refused: %s", 403)
                return value
        """,
        kind,
    )
    assert not plugin.call("activate").noted("gap")
    answer = plugin.call(hook, **params)
    assert answer.error is None
    assert [(gap["what"], gap["why"]) for gap in answer.noted("gap")] == [(what, "refused: 403")]


NEWER = [
    ('x = f"{", ".join(a)}"\n', (3, 12)),
    ("x = f'a {b} - {get(c, 'd', 'e')}', {'f': 1}\n", (3, 12)),
    ("x = f\"{a['b']} {f'{c['d']}'}\"\n", (3, 12)),
    ("x = f'{chr(10).join(a)} {\"\\n\".join(a)}'\n", (3, 12)),
    ("match a:\n    case 1: pass\n", (3, 10)),
    ("try: pass\nexcept* ValueError: pass\n", (3, 11)),
    ("type X = int\n", (3, 12)),
    ("def f[T](a: T): pass\n", (3, 12)),
    ("class A[T]: pass\n", (3, 12)),
]
MISTAKES = ["x = f'{a'\n", "x = f'{a[}'\n", 'x = f"{\'a}"\n', "def f(: pass\n", "x = = 1\n", "matches a:\n"]


@pytest.mark.parametrize(("source", "version"), NEWER)
def test_syntax_of_a_newer_python_is_known(source, version):
    if sys.version_info >= version:
        compile(source, "x.py", "exec")
        return
    with pytest.raises(SyntaxError) as caught:
        compile(source, "x.py", "exec")
    assert newer.needed(caught.value) == f"{version[0]}.{version[1]}"


@pytest.mark.parametrize("source", MISTAKES)
def test_a_mistake_is_no_syntax_of_a_newer_python(source):
    with pytest.raises(SyntaxError) as caught:
        compile(source, "x.py", "exec")
    assert newer.needed(caught.value) is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads every f-string")
def test_a_file_for_a_newer_python_says_so_with_file_and_line(start, tmp_path):
    plugin = start("a = {'b': 1}\nx = f'{a['b']}'\nclass P: pass\n")
    error = plugin.call("process", data=[]).error
    path = tmp_path / "plugin_under_test.py"
    expected = f"cannot import `plugin_under_test`: needs Python 3.12 or newer: {path}, line 2: f-string: "
    assert error["message"].startswith(expected)
    assert "run it with Python 3.12 or newer (`--python PATH`)" in error["data"]["hint"]
