"""Stage `pretrain`: base model and retrieved documents -> base model with continued pre-training."""

from pathlib import Path

from satiety.core.records import Document, read
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.levers.pretrain import Pretrain
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    base: Path, retrieved: Path, pretrained: OutputPath, curve: OutputPath, *, params: Pretrain, report: Report
) -> None:
    """Continue the pre-training of the base model on the documents, or copy it unchanged."""
    from satiety.training.checkpoint import compute_key, open_store

    settings = Settings()
    texts = [document.text for document in read(retrieved, Document)]
    key = compute_key(params.model_dump_json(), base, retrieved)
    checkpoints = open_store(STATE / "checkpoints" / "pretrain", key, settings.checkpoint_seconds, report.log_point)
    outcome = params.pretrainer.run(
        base, texts, pretrained, seed=params.seed, store=checkpoints, device=settings.device
    )
    outcome.curve.write(curve)
    report.add_counts(records_in=len(texts), records_out=outcome.text_count)
    report.add(pretrainer=params.pretrainer.kind, **outcome.facts)
    checkpoints.clear()


if __name__ == "__main__":
    main.cli()
