"""A tuned model's folder, its answers and its scores -> a package, whole or not at all."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from satiety.files import manifest, replacing, write_text
from satiety.inputs import dump_inputs, text_of
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
from satiety.package.load import inspect
from satiety.records import Example
from satiety.tuning import load


def make(
    out: Path,
    tuned: Path,
    predictions: Path,
    scores: Path,
    facts: Facts,
    *,
    tests: Sequence[Example],
    device: str = "auto",
) -> None:
    """Write the package ``out``, once what is to be written was loaded and answered as it should.

    Args:
        out: the folder; replaced where it is there already.
        tuned: a tuned model's folder.
        predictions: the table of answers on the test examples.
        scores: the report of the stage `evaluate`.
        facts: what the card says beyond that.
        tests: the test examples.
        device: where the input example is answered.

    Raises:
        ModelError: the tuned model does not load, or answers otherwise than was scored; ``out`` stays as it was.
    """
    model = load(tuned, device)
    asked = made_up(model.problem, facts.languages)
    answers = [plain(model.problem, *pair) for pair in zip(asked, model.predict(asked), strict=True)]
    shown = [json.loads(dump_inputs(inputs)) for inputs in asked]
    with replacing(out) as temporary:
        shutil.copytree(tuned, temporary / MODEL, copy_function=shutil.copyfile)
        shutil.copyfile(predictions, temporary / PREDICTIONS)
        shutil.copyfile(scores, temporary / SCORES)
        _json(temporary / SIGNATURE, signature(model.problem))
        _json(temporary / FACTS, asdict(facts))
        _json(temporary / EXAMPLE, {"inputs": shown, "outputs": answers})
        write_text(
            temporary / CARD,
            card(model.problem, _read(scores), facts, list(zip(map(text_of, asked), answers, strict=True))),
        )
        write_text(temporary / MANIFEST, manifest_text(manifest(temporary)))
        written = inspect(temporary, device, out)
        written.check_example()
        written.check_stored(tests)


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
