"""Overrides of params.yaml are checked before anything runs, all of them at once."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from hypothesis import example, given
from hypothesis import strategies as st

from flows.dvc import build_run_command
from satiety.core.errors import ParamsError
from satiety.core.section import read_yaml
from satiety.params import _read_override, check_overrides, load_params, override_values
from satiety.problems import PROBLEMS

PARAMS = Path("params.yaml")


@pytest.mark.parametrize(
    "override",
    [
        "finetune.seed=7",
        "ingest.budget=480",
        "finetune.recipe.method.learning_rate=1e-4",
        "levers.augment.steps=[]",
        "use=[retrieve,augment]",
        "levers.drop={kind: augment, steps: [{kind: drop}]}",
        "levers.retrieve={kind: retrieve, retriever: {kind: bm25}}",
        "ingest.problem.names={positive: '好评'}",
        "finetune.recipe.training.patience=null",
        "ingest.problem={kind: classify, names: {positive: good}}",
        "validate.max_characters=5000",
        "promote.max_comparisons=5",
    ],
)
def test_every_valid_value_of_params_yaml_may_be_overridden(
    override: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DVC writes the checked value, whether the file has the field or leaves it to its default."""
    path = tmp_path / "params.yaml"
    path.write_bytes(PARAMS.read_bytes())
    monkeypatch.chdir(tmp_path)
    check_overrides(path, [override])
    words = build_run_command("ingest", [override], "x")
    apply_overrides(str(path), [change for word, change in pairwise(words) if word == "-S"])
    checked = read_yaml(PARAMS)
    assert override_values(checked, [override]) == []
    assert read_yaml(path) == checked


@given(st.from_regex(r"[-+]?[0-9_.:]{0,6}([eE][-+]?[0-9]{1,3})?|0[xo][0-9a-f]{1,4}|[a-zA-Z][a-z]{0,4}", fullmatch=True))
@example("0240")
@example("yes")
@example("4:00")
@example("007")
@example("0x1F")
@example("1_000")
@example("1e-4")
def test_a_number_in_an_override_has_the_value_that_dvc_reads_or_is_text(text: str) -> None:
    try:
        actual = _read_override(text)
    except KeyError:
        return
    try:
        (override,) = OverridesParser.create().parse_overrides([f"a={text}"])
    except OverrideParseException:
        return
    expected = override.value()
    if isinstance(expected, int | float) or isinstance(actual, int | float):
        assert repr(actual) == repr(expected) or isinstance(actual, str)  # a text is refused where a number is wanted


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("ingest.budget=0240", "'0240' is ambiguous: 240 in YAML 1.2 (DVC), 160 in YAML 1.1"),
        ("ingest.budget=0x1F", "write 31: DVC reads '0x1F' as text"),
        ("ingest.budget=007", "write 7: DVC reads '007' as text"),
        ("ingest.budget='240'", "must be a whole number (got '240'); write 240"),
        ("ingest.budget=240.0", "must be a whole number (got 240.0); write 240"),
        ("ingest.budget=4:00", "must be a whole number (got '4:00')"),
        ("retrain.merge=yes", "must be true or false (got 'yes'); write true"),
    ],
)
def test_an_ambiguous_number_is_refused(override: str, message: str) -> None:
    with pytest.raises(ParamsError) as caught:
        check_overrides(PARAMS, [override])
    assert message in str(caught.value)


@pytest.mark.parametrize("names", ["{positive: 'no'}", "{positive: no}", "{positive: '1e5'}", "{positive: '0240'}"])
def test_texts_that_look_like_something_else_stay_texts(names: str) -> None:
    check_overrides(PARAMS, [f"ingest.problem.names={names}"])


def test_no_overrides_are_valid() -> None:
    check_overrides(PARAMS, [])


