"""The block `monitor` of params.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SerializeAsAny, model_validator

from satiety.core.section import FIELDS, Section, Seed
from satiety.levers.augment.base import AUGMENTERS, Augmenter
from satiety.monitor.base import DETECTORS, Detector
from satiety.monitor.shift_simulation import SPLITS


def _default_detectors() -> list[Detector]:
    return [DETECTORS[name]() for name in ("mmd", "softmax", "labels", "length", "strangeness", "vocabulary")]


def _default_rewrites() -> list[Augmenter]:
    """Return what is rehearsed: the first three harm the more the stronger they are, the last one hardly."""
    specs: list[dict[str, Any]] = [
        {"kind": "drop", "probability": 0.4},
        {"kind": "char_swap", "words": 0.6, "characters": 0.3},
        {"kind": "swap", "alpha": 0.5},
        {"kind": "punctuate", "share": 0.5},
    ]
    return [AUGMENTERS[spec.pop("kind")].model_validate(spec | {"copies": 1}) for spec in specs]


class ShiftSimulation(BaseModel):
    """How it is learned what signs of drift mean for the score."""

    model_config = FIELDS

    windows: int = Field(ge=160, le=100_000, default=800)
    """Windows that are drawn, a multiple of eight."""
    rewrites: list[SerializeAsAny[Annotated[Augmenter, AUGMENTERS.choice()]]] = Field(default_factory=_default_rewrites)
    """Augmenters; of each its first rewrite of a text. None: only labels and topics are shifted. Have a harmless one
    among them, so that what is merely new is told from what costs."""


class Monitor(Section):
    """What is looked at, how closely, and what is called harm."""

    seed: Seed
    """Of everything that is drawn."""
    window: int = Field(ge=50, le=10_000, default=500)
    """Newest answered texts that are looked at, at most."""
    min_texts: int = Field(ge=20, le=10_000, default=50)
    """Of fewer texts nothing is said."""
    reference: int = Field(ge=50, le=10_000, default=2000)
    """Test examples that the window is compared with, and that shifts are rehearsed on, at most."""
    detectors: list[SerializeAsAny[Annotated[Detector, DETECTORS.choice()]]] = Field(
        min_length=1, default_factory=_default_detectors
    )
    """Each of its own kind."""
    permutations: int = Field(ge=300, le=100_000, default=399)
    """Random divisions of window and reference, of which each detector's threshold is read off."""
    alpha: float = Field(gt=0, lt=0.5, default=0.05)
    """Share of false alarms: of windows like the reference, so many are called drift."""
    k: int = Field(ge=1, le=1000, default=10)
    """Training texts whose distance says how strange a text is."""
    simulation: ShiftSimulation = Field(default_factory=ShiftSimulation)
    """How it is learned what signs of drift mean for the score."""
    harm: float = Field(gt=0, lt=1, default=0.03)
    """Loss of score from which on drift is harmful."""
    min_loss_probability: float = Field(ge=0.5, lt=1, default=0.8)
    """Chance that there is a loss at all, without which an estimated one is not called harm."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Of every interval."""
    examples: int = Field(ge=0, le=100, default=8)
    """Texts, terms and clusters of each sort that explain a drift."""
    evidently: bool = False
    """Whether Evidently's page is written beside ours, `monitor-evidently.html`; needs the extra `evidently`."""
    prefix: str
    """Before every text that the base model embeds; models of the E5 family want ``query: ``."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.min_texts > self.reference:
            raise ValueError(f"least: so many test examples are wanted, too; reference is {self.reference}")
        if self.min_texts > self.window:
            raise ValueError(f"least: {self.min_texts} texts are never there where window is {self.window}")
        if len({detector.kind for detector in self.detectors}) < len(self.detectors):
            raise ValueError("detectors: names one twice")
        if self.alpha * (self.permutations + 1) < 1:
            raise ValueError(f"divisions: {self.permutations} are too few to tell {self.alpha} of them; take more")
        if self.simulation.windows % (2 * SPLITS):
            raise ValueError(f"simulation.windows: must be a multiple of {2 * SPLITS}")
        return self
