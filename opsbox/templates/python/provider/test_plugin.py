"""Tests of plugin.py: `python3 -m unittest`."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import plugin

MEMINFO = "MemTotal:       16000 kB\nMemFree:         100 kB\nMemAvailable:    4000 kB\n"


class Gathering(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.proc = Path(folder.name)
        (self.proc / "loadavg").write_text("0.52 1.04 2.08 1/234 5678\n")
        self.call = mock.Mock(config=dict(plugin.DEFAULTS))

    def test_load_and_memory_are_gathered(self):
        (self.proc / "meminfo").write_text(MEMINFO)
        details = plugin.gather_data(self.call, self.proc)["details"]
        self.assertEqual(details["load"], {"one": 0.52, "five": 1.04, "fifteen": 2.08})
        self.assertEqual(details["memory"], {"total_kib": 16000, "available_kib": 4000})
        self.call.gap.assert_not_called()

    def test_what_cannot_be_read_is_a_gap_and_not_in_the_data(self):
        details = plugin.gather_data(self.call, self.proc)["details"]
        self.assertEqual(list(details), ["load"])
        path = str(self.proc / "meminfo")
        self.call.gap.assert_called_once_with(path, "No such file or directory", section="memory")

    def test_memory_can_be_left_out(self):
        self.call.config["my_plugin_memory"] = False
        self.assertEqual(list(plugin.gather_data(self.call, self.proc)["details"]), ["load"])
        self.call.gap.assert_not_called()


if __name__ == "__main__":
    unittest.main()
