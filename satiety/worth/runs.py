"""Runs of a study: one budget, lever set, replicate and depth; the labels of a run; the cache key of its outcome.

The key covers everything that decides the outcome: recipe, data, model, and the code that acts in the run. So a run is
computed again only if one of these changes; another budget, replicate or lever leaves it valid.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.levers.base import Lever

FIRST_CURVE_REPLICATE = 1_000_000
"""Number of the curve's first replicate, so that more replicates of levers never change the curve's."""

CORE_MODULES = (
    "satiety.core.answers",
    "satiety.core.inputs",
    "satiety.core.normalization",
    "satiety.core.records",
    "satiety.text.words",
    "satiety.text.deduplication",
    "satiety.problems",
    "satiety.heads",
    "satiety.training",
    "satiety.tuning",
    "satiety.worth.evaluator",
    "satiety.worth.runs",
    "satiety.worth.learners",
    "satiety.worth.features",
    "satiety.levers.base",
    "satiety.worth.plan",
    "satiety.worth.preparation",
)
"""Code that acts in every run, decontamination against the test set included."""


@dataclass(frozen=True, slots=True, order=True)
class StudyRun:
    """Unit of evaluation."""

    budget: int
    levers: tuple[str, ...]
    """Sorted names; () is the baseline."""
    replicate: int
    depth: str = "proxy"
    """``proxy``: a linear head on frozen embeddings; ``fine_tuned``: the pipeline's fine-tuning."""
    is_gated: bool = True
    """Whether examples that repeat a test text are removed; only the control `leak` also runs without."""


def order_pool(
    pool: Sequence[Example], stratum: Callable[[Example], str], seed: int, number: int
) -> tuple[Example, ...]:
    """Return the pool in a replicate's random order; the first n examples are its labels at budget n.

    So labels of budgets are nested, stratified and shared by all lever sets: the j-th of m examples of a class is at
    (j + u) / m of the order, with u drawn per class. An odd replicate is its predecessor in reverse.
    """
    rng = random.Random(f"{seed}/{number // 2}")
    classes: dict[str, list[Example]] = defaultdict(list)
    for example in sorted(pool, key=lambda labelled: labelled.id):
        classes[stratum(example)].append(example)
    placed: list[tuple[float, str, Example]] = []
    for name in sorted(classes):
        members, shift = rng.sample(classes[name], len(classes[name])), rng.random()
        placed += [((j + shift) / len(members), name, example) for j, example in enumerate(members)]
    order = tuple(example for _, _, example in sorted(placed, key=lambda entry: entry[:2]))
    return order[::-1] if number % 2 else order


def list_budgets(pool: int, steps: int) -> tuple[int, ...]:
    """Return up to ``steps`` budgets: 0, and the pool halved repeatedly while a label is left."""
    halves = (round(pool / 2**i) for i in range(steps - 1))
    return (0, *sorted({half for half in halves if half > 0}))


def hash_run(run: StudyRun, recipe: Any, digests: Iterable[str], levers: Sequence[Lever]) -> str:
    """Return the key of a run's outcome, 64 hexadecimal digits.

    Args:
        run: the run.
        recipe: its params, serializable as JSON.
        digests: of data and model.
        levers: of the run, in order of application.
    """
    fields = [lever.model_dump(mode="json") for lever in levers]
    code = [hash_code(name) for lever in levers for name in (type(lever).__module__, *lever.code)]
    parts = [asdict(run), recipe, list(digests), fields, [*map(hash_code, CORE_MODULES), *code]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def hash_code(module: str) -> str:
    """Return the SHA-256 of a module's source, or of all modules of a package."""
    spec = find_spec(module)
    assert spec is not None  # noqa: S101  # modules of this library
    assert spec.origin is not None  # noqa: S101
    file = Path(spec.origin)
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
