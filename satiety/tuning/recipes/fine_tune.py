"""Gradient descent: a method says which weights may change, an objective how the loss of an update is made.

Where the method says so, the head starts from the solution of a logistic regression on the untouched encoder's
features. What the model labelled itself teaches that head alone, for a whole model soon learns wrong labels by heart
(confirmation bias: Arazo et al. 2020, arXiv:1908.02983).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.core.registry import Registry
from satiety.heads.solver import Solver
from satiety.training.arguments import TrainingArguments
from satiety.tuning.methods import METHODS, Method
from satiety.tuning.objectives import OBJECTIVES, Objective
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs, explain_no_generation

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.solver import LinearProbe
    from satiety.problems import Problem, Window
    from satiety.training.loop import TrainState
    from satiety.tuning.context import TuningContext

MAX_ISSUES = 20
"""Doubtful examples that a report names."""


@RECIPES.register("fine_tune")
class FineTune(Recipe):
    """Train by steps on the labelled examples; keep the step that is best on dev."""

    can_generate: ClassVar = True

    method: Annotated[SerializeAsAny[Method], METHODS.choice("full")] = Field(default_factory=METHODS.default("full"))
    """How much of the model may change."""
    objective: Annotated[SerializeAsAny[Objective], OBJECTIVES.choice("supervised")] = Field(
        default_factory=OBJECTIVES.default("supervised")
    )
    """How the loss of an update is made, by the methods that train."""
    dropout: float = Field(ge=0, lt=1, default=0.1)
    """Share of the features that the head does not see while training."""
    head: Solver = Field(default_factory=Solver)
    """How a head is solved, by the methods that start from (or stop at) a solved one."""
    training: TrainingArguments = Field(default_factory=TrainingArguments)
    """How long and in which steps it is trained, by the methods that train."""

    @property
    def uses_documents(self) -> bool:
        return self.objective.uses_documents

    @property
    def can_self_train(self) -> bool:
        return self.method.solves_head

    def refusals(self, problem: Problem) -> list[str]:
        choices: dict[str, tuple[Any, Registry[Any]]] = {
            "recipe.method": (self.method, METHODS),
            "recipe.objective": (self.objective, OBJECTIVES),
        }
        return [line for name, choice in choices.items() for line in explain_no_generation(name, *choice, problem)]

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.training.loop import TrainState
        from satiety.tuning.context import load_context
        from satiety.tuning.inputs import select_labelled
        from satiety.tuning.linear_head import fit_decoder
        from satiety.tuning.self_training import self_train
        from satiety.tuning.updates import train_model

        context = load_context(inputs, virtual_tokens=self.method.virtual_tokens, dropout=self.dropout)

        # The examples, and after them the raw texts that the untouched model labelled itself.
        train = self_train(context, self.head) if inputs.params.self_training else inputs.train
        windows = select_labelled(context.encode(train), context.problem)
        labelled = [window for window in windows if train[window.example].origin != "pseudo"]
        steps = self.training.count_steps(_count_originals(train, labelled)) if self.method.needs_training else 0

        # The head learns from all of them, and training starts there; it sees people's labels alone.
        self.method.prepare(context.model, steps)
        context.model.to(context.hardware.device)
        has_solved_head = self.method.solves_head and not context.model.task_head.is_generative
        head = self._start_head(context, train, windows) if has_solved_head else None
        state = train_model(context, self, labelled, steps) if steps else TrainState()
        weight_counts = [weight.numel() for _, weight, _ in self.method.rates(context.model)]
        self.method.finish(context.model)

        facts = {
            "method": self.method.kind,
            **({"objective": self.objective.kind} if steps else {}),
            "steps": state.step,
            "steps_planned": steps,
            "weights_trained": sum(weight_counts or [weight.numel() for weight in context.model.head.parameters()]),
            **_report_self_training(train),
            **(_report_head(context.problem, train, windows, head) if head else {}),
            **_report_training(state),
        }
        problem = fit_decoder(context.problem, train, windows, head) if head else context.problem
        return FitOutcome(context.build_tuned(problem, self, self.method), state, facts)

    def _start_head(self, context: TuningContext, train: Sequence[Example], windows: Sequence[Window]) -> LinearProbe:
        """Put the solved head into the model; solve it once, however often the run is cut off."""
        from satiety.heads.solver import LinearProbe

        head = LinearProbe.from_dict(
            context.inputs.store.compute_once("head", lambda: context.solve_head(train, windows, self.head).to_dict())
        )
        context.set_head(head)
        return head


def _count_originals(train: Sequence[Example], windows: Sequence[Window]) -> int:
    """Count the windows of distinct texts that people labelled; copies do not make training longer."""
    first_by_text: dict[str, int] = {}
    for i, example in enumerate(train):
        if example.origin == "gold":
            first_by_text.setdefault(example.text, i)
    originals = set(first_by_text.values())
    return sum(window.example in originals for window in windows) or len({example.text for example in train})


def _report_self_training(train: Sequence[Example]) -> dict[str, Any]:
    pseudo_count = sum(example.origin == "pseudo" for example in train)
    return {"pseudo": pseudo_count} if pseudo_count else {}


def _report_head(
    problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: LinearProbe
) -> dict[str, Any]:
    """Return what is said of the solved head: its penalty, and the examples whose label looks wrong to it."""
    owners = [train[windows[row].example] for row in head.label_issues] if problem.categorical else []
    issues = list(dict.fromkeys(owner.id for owner in owners if owner.origin == "gold"))
    return {"head_strength": head.l2, "doubtful": {"count": len(issues), "most": issues[:MAX_ISSUES]}}


def _report_training(state: TrainState) -> dict[str, Any]:
    """Return what is said of the step that was kept, where dev chose one."""
    if not state.evaluation:
        return {}
    return {"best_step": state.best_step, "dev": {"score": state.evaluation.score, "loss": state.evaluation.loss}}
