"""A flipped byte is found wherever it is: in an artefact, in the cache, in a lock file."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from cli.verify import verify_all
from satiety.core.errors import DataError, SetupError
from satiety.core.files import manifest
from satiety.package.contents import manifest_text


def hash_md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def write_cached(root: Path, content: bytes, suffix: str = "") -> Path:
    name = hash_md5(content)
    path = root / ".dvc/cache/files/md5" / name[:2] / (name[2:] + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one file and one folder under DVC, both cached."""
    (tmp_path / "models/tuned").mkdir(parents=True)
    files = {"a.txt": b"one", "b/中.txt": "二".encode()}
    for name, content in files.items():
        path = tmp_path / "models/tuned" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        write_cached(tmp_path, content)
    listing = json.dumps(
        [{"md5": hash_md5(content), "relpath": name} for name, content in files.items()], sort_keys=True
    )
    write_cached(tmp_path, listing.encode(), ".dir")
    (tmp_path / "data.csv").write_bytes(b"text,label\n")
    write_cached(tmp_path, b"text,label\n")
    outs = [
        {"path": "models/tuned", "hash": "md5", "md5": hash_md5(listing.encode()) + ".dir"},
        {"path": "data.csv", "hash": "md5", "md5": hash_md5(b"text,label\n")},
    ]
    (tmp_path / "dvc.lock").write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"ingest": {"cmd": "x", "outs": outs}}})
    )
    return tmp_path


def test_intact_project_is_reported(root: Path) -> None:
    assert verify_all(root) == "intact: 2 artifacts, 4 cached objects, 0 packages, 0 registered"


def test_project_that_never_ran_is_intact(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    assert verify_all(tmp_path) == "intact: 0 artifacts, 0 cached objects, 0 packages, 0 registered"


def test_folder_outside_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text("stages: [")
    with pytest.raises(SetupError, match=f"{tmp_path}: not in a project"):
        verify_all(tmp_path)


@pytest.mark.parametrize("name", ["data.csv", "models/tuned/b/中.txt"])
def test_a_changed_artefact_is_named_with_what_to_do(root: Path, name: str) -> None:
    (root / name).write_bytes(b"flipped")
    path = "models/tuned" if name.startswith("models") else name
    changed_file = "b/中.txt " if name.startswith("models") else ""
    expected = (
        rf"1 damaged:\n{path}: {changed_file}differs from dvc\.lock; remove {path}, then run `dvc checkout {path}`"
    )
    with pytest.raises(DataError, match=expected):
        verify_all(root)


def test_a_missing_and_an_added_file_are_named(root: Path) -> None:
    (root / "data.csv").unlink()
    (root / "models/tuned/extra.txt").write_text("")
    with pytest.raises(DataError, match=r"2 damaged:") as caught:
        verify_all(root)
    assert "data.csv: missing; `dvc checkout data.csv`" in str(caught.value)
    assert "models/tuned: extra.txt differs from dvc.lock" in str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".dir"])
def test_a_changed_cached_object_is_named(root: Path, suffix: str) -> None:
    path = next(p for p in sorted((root / ".dvc/cache").rglob("*")) if p.is_file() and p.suffix == suffix)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match=f"{path.name}: does not match its checksum; remove it, then `dvc commit"):
        verify_all(root)


def test_a_broken_lock_is_named(root: Path) -> None:
    (root / "dvc.lock").write_text("stages: [\n")
    with pytest.raises(DataError, match=r"dvc\.lock: invalid \(.*\); `git checkout .*`, or remove it"):
        verify_all(root)
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    with pytest.raises(DataError, match=r"dvc\.lock: invalid"):
        verify_all(root)


def test_a_workspace_is_checked_too(root: Path) -> None:
    workspace = root / "examples" / "mine"
    workspace.mkdir(parents=True)
    outs = [{"path": "x.csv", "hash": "md5", "md5": hash_md5(b"x")}]
    (workspace / "dvc.lock").write_text(yaml.safe_dump({"stages": {"ingest": {"outs": outs}}}))
    (workspace / "x.csv").write_bytes(b"y")
    with pytest.raises(DataError, match=r"examples/mine/x\.csv: differs from examples/mine/dvc\.lock"):
        verify_all(root)


def test_a_package_with_a_changed_byte_is_named(root: Path) -> None:
    package = root / "models/package"
    package.mkdir()
    (package / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"models/package: .*; remove the folder, then `dvc checkout models/package`"):
        verify_all(root)


def test_a_copy_in_the_registry_is_checked_too(root: Path) -> None:
    copy = root / "mlartifacts/1/models/m-0/artifacts/data/package"
    (copy / "model").mkdir(parents=True)
    (copy / "model/head.safetensors").write_bytes(b"12345678{}")
    (copy / "manifest.json").write_text(manifest_text(manifest(copy)))
    assert verify_all(root).endswith("0 packages, 1 registered")
    (copy / "model/head.safetensors").write_bytes(b"12345678{]")
    with pytest.raises(DataError, match=r"mlartifacts/.*head\.safetensors: sha256 is .*; the registry's copy"):
        verify_all(root)


def test_a_package_of_an_earlier_version_is_named_and_a_copy_of_one_in_the_registry_is_whole(root: Path) -> None:
    package, copy = root / "models/package", root / "mlartifacts/1/models/m-0/artifacts/data/package"
    (copy / "model").mkdir(parents=True)
    (copy / "model/tuned.json").write_text('{"version": 1}')
    (copy / "manifest.json").write_text(manifest_text(manifest(copy)))
    assert verify_all(root).endswith("0 packages, 1 registered")
    shutil.copytree(copy, package)
    with pytest.raises(DataError, match=r"\nmodels/package/model/tuned\.json: made by an earlier version of satiety"):
        verify_all(root)
