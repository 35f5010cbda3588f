"""Challenger and champion -> their paired comparison on the frozen and the fresh test examples.

Where there is no frozen test, a first model is compared with the untuned one on every label, each answered by a model
that had not seen it. A champion may have learned from these labels, so only randomly drawn fresh examples compare it.
"""

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
from satiety.evaluate.bootstrap import IMAGINARY, Resampling, assign_groups
from satiety.evaluate.gold import ScoredOn
from satiety.package.card import is_out_of_fold
from satiety.package.contents import MODEL
from satiety.package.load import Package
from satiety.problems import Prediction, Problem
from satiety.promotion import Promote
from satiety.promotion.calibration import compare_calibration
from satiety.promotion.judge import Evidence, SystemComparison
from satiety.promotion.paired_bootstrap import compare_paired
from satiety.promotion.report import select_random
from satiety.promotion.slices import compare_slices
from tasks.fetch import fetch_package

ADVICE = "restore its files, or run `satiety rollback` to restore the previous champion"
OUTDATED = (
    "new models cannot be compared with it. Remove the alias `champion` in MLflow (docs/promotion.md); the next model "
    "is then compared with the untuned model"
)
"""Advice for a champion made by an earlier version of satiety."""


@dataclass(frozen=True, slots=True)
class EvaluationSets:
    """Test examples that champion and challenger are compared on."""

    path: Path
    """File of the frozen test examples."""
    gold: Sequence[Example]
    """The frozen test examples; where there is no test, the labels that the challenger was scored on out of fold."""
    scored_on: ScoredOn
    fresh: Sequence[Example]
    """Labelled since the last training; may be empty."""

    @property
    def has_test(self) -> bool:
        """Whether there are frozen test examples."""
        return self.scored_on == "test"


def compare_with_baseline(challenger: Package, test_sets: EvaluationSets, params: Promote) -> Evidence:
    """Compare the challenger with the untuned baseline on the frozen test examples, or on every label out of fold."""
    rows = _read_stored_predictions(challenger, test_sets)
    baseline, candidate = [Prediction(load(row.before)) for row in rows], [Prediction(load(row.after)) for row in rows]
    problem, resampling = challenger.problem, _make_resampling(params)
    if not test_sets.has_test:
        resampling = replace(resampling, imaginary=IMAGINARY, unbounded=problem.unbounded)
    tallies = problem.tally(test_sets.gold, baseline), problem.tally(test_sets.gold, candidate)
    groups = assign_groups(test_sets.gold)
    pair = compare_paired(problem.score, *tallies, groups, resampling)[problem.headline]
    return Evidence(SystemComparison(pair, {}), basis="frozen" if test_sets.has_test else "out_of_fold")


def compare_with_champion(challenger: Package, champion: Any, test_sets: EvaluationSets, params: Promote) -> Evidence:
    """Compare the challenger with the champion, an MLflow model version.

    Raises:
        DataError: the challenger was evaluated on a different test set.
        ModelError: the champion's package is damaged.
        OutdatedError: the champion was made by an earlier version of satiety.
        ParamsError: the champion was trained for a different problem.
    """
    problem, resampling = challenger.problem, _make_resampling(params)
    with open_champion(champion, problem) as package:
        if test_sets.has_test:
            stored = dict(zip(test_sets.gold, _read_stored_predictions(challenger, test_sets), strict=True))
            gold = select_unseen(test_sets.gold, package)
            candidate = [_restore_prediction(stored[example]) for example in gold]
            baseline = _restrict_predictions(_recall_or_predict(package, gold), problem)
        else:
            gold = _restrict_gold(select_random(test_sets.fresh), problem)
            candidate, baseline = (side.predict([example.inputs for example in gold]) for side in (challenger, package))
            baseline = _restrict_predictions(baseline, problem)
        inputs = [example.inputs for example in gold]
        frozen = _compare(problem, gold, baseline, candidate, params)
        fresh, random_sample = _compare_on_fresh((package, challenger), test_sets.fresh, problem, params)
        if not problem.categorical and frozen.headline.interval((1 - params.confidence_level) / 2).low > -params.margin:
            # stored predictions lack mention confidences
            baseline, candidate = package.predict(inputs), challenger.predict(inputs)
        has_scores = all(
            prediction.scores or not (prediction.answer and prediction.answer.mentions)
            for prediction in (*baseline, *candidate)
        )
        calibration = (
            compare_calibration(problem, gold, baseline, candidate, params.bins, resampling) if has_scores else None
        )
        champion_bytes, challenger_bytes = (
            sum(path.stat().st_size for path in (side.folder / MODEL).rglob("*.safetensors"))
            for side in (package, challenger)
        )
        sizes = (champion_bytes, challenger_bytes)
        if test_sets.has_test:
            return Evidence(frozen, fresh, random_sample, calibration, sizes)
        return Evidence(frozen, fresh, None, calibration, sizes, basis="drawn")


