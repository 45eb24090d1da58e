"""Long values are encoded in pieces: the text, its repairs and its errors are those of the whole."""

from __future__ import annotations

import json
from collections import OrderedDict
from enum import Enum

import pytest

from opsbox._wire import codec, values


class Text(str, Enum):
    A = "a"


def whole(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


ITEM = {"id": 'i-"1"', "ü\n": [1.5, 1e22, 1e-7, None, True, {}, []], "n": 2**70}


@pytest.mark.parametrize("n_items", [0, 1, 256, 257, 511, 512, 513, 1500])
@pytest.mark.parametrize("around", [1, 3, 6])
def test_pieces_make_the_text_of_the_whole(n_items, around):
    value = [ITEM] * n_items
    for level in range(around):
        value = {"before": 1, "level": level, "details": value, "after": [value] if level == 0 else None}
    assert codec.encode(value) == whole(value)


@pytest.mark.parametrize(
    "keys", [{1: "a"}, {None: "a"}, {True: "a"}, {1.5: "a"}, {Text.A: "a"}, {"a": 1, 2: 3}]
)
def test_keys_that_are_no_texts_are_written_as_ever(keys):
    value = {"long": [keys] * 300, **keys}
    assert codec.encode(value) == whole(value)


def test_other_kinds_of_dicts_lists_and_texts_are_written_as_ever():
    value = [OrderedDict(a=(1, 2)), {"a": Text.A}, tuple([ITEM] * 300)]
    assert codec.encode(value) == whole(value)


def test_what_is_no_number_in_the_last_piece_is_repaired_and_named():
    said = []
    value = {"details": [{"n": 1}] * 600 + [{"n": float("nan")}]}
    assert codec.encode(value, said.append) == whole({"details": [{"n": 1}] * 600 + [{"n": None}]})
    assert "details[600].n" in said[0]


def test_a_loop_and_an_unknown_object_in_a_long_list_are_named():
    loop = [{"n": 1}] * 600
    loop.append({"again": loop})
    with pytest.raises(values.Inexpressible):
        codec.encode({"details": loop})
    with pytest.raises(values.Inexpressible, match=r"details\[300\]\.n"):
        codec.encode({"details": [{"n": 1}] * 300 + [{"n": object()}]})
