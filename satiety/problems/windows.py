"""Windows: what a model reads of an example, and what it writes to one; a long text is read in several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems.base import Problem

IGNORE = -100
"""A target that the loss and the metrics pass over."""


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the model: an example, or a part of one that fits."""

    example: int
    """Index of the example in the sequence that was encoded."""
    input_ids: list[int]
    """Token ids, special tokens included; shape (tokens,)."""
    targets: list[int] | list[float]
    """What the head is to answer; its head knows how. Class indices: one, or one per token, or IGNORE; or the tokens of
    a text."""
    units: list[int] = field(default_factory=list)
    """For a head over tokens: per token the index of the text's unit it answers for, or -1."""
    token_type_ids: list[int] = field(default_factory=list)
    """Which of two texts each token is of, 0 or 1; empty where there is one."""


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """What a model wrote to a window."""

    text: str
    confidence: float
    """Geometric mean of the probabilities of its tokens, the end's among them, in [0, 1]."""
    loss: float = 0.0
    """Of the window's targets, had it written these: the sum of their −log probability, in nats; 0 without targets."""


def text_windows(problem: Problem, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
    """Return the windows of examples of one or two texts, in order of example, without targets.

    A long text is read in several windows. Of two, the second is: each of its windows follows the first text, which is
    cut where it would take more than half of the room.
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
    """Yield which text each token is of; a special token is of the one before it (Devlin et al. 2019, figure 2)."""
    text = 0
    for sequence in sequences:
        text = text if sequence is None else sequence
        yield text
