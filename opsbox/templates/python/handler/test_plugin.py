"""Tests of plugin.py: `python3 -m unittest`."""

import unittest
from unittest import mock

import plugin
import wire


class Handling(unittest.TestCase):
    def handle(self, answer):
        call = mock.Mock(params={"plugin": {"name": "certificates"}, "prior_results": []})
        call.call_hook.return_value = answer
        results = plugin.process_plugin(call)
        call.call_hook.assert_called_once_with("certificates", "look", {})
        return results

    def test_findings_become_a_result_of_the_plugin(self):
        (result,) = self.handle([{"resource": "a"}])
        self.assertEqual((result["result_name"], result["details"]), ("certificates", [{"resource": "a"}]))

    def test_an_answer_that_is_no_list_is_an_error_that_names_the_plugin(self):
        with self.assertRaisesRegex(wire.Failed, "certificates"):
            self.handle({})


if __name__ == "__main__":
    unittest.main()
