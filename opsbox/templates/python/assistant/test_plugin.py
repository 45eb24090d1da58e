"""Tests of plugin.py: `python3 -m unittest`."""

import unittest
from unittest import mock

import plugin
import wire

LINE = '{"result_name":"a","details":[{"bytes": 12345678901234567890},{}],"x_mine":1.50}'


class Counting(unittest.TestCase):
    def call(self, first):
        results = [wire.Received({"result_name": "a", "details": [{}, {}]})]
        return mock.Mock(config={"my_plugin_first": first}, received=mock.Mock(return_value=results))

    def test_findings_are_counted_by_result(self):
        results = [
            {"result_name": name, "details": details}
            for name, details in [("a", [{}]), ("b", []), ("a", {"k": 1})]
        ]
        self.assertEqual(plugin.count(results)["details"], {"findings": {"a": 2, "b": 0}})

    def test_the_count_stands_where_the_configuration_says(self):
        for first, names in [(True, ["my_plugin", "a"]), (False, ["a", "my_plugin"])]:
            answer = plugin.process_input(self.call(first))
            self.assertEqual([each["result_name"] for each in answer], names)


class HandingOn(unittest.TestCase):
    def test_a_result_is_handed_on_as_the_text_that_it_came_in(self):
        line = '{"jsonrpc":"2.0","id":1,"method":"process_input","params":{"input":[' + LINE + "]}}"
        host = mock.Mock(config={})
        params = {"input": [wire.json.loads(LINE)]}
        results = wire.Call(host, 1, params, line).received("input")
        self.assertEqual(wire.to_json(results), "[" + LINE + "]")

    def test_a_changed_result_is_written_anew(self):
        result = wire.Received({"formatted": "old"})
        result.raw = '{"formatted":"old"}'
        result["formatted"] = "new"
        self.assertEqual(wire.to_json([result]), '[{"formatted":"new"}]')

    def test_a_number_that_became_a_truth_value_is_a_change(self):
        result = wire.Received({"open": 1})
        result.raw = '{"open": 1}'
        self.assertEqual(wire.to_json(result), '{"open": 1}')
        result["open"] = True
        self.assertEqual(wire.to_json(result), '{"open":true}')


if __name__ == "__main__":
    unittest.main()
