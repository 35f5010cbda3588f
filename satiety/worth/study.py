"""Plan -> outcomes of all runs, computed in parallel, cached one by one, with early stopping.

Replicates are computed in rounds, so that every interim analysis compares all lever sets on the same replicates.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from satiety.core.errors import SetupError
from satiety.core.executor import Executor, Job
from satiety.core.progress import track
from satiety.evaluate.bootstrap import Resampling, assign_groups
from satiety.levers.controls import Oracle
from satiety.worth.evaluator import Evaluator
from satiety.worth.plan import Plan
from satiety.worth.run_store import Outcome, RunStore
from satiety.worth.runs import FIRST_CURVE_REPLICATE, StudyRun, hash_run, list_budgets
from satiety.worth.scores import LeverSet, Scorer
from satiety.worth.section import FIRST_COMPARISON
from satiety.worth.verdicts import Futility, find_stop

if TYPE_CHECKING:
    from satiety.worth.section import Worth

RUNS = "runs"
"""Folder of the outcomes, inside the study's."""
MAX_CONTROL_BUDGETS = 2
"""Largest number of budgets at which controls are measured."""


@dataclass(slots=True)
class Measurements:
    """Outcomes of a study."""

    budgets: tuple[int, ...]
    outcomes: dict[StudyRun, Outcome] = field(default_factory=dict)
    stopped: dict[LeverSet, int] = field(default_factory=dict)
    """Number of replicates after which a lever set was stopped."""
    planned: int = 0
    """Runs of levers without early stopping."""
    computed: int = 0
    """Runs that were not cached."""
    seconds: float = 0.0
    """Wall-clock time."""


def list_lever_sets(params: Worth) -> list[LeverSet]:
    """Return every combination of the levers, the baseline () first."""
    names = sorted(params.levers)
    return [levers for size in range(len(names) + 1) for levers in combinations(names, size)]


def select_control_budgets(params: Worth, budgets: Sequence[int], pool: int) -> list[int]:
    """Return the budgets of controls: the oracle needs additional labels, preferably off the grid of budgets."""
    oracles = [lever for lever in params.controls if isinstance(lever, Oracle)]
    feasible = [n for n in budgets if n and all(n + lever.count_extra(n) <= pool for lever in oracles)]
    off_grid = [n for n in feasible if all(n + lever.count_extra(n) not in budgets for lever in oracles)]
    return (off_grid or feasible)[-MAX_CONTROL_BUDGETS:]


def run_study(plan: Plan, digests: Sequence[str], executor: Executor) -> Measurements:
    """Evaluate all runs of a study.

    Args:
        plan: of the study.
        digests: of data and model, for the cache keys.
        executor: computes runs in parallel.
    """
    started, params = time.monotonic(), plan.params
    measurements = Measurements(list_budgets(len(plan.pool), params.budgets))
    positive_budgets = [n for n in measurements.budgets if n]
    lever_sets = list_lever_sets(params)
    effective_sets = [levers for levers in lever_sets if plan.drop_idle(levers) == levers]
    measurements.planned = len(effective_sets) * len(positive_budgets) * params.replicates
    with TemporaryDirectory(prefix="satiety-") as folder:
        plan.save(Path(folder))
        run_executor = _RunExecutor(plan, Path(folder), digests, executor, measurements)
        run_executor.evaluate(_list_fixed_runs(plan, measurements.budgets))
        scorer = Scorer(
            plan.problem.score,
            plan.problem.headline,
            assign_groups(plan.test),
            Resampling(params.seed, params.resamples, params.confidence_level),
        )
        for number in range(params.replicates):
            active_sets = [levers for levers in lever_sets if plan.drop_idle(levers) not in measurements.stopped]
            run_executor.evaluate([StudyRun(n, levers, number) for levers in active_sets for n in positive_budgets])
            if FIRST_COMPARISON <= number + 1 < params.replicates:
                _stop_futile(plan, measurements, effective_sets, scorer)
        run_executor.evaluate(_list_fine_tuned_runs(plan, measurements))
    measurements.seconds = time.monotonic() - started
    return measurements


def _list_fixed_runs(plan: Plan, budgets: Sequence[int]) -> list[StudyRun]:
    """Return the runs outside early stopping: budget 0, the learning curve, the controls."""
    params = plan.params
    curve_runs = [
        StudyRun(n, (), FIRST_CURVE_REPLICATE + i) for n in budgets if n for i in range(params.curve_replicates)
    ]
    control_budgets = select_control_budgets(params, budgets, len(plan.pool))
    replicates = range(params.curve_replicates)
    control_runs = [
        StudyRun(n, (lever.kind,), i) for lever in params.controls for n in control_budgets for i in replicates
    ]
    # Gains of controls are measured within their own replicates.
    baseline_runs = [StudyRun(n, (), i) for n in control_budgets for i in replicates] if control_runs else []
    leak_runs = [
        StudyRun(n, ("leak",), i, is_gated=False)
        for n, i in ((run.budget, run.replicate) for run in control_runs if run.levers == ("leak",))
    ]
    return [StudyRun(0, (), 0), *curve_runs, *baseline_runs, *control_runs, *leak_runs]


