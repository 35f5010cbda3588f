"""Stage `augment`: train examples -> train examples and their copies, each naming its parent and its augmenter."""

from pathlib import Path

from satiety.augment import Augmentation, augment_all
from satiety.problems import Problem
from satiety.records import Example, Rejected, read, write
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    out: Made,
    quarantine: Made,
    *,
    params: Augmentation,
    report: Report,
) -> None:
    """Follow the training examples by the copies that the levers in use make of them."""
    examples = list(read(train, Example))
    held = [*read(dev, Example), *read(test, Example)]
    result = augment_all(examples, held, Problem.load(problem), params)
    wrote = write(out, result.examples, Example)
    report.flow(read=len(examples), wrote=wrote, quarantined=write(quarantine, result.rejected, Rejected))
    report.add(**result.numbers)


if __name__ == "__main__":
    main.cli()
