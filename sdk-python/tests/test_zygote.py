"""The warm parent: what it imports, what its children find, and when it refuses to fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import venv

import pytest
import wire

if sys.platform != "linux":
    pytest.skip("plugins are forked on Linux only", allow_module_level=True)

import warm

sys.path.insert(0, str(wire.SRC))
from opsbox._bridge import preload

PLAIN = "class P:\n    def process(self, data):\n        pass\n"
# What a plugin can find out about its process, apart from numbers that differ from start to start.
FACTS = """
import gc, os, random, signal, sys, threading, time
class P:
    def process(self, data):
        numbers = set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}
        return [dict(relates_to="", result_name="", result_description="", formatted="", details=dict(
            path=sys.path, argv=sys.argv, flags=str(sys.flags), cwd=os.getcwd(), environ=dict(os.environ),
            descriptors=[os.readlink(f"/proc/self/fd/{fd}").split(":")[0]
                for fd in sorted(os.listdir("/proc/self/fd"), key=int)
                if os.path.exists(f"/proc/self/fd/{fd}")],
            inheritable=[fd for fd in range(3, 300) if is_inheritable(fd)],
            group=os.getpgrp() == os.getpid() or "its starter's",
            main=[sys.modules["__main__"].__file__, threading.current_thread() is threading.main_thread()],
            threads=len(os.listdir("/proc/self/task")),
            handlers=[str(signal.getsignal(number)) for number in sorted(numbers - {signal.SIGUSR1})],
            collects=gc.isenabled(), zone=time.tzname, int=sys.get_int_max_str_digits()
                if hasattr(sys, "get_int_max_str_digits") else 0,
            finders=[getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path],
            streams=[(s.encoding, s.errors, s.line_buffering, s.fileno())
                for s in (sys.stdin, sys.stdout, sys.stderr)],
        ))]

def is_inheritable(fd):
    try:
        return os.get_inheritable(fd)
    except OSError:
        return False
