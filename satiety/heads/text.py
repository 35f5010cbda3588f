"""One class per text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from satiety.heads.base import HEADS, PerText

if TYPE_CHECKING:
    from torch import Tensor

    from satiety.problems import Window


@HEADS.register("text")
class TextHead(PerText):
    """Predict one class per text."""

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        import torch

        return torch.tensor([window.targets[0] for window in windows], dtype=torch.int64)
