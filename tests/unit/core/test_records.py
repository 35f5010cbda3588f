"""Records are written to Parquet and read back unchanged; an unreadable file is named."""

import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.answers import Label, Number, Span, Spans
from satiety.core.errors import DamagedError, DataError
from satiety.core.files import sha256
from satiety.core.records import (
    BATCH,
    Document,
    Example,
    Feedback,
    Rejection,
    Served,
    read,
    read_ids,
    read_notes,
    write,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SPANS = st.lists(st.builds(Span, st.integers(0, 9), st.integers(10, 20), TEXT), max_size=1).map(tuple)
ANSWERS = st.none() | st.builds(Label, TEXT) | st.builds(Spans, SPANS) | st.builds(Number, st.floats(-9, 9))
INPUTS = st.dictionaries(TEXT, TEXT | st.lists(TEXT, min_size=1, max_size=3).map(tuple), max_size=3)
EXAMPLES = st.builds(Example, TEXT, INPUTS, ANSWERS, split=st.sampled_from(["train", "dev", "test"]))
DOCUMENTS = st.builds(Document, TEXT, TEXT, score=st.none() | st.floats(allow_nan=False), reason=st.none() | TEXT)
REJECTED = st.builds(Rejection, TEXT, TEXT, TEXT, TEXT, twin=st.none() | TEXT)
SAMPLES: dict[type, Any] = {
    Example: Example("1", {"text": "江泽民在北京"}, answer=Spans((Span(0, 3, "PER"), Span(4, 6, "LOC"))), split="test"),
    Document: Document("1", "NA", score=0.5),
    Rejection: Rejection("1", "a.csv:7", "duplicate", "the same text", twin="0"),
}


@pytest.mark.parametrize(("kind", "strategy"), [(Example, EXAMPLES), (Document, DOCUMENTS), (Rejection, REJECTED)])
def test_written_records_are_read_back(tmp_path_factory: pytest.TempPathFactory, kind: Any, strategy: Any) -> None:
    @given(st.lists(strategy, max_size=5))
    def check(records: list[Any]) -> None:
        path = tmp_path_factory.mktemp("records") / "表.parquet"
        assert write(path, records, kind) == len(records)
        assert list(read(path, kind)) == records

    check()


@pytest.mark.parametrize("kind", SAMPLES)
def test_more_than_a_batch_is_streamed_in_order(tmp_path: Path, kind: type[Any]) -> None:
    path = tmp_path / "many.parquet"
    count = 2 * BATCH + 1
    assert write(path, (SAMPLES[kind] for _ in range(count)), kind) == count
    assert sum(record == SAMPLES[kind] for record in read(path, kind)) == count


def test_the_same_records_make_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name, [SAMPLES[Example]] * 100, Example)
    assert sha256(tmp_path / "a") == sha256(tmp_path / "b")


def test_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.parquet: no such file; run `dvc repro`, or the stage that makes it"):
        list(read(tmp_path / "nothing.parquet", Example))


def test_file_that_cannot_be_opened_now_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "whole.parquet"
    write(path, [SAMPLES[Document]], Document)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(DataError, match=r"whole\.parquet: cannot read: .*Too many open files") as error:
            list(read(path, Document))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert not isinstance(error.value, DamagedError)


def test_notes_stay_with_a_file_and_ids_are_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "noted.parquet"
    write(path, [SAMPLES[Document]] * 2, Document, {"作": "二"})
    assert read_notes(path, Document)["作"] == "二"
    assert read_ids(path, Document) == ["1", "1"]
    assert list(read(path, Document)) == [SAMPLES[Document]] * 2


def test_a_table_of_another_kind_says_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "d.parquet", [SAMPLES[Document]], Document)
    with pytest.raises(DataError, match=r"d\.parquet: the columns \(id, text, language.* Example .* `dvc repro`"):
        list(read(tmp_path / "d.parquet", Example))


@pytest.mark.parametrize("keep", [0, 10, -20])
def test_truncated_table_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "half.parquet"
    write(path, [SAMPLES[Example]] * 100, Example)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"half\.parquet: damaged Parquet file \(.*\); remove it and run `dvc repro`"):
        list(read(path, Example))


@pytest.mark.parametrize("kind", [Served, Feedback])
def test_error_for_damaged_traffic_suggests_a_backup(tmp_path: Path, kind: type[Any]) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        DataError, match="restore it from a backup, or remove it: monitoring and retraining then skip its rows"
    ):
        list(read(tmp_path / "half.parquet", kind))


def test_a_flipped_byte_in_a_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "flipped.parquet"
    texts = [Document(f"{i:016x}", f"第{i * 7919}间 room {i * 31}") for i in range(3000)]
    write(path, texts, Document)
    data = bytearray(path.read_bytes())
    for offset in range(len(data) // 10, len(data) // 2, len(data) // 20):
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :])
        with pytest.raises(DataError, match=r"flipped\.parquet: damaged Parquet file \(.*\); remove it and run"):
            list(read(path, Document))


def test_a_failed_write_leaves_the_old_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, [SAMPLES[Example]], Example)

    def fail_half_way() -> Any:
        yield SAMPLES[Example]
        raise DataError("half-way")

    with pytest.raises(DataError, match="half-way"):
        write(path, fail_half_way(), Example)
    assert list(read(path, Example)) == [SAMPLES[Example]]
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]
