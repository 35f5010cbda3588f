"""Two teachers answer raw texts; an encoder learns from the labels and from what the teachers are surest of.

The teachers are `transductive`, in the space of the untouched encoder, and `contrastive`, whose encoder is trained on
the labels. Each is better somewhere, so their geometric mean is weighted by how well they answer labels held out. Then
an encoder is trained on pairs of labelled and of surely answered texts. Its head learns the labels, and on raw texts
the geometric mean of what the teachers and what the new space say.

Sources: self-training of the whole encoder by the surest answers of each class: Zou et al. 2018 (arXiv:1810.07911);
distillation of several models into one: Hinton et al. 2015 (arXiv:1503.02531), section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from satiety.core.errors import DataError
from satiety.tuning.pairs import BatchSource, PairTraining, select_surest, train_on_pairs
from satiety.tuning.recipes.base import RECIPES, FewLabelsRecipe, FitOutcome, Recipe, TuningInputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satiety.heads.softmax_regression import Layer
    from satiety.problems import Window
    from satiety.problems.base import Floats
    from satiety.tuning.context import TuningContext
    from satiety.tuning.frozen.space import FrozenSpace

    Ints = NDArray[np.integer[Any]]

L2 = 0.003
"""Penalty of the head that learns from labels and pseudo-labels."""
MIN_TRUST = 0.05
"""Least weight of the teacher whose encoder is trained; with less it is not asked."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is known of the raw texts before the encoder learns from them."""

    space: FrozenSpace
    """Labelled and raw texts in the space of the untouched encoder."""
    answers: Floats
    """The teachers' probabilities of the raw windows, shape (raw, classes)."""
    trust: float
    """Weight of the teacher whose encoder is trained, from 0 to 1."""
    confidence: float
    """Mean probability of the teachers' answer to labels that were held out, calibrated."""
    surest: Ints
    """Indices of the raw windows whose answers are learned as labels."""

    @property
    def pseudo_labels(self) -> Ints:
        """The classes of these windows."""
        classes: Ints = self.answers[self.surest].argmax(axis=1)
        return classes


