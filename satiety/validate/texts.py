"""Columns that say what a text is made of; for examples and documents alike."""

import re
from typing import Any

from satiety.text.words import split_words
from satiety.validate.table import Feature, Table

_OTHER = re.compile(r"[\W_]+")
_SPACE = re.compile(r"\s+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_GARBAGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
"""Control characters, private use, and what stands where bytes could not be read."""


def characters(table: Table[Any]) -> list[int]:
    """Count characters, white space at the ends not among them: a blank text has none."""
    return [len(text.strip()) for text in table.texts]


def word_count(table: Table[Any]) -> list[int]:
    """Count words; Chinese is segmented."""
    return [len(split_words(text)) for text in table.texts]


def han(table: Table[Any]) -> list[float]:
    """Return the share of Chinese characters among letters and digits."""
    return [len(_HAN.findall(text)) / (len(_OTHER.sub("", text)) or 1) for text in table.texts]


def symbols(table: Table[Any]) -> list[float]:
    """Return the share of characters that are neither letters nor digits, white space aside."""
    dense = [_SPACE.sub("", text) for text in table.texts]
    return [1 - len(_OTHER.sub("", text)) / len(text) if text else 0.0 for text in dense]


def garbage(table: Table[Any]) -> list[float]:
    """Return the share of characters that no text is made of."""
    return [len(_GARBAGE.findall(text)) / len(text) if text else 0.0 for text in table.texts]


COLUMNS: dict[str, Feature] = {
    "characters": characters,
    "words": word_count,
    "han": han,
    "symbols": symbols,
    "garbage": garbage,
}
