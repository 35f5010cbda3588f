"""Find exact and near-duplicates in English and Chinese texts.

Texts are *normalised* first (NFKC, case, white space). Exact duplicates are equal then; near-duplicates have a Jaccard
similarity of character 5-grams at or above a threshold. Banded MinHash signatures propose pairs, and the exact
similarity confirms each. So there are no false positives, and a pair at the threshold is missed with probability below
1/200. The result depends only on the texts and their order.

Source: Broder 1997, "On the resemblance and containment of documents"; banding as in Leskovec, Rajaraman & Ullman,
"Mining of Massive Datasets", section 3.4; sketches by rensa (R-MinHash).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from satiety.core.normalization import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.core.records import Example

R = TypeVar("R")

SHINGLE = 5
"""Characters per shingle."""
HASHES = 128
"""Length of a signature."""
MAX_MISS = 0.005
"""Largest probability that banding misses a pair exactly at the threshold."""
CONTAINED_BYTES = 24
"""Minimum UTF-8 length of a text for containment: 24 Latin letters or 8 ideographs."""
ANCHOR = 6
"""Length of the n-grams that index containment; every text of CONTAINED_BYTES has at least 6 characters."""
_SEED = 20261123
_BATCH = 16384


@dataclass(frozen=True, slots=True)
class DuplicateStatus:
    """Result of deduplication for one text."""

    id: str
    twin: str | None
    """Id of the earlier text that this one duplicates; None: the text is kept."""
    exact: bool = False
    """Whether the two are equal after normalisation."""


def jaccard(text: str, reference: str) -> float:
    """Return the Jaccard similarity of two normalised texts' shingle sets."""
    a, b = _shingles(text), _shingles(reference)
    return len(a & b) / len(a | b)


def find_duplicates(texts: Iterable[tuple[str, str]], threshold: float) -> Iterator[DuplicateStatus]:
    """Yield for each (id, text), in order, whether it duplicates an earlier text that was kept.

    Args:
        texts: ids and texts; all are kept in memory.
        threshold: similarity in (0, 1] from which two texts are duplicates.
    """
    ids, normal = _normalise_pairs(texts)
    first: dict[str, int] = {}
    fresh = [i for i, text in enumerate(normal) if first.setdefault(text, i) == i]
    matches = _find_earlier([normal[i] for i in fresh], threshold)
    originals = {i: (i if twin is None else fresh[twin]) for i, twin in zip(fresh, matches, strict=True)}
    for i, (id, text) in enumerate(zip(ids, normal, strict=True)):
        original = originals[first[text]]
        yield DuplicateStatus(
            id, None if original == i else ids[original], exact=original != i and normal[original] == text
        )


def group_similar(texts: Sequence[str], threshold: float) -> list[int]:
    """Return for each text the index of its group's first text: single-linkage groups at ``threshold`` similarity."""
    normal = [normalise(text) for text in texts]
    root = list(range(len(normal)))
    first: dict[str, int] = {}
    for i, text in enumerate(normal):
        root[i] = first.setdefault(text, i)
    buckets = _Buckets(normal, threshold)
    for i in buckets.collisions:
        for j in buckets.find_earlier(i):
            a, b = _find_root(root, i), _find_root(root, j)
            if a != b and jaccard(normal[i], normal[j]) >= threshold:
                root[max(a, b)] = min(a, b)
        buckets.add(i)
    return [_find_root(root, i) for i in range(len(root))]


class HeldOut:
    """Index of the held-out texts (dev and test) for decontamination of training data."""

    def __init__(self, texts: Iterable[tuple[str, str]], threshold: float) -> None:
        """Index (id, text) pairs; texts are duplicates from the similarity ``threshold`` in (0, 1]."""
        self.threshold = threshold
        self._ids, self._texts = _normalise_pairs(texts)
        self._exact = {text: i for i, text in reversed(list(enumerate(self._texts)))}
        self._containment = _Containment(self._texts)

    @classmethod
    def from_examples(cls, examples: Iterable[Example], threshold: float) -> Self:
        """Index the texts of these examples."""
        return cls(((example.id, example.text) for example in examples), threshold)

    def find_leaks(self, texts: Sequence[str]) -> list[str | None]:
        """Return for each text the id of a held-out text that it leaks, or None.

        A text leaks a held-out one if they are exact or near-duplicates, or if the longer contains the shorter and the
        shorter has at least CONTAINED_BYTES.
        """
        normal, references = [normalise(text) for text in texts], self._texts
        matches = [self._exact.get(text, self._containment.find_first(text)) for text in normal]
        buckets = _Buckets(references + normal, self.threshold)
        for i in buckets.collisions:
            if i < len(references):
                buckets.add(i)
            elif matches[i - len(references)] is None:
                text = normal[i - len(references)]
                candidates = (j for j in buckets.find_earlier(i) if jaccard(references[j], text) >= self.threshold)
                matches[i - len(references)] = next(candidates, None)
        return [None if i is None else self._ids[i] for i in matches]

    def partition(self, records: Sequence[R], text: Callable[[R], str]) -> tuple[list[R], list[tuple[R, str]]]:
        """Return the records without a leak, and the leaking ones, each with the id of the held-out text."""
        pairs = list(zip(records, self.find_leaks([text(record) for record in records]), strict=True))
        return [record for record, twin in pairs if twin is None], [
            (record, twin) for record, twin in pairs if twin is not None
        ]


