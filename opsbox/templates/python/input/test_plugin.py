"""Tests of plugin.py: `python3 -m unittest`."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import plugin


class Findings(unittest.TestCase):
    def test_a_load_below_the_bound_is_clean(self):
        self.assertEqual(plugin.findings("9.00 3.99 9.00 1/234 5678\n", 4), [])

    def test_the_bound_itself_is_a_finding(self):
        found = plugin.findings("0.00 4.00 0.00 1/234 5678\n", 4)
        self.assertEqual([(each["resource"], each["load"]) for each in found], [("load", 4.0)])


class Processing(unittest.TestCase):
    def test_a_load_that_cannot_be_read_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaises(OSError):
            plugin.process(mock.Mock(config=dict(plugin.DEFAULTS)), Path(folder))


if __name__ == "__main__":
    unittest.main()
