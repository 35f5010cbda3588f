"""Words and units of English and Chinese text."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import SetupError
from satiety.text.words import _jieba, split_units, split_words


def cut_spans(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Don't stop, Zoë!", ["Don", "'", "t", "stop", ",", "Zoë", "!"]),
        ("他在北京2024", ["他", "在", "北", "京", "2024"]),
        ("iPhone手机", ["iPhone", "手", "机"]),
        ("caf\u0065\u0301 ok", ["cafe\u0301", "ok"]),
        ("👍🏽好", ["👍🏽", "好"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("한국어", ["한", "국", "어"]),
        ("  \t\n", []),
        ("", []),
    ],
)
def test_units_are_what_a_label_can_begin_or_end_at(text: str, parts: list[str]) -> None:
    assert cut_spans(text, split_units(text)) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("我来到北京清华大学", ["我", "来到", "北京", "清华大学"]),
        ("The iPhone手机 works.", ["The", "iPhone", "手机", "works", "."]),
        ("今天天气，很好！", ["今天天气", "，", "很", "好", "！"]),
        ("plain English only", ["plain", "English", "only"]),
        ("", []),
    ],
)
def test_words_are_segmented_in_chinese_and_split_in_english(text: str, parts: list[str]) -> None:
    assert cut_spans(text, split_words(text)) == parts


@pytest.mark.parametrize("split", [split_units, split_words])
@given(text=st.text(st.sampled_from("ab é好天气。,!\t京\u0301\u200d👍が한")))
def test_every_character_but_white_space_is_in_exactly_one_span(split: object, text: str) -> None:
    spans = split(text)  # type: ignore[operator]
    covered = [i for start, end in spans for i in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, c in enumerate(text) if not c.isspace() and c not in "\u0301\u200d"} <= set(covered)
    assert all(start < end for start, end in spans)


def test_chinese_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    _jieba.cache_clear()
    with pytest.raises(SetupError, match=r"Chinese text needs the extra `zh`: pip install 'satiety\[zh\]'"):
        split_words("北京")
    assert cut_spans("no Chinese", split_words("no Chinese")) == ["no", "Chinese"]
