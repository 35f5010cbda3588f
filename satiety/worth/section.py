"""The block `worth` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SerializeAsAny, field_validator, model_validator

from satiety.project import Pooling
from satiety.section import FIELDS, Section, Seed, Written
from satiety.use import named
from satiety.worth.learning import QuickSolver
from satiety.worth.levers import LEVERS, Lever
from satiety.worth.reading import Reading
from satiety.worth.selection import MOST_MEASURED, Known

FIRST_LOOK = 4
"""Chains before a lever set may be given up."""
OUTERMOST = 2
"""Resamples that lie beyond any bound that is read off them, at least."""


def _controls() -> list[Lever]:
    return [LEVERS[name]() for name in ("oracle", "copy", "poison", "leak")]


class Confirm(BaseModel):
    """Cells that are evaluated by real fine-tuning too."""

    model_config = FIELDS

    chains: int = Field(ge=0, le=100, default=0)
    """Chains of each, three or more; 0: none, the meter stays quick."""
    budgets: int = Field(ge=2, le=20, default=2)
    """The largest budgets at which it is done; with half of the labels, too, else the luck of the pool is not known."""
    dev: float = Field(ge=0, le=0.5, default=0.2)
    """Share of a cell's labels that chooses the best step of its training; 1 in a whole number, the nearest."""

    @field_validator("dev")
    @classmethod
    def _some(cls, dev: float) -> float:
        if 0 < dev < 0.01:
            raise ValueError(f"{dev} of the labels are none or next to none; take 0.01 or more, or 0 for none")
        return dev

    @field_validator("chains")
    @classmethod
    def _tell_apart(cls, chains: int) -> int:
        if 0 < chains < 3:
            raise ValueError(f"{chains} tell a gain from luck no more than one does; take 3 or more, or 0 for none")
        return chains


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
    levers: dict[str, SerializeAsAny[Known]] = Field(max_length=MOST_MEASURED)
    """What `measure` names, measured alone and in every combination; none: the curve and its forecast only."""
    controls: list[SerializeAsAny[Known]] = Field(default_factory=_controls)
    """Of known worth: what the meter says of them shows how far it is right."""
    chains: int = Field(ge=3, le=1000, default=8)
    """Random orders of the labels in which levers are measured, all of them in the same."""
    curve_chains: int = Field(ge=3, le=1000, default=24)
    """Further ones, for the learning curve alone."""
    documents: int = Field(ge=0, le=1_000_000, default=2000)
    """Raw texts at hand where no lever finds better ones: a random sample of the corpus."""
    near_duplicate: float = Field(gt=0, le=1)
    """Jaccard similarity of character 5-grams from which a text gives away a test text, and is refused."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window; a longer text is read in several."""
    prefix: str
    """Before every text; models of the E5 family want ``query: ``."""
    pooling: Pooling
    """How the tokens of a text become one vector."""
    head: QuickSolver = Field(default_factory=QuickSolver)
    """Of the quick depth."""
    full: Confirm = Field(default_factory=Confirm)
    """What is fine-tuned for real too."""
    least: float = Field(ge=0, lt=1, default=0.01)
    """Least gain that matters, in score."""
    alpha: float = Field(gt=0, lt=0.5, default=0.05)
    """Largest share of levers worth it that may be stopped early."""
    resamples: int = Field(ge=100, le=100_000, default=1000)
    """Of the bootstrap."""
    level: float = Field(gt=0.5, lt=1)
    """Of every interval."""
    targets: list[Annotated[float, Field(gt=0, le=1)]] | None = None
    """Scores to forecast the labels for; null: some above what there is."""
    cost: Cost = Field(default_factory=Cost)
    """What labels and computing cost."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return ("levers", "measure", cls.key())

    @classmethod
    def written(cls, values: Mapping[str, Any]) -> Written:
        """Return what the block says, and the levers that `measure` names."""
        block = super().written(values)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**(block.value or {}), "levers": named(values, "measure")}
        return Written(value, {**block.places, ("levers",): ("levers",)})

    @property
    def reading(self) -> Reading:
        """Return how texts are read."""
        return Reading(max_length=self.max_length, prefix=self.prefix, pooling=self.pooling)

    @model_validator(mode="after")
    def _enough_resamples(self) -> Self:
        looks = max(self.chains - FIRST_LOOK, 0)
        least = ceil(OUTERMOST * max(looks / self.alpha, 2 / (1 - self.level)) - 1e-6)
        if self.resamples < least:
            raise ValueError(
                f"resamples: {self.resamples} are too few for chains {self.chains}, alpha {self.alpha} and level "
                f"{self.level}: so few draws would lie beyond a bound that chance decides; take {least} or more"
            )
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [*self.levers, *(control.kind for control in self.controls)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"what is measured and the controls are called {', '.join(twice)} twice; a control is called like its "
                "kind, so give the lever another name"
            )
        return self
