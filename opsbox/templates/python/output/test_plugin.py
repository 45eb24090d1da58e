"""Tests of plugin.py: `python3 -m unittest`."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import plugin
import wire


class Delivering(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.results = [{"result_name": "a", "details": []}, {"result_name": "b", "details": []}]

    def deliver(self, file):
        received = [wire.Received(each) for each in self.results]
        for each in received:
            each.raw = json.dumps(each)
        call = mock.Mock(config={"my_plugin_file": str(file)}, received=mock.Mock(return_value=received))
        plugin.process_results(call)
        return call

    def test_every_result_is_in_the_file(self):
        file = self.folder / "all.json"
        call = self.deliver(file)
        self.assertEqual(json.loads(file.read_text()), self.results)
        call.output.assert_called_once_with(f"results in {file}: 2\n")
        self.assertEqual([each.name for each in self.folder.iterdir()], ["all.json"])

    def test_a_folder_that_is_not_there_is_an_error(self):
        with self.assertRaises(OSError):
            self.deliver(self.folder / "gone" / "all.json")


if __name__ == "__main__":
    unittest.main()
