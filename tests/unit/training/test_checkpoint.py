"""Checkpoints are whole or ignored, one per run, with a key of all that the run reads."""

import json
import logging
import os
from pathlib import Path

import pytest
import torch

from satiety.training.checkpoint import MAX_FOLDERS, STATE, CheckpointStore, Snapshot, compute_key, open_store


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    run = CheckpointStore(tmp_path / "run", 1e9)
    run.save(Snapshot({"now:weight": torch.arange(1000.0)}, {"step": 7, "curve": [{"step": 7, "loss": 0.1}]}), 7)
    return run


def test_a_loaded_checkpoint_equals_the_saved_one(store: CheckpointStore) -> None:
    actual = store.load()
    assert actual is not None
    assert torch.equal(actual.tensors["now:weight"], torch.arange(1000.0))
    assert actual.state["step"] == 7
    assert actual.state["curve"] == [{"step": 7, "loss": 0.1}]


def test_a_newer_checkpoint_takes_the_place_of_the_old_one(store: CheckpointStore) -> None:
    store.save(Snapshot({"now:weight": torch.zeros(2)}, {"step": 9}), 9)
    assert sorted(path.name for path in store.folder.iterdir()) == ["9.safetensors", STATE]
    actual = store.load()
    assert actual is not None
    assert actual.state["step"] == 9


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path / "nothing", 1.0).load() is None


@pytest.mark.parametrize(
    "kind", ["truncated", "flipped", "no tensors", "half a state", "another state", "flipped state"]
)
def test_a_damaged_checkpoint_is_ignored(store: CheckpointStore, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    tensors, state = store.folder / "7.safetensors", store.folder / STATE
    whole = tensors.read_bytes()
    match kind:
        case "truncated":
            tensors.write_bytes(whole[: len(whole) // 2])
        case "flipped":
            tensors.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
        case "no tensors":
            tensors.unlink()
        case "half a state":
            state.write_text(state.read_text()[:-10])
        case "another state":
            state.write_text(json.dumps({"step": 7}))
        case "flipped state":
            state.write_text(state.read_text().replace('"step": 7', '"step": 5'))
    with caplog.at_level(logging.WARNING):
        assert store.load() is None
    assert "damaged" in caplog.text


def test_a_checkpoint_is_due_after_its_interval(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path / "a", 0).is_due
    assert not CheckpointStore(tmp_path / "b", 1e9).is_due


def test_a_cleared_store_leaves_nothing(store: CheckpointStore) -> None:
    store.clear()
    assert not store.folder.exists()


def test_folders_of_abandoned_runs_are_deleted(tmp_path: Path) -> None:
    for i in range(6):
        (tmp_path / f"old{i}").mkdir()
        os.utime(tmp_path / f"old{i}", (i, i))
    open_store(tmp_path, "new", 1.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"old{i}" for i in range(6 - MAX_FOLDERS, 6)]


def test_the_key_changes_with_params_files_and_folders(tmp_path: Path) -> None:
    file, folder = tmp_path / "train", tmp_path / "base"
    file.write_text("a")
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    keys = [compute_key("{}", file, folder), compute_key("{'seed': 2}", file, folder)]
    file.write_text("b")
    keys.append(compute_key("{}", file, folder))
    (folder / "config.json").write_text("[]")
    keys.append(compute_key("{}", file, folder))
    assert len(set(keys)) == 4
    assert keys[-1] == compute_key("{}", file, folder)


def test_writing_checkpoints_takes_a_small_share_of_the_time(store: CheckpointStore) -> None:
    slow = CheckpointStore(store.folder, 1e-9)
    assert slow.is_due
    slow._save_seconds = 60.0
    assert not slow.is_due


def test_compute_once_does_not_repeat_a_stored_computation(store: CheckpointStore) -> None:
    assert store.compute_once("head", lambda: {"strength": 0.1}) == {"strength": 0.1}
    assert store.compute_once("head", lambda: {"strength": 9.9}) == {"strength": 0.1}
    whole = (store.folder / "head.json").read_text()
    (store.folder / "head.json").write_text(whole.replace("0.1", "0.3"))
    assert store.compute_once("head", lambda: {"strength": 0.2}) == {"strength": 0.2}
    store.save(Snapshot({"now:weight": torch.zeros(2)}, {"step": 9}), 9)
    assert store.compute_once("head", lambda: {"strength": 9.9}) == {"strength": 0.2}
