"""Records go to Parquet and come back the same, and a file that is not theirs is named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satiety.errors import DataError
from satiety.files import sha256
from satiety.records import BATCH, Document, Example, Feedback, Rejected, Served, Span, read, write

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SPANS = st.lists(st.builds(Span, st.integers(0, 9), st.integers(10, 20), TEXT), max_size=3).map(tuple)
EXAMPLES = st.builds(Example, TEXT, TEXT, st.none() | TEXT, SPANS, split=st.sampled_from(["train", "dev", "test"]))
DOCUMENTS = st.builds(Document, TEXT, TEXT, score=st.none() | st.floats(allow_nan=False), reason=st.none() | TEXT)
REJECTED = st.builds(Rejected, TEXT, TEXT, TEXT, TEXT, twin=st.none() | TEXT)
SAMPLES: dict[type, Any] = {
    Example: Example("1", "江泽民在北京", spans=(Span(0, 3, "PER"), Span(4, 6, "LOC")), split="test"),
    Document: Document("1", "NA", score=0.5),
    Rejected: Rejected("1", "a.csv:7", "duplicate", "the same text", twin="0"),
}


@pytest.mark.parametrize(("kind", "strategy"), [(Example, EXAMPLES), (Document, DOCUMENTS), (Rejected, REJECTED)])
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, kind: Any, strategy: Any) -> None:
    @settings(deadline=None)
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


def test_a_missing_table_names_itself(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.parquet: no such file; run the stage that makes it, or `dvc repro`"):
        list(read(tmp_path / "nothing.parquet", Example))


def test_a_table_of_another_kind_says_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "d.parquet", [SAMPLES[Document]], Document)
    with pytest.raises(DataError, match=r"d\.parquet: not a table of Example; its columns are: id, text, language"):
        list(read(tmp_path / "d.parquet", Example))


@pytest.mark.parametrize("keep", [0, 10, -20])
def test_half_a_table_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "half.parquet"
    write(path, [SAMPLES[Example]] * 100, Example)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        DataError, match=r"half\.parquet: not a whole Parquet file \(.*\); remove it and run `dvc repro`"
    ):
        list(read(path, Example))


@pytest.mark.parametrize("kind", [Served, Feedback])
def test_of_half_a_record_of_traffic_nobody_says_that_dvc_makes_it_anew(tmp_path: Path, kind: type[Any]) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="lost to monitoring and retraining; restore it from a backup, or remove it"):
        list(read(tmp_path / "half.parquet", kind))


def test_a_flipped_byte_in_a_page_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "flipped.parquet"
    texts = [Document(f"{i:016x}", f"第{i * 7919}间 room {i * 31}") for i in range(3000)]
    write(path, texts, Document)
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 10, len(data) // 2, len(data) // 20):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(DataError, match=r"flipped\.parquet: not a whole Parquet file \(.*\); remove it and run"):
            list(read(path, Document))


def test_a_failed_write_leaves_the_old_table(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, [SAMPLES[Example]], Example)

    def broken() -> Any:
        yield SAMPLES[Example]
        raise DataError("half-way")

    with pytest.raises(DataError, match="half-way"):
        write(path, broken(), Example)
    assert list(read(path, Example)) == [SAMPLES[Example]]
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]
