"""What every objective guarantees with every problem. A new file in either registry is tested here without an edit."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from satiety.core.errors import ParamsError
from satiety.core.records import Document
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import METHODS, OBJECTIVES
from satiety.tuning.context import TuningContext, load_context
from satiety.tuning.finetune import finetune
from satiety.tuning.inputs import Batch, collate, select_labelled
from satiety.tuning.objectives import Update
from satiety.tuning.recipes import TuningInputs
from tests.contracts.test_methods import WRITTEN, get_base, params

PAIRS = list(product(OBJECTIVES, PROBLEMS))
ABLE = [(objective, name) for objective, name in PAIRS if OBJECTIVES[objective].can_generate or name not in WRITTEN]
RAW = ["the hotel in paris is good", "我爱北京天安门", "bad", ""]


def build_context(objective: str, problem_name: str, base: Path, method: str = "full") -> TuningContext:
    torch.manual_seed(2)
    section = params(method, writes=problem_name in WRITTEN, objective=objective)
    problem = PROBLEMS[problem_name].sample()
    context = load_context(
        TuningInputs(base, problem, (), (), (), section, CheckpointStore(base / "never used", 1e9), "cpu")
    )
    METHODS[method].sample().prepare(context.model, 1)
    return context


def build_update(context: TuningContext, seed: int = 1) -> Update:
    windows = select_labelled(context.encode(context.problem.examples("en")), context.problem)

    def build_batch(count: int) -> Batch:
        return collate(windows[:count], context.tokenizer.pad_token_id, context.model.task_head)

    return Update(context.model.train(), build_batch(len(windows)), build_batch, np.random.default_rng(seed))


@pytest.mark.parametrize(("objective", "problem_name"), ABLE)
class TestEveryObjectiveWithEveryProblem:
    def test_overfits_two_examples(
        self, objective: str, problem_name: str, tiny: Path, writer: Path, tmp_path: Path
    ) -> None:
        problem = PROBLEMS[problem_name].sample()
        examples = problem.examples("zh")
        outcome = finetune(
            get_base(problem_name, tiny, writer),
            problem,
            examples,
            examples,
            params=params("full", writes=problem_name in WRITTEN, objective=objective),
            store=CheckpointStore(tmp_path / "run", 1e9),
            device="cpu",
            documents=[Document(str(i), text) for i, text in enumerate(RAW)],
        )
        predicted = outcome.model.predict([example.inputs for example in examples])
        assert problem.score(problem.tally(examples, predicted))[problem.headline] == pytest.approx(1, abs=0.05)
        assert outcome.facts["objective"] == objective

    def test_gives_a_finite_scalar_that_depends_on_its_generators_alone(
        self, objective: str, problem_name: str, tiny: Path, writer: Path
    ) -> None:
        context = build_context(objective, problem_name, get_base(problem_name, tiny, writer))
        losses = []
        for _ in range(2):
            torch.manual_seed(4)  # dropout
            losses.append(OBJECTIVES[objective].sample().loss(build_update(context)))
        assert losses[0].shape == ()
        assert losses[0].item() == losses[1].item()
        assert torch.isfinite(losses[0])


@pytest.mark.parametrize(("objective", "problem_name"), [pair for pair in PAIRS if pair not in ABLE])
def test_an_objective_that_cannot_train_the_problem_is_refused_and_the_error_names_those_that_can(
    objective: str, problem_name: str, tmp_path: Path
) -> None:
    problem = PROBLEMS[problem_name].sample()
    able = ", ".join(name for name, supported in ABLE if supported == problem_name)
    message = f"finetune.recipe.objective: '{objective}' cannot train a generative model.*available: {able}"
    with pytest.raises(ParamsError, match=message):
        finetune(
            tmp_path / "never read",
            problem,
            problem.examples("zh"),
            [],
            params=params("full", objective=objective),
            store=CheckpointStore(tmp_path, 1e9),
            device="cpu",
        )


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].sample().needs_training])
@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize("problem_name", ["classify", "translate"])
def test_every_trainable_weight_gets_a_gradient(
    objective: str, method: str, problem_name: str, tiny: Path, writer: Path
) -> None:
    if problem_name in WRITTEN and not (METHODS[method].can_generate and OBJECTIVES[objective].can_generate):
        return  # refused, see above
    context = build_context(objective, problem_name, get_base(problem_name, tiny, writer), method)
    OBJECTIVES[objective].sample().loss(build_update(context)).backward()
    weights = [(name, weight) for name, weight, _ in METHODS[method].sample().rates(context.model)]
    assert weights
    assert not [name for name, weight in weights if weight.grad is None]
