"""Masks of masked language modelling."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from satiety.levers.pretrain.masked.masks import find_word_starts, mask_tokens
from satiety.problems import IGNORE
from satiety.training.encoder import load_tokenizer

MASK, WORDS = 4, 100


@given(
    lengths=st.lists(st.lists(st.integers(1, 4), min_size=0, max_size=8), min_size=1, max_size=5),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**31),
)
def test_words_are_chosen_whole_and_special_tokens_never(lengths: list[list[int]], share: float, seed: int) -> None:
    rows = [[-1, *[w for w, pieces in enumerate(row) for _ in range(pieces)], -1] for row in lengths]
    width = max(map(len, rows))
    words = torch.tensor([row + [-1] * (width - len(row)) for row in rows])
    ids = torch.randint(5, WORDS, words.shape, generator=torch.Generator().manual_seed(1))
    draw = torch.Generator().manual_seed(seed)
    masked, targets = mask_tokens(ids, words, share=share, mask_id=MASK, vocabulary=WORDS, rng=draw)
    is_target = targets != IGNORE
    assert not is_target[words < 0].any()
    assert torch.equal(targets[is_target], ids[is_target])
    assert torch.equal(masked[~is_target], ids[~is_target])
    for row, numbers in zip(is_target, words, strict=True):
        for word in set(numbers[numbers >= 0].tolist()):
            assert row[numbers == word].all() or not row[numbers == word].any()
        assert row.any() == (numbers >= 0).any()


def test_of_the_chosen_tokens_four_fifths_are_masked_and_a_tenth_replaced() -> None:
    words = torch.arange(200).repeat(200, 1)
    ids = torch.randint(5, 30_000, words.shape, generator=torch.Generator().manual_seed(1))
    draw = torch.Generator().manual_seed(2)
    masked, targets = mask_tokens(ids, words, share=0.15, mask_id=MASK, vocabulary=30_000, rng=draw)
    is_target = targets != IGNORE
    assert is_target.float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (masked[is_target] == MASK).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert (masked[is_target] == ids[is_target]).float().mean().item() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the films 我爱", [True, True, True, False, True, True, True]), ("xy z", [True, True, False, True, True])],
)
def test_word_starts_of_wordpiece_are_the_pieces_without_a_continuation_mark(
    text: str, expected: list[bool], tiny: Path
) -> None:
    tokenizer = load_tokenizer(tiny)
    assert find_word_starts(tokenizer, tokenizer(text)["input_ids"]) == expected


def test_word_starts_of_other_tokenizers_are_the_pieces_with_a_start_mark() -> None:
    class Pieces:
        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return [["<s>", "▁the", "▁fil", "ms", "。"][i] for i in ids]

    assert find_word_starts(Pieces(), [0, 1, 2, 3, 4]) == [False, True, True, False, False]
