"""Windows -> the head's outputs or features, computed in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.core.progress import track
from satiety.training.batches import MAX_BATCH_TOKENS, group_by_length
from satiety.tuning.inputs import collate

if TYPE_CHECKING:
    from satiety.problems.base import Floats
    from satiety.problems.windows import Window
    from satiety.training.hardware import Hardware
    from satiety.tuning.inputs import Batch
    from satiety.tuning.model import Model

MIN_BAR_WINDOWS = 2000
"""Number of windows above which a progress bar is shown."""


def infer(model: Model, windows: Sequence[Window], hardware: Hardware, *, tokenizer: Any) -> list[Any]:
    """Return for each window the head's logits without padding, or a `GeneratedText`."""
    costs = [model.task_head.cost(window) for window in windows]

    def infer_batch(batch: Batch) -> Sequence[Any]:
        return model.task_head.infer(model, batch, tokenizer)

    return _run_batches(model, windows, costs, hardware, tokenizer.pad_token_id, infer_batch)


def features_of(model: Model, windows: Sequence[Window], hardware: Hardware, *, pad: int) -> list[Floats]:
    """Return for each window the features that its head reads, without padding."""
    costs = [len(window.input_ids) for window in windows]
    return _run_batches(
        model, windows, costs, hardware, pad, lambda batch: list(model.features(batch).float().cpu().numpy())
    )


@torch.inference_mode()
def _run_batches(
    model: Model,
    windows: Sequence[Window],
    costs: Sequence[int],
    hardware: Hardware,
    pad: int,
    infer_batch: Callable[[Batch], Sequence[Any]],
) -> list[Any]:
    model.eval()
    device = next(model.parameters()).device
    batches: Any = group_by_length(costs, MAX_BATCH_TOKENS[hardware.device])
    outputs: list[Any] = [None] * len(windows)
    for indices in track(batches, "predict") if len(windows) > MIN_BAR_WINDOWS else batches:
        batch = collate([windows[i] for i in indices], pad, model.task_head).to(device)
        with hardware.autocast():
            rows = infer_batch(batch)
        for i, row in zip(indices, rows, strict=True):
            per_token = isinstance(row, np.ndarray) and row.ndim > 1
            outputs[i] = row[: len(windows[i].input_ids)] if per_token else row
    return outputs
