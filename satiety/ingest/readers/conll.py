"""One token and tag per line, with blank lines between sentences -> texts with spans.

Source of the scheme: Ramshaw & Marcus 1995 (BIO). As in CoNLL, an ``I-`` tag without a preceding tag of the same label
starts a span.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from satiety.ingest.base import READERS, Columns, Limits, Reader, Row
from satiety.ingest.lines import Line, read_lines

END = Line(0, "")
"""A blank line at the end of the file, to end the last sentence."""


@READERS.register("conll")
class Conll(Reader):
    """One token and BIO tag per line; a blank line ends the sentence."""

    fixed_columns: ClassVar = ("text", "spans")

    token: int = 0
    """Index of the token's column; negative counts from the end."""
    tag: int = -1
    """Index of the tag's column; negative counts from the end."""
    delimiter: str | None = Field(default=None, examples=["\t"])
    """Delimiter between columns; null: any white space."""
    join: str = " "
    """Text between tokens: a space, or empty for Chinese."""

    def read(self, path: Path, columns: Columns, limits: Limits) -> Iterator[Row]:
        sentence: list[Line] = []
        size = 0
        for line in chain(read_lines(path, limits), [END]):
            if line.text.strip() or line.reason:
                size += len(line.text) + 1
                if size <= limits.row_bytes:
                    sentence.append(line)
            elif size:
                yield self._build_row(sentence, size, limits)
                sentence, size = [], 0

    def _build_row(self, sentence: list[Line], size: int, limits: Limits) -> Row:
        place, raw = str(sentence[0].number), "\n".join(line.text for line in sentence[:1000])
        bad = next((line for line in sentence if line.reason), None)
        if bad:
            return Row(place, reason=bad.reason, detail=f"line {bad.number}: {bad.detail}", text=raw)
        if size > limits.row_bytes:
            return Row(place, reason="too_long", detail=f"a sentence of {size:,} characters", text=raw)
        try:
            pairs = [self._parse_pair(line) for line in sentence]
        except ValueError as error:
            return Row(place, reason="conll", detail=str(error), text=raw)
        return Row(place, {"text": self.join.join(token for token, _ in pairs), "spans": self._build_spans(pairs)})

    def _parse_pair(self, line: Line) -> tuple[str, str]:
        cells = line.text.split(self.delimiter)
        try:
            token, tag = cells[self.token].strip(), cells[self.tag].strip()
        except IndexError:
            raise ValueError(f"line {line.number}: too few columns in '{line.text}'") from None
        if not token or len(cells) < 2:
            raise ValueError(f"line {line.number}: token or tag is missing in '{line.text}'")
        if (tag != "O" and tag[:2] not in ("B-", "I-")) or (not tag[2:] and tag != "O"):
            raise ValueError(f"line {line.number}: tag '{tag}' must be O, B-… or I-…")
        return token, tag

    def _build_spans(self, pairs: list[tuple[str, str]]) -> list[tuple[int, int, str]]:
        spans: list[tuple[int, int, str]] = []
        start, open_label = 0, ""
        for token, tag in pairs:
            label = tag[2:]
            if tag.startswith("I-") and label == open_label:
                spans[-1] = (spans[-1][0], start + len(token), label)
            elif label:
                spans.append((start, start + len(token), label))
            open_label, start = label, start + len(token) + len(self.join)
        return spans
