"""Exact and near duplicates in English and Chinese, without false positives."""

import os
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.core.normalization import normalise
from satiety.text.deduplication import HeldOut, _band_width, find_duplicates, group_similar, jaccard

PAIRS = [
    ("The train to Leeds leaves from platform four at nine.", "The train to Leeds leaves from platform four at nine!"),
    ("体验2D巅峰 倚天屠龙记十大创新概览，玩家反响非常热烈", "体验2D巅峰 倚天屠龙记十大创新概览，玩家反响非常热烈！"),
]
TEXTS = st.lists(st.text(alphabet="ab 中文。", max_size=12), max_size=30)


def number_texts(texts: list[str]) -> list[tuple[str, str]]:
    return [(str(i), text) for i, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("Hello  World", "hello world"),
        ("ＡＢＣ１２３", "abc123"),
        ("你好　世界", " 你好 世界\n"),
        ("pay\u200bment due", "payment due"),
    ],
)
def test_case_width_and_white_space_make_no_difference(text: str, variant: str) -> None:
    assert normalise(text) == normalise(variant)
    first, second = find_duplicates([("a", text), ("b", variant)], 0.8)
    assert (first.twin, second.twin, second.exact) == (None, "a", True)


@pytest.mark.parametrize(("text", "variant"), PAIRS)
def test_a_changed_mark_makes_a_near_duplicate(text: str, variant: str) -> None:
    _, second = find_duplicates([("a", text), ("b", variant)], 0.8)
    assert (second.twin, second.exact) == ("a", False)


@pytest.mark.parametrize(("text", "variant"), PAIRS)
def test_a_threshold_above_the_similarity_keeps_both(text: str, variant: str) -> None:
    above = jaccard(normalise(text), normalise(variant)) + 0.001
    assert [verdict.twin for verdict in find_duplicates([("a", text), ("b", variant)], above)] == [None, None]


def test_an_exact_copy_of_a_near_duplicate_has_the_first_text_as_its_twin() -> None:
    unique, near_copy = PAIRS[1]
    assert [v.twin for v in find_duplicates(number_texts([unique, near_copy, near_copy]), 0.8)] == [None, "0", "0"]


@pytest.mark.parametrize("text", ["", "a", "好", "\ud800", "a\0b", "👍🏽"])
def test_short_and_unusual_texts_are_compared_correctly(text: str) -> None:
    assert [v.twin for v in find_duplicates([("a", text), ("b", text), ("c", text + "x")], 0.8)] == [None, "a", None]


def test_no_texts_have_no_twins_and_no_groups() -> None:
    assert list(find_duplicates([], 0.8)) == []
    assert group_similar([], 0.8) == []
    assert HeldOut([("a", "text")], 0.8).find_leaks([]) == []
    assert HeldOut([], 0.8).find_leaks(["text"]) == [None]


@given(TEXTS, st.floats(0.3, 1.0))
@settings(max_examples=60)
def test_a_twin_is_a_similar_text_without_a_twin(texts: list[str], threshold: float) -> None:
    verdicts = list(find_duplicates(number_texts(texts), threshold))
    unique = {v.id for v in verdicts if v.twin is None}
    for verdict in verdicts:
        if verdict.twin is not None:
            text, twin_text = normalise(texts[int(verdict.id)]), normalise(texts[int(verdict.twin)])
            assert verdict.twin in unique
            assert verdict.exact == (text == twin_text)
            assert verdict.exact or jaccard(text, twin_text) >= threshold


def test_pairs_at_the_threshold_are_found_as_often_as_promised() -> None:
    rng = random.Random(7)
    match_count, close = 0, 0
    for _ in range(150):
        text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(90))
        variant = text[:80] + str(rng.randrange(10**8))
        if jaccard(normalise(text), normalise(variant)) >= 0.8:
            close += 1
            match_count += list(find_duplicates([("a", text), ("b", variant)], 0.8))[1].twin == "a"
    assert close >= 100
    assert match_count >= 0.98 * close


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.65, 0.8, 0.95, 1.0])
def test_bands_are_as_wide_as_the_promise_allows(threshold: float) -> None:
    width = _band_width(threshold)
    if width > 1:
        assert (1 - threshold**width) ** (128 // width) <= 0.005
    assert threshold < 1.0 or width == 128


def test_a_chain_of_similar_texts_is_one_group() -> None:
    base = "深圳市民政局今天上午宣布新的养老服务补贴办法将于下月起实行"
    chain = [base, base[4:] + "敬请留意", base[8:] + "敬请留意各区通知"]
    assert jaccard(chain[0], chain[2]) < 0.6 < min(jaccard(*chain[:2]), jaccard(*chain[1:]))
    assert group_similar([*chain, "something else entirely"], 0.6) == [0, 0, 0, 3]


class TestContamination:
    HELD_OUT = (
        ("t1", "The delivery was late and nobody answered the phone."),
        ("t2", "客服态度很差，等了两个小时没人理我"),
    )

    @pytest.mark.parametrize(
        ("text", "owner"),
        [
            ("the delivery was late  and nobody answered the phone.", "t1"),
            ("The delivery was late and nobody answered the phones.", "t1"),
            ("Review of the week: the delivery was late and nobody answered the phone. Never again!", "t1"),
            ("nobody answered the phone", "t1"),
            ("昨天在店里，客服态度很差，等了两个小时没人理我，再也不来了", "t2"),
            ("等了两个小时没人理", "t2"),
            ("the phone", None),
            ("两个小时", None),
            ("The delivery was early and everybody was kind to me.", None),
        ],
    )
    def test_a_text_that_gives_away_a_held_out_text_is_named(self, text: str, owner: str | None) -> None:
        assert HeldOut(self.HELD_OUT, 0.8).find_leaks([text]) == [owner]

    def test_a_short_held_out_text_is_found_only_in_exact_copies(self) -> None:
        assert HeldOut([("t", "thank you")], 0.8).find_leaks(["thank you so much", "Thank you"]) == [None, "t"]

    @given(TEXTS, TEXTS)
    @settings(max_examples=60)
    def test_every_held_out_text_is_found_in_itself(self, held_out: list[str], other_texts: list[str]) -> None:
        leaks = HeldOut(number_texts(held_out), 0.8).find_leaks([*held_out, *other_texts])
        assert None not in leaks[: len(held_out)]


def test_twins_and_groups_are_the_same_in_every_process() -> None:
    code = (
        "from satiety.text.deduplication import *;"
        "t=[('%d'%i, '%d 今天天气 nice weather today %d' % (i%7, i//9)) for i in range(400)];"
        "print([v.twin for v in find_duplicates(t,.7)], group_similar([x for _,x in t],.6))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for seed, threads in (("0", "1"), ("1", "2"))
    }
    assert len(answers) == 1
