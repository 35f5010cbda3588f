"""The section ``finetune`` of params.yaml."""

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
    """Fine-tune the model on the labelled examples."""

    seed: Seed
    """Random seed for batches, dropout and sampling."""
    max_length: int = Field(ge=8, le=8192)
    """Tokens per window, including prefix and special tokens; longer texts are split into several windows."""
    prefix: str
    """Text put before every input, as the base model requires: ``query: `` for E5 models, empty for most others."""
    pooling: Pooling
    """Pooling of token vectors into a text vector: ``mean`` of all, or the ``first`` (BERT's [CLS])."""
    recipe: Annotated[SerializeAsAny[Recipe], RECIPES.choice("auto")] = Field(default_factory=RECIPES.default("auto"))
    """Recipe that fits the model to the examples (and to raw texts, if it uses any)."""
    self_training: SelfTraining | None = None
    """Parameters of the self-training lever listed in ``use``: also train on retrieved texts with pseudo-labels."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return (*BLOCKS, cls.key())

    @classmethod
    def extract(cls, values: Mapping[str, Any]) -> SectionSource:
        """Return the section, with the active lever of kind self_training under ``self_training``."""
        block, lever = super().extract(values), find_active(values, "self_training", None)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**_name_recipe(block.value or {}), "self_training": lever.value}
        return SectionSource(value, {**block.places, ("self_training",): lever.places[()]})

    @model_validator(mode="before")
    @classmethod
    def _fill_kind(cls, values: Any) -> Any:
        return _name_recipe(values) if isinstance(values, Mapping) else values

    @model_validator(mode="after")
    def _check_self_training(self) -> Self:
        if self.self_training and not self.recipe.can_self_train:
            raise ValueError(
                "self-training needs the recipe auto or self_trained, or fine_tune with "
                f"`method.head_start: true`, not {self.recipe.kind!r} "
                "as configured: change the recipe, or remove the lever of kind self_training from `use`"
            )
        return self

    def refusals(self, problem: Problem) -> list[str]:
        """Return the reasons, one sentence each, why the recipe or self-training does not support a problem."""
        reasons = self.recipe.refusals(problem)
        may_leave_out = self.recipe.may_leave_levers_out
        if self.self_training and not may_leave_out and (reason := explain_unsupported(problem)):
            reasons.append(f"use: {reason}: remove the lever of kind self_training from `use`")
        return reasons


def _name_recipe(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the section; a recipe without a kind, but with other fields than ``auto`` has, is ``fine_tune``."""
    recipe = values.get("recipe")
    if isinstance(recipe, Mapping) and "kind" not in recipe and set(recipe) - set(RECIPES["auto"].model_fields):
        return {**values, "recipe": {"kind": "fine_tune", **recipe}}
    return values
