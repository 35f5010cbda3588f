"""An encoder trained on pairs of texts: those of one class are drawn together, those of different classes apart.

Every batch has as many texts of each class, and all its pairs count: the cosine of two texts is to be 1 within a
class, else 0. Source: Reimers & Gurevych 2019 (arXiv:1908.10084) and Tunstall et al. 2022, SetFit (arXiv:2209.11055),
which samples pairs instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, Field

from satiety.core.section import FIELDS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.problems import Window
    from satiety.problems.base import Floats
    from satiety.training.loop import TrainState
    from satiety.tuning.context import TuningContext
    from satiety.tuning.model import Model

    Ints = NDArray[np.integer[Any]]


class PairTraining(BaseModel):
    """Updates of an encoder by pairs."""

    model_config = FIELDS

    epochs: float = Field(gt=0, le=1000, default=10)
    """Number of times that each label is read, if that makes more updates than ``min_steps``. Copies add none."""
    min_steps: int = Field(ge=1, le=10_000, default=20)
    """Minimum number of updates, used where there are few labels."""
    max_steps: int = Field(ge=1, le=10_000, default=200)
    """Maximum number of updates."""
    batch_size: int = Field(ge=4, le=1024, default=32)
    """Texts per update; all pairs among them are used."""
    learning_rate: float = Field(gt=0, le=1, default=2e-4)
    """Peak learning rate, after a tenth of the updates; then it falls linearly to 0."""
    layers: int = Field(ge=1, le=1000, default=6)
    """Number of layers that are trained, from the top; all if there are fewer. Few labels cannot steer many."""


PASS_TEXTS = 16
"""Texts that go through the encoder together in training."""
PASS_STEP = 8
"""Their number of tokens is a multiple of it: a CPU compiles an operation, and keeps it, for each shape it meets."""
MAX_STEPS_WITHOUT_DROPOUT = 50
"""Over eight draws of labels, most with fewer updates, scores were the same on average without dropout; at 75 updates
dropout gained .012 on each of two."""
PROBE = PairTraining(epochs=2.5, min_steps=10, max_steps=50, batch_size=16, learning_rate=3e-4)
"""A shorter training, by which recipes are compared."""


@dataclass(frozen=True, slots=True)
class BatchSource:
    """Texts from which batches are drawn."""

    windows: Sequence[Window]
    classes: Ints
    """Shape (windows,)."""
    count: int
    """Texts of it in a batch."""


def train_on_pairs(context: TuningContext, sources: Sequence[BatchSource], training: PairTraining) -> TrainState:
    """Train the encoder; the last weights are kept, for no label is left to choose by.

    Word embeddings stay as they are: few labels contain few of the words, and in a multilingual model these are four
    fifths of the weights. So do the lower layers of a deep encoder. Few updates are made without dropout, in less time.

    Args:
        context: the run.
        sources: labelled texts first, then pseudo-labelled ones, if any.
        training: number of updates and learning rate.
    """
    from satiety.training.arguments import TrainingArguments
    from satiety.training.loop import TrainingJob
    from satiety.tuning.trials import find_originals

    model, seed = context.model, context.inputs.params.seed
    _freeze_all_but(model, training.layers)

    def compute_loss(_: list[int], step: int) -> Tensor:
        model.train(steps > MAX_STEPS_WITHOUT_DROPOUT)
        draws = [
            draw_per_class(source.classes, source.count, seed + number, step) for number, source in enumerate(sources)
        ]
        windows = [source.windows[i] for source, indices in zip(sources, draws, strict=True) for i in indices]
        classes = [source.classes[i] for source, indices in zip(sources, draws, strict=True) for i in indices]
        return compare_windows(context, windows, classes)

    values = training.model_dump(exclude={"learning_rate", "layers"})
    arguments = TrainingArguments(**values, weight_averaging=None)
    steps = arguments.count_steps(int(find_originals(context.inputs).sum()))
    job = TrainingJob(
        model=model,
        rates=[
            (f"encoder.{name}", weight, training.learning_rate)
            for name, weight in model.encoder.named_parameters()
            if weight.requires_grad
        ],
        lengths=[len(window.input_ids) for window in sources[0].windows],
        loss=compute_loss,
        evaluate=None,
        steps=steps,
        seed=seed,
    )
    with _use_eager_attention(context):
        return context.train(job, arguments)


def _freeze_all_but(model: Model, layers: int) -> None:
    """Leave the embeddings of words and all but the upper ``layers`` of the encoder as they are."""
    model.embeddings.requires_grad_(False)
    above = model.count_layers_above()
    if max(above.values()) > layers:
        for name, weight in model.named_parameters():
            weight.requires_grad_(weight.requires_grad and above[name] < layers)


def select_surest(answers: Floats, share: float) -> Ints:
    """Return the rows with the highest probabilities: a share of those of each predicted class, at least one."""
    targets, sureness = answers.argmax(axis=1), answers.max(axis=1)
    rows: list[int] = []
    for label in np.unique(targets):
        members = np.flatnonzero(targets == label)
        count = max(round(share * len(members)), 1)
        rows += members[np.argsort(-sureness[members], kind="stable")][:count].tolist()
    return np.array(rows)


def draw_per_class(classes: Ints, count: int, seed: int, step: int) -> list[int]:
    """Return ``count`` indices: as many of each class as possible, two at least, drawn anew in each step.

    Of many classes, some take their turn. A class with fewer texts than its share gives each of them several times.
    """
    rng = np.random.default_rng([seed, step])
    order = rng.permutation(np.unique(classes))[: max(count // 2, 1)]
    sizes = np.bincount(np.arange(count) % len(order), minlength=len(order))
    drawn: list[int] = []
    for label, size in zip(order, sizes, strict=True):
        members = rng.permutation(np.flatnonzero(classes == label))
        drawn += np.resize(members, size).tolist()
    return drawn


def compare_windows(context: TuningContext, windows: Sequence[Window], classes: Sequence[int]) -> Tensor:
    """Return the loss of windows; similar lengths go through the encoder together, for half might be padding else."""
    import torch

    from satiety.tuning.inputs import collate

    model, pad, device = context.model, context.tokenizer.pad_token_id, context.hardware.device
    ranked = sorted(range(len(windows)), key=lambda i: -len(windows[i].input_ids))
    features = []
    for start in range(0, len(ranked), PASS_TEXTS):
        group = [windows[i] for i in ranked[start : start + PASS_TEXTS]]
        length = PASS_STEP * math.ceil(len(group[0].input_ids) / PASS_STEP)
        batch = collate(group, pad, model.task_head, min(length, context.inputs.params.max_length))
        features.append(model.features(batch.to(device)))
    return compare_pairs(torch.cat(features), torch.tensor([classes[i] for i in ranked], device=device))


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


@contextmanager
def _use_eager_attention(context: TuningContext) -> Iterator[None]:
    """Compute attention by single operations within the block, where the encoder has a fused one, on a CPU.

    Without dropout, the backward pass of PyTorch's fused attention takes three times as long there.
    """
    encoder = context.model.encoder
    is_fused = context.hardware.device == "cpu" and encoder.config._attn_implementation == "sdpa"
    if is_fused:
        encoder.set_attn_implementation("eager")
    try:
        yield
    finally:
        if is_fused:
            encoder.set_attn_implementation("sdpa")
