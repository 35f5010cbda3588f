"""Normal form of texts for comparing duplicates."""

import re
import unicodedata

IGNORABLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Invisible characters (Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties)."""


def normalise(text: str) -> str:
    """Return the text in NFKC, case-folded, without invisible characters, with single spaces for white space."""
    return " ".join(unicodedata.normalize("NFKC", IGNORABLE.sub("", text)).casefold().split())
