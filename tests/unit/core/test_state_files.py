"""State files damaged by a power loss count as missing, are renamed, and are logged once."""

from __future__ import annotations

from pathlib import Path

import pytest

from satiety.core import services
from satiety.core.state_files import read_state, rename_damaged

SHAPE = {"at": int | float, "words": list}


def test_intact_file_is_read_with_all_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"at": 1.5, "words": ["好"], "more": null}', encoding="utf-8")
    assert read_state(path, SHAPE) == {"at": 1.5, "words": ["好"], "more": None}
    assert read_state(tmp_path / "none.json", SHAPE) is None
    assert read_state(path / "below.json", SHAPE) is None


@pytest.mark.parametrize(
    "content",
    [b"", bytes(80), b'{"at": 1', b"[]", b"7", b"null", b"\xff\xfe", b'{"at": "1", "words": []}', b"[" * 100_000],
    ids=range(9),
)
def test_damaged_file_counts_as_missing_and_is_logged_once(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert read_state(path, SHAPE) is None
    assert read_state(path, SHAPE) is None
    assert (tmp_path / "a.damaged").read_bytes() == content
    (message,) = caplog.messages
    assert message.startswith(f"{path}: damaged, ignored, and renamed to a.damaged: ")


def test_damaged_file_that_cannot_be_renamed_stays_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.damaged" / "in the way").mkdir(parents=True)
    (tmp_path / "a.json").write_text("{")
    rename_damaged(tmp_path / "a.json", "torn")
    assert (tmp_path / "a.json").exists()
    assert "damaged, ignored, and cannot be renamed (Is a directory): torn" in caplog.text


@pytest.mark.parametrize("content", [b"", bytes(40), b"\xff", b"export PREFECT_API_URL=http://127"])
def test_damaged_service_addresses_raise_no_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".satiety").mkdir()
    (tmp_path / services.SERVICES).write_bytes(content)
    assert set(services.read(tmp_path)) <= {"PREFECT_API_URL"}
