"""Training and dev windows -> trained model, by the method and the objective of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.core.errors import DataError
from satiety.training.loop import Evaluation, TrainingJob, TrainState
from satiety.tuning.inputs import Batch, build_head, collate
from satiety.tuning.objectives import Update

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Problem, Window
    from satiety.tuning.context import TuningContext
    from satiety.tuning.recipes.fine_tune import FineTune


def train_model(context: TuningContext, recipe: FineTune, windows: Sequence[Window], steps: int) -> TrainState:
    """Train for at most ``steps`` updates and restore the weights with the lowest loss on dev (the last without dev).

    Args:
        context: the run; the method has already prepared its model.
        recipe: the recipe, with method, objective and training arguments.
        windows: training windows; each has a target.
        steps: maximum number of updates.
    """
    inputs, model, problem = context.inputs, context.model, context.problem
    dev_windows, raw_windows = context.encode(inputs.dev), windows
    if recipe.uses_documents and inputs.documents and len(problem.inputs) == 1:
        raw_windows = context.encode(problem.build_examples([document.text for document in inputs.documents]))

    def build_batch(batch_windows: Sequence[Window]) -> Batch:
        return collate(batch_windows, context.tokenizer.pad_token_id, model.task_head).to(context.hardware.device)

    def compute_loss(indices: list[int], step: int) -> torch.Tensor:
        rng = np.random.default_rng([inputs.params.seed, step])

        def draw_raw(count: int) -> Batch:
            return build_batch(
                [raw_windows[i] for i in rng.choice(len(raw_windows), min(count, len(raw_windows)), replace=False)]
            )

        return recipe.objective.loss(Update(model, build_batch([windows[i] for i in indices]), draw_raw, rng))

    def evaluate() -> Evaluation:
        return evaluate_predictions(problem, inputs.dev, dev_windows, context.infer(dev_windows))

    job = TrainingJob(
        model=model,
        rates=list(recipe.method.rates(model)),
        lengths=[len(window.input_ids) for window in windows],
        loss=compute_loss,
        evaluate=evaluate if inputs.dev else None,
        steps=steps,
        seed=inputs.params.seed,
        after_step=lambda step: recipe.method.after_step(model, step),
    )
    return context.train(job, recipe.training)


def evaluate_predictions(
    problem: Problem, examples: Sequence[Example], windows: Sequence[Window], outputs: Sequence[Any]
) -> Evaluation:
    """Return the headline metric and the mean loss over all targets."""
    predictions = problem.decode(examples, windows, outputs)
    score = problem.score(problem.tally(examples, predictions))[problem.headline]
    loss = build_head(problem).mean_loss(windows, outputs)
    if loss is None:
        raise DataError(
            f"finetune: no dev example has a label of the problem {problem.kind!r}: check the labels of the dev split"
        )
    return Evaluation(float(score), loss)
