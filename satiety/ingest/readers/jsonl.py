"""JSON lines -> rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import read_lines
from satiety.ingest.paths import Steps, split_path, walk
from satiety.ingest.values import JsonError, parse

_ESCAPE = re.compile(r"\\u(?![dD][89a-fA-F])([0-9a-fA-F]{4})")


@READERS.register("jsonl")
class JsonLines(Reader):
    """One JSON value per line; columns are keys, or paths such as ``answer.0.text``."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        steps = {field: split_path(json_path) for field, json_path in columns.items()}
        for line in read_lines(path, limits):
            if line.reason:
                yield Row(str(line.number), reason=line.reason, detail=line.detail, text=line.text)
            elif line.text.strip():
                yield from _parse_rows(line.text, str(line.number), steps)


def _parse_rows(text: str, number: str, steps: dict[str, Steps]) -> Iterator[Row]:
    try:
        value = parse(text)
    except JsonError as error:
        yield Row(number, reason="json", detail=str(error), text=_unescape(text))
        return
    for place, values in walk(value, steps):
        row_place = f"{number}.{place}" if place else number
        if isinstance(values, JsonError):
            yield Row(row_place, reason="json", detail=str(values), text=_unescape(text))
        else:
            yield Row(row_place, values)


def _unescape(text: str) -> str:
    """Return JSON with Unicode escapes decoded, so that masking finds an address with an escaped @."""
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text)
