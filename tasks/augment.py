"""Stage `augment`: train examples -> train examples and what levers add: copies, and what levers of your own make."""

from pathlib import Path

from satiety.problems import Problem
from satiety.records import Document, Example, Rejected, read, write
from satiety.settings import Settings
from satiety.state import STATE
from satiety.worth.applied import Supply, apply
from satiety.worth.selection import Augmentation
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    retrieved: Path,
    base: Path,
    out: Made,
    quarantine: Made,
    *,
    params: Augmentation,
    report: Report,
) -> None:
    """Follow the training examples by what the levers in use make of them."""
    supply = Supply(
        problem=Problem.load(problem),
        train=tuple(read(train, Example)),
        held=(*read(dev, Example), *read(test, Example)),
        documents=tuple(read(retrieved, Document)) if params.others else (),
        base=base,
        scratch=STATE / "worth",
        device=Settings().device,
    )
    result = apply(supply, params)
    wrote = write(out, result.examples, Example)
    read_in = len(supply.train) + len(supply.documents)
    report.flow(read=read_in, wrote=wrote, quarantined=write(quarantine, result.rejected, Rejected))
    report.add(**result.numbers)


if __name__ == "__main__":
    main.cli()
