"""Simulated shifts: the change of score is estimated without labels, with calibrated intervals."""

from __future__ import annotations

import numpy as np
import pytest

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.monitor.estimate import fit_estimator
from satiety.monitor.shift_features import compute_shift_features, count_word_texts, extract_text_features
from satiety.monitor.shift_simulation import Pool, estimate_score, sample_scenario, simulate_shift
from satiety.problems import Prediction
from satiety.problems.ner import Ner
from tests.unit.monitor.pools import CLASSES, PROBLEM, make_pool


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_change_of_score_is_estimated_in_new_scenarios(language: str) -> None:
    """Other texts and scenarios: the error is far below that of predicting no change."""
    simulation = simulate_shift(make_pool(600, 1, language, 1.2), PROBLEM, size=200, count=800, seed=1)
    estimator = fit_estimator(simulation, 1)
    reference_pool, window_pool = make_pool(600, 1, language, 1.2), make_pool(1500, 2, language, 1.2)
    reference = reference_pool.sample.take(np.arange(600))
    word_counts = count_word_texts(reference.texts)
    usual, windows = (
        extract_text_features(reference, word_counts, max_count=1),
        extract_text_features(window_pool.sample, word_counts),
    )
    base_score, draw = compute_score(window_pool.tallies[:1500].sum(axis=0)), np.random.default_rng(3)
    window_tallies = PROBLEM.estimate_tallies(window_pool.sample.scores)
    reference_estimate = estimate_score(PROBLEM, PROBLEM.estimate_tallies(reference.scores))
    estimates, true, covered = [], [], []
    for _ in range(100):
        weights = sample_scenario(window_pool.sample.embeddings, window_pool.strata, draw)
        rows = draw.choice(len(weights), 200, p=weights)
        confidence_change = estimate_score(PROBLEM, window_tallies[rows]) - reference_estimate
        estimate = estimator.estimate_change(compute_shift_features(usual, windows.take(rows)), confidence_change, 0.95)
        true.append(compute_score(weights @ window_pool.tallies) - base_score)
        estimates.append(estimate.value)
        covered.append(estimate.low <= true[-1] <= estimate.high)
    errors, changes = np.abs(np.subtract(estimates, true)), np.abs(true)
    assert errors.mean() < 0.6 * changes.mean(), (errors.mean(), changes.mean())
    assert np.mean(covered) >= 0.88


def test_the_confidence_estimate_of_a_calibrated_model_is_its_score() -> None:
    draw = np.random.default_rng(1)
    scores = draw.dirichlet([1, 1, 1], 20_000)
    gold = [Example("", {"text": ""}, Label(CLASSES[draw.choice(3, p=row)])) for row in scores]
    answers = [Prediction(Label(CLASSES[i])) for i in scores.argmax(axis=1)]
    true = estimate_score(PROBLEM, PROBLEM.tally(gold, answers))
    assert estimate_score(PROBLEM, PROBLEM.estimate_tallies(scores)) == pytest.approx(true, abs=0.01)


def test_the_confidence_estimate_of_spans_is_zero() -> None:
    spans = Ner(labels=["PER"])
    assert estimate_score(spans, spans.estimate_tallies(np.full((5, 2), 0.5))) == 0


def test_equal_seeds_give_equal_simulations() -> None:
    options = {"size": 50, "count": 160}
    first, repeated, reseeded = (
        simulate_shift(make_pool(200, 1, "en", 1.0), PROBLEM, seed=seed, **options) for seed in (1, 1, 2)
    )
    assert (first.features == repeated.features).all()
    assert (first.changes == repeated.changes).all()
    assert (first.changes != reseeded.changes).any()
    assert first.changes.min() < -0.05
    assert np.isfinite(first.features).all()
    assert sorted(set(first.halves)) == list(range(8))


def test_a_scenario_is_a_distribution_over_texts_and_their_rewrites() -> None:
    pool, draw = make_pool(100, 1, "en", 1.0), np.random.default_rng(0)
    scenarios = np.stack([sample_scenario(pool.sample.embeddings, pool.strata, draw) for _ in range(200)])
    assert np.allclose(scenarios.sum(axis=1), 1)
    assert (scenarios >= 0).all()
    rewritten = scenarios[:, 100:].sum(axis=1)
    assert (rewritten == 0).any()
    assert (rewritten > 0.5).any()


def test_label_and_topic_shifts_are_simulated_without_rewrites() -> None:
    pool = make_pool(100, 1, "en", 1.0)
    bare = Pool(pool.sample.take(np.arange(100)), pool.tallies[:100], pool.strata, pool.groups)
    assert simulate_shift(bare, PROBLEM, size=50, count=160, seed=1).changes.std() > 0


def test_shift_features_of_the_reference_itself_are_nearly_zero() -> None:
    texts = make_pool(300, 1, "zh", 1.0).sample.take(np.arange(300))
    word_counts = count_word_texts(texts.texts)
    assert (
        np.abs(
            compute_shift_features(
                extract_text_features(texts, word_counts, max_count=1),
                extract_text_features(texts, word_counts, max_count=1),
            )
        ).max()
        < 1e-9
    )


def compute_score(tallies: np.ndarray) -> float:
    return float(PROBLEM.metrics_from_counts(tallies)["macro_f1"])
