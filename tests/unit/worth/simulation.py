"""Studies whose truth is known: a learning curve, a pool of labels, replicates, test texts, and a lever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.evaluate.bootstrap import Resampling
from satiety.levers.base import StudyInputs
from satiety.problems import PROBLEMS
from satiety.worth.findings import Findings, analyze_study
from satiety.worth.plan import Plan
from satiety.worth.resample import BootstrapSamples
from satiety.worth.run_store import Outcome
from satiety.worth.runs import FIRST_CURVE_REPLICATE, StudyRun
from satiety.worth.scores import BASELINE, Key, LeverSet, Scores, resample_scores
from satiety.worth.study import Measurements, list_lever_sets
from tests.additive import additive
from tests.unit.worth.material import AUGMENT, PSEUDO, RETRIEVE, finetune, worth

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.worth.section import Worth

    Line = Callable[[Any], Floats]
    """Labels -> the mean score of the baseline, over all replicates and all texts."""
    Shape = Callable[[np.random.Generator], Line]

LEVER: LeverSet = ("lever",)
LABELS = "abc"


@dataclass(frozen=True)
class World:
    """The true curve and noise, which a study can only estimate."""

    curve: Line
    multiplier: float
    """With the lever, n labels do what n · multiplier do without."""
    spread: float
    """Standard deviation of scores with as many labels as the smallest budget, drawn anew; it falls with the square
    root of labels."""
    difficulty: float
    """How often an answer hangs on the text's difficulty, the same in all runs, and not on the run's own noise."""
    shared: float
    """Correlation of a label's effect on the baseline and on the lever."""


@dataclass(frozen=True)
class Design:
    """How the study measures the true curve."""

    levers: int
    """Replicates for the lever."""
    curve: int
    """Replicates for the curve."""
    budgets: tuple[int, ...] = (15, 30, 60, 120, 240)
    test: int = 800
    resamples: int = 400
    classes: int = 0
    """0: the score is accuracy; else macro-F1 over so many classes, the same in truth, for errors are spread evenly."""


def power_law(rng: np.random.Generator) -> Line:
    """Return a - b n^-c: asymptotes, exponents and first scores over a wide range."""
    asymptote, exponent = rng.uniform(0.6, 0.97), np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    first = rng.uniform(0.2, asymptote - 0.1)
    return lambda labels: asymptote - (asymptote - first) * (np.asarray(labels) / 15) ** -exponent


def exponential(rng: np.random.Generator) -> Line:
    """Return a - b exp(-n / m): it comes to its end as no power law does."""
    asymptote, scale = rng.uniform(0.6, 0.97), np.exp(rng.uniform(np.log(30), np.log(200)))
    first = rng.uniform(0.2, asymptote - 0.1)
    return lambda labels: asymptote - (asymptote - first) * np.exp(-(np.asarray(labels) - 15) / scale)


def logistic(rng: np.random.Generator) -> Line:
    """Return a curve that is S-shaped in log n: slow, then fast, then slow."""
    low, high = rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.95)
    middle, slope = np.log(rng.uniform(30, 120)), rng.uniform(0.8, 2.5)
    return lambda labels: low + (high - low) / (1 + np.exp(-slope * (np.log(labels) - middle)))


def world(rng: np.random.Generator, shape: Shape) -> World:
    """Draw a world whose baseline curve has this shape."""
    multiplier, spread = float(np.exp(rng.uniform(np.log(0.5), np.log(3)))), rng.uniform(0.01, 0.05)
    return World(shape(rng), multiplier, spread, rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.9))


def simulate_scores(rng: np.random.Generator, true: World, design: Design) -> Scores:
    """Return the scores of a study that measures a world."""
    texts = Texts(rng, design)
    pool = rng.normal(size=(2, design.budgets[-1])) * true.spread * np.sqrt(design.budgets[0])
    lever_effects, curve_effects = (
        simulate_effects(rng, pool, design.budgets, design.levers),
        simulate_effects(rng, pool, design.budgets, design.curve),
    )
    lever = true.shared * lever_effects[0] + np.sqrt(1 - true.shared**2) * lever_effects[1]

    def iterate_runs(levers: LeverSet, effects: Floats) -> Iterator[tuple[Key, Floats]]:
        for (replicate, i), effect in np.ndenumerate(effects):
            labels = design.budgets[i] * (true.multiplier if levers else 1.0)
            probability = float(np.clip(true.curve(labels) + effect, 0, 1))
            yield (design.budgets[i], levers, replicate), texts.tally(probability, true.difficulty)

    resampling = Resampling(int(rng.integers(2**31)), design.resamples, 0.95)
    lever_runs = (
        run
        for levers, effects in ((BASELINE, lever_effects[0]), (LEVER, lever))
        for run in iterate_runs(levers, effects)
    )
    return resample_scores(
        additive(texts.measure),
        "score",
        lever_runs,
        iterate_runs(BASELINE, curve_effects[0]),
        np.arange(design.test),
        resampling,
    )


def draw_samples(point: list[float], noise: float, seed: int = 1, resamples: int = 400) -> BootstrapSamples:
    """Return quantities with independent normal draws."""
    center = np.array(point)
    return BootstrapSamples.from_draws(
        center, center + noise * np.random.default_rng(seed).standard_normal((resamples, len(point)))
    )


