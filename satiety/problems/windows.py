"""Windows: the inputs of a model. A long text is split into several windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.core.records import Example
    from satiety.problems.base import Floats, Problem

IGNORE = -100
"""Target value that loss and metrics ignore."""


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the model: an example, or a part of a long one."""

    example: int
    """Index of the example in the sequence that was encoded."""
    input_ids: list[int]
    """Token ids, special tokens included; shape (tokens,)."""
    targets: list[int] | list[float]
    """Targets in the head's format: one class index, one per token (or IGNORE), numbers, or the tokens of a text."""
    units: list[int] = field(default_factory=list)
    """For heads over tokens: the text unit whose output each token gives, or -1."""
    token_type_ids: list[int] = field(default_factory=list)
    """0 for tokens of the first text, 1 for the second; empty for problems of one text."""


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """The text that a model generated for a window."""

    text: str
    confidence: float
    """Geometric mean of the token probabilities, including the end token, in [0, 1]."""
    loss: float = 0.0
    """Negative log-likelihood of the window's targets, in nats; 0 without targets."""


def average_windows(windows: Sequence[Window], rows: Sequence[Floats], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the mean row of each example's windows, of ``shape`` (examples, outputs); 0 without windows."""
    sums, counts = np.zeros(shape), np.zeros((shape[0], 1))
    for window, row in zip(windows, rows, strict=True):
        sums[window.example] += row
        counts[window.example] += 1
    return sums / np.maximum(counts, 1)


def text_windows(problem: Problem, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
    """Return the windows of examples of one or two texts, in order of example, without targets.

    Of a pair, the second text is split into windows. The first text is in each of them, truncated to half of the
    tokens.
    """
    if not examples:
        return []
    first, *second = ([str(example.inputs[name]) for example in examples] for name in problem.inputs)
    if not second:
        encoded = tokenizer(first, truncation=True, max_length=max_length, return_overflowing_tokens=True)
    else:
        half = (max_length - tokenizer.num_special_tokens_to_add(pair=True)) // 2
        ids = tokenizer(first, add_special_tokens=False, truncation=True, max_length=half, return_offsets_mapping=True)
        truncated = [
            text[: spans[-1][1]] if spans else "" for text, spans in zip(first, ids["offset_mapping"], strict=True)
        ]
        options = {"truncation": "only_second", "max_length": max_length, "return_overflowing_tokens": True}
        encoded = tokenizer(truncated, second[0], **options)
    rows = zip(encoded["overflow_to_sample_mapping"], encoded["input_ids"], strict=True)
    types = [list(_token_types(encoded.sequence_ids(i))) if second else [] for i in range(len(encoded["input_ids"]))]
    return [Window(owner, ids, [], token_type_ids=kinds) for (owner, ids), kinds in zip(rows, types, strict=True)]


def _token_types(sequences: Sequence[int | None]) -> Iterator[int]:
    """Yield the text of each token, 0 or 1; special tokens belong to the text before (Devlin et al. 2019, figure 2)."""
    text = 0
    for sequence in sequences:
        text = text if sequence is None else sequence
        yield text