def test_every_mistake_is_named_at_once() -> None:
    overrides = ["finetune.sed=1", "finetun.seed=1", "evaluate", "ingest.budget.x=1", "=3", "finetune.seed=x"]
    with pytest.raises(ParamsError) as caught:
        check_overrides(PARAMS, [*overrides, "evaluate.seed=1", "evaluate.seed=2"])
    messages = str(caught.value).splitlines()
    assert len(messages) == 7
    assert messages[0] == "overrides: evaluate: write it as section.field=value"
    assert (
        messages[1]
        == "overrides: ingest.budget.x=1: ingest.budget has no fields, because it is a single value or a list"
    )
    assert messages[3] == "overrides: evaluate.seed=2: this field is overridden twice"
    assert messages[4].startswith("overrides: finetun: unknown section; did you mean 'finetune'?")
    assert messages[5].startswith("overrides: finetune.seed: must be a whole number")
    assert messages[6] == "overrides: finetune.sed: unknown field; did you mean 'seed'?"


def test_a_wrong_value_is_named_without_the_line_of_a_copy() -> None:
    with pytest.raises(ParamsError) as caught:
        check_overrides(PARAMS, ["finetune.seed=-1", "ingest.dev=many"])
    messages = str(caught.value).splitlines()
    places = [line.rpartition(": ")[0] for line in messages]
    assert places == ["overrides: ingest.dev", "overrides: finetune.seed"], messages


def test_checking_overrides_does_not_change_the_file() -> None:
    content = PARAMS.read_bytes()
    check_overrides(PARAMS, ["finetune.seed=7"])
    assert PARAMS.read_bytes() == content


def test_two_valid_blocks_may_be_invalid_together() -> None:
    with pytest.raises(ParamsError, match=r"retrain\.window: 60 is below promote\.min_fresh_examples: 100"):
        check_overrides(PARAMS, ["retrain.window=60"])
    check_overrides(PARAMS, ["retrain.window=60", "promote.min_fresh_examples=60"])


def test_components_that_cannot_train_a_generative_model_are_refused(tmp_path: Path) -> None:
    values = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    values["ingest"]["problem"], values["use"] = {"kind": "translate"}, ["retrieve"]
    values["ingest"]["labelled"][0]["columns"] = {"text": "text", "translation": "sentiment"}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    check_overrides(path, [])
    with pytest.raises(ParamsError) as caught:
        check_overrides(path, ["finetune.recipe.method.kind=prefix", "finetune.recipe.objective.kind=mixup"])
    method, objective = str(caught.value).splitlines()
    assert (
        "recipe.method: 'prefix' cannot train a generative model, which 'translate' needs; available: adapter" in method
    )
    assert "recipe.objective: 'mixup' cannot train a generative model" in objective
    with pytest.raises(ParamsError, match="remove the lever of kind self_training from `use`"):
        check_overrides(path, ["finetune.recipe.kind=fine_tune", "use=[retrieve, self_training]"])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pair", "self-training needs raw texts as inputs, but the problem 'pair' has the inputs text, text_b"),
        ("regress", "self-training needs confidences, which predictions of the problem 'regress' do not have"),
    ],
)
@pytest.mark.parametrize("block", ["use", "measure"])
def test_self_training_is_refused_for_problems_without_raw_texts_or_confidences(
    kind: str, reason: str, block: str, tmp_path: Path
) -> None:
    values = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    values |= {"use": ["retrieve"], "measure": ["retrieve"], "finetune": {"recipe": {"kind": "fine_tune"}}}
    values["ingest"]["problem"] = {"kind": kind}
    values["ingest"]["labelled"][0]["columns"] = {name: name for name in PROBLEMS[kind].sample().columns}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    check_overrides(path, [])
    path.write_text(yaml.safe_dump(values | {block: ["retrieve", "self_training"]}, sort_keys=False), encoding="utf-8")
    line = next(i for i, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text == f"{block}:")
    with pytest.raises(ParamsError, match=rf"params\.yaml:{line}: {block}: {reason}.*`{block}`"):
        load_params(path)


def test_a_secret_in_an_override_is_refused_and_not_shown() -> None:
    uri = "https://bob:hunter2@host/model"
    with pytest.raises(ParamsError, match=r"overrides: ingest\.base\.uri: the address contains a secret") as caught:
        check_overrides(PARAMS, [f"ingest.base={{uri: '{uri}', sha256: null}}", uri])
    assert "hunter2" not in str(caught.value)
