"""One sentence per line, its words followed by a slash and a tag (``江/nr  泽民/nr  在/p``) -> texts with spans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import read_lines


@READERS.register("tagged")
class Tagged(Reader):
    """One sentence per line, with words separated by white space, each followed by a slash and its tag."""

    fixed_columns: ClassVar = ("text", "spans")

    labels: dict[str, str] = Field(examples=[{"nr": "PER", "ns": "LOC"}])
    """Tag -> entity label: ``{nr: PER, ns: LOC, nt: ORG}``; other tags are ignored."""
    merge: list[str] = Field(default=[], examples=[["nr"]])
    """Tags whose adjacent words form one entity, such as a Chinese family name and given name."""
    join: str = ""
    """Text between words: empty for Chinese, a space for English."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        for line in read_lines(path, limits):
            place = str(line.number)
            words = [word.rpartition("/") for word in line.text.split()]
            if line.reason:
                yield Row(place, reason=line.reason, detail=line.detail, text=line.text)
            elif bad := ["".join(parts) for parts in words if not all(parts)]:
                yield Row(place, reason="tagged", detail=f"'{bad[0]}' is not of the form word/tag", text=line.text)
            elif words:
                pairs = [(word, tag) for word, _, tag in words]
                yield Row(place, {"text": self.join.join(word for word, _ in pairs), "spans": self._build_spans(pairs)})

    def _build_spans(self, pairs: list[tuple[str, str]]) -> list[tuple[int, int, str]]:
        spans: list[tuple[int, int, str]] = []
        start, previous_tag = 0, ""
        for word, tag in pairs:
            end = start + len(word)
            if tag in self.labels and tag == previous_tag and tag in self.merge:
                spans[-1] = (spans[-1][0], end, self.labels[tag])
            elif tag in self.labels:
                spans.append((start, end, self.labels[tag]))
            previous_tag, start = tag, end + len(self.join)
        return spans
