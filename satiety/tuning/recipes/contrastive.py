"""Texts of one class are drawn together and texts of different classes apart; then a linear head is fitted.

A few updates of the whole encoder change its space where that lacks the classes (types of questions, say); many wear
off what it knew. Every batch holds as many texts of each class, and all its pairs count: the cosine of two texts is to
be 1 within a class, else 0. Source: Reimers & Gurevych 2019 (arXiv:1908.10084) and Tunstall et al. 2022, SetFit
(arXiv:2209.11055), which samples pairs instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from satiety.heads.solver import Solver
from satiety.tuning.recipes.base import RECIPES, FitOutcome, Recipe, TuningInputs, explain_several_labels

if TYPE_CHECKING:
    from torch import Tensor

    from satiety.problems import Problem, Window
    from satiety.training.loop import TrainState
    from satiety.tuning.context import TuningContext


@RECIPES.register("contrastive")
class Contrastive(Recipe):
    """Train the encoder on pairs of labelled texts, and fit a linear head in the new space."""

    steps: int = Field(ge=1, le=10_000, default=20)
    """Number of updates."""
    batch_size: int = Field(ge=4, le=1024, default=32)
    """Texts per update; all pairs among them are used."""
    learning_rate: float = Field(gt=0, le=1, default=2e-4)
    """Peak learning rate, after a tenth of the updates; then it falls linearly to 0."""
    l2: float = Field(gt=0, le=1000, default=0.01)
    """Penalty of the head. It cannot be chosen by cross-validation, for the space has seen all labels."""

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.tuning.context import load_context
        from satiety.tuning.inputs import select_labelled

        context = load_context(inputs)
        windows = select_labelled(context.encode(inputs.train), context.problem)
        state = self._train_encoder(context, windows)
        head = context.solve_head(inputs.train, windows, Solver(l2=[self.l2]))
        context.set_head(head)
        facts = {"steps": state.step, "head_l2": head.l2}
        return FitOutcome(context.build_tuned(context.problem, self), state, facts)

    def _train_encoder(self, context: TuningContext, windows: Sequence[Window]) -> TrainState:
        """Train every weight of the encoder; the last weights are kept, for no label is left to choose by."""
        from satiety.training.arguments import TrainingArguments
        from satiety.training.loop import TrainingJob, TrainingLoop
        from satiety.tuning.inputs import collate

        model, seed, pad = context.model, context.inputs.params.seed, context.tokenizer.pad_token_id
        classes = [int(window.targets[0]) for window in windows]

        def compute_loss(_: list[int], step: int) -> Tensor:
            indices = draw_per_class(classes, self.batch_size, seed, step)
            batch = collate([windows[i] for i in indices], pad, model.task_head).to(context.hardware.device)
            return compare_pairs(model.features(batch), batch.targets)

        arguments = TrainingArguments(
            min_steps=self.steps, max_steps=self.steps, batch_size=self.batch_size, weight_averaging=None
        )
        job = TrainingJob(
            model=model,
            rates=[
                (f"encoder.{name}", weight, self.learning_rate) for name, weight in model.encoder.named_parameters()
            ],
            lengths=[len(window.input_ids) for window in windows],
            loss=compute_loss,
            evaluate=None,
            steps=self.steps,
            seed=seed,
        )
        return TrainingLoop(job, arguments, context.hardware, context.inputs.store).run()

    def refusals(self, problem: Problem) -> list[str]:
        return [*super().refusals(problem), *explain_several_labels(self, problem)]


def draw_per_class(classes: Sequence[int], count: int, seed: int, step: int) -> list[int]:
    """Return ``count`` indices: as many of each class as possible, drawn anew in each step.

    A class with fewer texts than its share gives each of them several times.
    """
    import numpy as np

    rng, labels = np.random.default_rng([seed, step]), np.array(classes)
    order = rng.permutation(np.unique(labels))
    sizes = np.bincount(np.arange(count) % len(order), minlength=len(order))
    drawn: list[int] = []
    for label, size in zip(order, sizes, strict=True):
        members = rng.permutation(np.flatnonzero(labels == label))
        drawn += np.resize(members, size).tolist()
    return drawn


def compare_pairs(features: Tensor, classes: Tensor) -> Tensor:
    """Return the mean squared error of the cosines of all pairs, which should be 1 within a class and 0 elsewhere.

    Args:
        features: shape (texts, hidden).
        classes: shape (texts,).
    """
    import torch

    units = torch.nn.functional.normalize(features.float(), dim=-1)
    wanted = (classes[:, None] == classes[None]).float()
    is_pair = ~torch.eye(len(units), dtype=torch.bool, device=units.device)
    return ((units @ units.T - wanted)[is_pair] ** 2).mean()
