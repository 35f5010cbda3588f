"""Data, model and params -> the outcomes of all cells, computed side by side, kept one by one, stopped early where due.

Chains go round by round, so that after each every lever set has been seen on the same chains and may be given up.
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

from satiety.errors import SetupError
from satiety.evaluate.bootstrap import Resampling, groups_of
from satiety.executor import Executor, Job
from satiety.progress import track
from satiety.worth.bench import Bench
from satiety.worth.cells import Cell, key_of
from satiety.worth.cellstore import CellStore, Outcome
from satiety.worth.chains import CURVE, grid
from satiety.worth.levers.controls import Oracle
from satiety.worth.plan import Plan
from satiety.worth.scores import LeverSet, Ruler
from satiety.worth.section import FIRST_LOOK
from satiety.worth.sequential import Futility, stopped

if TYPE_CHECKING:
    from satiety.worth.section import Worth

CELLS = "cells"
"""Folder of the results, in that of the study."""
CONTROLLED = 2
"""Budgets at which controls are measured."""


@dataclass(slots=True)
class Course:
    """What was measured."""

    budgets: tuple[int, ...]
    outcomes: dict[Cell, Outcome] = field(default_factory=dict)
    stopped: dict[LeverSet, int] = field(default_factory=dict)
    """After how many chains a lever set was given up."""
    planned: int = 0
    """Cells of levers, if none were given up."""
    computed: int = 0
    """Cells that were not kept from before."""
    seconds: float = 0.0
    """By the clock."""


def sets(params: Worth) -> list[LeverSet]:
    """Return every combination of the levers; none of them, plain, first."""
    names = sorted(params.levers)
    return [chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]


def controlled(params: Worth, budgets: Sequence[int], pool: int) -> list[int]:
    """Return the budgets at which controls are measured: the oracle's further labels must be there, and lie apart."""
    shares = [lever for lever in params.controls if isinstance(lever, Oracle)]
    fits = [n for n in budgets if n and all(n + lever.further(n) <= pool for lever in shares)]
    off = [n for n in fits if all(n + lever.further(n) not in budgets for lever in shares)]
    return (off or fits)[-CONTROLLED:]


def run(plan: Plan, inputs: Sequence[str], executor: Executor) -> Course:
    """Evaluate the cells.

    Args:
        plan: of the study.
        inputs: digests of data and model, for the cells' keys.
        executor: works them off.
    """
    begun, params = time.monotonic(), plan.params
    course = Course(grid(len(plan.pool), params.budgets))
    above = [n for n in course.budgets if n]
    everything = sets(params)
    real = [levers for levers in everything if plan.acting(levers) == levers]
    course.planned = len(real) * len(above) * params.chains
    with TemporaryDirectory(prefix="satiety-") as folder:
        plan.save(Path(folder))
        desk = _Desk(plan, Path(folder), inputs, executor, course)
        desk.evaluate(_constant(plan, course.budgets))
        ruler = Ruler(
            plan.problem.score,
            plan.problem.headline,
            groups_of(plan.test),
            Resampling(params.seed, params.resamples, params.level),
        )
        for number in range(params.chains):
            going = [levers for levers in everything if plan.acting(levers) not in course.stopped]
            desk.evaluate([Cell(n, levers, number) for levers in going for n in above])
            if FIRST_LOOK <= number + 1 < params.chains:
                _look(plan, course, real, ruler)
        desk.evaluate(_confirming(plan, course))
    course.seconds = time.monotonic() - begun
    return course


def _constant(plan: Plan, budgets: Sequence[int]) -> list[Cell]:
    """Return the cells that no verdict changes: no labels at all, the learning curve, the controls."""
    params = plan.params
    curve = [Cell(n, (), CURVE + i) for n in budgets if n for i in range(params.curve_chains)]
    places = controlled(params, budgets, len(plan.pool))
    chains = range(params.curve_chains)
    known = [Cell(n, (lever.kind,), i) for lever in params.controls for n in places for i in chains]
    # What controls add is read within their own chains.
    beside = [Cell(n, (), i) for n in places for i in chains] if known else []
    leaks = [
        Cell(n, ("leak",), i, gated=False) for n, i in ((c.budget, c.chain) for c in known if c.levers == ("leak",))
    ]
    return [Cell(0, (), 0), *curve, *beside, *known, *leaks]


