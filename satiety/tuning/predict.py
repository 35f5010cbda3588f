"""Windows -> logits, in batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from satiety.progress import track
from satiety.training.batches import sorted_by_length
from satiety.tuning.inputs import collate

if TYPE_CHECKING:
    from satiety.problems.base import Floats, Window
    from satiety.training.hardware import Hardware
    from satiety.tuning.model import Model

TOKENS = {"cpu": 1024, "cuda": 65536}
"""Tokens in one batch, padding included: what keeps the processor's caches, or the GPU, well fed."""
BAR = 2000
"""Windows from which a progress bar is worth its lines."""


@torch.inference_mode()
def logits_of(
    model: Model, windows: Sequence[Window], hardware: Hardware, *, pad: int, features: bool = False
) -> list[Floats]:
    """Return per window its logits, or what the head sees; padding cut off."""
    model.eval()
    device = next(model.parameters()).device
    lengths = [len(window.input_ids) for window in windows]
    batches: Any = sorted_by_length(lengths, TOKENS[hardware.device])
    found: list[Floats] = [np.empty(0)] * len(windows)
    for chosen in track(batches, "predict") if len(windows) > BAR else batches:
        batch = collate([windows[i] for i in chosen], pad, model.over).to(device)
        with hardware.autocast():
            out = (model.features if features else model)(batch)
        rows = out.float().cpu().numpy()
        for i, row in zip(chosen, rows, strict=True):
            found[i] = row[: lengths[i]] if row.ndim > 1 else row
    return found
