"""Stage `augment`: train examples -> train examples and what levers add: copies, and what levers of your own make."""

from pathlib import Path

from satiety.core.records import Document, Example, Rejection, read, write
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.problems import Problem
from satiety.worth.augmentation import AugmentInputs, apply_levers
from satiety.worth.selection import Augmentation
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    retrieved: Path,
    base: Path,
    augmented: OutputPath,
    quarantine: OutputPath,
    *,
    params: Augmentation,
    report: Report,
) -> None:
    """Follow the training examples by what the levers in use make of them."""
    supply = AugmentInputs(
        problem=Problem.load(problem),
        train=tuple(read(train, Example)),
        held_out=(*read(dev, Example), *read(test, Example)),
        documents=tuple(read(retrieved, Document)) if params.custom_levers else (),
        base=base,
        scratch=STATE / "worth",
        device=Settings().device,
    )
    augmentation = apply_levers(supply, params)
    row_count = write(augmented, augmentation.examples, Example)
    input_count = len(supply.train) + len(supply.documents)
    report.add_counts(
        records_in=input_count, records_out=row_count, quarantined=write(quarantine, augmentation.rejected, Rejection)
    )
    report.add(**augmentation.numbers)


if __name__ == "__main__":
    main.cli()
