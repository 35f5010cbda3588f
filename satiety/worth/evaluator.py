"""A run -> its outcome: select labels, apply the levers, train, and score the test set."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satiety.levers.base import RunContext
from satiety.text.deduplication import HeldOut
from satiety.worth.features import FeatureExtractor, hash_text
from satiety.worth.learners import FineTuned, ProxyModel, split_dev
from satiety.worth.plan import Plan
from satiety.worth.run_store import Outcome
from satiety.worth.runs import order_pool

if TYPE_CHECKING:
    from satiety.core.records import Example
    from satiety.problems import Prediction
    from satiety.problems.base import Floats
    from satiety.worth.runs import StudyRun


class Evaluator:
    """Evaluates runs of one study, one after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._load_proxy = cache(self._build_proxy)
        self._contaminated = {hash_text(example.text): False for example in plan.pool} | dict(plan.contaminated)

    def evaluate(self, run: StudyRun, key: str) -> Outcome:
        """Return the outcome of a run, which is independent of earlier runs."""
        started = time.process_time()
        plan = self.plan
        if not run.budget:
            return Outcome(plan.zero_shot, time.process_time() - started, is_zero_shot=True)
        order = order_pool(plan.pool, plan.problem.stratum, plan.params.seed, run.replicate)
        dev_share = plan.params.fine_tuned.dev if run.depth == "fine_tuned" else 0.0
        rng = random.Random(f"{plan.params.seed}/dev/{run.replicate}")
        labels, dev = split_dev(order[: run.budget], dev_share, plan.problem.stratum, rng)
        transformed = self._transform(run, labels, order)
        examples = self._drop_contaminated(transformed) if run.is_gated else transformed
        if run.depth == "proxy":
            tallies, zero_shot = self._evaluate_proxy(run, examples)
        else:
            tallies, zero_shot = self._evaluate_fine_tuned(run, examples, dev, key), False
        seconds = time.process_time() - started
        return Outcome(
            tallies, seconds, zero_shot, num_rejected=len(transformed) - len(examples), num_examples=len(examples)
        )

    def _transform(
        self, run: StudyRun, examples: tuple[Example, ...], order: tuple[Example, ...]
    ) -> tuple[Example, ...]:
        """Apply the levers of a run to its labels, in order."""
        plan = self.plan
        for name in [name for name in plan.levers if name in run.levers]:
            context = RunContext(
                problem=plan.problem,
                budget=run.budget,
                order=order,
                test=plan.test,
                documents=plan.inputs[run.levers].documents,
                precomputed=plan.precomputed[name],
                rng=random.Random(f"{plan.params.seed}/{name}/{run.replicate}/{run.budget}"),
                predict=lambda labelled, texts: self._predict(run, labelled, texts),
            )
            try:
                examples = plan.levers[name].transform_train(examples, context)
            except Exception as error:
                error.add_note(f"in lever {name} at {run.budget} labels, replicate {run.replicate}")
                raise
        return examples

    def _drop_contaminated(self, examples: Sequence[Example]) -> list[Example]:
        """Remove examples that repeat a test text; texts that no lever precomputed are checked once and cached."""
        unchecked = {hash_text(example.text): example.text for example in examples}
        unchecked = {name: text for name, text in unchecked.items() if name not in self._contaminated}
        twins = self._held_out.find_leaks(list(unchecked.values())) if unchecked else []
        self._contaminated |= {name: twin is not None for name, twin in zip(unchecked, twins, strict=True)}
        return [example for example in examples if not self._contaminated[hash_text(example.text)]]

    @cached_property
    def _held_out(self) -> HeldOut:
        return HeldOut.from_examples(self.plan.test, self.plan.params.dedup_threshold)

    def _predict(self, run: StudyRun, labelled: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        proxy = self._load_proxy(self.plan.inputs[run.levers].encoder)
        return proxy.fit_predict(labelled, texts, self.plan.params.seed + run.replicate)

    def _evaluate_proxy(self, run: StudyRun, examples: Sequence[Example]) -> tuple[Floats, bool]:
        plan, proxy = self.plan, self._load_proxy(self.plan.inputs[run.levers].encoder)
        head = proxy.fit(examples, plan.params.seed + run.replicate)
        if head is None:
            return plan.zero_shot, True
        return plan.problem.tally(plan.test, proxy.predict(head, plan.test)), False

    def _evaluate_fine_tuned(
        self, run: StudyRun, examples: Sequence[Example], dev: Sequence[Example], key: str
    ) -> Floats:
        plan, inputs = self.plan, self.plan.inputs[run.levers]
        params = plan.finetune.model_copy(update={"seed": plan.finetune.seed + run.replicate})
        model = FineTuned(plan.problem, inputs.encoder, params, plan.device, plan.home)
        predict = model.fit(examples, dev, key, inputs.documents if params.recipe.uses_documents else ())
        return plan.problem.tally(plan.test, predict([example.inputs for example in plan.test]))

    def _build_proxy(self, encoder: Path) -> ProxyModel:
        plan = self.plan
        extractor = FeatureExtractor(plan.home, encoder, plan.problem, plan.params.encoder_config, plan.device)
        return ProxyModel(plan.problem, extractor, plan.params.head, plan.params.encoder_config)
