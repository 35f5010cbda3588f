"""Windows that teach, and dev -> a trained model, by the method and the objective that params.yaml names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.errors import DataError
from satiety.training.loop import Course, Job, Loop, Verdict
from satiety.tuning.inputs import Batch, collate, head_of
from satiety.tuning.objectives import Update

if TYPE_CHECKING:
    from satiety.problems import Problem, Window
    from satiety.records import Example
    from satiety.tuning.recipes.fine_tune import FineTune
    from satiety.tuning.workbench import Workbench


def train_model(bench: Workbench, recipe: FineTune, windows: Sequence[Window], steps: int) -> Course:
    """Train so many steps at most; leave the model at the step that is best on dev, or at the last without any.

    Args:
        bench: the model, its method prepared.
        recipe: how it is trained.
        windows: that have targets.
        steps: updates.
    """
    setting, model = bench.setting, bench.model
    raw, held = _raw(bench, recipe, windows), bench.windows(setting.dev)

    def batch(chosen: Sequence[Window]) -> Batch:
        return collate(chosen, bench.tokenizer.pad_token_id, model.over).to(bench.hardware.device)

    def loss(chosen: list[int], step: int) -> torch.Tensor:
        draw = np.random.default_rng([setting.params.seed, step])

        def some(count: int) -> Batch:
            return batch([raw[i] for i in draw.choice(len(raw), min(count, len(raw)), replace=False)])

        return recipe.objective.loss(Update(model, batch([windows[i] for i in chosen]), some, draw))

    def judge() -> Verdict:
        return verdict(bench.problem, setting.dev, held, bench.inferred(held))

    job = Job(
        model=model,
        rates=list(recipe.method.rates(model)),
        lengths=[len(window.input_ids) for window in windows],
        loss=loss,
        judge=judge if setting.dev else None,
        steps=steps,
        seed=setting.params.seed,
        after_step=lambda step: recipe.method.after_step(model, step),
    )
    return Loop(job, recipe.training, bench.hardware, setting.store).run()


def _raw(bench: Workbench, recipe: FineTune, windows: Sequence[Window]) -> Sequence[Window]:
    """Return the windows that an objective may look at without their targets: of raw texts, or of the examples."""
    documents = bench.setting.documents
    if not (recipe.reads and documents and len(bench.problem.inputs) == 1):
        return windows
    return bench.windows(bench.problem.ask([document.text for document in documents]))


def verdict(
    problem: Problem, examples: Sequence[Example], windows: Sequence[Window], inferred: Sequence[Any]
) -> Verdict:
    """Return the headline metric, and the mean loss over every target."""
    predicted = problem.decode(examples, windows, inferred)
    score = problem.score(problem.tally(examples, predicted))[problem.headline]
    loss = head_of(problem).mean_loss(windows, inferred)
    if loss is None:
        raise DataError("dev holds no label of the problem: nothing can be judged by it")
    return Verdict(float(score), loss)
