"""Tuned model, predictions and scores -> package, written atomically."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from satiety.core.files import manifest, write_atomically, write_text
from satiety.core.inputs import dump_inputs, text_of
from satiety.core.records import Example
from satiety.package.card import Facts, read_threshold, render_card
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
from satiety.package.example import build_signature, select_example_inputs, serialize_prediction
from satiety.package.load import inspect
from satiety.tuning import load


def build_package(
    target: Path,
    tuned: Path,
    predictions: Path,
    scores: Path,
    facts: Facts,
    *,
    gold: Sequence[Example],
    device: str = "auto",
) -> None:
    """Write a package after checking that it loads and reproduces its predictions.

    Args:
        target: folder of the package; replaced if it exists.
        tuned: folder of the tuned model.
        predictions: table of predictions on the gold examples.
        scores: report of the stage `evaluate`.
        facts: other contents of the model card.
        gold: the examples that were scored.
        device: device of the checks.

    Raises:
        ModelError: the tuned model does not load or does not reproduce its predictions; ``target`` stays unchanged.
    """
    model = load(tuned, device)
    inputs_list = select_example_inputs(model.problem, facts.languages)
    evaluation = json.loads(scores.read_text(encoding="utf-8"))
    threshold = read_threshold(evaluation)
    answers = [
        serialize_prediction(model.problem, *pair, threshold)
        for pair in zip(inputs_list, model.predict(inputs_list), strict=True)
    ]
    example_rows = [json.loads(dump_inputs(inputs)) for inputs in inputs_list]

    with write_atomically(target) as temporary:
        shutil.copytree(tuned, temporary / MODEL, copy_function=shutil.copyfile)
        shutil.copyfile(predictions, temporary / PREDICTIONS)
        shutil.copyfile(scores, temporary / SCORES)
        _write_json(temporary / SIGNATURE, build_signature(model.problem, can_abstain=threshold is not None))
        _write_json(temporary / FACTS, asdict(facts))
        _write_json(temporary / EXAMPLE, {"inputs": example_rows, "outputs": answers})
        examples = list(zip(map(text_of, inputs_list), answers, strict=True))
        write_text(temporary / CARD, render_card(model.problem, evaluation, facts, examples))
        write_text(temporary / MANIFEST, manifest_text(manifest(temporary)))
        package = inspect(temporary, device, target)
        package.check_example()
        package.check_stored(gold)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
