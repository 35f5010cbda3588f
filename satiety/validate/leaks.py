"""Features that detect label leakage: in the text, id, order, or a trigger phrase.

Predictability of the label is Goodman and Kruskal's lambda, leave-one-out: 0 if the feature predicts no better than the
most common label, 1 if it is always right. The mean of a column is its lambda.

Source: Goodman & Kruskal 1954, "Measures of association for cross classifications", section 5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any

from satiety.core.normalization import normalise
from satiety.text.words import CJK, split_words
from satiety.validate.table import Feature, Table

MARK = (
    r"(?:__label__|\b(?:label|class|category|target|gold)\s*[:=]\s*|(?:标签|类别|分类)\s*(?:是|为|[:=])\s*)"
    r"[\"'“‘\[(<{【]*"
)
"""Prefix of a label written into a text; for texts in NFKC."""
MIN_ROWS = 20
"""Minimum number of texts with a trigger phrase; fewer may be chance."""
MIN_SHARE = 0.01
"""Minimum share of texts with a trigger phrase."""
PURITY = 0.98
"""Minimum share of a trigger phrase's texts with the same label."""
CHANCE = 1e-9
"""Largest probability that as many random texts all have the label, for a trigger phrase."""


def label_written(table: Table[Any]) -> list[str | None]:
    """Return how a text states its own label: ``label: spam``, ``__label__spam``, ``标签：垃圾``, ``[spam]``."""
    patterns = {}
    for label in table.labels:
        any_form = "|".join(_build_pattern(form) for form in _list_forms(table, label))
        framed = rf"[\[(<{{【](?:{any_form})[\])>}}】]"
        patterns[label] = re.compile(rf"{MARK}(?:{any_form})|^{framed}|{framed}$")
    matches = [
        patterns[label].search(text) if label in patterns else None
        for label, text in zip(table.single_labels, table.normal_texts, strict=True)
    ]
    return [match.group()[:80] if match else None for match in matches]


def label_named(table: Table[Any]) -> list[int]:
    """Return 1 if a text contains the name of its own label as a word, otherwise 0."""
    patterns = {
        label: re.compile("|".join(_build_pattern(form) for form in _list_forms(table, label)))
        for label in table.labels
    }
    return [
        int(label in patterns and bool(patterns[label].search(text)))
        for label, text in zip(table.single_labels, table.normal_texts, strict=True)
    ]


def id_tells(table: Table[Any]) -> list[float]:
    """Return the lambda of the label given the id: its prefix, last character, length, or number."""
    ids = [row.id for row in table.examples]
    numbers = [int(digits[-1][-15:]) if (digits := re.findall(r"[0-9]+", record_id)) else -1 for record_id in ids]
    views: list[Sequence[Hashable]] = [
        [re.split(r"[0-9]", record_id, maxsplit=1)[0] for record_id in ids],
        [record_id[-1:] for record_id in ids],
        [len(record_id) for record_id in ids],
        [number % 2 for number in numbers],
        _deciles(numbers),
    ]
    labels = table.single_labels
    return max((compute_lambda(view, labels) for view in views), key=sum)


def order_tells(table: Table[Any]) -> list[float]:
    """Return the lambda of the label given the previous row's label; high in sorted and in alternating tables."""
    labels = table.single_labels
    return compute_lambda([None, *labels[:-1]], labels) if labels else []


def trigger(table: Table[Any]) -> list[str | None]:
    """Return a word or bigram of the text that predicts its label: nearly all texts with it have that label."""
    labels, phrases = table.single_labels, [_extract_phrases(text) for text in table.normal_texts]
    texts = Counter(phrase for terms in phrases for phrase in terms)
    min_rows = max(MIN_ROWS, MIN_SHARE * len(labels))
    frequent = {phrase for phrase, count in texts.items() if count >= min_rows}
    with_label = Counter(
        (phrase, name) for terms, name in zip(phrases, labels, strict=True) for phrase in terms & frequent
    )
    share = {label: count / len(labels) for label, count in Counter(labels).items()}
    pure = {
        (phrase, label)
        for (phrase, label), count in with_label.items()
        if count >= PURITY * texts[phrase] and share[label] ** count < CHANCE
    }
    pairs = zip(phrases, labels, strict=True)
    giveaways = [[phrase for phrase in terms & frequent if (phrase, label) in pure] for terms, label in pairs]
    return [min(terms, key=lambda phrase: (-texts[phrase], -len(phrase), phrase), default=None) for terms in giveaways]


def compute_lambda(values: Sequence[Hashable], labels: Sequence[str | None]) -> list[float]:
    """Return each row's contribution to lambda: predict the most common label of the other rows with the same value."""
    counts, totals = Counter(zip(values, labels, strict=True)), Counter(labels)
    by_value: dict[Hashable, Counter[str | None]] = {}
    for (value, label), count in counts.items():
        by_value.setdefault(value, Counter())[label] = count
    chance = max(totals.values(), default=0) / (len(labels) or 1)
    if chance == 1:
        return [0.0] * len(labels)
    hits = [_guess_label(by_value[value], label) == label for value, label in zip(values, labels, strict=True)]
    return [(hit - chance) / (1 - chance) for hit in hits]


def _guess_label(label_counts: Counter[str | None], excluded: str | None) -> str | None:
    """Return the most common label of a group without one row of label ``excluded``."""
    counts = [(count - (label == excluded), label or "", label) for label, count in label_counts.items()]
    best = max(counts)
    return best[2] if best[0] else None


def _deciles(numbers: Sequence[int]) -> list[int]:
    ranks = {number: rank for rank, number in enumerate(sorted(set(numbers)))}
    return [10 * ranks[number] // len(ranks) for number in numbers]


def _extract_phrases(text: str) -> set[str]:
    tokens = [text[start:end] for start, end in split_words(text)]
    return set(tokens) | {" ".join(pair) for pair in pairwise(tokens)}


def _list_forms(table: Table[Any], label: str) -> set[str]:
    """Return the normalised forms of a label: as written, its display name, with spaces for underscores."""
    names = {label, table.label_names.get(label, label), label.replace("_", " ")}
    return {form for name in names if (form := normalise(name))}


def _build_pattern(form: str) -> str:
    """Return a pattern for a whole word; for CJK scripts, for any occurrence."""
    escaped = re.escape(form)
    return escaped if re.search(f"[{CJK}]", form) else rf"(?<![^\W_]){escaped}(?![^\W_])"


EXAMPLE_COLUMNS: dict[str, Feature] = {
    "label_written": label_written,
    "label_named": label_named,
    "id_tells": id_tells,
    "order_tells": order_tells,
    "trigger": trigger,
}
