"""Studies whose truth is known: a learning curve, a pool of labels, chains of them, test texts, and a lever."""

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
    """Labels -> the mean score of plain, over all chains and all texts."""
    Shape = Callable[[np.random.Generator], Line]

LEVER: LeverSet = ("lever",)
LABELS = "abc"


@dataclass(frozen=True)
class World:
    """What is true: nobody who measures sees it."""

    curve: Line
    multiplier: float
    """With the lever, n labels do what n · multiplier do without."""
    spread: float
    """Standard deviation of scores with as many labels as the smallest budget, drawn anew; it falls with the square
    root of labels."""
    difficulty: float
    """How often an answer hangs on the text's difficulty, the same in all cells, and not on the cell's own luck."""
    shared: float
    """Correlation of what a label does to plain and to the lever."""


@dataclass(frozen=True)
class Design:
    """How it is measured."""

    levers: int
    """Chains for the lever."""
    curve: int
    """Chains for the curve."""
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
    """Draw a world whose plain curve has this shape."""
    multiplier, spread = float(np.exp(rng.uniform(np.log(0.5), np.log(3)))), rng.uniform(0.01, 0.05)
    return World(shape(rng), multiplier, spread, rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.9))


def study(rng: np.random.Generator, true: World, how: Design) -> Scores:
    """Measure a world."""
    texts = Texts(rng, how)
    pool = rng.normal(size=(2, how.budgets[-1])) * true.spread * np.sqrt(how.budgets[0])
    together, alone = effects(rng, pool, how.budgets, how.levers), effects(rng, pool, how.budgets, how.curve)
    lever = true.shared * together[0] + np.sqrt(1 - true.shared**2) * together[1]

    def cells(levers: LeverSet, effects: Floats) -> Iterator[tuple[Key, Floats]]:
        for (chain, i), effect in np.ndenumerate(effects):
            labels = how.budgets[i] * (true.multiplier if levers else 1.0)
            right = float(np.clip(true.curve(labels) + effect, 0, 1))
            yield (how.budgets[i], levers, chain), texts.tally(right, true.difficulty)

    resampling = Resampling(int(rng.integers(2**31)), how.resamples, 0.95)
    ours = (cell for levers, effects in ((BASELINE, together[0]), (LEVER, lever)) for cell in cells(levers, effects))
    return resample_scores(
        additive(texts.measure), "score", ours, cells(BASELINE, alone[0]), np.arange(how.test), resampling
    )


def drawn(point: list[float], noise: float, seed: int = 1, resamples: int = 400) -> BootstrapSamples:
    """Return quantities with independent normal draws."""
    center = np.array(point)
    return BootstrapSamples.from_draws(
        center, center + noise * np.random.default_rng(seed).standard_normal((resamples, len(point)))
    )


def idle_study(rng: np.random.Generator, true: World, how: Design) -> Findings:
    """Return what the meter finds where no lever helps in truth: all differ from plain by luck alone.

    Three levers in all seven combinations, macro-F1 over three classes. What a label does to a combination is partly
    what it does to plain, partly what it does to the levers in it, partly the combination's own.
    """
    params = worth(
        levers=[AUGMENT, PSEUDO, RETRIEVE], controls=[], replicates=how.levers, curve_replicates=how.curve,
        budgets=len(how.budgets) + 1, resamples=how.resamples,
    )  # fmt: skip
    texts, everything = Texts(rng, how), list_lever_sets(params)

    def draw() -> Floats:
        return np.asarray(rng.normal(size=how.budgets[-1]) * true.spread * np.sqrt(how.budgets[0]))

    plain, by_lever = draw(), {name: draw() for name in params.levers}
    pool = [plain]
    for levers in everything[1:]:
        apart = (sum(by_lever[name] for name in levers) / len(levers) + draw()) / np.sqrt(2)
        pool.append(true.shared * plain + np.sqrt(1 - true.shared**2) * apart)
    together = effects(rng, np.stack(pool), how.budgets, how.levers)
    alone = effects(rng, plain[None], how.budgets, how.curve)[0]

    def outcome(budget: int, effect: float) -> Outcome:
        return Outcome(texts.tally(float(np.clip(true.curve(budget) + effect, 0, 1)), true.difficulty), 1.0)

    course = Measurements((0, *how.budgets))
    for (kind, chain, i), effect in np.ndenumerate(together):
        course.outcomes[StudyRun(how.budgets[i], everything[kind], chain)] = outcome(how.budgets[i], effect)
    for (chain, i), effect in np.ndenumerate(alone):
        course.outcomes[StudyRun(how.budgets[i], BASELINE, FIRST_CURVE_REPLICATE + chain)] = outcome(
            how.budgets[i], effect
        )
    return analyze_study(_plan(params, texts, how), course)


