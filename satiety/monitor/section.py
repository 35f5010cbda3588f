"""The section `monitor` of params.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SerializeAsAny, model_validator

from satiety.core.section import FIELDS, Section, Seed
from satiety.levers.augment.base import AUGMENTERS, Augmenter
from satiety.monitor.base import DETECTORS, Detector
from satiety.monitor.shift_simulation import SPLITS


def _default_detectors() -> list[Detector]:
    return [DETECTORS[name]() for name in ("mmd", "softmax", "labels", "length", "knn_distance", "vocabulary")]


def _default_rewrites() -> list[Augmenter]:
    """Return the rewrites of the simulated shifts: the first three lower the score, the last one hardly does."""
    specs: list[dict[str, Any]] = [
        {"kind": "drop", "probability": 0.4},
        {"kind": "char_swap", "words": 0.6, "characters": 0.3},
        {"kind": "swap", "alpha": 0.5},
        {"kind": "punctuate", "share": 0.5},
    ]
    return [AUGMENTERS[spec.pop("kind")].model_validate(spec | {"copies": 1}) for spec in specs]


class ShiftSimulation(BaseModel):
    """Simulated shifts that the score estimator is trained on."""

    model_config = FIELDS

    windows: int = Field(ge=160, le=100_000, default=800)
    """Simulated windows, a multiple of eight."""
    rewrites: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=_default_rewrites)
    """Augmenters; the first rewrite of a text by each is used. Without any, only labels and topics are shifted. Include
    a harmless one, so that the estimator learns to separate new texts from harder texts."""


class Monitor(Section):
    """Window, drift test, and definition of harm."""

    seed: Seed
    """Random seed."""
    window: int = Field(ge=50, le=10_000, default=500)
    """Maximum number of texts in the window, newest first."""
    min_texts: int = Field(ge=20, le=10_000, default=50)
    """Texts that a verdict needs."""
    reference: int = Field(ge=50, le=10_000, default=2000)
    """Maximum number of test examples used for the comparison and for the simulated shifts."""
    detectors: list[SerializeAsAny[Annotated[Detector, DETECTORS.choice()]]] = Field(
        min_length=1, default_factory=_default_detectors
    )
    """Drift detectors, at most one of each kind."""
    permutations: int = Field(ge=300, le=100_000, default=399)
    """Random divisions of window and reference in the permutation test."""
    alpha: float = Field(gt=0, lt=0.5, default=0.05)
    """Significance level of the drift test: probability of a false alarm without drift."""
    k: int = Field(ge=1, le=1000, default=10)
    """Nearest training texts in the out-of-distribution score."""
    simulation: ShiftSimulation = Field(default_factory=ShiftSimulation)
    """Simulated shifts that the score estimator is trained on."""
    harm: float = Field(gt=0, lt=1, default=0.03)
    """Smallest loss of score that makes drift harmful."""
    min_loss_probability: float = Field(ge=0.5, lt=1, default=0.8)
    """Probability of any loss that an estimate needs for the verdict *harmful drift*."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Confidence level of every interval."""
    examples: int = Field(ge=0, le=100, default=8)
    """Maximum number of terms, clusters and outlying texts in the report."""
    evidently: bool = False
    """Whether to write Evidently's page too, `monitor-evidently.html`; requires the extra `evidently`."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.min_texts > self.reference:
            raise ValueError(f"min_texts: {self.min_texts} exceeds reference ({self.reference})")
        if self.min_texts > self.window:
            raise ValueError(f"min_texts: {self.min_texts} exceeds window ({self.window})")
        if len({detector.kind for detector in self.detectors}) < len(self.detectors):
            raise ValueError("detectors: a kind occurs twice")
        if self.alpha * (self.permutations + 1) < 1:
            raise ValueError(
                f"permutations: {self.permutations} are too few for alpha {self.alpha}; increase permutations"
            )
        if self.simulation.windows % (2 * SPLITS):
            raise ValueError(f"simulation.windows: must be a multiple of {2 * SPLITS}")
        return self
