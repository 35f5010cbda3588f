"""Bytes become lines of text, or lines with an error and its position."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satiety.core.errors import DataError
from satiety.ingest.base import Limits
from satiety.ingest.lines import read_lines

LIMITS = Limits(row_bytes=1_000, rows=1_000, ratio=100)
CHINESE = "国务院今天发布了新的规定。\n这家酒店的服务很好，下次还会再来！\n手机屏幕清晰，电池也耐用\n"
MIXED = "naïve café\n" + CHINESE
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff"), max_size=20)


def read_texts(path: Path, limits: Limits = LIMITS) -> list[str]:
    lines = list(read_lines(path, limits))
    assert not [line.detail for line in lines if line.reason]
    return [line.text for line in lines]


def write_file(folder: Path, data: bytes) -> Path:
    path = folder / "texts.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom", "gb18030", "gbk", "gb2312"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_chinese_is_read_in_every_usual_encoding(tmp_path: Path, encoding: str, end: str, packed: bool) -> None:
    text = CHINESE.replace("\n", end)
    name = encoding.removesuffix("-bom")
    data = (("\ufeff" if encoding.endswith("-bom") else "") + text).encode(name)
    assert read_texts(write_file(tmp_path, gzip.compress(data) if packed else data)) == CHINESE.splitlines()


@given(st.lists(PLAIN, max_size=20), st.sampled_from(["utf-8-sig", "utf-16"]))
def test_any_text_in_unicode_is_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], encoding: str
) -> None:
    path = write_file(tmp_path_factory.mktemp("lines"), "".join(row + "\n" for row in rows).encode(encoding))
    assert read_texts(path) == rows


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "latin-1"])
def test_western_bytes_are_never_taken_for_chinese(tmp_path: Path, encoding: str) -> None:
    rows = ["plain", "un été à la plage, déjà vu", "naïve café", "Zoë's fiancée"]
    lines = list(read_lines(write_file(tmp_path, "\n".join(rows).encode(encoding)), LIMITS))
    assert [line.reason for line in lines] == ["", "encoding", "encoding", "encoding"]


def test_a_bad_line_among_good_ones_is_marked_with_its_byte_offset(tmp_path: Path) -> None:
    good = "第一行\n".encode()
    path = write_file(tmp_path, good + b"bad \xff\xfe bytes\n" + "第三行\n".encode())
    first, bad, third = read_lines(path, LIMITS)
    assert (first.text, third.text, bad.number, bad.reason) == ("第一行", "第三行", 2, "encoding")
    assert bad.detail == f"not UTF-8 at byte {len(good) + 4}: ff fe 20 62"


def test_a_gb18030_line_in_a_utf_8_file_is_not_guessed(tmp_path: Path) -> None:
    path = write_file(tmp_path, CHINESE.encode() + "服务很好\n".encode("gb18030"))
    assert [line.reason for line in read_lines(path, LIMITS)] == ["", "", "", "encoding"]


def test_a_bad_line_of_a_gb18030_file_is_marked(tmp_path: Path) -> None:
    path = write_file(tmp_path, (CHINESE * 10).encode("gb18030") + b"\xff\xff\n")
    last = list(read_lines(path, LIMITS))[-1]
    assert (last.reason, last.detail[:14]) == ("encoding", "not GB18030 at")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_line_beyond_the_limit_is_marked_and_the_next_is_read(tmp_path: Path, encoding: str) -> None:
    rows = ["好" * 100, "长" * 3_000_000, "短"]
    first, long, last = read_lines(write_file(tmp_path, "\n".join(rows).encode(encoding)), LIMITS)
    assert (first.text, first.reason, last.text, last.reason) == (rows[0], "", "短", "")
    assert (long.number, long.reason) == (2, "too_long")
    assert "longer than 1,000 bytes, starts at byte" in long.detail
    assert len(long.text) <= 1000


def test_a_line_of_the_allowed_length_is_read_whole(tmp_path: Path) -> None:
    path = write_file(tmp_path, b"a" * 1000 + b"\n" + b"b" * 1001)
    assert [line.reason for line in read_lines(path, LIMITS)] == ["", "too_long"]


def test_more_rows_than_allowed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"texts\.txt: more than 3 rows; raise ingest\.limits\.rows"):
        read_texts(write_file(tmp_path, b"a\n" * 4), LIMITS.model_copy(update={"rows": 3}))


def test_a_gzip_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = write_file(tmp_path, gzip.compress((b"a" * 999 + b"\n") * 40_000))
    with pytest.raises(
        DataError, match=r"texts\.txt: [\d,]+ bytes of gzip unpack to over [\d,]+, above ingest\.limits\.ratio: "
    ):
        read_texts(path, LIMITS.model_copy(update={"rows": 10**9}))


def test_a_small_file_of_blanks_is_no_bomb(tmp_path: Path) -> None:
    assert (
        len(read_texts(write_file(tmp_path, gzip.compress(b"\n" * 100_000)), LIMITS.model_copy(update={"rows": 10**6})))
        == 100_000
    )


def test_a_truncated_gzip_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path, gzip.compress(CHINESE.encode() * 50)[:-20])
    with pytest.raises(DataError, match=r"texts\.txt: damaged gzip after .* download it again"):
        read_texts(path)


@pytest.mark.parametrize(
    ("magic", "name"),
    [(b"PK\x03\x04", "a zip archive"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")],
)
def test_other_archives_are_named(tmp_path: Path, magic: bytes, name: str) -> None:
    with pytest.raises(DataError, match=f"is {name}, which is not supported; unpack it, or compress it with gzip"):
        read_texts(write_file(tmp_path, magic + b"rest"))


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read_texts(write_file(tmp_path, b"")) == []
