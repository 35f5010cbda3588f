"""Ids and keys of inputs: different inputs have different ones."""

from dataclasses import asdict
from typing import Any

import pytest

from satiety.core.answers import Span
from satiety.core.inputs import content_id, dump_inputs, key_of, load_inputs, read_value

BOB, ANN = Span(0, 3, "PER"), Span(10, 13, "PER")
TEXT = "Bob knows Ann"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"text": TEXT, "entities": (BOB, ANN)}, {"text": TEXT, "entities": (ANN, BOB)}),
        ({"text": TEXT, "entities": ()}, {"text": TEXT, "entities": (BOB,)}),
        ({"query": "茶", "numbers": (1.0, 2.0)}, {"query": "茶", "numbers": (2.0, 1.0)}),
        ({"text": "a\nb", "text_b": "c"}, {"text": "a", "text_b": "b\nc"}),
        ({"query": "q", "candidates": ("x", "y")}, {"query": "q", "candidates": ("y", "x")}),
    ],
)
def test_other_inputs_have_another_id_and_key(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert content_id(first) != content_id(second)
    assert key_of(first) != key_of(second)


def test_key_of_a_single_text_is_the_text() -> None:
    assert key_of({"text": TEXT}) == TEXT
    assert content_id({"text": TEXT}) == content_id({"text": f" {TEXT}  "}), "spaces around it change nothing"


@pytest.mark.parametrize("value", ["茶", ("a", "b"), (1.0, 2.5), (BOB, ANN), ()])
def test_parsed_input_is_read_back(value: Any) -> None:
    assert read_value(value) == value
    assert load_inputs(dump_inputs({"value": value})) == {"value": value}


def test_span_may_be_an_object() -> None:
    assert read_value([asdict(BOB), [10, 13, "PER"]]) == (BOB, ANN)