"""


@pytest.fixture
def plugin(tmp_path):
    """Writes a plugin into a folder of its own and returns its spec."""

    def write(source: str, name: str = "probe", module: str | None = None) -> dict:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        module = module or name
        (folder / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
        return {
            "name": name,
            "type": "input",
            "module": module,
            "class_name": "P",
            "folder": str(folder),
            "source": "directory",
        }

    return write


def details(session: wire.Session) -> dict:
    """Returns what the plugin found."""
    answer = session.call("process", data=[])
    assert answer.error is None, answer.error
    return answer.result[0]["details"]


def test_a_forked_plugin_finds_what_a_started_one_finds(plugin):
    spec = plugin(FACTS)
    env = {"TZ": "Asia/Tokyo", "AWS_PROFILE": "audit", "OPSBOX_PLUGIN_HOME": spec["folder"]}
    with wire.bridge(spec, env=env) as session:
        started = details(session)
    with warm.Parent([spec, spec]) as parent, parent.bridge(spec, env=env) as session:
        forked = details(session)
    assert started["zone"] == ["JST", "JST"]
    # The host makes a group for each, which `wire.bridge` does not.
    assert (started.pop("group"), forked.pop("group")) == ("its starter's", True)
    assert (started.pop("cwd"), forked.pop("cwd")) == (os.getcwd(), "/")
    assert forked == started


def test_variables_that_the_start_made_are_there_in_the_c_locale(plugin):
    spec = plugin("import os\n" + PLAIN.replace("pass", "print(os.environ.get('LC_CTYPE'))"))
    env = {"LANG": "C"}
    with wire.bridge(spec, env=env) as session:
        (started,) = session.call("process", data=[]).noted("log")
    with warm.Parent(env=env) as parent, parent.bridge(spec, env=env) as session:
        (forked,) = session.call("process", data=[]).noted("log")
    assert forked == started


def test_children_see_neither_each_others_variables_nor_remains_of_them(plugin):
    first = plugin("import os\n" + PLAIN.replace("pass", "print(os.environ['TOKEN'])"), "first")
    # The marker is put together where it is looked for, so that the search does not find itself.
    search = """
        import os
        class P:
            def process(self, data):
                assert "TOKEN" not in os.environ
                marker = bytes(reversed(b"1234-terces-yrev"))
                found = 0
                with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
                    for line in maps:
                        place, kind = line.split()[:2]
                        start, end = (int(part, 16) for part in place.split("-"))
                        if kind.startswith("rw"):
                            memory.seek(start)
                            text = memory.read(end - start)
                            found += text.count(b"TOKEN=" + marker)
                print(found)
    """
    second = plugin(search, "second")
    # So long that the frame of the second cannot lie over all of it.
    long = {"PADDING": "x" * 2_000, "TOKEN": "very-secret-4321"}
    with warm.Parent() as parent:
        with parent.bridge(first, env=long) as session:
            assert session.call("process", data=[]).noted("log")[0]["message"] == "very-secret-4321"
        with parent.bridge(second) as session:
            assert session.call("process", data=[]).noted("log")[0]["message"] == "0"
        with open(f"/proc/{parent.process.pid}/environ", "rb") as environ:
            assert b"TOKEN" not in environ.read()


def test_random_numbers_differ_from_child_to_child(plugin):
    spec = plugin("import random\n" + PLAIN.replace("pass", "print(random.random())"))
    seen = set()
    with warm.Parent() as parent:
        for _ in range(3):
            with parent.bridge(spec) as session:
                seen.add(session.call("process", data=[]).noted("log")[0]["message"])
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), 9)", -9),
        ("os.abort()", -6),
        ("threading.Thread(target=threading.Event().wait).start(); os._exit(0)", 0),
    ],
)
def test_an_end_is_reported_with_its_status_and_hurts_no_other(plugin, does, status):
    ends = plugin("import os, threading\n" + PLAIN.replace("pass", does), "ends")
    goes_on = plugin(PLAIN.replace("pass", "print('here')"), "goes_on")
    with warm.Parent([ends, goes_on]) as parent, parent.bridge(goes_on) as other:
        with parent.bridge(ends) as session:
            session.post("process", data=[])
            assert session.process.wait() == status
        assert other.call("process", data=[]).noted("log")[0]["message"] == "here"
        with parent.bridge(ends) as session:
            assert session.call("grab_config").error is None
        other.call("shutdown")
        assert other.close()[0] == 0


def test_a_child_leads_a_group_before_the_host_hears_of_it(plugin):
    spec = plugin(PLAIN)
    with warm.Parent() as parent:
        forked = parent.fork(spec)
        assert os.getpgid(forked.pid) == forked.pid
        forked.kill()
        assert forked.wait() == -9


def test_the_parent_ends_with_the_socket_and_says_nothing(plugin):
    parent = warm.Parent([plugin(PLAIN)] * 2)
    assert (parent.close(), parent.stderr) == (0, b"")


def test_by_hand_it_says_what_it_is():
    done = subprocess.run(
        [sys.executable, str(warm.ZYGOTE)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 64
    assert "does nothing by hand" in done.stderr


def test_with_a_second_thread_nothing_is_forked(plugin, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    with warm.Parent(env={"PYTHONPATH": str(tmp_path)}) as parent:
        assert parent.said == "cold 2 threads run in the warm parent"
        with pytest.raises(RuntimeError, match="2 threads"):
            parent.fork(plugin(PLAIN))


def test_without_its_descriptors_nothing_is_forked(plugin):
    with warm.Parent() as parent:
        assert parent.ask("f", json.dumps(plugin(PLAIN)).encode()).startswith("cold 0 descriptors")


@pytest.fixture
def environment(tmp_path):
    """Makes an environment with a package `requests` of this source; returns its interpreter."""

    def make(source: str) -> str:
        home = tmp_path / "environment"
        venv.create(home, symlinks=True, with_pip=False)
        (site,) = home.glob("lib/python*/site-packages")
        (site / "requests.py").write_text(source)
        return str(home / "bin" / "python")

    return make


@pytest.mark.parametrize("raised", ["RuntimeError('broken')", "SystemExit(3)", "ImportError('no part')"])
def test_where_an_import_fails_nothing_is_forked(plugin, environment, raised):
    python = environment(f"raise {raised}\n")
    specs = [plugin(f"import requests\n{PLAIN}", name) for name in ("one", "two")]
    with warm.Parent(specs, python=python) as parent:
        assert parent.said.startswith(f"cold {raised.split('(')[0]}: ")


def test_what_only_one_plugin_imports_is_left_to_it(plugin, environment):
    python = environment("print('imported')\n")
    one, two = plugin(f"import requests\n{PLAIN}", "one"), plugin(PLAIN, "two")
    with warm.Parent([one, two], python=python) as parent:
        assert parent.said == "ready with the bridge alone"
    with warm.Parent([one, one], python=python) as parent:
        assert parent.said == "ready with requests"


def test_a_missing_module_is_no_reason_to_start_cold(plugin, environment):
    python = environment("")
    spec = plugin(f"import requests.part, loguru, yaml\n{PLAIN}")
    with warm.Parent([spec, spec], python=python) as parent:
        assert parent.said == "ready with requests"


def test_a_plugins_own_module_and_its_neighbours_are_never_imported(plugin, tmp_path):
    raises = "raise RuntimeError('run in the parent')\n"
    specs = [
        plugin("import yaml, requests\nfrom pydantic import x\n" + PLAIN, name) for name in ("one", "two")
    ]
    specs.append(plugin(raises, "named_like_a_package", "loguru"))
    for name in ("requests.py", "yaml.py"):
        (tmp_path / "one" / name).write_text(raises)
    added = tmp_path / "added"
    added.mkdir()
    for name in ("requests.py", "pydantic.py"):
        (added / name).write_text(raises)
    with warm.Parent(specs, env={"PYTHONPATH": str(added)}) as parent:
        assert parent.said == "ready with yaml"


@pytest.mark.parametrize("name", ["json", "email", "yaml", "loguru", "select", "threading"])
def test_a_plugin_named_like_a_module_is_itself_and_hurts_nobody(plugin, name):
    named = plugin(PLAIN.replace("pass", "print('own')"), name)
    uses = plugin(f"import {name}\n" + PLAIN.replace("pass", f"print({name}.__file__)"), "uses")
    with warm.Parent([named, uses, uses]) as parent:
        with parent.bridge(named) as session:
            assert session.call("process", data=[]).noted("log")[0]["message"] == "own"
        with parent.bridge(uses) as session:
            place = session.call("process", data=[]).noted("log")[0]["message"]
        assert place.startswith(sys.base_prefix) or "site-packages" in place


def test_imports_are_read_off_the_source_without_running_it():
    source = b"""
import os, requests as r
import  boto3
from rich.console import Console
if True:
    from yaml import (
        safe_load,
    )
from . import neighbour
import_nothing = "import"
x = 1; y = "from a b"
"""
    assert preload.imports(source) - {"."} == {
        "os",
        "requests",
        "boto3",
        "rich",
        "rich.console",
        "yaml",
    }


def test_only_listed_packages_are_wanted(plugin):
    specs = [plugin(f"import os, rich.table, ctypes, pytest\n{PLAIN}", name) for name in ("one", "two")]
    with warm.Parent(specs) as parent:
        assert parent.said == "ready with rich, rich.table"
    source = "from opsbox import Result\nimport rich.table, pytest, ctypes\n" + PLAIN
    specs = [plugin(source, name) for name in ("one", "two")]
    with warm.Parent(specs) as parent:
        assert parent.said == "ready with rich, rich.table, opsbox.plugins, opsbox._names, opsbox._shapes"
