"""Words of topics -> which topics a text is about; whole units are compared, so `apple` is not in `pineapple`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from satiety.text.words import split_units


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics and their words."""

    words: Mapping[str, tuple[str, ...]]
    """Each as units between blanks."""

    @classmethod
    def of(cls, words: Mapping[str, Sequence[str]]) -> Self:
        """Take words as they stand in params."""
        return cls({name: tuple(map(_normalize, several)) for name, several in words.items()})

    def about(self, text: str) -> tuple[str, ...]:
        """Return the topics of a text, in the order of the params; none, one or several."""
        normalized = _normalize(text)
        return tuple(name for name, words in self.words.items() if any(word in normalized for word in words))


def _normalize(text: str) -> str:
    text = text.lower()
    return f" {' '.join(text[start:end] for start, end in split_units(text))} "
