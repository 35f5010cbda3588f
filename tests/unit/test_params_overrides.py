"""Overrides of params.yaml are checked before anything runs, all of them at once."""

from pathlib import Path

import pytest

from satiety.errors import ParamsError
from satiety.params import check_overrides

PARAMS = Path("params.yaml")


@pytest.mark.parametrize(
    "override",
    [
        "finetune.seed=7",
        "ingest.budget=480",
        "finetune.method.learning_rate=1e-4",
        "augment.steps=[]",
        "ingest.problem.names={positive: 好评}",
        "finetune.training.patience=null",
    ],
)
def test_what_may_stand_in_the_file_may_be_overridden(override: str) -> None:
    check_overrides(PARAMS, [override])


def test_nothing_overridden_is_the_file_itself() -> None:
    check_overrides(PARAMS, [])


def test_every_mistake_is_named_at_once() -> None:
    wrong = ["finetune.sed=1", "finetun.seed=1", "evaluate", "ingest.budget.x=1", "=3", "finetune.seed=x"]
    with pytest.raises(ParamsError) as caught:
        check_overrides(PARAMS, [*wrong, "evaluate.seed=1", "evaluate.seed=2"])
    said = str(caught.value).splitlines()
    assert len(said) == 7
    assert said[5] == "overrides: evaluate.seed=2: it is given twice"
    assert said[6].startswith("overrides: finetune.seed: Input should be a valid integer")
    assert said[0].startswith("overrides: finetune.sed=1: finetune.sed is not in the file; did you mean 'seed'?")
    assert "did you mean 'finetune'?" in said[1]
    assert said[2] == "overrides: evaluate: write it as block.field=value"
    assert "there is: a plain value" in said[3]


def test_a_wrong_value_is_named_without_the_line_of_a_copy() -> None:
    with pytest.raises(ParamsError) as caught:
        check_overrides(PARAMS, ["finetune.seed=-1", "ingest.dev=many"])
    said = str(caught.value).splitlines()
    assert [line.partition(": Input")[0] for line in said] == ["overrides: ingest.dev", "overrides: finetune.seed"]


def test_the_file_is_left_as_it_was() -> None:
    before = PARAMS.read_bytes()
    check_overrides(PARAMS, ["finetune.seed=7"])
    assert PARAMS.read_bytes() == before


def test_two_blocks_that_are_right_alone_may_be_wrong_together() -> None:
    with pytest.raises(ParamsError, match=r"retrain\.window: 60 .* promote\.fresh_least asks for 100"):
        check_overrides(PARAMS, ["retrain.window=60"])
    check_overrides(PARAMS, ["retrain.window=60", "promote.fresh_least=60"])
