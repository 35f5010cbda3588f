"""Texts of one class are drawn together and texts of different classes apart; then a linear head is fitted.

A few updates of the whole encoder change its space where that lacks the classes (types of questions, say); many wear
off what it knew. Every batch holds as many texts of each class, and all its pairs count: the cosine of two texts is to
be 1 within a class, else 0. Source: Reimers & Gurevych 2019 (arXiv:1908.10084) and Tunstall et al. 2022, SetFit
(arXiv:2209.11055), which samples pairs instead.

With self-training, raw texts join the batches: those of which the average of `transductive` is surest, as many of each
class. The head then learns from the labels, and on raw texts from the geometric mean of that average and of what the
new space says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from satiety.heads.softmax_regression import fit_softmax, softmax
from satiety.heads.solver import standardize
from satiety.tuning.pairs import compare_pairs, draw_per_class, select_surest
from satiety.tuning.recipes.base import (
    MAX_FEW_LABELS,
    RECIPES,
    FitOutcome,
    Recipe,
    TuningInputs,
    explain_several_labels,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from satiety.heads.softmax_regression import Layer
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.training.loop import TrainState
    from satiety.tuning.context import TuningContext
    from satiety.tuning.frozen.space import FrozenSpace

    Ints = NDArray[np.integer[Any]]

PROBE = {"steps": 10, "batch_size": 16, "learning_rate": 3e-4}
"""A shorter training that tells as well whether the recipe suits the labels."""
PSEUDO_L2 = 0.003
"""Penalty of the head that learns from labels and pseudo-labels."""


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Raw texts that join the batches, and what was known of all raw texts beforehand."""

    space: FrozenSpace
    """Labelled and raw texts in the space of the untouched encoder."""
    answers: Floats
    """Probabilities of the raw windows, shape (raw, classes)."""
    rows: Ints
    """Indices of the surest raw windows."""

    @property
    def targets(self) -> Ints:
        """The classes of the surest raw windows."""
        targets: Ints = self.answers[self.rows].argmax(axis=1)
        return targets


