"""The block `worth` of params.yaml."""

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
"""Chains before a lever set may be given up."""
MIN_TAIL_RESAMPLES = 2
"""Resamples that lie beyond any bound that is read off them, at least."""


def _controls() -> list[Lever]:
    return [LEVERS[name]() for name in ("oracle", "copy", "poison", "leak")]


class FineTunedRuns(BaseModel):
    """Cells that are evaluated by real fine-tuning too."""

    model_config = FIELDS

    replicates: int = Field(ge=0, le=100, default=0)
    """Chains of each, three or more; 0: none, the meter stays quick."""
    budgets: int = Field(ge=2, le=20, default=2)
    """The largest budgets at which it is done; with half of the labels, too, else the luck of the pool is not known."""
    dev: float = Field(ge=0, le=0.5, default=0.2)
    """Share of a cell's labels that chooses the best step of its training; 1 in a whole number, the nearest."""

    @field_validator("dev")
    @classmethod
    def _check_dev(cls, dev: float) -> float:
        if 0 < dev < 0.01:
            raise ValueError(f"{dev} of the labels are none or next to none; take 0.01 or more, or 0 for none")
        return dev

    @field_validator("replicates")
    @classmethod
    def _check_replicates(cls, replicates: int) -> int:
        if 0 < replicates < 3:
            raise ValueError(f"{replicates} tell a gain from luck no more than one does; take 3 or more, or 0 for none")
        return replicates


class Cost(BaseModel):
    """What labels and computing cost, so that they can be compared."""

    model_config = FIELDS

    label_minutes: float = Field(gt=0, le=10_000, default=0.5)
    """Of a person's time, for one label."""
    computer_hour: float = Field(ge=0, le=10_000, default=0.05)
    """What an hour of computing costs, in hours of that person's time."""


class Worth(Section):
    """What is measured, how often, and what is said of it."""

    seed: Seed
    """Of chains, folds, levers' choices and the bootstrap."""
    budgets: int = Field(ge=4, le=12, default=6)
    """How many: 0, and the labels there are, halved again and again."""
    levers: dict[str, SerializeAsAny[RegisteredLever]] = Field(max_length=MAX_MEASURED)
    """What `measure` names, measured alone and in every combination; none: the curve and its forecast only."""
    controls: list[SerializeAsAny[RegisteredLever]] = Field(default_factory=_controls)
    """Of known worth: what the meter says of them shows how far it is right."""
    replicates: int = Field(ge=3, le=1000, default=8)
    """Random orders of the labels in which levers are measured, all of them in the same."""
    curve_replicates: int = Field(ge=3, le=1000, default=24)
    """Further ones, for the learning curve alone."""
    documents: int = Field(ge=0, le=1_000_000, default=2000)
    """Raw texts at hand where no lever finds better ones: a random sample of the corpus."""
    dedup_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a text gives away a test text, and is refused."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window; a longer text is read in several."""
    prefix: str
    """Before every text; models of the E5 family want ``query: ``."""
    pooling: Pooling
    """How the tokens of a text become one vector."""
    head: ProxySolver = Field(default_factory=ProxySolver)
    """Of the quick depth."""
    fine_tuned: FineTunedRuns = Field(default_factory=FineTunedRuns)
    """What is fine-tuned for real too."""
    min_effect: float = Field(ge=0, lt=1, default=0.01)
    """Least gain that matters, in score."""
    alpha: float = Field(gt=0, lt=0.5, default=0.05)
    """Largest share of levers worth it that may be stopped early."""
    resamples: int = Field(ge=100, le=100_000, default=1000)
    """Of the bootstrap."""
    confidence_level: float = Field(gt=0.5, lt=1)
    """Of every interval."""
    targets: list[Annotated[float, Field(gt=0, le=1)]] | None = None
    """Scores to forecast the labels for; null: some above what there is."""
    cost: Cost = Field(default_factory=Cost)
    """What labels and computing cost."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return ("levers", "measure", cls.key())

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return what the block says, and the levers that `measure` names."""
        block = super().extract(values)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**(block.value or {}), "levers": select_levers(values, "measure")}
        return SectionSource(value, {**block.places, ("levers",): ("levers",)})

    def list_refusals(self, problem: Problem) -> list[str]:
        """Return which of the levers cannot be measured on a problem, one sentence each; none where all can."""
        reason = explain_unsupported(problem)
        if not reason or HEADS[problem.head].is_generative:  # of these nothing is measured, and the report says so
            return []
        names = [name for name, lever in self.levers.items() if isinstance(lever, SelfTraining)]
        return [f"measure: {reason}; take {name} out of `measure`" for name in names]

    @property
    def encoder_config(self) -> EncoderConfig:
        """Return how texts are read."""
        return EncoderConfig(max_length=self.max_length, prefix=self.prefix, pooling=self.pooling)

    @model_validator(mode="after")
    def _check_resamples(self) -> Self:
        comparisons = max(self.replicates - FIRST_COMPARISON, 0)
        min_resamples = ceil(MIN_TAIL_RESAMPLES * max(comparisons / self.alpha, 2 / (1 - self.confidence_level)) - 1e-6)
        if self.resamples < min_resamples:
            raise ValueError(
                f"resamples: {self.resamples} are too few for chains {self.replicates}, alpha {self.alpha} and level "
                f"{self.confidence_level}: so few draws would lie beyond a bound that chance decides; take "
                f"{min_resamples} or more"
            )
        return self

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [*self.levers, *(control.kind for control in self.controls)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"what is measured and the controls are called {', '.join(repeated)} twice; a control is called like "
                "its "
                "kind, so give the lever another name"
            )
        return self
