"""The block ``finetune`` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, SerializeAsAny, model_validator

from satiety.heads import HEADS, Pooling
from satiety.heads.solver import Solver
from satiety.section import Section, Seed, Written
from satiety.training.arguments import TrainingArguments
from satiety.tuning.methods import METHODS, Method
from satiety.tuning.objectives import OBJECTIVES, Objective
from satiety.tuning.selftrain import SelfTraining
from satiety.use import BLOCKS, one_in_use

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.registry import Registry


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
    dropout: float = Field(ge=0, lt=1, default=0.1)
    """Share of the features that the head does not see while training."""
    method: Annotated[SerializeAsAny[Method], METHODS.choice("full")] = Field(default_factory=METHODS.default("full"))
    """How much of the model may change."""
    pseudo: SelfTraining | None = None
    """The lever of this kind that is in use, if one is: solve the head also from retrieved texts that it labelled
    itself. Training, where the method trains, starts from that head and sees people's labels alone."""
    head: Solver = Field(default_factory=Solver)
    """How a head is solved, by the methods that start from (or stop at) a solved one."""
    objective: Annotated[SerializeAsAny[Objective], OBJECTIVES.choice("supervised")] = Field(
        default_factory=OBJECTIVES.default("supervised")
    )
    """How the loss of an update is made, by the methods that train."""
    training: TrainingArguments = Field(default_factory=TrainingArguments)
    """How long and in which steps it is trained, by the methods that train."""

    @classmethod
    def blocks(cls) -> tuple[str, ...]:
        return (*BLOCKS, cls.key())

    @classmethod
    def written(cls, values: Mapping[str, Any]) -> Written:
        """Return what the block says, and as ``pseudo`` what the lever of this kind says that is in use."""
        block, lever = super().written(values), one_in_use(values, "pseudo", None)
        if not isinstance(block.value or {}, Mapping):
            return block
        value = {**(block.value or {}), "pseudo": lever.value}
        return Written(value, {**block.places, ("pseudo",): lever.places[()]})

    @model_validator(mode="after")
    def _taught(self) -> Self:
        if self.pseudo and not self.method.solves:
            raise ValueError(
                "a lever of kind pseudo teaches the head that training starts from: set method.head_start, or take the "
                "lever out of `use`"
            )
        return self

    def refusals(self, problem: Problem) -> list[str]:
        """Return what of it cannot teach a model to write, one sentence each; none where no answer is written."""
        if not HEADS[problem.head].writes:
            return []
        choices: dict[str, tuple[Any, Registry[Any]]] = {
            "method": (self.method, METHODS),
            "objective": (self.objective, OBJECTIVES),
        }
        found = [
            f"finetune.{name}: {chosen.kind!r} cannot teach a model to write, as {problem.kind!r} asks; there are: "
            f"{', '.join(kind for kind in registry if registry[kind].writes)}"
            for name, (chosen, registry) in choices.items()
            if not chosen.writes
        ]
        if self.pseudo:
            found.append(
                f"use: raw texts that the model labelled itself teach a linear head, and the problem {problem.kind!r} "
                "has none; take the lever of kind pseudo out of `use`"
            )
        return found
