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
from tests.unit.monitor.made import CLASSES, PROBLEM, pool


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_change_of_score_is_estimated_in_new_scenarios(language: str) -> None:
    """Other texts and scenarios: the error is far below that of predicting no change."""
    rehearsed = simulate_shift(pool(600, 1, language, 1.2), PROBLEM, size=200, count=800, seed=1)
    estimator = fit_estimator(rehearsed, 1)
    mine, other = pool(600, 1, language, 1.2), pool(1500, 2, language, 1.2)
    reference = mine.sample.take(np.arange(600))
    known = count_word_texts(reference.texts)
    usual, windows = extract_text_features(reference, known, max_count=1), extract_text_features(other.sample, known)
    before, draw = score(other.tallies[:1500].sum(axis=0)), np.random.default_rng(3)
    beliefs = PROBLEM.estimate_tallies(other.sample.scores)
    believes = estimate_score(PROBLEM, PROBLEM.estimate_tallies(reference.scores))
    told, true, covered = [], [], []
    for _ in range(100):
        weights = sample_scenario(other.sample.embeddings, other.strata, draw)
        rows = draw.choice(len(weights), 200, p=weights)
        hoped = estimate_score(PROBLEM, beliefs[rows]) - believes
        found = estimator.estimate_change(compute_shift_features(usual, windows.take(rows)), hoped, 0.95)
        true.append(score(weights @ other.tallies) - before)
        told.append(found.value)
        covered.append(found.low <= true[-1] <= found.high)
    errors, changes = np.abs(np.subtract(told, true)), np.abs(true)
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


def test_rehearsals_are_the_same_for_the_same_seed_and_hold_what_they_are_of() -> None:
    how = {"size": 50, "count": 160}
    one, again, other = (simulate_shift(pool(200, 1, "en", 1.0), PROBLEM, seed=seed, **how) for seed in (1, 1, 2))
    assert (one.features == again.features).all()
    assert (one.changes == again.changes).all()
    assert (one.changes != other.changes).any()
    assert one.changes.min() < -0.05
    assert np.isfinite(one.features).all()
    assert sorted(set(one.halves)) == list(range(8))


def test_a_world_is_a_distribution_over_texts_and_their_rewrites() -> None:
    made, draw = pool(100, 1, "en", 1.0), np.random.default_rng(0)
    worlds = np.stack([sample_scenario(made.sample.embeddings, made.strata, draw) for _ in range(200)])
    assert np.allclose(worlds.sum(axis=1), 1)
    assert (worlds >= 0).all()
    rewritten = worlds[:, 100:].sum(axis=1)
    assert (rewritten == 0).any()
    assert (rewritten > 0.5).any()


def test_without_rewrites_labels_and_topics_are_rehearsed_all_the_same() -> None:
    made = pool(100, 1, "en", 1.0)
    bare = Pool(made.sample.take(np.arange(100)), made.tallies[:100], made.strata, made.groups)
    assert simulate_shift(bare, PROBLEM, size=50, count=160, seed=1).changes.std() > 0


def test_signs_of_the_reference_itself_are_all_but_zero() -> None:
    texts = pool(300, 1, "zh", 1.0).sample.take(np.arange(300))
    known = count_word_texts(texts.texts)
    assert (
        np.abs(
            compute_shift_features(
                extract_text_features(texts, known, max_count=1), extract_text_features(texts, known, max_count=1)
            )
        ).max()
        < 1e-9
    )


def score(tallies: np.ndarray) -> float:
    return float(PROBLEM.metrics_from_counts(tallies)["macro_f1"])