def _list_fine_tuned_runs(plan: Plan, measurements: Measurements) -> list[StudyRun]:
    """Return the fine-tuned runs: all lever sets at the largest budgets."""
    positive_budgets = [n for n in measurements.budgets if n]
    largest_budgets = positive_budgets[-plan.params.fine_tuned.budgets :]
    return [
        StudyRun(n, levers, i, depth="fine_tuned")
        for levers in list_lever_sets(plan.params)
        for n in largest_budgets
        for i in range(plan.params.fine_tuned.replicates)
    ]


def _stop_futile(plan: Plan, measurements: Measurements, effective_sets: Sequence[LeverSet], scorer: Scorer) -> None:
    """Stop lever sets for futility; equivalent sets share their runs, so they stop as well."""
    params = plan.params
    runs, curve_runs = [], []
    for run, outcome in measurements.outcomes.items():
        scored = (run.budget, run.levers, run.replicate), outcome.tallies
        if run.replicate >= FIRST_CURVE_REPLICATE:
            curve_runs.append(scored)
        elif run.depth == "proxy" and run.budget > 0 and run.levers in effective_sets:
            runs.append(scored)
    scores = scorer.measure(runs, curve_runs)
    rule = Futility(params.alpha, params.min_effect, FIRST_COMPARISON, params.replicates)
    for levers in effective_sets:
        if levers and levers not in measurements.stopped and (replicates := find_stop(scores, levers, rule)):
            measurements.stopped[levers] = replicates


class _RunExecutor:
    """Reads cached outcomes and computes the others."""

    def __init__(
        self, plan: Plan, folder: Path, digests: Sequence[str], executor: Executor, measurements: Measurements
    ) -> None:
        self.plan, self.folder, self.digests, self.executor, self.measurements = (
            plan,
            folder,
            digests,
            executor,
            measurements,
        )
        self.store = RunStore(plan.home / RUNS)

    def evaluate(self, runs: Sequence[StudyRun]) -> None:
        """Add the outcomes of runs to the measurements; a set with idle levers shares the runs of the set without."""
        twins = {run: replace(run, levers=self.plan.drop_idle(run.levers)) for run in runs}
        keys = {run: self._hash_run(run) for run in dict.fromkeys(twins.values())}
        stored = {run: self.store.get(key) for run, key in keys.items()}
        self.measurements.outcomes |= {run: outcome for run, outcome in stored.items() if outcome is not None}

        pending = [run for run, outcome in stored.items() if outcome is None]
        jobs: list[Job] = [
            {"plan": str(self.folder), "key": keys[run], "run": {**asdict(run), "levers": list(run.levers)}}
            for run in pending
        ]
        for index, _ in track(self.executor.map(evaluate, jobs), "runs", total=len(jobs)):
            outcome = self.store.get(keys[pending[index]])
            if outcome is None:
                raise SetupError(f"{self.store.folder}: an outcome was damaged while it was written; check the disk")
            self.measurements.outcomes[pending[index]] = outcome
            self.measurements.computed += 1
        self.measurements.outcomes |= {run: self.measurements.outcomes[twin] for run, twin in twins.items()}

    def _hash_run(self, run: StudyRun) -> str:
        plan, params = self.plan, self.plan.params
        recipe = [params.seed, params.encoder_config.model_dump(), params.head.model_dump(), params.dedup_threshold]
        if run.depth == "fine_tuned":
            recipe += [plan.finetune.model_dump(mode="json"), params.fine_tuned.dev]
        levers = [lever for name, lever in plan.levers.items() if name in run.levers]
        inputs = plan.inputs[run.levers]
        uses_documents = bool(levers) or (run.depth == "fine_tuned" and plan.finetune.recipe.uses_documents)
        texts = "\0".join(document.text for document in inputs.documents) if uses_documents else ""
        return hash_run(run, [recipe, texts, inputs.encoder.name if levers else ""], self.digests, levers)


def evaluate(job: Job) -> None:
    """Evaluate a run and write its outcome; called in worker processes."""
    evaluator, fields = _load_evaluator(Path(job["plan"])), job["run"]
    outcome = evaluator.evaluate(StudyRun(**{**fields, "levers": tuple(fields["levers"])}), job["key"])
    RunStore(evaluator.plan.home / RUNS).put(job["key"], outcome)


@lru_cache(maxsize=1)
def _load_evaluator(plan: Path) -> Evaluator:
    return Evaluator(Plan.load(plan))
