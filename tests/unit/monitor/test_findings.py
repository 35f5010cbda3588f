"""Label shares, new terms and clusters, cost in labels, verdict and sentences of a window."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.evaluate.bootstrap import Interval
from satiety.monitor.cost import estimate_label_cost
from satiety.monitor.explain import find_clusters, find_outliers, find_terms
from satiety.monitor.permutation_test import Drift
from satiety.monitor.sample import TextSample
from satiety.monitor.shares import estimate_label_shares
from satiety.monitor.verdict import DriftVerdict, ScoreEvidence, explain_too_few, judge, write_sentence

CURVE = [{"budget": 0, "value": 0.4}, {"budget": 60, "value": 0.5}, {"budget": 240, "value": 0.6}]


def test_the_shares_of_the_labels_are_found_through_a_model_that_errs() -> None:
    """200 windows whose labels' shares have moved: the intervals hold the true ones about as often as they say."""
    draw, covered = np.random.default_rng(1), 0
    right = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    today = np.array([0.6, 0.3, 0.1])
    for seed in range(200):
        gold, now = draw.choice(3, 600), draw.choice(3, 400, p=today)
        answered, window = (np.array([draw.choice(3, p=right[label]) for label in those]) for those in (gold, now))
        found = estimate_label_shares(list(gold), answered, np.arange(600), window, 3, confidence_level=0.9, seed=seed)
        assert found[:, 0].sum() == pytest.approx(1)
        covered += int((found[:, 1] <= today).all() and (today <= found[:, 2]).all())
    assert 140 <= covered <= 198


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (["the film was good", "a bad film", "fine room"], "the lockdown was bad", "lockdown"),
        (["这部电影很好看", "房间很干净", "服务热情"], "疫情期间房间很差", "疫情"),
    ],
)
def test_a_new_word_is_named_with_a_text_that_has_it(old: list[str], new: str, word: str) -> None:
    found = find_terms(old * 40, [*(old * 10), *([new] * 20)], 3)
    assert word in [one.word for one in found]
    first = next(one for one in found if one.word == word)
    assert (first.example, first.reference, first.window) == (new, 0.0, pytest.approx(20 / 50))
    assert find_terms(old * 40, old * 10, 5) == []


def test_a_grown_cluster_is_shown_with_its_terms() -> None:
    draw = np.random.default_rng(1)

    def lying(centre: int, count: int, text: str) -> TextSample:
        vectors = np.eye(6)[[centre] * count] + 0.1 * draw.standard_normal((count, 6))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return TextSample((text,) * count, vectors, np.ones((count, 1)), 1 - vectors[:, 0])

    reference = lying(0, 100, "old text") + lying(1, 100, "other text")
    window = lying(0, 50, "old text") + lying(1, 50, "other text") + lying(3, 40, "strike news")
    found = find_clusters(reference, window, 5, seed=1)
    assert found[0].examples == ("strike news",)
    assert found[0].reference == 0
    assert "strike" in {word for one in found for word in one.terms}
    assert set(find_outliers(window, 5)) <= {"strike news", "other text"}
    assert find_clusters(reference, window, 0, seed=1) == []


@pytest.mark.parametrize(("opening", "word"), [("RT ", "strike"), ("转发：", "罢工")])
def test_a_word_in_every_text_is_not_a_new_term(opening: str, word: str) -> None:
    old = [f"{opening}{other}" for other in ("news", "消息", "text", "文本")] * 10
    new = [*old[:20], *[f"{opening}{word}"] * 20]
    assert word in {one.word for one in find_terms(old, new, 9)}
    assert not {"rt", "转发"} & {one.word for one in find_terms(old, new, 9)}
    assert find_terms([opening] * 20, [opening] * 20, 9) == []


def test_a_loss_is_expressed_in_labels() -> None:
    half = estimate_label_cost(Interval(-0.1, -0.15, -0.05), CURVE)
    assert half is not None
    assert (half.value, half.of) == (180.0, 240)
    assert 0 < half.low < half.value < half.high < 240
    all_of_them = estimate_label_cost(Interval(-0.5, -0.6, -0.4), CURVE)
    assert all_of_them is not None
    assert all_of_them.value == all_of_them.low == all_of_them.high == 240
    gain = estimate_label_cost(Interval(0.02, 0.01, 0.03), CURVE)
    assert gain is not None
    assert gain.value == gain.high == 0
    assert estimate_label_cost(Interval(-0.1, -0.2, 0), []) is None
    assert (
        estimate_label_cost(Interval(-0.1, -0.2, 0), [{"budget": 0, "value": 0.5}, {"budget": 9, "value": 0.4}]) is None
    )


