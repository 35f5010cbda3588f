"""Stage `evaluate`: frozen test examples -> scores before and after tuning with intervals, predictions, two plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from satiety.core.files import write_text
from satiety.core.records import Evaluated, Example, read, write
from satiety.core.settings import Settings
from satiety.evaluate import Evaluate
from satiety.evaluate.answers import build_rows
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.report import check_gold, format_calibration, format_confusion, format_scores, score
from satiety.problems import Prediction, Problem
from satiety.problems.base import ZeroShotModel
from satiety.training.embedding import load_embedder
from satiety.tuning import load
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    test: Path,
    base: Path,
    tuned: Path,
    labels_only: Path,
    predictions: OutputPath,
    scores: OutputPath,
    confusion: OutputPath,
    calibration: OutputPath,
    *,
    params: Evaluate,
    report: Report,
) -> None:
    """Predict the test examples before and after tuning, and by labels alone; compare these on the same resamples."""
    task, gold = Problem.load(problem), list(read(test, Example))
    check_gold(task, gold)
    device = Settings().device
    model = load(tuned, device)

    def answer(examples: Sequence[Example]) -> list[Prediction]:
        return model.with_base_weights(base).predict([example.inputs for example in examples])

    def embed(texts: Sequence[str]) -> Any:
        return load_embedder(base, device, params.prefix)(texts)

    baseline_predictions = task.zero_shot(list(read(train, Example)), gold, ZeroShotModel(embed, answer))
    tuned_predictions = model.predict([example.inputs for example in gold])
    row_count = write(predictions, build_rows(gold, baseline_predictions, tuned_predictions), Evaluated)
    write_text(confusion, format_confusion(task, gold, tuned_predictions))
    trust = calibrate(task.confidence_correct(gold, tuned_predictions), params.bins)
    write_text(calibration, format_calibration(trust))
    report.add_counts(records_in=len(gold), records_out=row_count)
    label_predictions = load(labels_only, device).predict([example.inputs for example in gold])
    systems = {"before": baseline_predictions, "labels_only": label_predictions, "after": tuned_predictions}
    results = score(task, gold, systems, params=params, calibration=trust)
    write_text(scores, format_scores(results))
    report.add(device=model.hardware.device, **results)


if __name__ == "__main__":
    main.cli()
