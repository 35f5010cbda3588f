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
from tests.packaging import answers, build_problem, examples

RESAMPLING = Resampling(3, 400, 0.95)


def test_the_difference_and_its_standard_error_are_those_of_theory() -> None:
    gold, problem = examples("classify", 400), build_problem("classify")
    champion, challenger = (problem.tally(gold, answers(gold, share)) for share in (0.6, 0.8))
    difference = compare_paired(problem.score, champion, challenger, np.arange(400), RESAMPLING)["accuracy"]
    differences = (challenger[:, :2] - champion[:, :2]).sum(axis=1)
    assert difference.value == pytest.approx(0.2)
    assert difference.error == pytest.approx(differences.std() / 20, rel=0.1)
    assert difference.champion.low < 0.6 < difference.champion.high
    assert (difference.interval(0.025).low, difference.examples) == (
        pytest.approx(0.2 - 1.96 * difference.error, abs=1e-4),
        400,
    )


def test_texts_of_one_group_count_as_one() -> None:
    gold, problem = examples("classify", 400), build_problem("classify")
    tallies = [np.repeat(problem.tally(gold, answers(gold, share)), 3, axis=0) for share in (0.6, 0.8)]
    grouped, ungrouped = (
        compare_paired(problem.score, *tallies, groups, RESAMPLING)["accuracy"].error
        for groups in (np.repeat(np.arange(400), 3), np.arange(1200))
    )
    assert grouped == pytest.approx(ungrouped * 3**0.5, rel=0.15)


def test_missing_and_unequal_examples_are_refused() -> None:
    problem = build_problem("classify")
    for first, second, message in (
        (0, 0, "there are no examples to score"),
        (2, 3, "same examples, but there are 2 and 3"),
    ):
        with pytest.raises(DataError, match=message):
            compare_paired(problem.score, np.zeros((first, 6)), np.zeros((second, 6)), np.arange(first), RESAMPLING)


def test_equal_systems_seem_better_as_rarely_as_the_level_promises() -> None:
    """Macro-F1 on 200 texts, a fifth of them of one class, at the alphas of the first and the fourth comparison."""
    draw, problem, false_positives = np.random.default_rng(5), build_problem("classify"), []
    for _ in range(1500):
        label = (draw.random(200) < 0.2).astype(int)
        tallies = []
        shared = draw.random(200) < 0.5
        common = np.where(draw.random(200) < 0.8, label, 1 - label)
        for _system in range(2):
            own_labels = np.where(draw.random(200) < 0.8, label, 1 - label)
            predicted = np.where(shared, common, own_labels)
            counts = np.zeros((200, 3, 2))
            counts[np.arange(200), 1, predicted] = counts[np.arange(200), 2, label] = 1
            counts[:, 0] = counts[:, 1] * counts[:, 2]
            tallies.append(counts.reshape(200, 6))
        difference = compare_paired(problem.score, *tallies, np.arange(200), Resampling(3, 200, 0.95))["macro_f1"]
        false_positives.append([difference.interval(alpha).low > 0 for alpha in (0.0125, 0.00125)])
    first_rate, fourth_rate = np.mean(false_positives, axis=0)
    assert first_rate <= 0.0125 + 3 * (0.0125 / 1500) ** 0.5
    assert fourth_rate <= 0.00125 + 3 * (0.00125 / 1500) ** 0.5
    assert first_rate > 0.004


def make_bilingual_examples(count: int) -> list[Example]:
    """Return as many English as Chinese examples, the Chinese ones shorter."""
    texts, labels = [("the film was good enough for us", "en"), ("电影好看", "zh")], ("bad", "good")
    pairs = [texts[i % 2] for i in range(count)]
    return [
        Example(f"t{i}", {"text": text}, answer=Label(labels[i // 2 % 2]), language=language)
        for i, (text, language) in enumerate(pairs)
    ]


def test_a_worse_language_is_found_though_the_other_is_better() -> None:
    gold, problem = make_bilingual_examples(200), build_problem("classify")
    champion_predictions = [Prediction(Label(str(e.answer) if i % 5 else "bad")) for i, e in enumerate(gold)]
    challenger_predictions = [Prediction(Label(str(e.answer) if e.language == "en" else "bad")) for e in gold]
    first, second = problem.tally(gold, champion_predictions), problem.tally(gold, challenger_predictions)
    slices = compare_slices(problem, gold, first, second, ["label", "language", "length"], 30, RESAMPLING)
    assert {"label bad", "label good", "language en", "language zh"} < set(slices)
    assert slices["language zh"].interval(0.025).high < -0.02
    assert slices["language en"].value > 0
    assert compare_slices(problem, gold, first, second, [], 30, RESAMPLING) == {}
    assert compare_slices(problem, gold, first, second, ["language"], 101, RESAMPLING) == {}


def test_entities_have_slices_of_their_types() -> None:
    texts = ["anna lives in paris", "王小明住在上海"]
    spans = [(Span(0, 4, "PER"), Span(14, 19, "LOC")), (Span(0, 3, "PER"), Span(5, 7, "LOC"))]
    gold = [
        Example(f"t{i}", {"text": texts[i % 2]}, answer=Spans(spans[i % 2]), language=("en", "zh")[i % 2])
        for i in range(80)
    ]
    problem = build_problem("ner")
    champion_predictions = [Prediction(e.answer) for e in gold]
    challenger_predictions = [Prediction(Spans(tuple(s for s in e.answer.mentions if s.label == "PER"))) for e in gold]
    slices = compare_slices(
        problem,
        gold,
        problem.tally(gold, champion_predictions),
        problem.tally(gold, challenger_predictions),
        ["label", "language"],
        30,
        RESAMPLING,
    )
    assert set(slices) == {"label LOC", "label PER", "language en", "language zh"}
    assert (slices["label LOC"].value, slices["label PER"].value) == (-1, 0)


def test_length_slices_are_thirds_of_the_texts() -> None:
    gold = [
        Example(f"t{i}", {"text": "字" * (i + 1)}, answer=Label(("bad", "good")[i % 2]), language="zh")
        for i in range(90)
    ]
    problem = build_problem("classify")
    correct, constant = ([Prediction(e.answer) for e in gold], [Prediction(Label("bad")) for _ in gold])
    slices = compare_slices(
        problem, gold, problem.tally(gold, correct), problem.tally(gold, constant), ["length"], 30, RESAMPLING
    )
    assert {name: metric.examples for name, metric in slices.items()} == {
        "length short": 30,
        "length middling": 30,
        "length long": 30,
    }


def test_calibration_is_compared_on_the_same_answers() -> None:
    gold, problem = examples("classify", 300), build_problem("classify")
    predictions = answers(gold, 0.7)
    overconfident = [Prediction(prediction.answer, confidence=0.99) for prediction in predictions]
    calibrated = [Prediction(prediction.answer, confidence=0.7) for prediction in predictions]
    calibration = compare_calibration(problem, gold, overconfident, calibrated, 10, RESAMPLING)
    assert (calibration.champion.value, calibration.challenger.value) == (
        pytest.approx(0.29),
        pytest.approx(0, abs=1e-9),
    )
    assert calibration.interval(0.0125).high < 0
    no_change = compare_calibration(problem, gold, calibrated, calibrated, 10, RESAMPLING)
    assert (no_change.value, no_change.error) == (0, 0)
