"""Section `worth` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SerializeAsAny, field_validator, model_validator

from satiety.core.active_levers import select_levers
from satiety.core.project import Pooling
from satiety.core.section import FIELDS, Section, SectionSource, Seed
from satiety.heads import HEADS
from satiety.levers.base import LEVERS, Lever
from satiety.levers.self_train import SelfTraining, explain_unsupported
from satiety.problems import Problem
from satiety.worth.features import EncoderConfig
from satiety.worth.learners import ProxySolver
from satiety.worth.selection import MAX_MEASURED, RegisteredLever

FIRST_COMPARISON = 4
"""Replicates before the first interim analysis for early stopping."""
MIN_TAIL_RESAMPLES = 2
"""Smallest number of resamples beyond any quantile that is used."""


def _controls() -> list[Lever]:
    return [LEVERS[name]() for name in ("oracle", "copy", "poison", "leak")]


class FineTunedRuns(BaseModel):
    """Runs repeated with fine-tuning."""

    model_config = FIELDS

    replicates: int = Field(ge=0, le=100, default=0)
    """Replicates per lever set and budget, at least 3; 0: proxy only."""
    budgets: int = Field(ge=2, le=20, default=2)
    """Number of largest budgets; at least 2, because the pool's noise is estimated from half of the labels."""
    dev: float = Field(ge=0, le=0.5, default=0.2)
    """Share of a run's labels in its validation set, which selects the step with the lowest loss; rounded to 1/k."""

    @field_validator("dev")
    @classmethod
    def _check_dev(cls, dev: float) -> float:
        if 0 < dev < 0.01:
            raise ValueError(f"dev: a share of {dev} is almost no validation labels; set at least 0.01, or 0 for none")
        return dev

    @field_validator("replicates")
    @classmethod
    def _check_replicates(cls, replicates: int) -> int:
        if 0 < replicates < 3:
            raise ValueError(f"replicates: {replicates} are too few for an interval; set at least 3, or 0 for none")
        return replicates


class Cost(BaseModel):
    """Cost of labels and of computing."""

    model_config = FIELDS

    label_minutes: float = Field(gt=0, le=10_000, default=0.5)
    """Minutes of a person's time per label."""
    computer_hour: float = Field(ge=0, le=10_000, default=0.05)
    """Cost of one hour of computing, in hours of that person's time."""


class Worth(Section):
    """Design of the study and of its statistics."""

    seed: Seed
    """Random seed of replicates, folds, levers and the bootstrap."""
    budgets: int = Field(ge=4, le=12, default=6)
    """Number of budgets: 0, then all labels, half, a quarter, ..."""
    levers: dict[str, SerializeAsAny[RegisteredLever]] = Field(max_length=MAX_MEASURED)
    """Levers named in `measure`, alone and in every combination; empty: learning curve and forecast only."""
    controls: list[SerializeAsAny[RegisteredLever]] = Field(default_factory=_controls)
    """Controls of known worth, which check the meter's calibration."""
    replicates: int = Field(ge=3, le=1000, default=8)
    """Random orders of the labels in which all levers are measured."""
    curve_replicates: int = Field(ge=3, le=1000, default=24)
    """Additional random orders for the learning curve."""
    documents: int = Field(ge=0, le=1_000_000, default=2000)
    """Random documents of the corpus, used where no lever retrieves any."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which two texts are near-duplicates; texts like a test
    text are removed."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, including prefix and special tokens; longer texts are split into several windows."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    pooling: Pooling
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""
    head: ProxySolver = Field(default_factory=ProxySolver)
    """Solver of the proxy's linear heads."""
    fine_tuned: FineTunedRuns = Field(default_factory=FineTunedRuns)
    """Runs repeated with fine-tuning."""
    min_effect: float = Field(ge=0, lt=1, default=0.01)
    """Smallest gain that matters, in score."""
    alpha: float = Field(gt=0, lt=0.5, default=0.05)
    """Probability of stopping a lever early that is worth it."""
    resamples: int = Field(ge=100, le=100_000, default=1000)
    """Bootstrap resamples."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Confidence level of every interval."""
    targets: list[Annotated[float, Field(gt=0, le=1)]] | None = None
    """Target scores for which labels are forecast; null: three above the present score."""
    cost: Cost = Field(default_factory=Cost)
    """Cost of labels and of computing."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return ("levers", "measure", cls.key())

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return the section with the levers named in `measure`."""
        block = super().extract(values)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**(block.value or {}), "levers": select_levers(values, "measure")}
        return SectionSource(value, {**block.places, ("levers",): ("levers",)})

    def list_refusals(self, problem: Problem) -> list[str]:
        """Return one sentence for each self-training lever that cannot be measured on a problem."""
        reason = explain_unsupported(problem)
        if not reason or HEADS[problem.head].is_generative:  # then the report states that nothing is measured
            return []
        names = [name for name, lever in self.levers.items() if isinstance(lever, SelfTraining)]
        return [f"measure: {reason}; remove {name} from `measure`" for name in names]

    @property
    def encoder_config(self) -> EncoderConfig:
        """Configuration of the frozen encoder."""
        return EncoderConfig(max_length=self.max_length, prefix=self.prefix, pooling=self.pooling)

    @model_validator(mode="after")
    def _check_resamples(self) -> Self:
        comparisons = max(self.replicates - FIRST_COMPARISON, 0)
        min_resamples = ceil(MIN_TAIL_RESAMPLES * max(comparisons / self.alpha, 2 / (1 - self.confidence_level)) - 1e-6)
        if self.resamples < min_resamples:
            raise ValueError(
                f"resamples: {self.resamples} are too few for replicates {self.replicates}, alpha {self.alpha} and "
                f"confidence_level {self.confidence_level}; set at least {min_resamples}"
            )
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [*self.levers, *(control.kind for control in self.controls)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"name used by both a lever and a control: {', '.join(repeated)}; controls are named after their "
                "kind, so rename the lever"
            )
        return self
