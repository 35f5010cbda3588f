"""Traffic log and corrections -> training labels, fresh test examples, and raw texts.

The digest of a text assigns it permanently to training or to the fresh test, so the fresh test grows from one
retraining to the next and is never trained on. The last correction of a text counts. Near-duplicates of a test text are
dropped; of a near-duplicate pair across training and fresh test, the training example is dropped.
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
    """Labelled data that the project already has."""

    labelled: Sequence[Example]
    """Train and dev, without the labels of earlier retrainings."""
    test: Sequence[Example]
    """The frozen test set."""
    learn: Sequence[Example] = ()
    """Training labels of the last data version; the traffic log may no longer contain the oldest."""
    fresh: Sequence[Example] = ()
    """Fresh test set of the last data version."""


@dataclass(frozen=True, slots=True)
class RetrainingData:
    """Contents of a new data version."""

    learn: list[Example]
    """Training labels, in order of their corrections."""
    fresh: list[Example]
    texts: list[Document]
    unseen_counts: Mapping[str, int]
    """Number of ``labels`` and ``texts`` that no earlier retraining has used."""
    dropped: Mapping[str, int]
    """Number of unusable corrections, by reason."""
    recorded: RecordedIds
    """Ids of everything in the traffic log, usable or not."""


def gather(
    answers: Sequence[Served],
    corrections: Mapping[str, Feedback],
    problem: Problem,
    existing: ExistingData,
    params: Retrain,
    recorded: RecordedIds = NONE,
    random_ids: Collection[str] = (),
) -> RetrainingData:
    """Divide the traffic log into training labels, fresh test examples and raw texts.

    Args:
        answers: in order of arrival.
        corrections: by id of the answer, in order of arrival.
        problem: with its labels fitted; answers that do not fit it are left out.
        existing: data of the project and of the last data version.
        params: the section `retrain`.
        recorded: ids that the last retraining used.
        random_ids: ids of the answers in complete random draws.
    """
    dropped: Counter[str] = Counter()
    labels, events = _label_texts(answers, corrections, problem, dropped)
    labels = {e.id: e for e in [*existing.learn, *existing.fresh]} | labels

    # texts of the last data version stay on their side; new ones are assigned by digest
    test_ids, training_ids = {e.id for e in existing.fresh}, {e.id for e in existing.learn}
    is_test = {
        text_id: text_id in test_ids
        or (text_id not in training_ids and _hash_share(params.seed, text_id) < params.fresh)
        for text_id in labels
    }

    # ingest would drop a text with two different labels altogether
    labelled_ids = {e.id for e in existing.labelled}
    dropped["text already labelled"] += sum(text_id in labelled_ids for text_id in labels)
    usable = [e for e in labels.values() if e.id not in labelled_ids]
    usable = _drop_near_test_duplicates(usable, existing.test, params, "near-duplicate of the frozen test", dropped)
    random_texts = {content_id(row.named_inputs) for row in answers if row.id in random_ids}
    random_texts |= {example.id for example in existing.fresh if example.origin == "drawn"}
    fresh = [replace(e, origin="drawn") if e.id in random_texts else e for e in usable if is_test[e.id]]
    learn = _drop_near_test_duplicates(
        [e for e in usable if not is_test[e.id]], fresh, params, "near-duplicate of a fresh test example", dropped
    )

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
    """Return the fresh test examples that are not near-duplicates of a training text."""
    held_out = HeldOut(((str(i), text) for i, text in enumerate(training_texts)), dedup_threshold)
    return held_out.partition(fresh, lambda example: example.text)[0]


def _label_texts(
    answers: Sequence[Served], corrections: Mapping[str, Feedback], problem: Problem, dropped: Counter[str]
) -> tuple[dict[str, Example], dict[str, str]]:
    """Return labelled texts, and ids of their corrections, both by id of the text; the last correction counts."""
    served = {row.id: row for row in answers}
    labels: dict[str, Example] = {}
    events: dict[str, str] = {}
    for answer_id, correction in corrections.items():
        row = served.get(answer_id)
        if row is None:
            dropped["answer no longer in the traffic log"] += 1
        elif (example := _build_example(problem, row, correction.answer)) is None:
            dropped["not a valid answer for this problem"] += 1
        else:
            labels.pop(example.id, None)  # keeps the order of arrival
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
    """Return a hash of the text, as a number in [0, 1)."""
    return int.from_bytes(hashlib.sha256(f"{seed}:fresh:{text_id}".encode()).digest()[:8], "big") / 2**64


def _drop_near_test_duplicates(
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
    """Return the newest distinct texts without a label that are not near-duplicates of a test text."""
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
