"""Challenger and champion -> what both answer to the frozen and to the fresh test examples, and how they differ."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.errors import DataError, ParamsError
from satiety.evaluate.answers import read as read_answer
from satiety.evaluate.answers import recalled
from satiety.evaluate.bootstrap import Resampling
from satiety.package.contents import MODEL
from satiety.package.load import Package
from satiety.problems import Prediction, Problem
from satiety.promotion import Promote
from satiety.promotion.judge import Compared, Evidence
from satiety.promotion.paired import paired
from satiety.promotion.slices import sliced
from satiety.promotion.trust import trusted
from satiety.records import Answer, Example
from tasks.fetch import fetch

ADVICE = "restore its files, or `satiety rollback` to the one before"


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
    old, new = ([read_answer(one) for one in side] for side in zip(*((a.before, a.after) for a in stored), strict=True))
    problem, how = challenger.problem, _how(params)
    tallies = problem.tally(asked.frozen, old), problem.tally(asked.frozen, new)
    return Evidence(Compared(paired(problem.measure, *tallies, how)[problem.headline], {}))


def gathered(challenger: Package, champion: Any, asked: Asked, params: Promote) -> Evidence:
    """Return how the challenger compares with the champion, an MLflow model version.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        ParamsError: the champion answers another problem.
    """
    problem, how = challenger.problem, _how(params)
    new = [_stored(answer) for answer in _recall(challenger, asked)]
    with rival(champion, problem) as package:
        old = _known(_answers(package, asked.frozen), problem)
        frozen = _compared(problem, asked.frozen, old, new, params)
        fresh = None
        if len(asked.fresh) >= params.fresh_least:
            gold = [_askable(example, problem) for example in asked.fresh]
            first, second = (_known(one.predict([e.text for e in gold]), problem) for one in (package, challenger))
            fresh = _compared(problem, gold, first, second, params)
        if problem.head == "token" and frozen.headline.interval((1 - params.level) / 2).low > -params.margin:
            texts = [example.text for example in asked.frozen]  # no confidence of an entity is stored
            old, new = package.predict(texts), challenger.predict(texts)
        known = all(answer.scores or not answer.spans for answer in (*old, *new))
        trust = trusted(problem, asked.frozen, old, new, params.bins, how) if known else None
        return Evidence(frozen, fresh, trust, (_weights(package), _weights(challenger)))


@contextmanager
def rival(champion: Any, problem: Problem) -> Iterator[Package]:
    """Give the champion's package, verified, for as long as the block lasts."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        package = fetch(champion, Path(scratch), "the champion", ADVICE)
        if package.problem.kind != problem.kind:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of the problem {package.problem.kind}, "
                f"this one is of {problem.kind}; give it another name"
            )
        if not set(package.problem.classes) & set(problem.classes) - {"O"}:
            raise ParamsError(
                f"params.yaml: register.name: {champion.name!r} is a model of other labels, none of which is of this "
                "problem; give it another name"
            )
        yield package


def _recall(challenger: Package, asked: Asked) -> list[Answer]:
    answers = recalled(challenger.stored(), asked.frozen)
    if answers is None:
        raise DataError(
            f"{challenger.folder}: its scores are of other test examples than {asked.place}; run `dvc repro`"
        )
    return answers


def _answers(package: Package, gold: Sequence[Example]) -> list[Prediction]:
    """Return the answers that a package was stored with, or new ones where those are of other test examples."""
    stored = recalled(package.stored(), gold)
    return package.predict([e.text for e in gold]) if stored is None else [_stored(answer) for answer in stored]


def _stored(answer: Answer) -> Prediction:
    return replace(read_answer(answer.after), confidence=answer.confidence)


def _compared(
    problem: Problem, gold: Sequence[Example], old: Sequence[Prediction], new: Sequence[Prediction], params: Promote
) -> Compared:
    how, tallies = _how(params), (problem.tally(gold, old), problem.tally(gold, new))
    slices = sliced(problem, gold, *tallies, params.slices, params.slice_least, how)
    return Compared(paired(problem.measure, *tallies, how)[problem.headline], slices)


def _known(answers: Sequence[Prediction], problem: Problem) -> list[Prediction]:
    """Return answers without spans of other labels than the problem's: those cannot be right, and no class has them."""
    known = set(problem.model_dump()["labels"])
    return [replace(one, spans=tuple(span for span in one.spans if span.label in known)) for one in answers]


def _askable(example: Example, problem: Problem) -> Example:
    known = set(problem.model_dump()["labels"])
    return replace(example, spans=tuple(span for span in example.spans if span.label in known))


def _weights(package: Package) -> int:
    return sum(path.stat().st_size for path in (package.folder / MODEL).rglob("*.safetensors"))


def _how(params: Promote) -> Resampling:
    return Resampling(params.seed, params.resamples, params.level)
