"""An opened package is one consistent copy, even if another process replaces its folder."""

import errno
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from satiety import package
from satiety.core.errors import ModelError, SatietyError, SetupError
from satiety.package import load
from tests.packaging import TEXTS, Workspace

OPENS = 150
TEXT = "good good good"
SECONDS = 12
"""Time after which fewer opens are enough, on a slow machine."""
SWAPS = """
import sys, time
from itertools import cycle
from pathlib import Path

place = Path(sys.argv[1])
for package in cycle(map(Path, sys.argv[3:])):
    package.rename(place)
    time.sleep(float(sys.argv[2]))
    place.rename(package)
"""
"""Moves one of two packages to the place, then the other, endlessly."""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for private copies."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_snapshot_stays_unchanged_and_is_deleted_with_its_last_reference(copy: Path, scratch: Path) -> None:
    snapshot = package.snapshot(copy, "cpu")
    expected = package.inspect(copy, "cpu").predict(TEXTS)
    shutil.rmtree(copy)
    assert snapshot.predict(TEXTS) == expected
    assert (snapshot.source, len(snapshot.read_predictions()), snapshot.facts().name) == (copy, 20, "made-up")
    (private,) = scratch.iterdir()
    assert private.stat().st_mode & 0o077 == 0
    del snapshot
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_an_open_package_keeps_no_second_copy_of_the_weights_on_disk(copy: Path, scratch: Path) -> None:
    model_package = package.open(copy, "cpu")
    assert {path.suffix for path in scratch.rglob("*") if path.is_file()} == {".json", ".parquet", ".md"}
    assert model_package.predict(TEXTS)
    assert model_package.scores()["examples"] == 20


def test_a_process_that_ends_leaves_no_copy_behind(copy: Path, scratch: Path) -> None:
    script = "import sys; from pathlib import Path; from satiety import package\n"
    script += "opened = package.snapshot(Path(sys.argv[1]), 'cpu'); sys.exit(3)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path)), "TMPDIR": str(scratch)}
    process = subprocess.run([sys.executable, "-c", script, str(copy)], env=environment, check=False)
    assert (process.returncode, list(scratch.iterdir())) == (3, [])


def test_messages_name_the_folder_that_was_opened(copy: Path, scratch: Path) -> None:
    from satiety.core.files import manifest
    from satiety.package.contents import manifest_text

    (copy / "model/config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    with pytest.raises(ModelError, match=rf"^{copy}/model/config\.json: sha256 is"):
        package.open(copy, "cpu")
    files = {name: value for name, value in manifest(copy).items() if name != "manifest.json"}
    (copy / "manifest.json").write_text(manifest_text(files))
    with pytest.raises(ModelError, match=rf"^{copy}/model: "):
        package.open(copy, "cpu")
    gc.collect()
    assert list(scratch.iterdir()) == []


def test_a_file_that_is_not_allowed_in_a_package_is_not_copied(copy: Path, scratch: Path) -> None:
    os.mkfifo(copy / "pipe.json")
    (copy / "model/code.py").write_text("boom()")
    with pytest.raises(ModelError, match=r"pipe\.json: not a regular file"):
        package.snapshot(copy, "cpu")
    assert list(scratch.iterdir()) == []


def test_a_file_that_cannot_be_read_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(ModelError, match=r"README\.md: cannot be read: Permission denied"):
        package.snapshot(copy, "cpu")


def test_a_full_disk_is_one_message(copy: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(
        SetupError, match="cannot write: No space left on device; set TMPDIR to a folder with enough space"
    ):
        package.snapshot(copy, "cpu")
    assert list(scratch.iterdir()) == []


def test_a_package_that_is_restored_between_attempts_is_opened(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden_folder = copy.with_name("aside")
    copy.rename(hidden_folder)
    monkeypatch.setattr(
        load.time, "sleep", lambda seconds: hidden_folder.rename(copy) if seconds and hidden_folder.exists() else None
    )
    assert package.snapshot(copy, "cpu").source == copy


@pytest.fixture
def two_packages(tiny: Path, tmp_path: Path) -> dict[Path, tuple[str, str | None]]:
    """Return two packages whose models answer differently, each with its digest and its answer to one text."""
    answers = {}
    for seed, accuracy in ((1, 0.01), (2, 0.99)):
        workspace = Workspace(tmp_path / f"work{seed}", tiny)
        workspace.fill(seed=seed, after=accuracy, count=20)
        model_package = package.inspect(workspace.package(tmp_path / f"package{seed}"), "cpu")
        answers[model_package.folder] = model_package.digest, model_package.predict([TEXT])[0].answer
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_while_two_packages_are_swapped_every_answer_belongs_to_its_digest(
    two_packages: dict[Path, tuple[str, str | None]], tmp_path: Path, seconds: float
) -> None:
    place, answers, errors = tmp_path / "place", list[tuple[str, str | None]](), list[str]()
    command = [sys.executable, "-c", SWAPS, str(place), str(seconds), *map(str, two_packages)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as swapper:
        deadline = time.monotonic() + SECONDS
        try:
            while len(answers) < OPENS and time.monotonic() < deadline:
                try:
                    model = package.open(place, "cpu")
                except SatietyError as error:
                    errors.append(str(error))
                else:
                    answers.append((model.digest, model.predict([TEXT])[0].answer))
            assert swapper.poll() is None, swapper.stderr and swapper.stderr.read()
        finally:
            swapper.kill()
    assert set(answers) <= set(two_packages.values())
    assert all(line.startswith(str(place)) for line in errors)
    if seconds:
        assert set(answers) == set(two_packages.values())
