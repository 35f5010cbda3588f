"""A month and labelled texts -> the texts as people write them in that month's world. Pure, and the same every time.

Source: made-up words, beginnings and shares of labels as in benchmarks/harm.py.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from examples.year.plan import LabelShift, Opening, Vocabulary, Year
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.ingest.split import allocate
from satiety.text.words import split_words

LATIN = ("zor", "bli", "kam", "nu", "tex", "vra", "lo", "mip")
CHINESE = "囧槑氪燊犇骉鑫淼焱垚"
"""What made-up words are made of."""
FINE = 10**6


@dataclass(frozen=True, slots=True)
class World:
    """How a month is."""

    month: int
    planted: tuple[str, ...] = ()
    """The kinds of shifts in it."""
    opening: str = ""
    shares: Mapping[str, float] | None = None
    """Of the labels; None: as they come."""
    renamed: float = 0.0
    """Share of the texts that are written in the new words."""


def world(year: Year, month: int) -> World:
    """Return the world of a month, 1 being the first."""
    found = World(month)
    for shift in year.shifts:
        if not shift.first <= month <= shift.last:
            continue
        found = replace(found, planted=(*found.planted, shift.kind))
        match shift:
            case Opening():
                found = replace(found, opening=found.opening + shift.opening)
            case LabelShift():
                found = replace(found, shares=shift.shares)
            case Vocabulary():
                found = replace(found, renamed=shift.shares[month - shift.first])
    return found


def renamings(year: Year, examples: Sequence[Example]) -> dict[str, str]:
    """Return what a word is called in the new words: the same all year, no two words alike; empty where none change."""
    how = next((shift for shift in year.shifts if isinstance(shift, Vocabulary)), None)
    if how is None:
        return {}
    draw, told = random.Random(year.seed), Counter[str]()
    for one in examples:
        told.update(sorted({one.text[a:b].lower() for a, b in split_words(one.text)}))
    common = sorted((w for w in told if w.isalpha()), key=lambda word: (-told[word], word))
    candidates = common[how.spared : how.spared + how.commonest]
    made: dict[str, str] = {}
    for word in sorted(draw.sample(candidates, min(how.replaced, len(candidates)))):
        made[word] = _made_up(word, {*told, *made.values()}, draw)
    return made


def drawn(
    examples: Sequence[Example], count: int, shares: Mapping[str, float] | None, draw: random.Random
) -> list[Example]:
    """Return so many of the examples, none twice: as they come, or with these shares of the labels.

    Raises:
        DataError: there are not so many of a label.
    """
    if shares is None:
        wanted = {"": count}
        sides = {"": list(examples)}
    else:
        wanted = allocate({label: round(share * FINE) for label, share in shares.items()}, count, 0)
        sides = {label: [one for one in examples if str(one.answer) == label] for label in wanted}
    for label, number in wanted.items():
        if number > len(sides[label]):
            named = f" of label {label!r}" if label else ""
            raise DataError(f"year: {number:,} texts{named} are asked for, but {len(sides[label]):,} are left")
    found = [one for label in sorted(wanted) for one in draw.sample(sides[label], wanted[label])]
    draw.shuffle(found)
    return found


def written(example: Example, world: World, new: Mapping[str, str]) -> Example:
    """Return the example as it is written in a world.

    A text that is written in new words one month is so in every later month that has as large a share of them.
    """
    text = _renamed(example.text, new) if _own(example) < world.renamed else example.text
    return replace(example, inputs={"text": world.opening + text})


def _own(example: Example) -> float:
    """Return a number in [0, 1) that is a text's own."""
    return int.from_bytes(hashlib.sha256(f"renamed:{example.id}".encode()).digest()[:8], "big") / 2**64


def _renamed(text: str, new: Mapping[str, str]) -> str:
    pieces, at = [], 0
    for start, end in split_words(text):
        pieces += [text[at:start], new.get(text[start:end].lower(), text[start:end])]
        at = end
    return "".join(pieces) + text[at:]


def _made_up(word: str, taken: Collection[str], draw: random.Random) -> str:
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in word)
    while (made := "".join(draw.choices(CHINESE if chinese else LATIN, k=3))) in taken:
        continue
    return made
