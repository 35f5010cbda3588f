"""A month and labelled texts -> the texts as people write them in that month's world. Pure, and the same every time.

Source: made-up words, beginnings and shares of labels as in benchmarks/harm.py.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from examples.year.plan import LabelMixShift, Opening, VocabularyShift, Year
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.ingest.split import allocate
from satiety.text.words import split_words

LATIN = ("zor", "bli", "kam", "nu", "tex", "vra", "lo", "mip")
CHINESE = "囧槑氪燊犇骉鑫淼焱垚"
"""What made-up words are made of."""
FINE = 10**6


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a month is."""

    month: int
    planted: tuple[str, ...] = ()
    """The kinds of shifts in it."""
    opening: str = ""
    shares: Mapping[str, float] | None = None
    """Of the labels; None: as they come."""
    renamed: float = 0.0
    """Share of the texts that are written in the new words."""


def make_scenario(year: Year, month: int) -> Scenario:
    """Return the world of a month, 1 being the first."""
    scenario = Scenario(month)
    for shift in year.shifts:
        if not shift.first <= month <= shift.last:
            continue
        scenario = replace(scenario, planted=(*scenario.planted, shift.kind))
        match shift:
            case Opening():
                scenario = replace(scenario, opening=scenario.opening + shift.opening)
            case LabelMixShift():
                scenario = replace(scenario, shares=shift.shares)
            case VocabularyShift():
                scenario = replace(scenario, renamed=shift.shares[month - shift.first])
    return scenario


def choose_replacements(year: Year, examples: Sequence[Example]) -> dict[str, str]:
    """Return what a word is called in the new words: the same all year, no two words alike; empty where none change."""
    vocabulary = next((shift for shift in year.shifts if isinstance(shift, VocabularyShift)), None)
    if vocabulary is None:
        return {}
    draw, counts = random.Random(year.seed), Counter[str]()
    for example in examples:
        counts.update(sorted({example.text[a:b].lower() for a, b in split_words(example.text)}))
    common = sorted((w for w in counts if w.isalpha()), key=lambda word: (-counts[word], word))
    candidates = common[vocabulary.spared : vocabulary.spared + vocabulary.commonest]
    replacements: dict[str, str] = {}
    for word in sorted(draw.sample(candidates, min(vocabulary.replaced, len(candidates)))):
        replacements[word] = _invent_word(word, {*counts, *replacements.values()}, draw)
    return replacements


def draw_examples(
    examples: Sequence[Example], count: int, shares: Mapping[str, float] | None, draw: random.Random
) -> list[Example]:
    """Return so many of the examples, none twice: as they come, or with these shares of the labels.

    Raises:
        DataError: there are not so many of a label.
    """
    if shares is None:
        counts = {"": count}
        sides = {"": list(examples)}
    else:
        counts = allocate({label: round(share * FINE) for label, share in shares.items()}, count, 0)
        sides = {label: [example for example in examples if str(example.answer) == label] for label in counts}
    for label, number in counts.items():
        if number > len(sides[label]):
            suffix = f" of label {label!r}" if label else ""
            raise DataError(f"year: {number:,} texts{suffix} are asked for, but {len(sides[label]):,} are left")
    selected = [example for label in sorted(counts) for example in draw.sample(sides[label], counts[label])]
    draw.shuffle(selected)
    return selected


def write_example(example: Example, scenario: Scenario, replacements: Mapping[str, str]) -> Example:
    """Return the example as it is written in a world.

    A text that is written in new words one month is so in every later month that has as large a share of them.
    """
    text = _replace_words(example.text, replacements) if _hash_fraction(example) < scenario.renamed else example.text
    return replace(example, inputs={"text": scenario.opening + text})


def _hash_fraction(example: Example) -> float:
    """Return a number in [0, 1) that is a text's own."""
    return int.from_bytes(hashlib.sha256(f"renamed:{example.id}".encode()).digest()[:8], "big") / 2**64


def _replace_words(text: str, replacements: Mapping[str, str]) -> str:
    pieces, position = [], 0
    for start, end in split_words(text):
        pieces += [text[position:start], replacements.get(text[start:end].lower(), text[start:end])]
        position = end
    return "".join(pieces) + text[position:]


def _invent_word(word: str, existing: Collection[str], draw: random.Random) -> str:
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in word)
    while (candidate := "".join(draw.choices(CHINESE if chinese else LATIN, k=3))) in existing:
        continue
    return candidate
