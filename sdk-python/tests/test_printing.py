"""What a plugin prints, logs or runs.

The wire stays clean, and the text arrives where it should, in order.
"""

from __future__ import annotations

import sys

import pytest

EVERYWHERE = """
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None)
class P:
    def {hook}(self, *given):
        print("one")
        os.write(1, b"two\\n")
        libc.printf(b"three\\n"); libc.fflush(None)
        subprocess.run(["echo", "four"], check=True)
        sys.__stdout__.write("five\\n")
        print("six, no end", end="")
        return []
"""


def test_an_outputs_text_arrives_in_order_from_wherever_it_was_written(start):
    plugin = start(EVERYWHERE.format(hook="process_results"), "output")
    answer = plugin.call("process_results", results=[])
    assert answer.text == "one\ntwo\nthree\nfour\nfive\nsix, no end"
    assert {params["stream"] for params in answer.noted("output")} == {"stdout"}
    assert not answer.noted("log")


def test_the_text_of_other_plugins_is_log_lines(start):
    plugin = start(EVERYWHERE.format(hook="process"))
    answer = plugin.call("process", data=[])
    assert [(log["level"], log["message"]) for log in answer.noted("log")] == [
        ("info", line) for line in ("one", "two", "three", "four", "five", "six, no end")
    ]
    assert not answer.noted("output")


def test_much_output_arrives_whole(start):
    plugin = start("class P:\n    def process_results(self, r):\n        print('é' * 3_000_000)\n", "output")
    assert plugin.call("process_results", results=[]).text == "é" * 3_000_000 + "\n"


@pytest.mark.parametrize("ending", ["shutdown", "end of the stream"])
def test_a_print_at_exit_arrives_and_nothing_follows_the_answer_to_shutdown(start, ending):
    plugin = start(
        "import atexit\natexit.register(print, 'bye')\nclass P:\n    def process_results(self, r): pass\n",
        "output",
    )
    plugin.call("process_results", results=[])
    before = plugin.call("shutdown").text if ending == "shutdown" else ""
    status, last = plugin.close()
    after = "".join(params["text"] for _, params in last)
    assert (status, before, after) == ((0, "bye\n", "") if ending == "shutdown" else (0, "", "bye\n"))


def test_text_that_is_not_unicode_does_not_break_the_wire(start):
    plugin = start(
        "import os\nclass P:\n    def process_results(self, r):\n"
        "        print('a\\udcffb'); os.write(1, b'\\xff\\n'); raise ValueError('c\\ud800d')\n",
        "output",
    )
    answer = plugin.call("process_results", results=[])
    assert answer.text == "a\ufffdb\n\ufffd\n"
    assert "ValueError: c\\ud800d" in answer.error["message"]


def test_a_plugin_that_reads_standard_input_gets_its_end(start):
    plugin = start("class P:\n    def process(self, data): return input('name? ')\n")
    error = plugin.call("process", data=[]).error
    assert error["code"] == -33008
    assert "EOFError" in error["message"]
    assert "standard input" in error["data"]["hint"]


def test_records_of_logging_are_log_messages_with_their_level_and_logger(start):
    plugin = start(
        """
        import logging
        logging.basicConfig(stream=__import__("sys").stdout)
        log = logging.getLogger("my.part")
        log.propagate = False
        class P:
            def process(self, data):
                log.info("hello %s", "you"); log.debug("unseen"); log.warning("bad %d", "x")
                try:
                    1 / 0
                except ZeroDivisionError:
                    log.exception("failed")
        """
    )
    logs = plugin.call("process", data=[]).noted("log")
    assert [(log["level"], log["fields"]["logger"]) for log in logs] == [
        ("info", "my.part"),
        ("warn", "my.part"),
        ("error", "my.part"),
    ]
    assert logs[0]["message"] == "hello you"
    assert "'bad %d'" in logs[1]["message"]
    assert logs[2]["message"].endswith("ZeroDivisionError: division by zero")


def test_records_of_loguru_are_log_messages_even_where_a_plugin_removes_all_sinks(start):
    plugin = start(
        """
        from loguru import logger
        logger.remove()
        class P:
            def process(self, data):
                secret = "hunter2"
                logger.success("found {}", 3); logger.trace("unseen")
                try:
                    1 / 0
                except ZeroDivisionError:
                    logger.exception("failed")
        """
    )
    logs = plugin.call("process", data=[]).noted("log")
    assert [(log["level"], log["message"].split("\n")[0]) for log in logs] == [
        ("info", "found 3"),
        ("error", "failed"),
    ]
    assert "ZeroDivisionError" in logs[1]["message"]
    assert "hunter2" not in logs[1]["message"]


