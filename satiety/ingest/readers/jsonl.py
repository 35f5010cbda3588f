"""JSON lines -> rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import lines
from satiety.ingest.paths import Steps, split_path, walk
from satiety.ingest.values import Refused, parse

_ESCAPE = re.compile(r"\\u(?![dD][89a-fA-F])([0-9a-fA-F]{4})")


@READERS.register("jsonl")
class JsonLines(Reader):
    """One JSON value a line; columns are keys, or paths such as ``answer.0.text``."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        steps = {ours: split_path(where) for ours, where in columns.items()}
        for line in lines(path, limits):
            if line.reason:
                yield Row(str(line.number), reason=line.reason, detail=line.detail, text=line.text)
            elif line.text.strip():
                yield from _rows(line.text, str(line.number), steps)


def _rows(text: str, number: str, steps: dict[str, Steps]) -> Iterator[Row]:
    try:
        value = parse(text)
    except Refused as error:
        yield Row(number, reason="json", detail=str(error), text=_readable(text))
        return
    for place, found in walk(value, steps):
        where = f"{number}.{place}" if place else number
        if isinstance(found, Refused):
            yield Row(where, reason="json", detail=str(found), text=_readable(text))
        else:
            yield Row(where, found)


def _readable(text: str) -> str:
    """Return JSON with its characters as themselves: nobody finds an address in which @ is written by its number."""
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
