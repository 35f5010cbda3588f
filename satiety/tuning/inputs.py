"""Examples -> windows with the model's prefix -> padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from satiety.core.errors import ModelError
from satiety.heads import HEADS, Head
from satiety.problems import Problem, Window

if TYPE_CHECKING:
    from satiety.core.records import Example


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors; ``tokens`` is that of the longest."""

    input_ids: torch.Tensor
    """Shape (windows, tokens), int64."""
    attention_mask: torch.Tensor
    """1 where there is a token, 0 where there is padding; shape (windows, tokens), int64."""
    targets: torch.Tensor
    """What outputs are held against; the head's."""
    token_type_ids: torch.Tensor | None = None
    """Which of two texts each token is of, shape (windows, tokens), int64; None where the encoder is not told."""

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        type_ids = None if self.token_type_ids is None else self.token_type_ids.to(device)
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.targets.to(device), type_ids)


def encode(
    problem: Problem, examples: Sequence[Example], tokenizer: Any, *, max_length: int, prefix: str
) -> list[Window]:
    """Encode by the problem; set the tokens of ``prefix`` before the text of every window, answering for nothing."""
    prefix_ids = tokenizer(prefix.strip(), add_special_tokens=False)["input_ids"] if prefix.strip() else []
    windows, head = problem.encode(examples, tokenizer, max_length - len(prefix_ids)), build_head(problem)
    if not prefix_ids:
        return windows
    leading_ids = tokenizer("", add_special_tokens=True)["input_ids"][:1]
    return [
        head.insert_tokens(window, int(bool(leading_ids) and window.input_ids[:1] == leading_ids), prefix_ids)
        for window in windows
    ]


def build_head(problem: Problem) -> Head:
    """Return the head that a problem stands on."""
    return HEADS[problem.head].model_validate(problem.head_params)


def select_labelled(windows: Sequence[Window], problem: Problem) -> list[Window]:
    """Return the windows that have a target; the others teach nothing.

    Raises:
        ModelError: none has one, or a target can be none of the problem's.
    """
    head = build_head(problem)
    for window in windows:
        head.check(window, problem)
    labelled = [window for window in windows if head.has_target(window)]
    if not labelled:
        raise ModelError(
            f"none of the {len(windows)} training windows has a label of the problem: nothing can be learned"
        )
    return labelled


def collate(windows: Sequence[Window], pad: int, head: Head) -> Batch:
    """Pad windows to the length of the longest; padding is masked, and answers for nothing."""
    width = max(len(window.input_ids) for window in windows)
    input_ids = torch.full((len(windows), width), pad, dtype=torch.int64)
    mask = torch.zeros((len(windows), width), dtype=torch.int64)
    for row, window in enumerate(windows):
        input_ids[row, : len(window.input_ids)] = torch.tensor(window.input_ids)
        mask[row, : len(window.input_ids)] = 1
    rows = [[*window.token_type_ids, *[0] * (width - len(window.token_type_ids))] for window in windows]
    type_ids = torch.tensor(rows, dtype=torch.int64) if any(window.token_type_ids for window in windows) else None
    return Batch(input_ids, mask, head.targets(windows, width), type_ids)