@pytest.mark.parametrize(
    ("alarm", "change", "known", "said"),
    [
        (False, -0.2, None, "no drift"),
        (True, -0.01, None, "drift without harm"),
        (True, -0.05, None, "harmful drift"),
        (True, -0.05, (-0.02, 0.01), "drift without harm"),
        (True, -0.05, (-0.2, 0.01), "harmful drift"),
        (True, -0.01, (-0.2, -0.04), "harmful drift"),
        (False, 0.0, (-0.2, -0.04), "harmful drift"),
    ],
)
def test_the_verdict_weighs_feedback_before_the_estimate(
    alarm: bool, change: float, known: tuple[float, float] | None, said: str
) -> None:
    today = Interval(0.5, 0.4, 0.6)
    spoken = ScoreEvidence("feedback", Interval(sum(known) / 2, *known), today, 0.6, 1.0) if known else None
    drift = Drift(0.01 if alarm else 0.5, alarm, {})
    estimate = ScoreEvidence("estimate", Interval(change, change - 0.1, change + 0.1), today, 0.5, 0.95)
    verdict, ground = judge(drift, estimate, spoken, 0.03, 0.9)
    assert verdict == said
    decides = known is not None and (known[1] < -0.03 or (alarm and known[0] > -0.03))
    assert ground.by == ("feedback" if decides else "estimate")


def test_a_loss_that_may_be_none_is_not_called_harm() -> None:
    unsure = ScoreEvidence("estimate", Interval(-0.05, -0.2, 0.1), Interval(0.5, 0.3, 0.7), 0.55, 0.8)
    assert judge(Drift(0.01, True, {}), unsure, None, 0.03, 0.9) == ("drift without harm", unsure)
    assert judge(Drift(0.01, True, {}), unsure, None, 0.03, 0.7) == ("harmful drift", unsure)


def test_the_sentence_of_harmful_drift_has_its_cost_in_labels_in_both_languages() -> None:
    change = Interval(-0.1, -0.15, -0.05)
    today = Interval(0.5, 0.45, 0.55)
    estimate, people = (ScoreEvidence(by, change, today, 0.6, 1.0) for by in ("estimate", "feedback"))  # type: ignore[arg-type]
    told = write_sentence("harmful drift", "macro_f1", estimate, estimate_label_cost(change, CURVE))
    assert told["en"] == (
        "Harmful drift; macro_f1 today is about 0.500 [0.450, 0.550], -0.100 [-0.150, -0.050] against 0.600 on the "
        "test examples. The loss equals the gain from 180 of 240 labels [120, 233]."
    )
    assert "这项损失相当于 240 条标注中 180 条" in told["zh"]
    assert "labels" not in write_sentence("no drift", "accuracy", estimate, None)["en"]
    spoken = write_sentence("harmful drift", "macro_f1", people, None)
    assert spoken["en"] == (
        "Harmful drift; macro_f1 today is 0.500 [0.450, 0.550] from feedback, -0.100 [-0.150, -0.050] against 0.600 "
        "on test examples with the same label shares."
    )
    assert "根据反馈，macro_f1 今天为 0.500" in spoken["zh"]


@pytest.mark.parametrize("verdict", ["no drift", "drift without harm"])
def test_undecided_feedback_is_reported_beside_the_estimate(verdict: DriftVerdict) -> None:
    estimate = ScoreEvidence("estimate", Interval(0.0, -0.02, 0.02), Interval(0.6, 0.58, 0.62), 0.6, 0.5)
    people = ScoreEvidence("feedback", Interval(-0.1, -0.25, 0.05), Interval(0.5, 0.35, 0.65), 0.6, 1.0)
    told = write_sentence(verdict, "accuracy", estimate, None, people)
    assert "about 0.600 [0.580, 0.620]" in told["en"]
    assert "Perhaps no loss: accuracy today is 0.500 [0.350, 0.650] from feedback" in told["en"]
    assert "根据反馈，accuracy 今天为 0.500" in told["zh"]


def test_feedback_with_a_loss_that_may_be_harmless_is_reported() -> None:
    estimate = ScoreEvidence("estimate", Interval(0.0, -0.02, 0.02), Interval(0.6, 0.58, 0.62), 0.6, 0.5)
    people = ScoreEvidence("feedback", Interval(-0.1, -0.2, -0.01), Interval(0.5, 0.4, 0.59), 0.6, 1.0)
    told = write_sentence("drift without harm", "accuracy", estimate, None, people)
    assert "A loss, but perhaps not a harmful one: accuracy today is 0.500" in told["en"]
    assert "有损失，但未必有害：根据反馈" in told["zh"]


def test_too_few_texts_are_reported_in_both_languages() -> None:
    assert explain_too_few(1, 50) == {
        "en": "1 text; a verdict needs at least 50 (monitor.min_texts)",
        "zh": "只有 1 条文本；至少需要 50 条才能判断（monitor.min_texts）",
    }
    assert explain_too_few(0, 50)["en"].startswith("0 texts; a verdict")
