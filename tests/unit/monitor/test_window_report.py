"""Findings about a window; label shares are reported as reliable only under pure label shift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from satiety.core.answers import Label, Span, Spans
from satiety.core.records import Example
from satiety.monitor.sample import TextSample
from satiety.monitor.section import Monitor
from satiety.monitor.shares import sample_by_share
from satiety.monitor.shift_simulation import Pool
from satiety.monitor.window_report import (
    Assumption,
    DriftReport,
    FeaturizedWindow,
    _estimate_feedback,
    measure_drift,
    train_estimator,
)
from satiety.problems import Prediction
from satiety.problems.ner import Ner
from tests.unit.monitor.pools import CLASSES, PROBLEM, make_pool

SIZE = 300
"""Texts of a window."""


class TestSharesOfLabels:
    """Estimated label shares require pure label shift, which is tested."""

    def measure_window(self, share: float, shift: float) -> DriftReport:
        """Return findings for a window with this share of the first class and this shift of all embeddings."""
        reference_pool, window_pool, draw = (
            make_pool(400, 1, "en", 1.2),
            make_pool(1500, 2, "en", 1.2),
            np.random.default_rng(5),
        )
        first = np.array([name == "bad" for name in window_pool.strata])
        sizes = {True: round(SIZE * share), False: SIZE - round(SIZE * share)}
        rows = np.concatenate(
            [draw.choice(np.flatnonzero(first == is_first), n, replace=False) for is_first, n in sizes.items()]
        )
        sample = window_pool.sample.take(rows)
        vectors = sample.embeddings + shift * np.eye(8)[7]
        shifted = replace(sample, embeddings=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        params = Monitor.load().model_copy(update={"permutations": 399, "min_texts": 50, "window": 300})
        params = params.model_copy(update={"simulation": params.simulation.model_copy(update={"windows": 160})})
        answers = [Prediction(Label(CLASSES[row.argmax()])) for row in shifted.scores]
        estimator = train_estimator(PROBLEM, reference_pool, len(rows), params)
        return measure_drift(PROBLEM, reference_pool, estimator, FeaturizedWindow(shifted, answers, {}), params, [])

    def test_label_shares_are_reliable_under_pure_label_shift(self) -> None:
        report = self.measure_window(0.75, 0.0)
        assert report.drift.alarm
        assert report.only_shares.holds
        usual, today = report.labels["bad"]
        assert usual < 0.45
        assert today.low < 0.75 < today.high + 0.05

    def test_label_shares_are_unreliable_if_the_texts_of_a_label_have_changed(self) -> None:
        report = self.measure_window(0.75, 2.0)
        assert report.drift.alarm
        assert not report.only_shares.holds
        assert report.only_shares.p is not None

    def test_label_shift_is_not_tested_without_an_alarm(self) -> None:
        report = self.measure_window(1 / 3, 0.0)
        assert (report.drift.alarm, report.only_shares) == (False, Assumption(True, None))

    def test_the_largest_sample_with_the_given_shares_is_drawn_without_repetition(self) -> None:
        labels = ["a"] * 60 + ["b"] * 30
        rows = sample_by_share(labels, {"a": 0.25, "b": 0.75}, np.random.default_rng(1))
        assert (len(rows), len(set(rows.tolist()))) == (40, 40)
        assert sum(labels[row] == "b" for row in rows) == 30
        assert len(sample_by_share(labels, {"a": 1.0, "b": 0.0}, np.random.default_rng(1))) == 60


def test_feedback_on_texts_without_predicted_entities_has_no_overconfidence() -> None:
    """Without an answer there is no confidence to compare with accuracy."""
    ner = Ner(labels=["PER"])
    gold = [Example(str(i), {"text": "anna sings"}, Spans((Span(0, 4, "PER"),))) for i in range(40)]
    predictions = [Prediction(Spans(), 0.9)] * len(gold)
    sample = TextSample(("anna sings",) * 40, np.eye(40), ner.outputs(predictions), np.zeros(40))
    pool = Pool(sample, ner.tally(gold, predictions), ["PER"] * 40, np.arange(40))
    window = FeaturizedWindow(sample, predictions, dict(enumerate(gold)))
    feedback = _estimate_feedback(ner, pool, window, Monitor.load())
    assert feedback is not None
    assert (feedback.answers, feedback.overconfidence.value) == (40, 0.0)