def select_unseen(gold: Sequence[Example], champion: Package) -> list[Example]:
    """Return the test examples from which the champion did not learn.

    Where it had no test itself, it learned from every label that it was scored on. Some of them may be in the test now.

    Raises:
        DataError: it learned from all of them.
    """
    learned = set(champion.read_predictions()) if is_out_of_fold(champion.scores()) else set()
    unseen = [example for example in gold if example.id not in learned]
    if not unseen:
        raise DataError(
            f"promote: the champion learned from all {len(gold):,} test texts, before there was a test; draw others by "
            "another `ingest.seed`"
        )
    return unseen


@contextmanager
def open_champion(champion: Any, problem: Problem) -> Iterator[Package]:
    """Fetch and verify the champion's package; delete the copy at the end of the block."""
    with TemporaryDirectory(prefix="satiety-") as scratch:
        package = fetch_package(champion, Path(scratch), "the champion", ADVICE, OUTDATED)
        if package.problem.kind != problem.kind:
            raise ParamsError(
                f"params.yaml: register.name: the champion of {champion.name!r} solves problem "
                f"{package.problem.kind}, this model {problem.kind}; set register.name to a new name"
            )
        if problem.classes and not set(package.problem.classes) & set(problem.classes) - {"O"}:
            raise ParamsError(
                f"params.yaml: register.name: the champion of {champion.name!r} shares no label with this problem; "
                "set register.name to a new name"
            )
        yield package


def _compare_on_fresh(
    pair: tuple[Package, Package], fresh: Sequence[Example], problem: Problem, params: Promote
) -> tuple[SystemComparison | None, SystemComparison | None]:
    """Compare champion and challenger on all fresh examples, and on the random sample among them."""
    if len(fresh) < params.min_fresh_examples:
        return None, None
    gold = _restrict_gold(fresh, problem)
    baseline, candidate = (
        _restrict_predictions(package.predict([e.inputs for e in gold]), problem) for package in pair
    )
    random_rows = [row for row, example in enumerate(gold) if example.origin == "drawn"]
    fresh_compared = _compare(problem, gold, baseline, candidate, params)
    if len(random_rows) < params.min_fresh_examples:
        return fresh_compared, None
    subset = [gold[i] for i in random_rows], [baseline[i] for i in random_rows], [candidate[i] for i in random_rows]
    return fresh_compared, _compare(problem, *subset, params)


def _read_stored_predictions(challenger: Package, test_sets: EvaluationSets) -> list[Evaluated]:
    answers = match_stored(challenger.read_predictions(), test_sets.gold)
    if answers is None:
        raise DataError(
            f"{challenger.source}: evaluated on other examples than those of {test_sets.path}; run `dvc repro`"
        )
    return answers


def _recall_or_predict(package: Package, gold: Sequence[Example]) -> list[Prediction]:
    """Return the predictions stored in a package, or new ones if those are for different test examples."""
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


def _restrict_gold(examples: Sequence[Example], problem: Problem) -> list[Example]:
    """Remove mentions whose label is not in the problem from gold answers."""
    return [replace(e, answer=e.answer and e.answer.restrict(problem.label_set)) for e in examples]


def _restrict_predictions(predictions: Sequence[Prediction], problem: Problem) -> list[Prediction]:
    """Remove mentions whose label is not in the problem: no gold answer contains one."""
    return [
        replace(prediction, answer=prediction.answer and prediction.answer.restrict(problem.label_set))
        for prediction in predictions
    ]


def _make_resampling(params: Promote) -> Resampling:
    return Resampling(params.seed, params.resamples, params.confidence_level)
