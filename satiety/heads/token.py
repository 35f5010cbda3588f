"""One class per token, such as the tag of an entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from satiety.core.project import Pooling
from satiety.heads.base import HEADS, Head
from satiety.problems.windows import IGNORE

if TYPE_CHECKING:
    from torch import Tensor

    from satiety.problems import Window


@HEADS.register("token")
class TokenHead(Head):
    """Predict one class per token."""

    per_token: ClassVar = True

    def pool(self, states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
        return states

    def targets(self, windows: Sequence[Window], width: int) -> Tensor:
        import torch

        rows = [[*window.targets, *[IGNORE] * (width - len(window.targets))] for window in windows]
        return torch.tensor(rows, dtype=torch.int64)

    def insert_tokens(self, window: Window, position: int, token_ids: Sequence[int]) -> Window:
        return replace(
            super().insert_tokens(window, position, token_ids),
            targets=[*window.targets[:position], *[IGNORE] * len(token_ids), *window.targets[position:]],
            units=[*window.units[:position], *[-1] * len(token_ids), *window.units[position:]],
        )
