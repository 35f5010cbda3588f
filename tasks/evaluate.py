"""Stage `evaluate`: frozen test examples -> scores before and after tuning, with intervals; predictions; two plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from satiety.embedding import embedder
from satiety.evaluate import Evaluate
from satiety.evaluate.answers import collect
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.report import calibration_rows, check_gold, confusion_rows, score
from satiety.files import write_text
from satiety.problems import Prediction, Problem
from satiety.problems.base import Untrained
from satiety.records import Evaluated, Example, read, write
from satiety.settings import Settings
from satiety.tuning import load
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    test: Path,
    base: Path,
    tuned: Path,
    predictions: Made,
    confusion: Made,
    calibration: Made,
    *,
    params: Evaluate,
    report: Report,
) -> None:
    """Answer the test examples without and with the tuned model, and compare the two on the same resamples."""
    asked, gold = Problem.load(problem), list(read(test, Example))
    check_gold(asked, gold)
    device = Settings().device
    model = load(tuned, device)

    def answer(examples: Sequence[Example]) -> list[Prediction]:
        return model.untrained(base).predict([example.inputs for example in examples])

    def embed(texts: Sequence[str]) -> Any:
        return embedder(base, device, params.prefix)(texts)

    before = asked.before(list(read(train, Example)), gold, Untrained(embed, answer))
    after = model.predict([example.inputs for example in gold])
    wrote = write(predictions, collect(gold, before, after), Evaluated)
    write_text(confusion, confusion_rows(asked, gold, after))
    trust = calibrate(asked.outcomes(gold, after), params.bins)
    write_text(calibration, calibration_rows(trust))
    report.flow(read=len(gold), wrote=wrote)
    report.add(device=model.hardware.device, **score(asked, gold, before, after, params=params, trust=trust))


if __name__ == "__main__":
    main.cli()
