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
    at = data.draw(st.integers(0, len(content) - 1), label="byte")
    flipped = bytearray(content)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    path.write_bytes(flipped)
    try:
        assert any(path.name in problem for problem in verify(copy)), (path, at)
    finally:
        path.write_bytes(content)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "model/head.safetensors").unlink()
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "model/head.safetensors: missing, but manifest.json lists it"
    ]


def test_a_foreign_file_is_named(copy: Path) -> None:
    (copy / "model/more.json").write_text("{}")
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "model/more.json: manifest.json does not list it; remove it"
    ]


def sign(folder: Path) -> None:
    """Write the manifest that fits whatever is there, as somebody who means harm would."""
    files = {name: value for name, value in manifest(folder).items() if name != "manifest.json"}
    (folder / "manifest.json").write_text(manifest_text(files))


def hide_pickle(folder: Path) -> None:
    (folder / "model/tuned.json").write_bytes(pickle.dumps({"a": 1}))


def hide_zip(folder: Path) -> None:
    (folder / "model/extra.txt").write_bytes(b"PK\x03\x04 and the rest of a file of torch.save")


def hide_pickle_as_weights(folder: Path) -> None:
    (folder / "model/model.safetensors").write_bytes(pickle.dumps(["weights"] * 9, protocol=4))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "code": (lambda at: (at / "model/modeling.py").write_text("boom()"), "modeling.py: has no place in a package"),
    "pickle": (lambda at: (at / "model/pytorch_model.bin").write_bytes(b"\x80\x04."), "bin: has no place"),
    "pickle called JSON": (hide_pickle, "tuned.json: is no .json file; a pickle under another name"),
    "zip called text": (hide_zip, "extra.txt: is no .txt file"),
    "pickle called safetensors": (hide_pickle_as_weights, "model.safetensors: is no .safetensors file"),
    "code asked for": (lambda at: (at / "model/config.json").write_text('{"auto_map": {}}'), "has an `auto_map`"),
    "folder": (lambda at: (at / "more").mkdir() or (at / "more/a.json").write_text("{}"), "more/a.json: has no place"),
    "deep folder": (
        lambda at: (at / "x/model").mkdir(parents=True) or (at / "x/model/a.json").write_text("{}"),
        "place",
    ),
    "hidden file": (lambda at: (at / ".hidden").write_text("x"), ".hidden: has no place"),
}


@pytest.mark.parametrize(("harm", "said"), HOSTILE.values(), ids=HOSTILE)
def test_what_could_run_code_is_refused_even_where_the_manifest_lists_it(
    copy: Path, harm: Callable[[Path], object], said: str
) -> None:
    harm(copy)
    sign(copy)
    assert any(said in problem for problem in verify(copy)), verify(copy)


def test_a_link_is_refused_whatever_it_points_to(copy: Path) -> None:
    (copy / "model/tuned.json").rename(copy.parent / "tuned.json")
    (copy / "model/tuned.json").symlink_to(copy.parent / "tuned.json")
    assert any("tuned.json: is a link" in problem for problem in verify(copy))


def test_a_linked_folder_is_refused(copy: Path) -> None:
    (copy / "model").rename(copy.parent / "model")
    (copy / "model").symlink_to(copy.parent / "model")
    assert any("package/model: is a link" in problem for problem in verify(copy))


def test_a_pipe_is_refused_and_not_waited_for(copy: Path) -> None:
    os.mkfifo(copy / "model/pipe.json")
    assert any("pipe.json: is a link, or no plain file" in problem for problem in verify(copy))


def test_a_file_too_large_is_refused_unread(copy: Path) -> None:
    with (copy / "model/tokenizer.json").open("r+b") as file:
        file.truncate(LIMITS[".json"] + 1)
    assert any("tokenizer.json: 67,108,865 bytes; a .json file may have at most" in p for p in verify(copy))


def test_a_manifest_is_a_function_of_the_files(copy: Path) -> None:
    value = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(value | {"digest": "0" * 64}, indent=2) + "\n")
    assert [problem.partition("package/")[2] for problem in verify(copy)] == [
        "manifest.json: is not what its files make it; it was changed, or another version wrote it"
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


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_is_one_clear_problem(copy: Path, text: str, said: str) -> None:
    (copy / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))
    (problem,) = verify(copy)
    assert said in problem
    assert "manifest.json" in problem


def test_a_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    (problem,) = verify(tmp_path)
    assert "manifest.json: missing; what is not in a manifest is not a package" in problem


def test_no_folder_is_no_package(tmp_path: Path) -> None:
    assert verify(tmp_path / "none") == [f"{tmp_path / 'none'}: no such package; run `dvc repro`, or `dvc checkout`"]
