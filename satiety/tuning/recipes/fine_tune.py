"""Gradient descent: a method selects the weights to train, an objective defines the loss.

If the method has ``head_start``, the head is initialised by a logistic regression on the features of the base encoder.
Pseudo-labels are used for that head only: a whole model soon memorises wrong labels (confirmation bias: Arazo et al.
2020, arXiv:1908.02983).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.core.errors import DataError
from satiety.core.registry import Registry
from satiety.heads.solver import MAX_ISSUES, Solver
from satiety.training.arguments import TrainingArguments
from satiety.tuning.methods import METHODS, Method
from satiety.tuning.objectives import OBJECTIVES, Objective
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs, explain_no_generation

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.solver import LinearProbe
    from satiety.problems import Prediction, Problem, Window
    from satiety.tuning.context import TuningContext


@RECIPES.register("fine_tune")
class FineTune(Recipe):
    """Train by gradient descent on the labelled examples; keep the weights with the lowest loss on dev."""

    can_generate: ClassVar = True

    method: Annotated[SerializeAsAny[Method], METHODS.choice("full")] = Field(default_factory=METHODS.default("full"))
    """Which weights are trained."""
    objective: Annotated[SerializeAsAny[Objective], OBJECTIVES.choice("supervised")] = Field(
        default_factory=OBJECTIVES.default("supervised")
    )
    """Loss that training minimises; unused by the method ``frozen``."""
    dropout: float = Field(ge=0, lt=1, default=0.1)
    """Dropout probability of the features before the head."""
    head: Solver = Field(default_factory=Solver)
    """Parameters of the logistic regression that initialises the head (with ``frozen``: that is the head)."""
    training: TrainingArguments = Field(default_factory=TrainingArguments)
    """Number of updates, batch size and schedule; unused by the method ``frozen``."""

    @property
    def uses_documents(self) -> bool:
        return self.objective.uses_documents

    @property
    def can_self_train(self) -> bool:
        return self.method.solves_head

    @property
    def trains_encoder(self) -> bool:
        return self.method.needs_training

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
        from satiety.tuning.updates import train_model

        context = load_context(inputs, virtual_tokens=self.method.virtual_tokens, dropout=self.dropout)

        # 1. the examples, followed by raw texts with pseudo-labels
        train = self._add_pseudo_labelled(context) if inputs.params.self_training else inputs.train
        windows = select_labelled(context.encode(train), context.problem)
        labelled = [window for window in windows if train[window.example].origin != "pseudo_label"]
        steps = self.training.count_steps(_count_originals(train, labelled)) if self.method.needs_training else 0

        # 2. the head is fitted on all of them; training continues from there on human labels only
        self.method.prepare(context.model, steps)
        context.model.to(context.hardware.device)
        has_solved_head = self.method.solves_head and not context.model.task_head.is_generative
        head = self._start_head(context, train, windows) if has_solved_head else None
        state = train_model(context, self, labelled, steps) if steps else TrainState()
        weight_counts = [weight.numel() for _, weight, _ in self.method.rates(context.model)]
        self.method.finish(context.model)

        # 3. the numbers of the report
        pseudo_count = sum(example.origin == "pseudo_label" for example in train)
        facts: dict[str, Any] = {
            "method": self.method.kind,
            **({"objective": self.objective.kind} if steps else {}),
            "steps": state.step,
            "steps_planned": steps,
            "weights_trained": sum(weight_counts or [weight.numel() for weight in context.model.head.parameters()]),
            **({"pseudo_labels": pseudo_count} if pseudo_count else {}),
            **(_report_head(context.problem, train, windows, head) if head else {}),
        }
        if best := state.evaluation:
            facts |= {"best_step": state.best_step, "best_dev_score": best.score, "best_dev_loss": best.loss}
        problem = fit_decoder(context.problem, train, windows, head) if head else context.problem
        return FitOutcome(context.build_tuned(problem, self, self.method), state, facts)

    def _add_pseudo_labelled(self, context: TuningContext) -> tuple[Example, ...]:
        """Return the examples, followed by raw texts that a head on the base encoder has pseudo-labelled.

        Raises:
            DataError: there is no raw text.
        """
        from satiety.tuning.inputs import select_labelled
        from satiety.tuning.linear_head import calibrate_logits

        problem, inputs = context.problem, context.inputs
        assert inputs.params.self_training  # noqa: S101  # as checked by the caller
        if not inputs.documents:
            raise DataError("finetune: self-training needs raw texts: add a lever of kind retrieve to `use`")
        queries = problem.build_examples([document.text for document in inputs.documents])
        windows = context.encode(queries)
        rows = context.compute_features(windows)

        def label_texts(examples: Sequence[Example], _: Sequence[str]) -> list[Prediction]:
            head = context.solve_head(examples, select_labelled(context.encode(examples), problem), self.head)
            return problem.decode(queries, windows, calibrate_logits(head, rows))

        return inputs.params.self_training.run_rounds(inputs.train, inputs.documents, label_texts, problem.stratum)

    def _start_head(self, context: TuningContext, train: Sequence[Example], windows: Sequence[Window]) -> LinearProbe:
        """Initialise the model's head by the solver; a resumed run reads the solution from its checkpoint."""
        from satiety.heads.solver import LinearProbe

        head = LinearProbe.from_dict(
            context.inputs.store.compute_once("head", lambda: context.solve_head(train, windows, self.head).to_dict())
        )
        context.set_head(head)
        return head


def _count_originals(train: Sequence[Example], windows: Sequence[Window]) -> int:
    """Count the windows of distinct gold texts: copies must not make training longer."""
    first_by_text: dict[str, int] = {}
    for i, example in enumerate(train):
        if example.origin == "gold":
            first_by_text.setdefault(example.text, i)
    originals = set(first_by_text.values())
    return sum(window.example in originals for window in windows) or len({example.text for example in train})


def _report_head(
    problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: LinearProbe
) -> dict[str, Any]:
    """Return the solved head's L2 penalty and its label issues."""
    owners = [train[windows[row].example] for row in head.label_issues] if problem.categorical else []
    issues = list(dict.fromkeys(owner.id for owner in owners if owner.origin == "gold"))
    return {"head_l2": head.l2, "label_issues": {"count": len(issues), "first": issues[:MAX_ISSUES]}}
