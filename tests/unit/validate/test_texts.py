"""Columns about the characters of a text."""

from collections.abc import Callable
from typing import Any

import pytest

from satiety.core.records import Document
from satiety.validate.table import Table
from satiety.validate.texts import COLUMNS


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("characters", "  two words\n", 9),
        ("characters", "\u3000\u3000", 0),
        ("characters", "很好吃", 3),
        ("words", "never again!", 3),
        ("words", "我来到北京清华大学", 4),
        ("han", "你好 ab", 0.5),
        ("han", "!!", 0.0),
        ("symbols", "ab !?", 0.5),
        ("symbols", "😂😂。。", 1.0),
        ("symbols", "  ", 0.0),
        ("garbage", "ab\ufffd\x00", 0.5),
        ("garbage", "line\nline\tline 。！…", 0.0),
        ("garbage", "", 0.0),
    ],
)
def test_a_column_measures_the_text(
    make_table: Callable[..., Table[Any]], column: str, text: str, value: float
) -> None:
    assert COLUMNS[column](make_table([Document("a", text)])) == [value]
