"""Stage `ingest`: sources -> labelled examples split into train, dev and test; an unlabelled corpus; the base model."""

from pathlib import Path

from satiety.core.files import digest, manifest, sha256
from satiety.core.records import Document, Example, Rejection, write
from satiety.ingest import Ingest
from satiety.ingest.assets import copy_model, pin
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    raw: Path,
    problem: OutputPath,
    labelled: OutputPath,
    corpus: OutputPath,
    base: OutputPath,
    quarantine: OutputPath,
    *,
    params: Ingest,
    report: Report,
) -> None:
    """Clean and split the labelled sources, collect the unlabelled corpus, fetch the base model."""
    from satiety.ingest.dataset import build_dataset

    dataset = build_dataset(params, raw)
    pins = [(name, asset.uri, pin(asset, raw)) for name, asset in params.assets()]
    size = copy_model(params.base, base, raw)  # may still fail, so it precedes all other writes
    for name, uri, pinned in pins:
        report.run.log_input(name, digest=pinned, uri=uri)
    dataset.problem.save(problem)
    write(labelled, dataset.examples, Example)
    write(corpus, dataset.documents, Document)
    write(quarantine, dataset.rejected, Rejection)
    report.add_counts(
        records_in=dataset.row_count,
        records_out=len(dataset.examples) + len(dataset.documents),
        quarantined=len(dataset.rejected),
    )
    report.add(**dataset.summary, base_bytes=size)
    report.add(sha256={"labelled": sha256(labelled), "corpus": sha256(corpus), "base": digest(manifest(base))})


if __name__ == "__main__":
    main.cli()