@RECIPES.register("contrastive")
class Contrastive(Recipe):
    """Train the encoder on pairs of texts, labelled or surely pseudo-labelled, and fit a linear head in its space."""

    max_labels: ClassVar = MAX_FEW_LABELS

    steps: int = Field(ge=1, le=10_000, default=20)
    """Number of updates."""
    batch_size: int = Field(ge=4, le=1024, default=32)
    """Texts per update; all pairs among them are used."""
    learning_rate: float = Field(gt=0, le=1, default=2e-4)
    """Peak learning rate, after a tenth of the updates; then it falls linearly to 0."""
    l2: float = Field(gt=0, le=1000, default=0.01)
    """Penalty of the head fitted to labels alone. It cannot be chosen by cross-validation: the space has seen them."""
    pseudo_labels: float = Field(ge=0, le=1, default=0.0)
    """Share of the raw texts, the surest of each class, that join the batches; 0 uses labels alone."""
    gold_share: float = Field(gt=0, le=1, default=0.3)
    """Share of the labelled texts in a batch, and their weight in the head, where there are pseudo-labels."""

    @property
    def uses_documents(self) -> bool:
        return self.pseudo_labels > 0

    @property
    def trains_encoder(self) -> bool:
        return True

    @property
    def can_self_train(self) -> bool:
        return self.pseudo_labels > 0

    @property
    def needs_self_training(self) -> bool:
        return self.pseudo_labels > 0

    def proxy(self) -> Recipe:
        return RECIPES["transductive"]() if self.pseudo_labels else self.model_copy(update=PROBE)

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.tuning.context import load_context
        from satiety.tuning.frozen.space import encode_raw
        from satiety.tuning.inputs import select_labelled

        context = load_context(inputs)
        windows = select_labelled(context.encode(inputs.train), context.problem)
        targets = np.array([int(window.targets[0]) for window in windows])

        # 1. what is known before training, and the raw texts that join
        raw = encode_raw(context) if self.pseudo_labels else []
        pseudo = self._pseudo_label(context) if raw else None
        pools = [(windows, targets)]
        if pseudo:
            pools.append(([raw[i] for i in pseudo.rows], pseudo.targets))

        # 2. the encoder, and the head in its new space
        state = self._train_encoder(context, pools)
        gold = np.stack(context.compute_features(windows))
        head = self._fit_head(gold, targets, context, raw, pseudo)
        context.set_head(head)
        facts = {"steps": state.step, "pseudo_labels": len(pseudo.rows) if pseudo else 0}
        return FitOutcome(context.build_tuned(context.problem, self), state, facts)

    def _pseudo_label(self, context: TuningContext) -> PseudoLabels:
        """Answer the raw texts in the space of the untouched encoder, and select the surest of each class."""
        from satiety.tuning.frozen.averaging import fit_average
        from satiety.tuning.frozen.space import build_space
        from satiety.tuning.frozen.transduction import answer_raw

        space, seed = build_space(context), context.inputs.params.seed
        answers, _ = answer_raw(space, fit_average(space, space.gold, space.raw, seed), seed)
        return PseudoLabels(space, answers, select_surest(answers, self.pseudo_labels))

    def _train_encoder(self, context: TuningContext, pools: Sequence[tuple[Sequence[Window], Ints]]) -> TrainState:
        """Train every weight of the encoder; the last weights are kept, for no label is left to choose by.

        Args:
            context: the run.
            pools: windows and their classes: the labelled ones, and the pseudo-labelled ones, if any.
        """
        import torch

        from satiety.training.arguments import TrainingArguments
        from satiety.training.loop import TrainingJob, TrainingLoop
        from satiety.tuning.inputs import collate

        model, seed, pad = context.model, context.inputs.params.seed, context.tokenizer.pad_token_id
        gold_count = self.batch_size if len(pools) == 1 else max(round(self.batch_size * self.gold_share), 1)
        counts = [gold_count, self.batch_size - gold_count]

        def compute_loss(_: list[int], step: int) -> Tensor:
            draws = [
                draw_per_class(targets, count, seed + pool, step)
                for pool, ((_, targets), count) in enumerate(zip(pools, counts, strict=False))
            ]
            drawn = [pools[pool][0][i] for pool, indices in enumerate(draws) for i in indices]
            classes = [pools[pool][1][i] for pool, indices in enumerate(draws) for i in indices]
            batch = collate(drawn, pad, model.task_head).to(context.hardware.device)
            return compare_pairs(model.features(batch), torch.tensor(classes, device=context.hardware.device))

        arguments = TrainingArguments(
            min_steps=self.steps, max_steps=self.steps, batch_size=self.batch_size, weight_averaging=None
        )
        job = TrainingJob(
            model=model,
            rates=[
                (f"encoder.{name}", weight, self.learning_rate) for name, weight in model.encoder.named_parameters()
            ],
            lengths=[len(window.input_ids) for window in pools[0][0]],
            loss=compute_loss,
            evaluate=None,
            steps=self.steps,
            seed=seed,
        )
        return TrainingLoop(job, arguments, context.hardware, context.inputs.store).run()

    def _fit_head(
        self, gold: Floats, targets: Ints, context: TuningContext, raw: Sequence[Window], pseudo: PseudoLabels | None
    ) -> Layer:
        """Return the head for the trained encoder's own features."""
        from satiety.tuning.frozen.transduction import distil, mean_of_logs

        one_hot = np.eye(len(context.problem.classes))[targets]
        if pseudo is None:
            rows, mean, scale = standardize(gold)
            return fit_softmax(rows, one_hot, self.l2).restore(mean, scale)
        rows, mean, scale = standardize(np.vstack([gold, np.stack(context.compute_features(raw))]))
        space = replace(pseudo.space, gold=rows[: len(gold)], raw=rows[len(gold) :])

        # a head on labels and pseudo-labels answers all raw texts; the mean with what was known is then learned
        count = len(pseudo.rows)
        weights = np.repeat([self.gold_share / len(gold), (1 - self.gold_share) / count], [len(gold), count])
        labels = np.vstack([one_hot, np.eye(len(context.problem.classes))[pseudo.targets]])
        learned = fit_softmax(np.vstack([space.gold, space.raw[pseudo.rows]]), labels, PSEUDO_L2, weights=weights)
        answers = mean_of_logs([softmax(learned.logits(space.raw)), pseudo.answers], [1, 1])
        return distil(space, answers, context.inputs.params.seed).restore(mean, scale)

    def refusals(self, problem: Problem) -> list[str]:
        return [*super().refusals(problem), *explain_several_labels(self, problem)]
