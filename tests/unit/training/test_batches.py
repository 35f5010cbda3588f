"""Batches have every example once, similar lengths together, and are reproducible."""

from hypothesis import given
from hypothesis import strategies as st

from satiety.training.batches import group_by_length, shuffle_batches

lengths = st.lists(st.integers(1, 500), min_size=1, max_size=200)


@given(lengths=lengths, size=st.integers(1, 32), seed=st.integers(0, 2**31), epoch=st.integers(0, 50))
def test_an_epoch_has_every_example_once_and_is_reproducible(
    lengths: list[int], size: int, seed: int, epoch: int
) -> None:
    batches = shuffle_batches(lengths, size, seed=seed, epoch=epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size for batch in batches)
    assert len(batches) == -(-len(lengths) // size)
    assert batches == shuffle_batches(lengths, size, seed=seed, epoch=epoch)


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(1, 101))
    first = shuffle_batches(lengths, 8, seed=1, epoch=0)
    assert first != shuffle_batches(lengths, 8, seed=1, epoch=1)
    assert first != shuffle_batches(lengths, 8, seed=2, epoch=0)


def test_batches_of_like_length_hold_less_padding_than_shuffled_ones() -> None:
    lengths = [5 + 95 * (i % 2) for i in range(256)]
    batches = shuffle_batches(lengths, 16, seed=1, epoch=0)
    assert sum(len(b) * max(lengths[i] for i in b) for b in batches) < 1.1 * sum(lengths)


@given(lengths=lengths, tokens=st.integers(1, 4000))
def test_batches_for_prediction_have_every_example_once_within_the_token_limit(lengths: list[int], tokens: int) -> None:
    batches = group_by_length(lengths, tokens)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(len(b) * max(lengths[i] for i in b) <= tokens for b in batches if len(b) > 1)
