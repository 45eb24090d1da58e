"""Children that a plugin forks: what they log counts, they end where its code ends."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("what `fork` does to a plugin is promised on Linux", allow_module_level=True)

HEAD = """
import logging, os, sys
from core.plugins import Result

def result():
    return Result(relates_to="a", result_name="b", result_description="", details=[], formatted="")

def work(region):
    logging.error("region %s: access denied", region)
    return []
"""

FORKS = {
    "fork": """
        pid = os.fork()
        if pid == 0:
            work("eu")
            os._exit(0)
        os.waitpid(pid, 0)
    """,
    "loguru": """
        from loguru import logger
        pid = os.fork()
        if pid == 0:
            logger.error("region eu: access denied")
            os._exit(0)
        os.waitpid(pid, 0)
    """,
    "grandchild": """
        pid = os.fork()
        if pid == 0:
            second = os.fork()
            if second == 0:
                work("eu")
                os._exit(0)
            os.waitpid(second, 0)
            os._exit(0)
        os.waitpid(pid, 0)
    """,
    "process": """
        import multiprocessing
        child = multiprocessing.get_context("fork").Process(target=work, args=("eu",))
        child.start()
        child.join()
    """,
    "pool": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(work, ["eu"])
    """,
    "executor": """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
            list(pool.map(work, ["eu"]))
    """,
}


def hook(body: str, name: str = "process(self, data)", returned: str = "[result()]") -> str:
    """Returns the source of a plugin with one hook."""
    lines = "\n".join("    " + line for line in body.splitlines())
    return f"{HEAD}\nclass P:\n    def {name}:\n{lines}\n        return {returned}\n"


@pytest.mark.parametrize("way", FORKS)
def test_an_error_that_a_forked_child_logs_is_a_gap(start, way):
    answer = start(hook(FORKS[way].replace("\n    ", "\n"))).call("process", data=[])
    assert len(answer.result) == 1
    assert [gap["why"] for gap in answer.noted("gap")] == ["region eu: access denied"]
    logged = answer.noted("log")
    assert [(log["level"], log["message"]) for log in logged] == [("error", "region eu: access denied")]


def test_of_a_provider_too(start):
    source = hook(FORKS["fork"].replace("\n    ", "\n"), "gather_data(self)", "result()")
    answer = start(source, "provider").call("gather_data")
    assert [gap["why"] for gap in answer.noted("gap")] == ["region eu: access denied"]


def test_many_children_at_once_leave_the_wire_whole(start):
    body = """
    text = "x" * 20000
    pids = []
    for child in range(8):
        pid = os.fork()
        if pid == 0:
            for each in range(50):
                logging.warning("%d %d %s", child, each, text)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
"""
    logged = start(hook(body)).call("process", data=[]).noted("log")
    seen = {tuple(log["message"].split()[:2]) for log in logged}
    assert len(logged) == len(seen) == 400
    assert all(log["message"].endswith("x…") for log in logged)


@pytest.mark.parametrize(
    ("leaves", "status", "told"),
    [
        ("return [result()]", 0, []),
        ("return 'no Result'", 0, []),
        ("sys.exit(0)", 0, []),
        ("sys.exit(7)", 7, []),
        ("sys.exit('enough')", 1, []),
        ("raise ValueError('lost')", 1, ["a forked process ended with ValueError: lost; nobody caught it"]),
    ],
)
def test_a_child_that_leaves_the_hook_ends_there(start, leaves, status, told):
    body = f"""
    import atexit
    kept = open(os.path.join(os.path.dirname(__file__), "kept"), "w")
    pid = os.fork()
    if pid == 0:
        atexit.register(kept.write, "kept")
        {leaves}
    found = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("child:", found, open(kept.name).read())
"""
    plugin = start(hook(body))
    answer = plugin.call("process", data=[])
    assert len(answer.result) == 1
    printed = [log["message"] for log in answer.noted("log") if log["level"] == "info"]
    assert printed == [f"child: {status} kept"]
    assert [gap["why"] for gap in answer.noted("gap")] == told
    assert plugin.call("shutdown").error is None
    assert plugin.close()[0] == 0
    assert ("enough" in plugin.stderr.decode()) == ("enough" in leaves)
    assert ("ValueError: lost" in plugin.stderr.decode()) == bool(told)


def test_a_child_that_leaves_the_import_ends_there(start):
    source = HEAD + "pid = os.fork()\nif pid == 0:\n    sys.exit(3)\n"
    source += "status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
    source += "class P:\n    def process(self, data):\n        print(status)\n        return []\n"
    answer = start(source).call("process", data=[])
    assert [log["message"] for log in answer.noted("log")] == ["3"]


def test_a_child_that_closes_what_it_does_not_know_writes_into_no_other_file(start, tmp_path):
    body = """
    pid = os.fork()
    if pid == 0:
        os.closerange(3, 200)
        files = [open(os.path.join(os.path.dirname(__file__), f"f{n}"), "w") for n in range(20)]
        work("eu")
        os._exit(0)
    os.waitpid(pid, 0)
"""
    plugin = start(hook(body))
    assert len(plugin.call("process", data=[]).result) == 1
    assert plugin.call("shutdown").error is None
    assert plugin.close()[0] == 0
    assert "error region eu: access denied" in plugin.stderr.decode()
    assert [file.read_text() for file in tmp_path.glob("f*")] == [""] * 20


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_that_are_executed_anew_find_the_stand_ins(start, method):
    body = f"""
    import multiprocessing
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        print(pool.map(name_of, [result()]))
"""
    source = hook(body).replace("class P:", "def name_of(given):\n    return given.result_name\n\nclass P:")
    answer = start(source).call("process", data=[])
    assert [log["message"] for log in answer.noted("log")] == ["['b']"]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("module", ["logging", "loguru"])
def test_an_error_that_a_child_executed_anew_logs_is_a_gap(start, method, module):
    body = f"""
    import multiprocessing
    with multiprocessing.get_context("{method}").Pool(1) as pool:
        pool.map(of_{module}, ["eu"])
"""
    ways = "of_logging = work\n\ndef of_loguru(region):\n    from loguru import logger\n"
    ways += "    logger.error(f'region {region}: access denied')\n\nclass P:"
    answer = start(hook(body).replace("class P:", ways)).call("process", data=[])
    assert [gap["why"] for gap in answer.noted("gap")] == ["region eu: access denied"]
    assert [log["message"] for log in answer.noted("log")] == ["region eu: access denied"]


def test_a_child_of_a_handler_is_told_that_it_cannot_ask(start):
    source = (
        HEAD
        + """
class P:
    def process_plugin(self, plugin, prior_results, registry):
        pid = os.fork()
        if pid == 0:
            plugin.plugin_obj.scan()
        os.waitpid(pid, 0)
        return [result()]
"""
    )
    plugin = start(source, "handler")
    facts = {"name": "cert", "type": "scanner", "uses": [], "hooks": ["scan"], "stage": "check"}
    answer = plugin.call("process_plugin", plugin=facts, prior_results=[])
    assert len(answer.result) == 1
    said = [log["message"] for log in answer.noted("log")]
    assert len(said) == 1
    assert (
        "`scan` of plugin `cert` failed: `host/call_hook` in a forked process, which the host does not know"
        in said[0]
    )
