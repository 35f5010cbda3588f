"""Columns that show where a label can be read off instead of being learned: in text, id, order, or a phrase.

*How far* something tells the label is Goodman and Kruskal's lambda, leave-one-out: 0 where guessing by it is no better
than guessing the commonest label, 1 where it never errs; the column's mean is that figure.

Source: Goodman & Kruskal 1954, "Measures of association for cross classifications", section 5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any

from satiety.validate.table import Feature, Table
from satiety.words import CJK, normalise, words

MARK = (
    r"(?:__label__|\b(?:label|class|category|target|gold)\s*[:=]\s*|(?:标签|类别|分类)\s*(?:是|为|[:=])\s*)"
    r"[\"'“‘\[(<{【]*"
)
"""What stands before a label that somebody wrote into a text; for texts in NFKC."""
LEAST_ROWS = 20
"""A phrase in fewer texts than this gives nothing away: chance could have done it."""
LEAST_SHARE = 0.01
"""Nor does one in a smaller share of the texts."""
PURITY = 0.98
"""Share of a phrase's texts that have one label, from which the phrase gives it away."""
CHANCE = 1e-9
"""Unless a label is so common that as many texts drawn at random would all have it with more than this probability."""


def label_written(table: Table[Any]) -> list[str | None]:
    """Return where a text spells its own label out: ``label: spam``, ``__label__spam``, ``标签：垃圾``, ``[spam]``."""
    patterns = {}
    for label in table.labels:
        any_form = "|".join(_word(form) for form in _forms(table, label))
        framed = rf"[\[(<{{【](?:{any_form})[\])>}}】]"
        patterns[label] = re.compile(rf"{MARK}(?:{any_form})|^{framed}|{framed}$")
    found = [patterns[label].search(text) if label in patterns else None for label, text in _labelled(table)]
    return [match.group()[:80] if match else None for match in found]


def label_named(table: Table[Any]) -> list[int]:
    """Return 1 where a text has its own label's name in it as a word, else 0."""
    patterns = {label: re.compile("|".join(_word(form) for form in _forms(table, label))) for label in table.labels}
    return [int(label in patterns and bool(patterns[label].search(text))) for label, text in _labelled(table)]


def id_tells(table: Table[Any]) -> list[float]:
    """Return how far the id tells the label: by prefix, last character, length, or the size of its number."""
    ids = [row.id for row in table.examples]
    numbers = [int(digits[-1][-15:]) if (digits := re.findall(r"[0-9]+", own)) else -1 for own in ids]
    views: list[Sequence[Hashable]] = [
        [re.split(r"[0-9]", own, maxsplit=1)[0] for own in ids],
        [own[-1:] for own in ids],
        [len(own) for own in ids],
        [number % 2 for number in numbers],
        _deciles(numbers),
    ]
    labels = table.single
    return max((tells(view, labels) for view in views), key=sum)


def order_tells(table: Table[Any]) -> list[float]:
    """Return how far the label of the row before tells the label: in sorted and in alternating tables it does."""
    labels = table.single
    return tells([None, *labels[:-1]], labels) if labels else []


def trigger(table: Table[Any]) -> list[str | None]:
    """Return a word, or two in a row, that gives the row's label away: nearly all its texts are of that label."""
    labels, phrases = table.single, [_phrases(text) for text in table.normal]
    texts = Counter(phrase for own in phrases for phrase in own)
    least = max(LEAST_ROWS, LEAST_SHARE * len(labels))
    often = {phrase for phrase, count in texts.items() if count >= least}
    with_label = Counter((phrase, name) for own, name in zip(phrases, labels, strict=True) for phrase in own & often)
    share = {label: count / len(labels) for label, count in Counter(labels).items()}
    pure = {
        (phrase, label)
        for (phrase, label), count in with_label.items()
        if count >= PURITY * texts[phrase] and share[label] ** count < CHANCE
    }
    pairs = zip(phrases, labels, strict=True)
    found = [[phrase for phrase in own & often if (phrase, label) in pure] for own, label in pairs]
    return [min(own, key=lambda phrase: (-texts[phrase], -len(phrase), phrase), default=None) for own in found]


def tells(values: Sequence[Hashable], labels: Sequence[str | None]) -> list[float]:
    """Return per row what it adds to lambda: guess each label as the commonest of the other rows of the same value."""
    seen, totals = Counter(zip(values, labels, strict=True)), Counter(labels)
    by_value: dict[Hashable, Counter[str | None]] = {}
    for (value, label), count in seen.items():
        by_value.setdefault(value, Counter())[label] = count
    chance = max(totals.values(), default=0) / (len(labels) or 1)
    if chance == 1:
        return [0.0] * len(labels)
    hits = [_guess(by_value[value], label) == label for value, label in zip(values, labels, strict=True)]
    return [(hit - chance) / (1 - chance) for hit in hits]


def _guess(others: Counter[str | None], own: str | None) -> str | None:
    """Return the commonest label of a group, its row of label ``own`` left out."""
    counts = [(count - (label == own), label or "", label) for label, count in others.items()]
    best = max(counts)
    return best[2] if best[0] else None


def _deciles(numbers: Sequence[int]) -> list[int]:
    ranks = {number: rank for rank, number in enumerate(sorted(set(numbers)))}
    return [10 * ranks[number] // len(ranks) for number in numbers]


def _phrases(text: str) -> set[str]:
    found = [text[start:end] for start, end in words(text)]
    return set(found) | {" ".join(pair) for pair in pairwise(found)}


def _forms(table: Table[Any], label: str) -> set[str]:
    """Return how a text may name a label: as it is, in words, with blanks for underscores."""
    named = {label, table.names.get(label, label), label.replace("_", " ")}
    return {form for name in named if (form := normalise(name))}


def _word(form: str) -> str:
    """Return a pattern for a whole word; where no blanks part words, for the form as it stands."""
    escaped = re.escape(form)
    return escaped if re.search(f"[{CJK}]", form) else rf"(?<![^\W_]){escaped}(?![^\W_])"


def _labelled(table: Table[Any]) -> list[tuple[str | None, str]]:
    return list(zip(table.single, table.normal, strict=True))


EXAMPLE_COLUMNS: dict[str, Feature] = {
    "label_written": label_written,
    "label_named": label_named,
    "id_tells": id_tells,
    "order_tells": order_tells,
    "trigger": trigger,
}
