"""Words are found and texts assembled, with an alignment of every unchanged stretch."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import SetupError
from satiety.levers.augment import word_edits
from satiety.levers.augment.word_edits import apply_noise, assemble, find_words, gaps, load_nlpaug

THUCNEWS = Path("../shared/data/thucnews/dev.txt")


@pytest.mark.parametrize(
    ("text", "actual"),
    [
        ("Don't go, @anna! http://t.co/x (#fun)", ["Don't", "go", "@anna", "http://t.co/x", "#fun"]),
        ("王小明在北京大学，真好！", ["王小明", "在", "北京大学", "真", "好"]),
        ("我买了iPhone手机", ["我", "买", "了", "iPhone", "手机"]),
        ("!!! … 😀 —", []),
        ("", []),
    ],
)
def test_the_movable_words_of_a_text_are_found(text: str, actual: list[str]) -> None:
    assert [text[start:end] for start, end in find_words(text)] == actual


@given(st.text(max_size=60))
def test_words_and_gaps_assembled_are_the_text(text: str) -> None:
    places = find_words(text)
    text_gaps = gaps(text, places)
    assert len(text_gaps) == len(places) + 1
    parts = [part for gap, place in zip(text_gaps, [*places, (0, 0)], strict=True) for part in (gap, place)]
    assert assemble(text, parts).text == text.strip()


def test_words_that_stay_together_are_aligned_as_one_stretch() -> None:
    rewrite = assemble("吃了 good food", [(8, 12), "！", (0, 3), (3, 8)])
    assert rewrite.text == "food！吃了 good"
    assert rewrite.alignment == ((8, 0, 4), (0, 5, 7))


def test_white_space_at_the_ends_is_cut_from_text_and_alignment() -> None:
    rewrite = assemble(" a b ", [(0, 3), (4, 5)])
    assert rewrite.text == "a"
    assert rewrite.alignment == ((1, 0, 1),)


class Shout:
    """Stands for an augmenter of nlpaug."""

    def __init__(self, *answer: str) -> None:
        self.answer = list(answer)

    def augment(self, joined: str) -> list[str]:
        return self.answer or [joined.upper()]


def test_changed_words_replace_the_original_ones() -> None:
    text = "oh GOD, 他爱 tea"
    rewrite = apply_noise(text, find_words(text), Shout(), random.Random(1))
    assert rewrite is not None
    assert rewrite.text == "OH GOD, 他爱 TEA"
    assert rewrite.alignment == ((2, 2, 9),)


@pytest.mark.parametrize("noise", [Shout("A\x1fB"), Shout("a\x1fb\x1fc"), Shout("a"), Shout("")])
def test_no_change_or_another_number_of_words_gives_no_rewrite(noise: Shout) -> None:
    assert apply_noise("A B", find_words("A B"), noise, random.Random(1)) is None


def test_a_text_without_words_gives_no_rewrite() -> None:
    assert apply_noise("!", [], Shout(), random.Random(1)) is None


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_import_error(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(word_edits, "import_module", raise_import_error)
    with pytest.raises(SetupError, match=r"uses nlpaug, from the extra `train`: pip install 'satiety\[train\]'"):
        load_nlpaug("char", "NoSuchAug")


@pytest.mark.skipif(not THUCNEWS.exists(), reason="needs ../shared/data/thucnews")
def test_real_chinese_titles_are_cut_into_words_not_taken_for_one() -> None:
    titles = [line.split("\t")[0] for line in THUCNEWS.read_text(encoding="utf-8").splitlines()[:500]]
    lengths = [end - start for title in titles for start, end in find_words(title)]
    assert 1.5 < sum(lengths) / len(lengths) < 3
