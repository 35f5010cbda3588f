"""What every recipe guarantees with every problem. A new file in either registry is tested here without an edit."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from satiety.core.errors import DataError, ParamsError
from satiety.core.files import manifest
from satiety.core.records import Document, Example
from satiety.problems import PROBLEMS, Problem
from satiety.training.checkpoint import CheckpointStore
from satiety.tuning import RECIPES, Finetune, load
from satiety.tuning.finetune import finetune
from satiety.tuning.recipes import FitOutcome
from satiety.tuning.recipes.auto import Auto
from tests.contracts.test_methods import LONG, WRITTEN, get_base
from tests.contracts.test_methods import params as fine_tune

PAIRS = list(product(RECIPES, PROBLEMS))
ABLE = [(recipe, name) for recipe, name in PAIRS if not RECIPES[recipe].sample().refusals(PROBLEMS[name].sample())]
TEXTS = ["the hotel in paris is good", "a bad film", "我爱北京天安门", "这部电影很差", ""]


def params(recipe: str, problem_name: str = "classify", **changes: Any) -> Finetune:
    """Return params that overfit: a recipe with its defaults, fine_tune with larger steps, also as a candidate."""
    section = fine_tune("full", writes=problem_name in WRITTEN)
    sample = section.recipe if recipe == "fine_tune" else RECIPES[recipe].sample()
    if recipe == "auto":
        sample = Auto(candidates=[*Auto().candidates[:-1], section.recipe])
    return section.model_copy(update={"recipe": sample} | changes)


def fit(
    recipe: str, problem: Problem, examples: list[Example], base: Path, folder: Path, *, raw: tuple[str, ...] = ()
) -> FitOutcome:
    documents = [Document(str(i), text) for i, text in enumerate(raw)]
    section, store = params(recipe, problem.kind), CheckpointStore(folder / "run", 1e9)
    return finetune(base, problem, examples, examples, params=section, store=store, device="cpu", documents=documents)


@pytest.mark.parametrize("language", list(LONG))
@pytest.mark.parametrize(("recipe", "problem_name"), ABLE)
def test_it_overfits_two_examples_saves_loads_and_predicts_the_same(
    recipe: str, problem_name: str, language: str, tiny: Path, writer: Path, tmp_path: Path
) -> None:
    problem, base = PROBLEMS[problem_name].sample(), get_base(problem_name, tiny, writer)
    examples = problem.examples(language)
    outcome = fit(recipe, problem, examples, base, tmp_path, raw=tuple(TEXTS))
    inputs = [example.inputs for example in examples]
    predicted = outcome.model.predict(inputs)
    assert problem.score(problem.tally(examples, predicted))[problem.headline] == pytest.approx(1, abs=0.05)
    assert outcome.facts["recipe"] == recipe

    outcome.model.save(tmp_path / "tuned", base)
    repeated = load(tmp_path / "tuned", "cpu")
    rows = [*inputs, {**inputs[0], problem.inputs[0]: LONG[language]}, {**inputs[0], problem.inputs[0]: ""}]
    assert repeated.predict(rows) == outcome.model.predict(rows)
    assert repeated.card.recipe == recipe


@pytest.mark.parametrize("recipe", list(RECIPES))
class TestEveryRecipe:
    def test_gives_the_same_model_and_facts_again_and_needs_neither_dev_nor_raw_text(
        self, recipe: str, tiny: Path, tmp_path: Path
    ) -> None:
        problem, outcomes = PROBLEMS["classify"].sample(), []
        for folder in ("first", "second"):
            section, store = params(recipe), CheckpointStore(tmp_path / folder / "run", 1e9)
            outcome = finetune(tiny, problem, problem.examples("en"), [], params=section, store=store, device="cpu")
            outcome.model.save(tmp_path / folder / "tuned", tiny)
            outcomes.append((manifest(tmp_path / folder / "tuned"), outcome.facts))
        assert outcomes[0] == outcomes[1]

    def test_refuses_a_problem_it_cannot_train_before_anything_is_read(self, recipe: str, tmp_path: Path) -> None:
        for name, problem_name in PAIRS:
            if name == recipe and (name, problem_name) not in ABLE:
                problem = PROBLEMS[problem_name].sample()
                with pytest.raises(ParamsError, match=f"finetune.recipe: '{recipe}' (cannot train|needs)"):
                    fit(recipe, problem, problem.examples("zh"), tmp_path / "never read", tmp_path)

    def test_refuses_empty_training_examples(self, recipe: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no training examples"):
            fit(recipe, PROBLEMS["classify"].sample(), [], tmp_path / "never read", tmp_path)

    def test_self_trains_or_the_params_are_refused(self, recipe: str, tiny: Path, tmp_path: Path) -> None:
        block = params(recipe).model_dump(mode="json") | {"self_training": {"confidence": 0.0}}
        if not RECIPES[recipe].sample().can_self_train:
            with pytest.raises(ValueError, match="self-training needs the recipe auto"):
                Finetune.model_validate(block)
            return
        problem, section = PROBLEMS["classify"].sample(), Finetune.model_validate(block)
        documents = [Document(str(i), text) for i, text in enumerate(TEXTS)]
        for raw in (documents, []):
            store = CheckpointStore(tmp_path / str(len(raw)), 1e9)
            keywords: dict[str, Any] = {"params": section, "store": store, "device": "cpu", "documents": raw}
            if raw or recipe == "auto":  # which may leave raw texts out
                facts = finetune(tiny, problem, problem.examples("en"), [], **keywords).facts
                assert facts.get("pseudo_labels", 0) > 0 or recipe == "auto"
            else:
                with pytest.raises(DataError, match="self-training needs raw texts"):
                    finetune(tiny, problem, problem.examples("en"), [], **keywords)
