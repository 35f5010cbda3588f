"""Named entity recognition: one tag per unit of text, scored on whole entities.

Tags are IOB2 (Ratnaparkhi 1998) over the units of `satiety.text.words`, so that Chinese needs no segmenter and tokens
never cross the bounds of a unit. Only the first sub-token of a unit has a target and an output; other sub-tokens,
special tokens and padding are ignored. An entity is correct when both its offsets and its type are.

Source of the score: Tjong Kim Sang & De Meulder 2003, CoNLL-2003 shared task, section 2.4; seqeval in strict mode.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from satiety.core.answers import Span, Spans, labels_of, read_spans
from satiety.core.errors import DataError
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, LabelSet, Prediction, Problem, ratio, score_classes
from satiety.problems.windows import IGNORE, Window
from satiety.text.words import split_units

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.core.inputs import Inputs
    from satiety.problems.base import Floats, ZeroShotModel

OUTSIDE = "O"
TEXTS = {
    "en": (("Maria Keller opened a shop in Lisbon.", "Maria Keller"), "The shop opens at nine."),
    "zh": (("王小明在杭州开了一家店。", "王小明"), "这家店九点开门。"),
}
NEVER = -1e9
"""Score of a transition that IOB2 forbids."""


@PROBLEMS.register("ner")
class Ner(Problem):
    """Recognise named entities: spans of the text, each with a type."""

    headline: ClassVar = "entity_f1"
    metrics: ClassVar = ("entity_f1", "entity_precision", "entity_recall")
    gold: ClassVar = "spans"
    answer: ClassVar = Spans
    head: ClassVar = "token"
    suite: ClassVar = "labelled_ner"

    labels: LabelSet = None
    """The entity types. null takes those found in the data, in alphabetical order."""

    @classmethod
    def sample(cls) -> Self:
        return cls(labels=["LOC", "PER"])

    def parse(self, cell: Any) -> Spans:
        return read_spans(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        text, end = str(inputs["text"]), 0
        for span in _spans(answer):
            if not 0 <= span.start < span.end <= len(text):
                raise ValueError(f"span {span.start}:{span.end} is outside a text of {len(text)} characters")
            if span.start < end:
                raise ValueError(f"span {span.start}:{span.end} overlaps the previous span")
            if not span.label:
                raise ValueError(f"span {span.start}:{span.end} has no entity type")
            if self.labels is not None and span.label not in self.labels:
                raise ValueError(f"entity type {span.label[:80]!r} is not one of: {', '.join(self.labels)[:200]}")
            end = span.end

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        data_labels = labels_of(example.answer for example in examples)
        if not data_labels:
            raise DataError("ner: no example has an entity: check the column mapping of `spans` (or of the tags)")
        return self.model_copy(update={"labels": self.labels if self.labels is not None else data_labels})

    @property
    def classes(self) -> tuple[str, ...]:
        return (OUTSIDE, *(f"{prefix}-{label}" for label in self._types for prefix in "BI"))

    @property
    def _types(self) -> list[str]:
        if self.labels is None:
            raise ValueError("the entity types are not fixed: call `fit_labels` first")
        return self.labels

    def stratum(self, example: Example) -> str:
        return "+".join(labels_of([example.answer])) or OUTSIDE

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        """Split long texts into overlapping windows; each unit has its target in the window with most context."""
        prefix, suffix = _special_tokens(tokenizer)
        capacity = max_length - len(prefix) - len(suffix)
        index = {name: i for i, name in enumerate(self.classes)}
        windows = []
        for number, example in enumerate(examples):
            offsets = split_units(example.text)
            tags = _unit_tags(offsets, _spans(example.answer))
            ids, owners = _tokenize(tokenizer, [example.text[start:end] for start, end in offsets])
            for part, core in _split_windows(len(ids), capacity):
                window_units = [owners[i] if i in core else -1 for i in part]
                targets = [index.get(tags[unit], IGNORE) if unit >= 0 else IGNORE for unit in window_units]
                windows.append(
                    Window(
                        example=number,
                        input_ids=[*prefix, *(ids[i] for i in part), *suffix],
                        targets=[*[IGNORE] * len(prefix), *targets, *[IGNORE] * len(suffix)],
                        units=[*[-1] * len(prefix), *window_units, *[-1] * len(suffix)],
                    )
                )
        return windows

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[Floats]
    ) -> list[Prediction]:
        """Predict the best sequence of tags that IOB2 allows, over all windows of a text (Viterbi 1967)."""
        offsets = [split_units(example.text) for example in examples]
        scores = [np.zeros((len(unit_offsets), len(self.classes))) for unit_offsets in offsets]
        for window, rows in zip(windows, logits, strict=True):
            for unit, row in zip(window.units, rows, strict=False):  # padded rows may be longer
                if unit >= 0:
                    scores[window.example][unit] = row - np.logaddexp.reduce(row)
        transitions = self._transitions()
        return [
            self._prediction(unit_offsets, score, transitions)
            for unit_offsets, score in zip(offsets, scores, strict=True)
        ]

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Count true positives, predicted and gold entities of each type; shape (examples, 3 · types)."""
        index = {label: i for i, label in enumerate(self._types)}
        counts = np.zeros((len(gold), 3, len(index)))
        for row, example, prediction in zip(counts, gold, predicted, strict=True):
            predicted_spans, gold_spans = _spans(prediction.answer), _spans(example.answer)
            guesses, truths = _entities(predicted_spans, gold_spans), _entities(gold_spans, predicted_spans)
            for kind, entities in enumerate((guesses & truths, guesses, truths)):
                for label, _, _ in entities:
                    row[kind, index[label]] += 1
        return counts.reshape(len(gold), 3 * len(index))

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        correct, predicted, gold = np.split(tallies, 3, axis=-1)
        return {
            "entity_f1": ratio(2 * correct.sum(-1), (predicted + gold).sum(-1)),
            "entity_precision": ratio(correct.sum(-1), predicted.sum(-1)),
            "entity_recall": ratio(correct.sum(-1), gold.sum(-1)),
            **score_classes(self._types, correct, predicted, gold),
        }

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the longest exact matches with entities of the training examples."""
        mentions: dict[str, Counter[str]] = defaultdict(Counter)
        for example in train:
            for span in _spans(example.answer):
                mentions[example.text[span.start : span.end]][span.label] += 1
        max_length = max(map(len, mentions), default=0)
        return [_prediction(list(_match_mentions(example.text, mentions, max_length))) for example in examples]

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return [
            (prediction.scores[span.offsets], span in _spans(example.answer))
            for example, prediction in zip(gold, predicted, strict=True)
            for span in _spans(prediction.answer)
        ]

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        pairs = []
        for example, prediction in zip(gold, predicted, strict=True):
            truth = {span.offsets: span.label for span in _spans(example.answer)}
            guess = {span.offsets: span.label for span in _spans(prediction.answer)}
            pairs += [(truth.get(place, OUTSIDE), guess.get(place, OUTSIDE)) for place in sorted(truth | guess)]
        return pairs

    def contradicts(self, stored: Answer, confidence: float, prediction: Prediction, tolerance: float) -> bool:
        """Return whether a confident span (probability over 0.5 + ``tolerance``) was added or removed."""
        stored_spans, new_spans = _spans(stored), _spans(prediction.answer)
        if stored_spans == new_spans:
            return not abs(prediction.confidence - confidence) <= tolerance
        threshold = 0.5 + tolerance
        # Only the mean probability is stored: the bound for one span assumes probability 1 of the others.
        lower_bound = confidence * len(stored_spans) - (len(stored_spans) - 1)
        is_added = any(prediction.scores[span.offsets] > threshold for span in set(new_spans) - set(stored_spans))
        return is_added or (bool(set(stored_spans) - set(new_spans)) and not lower_bound <= threshold)

    def examples(self, language: str) -> list[Example]:
        (text, name), text_without_entity = TEXTS[language]
        person = Spans((Span(0, len(name), self._types[-1]),))
        return [Example("0", {"text": text}, person), Example("1", {"text": text_without_entity}, Spans())]

    def signature(self) -> dict[str, Any]:
        types = {"start": "long", "end": "long", "label": "string", "text": "string"}
        properties = {name: {"type": kind, "required": True} for name, kind in types.items()}
        return {"type": "array", "items": {"type": "object", "properties": properties}}

    def to_json(self, inputs: Inputs, answer: Answer | None) -> list[dict[str, Any]]:
        text = str(inputs["text"])
        return [
            {"start": span.start, "end": span.end, "label": span.label, "text": text[span.start : span.end]}
            for span in _spans(answer)
        ]

    def _transitions(self) -> Floats:
        """Return the scores of tag pairs (previous, next), shape (classes + 1, classes); last row: start of text."""
        transitions = np.zeros((len(self.classes) + 1, len(self.classes)))
        for target, name in enumerate(self.classes):
            if name.startswith("I-"):
                transitions[:, target] = NEVER
                transitions[[target - 1, target], target] = 0  # from B and from I of the same type
        return transitions

    def _prediction(self, offsets: Sequence[tuple[int, int]], scores: Floats, transitions: Floats) -> Prediction:
        entities: list[tuple[Span, float]] = []
        chances, tags = [], [self.classes[i] for i in _best_path(scores, transitions)]
        for (start, end), tag, row in zip(offsets, tags, scores, strict=True):
            chance = float(np.exp(row[self.classes.index(tag)]))
            chances.append(chance)
            if tag.startswith("B-"):
                entities.append((Span(start, end, tag[2:]), chance))
            elif tag.startswith("I-"):
                span, span_chance = entities.pop()
                entities.append((replace(span, end=end), min(span_chance, chance)))
        return _prediction(entities, fallback=min(chances, default=1.0))


def _prediction(entities: list[tuple[Span, float]], fallback: float = 1.0) -> Prediction:
    """Return a prediction from spans and probabilities; ``fallback`` is the confidence where there is no span."""
    confidence = sum(chance for _, chance in entities) / len(entities) if entities else fallback
    return Prediction(
        Spans(tuple(span for span, _ in entities)),
        confidence=confidence,
        scores={span.offsets: chance for span, chance in entities},
    )


def _spans(answer: Answer | None) -> tuple[Span, ...]:
    return answer.spans if isinstance(answer, Spans) else ()


def _unit_tags(offsets: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    """Return the IOB2 tags of units; a unit that overlaps a span belongs to it."""
    tags = [OUTSIDE] * len(offsets)
    for span in spans:
        covered = [
            i for i, (start, end) in enumerate(offsets) if start < span.end and end > span.start and tags[i] == OUTSIDE
        ]
        for i in covered:
            tags[i] = f"{'B' if i == covered[0] else 'I'}-{span.label}"
    return tags


def _tokenize(tokenizer: Any, pieces: list[str]) -> tuple[list[int], list[int]]:
    """Return token ids, and for each token the unit that begins with it, or -1."""
    if not pieces:
        return [], []
    encoded = tokenizer(pieces, is_split_into_words=True, add_special_tokens=False, verbose=False)
    owners = encoded.word_ids()
    firsts = [unit if i == 0 or owners[i - 1] != unit else -1 for i, unit in enumerate(owners)]
    return encoded["input_ids"], firsts


def _special_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the special tokens before and after a text."""
    ids = tokenizer("")["input_ids"]
    sample_ids = tokenizer("a")["input_ids"]
    split = next(i for i, (a, b) in enumerate(zip([*ids, None], sample_ids, strict=False)) if a != b)
    return ids[:split], ids[split:]


