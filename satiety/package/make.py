"""A tuned model's folder, its answers and its scores -> a package, whole or not at all."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from satiety.files import manifest, replacing, write_text
from satiety.package.card import Facts, card
from satiety.package.contents import (
    CARD,
    EXAMPLE,
    FACTS,
    MANIFEST,
    MODEL,
    PREDICTIONS,
    SCORES,
    SIGNATURE,
    manifest_text,
)
from satiety.package.example import made_up, plain, signature
from satiety.tuning import load


def make(out: Path, tuned: Path, predictions: Path, scores: Path, facts: Facts, *, device: str = "auto") -> None:
    """Write the package ``out``.

    Args:
        out: the folder; replaced where it is there already.
        tuned: a tuned model's folder.
        predictions: the table of answers on the test examples.
        scores: the report of the stage `evaluate`.
        facts: what the card says beyond that.
        device: where the input example is answered.

    Raises:
        ModelError: the tuned model does not load.
    """
    model = load(tuned, device)
    texts = made_up(model.problem, facts.languages)
    answers = [plain(prediction) for prediction in model.predict(texts)]
    with replacing(out) as temporary:
        shutil.copytree(tuned, temporary / MODEL, copy_function=shutil.copyfile)
        shutil.copyfile(predictions, temporary / PREDICTIONS)
        shutil.copyfile(scores, temporary / SCORES)
        _json(temporary / SIGNATURE, signature(model.problem))
        _json(temporary / FACTS, asdict(facts))
        _json(temporary / EXAMPLE, {"inputs": list(texts), "outputs": answers})
        write_text(temporary / CARD, card(model.problem, _read(scores), facts, list(zip(texts, answers, strict=True))))
        write_text(temporary / MANIFEST, manifest_text(manifest(temporary)))


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
