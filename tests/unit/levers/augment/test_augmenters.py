"""What each augmenter does to a text."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from satiety.levers.augment import AUGMENTERS
from satiety.levers.augment.word_edits import find_words

ENGLISH = "the new phone is better than the old one, and cheaper"
CHINESE = "王小明在北京大学学习，他觉得新手机比旧手机好看"
THUCNEWS = Path("../shared/data/thucnews/dev.txt")
BOTH = pytest.mark.parametrize("text", [ENGLISH, CHINESE])


def rewrite_text(kind: str, text: str, language: str = "en", **fields: object) -> list[str]:
    augmenter = AUGMENTERS[kind].sample().model_copy(update=fields)
    return [r.text for seed in range(10) for r in augmenter.rewrite(text, language, random.Random(seed))]


def sort_words(text: str) -> list[str]:
    return sorted(text[start:end] for start, end in find_words(text))


@BOTH
def test_swap_keeps_the_characters_and_the_marks_in_number(text: str) -> None:
    copies = rewrite_text("swap", text, alpha=0.5)
    assert copies
    assert all(sorted(copy) == sorted(text) for copy in copies)
    assert all(re.findall(r"[,，]", copy) == re.findall(r"[,，]", text) for copy in copies)


def test_swap_makes_as_many_swaps_as_alpha_says() -> None:
    words = " ".join(f"w{i}" for i in range(40))
    shifted = [
        sum(a != b for a, b in zip(copy.split(), words.split(), strict=True)) for copy in rewrite_text("swap", words)
    ]
    assert max(shifted) == 8  # 4 swaps of 2 words each
    assert min(shifted) >= 3


@BOTH
def test_drop_leaves_words_out_and_adds_none(text: str) -> None:
    copies = rewrite_text("drop", text, probability=0.3)
    assert copies
    for copy in copies:
        assert len(copy) < len(text)
        assert "  " not in copy
        characters = iter(text)
        assert all(character in characters for character in copy), "a subsequence of the text"


def test_drop_never_drops_the_last_word_left() -> None:
    copies = rewrite_text("drop", "good 电影", probability=0.999)
    assert copies
    assert set(copies) <= {"good", "电影"}


@BOTH
def test_punctuate_only_adds_marks(text: str) -> None:
    copies = rewrite_text("punctuate", text)
    for copy in copies:
        marks = len(copy.replace(" ", "")) - len(text.replace(" ", ""))
        assert 1 <= marks <= 0.3 * len(find_words(text))
        assert sort_words(copy) == sort_words(text)


def test_punctuate_gives_chinese_its_own_marks_and_no_spaces() -> None:
    copies = rewrite_text("punctuate", CHINESE, "zh")
    assert {mark for copy in copies for mark in re.findall(r"[^\w]", copy)} <= set("。；？：！，")


def test_keyboard_replaces_characters_by_neighbours_one_by_one() -> None:
    for copy in rewrite_text("keyboard", ENGLISH):
        assert len(copy) == len(ENGLISH)
        changed = [(a, b) for a, b in zip(ENGLISH, copy, strict=True) if a != b]
        assert changed
        assert all(len(ENGLISH.split()[i]) >= 4 for i, word in enumerate(copy.split()) if word != ENGLISH.split()[i])
        assert all(a.islower() and b.islower() for a, b in changed)


def test_keyboard_touches_only_the_latin_words_of_a_mixed_text() -> None:
    for copy in rewrite_text("keyboard", "我昨天买了iPhone手机"):
        assert re.fullmatch(r"我昨天买了.{6}手机", copy)


def test_char_swap_never_crosses_a_word() -> None:
    places = find_words(CHINESE)
    copies = rewrite_text("char_swap", CHINESE, "zh", words=1.0)
    assert copies
    for copy in copies:
        assert all(sorted(copy[start:end]) == sorted(CHINESE[start:end]) for start, end in places)


def test_spelling_knows_english_only() -> None:
    assert rewrite_text("spelling", ENGLISH, "en")
    assert rewrite_text("spelling", ENGLISH, "und")
    assert not rewrite_text("spelling", ENGLISH, "fr")
    assert not rewrite_text("spelling", CHINESE, "zh")


@pytest.mark.slow
def test_misspellings_do_not_depend_on_the_order_of_sets() -> None:
    code = (
        "import random; from satiety.levers.augment import AUGMENTERS;"
        f"print([r.text for r in AUGMENTERS['spelling'].sample().rewrite({ENGLISH!r}, 'en', random.Random(1))])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert "phone" in answers.pop()


@pytest.mark.skipif(not THUCNEWS.exists(), reason="needs ../shared/data/thucnews")
@pytest.mark.parametrize("kind", ["swap", "drop", "punctuate", "char_swap"])
def test_real_chinese_titles_are_changed_word_by_word(kind: str) -> None:
    titles = [line.split("\t")[0] for line in THUCNEWS.read_text(encoding="utf-8").splitlines()[:50]]
    augmenter = AUGMENTERS[kind].sample()
    changed = [title for title in titles if list(augmenter.rewrite(title, "zh", random.Random(title)))]
    assert len(changed) > 35
