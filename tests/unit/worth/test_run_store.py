"""Outcomes on disk: they are read back to the last bit, and damaged ones count as missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from satiety.worth.run_store import Outcome, RunStore

KEY = "ab" + 62 * "0"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.mark.parametrize("highest", [1.0, 255.0, 256.0, 0.5, 1e6, -1.0])
def test_stored_outcome_is_read_back(store: RunStore, highest: float) -> None:
    tallies = np.arange(12, dtype=float).reshape(4, 3) % 3
    tallies[2, 1] = highest
    store.put(KEY, Outcome(tallies, 1.25, is_zero_shot=True, num_rejected=3, num_examples=40))
    outcome = store.get(KEY)
    assert outcome is not None
    np.testing.assert_array_equal(outcome.tallies, tallies)
    assert outcome.tallies.dtype == np.float64
    assert (outcome.seconds, outcome.is_zero_shot, outcome.num_rejected, outcome.num_examples) == (1.25, True, 3, 40)


def test_a_whole_small_count_takes_one_byte(store: RunStore) -> None:
    store.put(KEY, Outcome(np.ones((2000, 9)), 0.1))
    (file,) = store.folder.rglob("*.safetensors")
    assert file.stat().st_size < 20_000


@pytest.mark.parametrize("damage", ["cut off", "empty", "noise", "other tensors", "gone", "one bit"])
def test_damaged_outcome_counts_as_missing_and_can_be_stored_again(store: RunStore, damage: str) -> None:
    from safetensors.numpy import save_file

    outcome = Outcome(np.ones((4, 3)), 0.1)
    store.put(KEY, outcome)
    (file,) = store.folder.rglob("*.safetensors")
    content = file.read_bytes()
    damages: dict[str, Callable[[], object]] = {
        "cut off": lambda: file.write_bytes(content[: len(content) // 2]),
        "empty": lambda: file.write_bytes(b""),
        "noise": lambda: file.write_bytes(bytes(range(256))),
        "other tensors": lambda: save_file({"facts": np.zeros(7)}, file),
        "gone": file.unlink,
        "one bit": lambda: file.write_bytes(content[:-1] + bytes([content[-1] ^ 1])),
    }
    damages[damage]()
    assert store.get(KEY) is None
    store.put(KEY, outcome)
    assert store.get(KEY) is not None
    assert [path.name for path in file.parent.iterdir()] == [file.name]
