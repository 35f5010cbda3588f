"""Tuned model and its scores -> a package: a folder that answers, says what it is, and notices every changed byte.

model/                 the tuned model: safetensors, its tokenizer, the problem
signature.json         what goes in and what comes out, in MLflow's notation
input_example.json     made-up texts, and what the model answered them
predictions.parquet    its answers on the frozen test ids; no texts
scores.json            before, after, the difference, each with its interval
facts.json             its name, the digests of its data, its params, the git revision of the code
README.md              the model card: all of this, for people
manifest.json          the SHA-256 of each file, and one digest of what answers (`contents.py`)
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
    """Where the package goes."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    """The registered model's name in MLflow: letters of ASCII, digits, dot, dash, underscore."""


def open(folder: Path, device: str = "auto") -> Package:
    """Verify a copy of a package, then load it, ready to ``predict``; see `load.py` for what it gives and raises."""
    from satiety.package import load

    return load.open(folder, device)


def snapshot(folder: Path, device: str = "auto") -> Package:
    """Verify a copy of a package, whatever becomes of the folder; its model is loaded only when it must answer."""
    from satiety.package import load

    return load.snapshot(folder, device)


def inspect(folder: Path, device: str = "auto") -> Package:
    """Verify a package in a folder that nobody else changes; its model is loaded only when it must answer."""
    from satiety.package import load

    return load.inspect(folder, device)


__all__ = ["PREDICTIONS", "SCORES", "Register", "inspect", "open", "snapshot", "verify"]