def _plan(params: Worth, texts: Texts, how: Design) -> Plan:
    """Return a plan of which no lever set is the same as another."""
    test = tuple(Example(str(i), {"text": ""}, Label(LABELS[gold])) for i, gold in enumerate(texts.gold))
    return Plan(
        problem=PROBLEMS["classify"].model_validate({"labels": list(LABELS), "names": {}}),
        pool=tuple(Example(f"pool {i}", {"text": ""}, Label("a")) for i in range(how.budgets[-1])),
        test=test,
        params=params,
        finetune=finetune(),
        precomputed={},
        inputs={one: StudyInputs((), Path("+".join(one) or "baseline")) for one in list_lever_sets(params)},
        contaminated={},
        zero_shot=texts.tally(0.0, 0.0),
        home=Path(),
        device="cpu",
    )


def effects(rng: np.random.Generator, pool: Floats, budgets: Sequence[int], chains: int) -> Floats:
    """Return what chains do to scores, shape (kinds, chains, budgets): the mean of what the labels of a budget do.

    A chain is an order of the pool, so with all its labels no two differ, though the pool is lucky or not; every other
    one is the one before it, the other way round.

    Args:
        rng: draws the orders.
        pool: what each label does, of each kind, shape (kinds, labels).
        budgets: ascending; the last is the pool's size.
        chains: how many.
    """
    ways = [rng.permutation(pool.shape[1]) for _ in range(0, chains, 2)]
    orders = np.stack([order for way in ways for order in (way, way[::-1])][:chains])
    sums = np.cumsum(pool[:, orders], axis=-1)
    return np.asarray(sums[..., np.array(budgets) - 1] / np.array(budgets))


class Texts:
    """The test set: it is asked for answers that are right with a given probability over all texts there are."""

    def __init__(self, rng: np.random.Generator, how: Design) -> None:
        self.rng, self.classes = rng, how.classes
        self.difficulty, self.gold = rng.random(how.test), rng.integers(max(how.classes, 2), size=how.test)

    def tally(self, right: float, difficulty: float) -> Floats:
        """Return counts per text: right and one; or right, predicted and gold of each class."""
        count = len(self.gold)
        hard = np.where(self.rng.random(count) < difficulty, self.difficulty, self.rng.random(count))
        answers = hard < right
        if not self.classes:
            return np.stack([answers, np.ones(count)], axis=1).astype(float)
        wrong = (self.gold + self.rng.integers(1, self.classes, size=count)) % self.classes
        gold, predicted = np.eye(self.classes)[self.gold], np.eye(self.classes)[np.where(answers, self.gold, wrong)]
        return np.concatenate([gold * predicted, predicted, gold], axis=1)

    def measure(self, sums: Floats) -> dict[str, Floats]:
        """Return accuracy or macro-F1."""
        if not self.classes:
            return {"score": sums[..., 0] / sums[..., 1]}
        right, predicted, gold = np.split(sums, 3, axis=-1)
        return {"score": (2 * right / np.maximum(predicted + gold, 1)).mean(axis=-1)}