def _split_windows(length: int, capacity: int) -> Iterator[tuple[range, range]]:
    """Yield (tokens of a window, tokens with a target in it); each token has a target once, with context around it."""
    margin = capacity // 4
    start, answered_from = 0, 0
    while True:
        end = min(start + capacity, length)
        answered_to = length if end == length else end - margin
        yield range(start, end), range(answered_from, answered_to)
        if end == length:
            return
        start, answered_from = answered_to - margin, answered_to


def _best_path(scores: Floats, transitions: Floats) -> list[int]:
    """Return the class indices of the path with the highest score; scores have shape (units, classes)."""
    if not len(scores):
        return []
    best, backpointers = scores[0] + transitions[-1], []
    for row in scores[1:]:
        candidates = best[:, None] + transitions[:-1]
        backpointers.append(candidates.argmax(axis=0))
        best = candidates.max(axis=0) + row
    path = [int(best.argmax())]
    for pointers in reversed(backpointers):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def _entities(spans: Sequence[Span], other_spans: Sequence[Span]) -> set[tuple[str, int, int]]:
    """Return seqeval's entities of ``spans``, tagged over the segments between all bounds of both lists."""
    from seqeval.scheme import IOB2, Entities

    cuts = sorted({boundary for span in (*spans, *other_spans) for boundary in (span.start, span.end)})
    segments = list(pairwise(cuts))
    if not segments:
        return set()
    tags = _unit_tags(segments, spans)
    return {(e.tag, segments[e.start][0], segments[e.end - 1][1]) for e in Entities([tags], IOB2).entities[0]}


def _match_mentions(text: str, mentions: Mapping[str, Counter[str]], max_length: int) -> Iterator[tuple[Span, float]]:
    """Yield the longest matches from left to right, each with its most frequent label and the share of that label."""
    offsets, i = split_units(text), 0
    while i < len(offsets):
        start = offsets[i][0]
        ends = [
            j
            for j in range(i, len(offsets))
            if offsets[j][1] - start <= max_length and text[start : offsets[j][1]] in mentions
        ]
        if ends:
            labels = mentions[text[start : offsets[ends[-1]][1]]]
            label, count = min(labels.items(), key=lambda pair: (-pair[1], pair[0]))
            yield Span(start, offsets[ends[-1]][1], label), count / labels.total()
        i = ends[-1] + 1 if ends else i + 1
