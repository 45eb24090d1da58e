"""The protocol's own rules: ids, order, cancel, the end of the stream, what is unknown."""

from __future__ import annotations

import json

import pytest
import wire

BUSY = """
import threading, time
class P:
    def process(self, data):
        print("started")
        {body}
    def activate(self): pass
"""


@pytest.mark.parametrize("spelling", ["1", "-7", '"a,b"', '"\\u00e9 \\" ,"', "123456789012345678901234"])
@pytest.mark.parametrize("order", ["first", "last"])
def test_an_id_is_echoed_byte_for_byte(start, spelling, order):
    plugin = start("class P: pass\n")
    lines = {
        "first": f'{{"jsonrpc":"2.0","id":{spelling},"method":"activate","params":{{}}}}',
        "last": f' {{ "params": {{"id": [3]}}, "method" : "activate", "id" : {spelling} ,"jsonrpc":"2.0"}}\r',
    }
    plugin.send(lines[order].encode())
    assert plugin.read() == f'{{"jsonrpc":"2.0","id":{spelling},"result":{{}}}}\n'.encode()


def test_readers_accept_a_bom_blank_lines_and_carriage_returns(start):
    plugin = start("class P: pass\n")
    plugin.send(b"\n\r\n\xef\xbb\xbf" + b'{"jsonrpc":"2.0","id":9,"method":"activate"}\r')
    assert json.loads(plugin.read()) == {"jsonrpc": "2.0", "id": 9, "result": {}}


def test_the_unknown_is_answered_or_ignored(start):
    plugin = start("class P: pass\n")
    plugin.notify("x-nobody/knows", a=1)
    plugin.send(b'{"jsonrpc":"2.0","id":"h1","result":{}}')
    assert plugin.call("process_plugin").error["code"] == -32601
    assert plugin.call("x-nobody/knows").error["code"] == -32601


def test_broken_lines_are_named_and_requests_among_them_are_answered(start):
    plugin = start("class P: pass\n")
    for line, code in (
        (b'{"jsonrpc":"2.0","id":77,"method":"activate","params":{', -32700),
        (b'{"jsonrpc":"2.0","id":"h","method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":79,"method":"activate","params":[1]}', -32602),
    ):
        plugin.send(line)
        answer = json.loads(plugin.read())
        assert answer["error"]["code"] == code, answer
        assert str(answer["id"]) in line.decode()
    for line in (
        b"not json",
        b"[1]",
        b'{"jsonrpc":"2.0","id":78}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"activate"}',
    ):
        plugin.send(line)
        assert "passed over" in plugin.until("log")["message"]
    assert plugin.call("activate").result == {}


def test_another_protocol_is_refused_with_what_is_supported(start):
    plugin = start("class P: pass\n", protocol={"min": 2, "max": 3})
    assert plugin.hello.error["code"] == -33001
    assert plugin.hello.error["data"]["supported"] == {"min": 1, "max": 1}
    assert plugin.call("activate").error["code"] == -33002


@pytest.mark.parametrize("body", ["time.sleep(10_000)", "threading.Event().wait()", "while True: pass"])
def test_cancel_reaches_a_hook_that_sleeps_waits_or_computes(start, body):
    plugin = start(BUSY.format(body=body))
    call_id = plugin.post("process", data=[])
    plugin.until("log")
    plugin.notify("$/cancel", id=call_id)
    assert plugin.wait().error["code"] == -33004
    assert plugin.call("activate").result == {}


def test_a_hook_that_swallows_the_cancel_answers_with_its_result(start):
    plugin = start(
        """
        import time
        class P:
            def process(self, data):
                try:
                    print("started")
                    time.sleep(10_000)
                except BaseException:
                    return []
        """
    )
    call_id = plugin.post("process", data=[])
    plugin.until("log")
    plugin.notify("$/cancel", id=call_id)
    assert plugin.wait().result == []


