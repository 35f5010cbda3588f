"""Stage `retrieve`: corpus -> relevant documents, without those that leak a validation or test text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from satiety.core.records import Document, Example, Rejection, read, write
from satiety.core.settings import Settings
from satiety.levers.retrieve import Retrieve, retrieve
from satiety.problems import Problem
from satiety.training.embedding import load_embedder
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    corpus: Path,
    base: Path,
    retrieved: OutputPath,
    quarantine: OutputPath,
    *,
    params: Retrieve,
    report: Report,
) -> None:
    """Retrieve documents similar to the training examples; drop those that leak a validation or test text."""

    def embed(texts: Sequence[str]) -> Any:
        from satiety.training.hardware import detect_hardware

        report.add(device=detect_hardware(Settings().device).device)
        return load_embedder(base, Settings().device, params.prefix)(texts)

    documents = list(read(corpus, Document))
    retrieval = retrieve(
        documents,
        list(read(train, Example)),
        [*read(dev, Example), *read(test, Example)],
        stratum=Problem.load(problem).stratum,
        embed=embed,
        params=params,
    )
    row_count = write(retrieved, retrieval.documents, Document)
    report.add_counts(
        records_in=len(documents), records_out=row_count, quarantined=write(quarantine, retrieval.rejected, Rejection)
    )
    report.add(**retrieval.numbers)


if __name__ == "__main__":
    main.cli()
