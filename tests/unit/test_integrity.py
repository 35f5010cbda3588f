"""Files under DVC are hashed before use: a changed byte is named with its repair; nothing else is refused."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.errors import DataError
from satiety.core.section import Section
from tasks import integrity
from tasks.integrity import check_hashes, file_md5, folder_md5, read_locked_outputs
from tasks.stage import OutputPath, Report, stage

CACHE = Path(".dvc/cache/files/md5")
MODEL = {"config.json": b"{}", "sub/中.txt": "二".encode()}
TABLE = b"text,label\n"


class Reads(Section):
    """Params of the made-up stage."""


@stage
def reading(table: Path, model: Path, out: OutputPath, *, params: Reads, report: Report) -> None:
    """Read two, write one."""
    out.write_bytes(table.read_bytes())


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def cache_object(content: bytes, suffix: str = "") -> str:
    """Put an object into the cache, read-only as DVC does; return its name."""
    name = md5(content) + suffix
    path = CACHE / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return name


def make_entry(path: str, name: str) -> dict[str, Any]:
    return {"path": path, "hash": "md5", "md5": name, "size": 1}


def write_lock(*outs: dict[str, Any], **stages: Any) -> None:
    """Write a dvc.lock with these outputs."""
    block = {"cmd": "x", "params": {"params.yaml": {"a": "on"}}, "outs": list(outs)}
    text = yaml.safe_dump({"schema": "2.0", "stages": {"make": block, **stages}}, sort_keys=False)
    Path("dvc.lock").write_text(text, encoding="utf-8")


def flip(path: Path, index: int = -1) -> None:
    """Change a byte as a failing disk does: time and permissions stay."""
    content, stamp = bytearray(path.read_bytes()), path.stat()
    content[index] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stamp.st_mode)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with an unchanged table, model and report under DVC."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(integrity, "PAUSE", 0.01)
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("[core]\n    no_scm = true\n")
    for name, content in {"data/table.csv": TABLE, "reports/make.json": b"{}"}.items():
        Path(name).parent.mkdir()
        Path(name).write_bytes(content)
    for name, content in MODEL.items():
        path = Path("models/tuned", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        cache_object(content)
    cache_object(TABLE)
    listing = json.dumps([{"md5": md5(content), "relpath": name} for name, content in MODEL.items()], sort_keys=True)
    write_lock(
        make_entry("data/table.csv", md5(TABLE)),
        make_entry("models/tuned", cache_object(listing.encode(), ".dir")),
        make_entry("reports/make.json", md5(b"{}")),
    )
    metrics = [{"reports/make.json": {"cache": False}}]
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": {"outs": ["data/table.csv"], "metrics": metrics}}}))
    Path("params.yaml").write_text("reads: {}\n")
    return tmp_path


def read_error(*paths: str) -> str:
    with pytest.raises(DataError) as caught:
        check_hashes(map(Path, paths))
    return str(caught.value)


ALL = ("data/table.csv", "models/tuned", "reports/make.json")


def test_unchanged_and_untracked_paths_pass(folder: Path) -> None:
    Path("elsewhere.csv").write_text("x")
    check_hashes(map(Path, (*ALL, "elsewhere.csv", "not/there", "data", "models/tuned/config.json")))
    check_hashes([folder / "models/tuned"])


def test_without_a_lock_nothing_is_checked(folder: Path) -> None:
    Path("dvc.lock").unlink()
    flip(Path("data/table.csv"))
    check_hashes(map(Path, ALL))


def test_a_stage_refuses_damaged_inputs(folder: Path) -> None:
    paths = {"table": Path("data/table.csv"), "model": Path("models/tuned"), "out": Path("out.csv")}
    reading.run(**paths)
    flip(Path("models/tuned/config.json"))
    Path("out.csv").unlink()
    with pytest.raises(DataError, match=r"models/tuned: config\.json differs from dvc\.lock"):
        reading.run(**paths)
    assert not Path("out.csv").exists()


def test_a_stage_does_not_check_its_outputs(folder: Path) -> None:
    flip(Path("reports/make.json"))
    reading.run(table=Path("data/table.csv"), model=Path("models/tuned"), out=Path("reports/make.json"))


def test_all_damaged_paths_are_named_at_once_with_their_repair(folder: Path) -> None:
    for path in ("data/table.csv", "models/tuned/sub/中.txt", "reports/make.json"):
        flip(Path(path))
    assert read_error(*ALL).splitlines() == [
        "data/table.csv: differs from dvc.lock; remove data/table.csv, then run `dvc checkout data/table.csv`",
        "models/tuned: sub/中.txt differs from dvc.lock; remove models/tuned, then run `dvc checkout models/tuned`",
        "reports/make.json: differs from dvc.lock; remove reports/make.json, then run `dvc repro make`, "
        "or `dvc pull reports/make.json` from a remote",
    ]


def test_a_damaged_copy_in_the_cache_must_be_removed_first(folder: Path) -> None:
    name = md5(MODEL["config.json"])
    flip(Path("models/tuned/config.json"))
    flip(CACHE / name[:2] / name[2:])
    assert read_error("models/tuned") == (
        "models/tuned: config.json differs from dvc.lock, and DVC's cached copy is damaged too; remove "
        f"models/tuned and .dvc/cache/files/md5/{name[:2]}/{name[2:]}, then run `dvc repro make`, "
        "or `dvc pull models/tuned` from a remote"
    )


def test_a_damaged_listing_in_the_cache_must_be_removed_first(folder: Path) -> None:
    (listing,) = CACHE.glob("??/*.dir")
    flip(Path("models/tuned/config.json"))
    flip(listing)
    assert f"remove models/tuned and {listing}, then run `dvc repro make`" in read_error("models/tuned")


def test_a_file_missing_from_the_cache_must_be_rebuilt(folder: Path) -> None:
    name = md5(TABLE)
    flip(Path("data/table.csv"))
    (CACHE / name[:2] / name[2:]).unlink()
    assert "remove data/table.csv, then run `dvc repro make`" in read_error("data/table.csv")


@pytest.mark.parametrize(
    "harm", [lambda folder: (folder / "more.txt").touch(), lambda folder: (folder / "config.json").unlink()]
)
def test_an_extra_or_missing_file_in_a_folder_is_named(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(Path("models/tuned"))
    assert "models/tuned: " in (message := read_error("models/tuned"))
    assert "more.txt differs" in message or "config.json differs" in message


@pytest.mark.parametrize("place", ["data/raw/a.csv", "data/raw"])
def test_raw_data_with_a_dvc_file_is_checked_wherever_that_is(folder: Path, place: str) -> None:
    Path("data/raw").mkdir()
    Path("data/raw/a.csv").write_bytes(TABLE)
    name = md5(TABLE) if place.endswith("csv") else folder_md5(Path("data/raw")) + ".dir"
    record = Path(f"{place}.dvc")
    record.write_text(yaml.safe_dump({"outs": [make_entry(Path(place).name, name)]}))
    for path in ("data/raw", "data/raw/a.csv"):
        if place.endswith("csv") or path == "data/raw/a.csv":
            check_hashes([Path(path)])
    flip(Path("data/raw/a.csv"))
    message = read_error("data/raw/a.csv")
    assert (
        f"{place}: differs from {record}; if you changed it, run `dvc add {place}`; otherwise remove {place}" in message
    )
    assert read_error("data/raw") == message


def test_raw_data_that_the_cache_can_restore_is_restored_from_there(folder: Path) -> None:
    Path("data/a.csv").write_bytes(TABLE)
    Path("data/a.csv.dvc").write_text(yaml.safe_dump({"outs": [make_entry("a.csv", md5(TABLE))]}))
    flip(Path("data/a.csv"))
    assert read_error("data/a.csv").endswith("otherwise remove data/a.csv, then run `dvc checkout data/a.csv.dvc`")
    flip(CACHE / md5(TABLE)[:2] / md5(TABLE)[2:])
    assert "then run `dvc pull data/a.csv.dvc` from a remote, or copy it from its original source" in read_error(
        "data/a.csv"
    )


def test_an_outdated_lock_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while DVC writes the lock: the files are newer than it."""
    lock_text = Path("dvc.lock").read_text(encoding="utf-8")
    write_lock(make_entry("data/table.csv", "0" * 32))
    monkeypatch.setattr(integrity.time, "sleep", lambda _: Path("dvc.lock").write_text(lock_text, encoding="utf-8"))
    check_hashes(map(Path, ALL))