@RECIPES.register("self_trained")
class SelfTrained(FewLabelsRecipe):
    """Train the encoder on labels and on raw texts that two teachers answer surely."""

    share: float = Field(gt=0, le=1, default=0.3)
    """Share of the raw texts, the surest of each class, that the encoder is trained on."""
    gold_share: float = Field(gt=0, lt=1, default=0.3)
    """Share of the labelled texts in a batch, and their weight in the head that answers the raw texts afterwards."""
    training: PairTraining = Field(default_factory=PairTraining)
    """Updates of the encoder."""

    @property
    def uses_documents(self) -> bool:
        return True

    @property
    def trains_encoder(self) -> bool:
        return True

    @property
    def can_self_train(self) -> bool:
        return True

    @property
    def needs_self_training(self) -> bool:
        return True

    def teachers(self) -> list[Recipe]:
        """Return the teachers: the one of the untouched encoder, and the one that trains it."""
        return [RECIPES["transductive"](), RECIPES["contrastive"].model_validate({"training": self.training})]

    def proxies(self) -> list[Recipe]:
        return [proxy for teacher in self.teachers() for proxy in teacher.proxies()]

    def fit(self, inputs: TuningInputs) -> FitOutcome:
        from satiety.tuning.context import load_context
        from satiety.tuning.frozen.space import encode_raw
        from satiety.tuning.inputs import select_labelled

        context = load_context(inputs)
        windows = select_labelled(context.encode(inputs.train), context.problem)
        targets, raw = np.array([int(window.targets[0]) for window in windows]), encode_raw(context)
        if not raw:
            return self._fit_without_raw_texts(inputs)
        lesson = self._ask_teachers(context, raw)

        # the encoder, and the head in its new space
        size = self.training.batch_size
        gold_count = min(max(round(size * self.gold_share), 1), size - 1)
        pseudo_labelled = [raw[i] for i in lesson.surest]
        sources = [
            BatchSource(windows, targets, gold_count),
            BatchSource(pseudo_labelled, lesson.pseudo_labels, size - gold_count),
        ]
        state = train_on_pairs(context, sources, self.training)
        context.set_head(self._fit_head(context, windows, targets, raw, lesson))
        facts = {"steps": state.step, "pseudo_labels": len(lesson.surest), "trust": round(lesson.trust, 6)}
        return FitOutcome(context.build_tuned(context.problem, self), state, facts)

    def _fit_without_raw_texts(self, inputs: TuningInputs) -> FitOutcome:
        """Return the teacher that learned from labels alone."""
        if inputs.params.self_training:
            raise DataError("finetune: self-training needs raw texts: add a lever of kind retrieve to `use`")
        from satiety.tuning.trials import fit_on_labels

        outcome = fit_on_labels(inputs, self.teachers()[1])
        card = outcome.model.card.model_copy(update={"recipe": self.kind})
        return replace(outcome, model=replace(outcome.model, card=card))

    def _ask_teachers(self, context: TuningContext, raw: Sequence[Window]) -> Lesson:
        """Answer the raw texts by both teachers, and select the surest of each class."""
        from satiety.tuning.frozen.averaging import fit_average
        from satiety.tuning.frozen.space import build_space, compute_all_features
        from satiety.tuning.frozen.transduction import answer_raw, mean_of_logs
        from satiety.tuning.trials import FOLDS, average, fit_on_labels, hold_out, split_examples, weigh

        # 1. whom to trust, by labels that were held out
        inputs, seed = context.inputs, context.inputs.params.seed
        compute_all_features(inputs)
        folds = split_examples(inputs, FOLDS)
        trials = [hold_out(inputs, proxy, folds) for proxy in self.proxies()]
        trust = float(weigh(trials)[1])
        trust = trust if trust >= MIN_TRUST else 0.0

        # 2. what they say
        space = build_space(context)
        answers, _ = answer_raw(space, fit_average(space, space.gold, space.raw, seed), seed)
        if trust:
            store = replace(inputs.store, folder=inputs.store.folder / "teacher", log_point=lambda *_: None)
            teacher = fit_on_labels(replace(inputs, store=store), self.teachers()[1]).model
            predictions = teacher.predict([document.text for document in inputs.documents])
            trained = trials[1].calibrate(context.problem.outputs(predictions))[[window.example for window in raw]]
            answers = mean_of_logs([answers, trained], [1 - trust, trust])
        confidence = float(average(trials).probabilities.max(axis=1).mean())
        return Lesson(space, answers, trust, confidence, select_surest(answers, self.share))

    def _fit_head(
        self, context: TuningContext, windows: Sequence[Window], targets: Ints, raw: Sequence[Window], lesson: Lesson
    ) -> Layer:
        """Return the head for the trained encoder's own features."""
        from satiety.heads.softmax_regression import fit_softmax, softmax
        from satiety.heads.solver import standardize
        from satiety.tuning.frozen.transduction import distil, mean_of_logs, soften

        # 1. labelled and raw texts in the new space
        gold, count = np.stack(context.compute_features(windows)), len(lesson.surest)
        rows, mean, scale = standardize(np.vstack([gold, np.stack(context.compute_features(raw))]))
        space = replace(lesson.space, gold=rows[: len(gold)], raw=rows[len(gold) :])

        # 2. a head on labels and pseudo-labels answers all raw texts; the mean with the teachers' answers is learned
        weights = np.repeat([self.gold_share / len(gold), (1 - self.gold_share) / count], [len(gold), count])
        labels = np.eye(len(context.problem.classes))[np.concatenate([targets, lesson.pseudo_labels])]
        learned = fit_softmax(np.vstack([space.gold, space.raw[lesson.surest]]), labels, L2, weights=weights)
        answers = mean_of_logs([softmax(learned.logits(space.raw)), lesson.answers], [1, 1])
        layer = distil(space, answers, context.inputs.params.seed)
        return soften(layer, space.raw, lesson.confidence).restore(mean, scale)
