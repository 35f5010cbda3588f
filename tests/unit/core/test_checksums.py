"""Cached files are read back to the last bit, or count as missing."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.checksums import is_intact, read_json, read_tensors, seal, write_json, write_tensors

TENSORS: dict[str, Any] = {
    "rows": np.arange(6, dtype=np.float16).reshape(3, 2),
    "names": np.zeros((0, 16), dtype=np.uint8),
    "facts": np.array([1.5, np.nan, -0.0]),
}
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    write_tensors(path, TENSORS | {"turned": TENSORS["rows"].T})
    tensors = read_tensors(path)
    assert tensors is not None
    assert set(tensors) == {*TENSORS, "turned"}
    for name, tensor in TENSORS.items():
        assert (tensors[name].dtype, tensors[name].shape) == (tensor.dtype, tensor.shape)
        assert tensors[name].tobytes() == tensor.tobytes()
    assert tensors["turned"].tolist() == TENSORS["rows"].T.tolist()


def test_tensors_with_a_flipped_byte_are_missing_or_unchanged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS)
    content = path.read_bytes()
    for offset in range(len(content)):
        caplog.clear()
        path.write_bytes(content[:offset] + bytes([content[offset] ^ 1 << offset % 8]) + content[offset + 1 :])
        if (tensors := read_tensors(path)) is None:
            assert "a.safetensors: damaged" in caplog.text
        else:  # a blank of the header that became another
            assert content[offset : offset + 1] == b" "
            assert {name: tensors[name].tobytes() for name in tensors} == {n: t.tobytes() for n, t in TENSORS.items()}


@pytest.mark.parametrize("length", [0, 1, 8, 100, -1])
def test_truncated_tensors_count_as_missing(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS)
    path.write_bytes(path.read_bytes()[:length])
    assert read_tensors(path) is None


def test_tensors_without_a_digest_count_as_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from safetensors.numpy import save_file

    save_file(TENSORS, tmp_path / "a.safetensors")
    assert read_tensors(tmp_path / "a.safetensors") is None
    assert "damaged (its digest does not match)" in caplog.text


@given(value=VALUES | st.dictionaries(st.integers(), st.integers(), max_size=3))
def test_a_value_comes_back_as_json_keeps_it(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.mktemp("s") / "a.json"
    write_json(path, value)
    assert read_json(path) == json.loads(json.dumps(value))


def test_value_with_a_flipped_byte_is_missing_or_unchanged(tmp_path: Path) -> None:
    path, value = tmp_path / "a.json", {"step": 7, "losses": [0.25, 1e-7], "名": "好", "none": None}
    write_json(path, value)
    content = path.read_bytes()
    for offset in range(len(content)):
        path.write_bytes(content[:offset] + bytes([content[offset] ^ 1 << offset % 8]) + content[offset + 1 :])
        assert read_json(path) in (None, value), offset


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"step": 7}', '{"sha256": null, "value": 1}', "[" * 100_000])
def test_value_without_a_seal_counts_as_missing(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read_json(tmp_path / "a.json") is None
    assert "a.json: damaged" in caplog.text


def test_missing_files_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert read_json(tmp_path / "a.json") is None
        assert read_tensors(tmp_path / "a.safetensors") is None
        assert not is_intact(tmp_path / "a")
    assert caplog.text == ""


@pytest.mark.parametrize("harm", ["flip", "more", "fewer", "unsealed", "seal"])
def test_folder_is_intact_only_as_sealed(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "sub/b"):
        (tmp_path / name).write_text("content")
    seal(tmp_path)
    assert is_intact(tmp_path)
    match harm:
        case "flip":
            (tmp_path / "sub/b").write_text("contenu")
        case "more":
            (tmp_path / "sub/c").touch()
        case "fewer":
            (tmp_path / "a").unlink()
        case "unsealed":
            (tmp_path / "sealed.json").unlink()
        case "seal":
            (tmp_path / "sealed.json").write_text("{}")
    assert not is_intact(tmp_path)
    assert f"{tmp_path}: damaged" in caplog.text
