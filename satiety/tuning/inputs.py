"""Examples -> windows with the model's prefix -> padded tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from satiety.errors import ModelError
from satiety.problems import IGNORE, Problem, Window

if TYPE_CHECKING:
    from satiety.records import Example


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows as tensors; ``tokens`` is that of the longest."""

    input_ids: torch.Tensor
    """Shape (windows, tokens), int64."""
    attention_mask: torch.Tensor
    """1 where there is a token, 0 where there is padding; shape (windows, tokens), int64."""
    targets: torch.Tensor
    """Class indices, or IGNORE: shape (windows,) for a head over texts, (windows, tokens) for one over tokens."""

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device."""
        return Batch(self.input_ids.to(device), self.attention_mask.to(device), self.targets.to(device))


def encode(
    problem: Problem, examples: Sequence[Example], tokenizer: Any, *, max_length: int, prefix: str
) -> list[Window]:
    """Encode by the problem; set the tokens of ``prefix`` before the text of every window, answering for nothing."""
    marks = tokenizer(prefix.strip(), add_special_tokens=False)["input_ids"] if prefix.strip() else []
    found = problem.encode(examples, tokenizer, max_length - len(marks))
    first = tokenizer("", add_special_tokens=True)["input_ids"][:1]
    return [_prefixed(window, marks, first, tokens=problem.head == "token") for window in found] if marks else found


def _prefixed(window: Window, marks: list[int], first: list[int], *, tokens: bool) -> Window:
    at = 1 if first and window.input_ids[:1] == first else 0
    longer = replace(window, input_ids=[*window.input_ids[:at], *marks, *window.input_ids[at:]])
    if not tokens:
        return longer
    return replace(
        longer,
        targets=[*window.targets[:at], *[IGNORE] * len(marks), *window.targets[at:]],
        units=[*window.units[:at], *[-1] * len(marks), *window.units[at:]],
    )


def teachable(windows: Sequence[Window], problem: Problem) -> list[Window]:
    """Return the windows that have a target; the others teach nothing.

    Raises:
        ModelError: none has one, or a target is no class of the problem.
    """
    count = len(problem.classes)
    for window in windows:
        if wrong := [target for target in window.targets if target != IGNORE and not 0 <= target < count]:
            raise ModelError(
                f"label id {wrong[0]} is out of range: {problem.kind} has {count} classes, 0 to {count - 1}"
            )
    found = [window for window in windows if any(target != IGNORE for target in window.targets)]
    if not found:
        raise ModelError(
            f"none of the {len(windows)} training windows has a label of the problem: nothing can be learned"
        )
    return found


def collate(windows: Sequence[Window], pad: int) -> Batch:
    """Pad windows to the length of the longest; padding is masked, and answers for nothing."""
    width = max(len(window.input_ids) for window in windows)
    input_ids = torch.full((len(windows), width), pad, dtype=torch.int64)
    mask = torch.zeros((len(windows), width), dtype=torch.int64)
    over_tokens = any(len(window.targets) != 1 or window.units for window in windows)
    targets = torch.full((len(windows), width if over_tokens else 1), IGNORE, dtype=torch.int64)
    for row, window in enumerate(windows):
        input_ids[row, : len(window.input_ids)] = torch.tensor(window.input_ids)
        mask[row, : len(window.input_ids)] = 1
        targets[row, : len(window.targets)] = torch.tensor(window.targets)
    return Batch(input_ids, mask, targets if over_tokens else targets.squeeze(1))
