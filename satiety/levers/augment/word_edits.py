"""Words of a text that an augmenter may change, and rewritten texts with their alignment.

nlpaug is called from here only. It draws from the global generators of Python and NumPy, which are therefore seeded
before each call and restored after it. Its words are those of `find_words`, because nlpaug treats a Chinese sentence
as one word.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from satiety.core.errors import SetupError
from satiety.problems.base import Rewrite
from satiety.text.negation import is_negation_or_number
from satiety.text.words import CJK, split_words

_RUN = re.compile(r"\S+")
_CORE = re.compile(r"[@#]?\w(?:.*\w)?", re.DOTALL)
_CJK = re.compile(f"[{CJK}]")
_SEPARATOR = "\x1f"
"""A control character that counts as white space, so no word contains it."""


def is_cjk(character: str) -> bool:
    """Return whether a character belongs to a script written without spaces."""
    return bool(_CJK.match(character))


def find_words(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of the words, without punctuation.

    A word extends from its first to its last letter between spaces, including a leading @ or #, so that links and user
    names stay whole. In scripts without spaces it is a word of the segmenter.
    """
    spans: list[tuple[int, int]] = []
    for match in _RUN.finditer(text):
        run, start = match.group(), match.start()
        if _CJK.search(run):
            spans += [(start + a, start + b) for a, b in split_words(run) if run[a].isalnum()]
        elif core := _CORE.search(run):
            spans.append((start + core.start(), start + core.end()))
    return spans


def find_movable(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of the words that may be moved or deleted: all but negations and numbers."""
    return [(start, end) for start, end in find_words(text) if not is_negation_or_number(text[start:end])]


def gaps(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans before, between and after the words: one more than there are words."""
    edges = [(0, 0), *spans, (len(text), len(text))]
    return [(end, start) for (_, end), (start, _) in pairwise(edges)]


def assemble(text: str, parts: Iterable[tuple[int, int] | str]) -> Rewrite:
    """Build a stripped text from spans (start, end) of the old text and new strings, with its alignment."""
    pieces: list[str] = []
    alignment: list[tuple[int, int, int]] = []
    length = 0
    for part in parts:
        piece = part if isinstance(part, str) else text[slice(*part)]
        if piece and not isinstance(part, str):
            source, target, size = alignment[-1] if alignment else (0, -1, 0)
            is_contiguous = (source + size, target + size) == (part[0], length)
            alignment[-1 if is_contiguous else len(alignment) :] = [
                (source, target, size + len(piece)) if is_contiguous else (part[0], length, len(piece))
            ]
        pieces.append(piece)
        length += len(piece)
    return _strip("".join(pieces), alignment)


def _strip(text: str, alignment: Iterable[tuple[int, int, int]]) -> Rewrite:
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    clipped = []
    for source, target, size in alignment:
        start, end = max(target, first), min(target + size, last)
        if start < end:
            clipped.append((source + start - target, start - first, end - start))
    return Rewrite(text.strip(), tuple(clipped))


def apply_noise(text: str, spans: Sequence[tuple[int, int]], noise: Any, rng: random.Random) -> Rewrite | None:
    """Return the text after an nlpaug augmenter changed some of the words; None where none was changed."""
    originals = [text[start:end] for start, end in spans]
    if not originals:
        return None
    with _preserve_random_state():
        seed = rng.getrandbits(32)
        random.seed(seed)
        np.random.seed(seed)
        (joined,) = noise.augment(_SEPARATOR.join(originals)) or [""]
    replacements = joined.split(_SEPARATOR)
    if replacements == originals or len(replacements) != len(originals):
        return None
    gap_spans = gaps(text, spans)
    parts: list[tuple[int, int] | str] = [gap_spans[0]]
    for span, original, replacement, gap in zip(spans, originals, replacements, gap_spans[1:], strict=True):
        parts += [span if original == replacement else replacement, gap]
    return assemble(text, parts)


@cache
def load_nlpaug(module: str, name: str, **options: Any) -> Any:
    """Return an nlpaug augmenter that reads and returns words joined by separators.

    Raises:
        SetupError: the extra ``train`` is not installed.
    """
    try:
        with _preserve_random_state():  # its imports draw random numbers
            maker: Callable[..., Any] = getattr(import_module(f"nlpaug.augmenter.{module}"), name)
            return maker(tokenizer=_split, reverse_tokenizer=_SEPARATOR.join, **options)
    except ImportError:
        raise SetupError("this augmenter uses nlpaug, from the extra `train`: pip install 'satiety[train]'") from None


def _split(joined: str) -> list[str]:
    return joined.split(_SEPARATOR)


@contextmanager
def _preserve_random_state() -> Iterator[None]:
    """Restore the states of the global generators after the block."""
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
