"""Challenger and champion -> what both answer to the frozen and to the fresh test examples, and how they differ."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.answers import load
from satiety.errors import DataError, ParamsError
from satiety.evaluate.answers import recalled
from satiety.evaluate.bootstrap import Resampling, groups_of
from satiety.package.contents import MODEL
from satiety.package.load import Package
from satiety.problems import Prediction, Problem
from satiety.promotion import Promote
from satiety.promotion.judge import Compared, Evidence
from satiety.promotion.paired import paired
from satiety.promotion.slices import sliced
from satiety.promotion.trust import trusted
from satiety.records import Evaluated, Example
from tasks.fetch import fetch

ADVICE = "restore its files, or `satiety rollback` to the one before"
OUTDATED = (
    "so no new model can be compared with it; take the alias `champion` off it in MLflow (docs/promotion.md), and the "
    "next promotion is the first one"
)
"""What to do about a champion that an earlier version of satiety made."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What both are asked."""

    place: Path
    """Of the frozen test examples."""
    frozen: Sequence[Example]
    fresh: Sequence[Example]
    """Empty where there are none."""


def untrained(challenger: Package, asked: Asked, params: Promote) -> Evidence:
    """Return how the challenger compares with no training."""
    stored = _recall(challenger, asked)
    old, new = [Prediction(load(row.before)) for row in stored], [Prediction(load(row.after)) for row in stored]
    problem, how = challenger.problem, _how(params)
    tallies = problem.tally(asked.frozen, old), problem.tally(asked.frozen, new)
    groups = groups_of(asked.frozen)
    return Evidence(Compared(paired(problem.score, *tallies, groups, how)[problem.headline], {}))


def gathered(challenger: Package, champion: Any, asked: Asked, params: Promote) -> Evidence:
    """Return how the challenger compares with the champion, an MLflow model version.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        OutdatedError: an earlier version of satiety made it.
        ParamsError: the champion answers another problem.
    """
    problem, how = challenger.problem, _how(params)
    new = [_stored(answer) for answer in _recall(challenger, asked)]
    with rival(champion, problem) as package:
        old = _known(_answers(package, asked.frozen), problem)
        frozen = _compared(problem, asked.frozen, old, new, params)
        fresh, drawn = _on_fresh((package, challenger), asked.fresh, problem, params)
        if not problem.categorical and frozen.headline.interval((1 - params.level) / 2).low > -params.margin:
            inputs = [example.inputs for example in asked.frozen]  # no confidence of a single mention is stored
            old, new = package.predict(inputs), challenger.predict(inputs)
        known = all(one.scores or not (one.answer and one.answer.mentions) for one in (*old, *new))
        trust = trusted(problem, asked.frozen, old, new, params.bins, how) if known else None
        return Evidence(frozen, fresh, drawn, trust, (_weights(package), _weights(challenger)))


@contextmanager
def rival(champion: Any, problem: Problem) -> Iterator[Package]:
    """Give the champion's package, verified, for as long as the block lasts."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        package = fetch(champion, Path(scratch), "the champion", ADVICE, OUTDATED)
        if package.problem.kind != problem.kind:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of the problem {package.problem.kind}, "
                f"this one is of {problem.kind}; give it another name"
            )
        if problem.classes and not set(package.problem.classes) & set(problem.classes) - {"O"}:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of other labels, none of which is of this "
                "problem; give it another name"
            )
        yield package


def _on_fresh(
    pair: tuple[Package, Package], fresh: Sequence[Example], problem: Problem, params: Promote
) -> tuple[Compared | None, Compared | None]:
    """Return how champion and challenger compare on all fresh examples, and on those drawn at random."""
    if len(fresh) < params.fresh_least:
        return None, None
    gold = [_askable(example, problem) for example in fresh]
    old, new = (_known(package.predict([e.inputs for e in gold]), problem) for package in pair)
    drawn = [place for place, example in enumerate(gold) if example.origin == "drawn"]
    fresh_compared = _compared(problem, gold, old, new, params)
    if len(drawn) < params.fresh_least:
        return fresh_compared, None
    some = [gold[i] for i in drawn], [old[i] for i in drawn], [new[i] for i in drawn]
    return fresh_compared, _compared(problem, *some, params)


def _recall(challenger: Package, asked: Asked) -> list[Evaluated]:
    answers = recalled(challenger.stored(), asked.frozen)
    if answers is None:
        raise DataError(
            f"{challenger.source}: its scores are of other test examples than {asked.place}; run `dvc repro`"
        )
    return answers


def _answers(package: Package, gold: Sequence[Example]) -> list[Prediction]:
    """Return the answers that a package was stored with, or new ones where those are of other test examples."""
    stored = recalled(package.stored(), gold)
    return package.predict([e.inputs for e in gold]) if stored is None else [_stored(answer) for answer in stored]


def _stored(row: Evaluated) -> Prediction:
    return Prediction(load(row.after), row.confidence)


def _compared(
    problem: Problem, gold: Sequence[Example], old: Sequence[Prediction], new: Sequence[Prediction], params: Promote
) -> Compared:
    how, tallies = _how(params), (problem.tally(gold, old), problem.tally(gold, new))
    slices = sliced(problem, gold, *tallies, params.slices, params.slice_least, how)
    return Compared(paired(problem.score, *tallies, groups_of(gold), how)[problem.headline], slices)


def _known(answers: Sequence[Prediction], problem: Problem) -> list[Prediction]:
    """Return answers without mentions of other labels than the problem's: those cannot be right, no class has them."""
    return [replace(one, answer=one.answer and one.answer.restrict(problem.listed)) for one in answers]


def _askable(example: Example, problem: Problem) -> Example:
    return replace(example, answer=example.answer and example.answer.restrict(problem.listed))


def _weights(package: Package) -> int:
    return sum(path.stat().st_size for path in (package.folder / MODEL).rglob("*.safetensors"))


def _how(params: Promote) -> Resampling:
    return Resampling(params.seed, params.resamples, params.level)
