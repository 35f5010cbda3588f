"""Gradient descent: a method says which weights may change, an objective how the loss of an update is made.

Where the method says so, the head starts from the solution of a logistic regression on the untouched encoder's
features. What the model labelled itself teaches that head alone, for a whole model soon learns wrong labels by heart
(confirmation bias: Arazo et al. 2020, arXiv:1908.02983).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.heads.solver import Solver
from satiety.registry import Registry
from satiety.training.arguments import TrainingArguments
from satiety.tuning.methods import METHODS, Method
from satiety.tuning.objectives import OBJECTIVES, Objective
from satiety.tuning.recipes.base import RECIPES, Fitted, Recipe, Setting, cannot_write

if TYPE_CHECKING:
    from satiety.heads.solver import Solved
    from satiety.problems import Problem, Window
    from satiety.records import Example
    from satiety.training.loop import Course
    from satiety.tuning.workbench import Workbench

SHOWN = 20
"""Doubtful examples that a report names."""


@RECIPES.register("fine_tune")
class FineTune(Recipe):
    """Train by steps on the labelled examples; keep the step that is best on dev."""

    writes: ClassVar = True

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
    def reads(self) -> bool:
        return self.objective.reads

    @property
    def self_trains(self) -> bool:
        return self.method.solves

    def refusals(self, problem: Problem) -> list[str]:
        choices: dict[str, tuple[Any, Registry[Any]]] = {
            "recipe.method": (self.method, METHODS),
            "recipe.objective": (self.objective, OBJECTIVES),
        }
        return [line for name, choice in choices.items() for line in cannot_write(name, *choice, problem)]

    def fit(self, setting: Setting) -> Fitted:
        from satiety.training.loop import Course
        from satiety.tuning.inputs import teachable
        from satiety.tuning.selftrain import self_trained
        from satiety.tuning.solved import with_decoder
        from satiety.tuning.updates import train_model
        from satiety.tuning.workbench import load_workbench

        bench = load_workbench(setting, virtual_tokens=self.method.virtual_tokens, dropout=self.dropout)

        # The examples, and after them the raw texts that the untouched model labelled itself.
        train = self_trained(bench, self.head) if setting.params.pseudo else setting.train
        windows = teachable(bench.windows(train), bench.problem)
        given = [window for window in windows if train[window.example].origin != "pseudo"]
        steps = self.training.steps(_originals(train, given)) if self.method.trains else 0

        # The head learns from all of them, and training starts there; it sees people's labels alone.
        self.method.prepare(bench.model, steps)
        bench.model.to(bench.hardware.device)
        solves = self.method.solves and not bench.model.over.writes
        head = self._start(bench, train, windows) if solves else None
        course = train_model(bench, self, given, steps) if steps else Course()
        trained = [weight.numel() for _, weight, _ in self.method.rates(bench.model)]
        self.method.finish(bench.model)

        facts = {
            "method": self.method.kind,
            **({"objective": self.objective.kind} if steps else {}),
            "steps": course.step,
            "steps_planned": steps,
            "weights_trained": sum(trained or [weight.numel() for weight in bench.model.head.parameters()]),
            **_self_training(train),
            **(_of_head(bench.problem, train, windows, head) if head else {}),
            **_of_course(course),
        }
        problem = with_decoder(bench.problem, train, windows, head) if head else bench.problem
        return Fitted(bench.tuned(problem, self, self.method), course, facts)

    def _start(self, bench: Workbench, train: Sequence[Example], windows: Sequence[Window]) -> Solved:
        """Put the solved head into the model; solve it once, however often the run is cut off."""
        from satiety.heads.solver import Solved

        head = Solved.of(bench.setting.store.once("head", lambda: bench.solve(train, windows, self.head).plain()))
        bench.put(head)
        return head


def _originals(train: Sequence[Example], windows: Sequence[Window]) -> int:
    """Count the windows of distinct texts that people labelled; copies do not make training longer."""
    owner: dict[str, int] = {}
    for i, example in enumerate(train):
        if example.origin == "gold":
            owner.setdefault(example.text, i)
    kept = set(owner.values())
    return sum(window.example in kept for window in windows) or len({example.text for example in train})


def _self_training(train: Sequence[Example]) -> dict[str, Any]:
    pseudo = sum(example.origin == "pseudo" for example in train)
    return {"pseudo": pseudo} if pseudo else {}


def _of_head(problem: Problem, train: Sequence[Example], windows: Sequence[Window], head: Solved) -> dict[str, Any]:
    """Return what is said of the solved head: its penalty, and the examples whose label looks wrong to it."""
    owners = [train[windows[row].example] for row in head.doubtful] if problem.categorical else []
    doubtful = list(dict.fromkeys(owner.id for owner in owners if owner.origin == "gold"))
    return {"head_strength": head.strength, "doubtful": {"count": len(doubtful), "most": doubtful[:SHOWN]}}


def _of_course(course: Course) -> dict[str, Any]:
    """Return what is said of the step that was kept, where dev chose one."""
    if not course.verdict:
        return {}
    return {"best_step": course.best_step, "dev": {"score": course.verdict.score, "loss": course.verdict.loss}}