def test_a_cancel_while_a_flood_is_printed_cuts_no_line_in_two(start):
    plugin = start(BUSY.format(body="\n        while True: __import__('logging').warning('x' * 5000)\n"))
    call_id = plugin.post("process", data=[])
    plugin.until("log")
    plugin.notify("$/cancel", id=call_id)
    assert plugin.wait().error["code"] == -33004
    assert plugin.call("activate").result == {}


def test_a_call_cancelled_before_its_turn_never_runs(start):
    plugin = start(BUSY.format(body="time.sleep(10_000)"))
    first, second = plugin.post("process", data=[]), plugin.post("process", data=[])
    plugin.until("log")
    plugin.notify("$/cancel", id=second)
    plugin.notify("$/cancel", id=12345)
    plugin.notify("$/cancel", id=first)
    assert json.loads(plugin.wait().line)["id"] == first
    answer = plugin.wait()
    assert (json.loads(answer.line)["id"], answer.error["code"], answer.notes) == (second, -33004, [])


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(10_000)",
        "while True: pass",
        "\n        while True:\n            try: time.sleep(10)\n            except BaseException: pass\n",
    ],
)
def test_the_end_of_the_stream_ends_the_process_even_while_a_hook_runs(start, body):
    plugin = start(BUSY.format(body=body))
    plugin.post("process", data=[])
    plugin.until("log")
    status, _ = plugin.close()
    assert status == 0


def test_a_thread_that_never_ends_does_not_keep_the_process_alive(start):
    plugin = start(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\nclass P: pass\n"
    )
    assert plugin.call("shutdown").result == {}
    assert plugin.close()[0] == 0


def test_calls_that_wait_are_answered_in_order(start):
    plugin = start("class P:\n    def process(self, data): return data\n")
    ids = [plugin.post("process", data=[wire.result({"n": n})]) for n in range(64)]
    answers = [plugin.wait() for _ in ids]
    assert [json.loads(answer.line)["id"] for answer in answers] == ids
    assert [answer.result[0]["details"]["n"] for answer in answers] == list(range(64))


def test_a_large_answer_is_one_line_with_the_payload_last(start):
    plugin = start(
        "class P:\n"
        "    def gather_data(self): return dict(relates_to='a', result_name='b', result_description='c',"
        " details={'rows': [{'n': n, 'text': 'é' * 50} for n in range(100_000)]}, formatted='')\n",
        "provider",
    )
    answer = plugin.call("gather_data")
    assert answer.line.startswith(b'{"jsonrpc":"2.0","id":2,"result":{"relates_to":"a",')
    assert len(answer.line) > 10_000_000
    assert answer.result["details"]["rows"][99_999]["n"] == 99_999


def nested(levels):
    return '{"a":' * levels + "1" + "}" * levels


def request(method, member, details, call_id=50):
    names = '"relates_to":"a","result_name":"b","result_description":""'
    result = f'{{{names},"details":{details},"formatted":""}}'
    params = f'{{"{member}":[{result}]}}'
    return f'{{"jsonrpc":"2.0","id":{call_id},"method":"{method}","params":{params}}}'.encode()


def test_a_result_at_the_greatest_depth_is_answered_though_the_hosts_line_is_deeper(start):
    plugin = start("class P:\n    def process_input(self, input): return input\n", "assistant")
    plugin.send(request("process_input", "input", nested(125)))
    assert plugin.wait().result[0]["result_name"] == "b"
    plugin.send(request("process_input", "input", nested(126)))
    error = plugin.wait().error
    assert error["code"] == -33008
    assert "nests more than" in error["message"]


@pytest.mark.parametrize("levels", [300, 900, 3_000, 100_000])
def test_a_line_of_any_depth_is_answered_and_the_plugin_lives(start, levels):
    plugin = start("class P:\n    def process_input(self, input): return input\n", "assistant")
    plugin.send(request("process_input", "input", nested(levels)))
    answer = plugin.wait()
    assert answer.error["code"] in (-32700, -33008), answer.error
    assert plugin.call("process_input", input=[]).result == []
