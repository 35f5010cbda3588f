"""Texts and a packaged model -> how probably each is negative. Answers are kept by the model's digest: asked once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from examples.opinion_monitoring.stream import StreamParams
from satiety.core.errors import ModelError
from satiety.core.files import write_atomically
from satiety.core.state import STATE, prepare_state

FOLDER = STATE / "opinion"


def predict_negative(texts: Iterable[str], package: Path, stream_params: StreamParams) -> dict[str, float]:
    """Return the probability that a text is negative, as the model has it.

    Raises:
        ModelError: there is no package, or it knows none of the labels that the params call negative.
    """
    from satiety.package import inspect

    if not package.exists():
        raise ModelError(f"{package}: no packaged model; `make run` makes one, or --model names another")
    model = inspect(package)
    if unknown := set(stream_params.negative) - set(model.problem.classes):
        class_names = ", ".join(model.problem.classes)
        raise ModelError(f"opinion.negative: {sorted(unknown)[0]!r} is no label of {package}; it has: {class_names}")
    cache_file = FOLDER / f"{model.digest}-scores.json"
    answers: dict[str, Mapping[str, float]] = (
        json.loads(cache_file.read_text(encoding="utf-8")) if cache_file.exists() else {}
    )
    if unanswered := sorted(set(texts) - set(answers)):
        print(f"the model answers {len(unanswered):,} texts, once", flush=True)
        answers |= {
            text: dict(prediction.scores)
            for text, prediction in zip(unanswered, model.predict(unanswered), strict=True)
        }
        prepare_state()
        with write_atomically(cache_file) as temporary:
            temporary.write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")
    return {text: probability(answers[text], stream_params) for text in texts}


def probability(scores: Mapping[str, float], stream_params: StreamParams) -> float:
    """Return that of the labels that are negative, together."""
    return sum(scores.get(label, 0.0) for label in stream_params.negative)