def _confirming(plan: Plan, course: Course) -> list[Cell]:
    """Return the cells of the full depth: plain and every lever set, at the largest budgets."""
    above = [n for n in course.budgets if n]
    places = above[len(above) - min(plan.params.full.budgets, len(above)) :]
    return [
        Cell(n, levers, i, depth="full")
        for levers in sets(plan.params)
        for n in places
        for i in range(plan.params.full.chains)
    ]


def _look(plan: Plan, course: Course, real: Sequence[LeverSet], ruler: Ruler) -> None:
    """Give up the lever sets whose gain cannot matter any more; what shares their cells goes with them."""
    params = plan.params
    cells = [((c.budget, c.levers, c.chain), o.tallies) for c, o in course.outcomes.items() if _of_levers(c, real)]
    curve = [((c.budget, c.levers, c.chain), o.tallies) for c, o in course.outcomes.items() if c.chain >= CURVE]
    scores = ruler.read(cells, curve)
    rule = Futility(params.alpha, params.least, FIRST_LOOK, params.chains)
    for levers in real:
        if levers and levers not in course.stopped and (after := stopped(scores, levers, rule)):
            course.stopped[levers] = after


def _of_levers(cell: Cell, real: Sequence[LeverSet]) -> bool:
    return cell.depth == "quick" and cell.chain < CURVE and cell.budget > 0 and cell.levers in real


class _Desk:
    """Takes what is known from the store, and has the rest computed."""

    def __init__(self, plan: Plan, folder: Path, inputs: Sequence[str], executor: Executor, course: Course) -> None:
        self.plan, self.folder, self.inputs, self.executor, self.course = plan, folder, inputs, executor, course
        self.store = CellStore(plan.home / CELLS)

    def evaluate(self, cells: Sequence[Cell]) -> None:
        """Put the outcomes of these cells into the course."""
        twins = {cell: replace(cell, levers=self.plan.acting(cell.levers)) for cell in cells}
        keys = {cell: self._key(cell) for cell in dict.fromkeys(twins.values())}
        known = {cell: self.store.get(key) for cell, key in keys.items()}
        self.course.outcomes |= {cell: outcome for cell, outcome in known.items() if outcome is not None}

        waiting = [cell for cell, outcome in known.items() if outcome is None]
        jobs = [_job(cell, keys[cell], self.folder) for cell in waiting]
        for place, _ in track(self.executor.map(evaluate, jobs), "cells", total=len(jobs)):
            self.course.outcomes[waiting[place]] = self._kept(keys[waiting[place]])
            self.course.computed += 1
        self.course.outcomes |= {cell: self.course.outcomes[twin] for cell, twin in twins.items()}

    def _kept(self, key: str) -> Outcome:
        outcome = self.store.get(key)
        if outcome is None:
            raise SetupError(f"{self.store.folder}: a result that was just kept is damaged; is the disk whole?")
        return outcome

    def _key(self, cell: Cell) -> str:
        plan, params = self.plan, self.plan.params
        recipe = [params.seed, params.reading.model_dump(), params.head.model_dump(), params.near_duplicate]
        if cell.depth == "full":
            recipe += [plan.finetune.model_dump(mode="json"), params.full.dev]
        levers = [lever for name, lever in plan.levers.items() if name in cell.levers]
        around = plan.around[cell.levers]
        reads = bool(levers) or (cell.depth == "full" and plan.finetune.recipe.reads)
        texts = "\0".join(document.text for document in around.documents) if reads else ""
        return key_of(cell, [recipe, texts, around.encoder.name if levers else ""], self.inputs, levers)


def _job(cell: Cell, key: str, plan: Path) -> Job:
    return {"plan": str(plan), "key": key, "cell": {**asdict(cell), "levers": list(cell.levers)}}


def evaluate(job: Job) -> None:
    """Evaluate a cell and keep its outcome, in whatever process this is."""
    bench, fields = _bench(Path(job["plan"])), job["cell"]
    outcome = bench.evaluate(Cell(**{**fields, "levers": tuple(fields["levers"])}), job["key"])
    CellStore(bench.plan.home / CELLS).put(job["key"], outcome)


@lru_cache(maxsize=1)
def _bench(plan: Path) -> Bench:
    return Bench(Plan.load(plan))
