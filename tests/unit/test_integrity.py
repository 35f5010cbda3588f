"""What DVC keeps is hashed before it is used: a changed byte is named, with what mends it; nothing else is refused."""

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
    """Of the made-up stage."""


@stage
def reading(table: Path, model: Path, out: OutputPath, *, params: Reads, report: Report) -> None:
    """Read two, write one."""
    out.write_bytes(table.read_bytes())


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def keep(content: bytes, suffix: str = "") -> str:
    """Put an object into the cache, read-only as DVC does; return its name."""
    name = md5(content) + suffix
    path = CACHE / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return name


def entry(path: str, name: str) -> dict[str, Any]:
    return {"path": path, "hash": "md5", "md5": name, "size": 1}


def lock(*outs: dict[str, Any], **more: Any) -> None:
    """Write a dvc.lock in which these are made."""
    block = {"cmd": "x", "params": {"params.yaml": {"a": "on"}}, "outs": list(outs)}
    text = yaml.safe_dump({"schema": "2.0", "stages": {"make": block, **more}}, sort_keys=False)
    Path("dvc.lock").write_text(text, encoding="utf-8")


def flip(path: Path, at: int = -1) -> None:
    """Change a byte as a failing disk does: time and permissions stay."""
    content, stamp = bytearray(path.read_bytes()), path.stat()
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stamp.st_mode)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a table, a model and a report under DVC, all whole."""
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
        keep(content)
    keep(TABLE)
    listing = json.dumps([{"md5": md5(content), "relpath": name} for name, content in MODEL.items()], sort_keys=True)
    lock(
        entry("data/table.csv", md5(TABLE)),
        entry("models/tuned", keep(listing.encode(), ".dir")),
        entry("reports/make.json", md5(b"{}")),
    )
    metrics = [{"reports/make.json": {"cache": False}}]
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": {"outs": ["data/table.csv"], "metrics": metrics}}}))
    Path("params.yaml").write_text("reads: {}\n")
    return tmp_path


def refused(*paths: str) -> str:
    with pytest.raises(DataError) as caught:
        check_hashes(map(Path, paths))
    return str(caught.value)


ALL = ("data/table.csv", "models/tuned", "reports/make.json")


def test_what_is_whole_passes_and_what_nobody_named_does_too(folder: Path) -> None:
    Path("elsewhere.csv").write_text("x")
    check_hashes(map(Path, (*ALL, "elsewhere.csv", "not/there", "data", "models/tuned/config.json")))
    check_hashes([folder / "models/tuned"])


def test_without_a_lock_nothing_is_checked(folder: Path) -> None:
    Path("dvc.lock").unlink()
    flip(Path("data/table.csv"))
    check_hashes(map(Path, ALL))


def test_a_stage_reads_nothing_that_is_damaged(folder: Path) -> None:
    paths = {"table": Path("data/table.csv"), "model": Path("models/tuned"), "out": Path("out.csv")}
    reading.run(**paths)
    flip(Path("models/tuned/config.json"))
    Path("out.csv").unlink()
    with pytest.raises(DataError, match=r"models/tuned: config\.json differs from dvc\.lock"):
        reading.run(**paths)
    assert not Path("out.csv").exists()


def test_a_stage_does_not_check_what_it_makes(folder: Path) -> None:
    flip(Path("reports/make.json"))
    reading.run(table=Path("data/table.csv"), model=Path("models/tuned"), out=Path("reports/make.json"))


def test_every_damaged_path_is_named_at_once_with_what_mends_it(folder: Path) -> None:
    for path in ("data/table.csv", "models/tuned/sub/中.txt", "reports/make.json"):
        flip(Path(path))
    assert refused(*ALL).splitlines() == [
        "data/table.csv: differs from dvc.lock; remove data/table.csv, then run `dvc checkout data/table.csv`",
        "models/tuned: sub/中.txt differs from dvc.lock; remove models/tuned, then run `dvc checkout models/tuned`",
        "reports/make.json: differs from dvc.lock; remove reports/make.json, then run `dvc repro make`, "
        "or `dvc pull reports/make.json` from a remote",
    ]


def test_a_damaged_copy_in_the_cache_has_to_go_first(folder: Path) -> None:
    name = md5(MODEL["config.json"])
    flip(Path("models/tuned/config.json"))
    flip(CACHE / name[:2] / name[2:])
    assert refused("models/tuned") == (
        "models/tuned: config.json differs from dvc.lock, and DVC's cached copy is damaged too; remove "
        f"models/tuned and .dvc/cache/files/md5/{name[:2]}/{name[2:]}, then run `dvc repro make`, "
        "or `dvc pull models/tuned` from a remote"
    )


def test_a_damaged_listing_in_the_cache_has_to_go_first(folder: Path) -> None:
    (listing,) = CACHE.glob("??/*.dir")
    flip(Path("models/tuned/config.json"))
    flip(listing)
    assert f"remove models/tuned and {listing}, then run `dvc repro make`" in refused("models/tuned")


def test_what_the_cache_lacks_is_made_anew(folder: Path) -> None:
    name = md5(TABLE)
    flip(Path("data/table.csv"))
    (CACHE / name[:2] / name[2:]).unlink()
    assert "remove data/table.csv, then run `dvc repro make`" in refused("data/table.csv")


@pytest.mark.parametrize("harm", [lambda at: (at / "more.txt").touch(), lambda at: (at / "config.json").unlink()])
def test_a_file_too_many_or_too_few_in_a_folder_is_named(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(Path("models/tuned"))
    assert "models/tuned: " in (message := refused("models/tuned"))
    assert "more.txt differs" in message or "config.json differs" in message


@pytest.mark.parametrize("place", ["data/raw/a.csv", "data/raw"])
def test_raw_data_with_a_dvc_file_is_checked_wherever_that_is(folder: Path, place: str) -> None:
    Path("data/raw").mkdir()
    Path("data/raw/a.csv").write_bytes(TABLE)
    name = md5(TABLE) if place.endswith("csv") else folder_md5(Path("data/raw")) + ".dir"
    record = Path(f"{place}.dvc")
    record.write_text(yaml.safe_dump({"outs": [entry(Path(place).name, name)]}))
    for path in ("data/raw", "data/raw/a.csv"):
        if place.endswith("csv") or path == "data/raw/a.csv":
            check_hashes([Path(path)])
    flip(Path("data/raw/a.csv"))
    message = refused("data/raw/a.csv")
    assert (
        f"{place}: differs from {record}; if you changed it, run `dvc add {place}`; otherwise remove {place}" in message
    )
    assert refused("data/raw") == message


def test_raw_data_that_the_cache_can_restore_is_restored_from_there(folder: Path) -> None:
    Path("data/a.csv").write_bytes(TABLE)
    Path("data/a.csv.dvc").write_text(yaml.safe_dump({"outs": [entry("a.csv", md5(TABLE))]}))
    flip(Path("data/a.csv"))
    assert refused("data/a.csv").endswith("otherwise remove data/a.csv, then run `dvc checkout data/a.csv.dvc`")
    flip(CACHE / md5(TABLE)[:2] / md5(TABLE)[2:])
    assert "then run `dvc pull data/a.csv.dvc` from a remote, or copy it from its original source" in refused(
        "data/a.csv"
    )


def test_an_older_lock_is_looked_at_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where DVC writes the lock just now: the files are ahead of it."""
    right = Path("dvc.lock").read_text(encoding="utf-8")
    lock(entry("data/table.csv", "0" * 32))
    monkeypatch.setattr(integrity.time, "sleep", lambda _: Path("dvc.lock").write_text(right, encoding="utf-8"))
    check_hashes(map(Path, ALL))


