"""Examples -> windows that begin with the model's prefix -> padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from satiety.core.errors import ModelError
from satiety.heads import HEADS, Head
from satiety.problems import Problem, Window
from satiety.training.batches import pad_rows

if TYPE_CHECKING:
    from satiety.core.records import Example


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors, padded to the number of tokens of the longest."""

    input_ids: torch.Tensor
    """Shape (windows, tokens), int64."""
    attention_mask: torch.Tensor
    """1 where there is a token, 0 where there is padding; shape (windows, tokens), int64."""
    targets: torch.Tensor
    """Targets of the loss, in the head's format."""
    token_type_ids: torch.Tensor | None = None
    """0 for tokens of the first text, 1 for the second; shape (windows, tokens), int64. None for problems of one
    text."""

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        type_ids = None if self.token_type_ids is None else self.token_type_ids.to(device)
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.targets.to(device), type_ids)


def encode(
    problem: Problem, examples: Sequence[Example], tokenizer: Any, *, max_length: int, prefix: str
) -> list[Window]:
    """Return the problem's windows with the tokens of ``prefix`` before each text; these tokens have no target."""
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
    """Return the head that a problem uses."""
    return HEADS[problem.head].model_validate(problem.head_params)


def select_labelled(windows: Sequence[Window], problem: Problem) -> list[Window]:
    """Return the windows that have a target.

    Raises:
        ModelError: no window has a target, or a target is not valid for the problem.
    """
    head = build_head(problem)
    for window in windows:
        head.check(window, problem)
    labelled = [window for window in windows if head.has_target(window)]
    if not labelled:
        raise ModelError(
            f"finetune: none of the {len(windows)} training windows has a label of the problem {problem.kind!r}: "
            "check the label column and `ingest.problem.labels`"
        )
    return labelled


def collate(windows: Sequence[Window], pad: int, head: Head, length: int = 0) -> Batch:
    """Pad windows to the longest or to ``length``, if that is longer; padding is masked and has no target."""
    input_ids, mask = pad_rows([window.input_ids for window in windows], pad, length)
    type_ids = None
    if any(window.token_type_ids for window in windows):
        rows = [window.token_type_ids or [0] * len(window.input_ids) for window in windows]
        type_ids, _ = pad_rows(rows, 0, length)
    return Batch(input_ids, mask, head.targets(windows, input_ids.shape[1]), type_ids)
