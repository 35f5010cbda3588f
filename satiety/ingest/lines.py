"""Decode a file into lines of text, with the errors of each.

Gzip is detected by its first bytes. The encoding is detected for the whole file: by the byte order mark, otherwise
GB18030 if the evidence is clear, otherwise UTF-8. An undecodable line is marked with its byte offset; no byte is
guessed or dropped.
"""

from __future__ import annotations

import codecs
import gzip
import logging
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from satiety.core.errors import DataError

if TYPE_CHECKING:
    from satiety.ingest.base import Limits

log = logging.getLogger(__name__)
CHUNK = 1 << 20
MIN_RATIO_BYTES = 1 << 24
"""Unpacked bytes from which the compression ratio is checked; a small file may consist of spaces."""
_CONTAINERS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
}
TAR = 257, b"ustar"
"""Offset and value of the tar signature."""
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_COMMON = re.compile(rb"(?:[\xa1-\xa9][\xa1-\xfe]|[\xb0-\xd7][\xa1-\xfe])+")
"""GB2312's punctuation and 3,755 level-1 ideographs: 99 % of Chinese text, but rare in other encodings."""
_RUN = re.compile(rb"[\x80-\xff](?:[\x80-\xff]|[\x40-\x7e](?=[\x80-\xff]))*")


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without its line break."""

    number: int
    text: str
    """The text. A bad line has U+FFFD for undecodable bytes, for the quarantine only. An overlong line is empty: a
    truncated number would escape masking."""
    reason: str = ""
    """``encoding`` or ``too_long``; empty for a valid line."""
    detail: str = ""


def read_lines(path: Path, limits: Limits) -> Iterator[Line]:
    """Yield the lines of a text file.

    Raises:
        DataError: the file is an archive, a damaged or oversized gzip, or has too many lines.
    """
    mark, encoding = detect_encoding(path, limits)
    end = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}.get(encoding, b"\n")
    number = 0
    for number, (offset, raw, is_complete) in enumerate(_split_lines(path, limits, mark, end), start=1):
        if number > limits.rows:
            raise DataError(f"{path}: more than {limits.rows:,} rows; raise ingest.limits.rows or split the file")
        if is_complete:
            yield _decode_line(raw, number, offset, encoding)
        else:
            yield Line(number, "", "too_long", f"longer than {limits.row_bytes:,} bytes, starts at byte {offset}")


def detect_encoding(path: Path, limits: Limits) -> tuple[int, str]:
    """Return the length of the file's byte order mark, and its encoding."""
    start = next(read_blocks(path, limits), b"")
    _check_text(path, start)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            log.info("%s: encoding %s, from its byte order mark", path, encoding.upper())
            return len(mark), encoding
    unicode = chinese = undecodable = common = total = 0
    for _, raw, _ in _split_lines(path, limits, 0, b"\n"):
        if raw.isascii():
            continue
        if _fits(raw, "utf-8"):
            unicode += 1
        elif _fits(raw, "gb18030"):
            chinese += 1
            runs = _RUN.findall(raw)
            total += sum(map(len, runs))
            common += sum(len(match) for run in runs for match in _COMMON.findall(run))
        else:
            undecodable += 1
    if chinese > 9 * (unicode + undecodable) and common > 0.9 * total:
        log.info("%s: encoding GB18030, detected", path)
        return 0, "gb18030"
    return 0, "utf-8"


def _check_text(path: Path, start: bytes) -> None:
    """Raise DataError if the file starts like a tar archive, UTF-32, or UTF-16 without a byte order mark."""
    if start[TAR[0] :].startswith(TAR[1]):
        raise DataError(f"{path} is a tar archive, which is not supported; unpack it")
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or start[:64].count(0) > len(start[:64]) * 0.6:
        raise DataError(f"{path}: looks like UTF-32; save it as UTF-8")
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not marked and start[:64].count(0) > len(start[:64]) * 0.3:
        raise DataError(f"{path}: looks like UTF-16 without a byte order mark; save it as UTF-8")


def read_blocks(path: Path, limits: Limits) -> Iterator[bytes]:
    """Yield the file's bytes in blocks; gzip is unpacked.

    Raises:
        DataError: the file has another compression, is truncated, or unpacks to more than ``limits.ratio`` times its
            size.
    """
    with path.open("rb") as file:
        magic = file.read(6)
    container = next((name for start, name in _CONTAINERS.items() if magic.startswith(start)), None)
    if container:
        raise DataError(f"{path} is {container}, which is not supported; unpack it, or compress it with gzip")
    if not magic.startswith(b"\x1f\x8b"):
        with path.open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")
        return
    packed, unpacked = path.stat().st_size, 0
    try:
        with gzip.open(path) as file:
            while block := file.read(CHUNK):
                unpacked += len(block)
                if unpacked > max(MIN_RATIO_BYTES, packed * limits.ratio):
                    raise DataError(
                        f"{path}: {packed:,} bytes of gzip unpack to over {unpacked:,}, above ingest.limits.ratio: "
                        f"{limits.ratio}; if you trust the file, raise it"
                    )
                yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: damaged gzip after {unpacked:,} unpacked bytes ({error}); download it again"
        ) from None


def _split_lines(path: Path, limits: Limits, skip: int, end: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (byte offset, bytes, complete?) of every line; memory is bounded by a block and a row."""
    buffer, offset, dropped = b"", skip, 0
    source = read_blocks(path, limits)
    for index, block in enumerate(source):
        buffer += block[skip:] if index == 0 else block
        start = 0
        while (stop := _find_line_end(buffer, end, start)) >= 0:
            size = stop - start + dropped
            yield offset, buffer[start:stop], size <= limits.row_bytes and not dropped
            offset, start, dropped = offset + size + len(end), stop + len(end), 0
        buffer = buffer[start:]
        if len(buffer) + dropped > limits.row_bytes:
            tail = len(buffer) % 2 if len(end) > 1 else 0
            dropped, buffer = dropped + len(buffer) - tail, buffer[len(buffer) - tail :]
    if buffer or dropped:
        yield offset, buffer, not dropped


def _find_line_end(data: bytes, end: bytes, start: int) -> int:
    """Return the offset of the next line end, or -1; in UTF-16 only even offsets count."""
    position = data.find(end, start)
    while len(end) > 1 and position >= 0 and (position - start) % 2:
        position = data.find(end, position + 1)
    return position


def _decode_line(raw: bytes, number: int, offset: int, encoding: str) -> Line:
    try:
        return Line(number, raw.decode(encoding).removesuffix("\r"))
    except UnicodeDecodeError as error:
        bad = raw[error.start : error.start + 4].hex(" ")
        detail = f"not {encoding.upper()} at byte {offset + error.start}: {bad}"
        return Line(number, raw.decode(encoding, "replace").removesuffix("\r"), "encoding", detail)


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        return raw.decode(encoding).encode(encoding) == raw
    except UnicodeDecodeError:
        return False
