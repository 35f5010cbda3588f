"""Stage `retrieve`: corpus -> the documents that bear on the problem, none of which gives away a dev or test text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from satiety.embedding import embedder
from satiety.problems import Problem
from satiety.records import Document, Example, Rejected, read, write
from satiety.retrieve import Retrieve, retrieve
from satiety.settings import Settings
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    corpus: Path,
    base: Path,
    out: Made,
    quarantine: Made,
    *,
    params: Retrieve,
    report: Report,
) -> None:
    """Find what bears on the training examples; drop what gives away a dev or test text."""

    def embed(texts: Sequence[str]) -> Any:
        from satiety.training.hardware import hardware

        report.add(device=hardware(Settings().device).device)
        return embedder(base, Settings().device, params.prefix)(texts)

    documents = list(read(corpus, Document))
    found = retrieve(
        documents,
        list(read(train, Example)),
        [*read(dev, Example), *read(test, Example)],
        stratum=Problem.load(problem).stratum,
        embed=embed,
        params=params,
    )
    wrote = write(out, found.documents, Document)
    report.flow(read=len(documents), wrote=wrote, quarantined=write(quarantine, found.rejected, Rejected))
    report.add(**found.numbers)


if __name__ == "__main__":
    main.cli()