@pytest.mark.parametrize(
    "record",
    [
        "import logging; logging.getLogger('x').error('denied')",
        "from loguru import logger; logger.error('denied')",
    ],
)
def test_an_error_logged_while_gathering_is_a_gap_of_that_call(start, record):
    plugin = start(
        f"""
        class P:
            def activate(self):
                {record}
            def gather_data(self):
                import threading
                thread = threading.Thread(target=self.activate); thread.start(); thread.join()
                return dict(relates_to='', result_name='', result_description='', details={{}}, formatted='')
        """,
        "provider",
    )
    assert not plugin.call("activate").noted("gap")
    answer = plugin.call("gather_data")
    assert answer.result["details"] == {}
    (gap,) = answer.noted("gap")
    assert (gap["id"], gap["why"]) == (3, "denied")


@pytest.mark.parametrize(
    ("record", "n_gaps"),
    [
        ("import logging; logging.getLogger('x').warning('slow')", 0),
        ("import logging; logging.getLogger('x').warning('part', exc_info=True)", 1),
        ("from loguru import logger; logger.warning('slow')", 0),
        ("from loguru import logger; logger.opt(exception=True).warning('part')", 1),
    ],
)
@pytest.mark.parametrize("log_level", ["info", "error"])
def test_a_warning_is_a_gap_where_an_exception_is_part_of_it(start, record, n_gaps, log_level):
    plugin = start(
        f"""
        class P:
            def gather_data(self):
                try:
                    {{}}["account"]
                except KeyError:
                    {record}
                return dict(relates_to='', result_name='', result_description='', details={{}}, formatted='')
        """,
        "provider",
        log_level=log_level,
    )
    gaps = plugin.call("gather_data").noted("gap")
    assert len(gaps) == n_gaps
    assert all("KeyError: 'account'" in gap["why"] for gap in gaps)


def test_an_exception_that_ends_a_thread_is_a_gap_of_the_call(start):
    plugin = start(
        """
        import threading, sys
        class P:
            def gather_data(self):
                def fail(): raise PermissionError("eu-west-3 is denied")
                for target in (fail, lambda: sys.exit(3)):
                    thread = threading.Thread(target=target, name="region")
                    thread.start(); thread.join()
                return dict(relates_to='', result_name='', result_description='', details={}, formatted='')
        """,
        "provider",
    )
    answer = plugin.call("gather_data")
    (gap,) = answer.noted("gap")
    assert gap["why"] == "thread `region` ended with PermissionError: eu-west-3 is denied"
    logs = [(log["level"], log["message"]) for log in answer.noted("log")]
    (said,) = [message for level, message in logs if level == "error"]
    assert said.startswith(gap["why"]) and "\n" not in said, "the default level shows one line"
    assert any(level == "info" and "in fail" in message for level, message in logs)


def test_a_long_log_text_is_cut_to_the_hosts_limit(start):
    plugin = start("class P:\n    def process(self, data): print('é' * 9000)\n")
    (log,) = plugin.call("process", data=[]).noted("log")
    assert len(log["message"].encode()) <= 8192
    assert log["message"].endswith("é…")


def test_the_console_is_as_wide_as_the_users_terminal(start):
    plugin = start(
        "from opsbox.cli import console\nclass P:\n    def process_results(self, r): console.rule('x')\n",
        "output",
        terminal={"columns": 33, "color": False},
    )
    assert len(plugin.call("process_results", results=[]).text) == 34


def test_a_forked_child_speaks_through_its_parent(start):
    plugin = start(
        """
        import logging, os
        class P:
            def process(self, data):
                child = os.fork()
                if child == 0:
                    logging.error("from the child")
                    print("printed by the child")
                    os._exit(0)
                os.waitpid(child, 0)
        """
    )
    heard = [log["message"] for log in plugin.call("process", data=[]).noted("log")]
    assert sorted(heard) == ["from the child", "printed by the child"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_subprocesses_inherit_no_descriptor_of_the_wire(start):
    plugin = start(
        """
        import subprocess
        class P:
            def process(self, data):
                listing = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True)
                print(listing.stdout.decode())
        """
    )
    listing = [log["message"] for log in plugin.call("process", data=[]).noted("log")]
    assert sum("pipe:" in line for line in listing) <= 2, listing
