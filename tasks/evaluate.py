"""Stage `evaluate`: test examples, or every label out of fold -> scores before and after tuning, predictions, plots."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.core.files import write_text
from satiety.core.records import Document, Evaluated, Example, read, write
from satiety.core.settings import Settings
from satiety.core.state import STATE
from satiety.evaluate import Evaluate
from satiety.evaluate.abstention import calibrate_abstention
from satiety.evaluate.answers import build_rows
from satiety.evaluate.calibration import calibrate
from satiety.evaluate.gold import select_gold
from satiety.evaluate.report import check_gold, format_calibration, format_confusion, format_scores, score
from satiety.problems import Prediction, Problem
from satiety.problems.base import ZeroShotModel
from satiety.training.embedding import load_embedder
from satiety.tuning import Finetune, load
from satiety.worth.augmentation import AugmentInputs, apply_levers
from satiety.worth.selection import Augmentation
from tasks.stage import OutputPath, Report, stage

if TYPE_CHECKING:
    from satiety.tuning.cross_validation import Experiment


@stage
def main(
    problem: Path,
    train: Path,
    dev: Path,
    test: Path,
    retrieved: Path,
    base: Path,
    pretrained: Path,
    tuned: Path,
    labels_only: Path,
    predictions: OutputPath,
    scores: OutputPath,
    confusion: OutputPath,
    calibration: OutputPath,
    *,
    params: Evaluate,
    report: Report,
) -> None:
    """Predict the gold examples before and after tuning, and by labels alone; compare these on the same resamples."""
    task, labels = Problem.load(problem), list(read(train, Example))
    gold, scored_on = select_gold(read(test, Example), labels)
    check_gold(task, gold, scored_on)
    device = Settings().device
    model = load(tuned, device)

    def generate(examples: Sequence[Example]) -> list[Prediction]:
        return model.with_base_weights(base).predict([example.inputs for example in examples])

    def embed(texts: Sequence[str]) -> Any:
        return load_embedder(base, device, params.prefix)(texts)

    def predict_before(examples: Sequence[Example], held_out: Sequence[Example]) -> list[Prediction]:
        return task.zero_shot(examples, held_out, ZeroShotModel(embed, generate))

    folds: int | None = None
    if scored_on == "test":
        inputs = [example.inputs for example in gold]
        systems = {"before": predict_before(labels, gold), "after": model.predict(inputs)}
        systems["labels_only"] = load(labels_only, device).predict(inputs)
    else:
        from satiety.tuning.cross_validation import predict_out_of_fold, split_labels

        experiment = design_experiment(params, problem, gold, train, dev, retrieved, base, pretrained, predict_before)
        masks = split_labels(task, gold, params.count_folds(len(gold)), params.seed)
        outcome = predict_out_of_fold(experiment, masks)
        systems, folds = outcome.systems, len(masks)
        report.add(recipes=outcome.recipes)
        report.defer(experiment.store.clear)

    row_count = write(predictions, build_rows(gold, systems["before"], systems["after"]), Evaluated)
    write_text(confusion, format_confusion(task, gold, systems["after"]))
    trust = calibrate(task.confidence_correct(gold, systems["after"]), params.bins)
    write_text(calibration, format_calibration(trust))
    report.add_counts(records_in=len(gold), records_out=row_count)
    results = score(task, gold, systems, params=params, calibration=trust, folds=folds)
    write_text(scores, format_scores(results))
    if params.abstain:
        report.add(abstention=calibrate_abstention(task, systems["after"], params.abstain))
    facts = {"recipe": model.card.chosen or model.card.recipe, "expected_gain": model.card.expected_gain}
    report.add(device=model.hardware.device, **facts, **results)


def design_experiment(
    evaluation: Evaluate,
    problem: Path,
    labels: Sequence[Example],
    train: Path,
    dev: Path,
    retrieved: Path,
    base: Path,
    pretrained: Path,
    predict_before: Callable[[Sequence[Example], Sequence[Example]], list[Prediction]],
) -> "Experiment":
    """Return what every fold shares: the stages `augment` and `finetune`, for the labels of the other folds."""
    from satiety.training.checkpoint import compute_key, open_store
    from satiety.tuning.cross_validation import Experiment

    params, levers, settings, task = Finetune.load(), Augmentation.load(), Settings(), Problem.load(problem)
    documents, dev_examples = tuple(read(retrieved, Document)), tuple(read(dev, Example))
    supply = AugmentInputs(task, (), (), documents, base, STATE / "worth", settings.device)

    def augment(examples: Sequence[Example], held_out: Sequence[Example]) -> Sequence[Example]:
        fold = replace(supply, train=tuple(examples), held_out=(*dev_examples, *held_out))
        return apply_levers(fold, levers).examples

    sections = "".join(section.model_dump_json() for section in (evaluation, params, levers))
    key = compute_key(sections, problem, train, dev, retrieved, base, pretrained)
    return Experiment(
        problem=task,
        base=base,
        pretrained=pretrained,
        labels=labels,
        dev=dev_examples,
        documents=documents if params.self_training or params.recipe.uses_documents else (),
        params=params,
        store=open_store(STATE / "checkpoints" / "evaluate", key, settings.checkpoint_seconds),
        device=settings.device,
        augment=augment,
        predict_before=predict_before,
    )


if __name__ == "__main__":
    main.cli()
