"""The block ``finetune`` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, SerializeAsAny, model_validator

from satiety.core.active_levers import BLOCKS, find_active
from satiety.core.section import Section, SectionSource, Seed
from satiety.heads import Pooling
from satiety.levers.self_train import SelfTraining, explain_unsupported
from satiety.tuning.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from satiety.problems import Problem


class Finetune(Section):
    """How the model is tuned."""

    seed: Seed
    """Of batches, dropout and whatever else is drawn."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, prefix and special tokens included; a longer text is read in several."""
    prefix: str
    """What the base model was made to see before every text, as ``query:`` for the e5 models; empty for most."""
    pooling: Pooling
    """How a text's tokens become one vector: their mean, or the first token's (BERT's [CLS])."""
    recipe: Annotated[SerializeAsAny[Recipe], RECIPES.choice("fine_tune")] = Field(
        default_factory=RECIPES.default("fine_tune")
    )
    """How a model is made of the examples, and of raw texts where it draws on any."""
    self_training: SelfTraining | None = None
    """The lever of this kind that is in use, if one is: learn also from retrieved texts that the model labelled
    itself."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return (*BLOCKS, cls.key())

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return what the block says, and as ``self_training`` what the lever of this kind says that is in use."""
        block, lever = super().extract(values), find_active(values, "self_training", None)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**(block.value or {}), "self_training": lever.value}
        return SectionSource(value, {**block.places, ("self_training",): lever.places[()]})

    @model_validator(mode="after")
    def _check_self_training(self) -> Self:
        if self.self_training and not self.recipe.can_self_train:
            raise ValueError(
                f"the recipe {self.recipe.kind!r}, as it is set, does not learn from what it labelled itself: take the "
                "lever of kind self_training out of `use`, or the recipe fine_tune with method.head_start"
            )
        return self

    def refusals(self, problem: Problem) -> list[str]:
        """Return why it cannot teach a problem, one sentence each; none where it can."""
        reasons = self.recipe.refusals(problem)
        if self.self_training and (reason := explain_unsupported(problem)):
            reasons.append(f"use: {reason}; take the lever of kind self_training out of `use`")
        return reasons
