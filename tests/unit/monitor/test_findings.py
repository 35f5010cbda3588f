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
    """In 200 windows with changed label shares, the intervals contain the true shares about as often as promised."""
    draw, covered = np.random.default_rng(1), 0
    confusion = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    today = np.array([0.6, 0.3, 0.1])
    for seed in range(200):
        gold, window_gold = draw.choice(3, 600), draw.choice(3, 400, p=today)
        reference_answers, window_answers = (
            np.array([draw.choice(3, p=confusion[label]) for label in labels]) for labels in (gold, window_gold)
        )
        shares = estimate_label_shares(
            list(gold), reference_answers, np.arange(600), window_answers, 3, confidence_level=0.9, seed=seed
        )
        assert shares[:, 0].sum() == pytest.approx(1)
        covered += int((shares[:, 1] <= today).all() and (today <= shares[:, 2]).all())
    assert 140 <= covered <= 198


@pytest.mark.parametrize(
    ("reference_texts", "new_text", "word"),
    [
        (["the film was good", "a bad film", "fine room"], "the lockdown was bad", "lockdown"),
        (["这部电影很好看", "房间很干净", "服务热情"], "疫情期间房间很差", "疫情"),
    ],
)
def test_a_new_word_is_named_with_a_text_that_has_it(reference_texts: list[str], new_text: str, word: str) -> None:
    terms = find_terms(reference_texts * 40, [*(reference_texts * 10), *([new_text] * 20)], 3)
    assert word in [term.word for term in terms]
    first = next(term for term in terms if term.word == word)
    assert (first.example, first.reference, first.window) == (new_text, 0.0, pytest.approx(20 / 50))
    assert find_terms(reference_texts * 40, reference_texts * 10, 5) == []


def test_a_grown_cluster_is_shown_with_its_terms() -> None:
    draw = np.random.default_rng(1)

    def make_sample(centre: int, count: int, text: str) -> TextSample:
        vectors = np.eye(6)[[centre] * count] + 0.1 * draw.standard_normal((count, 6))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return TextSample((text,) * count, vectors, np.ones((count, 1)), 1 - vectors[:, 0])

    reference = make_sample(0, 100, "old text") + make_sample(1, 100, "other text")
    window = make_sample(0, 50, "old text") + make_sample(1, 50, "other text") + make_sample(3, 40, "strike news")
    clusters = find_clusters(reference, window, 5, seed=1)
    assert clusters[0].examples == ("strike news",)
    assert clusters[0].reference == 0
    assert "strike" in {word for cluster in clusters for word in cluster.terms}
    assert set(find_outliers(window, 5)) <= {"strike news", "other text"}
    assert find_clusters(reference, window, 0, seed=1) == []


@pytest.mark.parametrize(("opening", "word"), [("RT ", "strike"), ("转发：", "罢工")])
def test_a_word_in_every_text_is_not_a_new_term(opening: str, word: str) -> None:
    reference_texts = [f"{opening}{topic}" for topic in ("news", "消息", "text", "文本")] * 10
    window_texts = [*reference_texts[:20], *[f"{opening}{word}"] * 20]
    assert word in {term.word for term in find_terms(reference_texts, window_texts, 9)}
    assert not {"rt", "转发"} & {term.word for term in find_terms(reference_texts, window_texts, 9)}
    assert find_terms([opening] * 20, [opening] * 20, 9) == []


def test_a_loss_is_expressed_in_labels() -> None:
    half = estimate_label_cost(Interval(-0.1, -0.15, -0.05), CURVE)
    assert half is not None
    assert (half.value, half.total) == (180.0, 240)
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
    ("alarm", "change", "feedback_change", "expected"),
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
    alarm: bool, change: float, feedback_change: tuple[float, float] | None, expected: str
) -> None:
    today = Interval(0.5, 0.4, 0.6)
    feedback = (
        ScoreEvidence("feedback", Interval(sum(feedback_change) / 2, *feedback_change), today, 0.6, 1.0)
        if feedback_change
        else None
    )
    drift = Drift(0.01 if alarm else 0.5, alarm, {})
    estimate = ScoreEvidence("estimate", Interval(change, change - 0.1, change + 0.1), today, 0.5, 0.95)
    verdict, ground = judge(drift, estimate, feedback, 0.03, 0.9)
    assert verdict == expected
    decides = feedback_change is not None and (feedback_change[1] < -0.03 or (alarm and feedback_change[0] > -0.03))
    assert ground.source == ("feedback" if decides else "estimate")


