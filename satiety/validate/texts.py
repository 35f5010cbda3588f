"""Features of the characters and words of a text, for examples and documents."""

import re
from typing import Any

from satiety.text.words import split_words
from satiety.validate.table import Feature, Table

_OTHER = re.compile(r"[\W_]+")
_SPACE = re.compile(r"\s+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_GARBAGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
"""Control, private-use and replacement characters."""


def characters(table: Table[Any]) -> list[int]:
    """Return the number of characters, without leading and trailing white space."""
    return [len(text.strip()) for text in table.texts]


def word_count(table: Table[Any]) -> list[int]:
    """Return the number of words; Chinese is segmented."""
    return [len(split_words(text)) for text in table.texts]


def han(table: Table[Any]) -> list[float]:
    """Return the share of Chinese characters among letters and digits."""
    return [len(_HAN.findall(text)) / (len(_OTHER.sub("", text)) or 1) for text in table.texts]


def symbols(table: Table[Any]) -> list[float]:
    """Return the share of characters that are neither letters nor digits, excluding white space."""
    dense = [_SPACE.sub("", text) for text in table.texts]
    return [1 - len(_OTHER.sub("", text)) / len(text) if text else 0.0 for text in dense]


def garbage(table: Table[Any]) -> list[float]:
    """Return the share of control, private-use and replacement characters."""
    return [len(_GARBAGE.findall(text)) / len(text) if text else 0.0 for text in table.texts]


COLUMNS: dict[str, Feature] = {
    "characters": characters,
    "words": word_count,
    "han": han,
    "symbols": symbols,
    "garbage": garbage,
}
