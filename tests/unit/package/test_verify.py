"""Every way a package can be damaged or hostile is found, named, and never loaded."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satiety.core.files import manifest
from satiety.package import verify
from satiety.package.contents import LIMITS, manifest_text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found(copy: Path, data: st.DataObject) -> None:
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files), label="file")
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1), label="byte")
    flipped = bytearray(content)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    path.write_bytes(flipped)
    try:
        assert any(path.name in problem for problem in verify(copy)), (path, position)
    finally:
        path.write_bytes(content)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "model/head.safetensors").unlink()
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "model/head.safetensors: missing, but listed in manifest.json"
    ]


def test_a_foreign_file_is_named(copy: Path) -> None:
    (copy / "model/more.json").write_text("{}")
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "model/more.json: not in manifest.json; remove it"
    ]


def sign(folder: Path) -> None:
    """Write a manifest that fits the files, as an attacker would."""
    files = {name: value for name, value in manifest(folder).items() if name != "manifest.json"}
    (folder / "manifest.json").write_text(manifest_text(files))


def hide_pickle(folder: Path) -> None:
    (folder / "model/tuned.json").write_bytes(pickle.dumps({"a": 1}))


def hide_zip(folder: Path) -> None:
    (folder / "model/extra.txt").write_bytes(b"PK\x03\x04 and the rest of a file of torch.save")


def hide_pickle_as_weights(folder: Path) -> None:
    (folder / "model/model.safetensors").write_bytes(pickle.dumps(["weights"] * 9, protocol=4))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "code": (
        lambda folder: (folder / "model/modeling.py").write_text("boom()"),
        "modeling.py: not allowed in a package",
    ),
    "pickle": (lambda folder: (folder / "model/pytorch_model.bin").write_bytes(b"\x80\x04."), "bin: not allowed"),
    "pickle called JSON": (hide_pickle, "tuned.json: not a .json file; renamed pickles"),
    "zip called text": (hide_zip, "extra.txt: not a .txt file"),
    "pickle called safetensors": (hide_pickle_as_weights, "model.safetensors: not a .safetensors file"),
    "code asked for": (
        lambda folder: (folder / "model/config.json").write_text('{"auto_map": {}}'),
        "contains an `auto_map`",
    ),
    "folder": (
        lambda folder: (folder / "more").mkdir() or (folder / "more/a.json").write_text("{}"),
        "more/a.json: not allowed",
    ),
    "deep folder": (
        lambda folder: (folder / "x/model").mkdir(parents=True) or (folder / "x/model/a.json").write_text("{}"),
        "x/model/a.json: not allowed",
    ),
    "hidden file": (lambda folder: (folder / ".hidden").write_text("x"), ".hidden: not allowed"),
}


@pytest.mark.parametrize(("harm", "message"), HOSTILE.values(), ids=HOSTILE)
def test_code_is_refused_even_if_the_manifest_lists_it(
    copy: Path, harm: Callable[[Path], object], message: str
) -> None:
    harm(copy)
    sign(copy)
    assert any(message in problem for problem in verify(copy)), verify(copy)


def test_a_link_is_refused_whatever_it_points_to(copy: Path) -> None:
    (copy / "model/tuned.json").rename(copy.parent / "tuned.json")
    (copy / "model/tuned.json").symlink_to(copy.parent / "tuned.json")
    assert any("tuned.json: not a regular file" in problem for problem in verify(copy))


def test_a_linked_folder_is_refused(copy: Path) -> None:
    (copy / "model").rename(copy.parent / "model")
    (copy / "model").symlink_to(copy.parent / "model")
    assert any("package/model: not a regular file" in problem for problem in verify(copy))


def test_a_pipe_is_refused_and_not_waited_for(copy: Path) -> None:
    os.mkfifo(copy / "model/pipe.json")
    assert any("pipe.json: not a regular file" in problem for problem in verify(copy))


def test_a_file_too_large_is_refused_unread(copy: Path) -> None:
    with (copy / "model/tokenizer.json").open("r+b") as file:
        file.truncate(LIMITS[".json"] + 1)
    assert any("tokenizer.json: 67,108,865 bytes; the limit of a .json file is" in p for p in verify(copy))


def test_an_edited_manifest_is_found(copy: Path) -> None:
    value = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(value | {"digest": "0" * 64}, indent=2) + "\n")
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "manifest.json: does not match its files; it was edited or written by another version"
    ]


BROKEN = {
    "no JSON": ("{", "not a manifest"),
    "no files": ("{}", "not a manifest: 'files'"),
    "a list": ("[]", "not a manifest"),
    "numbers": ('{"files": {"a": 1}}', "`files` must map paths to SHA-256 digests"),
    "deep": ("[" * 100_000, "not a manifest"),
    "bytes": ("\udcff", "not a manifest"),
    "large": (" " * (LIMITS[".md"] + 1), "at most 1,048,576 bytes"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_is_one_clear_problem(copy: Path, text: str, message: str) -> None:
    (copy / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    (problem,) = verify(copy)
    assert message in problem
    assert "manifest.json" in problem


def test_a_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    (problem,) = verify(tmp_path)
    assert "manifest.json: missing; the folder is not a package" in problem


def test_a_missing_folder_is_no_package(tmp_path: Path) -> None:
    assert verify(tmp_path / "none") == [f"{tmp_path / 'none'}: package not found; run `dvc repro` or `dvc checkout`"]
