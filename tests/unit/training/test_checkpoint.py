"""Checkpoints: whole or passed over, one per run, keyed by what the run reads."""

import json
import logging
import os
from pathlib import Path

import pytest
import torch

from satiety.training.checkpoint import MAX_FOLDERS, STATE, CheckpointStore, Snapshot, compute_key, open_store


@pytest.fixture
def saved(tmp_path: Path) -> CheckpointStore:
    run = CheckpointStore(tmp_path / "run", 1e9)
    run.save(Snapshot({"now:weight": torch.arange(1000.0)}, {"step": 7, "curve": [{"step": 7, "loss": 0.1}]}), 7)
    return run


def test_a_checkpoint_comes_back_as_it_was(saved: CheckpointStore) -> None:
    actual = saved.load()
    assert actual is not None
    assert torch.equal(actual.tensors["now:weight"], torch.arange(1000.0))
    assert actual.state["step"] == 7
    assert actual.state["curve"] == [{"step": 7, "loss": 0.1}]


def test_a_newer_checkpoint_takes_the_place_of_the_old_one(saved: CheckpointStore) -> None:
    saved.save(Snapshot({"now:weight": torch.zeros(2)}, {"step": 9}), 9)
    assert sorted(path.name for path in saved.folder.iterdir()) == ["9.safetensors", STATE]
    actual = saved.load()
    assert actual is not None
    assert actual.state["step"] == 9


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path / "nothing", 1.0).load() is None


@pytest.mark.parametrize(
    "kind", ["truncated", "flipped", "no tensors", "half a state", "another state", "flipped state"]
)
def test_a_broken_checkpoint_is_passed_over(
    saved: CheckpointStore, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    tensors, state = saved.folder / "7.safetensors", saved.folder / STATE
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
        assert saved.load() is None
    assert "damaged" in caplog.text


def test_it_is_time_for_one_when_the_seconds_are_over(tmp_path: Path) -> None:
    assert CheckpointStore(tmp_path / "a", 0).is_due
    assert not CheckpointStore(tmp_path / "b", 1e9).is_due


def test_a_cleared_store_leaves_nothing(saved: CheckpointStore) -> None:
    saved.clear()
    assert not saved.folder.exists()


def test_runs_that_nobody_came_back_to_go(tmp_path: Path) -> None:
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


def test_writing_checkpoints_takes_a_small_share_of_the_time(saved: CheckpointStore) -> None:
    slow = CheckpointStore(saved.folder, 1e-9)
    assert slow.is_due
    slow._save_seconds = 60.0
    assert not slow.is_due


def test_what_was_worked_out_once_is_not_worked_out_again(saved: CheckpointStore) -> None:
    assert saved.compute_once("head", lambda: {"strength": 0.1}) == {"strength": 0.1}
    assert saved.compute_once("head", lambda: {"strength": 9.9}) == {"strength": 0.1}
    whole = (saved.folder / "head.json").read_text()
    (saved.folder / "head.json").write_text(whole.replace("0.1", "0.3"))
    assert saved.compute_once("head", lambda: {"strength": 0.2}) == {"strength": 0.2}
    saved.save(Snapshot({"now:weight": torch.zeros(2)}, {"step": 9}), 9)
    assert saved.compute_once("head", lambda: {"strength": 9.9}) == {"strength": 0.2}
