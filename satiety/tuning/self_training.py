"""Raw texts that a head on the untouched model labels, for a recipe to learn from: the rounds are the lever's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from satiety.core.errors import DataError

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.heads.solver import Solver
    from satiety.problems import Prediction
    from satiety.tuning.context import TuningContext


def self_train(context: TuningContext, solver: Solver) -> tuple[Example, ...]:
    """Follow the examples of a setting by raw texts that a head on the untouched model labelled.

    Raises:
        DataError: there is no raw text.
    """
    from satiety.tuning.inputs import select_labelled
    from satiety.tuning.linear_head import calibrate_logits

    problem, setting, documents = context.problem, context.inputs, context.inputs.documents
    assert setting.params.self_training  # noqa: S101  # asked for
    if not documents:
        raise DataError(
            "finetune: there is no raw text for a lever of kind self_training; put one of kind retrieve into `use`"
        )
    queries = problem.build_examples([document.text for document in documents])
    windows = context.encode(queries)
    rows = context.compute_features(windows)

    def label_texts(examples: Sequence[Example], _: Sequence[str]) -> list[Prediction]:
        head = context.solve_head(examples, select_labelled(context.encode(examples), problem), solver)
        return problem.decode(queries, windows, calibrate_logits(head, rows))

    return setting.params.self_training.run_rounds(setting.train, documents, label_texts, problem.stratum)
