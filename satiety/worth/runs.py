"""A cell: one budget, one lever set, one chain, at one depth; and the key that its result is kept under.

The key is made of all that decides the result: recipe, data, model, and the code of what acts in the cell. So a cell is
computed once, and again only when one of these changes; another budget, chain or lever leaves it alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satiety.levers.base import Lever

CORE_MODULES = (
    "satiety.core.answers",
    "satiety.core.inputs",
    "satiety.core.records",
    "satiety.text.words",
    "satiety.text.deduplication",
    "satiety.problems",
    "satiety.heads",
    "satiety.training",
    "satiety.tuning",
    "satiety.worth.evaluator",
    "satiety.worth.replicates",
    "satiety.worth.learners",
    "satiety.worth.features",
    "satiety.levers.base",
    "satiety.worth.plan",
    "satiety.worth.preparation",
)
"""What acts in every cell; what finds and refuses texts that give away a test text among it."""


@dataclass(frozen=True, slots=True, order=True)
class StudyRun:
    """What is evaluated at once."""

    budget: int
    levers: tuple[str, ...]
    """Names, sorted; none is plain."""
    replicate: int
    depth: str = "quick"
    """``quick``: a linear head on frozen embeddings; ``full``: the pipeline's fine-tuning."""
    is_gated: bool = True
    """Whether what gives away a test text is kept out of training; only a control looks at what happens without."""


def hash_run(run: StudyRun, recipe: Any, digests: Iterable[str], levers: Sequence[Lever]) -> str:
    """Return the key of a cell's result, 64 hexadecimal digits.

    Args:
        run: which one.
        recipe: what params say of it, as JSON takes it.
        digests: digests of data and model.
        levers: those of the cell, in the order they act.
    """
    acts = [lever.model_dump(mode="json") for lever in levers]
    code = [hash_code(name) for lever in levers for name in (type(lever).__module__, *lever.code)]
    parts = [asdict(run), recipe, list(digests), acts, [*map(hash_code, CORE_MODULES), *code]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def hash_code(module: str) -> str:
    """Return the SHA-256 of a module's code, or of all modules of a package."""
    spec = find_spec(module)
    assert spec is not None  # noqa: S101  # names in this library's own code
    assert spec.origin is not None  # noqa: S101
    file = Path(spec.origin)
    files = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
