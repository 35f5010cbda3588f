"""What every method promises with every problem. A new file in either registry is tested here without an edit."""

from pathlib import Path

import pytest

from satiety.problems import PROBLEMS
from satiety.training.checkpoint import Store
from satiety.tuning import METHODS, Finetune, load

LONG = {"en": "the hotel in paris is good " * 30, "zh": "我爱北京天安门" * 30}


def params(method: str, prefix: str = "") -> Finetune:
    recipe = {"epochs": 40, "least_steps": 1, "most_steps": 60, "batch_size": 2, "warmup": 0.1, "weight_decay": 0.01}
    return Finetune.model_validate(
        {
            "seed": 1,
            "max_length": 32,
            "prefix": prefix,
            "pooling": "mean",
            "dropout": 0.0,
            "pseudo": None,
            "method": METHODS[method].sample().model_dump(),
            "head": {"strengths": [1e-5], "folds": 2, "rows": 1000},
            "training": recipe | {"clip": 1.0, "average": 1.0, "checks": 4, "patience": None},
        }
    )


@pytest.mark.parametrize("language", list(LONG))
@pytest.mark.parametrize("problem_name", list(PROBLEMS))
@pytest.mark.parametrize("method", list(METHODS))
class TestEveryMethodWithEveryProblem:
    def test_overfits_two_examples_saves_loads_and_predicts_the_same(
        self, method: str, problem_name: str, language: str, tiny: Path, tmp_path: Path
    ) -> None:
        from satiety.tuning.finetune import finetune

        problem = PROBLEMS[problem_name].sample()
        examples = problem.examples(language)
        store = Store(tmp_path / "run", 1e9)
        result = finetune(tiny, problem, examples, examples, params=params(method, "query:"), store=store, device="cpu")
        inputs = [example.inputs for example in examples]
        predicted = result.tuned.predict(inputs)
        assert problem.score(problem.tally(examples, predicted))[problem.headline] == pytest.approx(1)

        result.tuned.save(tmp_path / "tuned", tiny)
        again = load(tmp_path / "tuned", "cpu")
        asked = [*inputs, *({**inputs[0], problem.inputs[0]: text} for text in (LONG[language], ""))]
        assert again.predict(asked) == result.tuned.predict(asked)
        assert len(again.predict(asked)) == len(asked)
        assert {path.suffix for path in (tmp_path / "tuned").iterdir()} <= {".json", ".safetensors"}