def test_a_lock_that_is_being_written_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock_text = Path("dvc.lock").read_text(encoding="utf-8")
    for torn_text in ("", lock_text[:100], lock_text[:-1]):
        Path("dvc.lock").write_text(torn_text, encoding="utf-8")
        monkeypatch.setattr(integrity.time, "sleep", lambda _: Path("dvc.lock").write_text(lock_text, encoding="utf-8"))
        check_hashes(map(Path, ALL))


def test_a_broken_lock_is_named(folder: Path) -> None:
    Path("dvc.lock").write_text("stages: [\n")
    assert "dvc.lock: invalid (" in read_error("data/table.csv")


def test_a_lock_that_is_rewritten_all_the_time_causes_no_error(folder: Path) -> None:
    """DVC writes it in place when stages that run in parallel end."""
    lock_text, is_over = Path("dvc.lock").read_text(encoding="utf-8"), threading.Event()

    def rewrite() -> None:
        while not is_over.is_set():
            with Path("dvc.lock").open("w", encoding="utf-8") as file:
                for line in lock_text.splitlines(keepends=True):
                    file.write(line)
            is_over.wait(0.002)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(300):
            check_hashes(map(Path, ALL))
    finally:
        is_over.set()
        writer.join()


def test_paths_that_look_like_booleans_are_paths(folder: Path) -> None:
    Path("on").write_bytes(TABLE)
    Path("dvc.lock").write_text(f"stages:\n  make:\n    outs:\n    - path: on\n      md5: {md5(TABLE)}\n")
    assert [(str(output.path), output.stage) for output in read_locked_outputs(Path("dvc.lock"))] == [("on", "make")]
    check_hashes([Path("on")])


def test_outputs_with_cloud_versions_are_skipped(folder: Path) -> None:
    write_lock({"path": "data/table.csv", "files": [{"relpath": "a", "etag": "b"}]})
    check_hashes([Path("data/table.csv")])


def test_files_and_folders_are_hashed_as_dvc_does(folder: Path) -> None:
    """Compared with DVC itself, for names that sort differently by bytes and by letters."""
    for name in ("Z.txt", "a.txt", "sub-1", "ä.txt", "sub/b"):
        Path("models/tuned", name).write_text(name)
    for name in ("dvc.yaml", "dvc.lock"):
        Path(name).unlink()
    for path in ("data/table.csv", "models/tuned"):
        command = [sys.executable, "-m", "dvc", "add", "-q", path]
        process = subprocess.run(command, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        (output,) = yaml.safe_load(Path(f"{path}.dvc").read_text())["outs"]
        actual = folder_md5(Path(path)) + ".dir" if Path(path).is_dir() else file_md5(Path(path))
        assert actual == output["md5"]
