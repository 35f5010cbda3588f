"""What tells two questions apart, and what does not: the id of their inputs."""

from typing import Any

import pytest

from satiety.answers import Span
from satiety.inputs import identify, key_of

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
    assert identify(first) != identify(second)
    assert key_of(first) != key_of(second)


def test_a_text_alone_stands_for_itself() -> None:
    assert key_of({"text": TEXT}) == TEXT
    assert identify({"text": TEXT}) == identify({"text": f" {TEXT}  "}), "spaces around it change nothing"
