"""Stage `finetune`: base or pretrained model, train, dev and raw texts -> tuned model, and one of labels alone."""

from pathlib import Path
from typing import Any

from satiety.core.records import Document, Example, read
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.problems import Problem
from satiety.tuning import Finetune
from satiety.tuning.recipes import Memory
from tasks.stage import OutputPath, Report, stage


@stage
def main(
    problem: Path,
    base: Path,
    pretrained: Path,
    augmented: Path,
    retrieved: Path,
    dev: Path,
    tuned: OutputPath,
    labels_only: OutputPath,
    loss: OutputPath,
    progress: OutputPath,
    *,
    params: Finetune,
    report: Report,
) -> None:
    """Fit the model to the augmented examples and raw texts, and to compare with it, one to human labels alone."""
    from satiety.training.checkpoint import compute_key, open_store
    from satiety.tuning.finetune import finetune, finetune_on_labels, share_labels

    settings, task = Settings(), Problem.load(problem)
    examples, dev_examples = list(read(augmented, Example)), list(read(dev, Example))
    documents = list(read(retrieved, Document)) if params.self_training or params.recipe.uses_documents else []
    key = compute_key(params.model_dump_json(), problem, base, pretrained, augmented, retrieved, dev)
    checkpoints = open_store(STATE / "checkpoints" / "finetune", key, settings.checkpoint_seconds, report.log_point)
    run: dict[str, Any] = {"params": params, "store": checkpoints, "device": settings.device}
    memory = Memory()
    outcome = finetune(pretrained, task, examples, dev_examples, documents=documents, memory=memory, **run)
    outcome.model.save(tuned, pretrained)

    # without raw texts and levers; where there are none, that is the same model
    is_same = share_labels(base, pretrained, examples)
    if is_same and not documents:
        outcome.model.save(labels_only, base)
    else:
        shared = memory if is_same else None
        finetune_on_labels(base, task, examples, dev_examples, memory=shared, **run).model.save(labels_only, base)
    outcome.state.loss_curve.write(loss)
    outcome.state.dev_curve.write(progress)
    report.add_counts(
        records_in=len(examples) + len(documents), records_out=len(examples) + outcome.facts.get("pseudo_labels", 0)
    )
    report.add(**outcome.facts)
    checkpoints.clear()


if __name__ == "__main__":
    main.cli()
