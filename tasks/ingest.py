"""Stage `ingest`: sources -> labelled examples in train, dev and test; a corpus without labels; the base model."""

from pathlib import Path

from satiety.assets import pin, take_model
from satiety.files import digest, manifest, sha256
from satiety.ingest import Ingest
from satiety.records import Document, Example, Rejected, write
from tasks.stage import Made, Report, stage


@stage
def main(
    raw: Path,
    problem: Made,
    labelled: Made,
    corpus: Made,
    base: Made,
    quarantine: Made,
    *,
    params: Ingest,
    report: Report,
) -> None:
    """Clean and divide the labelled sources, gather the raw ones, fetch the base model."""
    from satiety.ingest.harvest import harvest

    made = harvest(params, raw)
    pins = [(name, asset.uri, pin(asset, raw)) for name, asset in params.assets()]
    size = take_model(params.base, base, raw)  # the last that may refuse anything, and the first that writes
    for name, uri, pinned in pins:
        report.run.fed(name, digest=pinned, uri=uri)
    made.problem.save(problem)
    write(labelled, made.examples, Example)
    write(corpus, made.documents, Document)
    write(quarantine, made.rejected, Rejected)
    report.flow(read=made.read, wrote=len(made.examples) + len(made.documents), quarantined=len(made.rejected))
    report.add(**made.account, base_bytes=size)
    report.add(sha256={"labelled": sha256(labelled), "corpus": sha256(corpus), "base": digest(manifest(base))})


if __name__ == "__main__":
    main.cli()
