"""Split English and Chinese texts into words and units.

*Words* are the terms of BM25 and of the augmenters. *Units* are the smallest parts that a span can start or end at: a
Chinese, Japanese or Korean character, a run of letters and digits of another script, or one other character.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from satiety.core.errors import SetupError

CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
"""Scripts without spaces between words, or of syllable blocks: iteration mark, kana, ideographs, hangul."""
_MARKS = r"\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\u20d0-\u20ff\U0001f3fb-\U0001f3ff"
_UNIT = re.compile(rf"(?:[{CJK}]|[^\W_{CJK}{_MARKS}][^\W_{CJK}]*|\S)[{_MARKS}]*")
_CJK_RUN = re.compile(rf"[{CJK}]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def split_units(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of every unit; units contain no white space."""
    return [match.span() for match in _UNIT.finditer(text)]


def split_words(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of every word; Chinese is segmented by jieba.

    Raises:
        SetupError: the text is Chinese and the extra ``zh`` is not installed.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _find_runs(text):
        if _HAN.search(text, start, end):
            spans += [(start + a, start + b) for a, b in _segment(text[start:end])]
        else:
            spans.append((start, end))
    return spans


def _find_runs(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of every run of CJK characters and of every other unit."""
    runs: list[tuple[int, int]] = []
    for start, end in split_units(text):
        if runs and runs[-1][1] == start and _CJK_RUN.match(text[start]) and _CJK_RUN.match(text[runs[-1][0]]):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _segment(text: str) -> list[tuple[int, int]]:
    return [(start, end) for _, start, end in _jieba().tokenize(text)]


@cache
def _jieba() -> Any:
    try:
        import rjieba
    except ImportError:
        raise SetupError("Chinese text needs the extra `zh`: pip install 'satiety[zh]'") from None
    return rjieba
