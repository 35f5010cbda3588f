"""Tuned model and its scores -> package: a verified folder with the model, its documentation and its predictions.

model/                 tuned model: safetensors, tokenizer, problem
signature.json         input and output columns, as an MLflow schema
input_example.json     made-up texts with the model's predictions
predictions.parquet    predictions on the frozen test ids (or on the labels, out of fold), without texts
scores.json            scores before and after tuning, and their difference, with intervals
facts.json             name, data digests, params, git revision of the code
README.md              model card
manifest.json          SHA-256 of each file, and one digest of the model (`contents.py`)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.core.section import Section
from satiety.package.contents import PREDICTIONS, SCORES
from satiety.package.verify import verify

if TYPE_CHECKING:
    from satiety.package.load import Package


class Register(Section):
    """Package the model and register it in MLflow."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    """Name of the registered model in MLflow: ASCII letters, digits, dot, dash, underscore."""


def open(folder: Path, device: str = "auto") -> Package:
    """Verify a copy of a package and load its model; errors as in `load.open`."""
    from satiety.package import load

    return load.open(folder, device)


def snapshot(folder: Path, device: str = "auto") -> Package:
    """Verify a copy of a package; the model loads at the first prediction. Errors as in `load.snapshot`."""
    from satiety.package import load

    return load.snapshot(folder, device)


def inspect(folder: Path, device: str = "auto") -> Package:
    """Verify a package without a copy; the folder must not change. The model loads at the first prediction."""
    from satiety.package import load

    return load.inspect(folder, device)


__all__ = ["PREDICTIONS", "SCORES", "Register", "inspect", "open", "snapshot", "verify"]
