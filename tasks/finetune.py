"""Stage `finetune`: pretrained model, augmented training examples, documents, validation set -> tuned model."""

from pathlib import Path

from satiety.core.records import Document, Example, read
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.problems import Problem
from satiety.tuning import Finetune
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    pretrained: Path,
    augmented: Path,
    retrieved: Path,
    dev: Path,
    tuned: OutputPath,
    loss: OutputPath,
    progress: OutputPath,
    *,
    params: Finetune,
    report: Report,
) -> None:
    """Fine-tune the model on the augmented examples; keep the step with the lowest validation loss."""
    from satiety.training.checkpoint import compute_key, open_store
    from satiety.tuning.finetune import finetune

    settings = Settings()
    examples, dev_examples = list(read(augmented, Example)), list(read(dev, Example))
    documents = list(read(retrieved, Document)) if params.self_training or params.recipe.uses_documents else []
    key = compute_key(params.model_dump_json(), problem, pretrained, augmented, retrieved, dev)
    checkpoints = open_store(STATE / "checkpoints" / "finetune", key, settings.checkpoint_seconds, report.log_point)
    outcome = finetune(
        pretrained,
        Problem.load(problem),
        examples,
        dev_examples,
        params=params,
        store=checkpoints,
        device=settings.device,
        documents=documents,
    )
    outcome.model.save(tuned, pretrained)
    outcome.state.loss_curve.write(loss)
    outcome.state.dev_curve.write(progress)
    report.add_counts(
        records_in=len(examples) + len(documents), records_out=len(examples) + outcome.facts.get("pseudo_labels", 0)
    )
    report.add(**outcome.facts)
    checkpoints.clear()


if __name__ == "__main__":
    main.cli()