def test_an_uncertain_loss_is_not_called_harmful() -> None:
    unsure = ScoreEvidence("estimate", Interval(-0.05, -0.2, 0.1), Interval(0.5, 0.3, 0.7), 0.55, 0.8)
    assert judge(Drift(0.01, True, {}), unsure, None, 0.03, 0.9) == ("drift without harm", unsure)
    assert judge(Drift(0.01, True, {}), unsure, None, 0.03, 0.7) == ("harmful drift", unsure)


def test_the_sentence_of_harmful_drift_has_its_cost_in_labels_in_both_languages() -> None:
    change = Interval(-0.1, -0.15, -0.05)
    today = Interval(0.5, 0.45, 0.55)
    estimate, people = (ScoreEvidence(ground, change, today, 0.6, 1.0) for ground in ("estimate", "feedback"))  # type: ignore[arg-type]
    sentence = write_sentence("harmful drift", "macro_f1", estimate, estimate_label_cost(change, CURVE))
    assert sentence["en"] == (
        "Harmful drift; macro-F1 today is about 0.500 [0.450, 0.550], −0.100 [−0.150, −0.050] against 0.600 on the "
        "test examples. The loss equals the gain from 180 of 240 labels [120, 233]."
    )
    assert "这项损失相当于 240 条标注中 180 条" in sentence["zh"]
    assert "labels" not in write_sentence("no drift", "accuracy", estimate, None)["en"]
    feedback_sentence = write_sentence("harmful drift", "macro_f1", people, None)
    assert feedback_sentence["en"] == (
        "Harmful drift; macro-F1 today is 0.500 [0.450, 0.550] from feedback, −0.100 [−0.150, −0.050] against 0.600 "
        "on test examples with the same label shares."
    )
    assert "根据反馈，macro-F1 今天为 0.500" in feedback_sentence["zh"]


@pytest.mark.parametrize("verdict", ["no drift", "drift without harm"])
def test_undecided_feedback_is_reported_beside_the_estimate(verdict: DriftVerdict) -> None:
    estimate = ScoreEvidence("estimate", Interval(0.0, -0.02, 0.02), Interval(0.6, 0.58, 0.62), 0.6, 0.5)
    people = ScoreEvidence("feedback", Interval(-0.1, -0.25, 0.05), Interval(0.5, 0.35, 0.65), 0.6, 1.0)
    sentence = write_sentence(verdict, "accuracy", estimate, None, people)
    assert "about 0.600 [0.580, 0.620]" in sentence["en"]
    assert "Perhaps no loss: accuracy today is 0.500 [0.350, 0.650] from feedback" in sentence["en"]
    assert "根据反馈，accuracy 今天为 0.500" in sentence["zh"]


def test_feedback_with_a_loss_that_may_be_harmless_is_reported() -> None:
    estimate = ScoreEvidence("estimate", Interval(0.0, -0.02, 0.02), Interval(0.6, 0.58, 0.62), 0.6, 0.5)
    people = ScoreEvidence("feedback", Interval(-0.1, -0.2, -0.01), Interval(0.5, 0.4, 0.59), 0.6, 1.0)
    sentence = write_sentence("drift without harm", "accuracy", estimate, None, people)
    assert "A loss, but perhaps not a harmful one: accuracy today is 0.500" in sentence["en"]
    assert "有损失，但未必有害：根据反馈" in sentence["zh"]


def test_too_few_texts_are_reported_in_both_languages() -> None:
    assert explain_too_few(1, 50) == {
        "en": "1 text; a verdict needs at least 50 (monitor.min_texts)",
        "zh": "只有 1 条文本；至少需要 50 条才能得出结论（monitor.min_texts）",
    }
    assert explain_too_few(0, 50)["en"].startswith("0 texts; a verdict")
