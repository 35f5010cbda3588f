"""What every method guarantees with every problem. A new file in either registry is tested here without an edit."""

from itertools import product
from pathlib import Path

import pytest

from satiety.core.errors import ParamsError
from satiety.heads import HEADS
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import METHODS, OBJECTIVES, Finetune, load

LONG = {"en": "the hotel in paris is good " * 30, "zh": "我爱北京天安门" * 30}
WRITTEN = [name for name in PROBLEMS if HEADS[PROBLEMS[name].head].is_generative]
"""Problems whose answers a decoder generates."""
PAIRS = list(product(METHODS, PROBLEMS))
ABLE = [(method, name) for method, name in PAIRS if METHODS[method].can_generate or name not in WRITTEN]


def params(method: str, prefix: str = "", *, writes: bool = False, objective: str = "supervised") -> Finetune:
    """Return params that overfit; a generated text needs more and larger steps than a label."""
    training = {"epochs": 40, "min_steps": 1, "max_steps": 60, "batch_size": 2, "warmup": 0.1, "weight_decay": 0.01}
    training |= {"epochs": 300, "max_steps": 300} if writes else {}
    rates = {"learning_rate": 1e-2} if writes and METHODS[method].can_generate else {}
    return Finetune.model_validate(
        {
            "seed": 1,
            "max_length": 32,
            "prefix": prefix,
            "pooling": "mean",
            "recipe": {
                "kind": "fine_tune",
                "dropout": 0.0,
                "method": METHODS[method].sample().model_dump() | rates,
                "objective": OBJECTIVES[objective].sample().model_dump(),
                "head": {"l2": [1e-5], "folds": 2, "rows": 1000},
                "training": training
                | {
                    "max_grad_norm": 1.0,
                    "weight_averaging": None if writes else 1.0,
                    "evaluations": 4,
                    "patience": None,
                },
            },
        }
    )


def get_base(name: str, tiny: Path, writer: Path) -> Path:
    """Return the base model for a problem."""
    return writer if name in WRITTEN else tiny


@pytest.mark.parametrize("language", list(LONG))
@pytest.mark.parametrize(("method", "problem_name"), ABLE)
class TestEveryMethodWithEveryProblem:
    def test_overfits_two_examples_saves_loads_and_predicts_the_same(
        self, method: str, problem_name: str, language: str, tiny: Path, writer: Path, tmp_path: Path
    ) -> None:
        from satiety.tuning.finetune import finetune

        problem, base = PROBLEMS[problem_name].sample(), get_base(problem_name, tiny, writer)
        examples, section = problem.examples(language), params(method, "query:", writes=problem_name in WRITTEN)
        store = CheckpointStore(tmp_path / "run", 1e9)
        outcome = finetune(base, problem, examples, examples, params=section, store=store, device="cpu")
        inputs = [example.inputs for example in examples]
        predicted = outcome.model.predict(inputs)
        assert problem.score(problem.tally(examples, predicted))[problem.headline] == pytest.approx(1, abs=0.05)

        outcome.model.save(tmp_path / "tuned", base)
        repeated = load(tmp_path / "tuned", "cpu")
        rows = [*inputs, *({**inputs[0], problem.inputs[0]: text} for text in (LONG[language], ""))]
        assert repeated.predict(rows) == outcome.model.predict(rows)
        assert len(repeated.predict(rows)) == len(rows)
        assert {path.suffix for path in (tmp_path / "tuned").iterdir()} <= {".json", ".safetensors"}


@pytest.mark.parametrize(("method", "problem_name"), [pair for pair in PAIRS if pair not in ABLE])
def test_a_method_that_cannot_train_the_problem_is_refused_and_the_error_names_those_that_can(
    method: str, problem_name: str, tmp_path: Path
) -> None:
    from satiety.tuning.finetune import finetune

    problem = PROBLEMS[problem_name].sample()
    examples, section = problem.examples("zh"), params(method)
    able = ", ".join(name for name, supported in ABLE if supported == problem_name)
    store, message = (
        CheckpointStore(tmp_path, 1e9),
        f"finetune.recipe.method: '{method}' cannot train a generative model.*available: {able}",
    )
    with pytest.raises(ParamsError, match=message):
        finetune(tmp_path / "never read", problem, examples, [], params=section, store=store, device="cpu")
