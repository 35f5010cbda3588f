"""Stage `pretrain`: base model and retrieved documents -> the base model, its pre-training continued."""

from pathlib import Path

from satiety.pretrain import Pretrain
from satiety.records import Document, read
from satiety.settings import Settings
from satiety.state import STATE
from tasks.stage import Made, Report, stage


@stage
def main(base: Path, retrieved: Path, out: Made, curve: Made, *, params: Pretrain, report: Report) -> None:
    """Continue the base model's pre-training on the documents, or pass it through."""
    from satiety.training.checkpoint import key_of, store

    settings = Settings()
    texts = [document.text for document in read(retrieved, Document)]
    key = key_of(params.model_dump_json(), base, retrieved)
    run = store(STATE / "checkpoints" / "pretrain", key, settings.checkpoint_seconds)
    result = params.pretrainer.run(base, texts, out, seed=params.seed, store=run, device=settings.device)
    result.curve.write(curve)
    for point in result.curve.points:
        report.point("loss", point["loss"], int(point["step"]))
    report.flow(read=len(texts), wrote=result.used)
    report.add(pretrainer=params.pretrainer.kind, **result.facts)
    run.clear()


if __name__ == "__main__":
    main.cli()
