"""Challenger and champion -> what both answer to the frozen and to the fresh test examples, and how they differ."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from satiety.core.answers import load
from satiety.core.errors import DataError, ParamsError
from satiety.core.records import Evaluated, Example
from satiety.evaluate.answers import match_stored
from satiety.evaluate.bootstrap import Resampling, assign_groups
from satiety.package.contents import MODEL
from satiety.package.load import Package
from satiety.problems import Prediction, Problem
from satiety.promotion import Promote
from satiety.promotion.calibration import compare_calibration
from satiety.promotion.judge import Evidence, SystemComparison
from satiety.promotion.paired_bootstrap import compare_paired
from satiety.promotion.slices import compare_slices
from tasks.fetch import fetch

ADVICE = "restore its files, or `satiety rollback` to the one before"
OUTDATED = (
    "so no new model can be compared with it; take the alias `champion` off it in MLflow (docs/promotion.md), and the "
    "next promotion is the first one"
)
"""What to do about a champion that an earlier version of satiety made."""


@dataclass(frozen=True, slots=True)
class EvaluationSets:
    """What both are asked."""

    path: Path
    """Of the frozen test examples."""
    frozen: Sequence[Example]
    fresh: Sequence[Example]
    """Empty where there are none."""


def compare_with_baseline(challenger: Package, test_sets: EvaluationSets, params: Promote) -> Evidence:
    """Return how the challenger compares with no training."""
    rows = _recall(challenger, test_sets)
    baseline, candidate = [Prediction(load(row.before)) for row in rows], [Prediction(load(row.after)) for row in rows]
    problem, resampling = challenger.problem, _make_resampling(params)
    tallies = problem.tally(test_sets.frozen, baseline), problem.tally(test_sets.frozen, candidate)
    groups = assign_groups(test_sets.frozen)
    return Evidence(SystemComparison(compare_paired(problem.score, *tallies, groups, resampling)[problem.headline], {}))


def compare_with_champion(challenger: Package, champion: Any, test_sets: EvaluationSets, params: Promote) -> Evidence:
    """Return how the challenger compares with the champion, an MLflow model version.

    Raises:
        DataError: the challenger was evaluated on other test examples than are there now.
        ModelError: the champion's package is damaged.
        OutdatedError: an earlier version of satiety made it.
        ParamsError: the champion answers another problem.
    """
    problem, resampling = challenger.problem, _make_resampling(params)
    candidate = [_restore_prediction(answer) for answer in _recall(challenger, test_sets)]
    with open_champion(champion, problem) as package:
        baseline = _restrict_predictions(_recall_or_predict(package, test_sets.frozen), problem)
        frozen = _compare(problem, test_sets.frozen, baseline, candidate, params)
        fresh, random_sample = _compare_on_fresh((package, challenger), test_sets.fresh, problem, params)
        if not problem.categorical and frozen.headline.interval((1 - params.confidence_level) / 2).low > -params.margin:
            inputs = [example.inputs for example in test_sets.frozen]  # no confidence of a single mention is stored
            baseline, candidate = package.predict(inputs), challenger.predict(inputs)
        has_scores = all(
            prediction.scores or not (prediction.answer and prediction.answer.mentions)
            for prediction in (*baseline, *candidate)
        )
        calibration = (
            compare_calibration(problem, test_sets.frozen, baseline, candidate, params.bins, resampling)
            if has_scores
            else None
        )
        return Evidence(
            frozen, fresh, random_sample, calibration, (_count_weight_bytes(package), _count_weight_bytes(challenger))
        )


@contextmanager
def open_champion(champion: Any, problem: Problem) -> Iterator[Package]:
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


def _compare_on_fresh(
    pair: tuple[Package, Package], fresh: Sequence[Example], problem: Problem, params: Promote
) -> tuple[SystemComparison | None, SystemComparison | None]:
    """Return how champion and challenger compare on all fresh examples, and on those drawn at random."""
    if len(fresh) < params.min_fresh_examples:
        return None, None
    gold = [_restrict_answer(example, problem) for example in fresh]
    baseline, candidate = (
        _restrict_predictions(package.predict([e.inputs for e in gold]), problem) for package in pair
    )
    random_rows = [row for row, example in enumerate(gold) if example.origin == "drawn"]
    fresh_compared = _compare(problem, gold, baseline, candidate, params)
    if len(random_rows) < params.min_fresh_examples:
        return fresh_compared, None
    subset = [gold[i] for i in random_rows], [baseline[i] for i in random_rows], [candidate[i] for i in random_rows]
    return fresh_compared, _compare(problem, *subset, params)


def _recall(challenger: Package, test_sets: EvaluationSets) -> list[Evaluated]:
    answers = match_stored(challenger.read_predictions(), test_sets.frozen)
    if answers is None:
        raise DataError(
            f"{challenger.source}: its scores are of other test examples than {test_sets.path}; run `dvc repro`"
        )
    return answers


def _recall_or_predict(package: Package, gold: Sequence[Example]) -> list[Prediction]:
    """Return the answers that a package was stored with, or new ones where those are of other test examples."""
    stored = match_stored(package.read_predictions(), gold)
    return (
        package.predict([e.inputs for e in gold])
        if stored is None
        else [_restore_prediction(answer) for answer in stored]
    )


def _restore_prediction(row: Evaluated) -> Prediction:
    return Prediction(load(row.after), row.confidence)


def _compare(
    problem: Problem,
    gold: Sequence[Example],
    baseline: Sequence[Prediction],
    candidate: Sequence[Prediction],
    params: Promote,
) -> SystemComparison:
    resampling, tallies = _make_resampling(params), (problem.tally(gold, baseline), problem.tally(gold, candidate))
    slices = compare_slices(problem, gold, *tallies, params.slices, params.min_slice_examples, resampling)
    return SystemComparison(
        compare_paired(problem.score, *tallies, assign_groups(gold), resampling)[problem.headline], slices
    )


def _restrict_predictions(predictions: Sequence[Prediction], problem: Problem) -> list[Prediction]:
    """Return answers without mentions of other labels than the problem's: those cannot be right, no class has them."""
    return [
        replace(prediction, answer=prediction.answer and prediction.answer.restrict(problem.label_set))
        for prediction in predictions
    ]


def _restrict_answer(example: Example, problem: Problem) -> Example:
    return replace(example, answer=example.answer and example.answer.restrict(problem.label_set))


def _count_weight_bytes(package: Package) -> int:
    return sum(path.stat().st_size for path in (package.folder / MODEL).rglob("*.safetensors"))


def _make_resampling(params: Promote) -> Resampling:
    return Resampling(params.seed, params.resamples, params.confidence_level)
