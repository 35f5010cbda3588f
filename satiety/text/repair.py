"""Repair damaged texts where the original is certain, and list the repairs.

Repaired: HTML entities, mojibake whose repair is reversible, control, zero-width and bidirectional characters, and
terminal colour codes. The result is in NFC. Counts of the repairs measure how dirty a source is.

Source of the mojibake detector: Speer 2019, "ftfy", doi:10.5281/zenodo.2591652. That of the limit on combining marks:
Unicode Standard Annex #15, section 13, "Stream-Safe Text Format", which allows 30.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, pairwise

from satiety.core.answers import Span

_ENTITY = re.compile(r"&(?:#\d{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};)")
"""A numeric entity needs no semicolon; browsers accept it too."""
_NUMBER = re.compile(r"&#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6});?")
"""Doubly escaped numbers are always damage; ``&amp;lt;`` may be intended."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ZERO_WIDTH = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u3164\ufe00-\ufe0e\ufeff\uffa0]"
    # Variation selectors and tags are part of emoji; elsewhere they are removed.
    r"|(?<![\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f(?!\u20e3)"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001\U000e0020-\U000e007f]+"
    # Joiners are part of emoji and of Arabic or Indic words; elsewhere they are removed.
    r"|(?<![\u0590-\u0dff\u0f00-\u109f\u1780-\u17ff\ufe0f\u2600-\u27bf\U0001f000-\U0001faff])[\u200c\u200d]"
)
_STRIPPED = {"ansi": _ANSI, "control": _CONTROL, "bidi": _BIDI, "zero_width": _ZERO_WIDTH}
_SURROGATE = re.compile(r"[\ud800-\udfff]")
MAX_MARKS = 1_000
"""Most consecutive combining marks: real scripts have few, and sorting them takes quadratic time."""


def repair(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the repaired text and the kinds of repair, in order.

    Raises:
        ValueError: the text contains half of a surrogate pair, or more than MAX_MARKS combining marks in a row.
    """
    if text.isascii() and "&" not in text and text.isprintable():
        return text, ()
    if surrogate := _SURROGATE.search(text):
        raise ValueError(f"incomplete surrogate pair at character {surrogate.start()}")
    kinds: list[str] = []
    for kind, change in _CHANGES.items():
        changed = change(text)
        if changed != text:
            kinds.append(kind)
            text = changed
    return text, tuple(kinds)


def salvage(text: str) -> str:
    """Repair a refused text as far as possible, so that it can be shown, searched and written."""
    text = _SURROGATE.sub("?", text)
    for kind, change in _CHANGES.items():
        text = change(text) if kind != "nfc" else text
    start = _find_endless_marks(text)
    return text if start is None else text[:start]


def repair_spans(text: str, spans: Sequence[Span]) -> tuple[str, tuple[Span, ...], tuple[str, ...]]:
    """Repair a text and shift its spans, by repairing the pieces between span edges separately.

    Raises:
        ValueError: as in ``repair``; or a span becomes empty; or its edge is inside a composed character, an HTML
            entity or another sequence that is repaired as a whole.
    """
    cuts = sorted({0, len(text), *(place for span in spans for place in (span.start, span.end))})
    pieces = [repair(text[start:end]) for start, end in pairwise(cuts)]
    ends = accumulate((len(piece) for piece, _ in pieces), initial=0)
    offsets = dict(zip(cuts, ends, strict=True))
    joined = "".join(piece for piece, _ in pieces)
    shifted = tuple(replace(span, start=offsets[span.start], end=offsets[span.end]) for span in spans)
    for span, place in zip(spans, shifted, strict=True):
        if not joined[place.start : place.end].strip():
            raise ValueError(f"the span {span.start}–{span.end} is empty after the repair")
    if _normalise_nfc(joined) != joined:
        raise ValueError("a span begins or ends inside a composed character")
    if joined != repair(text)[0]:
        raise ValueError("a span begins or ends inside a sequence that must be repaired as a whole")
    return joined, shifted, tuple(dict.fromkeys(kind for _, kinds in pieces for kind in kinds))


def _fix_mojibake(text: str) -> str:
    """Undo one wrong decoding if it is exactly reversible.

    Only one round: further repairs by ftfy, as in ``—è“è``, may change an intended text.
    """
    if text.isascii():
        return text
    import ftfy

    _, plan = ftfy.fix_encoding_and_explain(text)
    if not plan or [step.action for step in plan[:2]] != ["encode", "decode"]:
        return text
    wrong_encoding, true_encoding = plan[0].parameter, plan[1].parameter
    try:
        fixed: str = text.encode(wrong_encoding).decode(true_encoding)
        return fixed if fixed.encode(true_encoding).decode(wrong_encoding) == text else text
    except UnicodeError:
        return text


def _unescape_entities(text: str) -> str:
    for entity in (_ENTITY, _NUMBER, _NUMBER):
        text = entity.sub(lambda match: html.unescape(match.group()), text)
    return text


def _normalise_nfc(text: str) -> str:
    start = _find_endless_marks(text)
    if start is not None:
        raise ValueError(f"more than {MAX_MARKS:,} combining marks in a row from character {start}")
    return unicodedata.normalize("NFC", text)


def _find_endless_marks(text: str) -> int | None:
    """Return the start of a run of over MAX_MARKS combining marks; checking every MAX_MARKS-th character suffices."""
    for position in range(MAX_MARKS, len(text), MAX_MARKS):
        if _is_mark(text[position]):
            start = next((i for i in range(position, -1, -1) if not _is_mark(text[i])), -1) + 1
            if all(map(_is_mark, text[start : start + MAX_MARKS + 1])) and len(text) > start + MAX_MARKS:
                return start
    return None


def _is_mark(character: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) > 0


_CHANGES: dict[str, Callable[[str], str]] = {
    "html": _unescape_entities,
    "mojibake": _fix_mojibake,
    **{kind: partial(pattern.sub, "") for kind, pattern in _STRIPPED.items()},
    "nfc": _normalise_nfc,
}
"""Order matters: an entity may encode a control character, and mojibake contains control characters."""
