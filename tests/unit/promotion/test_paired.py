"""Differences and slices of real answers, English and Chinese; how often equal systems seem to differ."""

import numpy as np
import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.evaluate.bootstrap import Resampling
from satiety.problems import Prediction
from satiety.promotion.calibration import compare_calibration
from satiety.promotion.paired_bootstrap import compare_paired
from satiety.promotion.slices import compare_slices
from tests.packaging import answers, examples, settled

HOW = Resampling(3, 400, 0.95)


def test_the_difference_is_that_of_the_metric_and_the_error_that_of_theory() -> None:
    gold, problem = examples("classify", 400), settled("classify")
    old, new = (problem.tally(gold, answers(gold, share)) for share in (0.6, 0.8))
    found = compare_paired(problem.score, old, new, np.arange(400), HOW)["accuracy"]
    apart = (new[:, :2] - old[:, :2]).sum(axis=1)
    assert found.value == pytest.approx(0.2)
    assert found.error == pytest.approx(apart.std() / 20, rel=0.1)
    assert found.champion.low < 0.6 < found.champion.high
    assert (found.interval(0.025).low, found.examples) == (pytest.approx(0.2 - 1.96 * found.error, abs=1e-4), 400)


def test_texts_of_one_group_count_as_little_more_than_one() -> None:
    gold, problem = examples("classify", 400), settled("classify")
    tallies = [np.repeat(problem.tally(gold, answers(gold, share)), 3, axis=0) for share in (0.6, 0.8)]
    grouped, single = (
        compare_paired(problem.score, *tallies, groups, HOW)["accuracy"].error
        for groups in (np.repeat(np.arange(400), 3), np.arange(1200))
    )
    assert grouped == pytest.approx(single * 3**0.5, rel=0.15)


def test_no_example_and_unequal_ones_are_refused() -> None:
    problem = settled("classify")
    for first, second, message in (
        (0, 0, "there are no test examples"),
        (2, 3, "same examples, but there are 2 and 3"),
    ):
        with pytest.raises(DataError, match=message):
            compare_paired(problem.score, np.zeros((first, 6)), np.zeros((second, 6)), np.arange(first), HOW)


def test_equal_systems_seem_better_as_seldom_as_the_level_says() -> None:
    """Macro-F1 on 200 texts, one of two classes with a fifth of them, at the alphas of a first and of a fourth look."""
    draw, problem, beyond = np.random.default_rng(5), settled("classify"), []
    for _ in range(1500):
        label = (draw.random(200) < 0.2).astype(int)
        tallies = []
        shared = draw.random(200) < 0.5
        common = np.where(draw.random(200) < 0.8, label, 1 - label)
        for _system in range(2):
            own = np.where(draw.random(200) < 0.8, label, 1 - label)
            given = np.where(shared, common, own)
            counts = np.zeros((200, 3, 2))
            counts[np.arange(200), 1, given] = counts[np.arange(200), 2, label] = 1
            counts[:, 0] = counts[:, 1] * counts[:, 2]
            tallies.append(counts.reshape(200, 6))
        found = compare_paired(problem.score, *tallies, np.arange(200), Resampling(3, 200, 0.95))["macro_f1"]
        beyond.append([found.interval(alpha).low > 0 for alpha in (0.0125, 0.00125)])
    often, seldom = np.mean(beyond, axis=0)
    assert often <= 0.0125 + 3 * (0.0125 / 1500) ** 0.5
    assert seldom <= 0.00125 + 3 * (0.00125 / 1500) ** 0.5
    assert often > 0.004


def mixed(count: int) -> list[Example]:
    """Return as many English as Chinese examples, the Chinese ones shorter."""
    texts, labels = [("the film was good enough for us", "en"), ("电影好看", "zh")], ("bad", "good")
    both = [texts[i % 2] for i in range(count)]
    return [
        Example(f"t{i}", {"text": text}, answer=Label(labels[i // 2 % 2]), language=one)
        for i, (text, one) in enumerate(both)
    ]


def test_a_language_that_got_worse_is_seen_though_the_whole_did_not() -> None:
    gold, problem = mixed(200), settled("classify")
    old = [Prediction(Label(str(e.answer) if i % 5 else "bad")) for i, e in enumerate(gold)]
    new = [Prediction(Label(str(e.answer) if e.language == "en" else "bad")) for e in gold]
    first, second = problem.tally(gold, old), problem.tally(gold, new)
    found = compare_slices(problem, gold, first, second, ["label", "language", "length"], 30, HOW)
    assert {"label bad", "label good", "language en", "language zh"} < set(found)
    assert found["language zh"].interval(0.025).high < -0.02
    assert found["language en"].value > 0
    assert compare_slices(problem, gold, first, second, [], 30, HOW) == {}
    assert compare_slices(problem, gold, first, second, ["language"], 101, HOW) == {}


def test_entities_have_slices_of_their_kinds() -> None:
    texts = ["anna lives in paris", "王小明住在上海"]
    spans = [(Span(0, 4, "PER"), Span(14, 19, "LOC")), (Span(0, 3, "PER"), Span(5, 7, "LOC"))]
    gold = [
        Example(f"t{i}", {"text": texts[i % 2]}, answer=Spans(spans[i % 2]), language=("en", "zh")[i % 2])
        for i in range(80)
    ]
    problem = settled("ner")
    old = [Prediction(e.answer) for e in gold]
    new = [Prediction(Spans(tuple(s for s in e.answer.mentions if s.label == "PER"))) for e in gold]
    found = compare_slices(
        problem, gold, problem.tally(gold, old), problem.tally(gold, new), ["label", "language"], 30, HOW
    )
    assert set(found) == {"label LOC", "label PER", "language en", "language zh"}
    assert (found["label LOC"].value, found["label PER"].value) == (-1, 0)


def test_thirds_by_length_part_the_texts() -> None:
    gold = [
        Example(f"t{i}", {"text": "字" * (i + 1)}, answer=Label(("bad", "good")[i % 2]), language="zh")
        for i in range(90)
    ]
    problem = settled("classify")
    right, wrong = ([Prediction(e.answer) for e in gold], [Prediction(Label("bad")) for _ in gold])
    found = compare_slices(problem, gold, problem.tally(gold, right), problem.tally(gold, wrong), ["length"], 30, HOW)
    assert {name: one.examples for name, one in found.items()} == {
        "length short": 30,
        "length middling": 30,
        "length long": 30,
    }


def test_calibration_is_compared_on_the_same_answers() -> None:
    gold, problem = examples("classify", 300), settled("classify")
    right = answers(gold, 0.7)
    bold = [Prediction(one.answer, confidence=0.99) for one in right]
    fair = [Prediction(one.answer, confidence=0.7) for one in right]
    found = compare_calibration(problem, gold, bold, fair, 10, HOW)
    assert (found.champion.value, found.challenger.value) == (pytest.approx(0.29), pytest.approx(0, abs=1e-9))
    assert found.interval(0.0125).high < 0
    same = compare_calibration(problem, gold, fair, fair, 10, HOW)
    assert (same.value, same.error) == (0, 0)