def idle_study(rng: np.random.Generator, true: World, design: Design) -> Findings:
    """Return what the meter finds where no lever helps: all differ from the baseline by chance alone.

    Three levers in all seven combinations, macro-F1 over three classes. A label's effect on a combination is partly
    its effect on the baseline, partly its effect on the levers in it, partly the combination's own.
    """
    params = worth(
        levers=[AUGMENT, PSEUDO, RETRIEVE], controls=[], replicates=design.levers, curve_replicates=design.curve,
        budgets=len(design.budgets) + 1, resamples=design.resamples,
    )  # fmt: skip
    texts, lever_sets = Texts(rng, design), list_lever_sets(params)

    def draw() -> Floats:
        return np.asarray(rng.normal(size=design.budgets[-1]) * true.spread * np.sqrt(design.budgets[0]))

    baseline, by_lever = draw(), {name: draw() for name in params.levers}
    pool = [baseline]
    for levers in lever_sets[1:]:
        own_effect = (sum(by_lever[name] for name in levers) / len(levers) + draw()) / np.sqrt(2)
        pool.append(true.shared * baseline + np.sqrt(1 - true.shared**2) * own_effect)
    lever_effects = simulate_effects(rng, np.stack(pool), design.budgets, design.levers)
    curve_effects = simulate_effects(rng, baseline[None], design.budgets, design.curve)[0]

    def build_outcome(budget: int, effect: float) -> Outcome:
        return Outcome(texts.tally(float(np.clip(true.curve(budget) + effect, 0, 1)), true.difficulty), 1.0)

    measurements = Measurements((0, *design.budgets))
    for (kind, replicate, i), effect in np.ndenumerate(lever_effects):
        measurements.outcomes[StudyRun(design.budgets[i], lever_sets[kind], replicate)] = build_outcome(
            design.budgets[i], effect
        )
    for (replicate, i), effect in np.ndenumerate(curve_effects):
        measurements.outcomes[StudyRun(design.budgets[i], BASELINE, FIRST_CURVE_REPLICATE + replicate)] = build_outcome(
            design.budgets[i], effect
        )
    return analyze_study(_plan(params, texts, design), measurements)


def _plan(params: Worth, texts: Texts, design: Design) -> Plan:
    """Return a plan of which no lever set is the same as another."""
    test = tuple(Example(str(i), {"text": ""}, Label(LABELS[gold])) for i, gold in enumerate(texts.gold))
    return Plan(
        problem=PROBLEMS["classify"].model_validate({"labels": list(LABELS), "names": {}}),
        pool=tuple(Example(f"pool {i}", {"text": ""}, Label("a")) for i in range(design.budgets[-1])),
        test=test,
        params=params,
        finetune=finetune(),
        precomputed={},
        inputs={levers: StudyInputs((), Path("+".join(levers) or "baseline")) for levers in list_lever_sets(params)},
        contaminated={},
        zero_shot=texts.tally(0.0, 0.0),
        home=Path(),
        device="cpu",
    )


def simulate_effects(rng: np.random.Generator, pool: Floats, budgets: Sequence[int], replicates: int) -> Floats:
    """Return effects of replicates on scores, shape (kinds, replicates, budgets): means over the labels of a budget.

    A replicate is an order of the pool, so with all its labels no two differ; every second replicate is the one
    before it, reversed.

    Args:
        rng: draws the orders.
        pool: the effect of each label, of each kind, shape (kinds, labels).
        budgets: ascending; the last is the pool's size.
        replicates: how many to draw.
    """
    permutations = [rng.permutation(pool.shape[1]) for _ in range(0, replicates, 2)]
    orders = np.stack(
        [order for permutation in permutations for order in (permutation, permutation[::-1])][:replicates]
    )
    sums = np.cumsum(pool[:, orders], axis=-1)
    return np.asarray(sums[..., np.array(budgets) - 1] / np.array(budgets))


class Texts:
    """The test set, and answers on it that are right with a given probability."""

    def __init__(self, rng: np.random.Generator, design: Design) -> None:
        self.rng, self.classes = rng, design.classes
        self.difficulty, self.gold = rng.random(design.test), rng.integers(max(design.classes, 2), size=design.test)

    def tally(self, probability: float, difficulty: float) -> Floats:
        """Return counts per text: right and one; or right, predicted and gold of each class."""
        count = len(self.gold)
        hard = np.where(self.rng.random(count) < difficulty, self.difficulty, self.rng.random(count))
        is_right = hard < probability
        if not self.classes:
            return np.stack([is_right, np.ones(count)], axis=1).astype(float)
        wrong_labels = (self.gold + self.rng.integers(1, self.classes, size=count)) % self.classes
        gold, predicted = (
            np.eye(self.classes)[self.gold],
            np.eye(self.classes)[np.where(is_right, self.gold, wrong_labels)],
        )
        return np.concatenate([gold * predicted, predicted, gold], axis=1)

    def measure(self, sums: Floats) -> dict[str, Floats]:
        """Return accuracy or macro-F1."""
        if not self.classes:
            return {"score": sums[..., 0] / sums[..., 1]}
        true_positives, predicted, gold = np.split(sums, 3, axis=-1)
        return {"score": (2 * true_positives / np.maximum(predicted + gold, 1)).mean(axis=-1)}
