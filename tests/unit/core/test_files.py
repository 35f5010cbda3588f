"""Files are written whole or not at all."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from satiety.core.errors import SetupError
from satiety.core.files import digest, manifest, name_temporary, sha256, write_atomically, write_text

WRITER = """
import sys, time
from pathlib import Path
from satiety.core.files import write_atomically

with write_atomically(Path("model")) as folder, write_atomically(Path("table.parquet")) as file:
    folder.mkdir()
    (folder / "weights").write_text("half")
    file.write_text("half")
    print("on", flush=True)
    time.sleep(120)
"""
LIMITED = """
import resource, sys
from pathlib import Path
from satiety.core.files import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path = Path(sys.argv[1])
try:
    with write_atomically(path) as temporary:
        temporary.mkdir()
        {write}
except Exception as error:
    print(type(error).__name__, error)
print(sorted(child.name for child in path.parent.iterdir()))
"""
WRITES = {
    "python": "(temporary / 'a').write_bytes(bytes(10_000))",
    "copy": "import shutil; shutil.copyfile(sys.executable, temporary / 'a')",
    "copies": "import shutil; shutil.copytree(Path(shutil.__file__).parent / 'json', temporary / 'a')",
    "safetensors": "from safetensors.numpy import save_file; import numpy; "
    "save_file({'a': numpy.zeros(5000)}, temporary / 'a')",
    "tokenizers": "from tokenizers import Tokenizer, models; "
    "Tokenizer(models.WordLevel({str(i): i for i in range(5000)}, '1')).save(str(temporary / 'a'))",
    "pyarrow": "import pyarrow; from pyarrow import parquet; "
    "parquet.write_table(pyarrow.table({'a': list(range(5000))}), temporary / 'a')",
}
"""Code that writes too much, by library: each raises another exception."""


def test_a_text_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "below" / "报告.json"
    write_text(path, "one")
    write_text(path, "二")
    assert path.read_text(encoding="utf-8") == "二"
    assert [p.name for p in path.parent.iterdir()] == ["报告.json"]


def test_a_crash_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), write_atomically(path) as temporary:  # noqa: PT012  # written, then it fails
        temporary.write_text("half")
        temporary.write_text("\udc80", encoding="utf-8")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with write_atomically(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["new"]


def test_existing_path_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    write_text(folder / "precious.txt", "kept")
    os.mkfifo(pipe)
    for path in (folder, pipe):
        with pytest.raises(SetupError, match=f"{path} already exists and is a "):
            write_text(path, "new")
    with (
        pytest.raises(SetupError, match=r"already exists and is a (file|directory), not a "),
        write_atomically(folder / "precious.txt") as temporary,
    ):
        temporary.mkdir()
    assert (folder / "precious.txt").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "pipe", "precious.txt"]
    with pytest.raises(SetupError, match="is a directory; add a file name"):
        write_text(Path(), "new")


def test_write_error_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(SetupError, match=r"a\.txt: cannot write: No space left on device"), write_atomically(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot write: (Not a directory|File exists)"):
        write_text(tmp_path / "file" / "below.txt", "x")


def test_digests_are_those_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.txt").write_text("甲", encoding="utf-8")
    (tmp_path / "a.txt").write_text("")
    entries = manifest(tmp_path)
    assert list(entries) == ["a.txt", "b/c.txt"]
    assert entries["a.txt"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert entries["b/c.txt"] == sha256(tmp_path / "b" / "c.txt")
    assert digest(entries) == digest(dict(reversed(entries.items())))
    (tmp_path / "a.txt").write_text("x")
    assert digest(manifest(tmp_path)) != digest(entries)


@contextmanager
def run_writer(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process that is writing a folder and a file."""
    command = [sys.executable, "-c", WRITER]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        try:
            yield process
        finally:
            process.kill()


def test_next_write_removes_leftovers_of_a_killed_process(tmp_path: Path) -> None:
    with run_writer(tmp_path) as process:
        write_text(tmp_path / "table.parquet", "whole")
        assert len(list(tmp_path.glob(".*.tmp"))) == 2, "what a living process writes stays"
        process.kill()
    foreign_temporary = tmp_path / ".notes.12345678-1.tmp"
    foreign_temporary.write_text("of another host")
    write_text(tmp_path / "another.txt", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign_temporary.name, "another.txt", "table.parquet"]


def test_a_leftover_of_the_same_process_number_is_no_obstacle(tmp_path: Path) -> None:
    leftover = name_temporary(tmp_path / "model")
    leftover.mkdir()
    (leftover / "half").write_text("of a process that was killed before this one got its number")
    with write_atomically(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "whole").write_text("")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["whole"]


def test_new_folder_is_in_place_before_the_old_one_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed, rmtree = [], shutil.rmtree

    def remove_and_record(path: Path, **options: bool) -> None:
        rmtree(path, **options)
        removed.append((tmp_path / "model").is_dir())

    monkeypatch.setattr(shutil, "rmtree", remove_and_record)
    for content in ("old", "new"):
        with write_atomically(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert removed
    assert all(removed)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["model", "new"]


def test_the_old_folder_stays_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "model" / "old", "")
    rename = Path.rename

    def refuse_rename(path: Path, target: Path) -> Path:
        if path == name_temporary(tmp_path / "model") and not (tmp_path / "model").exists():
            raise OSError(errno.EIO, "Input/output error", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_rename)
    with pytest.raises(SetupError, match="Input/output error"), write_atomically(tmp_path / "model") as temporary:
        temporary.mkdir()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["model", "old"]


def test_content_is_synced_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, fsync = [], os.fsync

    def sync_and_record(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())
        fsync(handle)

    monkeypatch.setattr(os, "fsync", sync_and_record)
    write_text(tmp_path / "a.txt", "x")
    assert synced == [name_temporary(tmp_path / "a.txt"), tmp_path]
    synced.clear()
    with write_atomically(tmp_path / "model") as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "weights").write_text("x")
    assert sorted(synced[:3]) == [temporary, temporary / "deep", temporary / "deep" / "weights"]
    assert synced[3:] == [tmp_path]


@pytest.mark.parametrize("kind", WRITES)
def test_write_error_of_a_library_is_one_message_with_the_path(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED.format(write=WRITES[kind]), str(tmp_path / "model")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    process = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    message, names = process.stdout.splitlines()
    assert message.startswith(f"SetupError {tmp_path / 'model'}: cannot write: File too large")
    assert names == "[]"


def test_other_exceptions_pass_through(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), write_atomically(tmp_path / "a.txt"):
        raise ZeroDivisionError
