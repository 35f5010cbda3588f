"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from satiety.errors import SetupError
from satiety.files import digest, manifest, replacing, sha256, write_text


def test_a_text_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "below" / "报告.json"
    write_text(path, "one")
    write_text(path, "二")
    assert path.read_text(encoding="utf-8") == "二"
    assert [p.name for p in path.parent.iterdir()] == ["报告.json"]


def test_a_crash_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as temporary:  # noqa: PT012  # written, then it fails
        temporary.write_text("half")
        temporary.write_text("\udc80", encoding="utf-8")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with replacing(tmp_path / "model") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["new"]


def test_what_is_of_another_kind_stays(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    write_text(folder / "precious.txt", "kept")
    os.mkfifo(pipe)
    for path in (folder, pipe):
        with pytest.raises(SetupError, match=f"{path}: is there, and of another kind than what is written"):
            write_text(path, "new")
    with pytest.raises(SetupError, match="another kind"), replacing(folder / "precious.txt") as temporary:
        temporary.mkdir()
    assert (folder / "precious.txt").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "pipe", "precious.txt"]
    with pytest.raises(SetupError, match="is a folder; name a file in it"):
        write_text(Path(), "new")


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(SetupError, match=r"a\.txt: cannot write: No space left on device"), replacing(path):
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