def test_a_lock_that_is_being_written_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Path("dvc.lock").read_text(encoding="utf-8")
    for torn in ("", right[:100], right[:-1]):
        Path("dvc.lock").write_text(torn, encoding="utf-8")
        monkeypatch.setattr(integrity.time, "sleep", lambda _: Path("dvc.lock").write_text(right, encoding="utf-8"))
        check_hashes(map(Path, ALL))


def test_a_broken_lock_is_named(folder: Path) -> None:
    Path("dvc.lock").write_text("stages: [\n")
    assert "dvc.lock: invalid (" in refused("data/table.csv")


def test_a_lock_that_others_rewrite_all_the_time_refuses_nobody(folder: Path) -> None:
    """DVC writes it in place, as stages that run side by side end."""
    right, over = Path("dvc.lock").read_text(encoding="utf-8"), threading.Event()

    def rewrite() -> None:
        while not over.is_set():
            with Path("dvc.lock").open("w", encoding="utf-8") as file:
                for line in right.splitlines(keepends=True):
                    file.write(line)
            over.wait(0.002)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(300):
            check_hashes(map(Path, ALL))
    finally:
        over.set()
        writer.join()


def test_names_that_look_like_numbers_are_names(folder: Path) -> None:
    Path("on").write_bytes(TABLE)
    Path("dvc.lock").write_text(f"stages:\n  make:\n    outs:\n    - path: on\n      md5: {md5(TABLE)}\n")
    assert [(str(out.path), out.stage) for out in read_locked_outputs(Path("dvc.lock"))] == [("on", "make")]
    check_hashes([Path("on")])


def test_outs_of_a_cloud_that_has_versions_are_passed_over(folder: Path) -> None:
    lock({"path": "data/table.csv", "files": [{"relpath": "a", "etag": "b"}]})
    check_hashes([Path("data/table.csv")])


def test_files_and_folders_are_hashed_as_dvc_does(folder: Path) -> None:
    """Against DVC itself, names that no alphabet sorts among them."""
    for name in ("Z.txt", "a.txt", "sub-1", "ä.txt", "sub/b"):
        Path("models/tuned", name).write_text(name)
    for name in ("dvc.yaml", "dvc.lock"):
        Path(name).unlink()
    for path in ("data/table.csv", "models/tuned"):
        command = [sys.executable, "-m", "dvc", "add", "-q", path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (out,) = yaml.safe_load(Path(f"{path}.dvc").read_text())["outs"]
        ours = folder_md5(Path(path)) + ".dir" if Path(path).is_dir() else file_md5(Path(path))
        assert ours == out["md5"]
