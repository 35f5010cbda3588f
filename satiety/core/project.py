"""The block `project` of params.yaml: what several blocks need stands here once.

Where another block has a field of the same name, and no default of its own for it, the field is this one's, unless the
file gives it another value there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from satiety.core.asset import Asset
from satiety.core.errors import ParamsError
from satiety.core.section import Section, Seed, line_of

OBSOLETE_KEYS = (
    *(
        ("ingest", "base"),
        ("retrieve",),
        ("augment",),
        ("pretrain",),
        ("finetune", "self_training"),
        ("worth", "levers"),
    ),
    *(("finetune", name) for name in ("method", "objective", "dropout", "head", "training")),
)
"""What stood in a file of an earlier version."""
ADVICE = (
    "of an earlier version; put the base model and what several blocks share into `project:`, name levers under "
    "`levers:`, list those of the pipeline in `use:` and those of the meter in `measure:`, put how a model is tuned "
    "under `finetune.recipe:`, and leave out what is the default, as the params.yaml of this version does"
)
Pooling = Literal["mean", "first"]
"""How a text's tokens become one vector: their mean, or the first token's (BERT's [CLS])."""


class Project(Section):
    """What several blocks need, once; a block that has such a field may give it another value."""

    base: Asset
    """The model to start from: a folder with safetensors."""
    prefix: str = ""
    """What the base model was made to see before every text, as ``query: `` for models of the E5 family; nothing for
    most."""
    max_length: int = Field(ge=8, le=8192, default=128)
    """Tokens per window, prefix and special tokens included; a longer text is read in several."""
    pooling: Pooling = "mean"
    """How a text's tokens become one vector."""
    seed: Seed = 20261123
    """Of all that is drawn. Who is in test, dev and train is decided by it together with each text's own digest."""
    dedup_threshold: float = Field(gt=0, le=1, default=0.8)
    """Jaccard similarity of character 5-grams from which two texts are one, or one gives the other away. .8: Lee et al.
    2022, arXiv:2107.06499."""
    resamples: int = Field(ge=200, le=100_000, default=2000)
    """How often the test set is drawn anew; Efron & Tibshirani 1993 (section 13.3) ask for 1,000 or more."""
    confidence_level: float = Field(gt=0.5, lt=1, default=0.95)
    """Of every interval: the share of repeated experiments in which one is to hold the truth."""
    bins: int = Field(ge=2, le=100, default=15)
    """Bins of confidence for calibration; Guo et al. 2017 (arXiv:1706.04599) take 15."""

    @classmethod
    def read_project(cls, path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return nothing: there is no block above this one."""
        return {}


def check_version(path: Path, values: Mapping[str, Any]) -> None:
    """Raise ParamsError where a file is of an earlier version: what it says of levers would be passed over."""
    obsolete = [keys for keys in OBSOLETE_KEYS if _is_present(values, keys)]
    if "project" in values:
        obsolete = [keys for keys in obsolete if keys != ("ingest", "base")]  # there a block may have its own
    if obsolete:
        line = line_of(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), obsolete[0])
        raise ParamsError(f"{path}:{line}: {', '.join('.'.join(keys) for keys in obsolete)}: {ADVICE}")


def _is_present(values: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def read_project(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the block gives to the others; nothing where it is not in the file.

    Raises:
        ParamsError: the file is of an earlier version; or names every wrong line of the block.
    """
    check_version(path, values)
    if Project.key() not in values:
        return {}
    project = Project.check(path, values[Project.key()], keys=(Project.key(),))
    return {name: getattr(project, name) for name in Project.model_fields}


def make_placeholder() -> dict[str, Any]:
    """Return what stands in for a block that is wrong, so that the mistakes of the others are named beside its own."""
    project = Project(base=Asset(uri="file:data/raw/base"))
    return {name: getattr(project, name) for name in Project.model_fields}
