"""Windows that teach, and dev -> a trained model, by the method and the objective that params.yaml names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.core.errors import DataError
from satiety.training.loop import Evaluation, TrainingJob, TrainingLoop, TrainState
from satiety.tuning.inputs import Batch, build_head, collate
from satiety.tuning.objectives import Update

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Problem, Window
    from satiety.tuning.context import TuningContext
    from satiety.tuning.recipes.fine_tune import FineTune


def train_model(context: TuningContext, recipe: FineTune, windows: Sequence[Window], steps: int) -> TrainState:
    """Train so many steps at most; leave the model at the step that is best on dev, or at the last without any.

    Args:
        context: the model, its method prepared.
        recipe: how it is trained.
        windows: that have targets.
        steps: updates.
    """
    inputs, model = context.inputs, context.model
    raw_windows, dev_windows = _encode_raw(context, recipe, windows), context.encode(inputs.dev)

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
        return evaluate_predictions(context.problem, inputs.dev, dev_windows, context.infer(dev_windows))

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
    return TrainingLoop(job, recipe.training, context.hardware, inputs.store).run()


def _encode_raw(context: TuningContext, recipe: FineTune, windows: Sequence[Window]) -> Sequence[Window]:
    """Return the windows that an objective may look at without their targets: of raw texts, or of the examples."""
    documents = context.inputs.documents
    if not (recipe.uses_documents and documents and len(context.problem.inputs) == 1):
        return windows
    return context.encode(context.problem.build_examples([document.text for document in documents]))


def evaluate_predictions(
    problem: Problem, examples: Sequence[Example], windows: Sequence[Window], outputs: Sequence[Any]
) -> Evaluation:
    """Return the headline metric, and the mean loss over every target."""
    predictions = problem.decode(examples, windows, outputs)
    score = problem.score(problem.tally(examples, predictions))[problem.headline]
    loss = build_head(problem).mean_loss(windows, outputs)
    if loss is None:
        raise DataError("dev holds no label of the problem: nothing can be judged by it")
    return Evaluation(float(score), loss)
