"""The section `project` of params.yaml: values shared by several sections.

A required field of another section inherits the value of the same name here, unless that section sets its own.
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

NEW_PLACES: dict[str, tuple[tuple[str, ...], ...]] = {
    "`project`": (("ingest", "base"),),
    "`levers`, and name it in `use`": (("retrieve",), ("augment",), ("pretrain",), ("finetune", "self_training")),
    "`levers`, and name it in `measure`": (("worth", "levers"),),
    "`finetune.recipe`": tuple(("finetune", name) for name in ("method", "objective", "dropout", "head", "training")),
}
"""Where each key of an earlier version belongs now."""
Pooling = Literal["mean", "first"]
"""Pooling of token vectors into a text vector: mean, or the first token (BERT's [CLS])."""


class Project(Section):
    """Values shared by several sections; a section with a field of the same name may override it."""

    base: Asset
    """Base model: a folder with safetensors weights."""
    prefix: str = ""
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    max_length: int = Field(ge=8, le=8192, default=128)
    """Tokens per window, including prefix and special tokens; longer texts are split into several windows."""
    pooling: Pooling = "mean"
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""
    seed: Seed = 20261123
    """Random seed. Together with each text's digest it also assigns texts to test, dev and train."""
    dedup_threshold: float = Field(gt=0, le=1, default=0.8)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates. Source of 0.8: Lee et al.
    2022, arXiv:2107.06499."""
    resamples: int = Field(ge=200, le=100_000, default=2000)
    """Bootstrap resamples of the test set. Efron & Tibshirani 1993 (section 13.3) recommend at least 1,000."""
    confidence_level: float = Field(gt=0.5, lt=1, default=0.95)
    """Confidence level of every interval."""
    bins: int = Field(ge=2, le=100, default=15)
    """Confidence bins of the calibration error. Source of 15: Guo et al. 2017, arXiv:1706.04599."""

    @classmethod
    def read_project(cls, path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return no values: `project` inherits from no other section."""
        return {}


def check_version(path: Path, values: Mapping[str, Any]) -> None:
    """Raise ParamsError if a file has keys of an earlier version, whose levers would be ignored silently."""
    moves = {place: [keys for keys in old if _is_present(values, keys)] for place, old in NEW_PLACES.items()}
    if "project" in values:
        moves["`project`"] = []  # the section may override `project`
    obsolete = [keys for old in moves.values() for keys in old]
    if obsolete:
        line = line_of(yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), obsolete[0])
        names = {place: ", ".join("`" + ".".join(keys) + "`" for keys in old) for place, old in moves.items() if old}
        steps = [f"{name} to {place}" for place, name in names.items()]
        raise ParamsError(f"{path}:{line}: from an earlier version; move {'; '.join(steps)}")


def _is_present(values: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True


def read_project(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shared values by name; empty if the file has no section `project`.

    Raises:
        ParamsError: the file is from an earlier version, or the section is invalid; lists every invalid line.
    """
    check_version(path, values)
    if Project.key() not in values:
        return {}
    project = Project.check(path, values[Project.key()], keys=(Project.key(),))
    return {name: getattr(project, name) for name in Project.model_fields}


def make_placeholder() -> dict[str, Any]:
    """Return substitute values for an invalid section, so that errors of other sections are reported with it."""
    project = Project(base=Asset(uri="file:data/raw/base"))
    return {name: getattr(project, name) for name in Project.model_fields}
