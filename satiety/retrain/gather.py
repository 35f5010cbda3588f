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

from satiety.answers import load
from satiety.errors import DataError
from satiety.ingest.language import languages
from satiety.inputs import identify, text_of
from satiety.neardup import HeldOut
from satiety.problems.base import Problem, fits
from satiety.records import Document, Example, Feedback, Served
from satiety.retrain import Retrain
from satiety.retrain.seen import Seen, collect, identify_correction

NONE = Seen()


@dataclass(frozen=True, slots=True)
class Known:
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
class Gathered:
    """What a new data version is made of."""

    learn: list[Example]
    """In the order in which the corrections came."""
    fresh: list[Example]
    texts: list[Document]
    new: Mapping[str, int]
    """How many ``labels`` and ``texts`` of it no earlier retraining saw."""
    left: Mapping[str, int]
    """How many corrections are of no use, by reason."""
    seen: Seen
    """All that is on record, of use or not."""


def gather(
    answers: Sequence[Served],
    corrections: Mapping[str, Feedback],
    problem: Problem,
    known: Known,
    params: Retrain,
    seen: Seen = NONE,
    random: Collection[str] = (),
) -> Gathered:
    """Divide what the record has.

    Args:
        answers: in order of arrival.
        corrections: by the id of the answer, in order of arrival.
        problem: settled; what is no answer to it is left out.
        known: what there is without the record.
        params: the block `retrain`.
        seen: what the last retraining saw of the record.
        random: ids of answers that chance drew, all of which people labelled.
    """
    left: Counter[str] = Counter()
    labels, events = _labels(answers, corrections, problem, left)
    labels = {e.id: e for e in [*known.learn, *known.fresh]} | labels
    held = {e.id for e in known.fresh}
    free = {e.id for e in known.learn}
    sides = {own: own in held or (own not in free and _share(params.seed, own) < params.fresh) for own in labels}
    usable = _unseen(list(labels.values()), known, params, left)
    chance = {identify(row.asked) for row in answers if row.id in random} | _drawn(known.fresh)
    fresh = [replace(e, origin="drawn") if e.id in chance else e for e in usable if sides[e.id]]
    learn = _clear([e for e in usable if not sides[e.id]], fresh, params, "repeats a fresh test", left)
    tests = [*known.test, *(e for e in labels.values() if sides[e.id])]
    texts = _texts((row for row in answers if fits(row.answer, problem)), labels, tests, params)
    new = {events[e.id] for e in (*learn, *fresh) if e.id in events} - seen.corrections
    return Gathered(
        learn,
        _told(fresh[-params.window :]),
        texts,
        {"labels": len(new), "texts": len({document.id for document in texts} - seen.texts)},
        {reason: n for reason, n in sorted(left.items()) if n},
        collect(answers, corrections.values()),
    )


def unlearned(fresh: Sequence[Example], learned: Iterable[str], near_duplicate: float) -> list[Example]:
    """Return the fresh test examples that none of the texts that a model learned from gives away."""
    known = HeldOut(((str(i), text) for i, text in enumerate(learned)), near_duplicate)
    return known.part(fresh, lambda example: example.text)[0]


def _drawn(examples: Iterable[Example]) -> set[str]:
    return {example.id for example in examples if example.origin == "drawn"}


def _labels(
    answers: Sequence[Served], corrections: Mapping[str, Feedback], problem: Problem, left: Counter[str]
) -> tuple[dict[str, Example], dict[str, str]]:
    """Return the labelled texts by their id, and the id of the correction that says so: of each text the last one."""
    served = {row.id: row for row in answers}
    labels: dict[str, Example] = {}
    events: dict[str, str] = {}
    for own, said in corrections.items():
        row = served.get(own)
        if row is None:
            left["its answer is gone from the record"] += 1
        elif (example := _example(problem, row, said.answer)) is None:
            left["no answer to this problem"] += 1
        else:
            labels.pop(example.id, None)  # so that they stay in order of arrival
            labels[example.id], events[example.id] = example, identify_correction(said)
    return labels, events


def _example(problem: Problem, row: Served, answer: str) -> Example | None:
    try:
        inputs, said = problem.read_inputs(row.asked), load(answer)
        problem.check(inputs, said)
    except (DataError, ValueError, TypeError, KeyError):
        return None
    if not problem.accepts(said) or not text_of(inputs).strip():
        return None
    return Example(identify(inputs), inputs, said, split="test", source=f"feedback:{row.id}")


def _share(seed: int, own: str) -> float:
    """Return a number in [0, 1) that is a text's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:fresh:{own}".encode()).digest()[:8], "big") / 2**64


def _unseen(labels: list[Example], known: Known, params: Retrain, left: Counter[str]) -> list[Example]:
    """Leave out what is labelled already: the same text twice, with two labels, would take both away."""
    there = {e.id for e in known.labelled}
    left["its text is labelled already"] += sum(e.id in there for e in labels)
    rest = [e for e in labels if e.id not in there]
    return _clear(rest, known.test, params, "repeats the frozen test", left)


def _clear(
    labels: list[Example], tests: Sequence[Example], params: Retrain, reason: str, left: Counter[str]
) -> list[Example]:
    kept, _ = HeldOut.of(tests, params.near_duplicate).part(labels, lambda example: example.text)
    left[reason] += len(labels) - len(kept)
    return kept


def _texts(
    answers: Iterable[Served], labels: Mapping[str, Example], tests: Sequence[Example], params: Retrain
) -> list[Document]:
    """Return the newest texts without a label, each once, none of them close to one of a test."""
    found: dict[str, Document] = {}
    for row in answers:
        own = identify(row.asked)
        found.pop(own, None)
        if own not in labels and row.text.strip():
            found[own] = Document(own, row.text, source=f"traffic:{row.id}")
    newest = list(found.values())[-params.documents :] if params.documents else []
    return HeldOut.of(tests, params.near_duplicate).part(newest, lambda document: document.text)[0]


def _told(fresh: Sequence[Example]) -> list[Example]:
    codes = languages([example.text for example in fresh])
    return [replace(example, split="test", language=code) for example, code in zip(fresh, codes, strict=True)]
