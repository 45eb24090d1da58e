"""The end of a forked plugin: what an interpreter does at its end happens here, too."""

from __future__ import annotations

import gzip
import sys
import textwrap

import pytest
import wire

if sys.platform != "linux":
    pytest.skip("plugins are forked on Linux only", allow_module_level=True)

import warm

# What a plugin may leave to the end of its process, all of it in the folder it is started in.
LEAVES = """
    import atexit, gzip, logging, os, tempfile, threading, weakref

    folder = os.environ["LEFT"]
    def path(name):
        return os.path.join(folder, name)

    text = open(path("text"), "w")
    binary = open(path("binary"), "wb")
    packed = gzip.open(path("packed.gz"), "wt")
    handler = logging.FileHandler(path("log"))
    scratch = tempfile.TemporaryDirectory(dir=folder, prefix="scratch")

    def note(name):
        with open(path(name), "a") as file:
            file.write("done")

    class Connection:
        def __del__(self):
            note("of_module")

    connection = Connection()

    class P:
        def __del__(self):
            note("of_plugin")

        def process(self, data):
            text.write("kept")
            binary.write(b"kept")
            packed.write("kept")
            handler.stream.write("kept")
            atexit.register(note, "at_exit")
            weakref.finalize(self, note, "finalized")
            ready = threading.Event()
            def work():
                ready.wait()
                note("by_thread")
            threading.Thread(target=work).start()
            ready.set()
"""


def left(tmp_path, name: str, start) -> dict:
    """Returns what a plugin's process left behind: the text of each file by its name."""
    home = tmp_path / name
    folder = home / "left"
    folder.mkdir(parents=True)
    (home / "leaves.py").write_text(textwrap.dedent(LEAVES), "utf-8")
    spec = {"name": "leaves", "type": "input", "module": "leaves", "class_name": "P"}
    spec |= {"folder": str(home), "source": "directory"}
    with start(spec, env={"LEFT": str(folder)}) as session:
        assert session.call("process", data=[]).error is None
        assert session.call("shutdown").error is None
        assert session.close()[0] == 0
    with gzip.open(folder / "packed.gz", "rt") as packed:
        text = packed.read()
    return {file.name: text if file.suffix else file.read_text() for file in folder.iterdir()}


def test_a_forked_plugin_leaves_what_a_started_one_leaves(tmp_path):
    started = left(tmp_path, "started", wire.bridge)
    with warm.Parent() as parent:
        forked = left(tmp_path, "forked", parent.bridge)
    # Where an interpreter takes modules apart, what their `__del__` methods call may be gone already.
    assert forked == started | {"of_module": "done"}
    kept = ("text", "binary", "packed.gz", "log")
    done = ("of_module", "of_plugin", "at_exit", "finalized", "by_thread")
    assert forked == dict.fromkeys(kept, "kept") | dict.fromkeys(done, "done")


def test_an_end_that_fails_is_told_and_has_a_status(tmp_path):
    source = """
        import threading
        class P:
            def process(self, data):
                threading._shutdown = None
    """
    (tmp_path / "broken.py").write_text(textwrap.dedent(source), "utf-8")
    spec = {"name": "broken", "type": "input", "module": "broken", "class_name": "P"}
    spec |= {"folder": str(tmp_path), "source": "directory"}
    with warm.Parent() as parent, parent.bridge(spec) as session:
        session.call("process", data=[])
        session.call("shutdown")
        assert session.close()[0] == 1
