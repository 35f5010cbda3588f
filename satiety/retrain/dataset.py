"""The record of traffic and of corrections -> labels to learn from, fresh test examples, and raw texts.

A text's own digest decides for ever on which side it is, so a fresh test grows from one retraining to the next and
none of it is ever learned from. A text that was corrected twice counts once, as it was corrected last. What repeats a
text of either test goes; of a pair that stands on both sides, the one to learn from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from satiety.core.answers import load
from satiety.core.errors import DataError
from satiety.core.inputs import content_id, text_of
from satiety.core.records import Document, Example, Feedback, Served
from satiety.problems.base import Problem, is_answer_to
from satiety.retrain import Retrain
from satiety.retrain.recorded_ids import RecordedIds, collect_ids, identify_correction
from satiety.text.deduplication import HeldOut
from satiety.text.language import detect_languages

NONE = RecordedIds()


@dataclass(frozen=True, slots=True)
class ExistingData:
    """What the project has already."""

    labelled: Sequence[Example]
    """Train and dev, without what earlier retrainings added."""
    test: Sequence[Example]
    """The frozen test."""
    learn: Sequence[Example] = ()
    """What the last data version learns from of the record; its oldest rows may be gone from there."""
    fresh: Sequence[Example] = ()
    """And what it tests on."""


@dataclass(frozen=True, slots=True)
class RetrainingData:
    """What a new data version is made of."""

    learn: list[Example]
    """In the order in which the corrections came."""
    fresh: list[Example]
    texts: list[Document]
    unseen_counts: Mapping[str, int]
    """How many ``labels`` and ``texts`` of it no earlier retraining saw."""
    dropped: Mapping[str, int]
    """How many corrections are of no use, by reason."""
    recorded: RecordedIds
    """All that is on record, of use or not."""


def gather(
    answers: Sequence[Served],
    corrections: Mapping[str, Feedback],
    problem: Problem,
    existing: ExistingData,
    params: Retrain,
    recorded: RecordedIds = NONE,
    random_ids: Collection[str] = (),
) -> RetrainingData:
    """Divide what the record has.

    Args:
        answers: in order of arrival.
        corrections: by the id of the answer, in order of arrival.
        problem: settled; what is no answer to it is left out.
        existing: what there is without the record.
        params: the block `retrain`.
        recorded: what the last retraining saw of the record.
        random_ids: ids of answers that chance drew, all of which people labelled.
    """
    dropped: Counter[str] = Counter()
    labels, events = _label_texts(answers, corrections, problem, dropped)
    labels = {e.id: e for e in [*existing.learn, *existing.fresh]} | labels
    test_ids = {e.id for e in existing.fresh}
    training_ids = {e.id for e in existing.learn}
    is_test = {
        text_id: text_id in test_ids
        or (text_id not in training_ids and _hash_share(params.seed, text_id) < params.fresh)
        for text_id in labels
    }
    usable = _drop_labelled(list(labels.values()), existing, params, dropped)
    random_texts = {content_id(row.named_inputs) for row in answers if row.id in random_ids} | _collect_random_ids(
        existing.fresh
    )
    fresh = [replace(e, origin="drawn") if e.id in random_texts else e for e in usable if is_test[e.id]]
    learn = _drop_duplicates([e for e in usable if not is_test[e.id]], fresh, params, "repeats a fresh test", dropped)
    tests = [*existing.test, *(e for e in labels.values() if is_test[e.id])]
    texts = _collect_texts((row for row in answers if is_answer_to(row.answer, problem)), labels, tests, params)
    new_events = {events[e.id] for e in (*learn, *fresh) if e.id in events} - recorded.corrections
    return RetrainingData(
        learn,
        _mark_test(fresh[-params.window :]),
        texts,
        {"labels": len(new_events), "texts": len({document.id for document in texts} - recorded.texts)},
        {reason: n for reason, n in sorted(dropped.items()) if n},
        collect_ids(answers, corrections.values()),
    )


def exclude_learned(fresh: Sequence[Example], training_texts: Iterable[str], dedup_threshold: float) -> list[Example]:
    """Return the fresh test examples that none of the texts that a model learned from gives away."""
    held_out = HeldOut(((str(i), text) for i, text in enumerate(training_texts)), dedup_threshold)
    return held_out.partition(fresh, lambda example: example.text)[0]


def _collect_random_ids(examples: Iterable[Example]) -> set[str]:
    return {example.id for example in examples if example.origin == "drawn"}


def _label_texts(
    answers: Sequence[Served], corrections: Mapping[str, Feedback], problem: Problem, dropped: Counter[str]
) -> tuple[dict[str, Example], dict[str, str]]:
    """Return the labelled texts by their id, and the id of the correction that says so: of each text the last one."""
    served = {row.id: row for row in answers}
    labels: dict[str, Example] = {}
    events: dict[str, str] = {}
    for answer_id, correction in corrections.items():
        row = served.get(answer_id)
        if row is None:
            dropped["its answer is gone from the record"] += 1
        elif (example := _build_example(problem, row, correction.answer)) is None:
            dropped["no answer to this problem"] += 1
        else:
            labels.pop(example.id, None)  # so that they stay in order of arrival
            labels[example.id], events[example.id] = example, identify_correction(correction)
    return labels, events


def _build_example(problem: Problem, row: Served, answer: str) -> Example | None:
    try:
        inputs, gold = problem.read_inputs(row.named_inputs), load(answer)
        problem.check(inputs, gold)
    except (DataError, ValueError, TypeError, KeyError):
        return None
    if not problem.accepts(gold) or not text_of(inputs).strip():
        return None
    return Example(content_id(inputs), inputs, gold, split="test", source=f"feedback:{row.id}")


def _hash_share(seed: int, text_id: str) -> float:
    """Return a number in [0, 1) that is a text's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:fresh:{text_id}".encode()).digest()[:8], "big") / 2**64


def _drop_labelled(
    labels: list[Example], existing: ExistingData, params: Retrain, dropped: Counter[str]
) -> list[Example]:
    """Leave out what is labelled already: the same text twice, with two labels, would take both away."""
    labelled_ids = {e.id for e in existing.labelled}
    dropped["its text is labelled already"] += sum(e.id in labelled_ids for e in labels)
    unlabelled = [e for e in labels if e.id not in labelled_ids]
    return _drop_duplicates(unlabelled, existing.test, params, "repeats the frozen test", dropped)


def _drop_duplicates(
    labels: list[Example], tests: Sequence[Example], params: Retrain, reason: str, dropped: Counter[str]
) -> list[Example]:
    unique_labels, _ = HeldOut.from_examples(tests, params.dedup_threshold).partition(
        labels, lambda example: example.text
    )
    dropped[reason] += len(labels) - len(unique_labels)
    return unique_labels


def _collect_texts(
    answers: Iterable[Served], labels: Mapping[str, Example], tests: Sequence[Example], params: Retrain
) -> list[Document]:
    """Return the newest texts without a label, each once, none of them close to one of a test."""
    documents: dict[str, Document] = {}
    for row in answers:
        text_id = content_id(row.named_inputs)
        documents.pop(text_id, None)
        if text_id not in labels and row.text.strip():
            documents[text_id] = Document(text_id, row.text, source=f"traffic:{row.id}")
    newest = list(documents.values())[-params.documents :] if params.documents else []
    return HeldOut.from_examples(tests, params.dedup_threshold).partition(newest, lambda document: document.text)[0]


def _mark_test(fresh: Sequence[Example]) -> list[Example]:
    codes = detect_languages([example.text for example in fresh])
    return [replace(example, split="test", language=code) for example, code in zip(fresh, codes, strict=True)]
