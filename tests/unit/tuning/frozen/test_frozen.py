"""What raw texts and label names add to a few labels, on points whose classes are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from satiety.heads.softmax_regression import Layer, softmax
from satiety.tuning.frozen.averaging import fit_average
from satiety.tuning.frozen.class_prior import count_shares, estimate_prior, shift
from satiety.tuning.frozen.information import maximise_information
from satiety.tuning.frozen.neighbours import balance, find_neighbours, smooth, spread_labels
from satiety.tuning.frozen.space import FrozenSpace
from satiety.tuning.frozen.transduction import answer_raw, distil, soften

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIDDEN, CLASSES = 12, 3
CENTRES = np.eye(HIDDEN)[:CLASSES] * 2.0


def draw_points(count: int, seed: int, noise: float, shares: Any = None) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES if shares is None else rng.choice(CLASSES, count, p=shares)
    return CENTRES[labels] + noise * rng.normal(size=(count, HIDDEN)), labels


def make_space(gold: int = 9, raw: int = 300, noise: float = 0.9, *, named: bool = False, shares: Any = None) -> Any:
    """Return a space, and the classes of its raw texts."""
    features, labels = draw_points(gold, 1, noise)
    others, classes = draw_points(raw, 2, noise, shares)
    names = CENTRES - CENTRES.mean(axis=0)
    directions = names / np.linalg.norm(names, axis=1, keepdims=True) if named else np.zeros_like(CENTRES)
    groups = tuple(map(str, range(gold)))
    return FrozenSpace(features, labels, groups, others, directions, np.zeros(HIDDEN), 1.0), classes


def score(layer: Layer, noise: float = 0.9) -> float:
    features, labels = draw_points(3000, 3, noise)
    return float((layer.logits(features).argmax(axis=1) == labels).mean())


def test_neighbours_are_the_nearest_by_cosine_and_never_the_row_itself() -> None:
    features, _ = draw_points(60, 4, 1.0)
    indices, _ = find_neighbours(features, features, is_same=True)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units.T - 9 * np.eye(60)
    expected = [set(row) for row in np.argsort(-cosines, axis=1)[:, :10].tolist()]
    assert [set(row) for row in indices.tolist()] == expected


def test_smoothing_brings_texts_of_a_class_nearer_to_each_other() -> None:
    features, labels = draw_points(300, 5, 0.9)
    smoothed = smooth(features, features)
    spread = [np.mean([part[labels == label].std(axis=0).mean() for label in range(CLASSES)]) for part in
              (features, smoothed)]  # fmt: skip
    assert spread[1] < 0.9 * spread[0]


def test_balanced_probabilities_have_the_mean_of_the_prior() -> None:
    prior = np.array([0.7, 0.2, 0.1])
    shares = balance(np.random.default_rng(1).uniform(0.1, 1, size=(200, 3)), prior)
    np.testing.assert_allclose(shares.mean(axis=0), prior, atol=0.01)


def test_label_names_help_where_there_are_few_labels() -> None:
    plain, named = (make_space(6, named=named)[0] for named in (False, True))
    without, averaged = (fit_average(space, space.gold, space.raw, 1) for space in (plain, named))
    assert without.name_share == 0
    assert averaged.name_share > 0.3
    assert score(averaged.layer) > score(without.layer) + 0.02


def test_names_of_other_classes_are_not_believed() -> None:
    space, _ = make_space(30, named=True)
    wrong = FrozenSpace(space.gold, space.targets, space.groups, space.raw, space.names[::-1], space.mean, space.scale)
    assert fit_average(wrong, wrong.gold, wrong.raw, 1).name_share < 0.2


def test_spread_labels_are_right_where_labels_alone_are_not_enough() -> None:
    space, classes = make_space(3)
    guesses = np.full((len(space.raw), CLASSES), 1 / CLASSES)
    spread = spread_labels(space, guesses, np.full(CLASSES, 1 / CLASSES), 0.1)
    alone = fit_average(space, space.gold, space.raw, 1).layer.logits(space.raw)
    assert (spread.argmax(axis=1) == classes).mean() > (alone.argmax(axis=1) == classes).mean()


def test_the_gradient_of_information_is_that_of_its_loss() -> None:
    space, _ = make_space(9, raw=40)
    averaged = fit_average(space, space.gold, space.raw, 1)
    start, prior = averaged.layer, np.array([0.5, 0.3, 0.2])
    layer = maximise_information(space, prior, 0.01, start)
    shares = softmax(layer.logits(space.raw))
    before = softmax(start.logits(space.raw))

    def entropy(chances: NDArray[Any]) -> float:
        return float(-(chances * np.log(chances + 1e-12)).sum(axis=1).mean())

    assert entropy(shares) < entropy(before)
    assert np.abs(shares.mean(axis=0) - prior).sum() < np.abs(before.mean(axis=0) - prior).sum()


def test_the_shares_of_the_classes_are_found_where_the_labels_show_them() -> None:
    truth = np.array([0.8, 0.15, 0.05])
    space, _ = make_space(60, raw=2000, noise=0.6, shares=truth)
    averaged = fit_average(space, space.gold, space.raw, 1)
    prior = estimate_prior(averaged.held_out, space.targets, space.groups, softmax(averaged.layer.logits(space.raw)), 1)
    np.testing.assert_allclose(prior, truth, atol=0.08)


def test_the_shares_of_the_labels_stay_where_nothing_is_sure() -> None:
    rng = np.random.default_rng(1)
    targets, groups = np.arange(12) % CLASSES, [str(i) for i in range(12)]
    held_out = rng.dirichlet(np.ones(CLASSES), size=12)
    prior = estimate_prior(held_out, targets, groups, rng.dirichlet(np.ones(CLASSES), size=400), 1)
    np.testing.assert_allclose(prior, count_shares(targets, CLASSES), atol=0.12)
    np.testing.assert_allclose(estimate_prior(held_out, targets, groups, np.zeros((0, CLASSES)), 1), [1 / 3] * 3)


@pytest.mark.parametrize(("groups", "is_known"), [("abc", True), ("aab", False)])
def test_a_class_of_two_texts_says_nothing_of_the_shares_however_sure_the_answers_are(
    groups: str, is_known: bool
) -> None:
    targets = np.array([0] * 6 + [1] * 6 + [2] * 3)
    held_out, raw = np.eye(CLASSES)[targets] * 0.94 + 0.02, np.eye(CLASSES)[[0] * 95 + [1] * 5]
    prior = estimate_prior(held_out, targets, [*map(str, range(12)), *groups], raw, 1)
    assert (prior[0] > 0.8) == is_known
    assert np.array_equal(prior, count_shares(targets, CLASSES)) != is_known


def test_shifted_probabilities_follow_the_odds_of_the_prior() -> None:
    shifted = shift(np.array([[0.5, 0.25, 0.25]]), np.full(3, 1 / 3), np.array([0.2, 0.4, 0.4]))
    np.testing.assert_allclose(shifted, [[1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("gold", [6, 12])
def test_the_average_scores_above_labels_alone_and_is_one_layer_of_the_encoder(gold: int) -> None:
    space, _ = make_space(gold)
    averaged = fit_average(space, space.gold, space.raw, 1)
    answers, shares = answer_raw(space, averaged, 1)
    layer = distil(space, answers, 1)
    assert score(layer) > score(averaged.layer) + 0.02
    assert shares.sum() == pytest.approx(1)
    again, _ = answer_raw(space, averaged, 1)
    np.testing.assert_array_equal(answers, again)


def test_a_layer_of_the_space_answers_the_same_for_the_encoders_own_features() -> None:
    space, _ = make_space(9)
    mean, scale = np.linspace(-1, 1, HIDDEN), 2.5
    moved = FrozenSpace(space.gold, space.targets, space.groups, space.raw, space.names, mean, scale)
    layer = Layer(np.random.default_rng(1).normal(size=(CLASSES, HIDDEN)), np.array([0.1, 0.2, 0.3]))
    np.testing.assert_allclose(moved.restore(layer).logits(space.raw * scale + mean), layer.logits(space.raw))


def test_the_layer_that_learns_noise_has_a_larger_penalty_than_one_that_learns_the_classes() -> None:
    space, classes = make_space(9)
    sure, rng = np.eye(CLASSES)[classes] * 0.9 + 0.1 / CLASSES, np.random.default_rng(1)
    noise = rng.dirichlet(np.ones(CLASSES), size=len(classes))
    norms = [float((distil(space, answers, 1).weight ** 2).sum()) for answers in (sure, noise)]
    assert norms[1] < 0.2 * norms[0]


def test_a_softer_layer_gives_the_same_answers_and_is_as_sure_as_it_may_be() -> None:
    rng = np.random.default_rng(0)
    layer, rows = Layer(rng.normal(size=(3, 5)) * 4, rng.normal(size=3)), rng.normal(size=(200, 5))
    sure = softmax(layer.logits(rows)).max(axis=1).mean()
    softened = soften(layer, rows, 0.7)
    assert softmax(softened.logits(rows)).max(axis=1).mean() == pytest.approx(0.7, abs=0.01)
    assert (softened.logits(rows).argmax(axis=1) == layer.logits(rows).argmax(axis=1)).all()
    np.testing.assert_array_equal(soften(layer, rows, sure + 0.01).weight, layer.weight)
    assert softmax(soften(layer, rows, 0.0).logits(rows)).max(axis=1).mean() < 0.6
