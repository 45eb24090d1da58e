"""The program that writes long answers makes the same bytes as Python does, or none, and then Python writes.

The host's binary is named by OPSBOX_PROGRAM; `cargo test` sets it.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import random
import signal
import struct

import pytest

from opsbox._wire import codec, native

PROGRAM = os.environ.get("OPSBOX_PROGRAM")
pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="OPSBOX_PROGRAM names no program"),
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memory files"),
]


@pytest.fixture(autouse=True)
def program():
    """Lets the program write everything, however short."""
    before, codec.program = codec.program, PROGRAM
    much, codec._MUCH = codec._MUCH, -1
    yield
    codec.program, codec._MUCH = before, much


def written(value):
    """Returns what the program writes of a value."""
    return bytes(native.written(PROGRAM, lambda frames: frames.value(value)))


def whole(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def test_numbers_are_spelt_alike():
    chance = random.Random(1)
    floats = [10.0**n for n in range(-30, 30)] + [-0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2]
    while len(floats) < 20_000:
        number = struct.unpack("<d", chance.randbytes(8))[0]
        if math.isfinite(number):
            floats += [number, round(chance.uniform(-1e6, 1e6), chance.randrange(9))]
    assert written(floats) == whole(floats)
    integers = [sign * (2**n + d) for n in range(119) for d in (-1, 0, 1) for sign in (1, -1)]
    assert written(integers) == whole(integers)


def test_texts_are_spelt_alike():
    texts = [chr(n) for n in range(0x3000) if not 0xD800 <= n < 0xE000] + ["😀", "a" * 300, "ü" * 300, ""]
    assert written([texts, "".join(texts)]) == whole([texts, "".join(texts)])
    assert written({text: text for text in texts}) == whole({text: text for text in texts})


def anything(chance, level=0):
    """Returns plain data of any shape; parts of it stand in more than one place."""
    makers = [
        lambda: chance.choice([None, True, False, 0, 1, -1, 255, 2**31, -(2**63), 2**100]),
        lambda: chance.choice([0.5, 1e22, 1e-7, -0.0, 3.0]),
        lambda: chance.choice(["", "a", "state", 'with "quotes"', "line\nbreak", "ü", "x" * 70]),
        lambda: [anything(chance, level + 1) for _ in range(chance.randrange(5))],
        lambda: tuple(anything(chance, level + 1) for _ in range(chance.randrange(3))),
        lambda: [anything(chance, level + 1)] * 3,
        lambda: {
            chance.choice(["a", "b", "ü", 1, 2.5, None, True]): anything(chance, level + 1)
            for _ in range(chance.randrange(4))
        },
    ]
    return chance.choice(makers[: 3 if level > 5 else None])()


def test_data_of_any_shape_is_written_alike():
    chance = random.Random(2)
    values = [anything(chance) for _ in range(3_000)]
    assert written(values) == whole(values)
    for value in values[:50]:
        assert bytes(codec.encode({"details": {"input": [value] * 300}})) == whole(
            {"details": {"input": [value] * 300}}
        )


def test_long_answers_are_written_by_the_program_and_short_ones_here(monkeypatch):
    monkeypatch.setattr(codec, "_MUCH", 1 << 20)
    value = [{"relates_to": "a", "details": [{"n": n, "s": "x" * 100} for n in range(20_000)]}]
    made = codec.encode(value)
    assert type(made).__name__ == "mmap"
    assert bytes(made) == whole(value)
    short = codec.encode([{"relates_to": "a", "details": [{"n": 1}] * 1000}])
    assert type(short) is bytes


def test_pieces_with_values_that_only_python_knows_are_written_by_it():
    day = datetime.date(2024, 5, 31)
    value = {"details": [{"day": day}] * 300 + [{"n": 1}] * 300 + [{"b": b"x", "s": {2, 1}}] * 300}
    made = codec.encode(value)
    assert json.loads(bytes(made)) == {
        "details": [{"day": "2024-05-31"}] * 300 + [{"n": 1}] * 300 + [{"b": "x", "s": [1, 2]}] * 300
    }


@pytest.mark.parametrize("odd", [float("nan"), float("-inf"), "\ud800", {"a": {(1, 2): 3}}, 2**4000])
def test_what_the_program_refuses_is_written_here(odd):
    said = []
    value = {"details": [{"n": 1}] * 600 + [{"odd": odd}]}
    made = codec.encode(value, said.append)
    codec.program = None
    told = []
    assert bytes(made) == codec.encode(value, told.append)
    assert said == told


@pytest.mark.parametrize("program", ["/nowhere/opsbox", "/dev/null", "/bin/false", "/bin/true"])
def test_without_a_program_that_writes_python_does(program):
    codec.program = program
    value = {"details": [{"n": n} for n in range(600)]}
    assert bytes(codec.encode(value)) == whole(value)


def children():
    """Returns the processes that this one has started, ended ones that nobody asked about among them."""
    found = set()
    for number in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.add(number)
    return found


def test_nothing_is_left_open_and_no_process_remains():
    def there():
        return len(os.listdir("/proc/self/fd")), children()

    before = there()
    for value in ([1] * 300, [float("nan")] * 300, [object] * 300):
        try:
            codec.encode(value)
        except ValueError:
            pass
    codec.program = "/nowhere/opsbox"
    codec.encode([1] * 300)
    assert there() == before


def test_who_has_a_broken_pipe_end_the_process_lives_on():
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        value = {"details": [{"n": float("inf")}] * 300 + [{"s": "x" * 1000, "n": n} for n in range(3000)]}
        assert json.loads(bytes(codec.encode(value)))["details"][0] == {"n": None}
    finally:
        signal.signal(signal.SIGPIPE, before)
