"""Studies whose truth is known: a learning curve, chains of labels, test texts of all difficulties, and a lever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from satiety.evaluate.bootstrap import Resampling
from satiety.worth.resample import Drawn
from satiety.worth.scores import PLAIN, Key, LeverSet, Scores, resample

if TYPE_CHECKING:
    from satiety.problems.base import Floats

    Line = Callable[[Any], Floats]
    """Labels -> the mean score of plain, over all chains and all texts."""
    Shape = Callable[[np.random.Generator], Line]

LEVER: LeverSet = ("lever",)


@dataclass(frozen=True)
class World:
    """What is true: nobody who measures sees it."""

    curve: Line
    multiplier: float
    """With the lever, n labels do what n · multiplier do without."""
    spread: float
    """Standard deviation of the chains' scores at the smallest budget; it falls with the square root of labels."""
    difficulty: float
    """How often an answer hangs on the text's difficulty, the same in all cells, and not on the cell's own luck."""
    shared: float
    """Correlation of what a chain does to plain and to the lever."""


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
    texts = _Texts(rng, how)
    together, alone = _effects(rng, true, how, how.levers), _effects(rng, true, how, how.curve)
    lever = true.shared * together[0] + np.sqrt(1 - true.shared**2) * together[1]

    def cells(levers: LeverSet, effects: Floats) -> Iterator[tuple[Key, Floats]]:
        for (chain, i), effect in np.ndenumerate(effects):
            labels = how.budgets[i] * (true.multiplier if levers else 1.0)
            right = float(np.clip(true.curve(labels) + effect, 0, 1))
            yield (how.budgets[i], levers, chain), texts.tally(right, true.difficulty)

    resampling = Resampling(int(rng.integers(2**31)), how.resamples, 0.95)
    ours = (cell for levers, effects in ((PLAIN, together[0]), (LEVER, lever)) for cell in cells(levers, effects))
    return resample(texts.measure, "score", ours, cells(PLAIN, alone[0]), resampling)


def drawn(point: list[float], noise: float, seed: int = 1, resamples: int = 400) -> Drawn:
    """Return quantities with independent normal draws."""
    center = np.array(point)
    return Drawn.of(center, center + noise * np.random.default_rng(seed).standard_normal((resamples, len(point))))


def _effects(rng: np.random.Generator, true: World, how: Design, chains: int) -> Floats:
    """Return two independent sets of what chains do to scores, shape (2, chains, budgets).

    A budget's labels hold those of the smaller budgets, so the effects of one chain go together along it.
    """
    sizes = np.array(how.budgets, dtype=float)
    sums = np.cumsum(rng.normal(size=(2, chains, len(sizes))) * np.sqrt(np.diff(sizes, prepend=0)), axis=-1)
    return np.asarray(true.spread * np.sqrt(sizes[0]) * sums / sizes)


class _Texts:
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
