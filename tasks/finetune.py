"""Stage `finetune`: pretrained model, train and augmented examples, raw texts, dev -> tuned model."""

from pathlib import Path

from satiety.problems import Problem
from satiety.records import Document, Example, read
from satiety.settings import Settings
from satiety.state import STATE
from satiety.tuning import Finetune
from tasks.stage import Made, Report, stage


@stage
def main(
    problem: Path,
    pretrained: Path,
    augmented: Path,
    retrieved: Path,
    dev: Path,
    out: Made,
    loss: Made,
    progress: Made,
    *,
    params: Finetune,
    report: Report,
) -> None:
    """Tune the model on the examples and their copies; keep the step that is best on dev."""
    from satiety.training.checkpoint import key_of, store
    from satiety.tuning.finetune import finetune

    settings = Settings()
    examples, held = list(read(augmented, Example)), list(read(dev, Example))
    documents = list(read(retrieved, Document)) if params.pseudo or params.recipe.reads else []
    key = key_of(params.model_dump_json(), problem, pretrained, augmented, retrieved, dev)
    run = store(STATE / "checkpoints" / "finetune", key, settings.checkpoint_seconds)
    result = finetune(
        pretrained,
        Problem.load(problem),
        examples,
        held,
        params=params,
        store=run,
        device=settings.device,
        documents=documents,
    )
    result.tuned.save(out, pretrained)
    result.course.loss.write(loss)
    result.course.dev.write(progress)
    for name, step, value in result.course.points():
        report.point(name, value, step)
    report.flow(read=len(examples) + len(documents), wrote=len(examples) + result.facts.get("pseudo", 0))
    report.add(**result.facts)
    run.clear()


if __name__ == "__main__":
    main.cli()