def _normalise_pairs(texts: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ids, normal = [], []
    for id, text in texts:
        ids.append(id)
        normal.append(normalise(text))
    return ids, normal


def _find_earlier(normal: Sequence[str], threshold: float) -> list[int | None]:
    """Return for each text the index of the first kept text that is a near-duplicate."""
    matches: list[int | None] = [None] * len(normal)
    buckets = _Buckets(normal, threshold)
    for i in buckets.collisions:
        matches[i] = next((j for j in buckets.find_earlier(i) if jaccard(normal[i], normal[j]) >= threshold), None)
        if matches[i] is None:
            buckets.add(i)
    return matches


def _find_root(root: list[int], i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


class _Buckets:
    """Locality-sensitive index: the earlier texts that share a band of the signature."""

    def __init__(self, normal: Sequence[str], threshold: float) -> None:
        self._keys = _band_keys(normal, threshold)
        self._members: dict[int, list[int]] = defaultdict(list)
        self.collisions = np.flatnonzero((self._keys >= 0).any(axis=1)).tolist() if len(normal) else []
        """Indices of the texts that share a bucket with another text, in order."""

    def find_earlier(self, i: int) -> list[int]:
        """Return the indices of the added texts that share a bucket with text i, in order."""
        return sorted({j for key in self._keys[i].tolist() if key >= 0 for j in self._members[key]})

    def add(self, i: int) -> None:
        """Add text i to its buckets."""
        for key in self._keys[i].tolist():
            if key >= 0:
                self._members[key].append(i)


class _Containment:
    """Index for containment between a text and the held-out texts, in both directions."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._starts: dict[str, list[int]] = defaultdict(list)
        self._grams: dict[str, list[int]] = defaultdict(list)
        for i, text in enumerate(texts):
            if _is_distinctive(text):
                self._starts[text[:ANCHOR]].append(i)
            for gram in {text[k : k + ANCHOR] for k in range(len(text) - ANCHOR + 1)}:
                self._grams[gram].append(i)

    def find_first(self, text: str) -> int | None:
        """Return the first held-out text that is contained in ``text``, or contains it if ``text`` is distinctive."""
        grams = {text[k : k + ANCHOR] for k in range(len(text) - ANCHOR + 1)}
        matches = [i for gram in grams & self._starts.keys() for i in self._starts[gram] if self._texts[i] in text]
        if _is_distinctive(text):
            matches += [i for i in self._grams.get(text[:ANCHOR], ()) if text in self._texts[i]]
        return min(matches, default=None)


def _is_distinctive(text: str) -> bool:
    return len(text.encode("utf-8", "surrogatepass")) >= CONTAINED_BYTES


@lru_cache(maxsize=4096)
def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1)))


def _band_keys(normal: Sequence[str], threshold: float) -> NDArray[np.int64]:
    """Return a bucket number per text and band, shape (texts, bands); -1 for a bucket with a single text."""
    width = _band_width(threshold)
    keys = np.empty((len(normal), HASHES // width), dtype=np.uint64)
    mixer = np.random.default_rng(_SEED).integers(1, 2**63, width, dtype=np.uint64) | np.uint64(1)
    for start in range(0, len(normal), _BATCH):
        signatures = _signatures(normal[start : start + _BATCH])[:, : keys.shape[1] * width]
        bands = signatures.reshape(len(signatures), -1, width)
        keys[start : start + _BATCH] = _mix((bands * mixer).sum(axis=2, dtype=np.uint64))
    numbers, offset = np.full(keys.shape, -1, dtype=np.int64), 0
    for band in range(keys.shape[1]):
        buckets, inverse, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        numbers[:, band] = np.where(counts[inverse] > 1, inverse + offset, -1)
        offset += len(buckets)
    return numbers


def _band_width(threshold: float) -> int:
    """Return the hashes per band: the most that keep the miss probability at the threshold below MAX_MISS."""
    fits = [r for r in range(1, HASHES + 1) if (1 - threshold**r) ** (HASHES // r) <= MAX_MISS]
    return max(fits, default=1)


def _signatures(normal: Sequence[str]) -> NDArray[np.uint64]:
    """Return MinHash signatures of normalised texts, shape (texts, HASHES)."""
    from rensa import RMinHash

    hashes, offsets = _shingle_hashes(normal)
    matrix: Any = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, HASHES, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint64)


def _shingle_hashes(normal: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the hashes of all shingles, and the offset of each text's; short texts are padded to one shingle."""
    padded = [text.ljust(SHINGLE, "\0") for text in normal]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    ends = np.cumsum(lengths)
    rolled = np.zeros(len(codes) - SHINGLE + 1, dtype=np.uint64)
    for k in range(SHINGLE):
        rolled = _mix(rolled + codes[k : len(codes) - SHINGLE + 1 + k])
    starts = np.ones(len(codes), dtype=bool)
    for k in range(SHINGLE - 1):
        starts[ends - 1 - k] = False
    offsets = np.concatenate([[0], np.cumsum(lengths - SHINGLE + 1)]).astype(np.uint64)
    return rolled[starts[: len(rolled)]], offsets


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix 64-bit integers bijectively. Source: SplitMix64 (Steele, Lea & Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
