"""Small made-up problems for the meter's tests: examples in English and Chinese, params, an executor."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from satiety.core.answers import Label, Span, Spans
from satiety.core.executor import Job, Work
from satiety.core.records import Document, Example
from satiety.levers.base import RunContext
from satiety.problems import PROBLEMS, Prediction
from satiety.tuning import METHODS, Finetune
from satiety.worth.preparation import StudyData
from satiety.worth.section import Worth

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AUGMENT: dict[str, Any] = {
    "kind": "augment",
    "seed": 7,
    "steps": [{"kind": "swap", "alpha": 0.3, "copies": 1}],
    "dedup_threshold": 1.0,
}
RETRIEVE: dict[str, Any] = {
    "kind": "retrieve",
    "retriever": {"kind": "bm25", "documents": 20, "k1": 1.2, "b": 0.75},
    "prefix": "",
    "dedup_threshold": 0.95,
}
PSEUDO: dict[str, Any] = {"kind": "self_training", "rounds": 2, "max_per_label": 1.0, "confidence": 0.5}
CONTROLS: list[dict[str, Any]] = [
    {"kind": "oracle", "share": 0.6},
    {"kind": "copy", "times": 3},
    {"kind": "poison", "share": 0.2},
    {"kind": "leak", "share": 0.5},
]
SECTION: dict[str, Any] = {
    "seed": 1,
    "budgets": 5,
    "levers": {"augment": AUGMENT},
    "controls": CONTROLS,
    "replicates": 3,
    "curve_replicates": 4,
    "documents": 40,
    "dedup_threshold": 0.95,
    "max_length": 32,
    "prefix": "",
    "pooling": "mean",
    "head": {"l2": [0.1, 0.01], "folds": 2, "rows": 1000},
    "fine_tuned": {"replicates": 0, "budgets": 2, "dev": 0.2},
    "min_effect": 0.01,
    "alpha": 0.05,
    "resamples": 120,
    "confidence_level": 0.95,
    "targets": None,
    "cost": {"label_minutes": 0.5, "computer_hour": 0.05},
}
FINETUNE: dict[str, Any] = {
    "seed": 1,
    "max_length": 32,
    "prefix": "",
    "pooling": "mean",
    "recipe": {
        "method": METHODS["frozen"].sample().model_dump(),
        "head": {"l2": [0.1, 0.01], "folds": 2, "rows": 1000},
    },
}
PIECES = {
    "good": ["the good film", "a good hotel in paris", "anna is good", "这部电影很好看", "我爱北京天安门", "好酒店"],
    "bad": ["the bad film", "a bad hotel in paris", "anna is bad", "这部电影很差", "我不爱上海", "差酒店"],
}
PEOPLE = [
    ("anna", "lives in", "paris"),
    ("bob", "was in", "berlin"),
    ("王小明", "住在", "上海"),
    ("李雷", "在", "北京"),
]


def worth(**changes: Any) -> Worth:
    """Return the params of a small study; levers given as a list are named by their kind."""
    if isinstance(changes.get("levers"), list):
        changes["levers"] = name_by_kind(changes["levers"])
    return Worth.model_validate(SECTION | changes)


def name_by_kind(levers: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return levers by name: their kind."""
    return {lever["kind"]: lever for lever in levers}


def make_classify_examples(count: int, *, start: int = 0) -> list[Example]:
    """Return examples of two labels, a third of them bad, in English and Chinese; no two texts are the same."""
    draw, examples = random.Random(start), []
    for i in range(start, start + count):
        label = "bad" if i % 3 == 0 else "good"
        piece, word = draw.choice(PIECES[label]), "".join(draw.choices("abcdefghij", k=6))
        language = "en" if piece.isascii() else "zh"
        examples.append(Example(f"e{i}", {"text": f"{piece} {word} {i}"}, answer=Label(label), language=language))
    return examples


def make_ner_examples(count: int, *, start: int = 0) -> list[Example]:
    """Return examples with a person and a place each, but for every fourth, which has neither."""
    examples = []
    for i in range(start, start + count):
        person, verb, place = PEOPLE[i // 4 % 4] if i % 4 == 1 else PEOPLE[i % 4]
        text = f"{person} {verb} {place} {i}"
        spans: tuple[Span, ...] = (
            Span(0, len(person), "PER"),
            Span(text.index(place), text.index(place) + len(place), "LOC"),
        )
        if i % 4 == 0:
            text, spans = f"the good film 好看 {i}", ()
        examples.append(
            Example(f"e{i}", {"text": text}, answer=Spans(spans), language="en" if text.isascii() else "zh")
        )
    return examples


def documents(examples: Sequence[Example]) -> tuple[Document, ...]:
    """Return the texts of examples as raw text."""
    return tuple(Document(f"d-{example.id}", example.text, language=example.language) for example in examples)


def build_study_data(base: Path, kind: str = "classify", *, labels: int = 32, test: int = 24) -> StudyData:
    """Return labels, test and corpus; a tenth of the corpus are texts of the test."""
    make = make_classify_examples if kind == "classify" else make_ner_examples
    pool, test_examples, raw_examples = make(labels), make(test, start=1000), make(36, start=2000)
    return StudyData(
        PROBLEMS[kind].sample(), tuple(pool), tuple(test_examples), documents([*raw_examples, *test_examples[:4]]), base
    )


def finetune() -> Finetune:
    """Return params of fine-tuning that solves a head only."""
    return Finetune.model_validate(FINETUNE)


def build_run_context(pool: Sequence[Example], budget: int, **changes: Any) -> RunContext:
    """Return the run context of a run of ``budget`` labels; the model answers ``good`` with confidence 0.9."""
    fields: dict[str, Any] = {
        "problem": PROBLEMS["classify"].sample(),
        "budget": budget,
        "order": tuple(pool),
        "test": tuple(make_classify_examples(10, start=1000)),
        "documents": documents(make_classify_examples(20, start=2000)),
        "precomputed": (),
        "rng": random.Random(1),
        "predict": lambda _, texts: [Prediction(Label("good"), confidence=0.9) for _ in texts],
    }
    return RunContext(**fields | changes)


class Inline:
    """An executor that works jobs off in this process, one by one, as others read them."""

    def map(self, work: Work, jobs: Iterable[Job]) -> Iterator[tuple[int, Any]]:
        for place, job in enumerate(jobs):
            yield place, work(json.loads(json.dumps(job)))
