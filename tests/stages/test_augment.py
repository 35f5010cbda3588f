"""The stage `augment` on files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import DataError, ParamsError
from satiety.core.records import Document, Example, Rejection, read, write
from satiety.problems import PROBLEMS
from tasks.augment import main

OUTPUTS = {"augmented": Path("augmented.parquet"), "quarantine": Path("quarantine.parquet")}
STEPS = """
    - {kind: swap, alpha: 0.1, copies: 2}
    - {kind: drop, probability: 0.2, copies: 30}
    - {kind: char_swap, words: 0.3, characters: 0.1, min_characters: 2, copies: 1}
"""
TRAIN = [
    Example("a", {"text": "I really loved this film"}, answer=Label("good"), group="g1", language="en", source="f:1"),
    Example(
        "b", {"text": "这部电影真的很好看，我非常喜欢"}, answer=Label("good"), group="g2", language="zh", source="f:2"
    ),
]


DOCUMENTS = [Document("d1", "what a good hotel", language="en"), Document("d2", "上海的酒店真不好", language="zh")]


@pytest.fixture
def paths(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A workspace with every input of the stage; dropping a word of one training text gives a test text."""
    monkeypatch.chdir(tmp_path)
    PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}}).save(Path("problem.json"))
    write(Path("train.parquet"), TRAIN, Example)
    write(Path("dev.parquet"), [Example("v", {"text": "房间很脏"}, answer=Label("bad"), split="dev")], Example)
    write(
        Path("test.parquet"),
        [Example("x", {"text": "I really loved film"}, answer=Label("good"), split="test")],
        Example,
    )
    write(Path("retrieved.parquet"), DOCUMENTS, Document)
    write_steps(mine=STEPS)
    tables = {name: Path(f"{name}.parquet") for name in ("train", "dev", "test", "retrieved")}
    return {"problem": Path("problem.json"), **tables, "base": tiny, **OUTPUTS}


def write_steps(**levers: str) -> None:
    """Write params.yaml with augment levers of the given steps."""
    write_levers({name: {"kind": "augment", "steps": yaml.safe_load(steps)} for name, steps in levers.items()})


def write_levers(levers: dict[str, Any], seed: int = 7) -> None:
    """Write params.yaml with each lever on its own line."""
    lines = [f"  {name}: {json.dumps(lever)}" for name, lever in levers.items()]
    project = json.dumps({"base": {"uri": "file:data/raw/base"}, "seed": seed, "max_length": 32})
    text = "\n".join(["levers:", *lines, f"use: [{', '.join(levers)}]", f"project: {project}"])
    Path("params.yaml").write_text(text, encoding="utf-8")


def test_copies_follow_the_examples_and_leaks_go_to_quarantine(paths: dict[str, Path]) -> None:
    main.run(**paths)
    first, second, *copies = read(OUTPUTS["augmented"], Example)
    assert [first, second] == TRAIN
    assert {copy.origin for copy in copies} == {"swap", "drop", "char_swap"}
    assert {(copy.parent, copy.group, copy.source) for copy in copies} == {("a", "g1", "f:1"), ("b", "g2", "f:2")}
    rejected = list(read(OUTPUTS["quarantine"], Rejection))
    assert {(r.reason, r.twin, r.source) for r in rejected} == {("contaminated", "x", "f:1")}
    values = json.loads(Path("reports/augment.json").read_text(encoding="utf-8"))
    assert (values["in"], values["out"], values["quarantined"]) == (2, 2 + len(copies), len(rejected))
    assert sum(values["copies"].values()) == len(copies)
    assert values["repeated"]["drop"] > 0
    assert values["refused"] == {"char_swap": 0, "drop": 0, "swap": 0}


def test_equal_inputs_give_equal_bytes(paths: dict[str, Path]) -> None:
    main.run(**paths)
    first = OUTPUTS["augmented"].read_bytes(), Path("reports/augment.json").read_bytes()
    main.run(**paths)
    assert (OUTPUTS["augmented"].read_bytes(), Path("reports/augment.json").read_bytes()) == first


def test_without_steps_the_examples_pass_through(paths: dict[str, Path]) -> None:
    for levers in ({"mine": "[]"}, {}):
        write_steps(**levers)
        main.run(**paths)
        assert list(read(OUTPUTS["augmented"], Example)) == TRAIN
        assert list(read(OUTPUTS["quarantine"], Rejection)) == []


def test_two_levers_add_the_copies_of_both_without_repeats(paths: dict[str, Path]) -> None:
    copies_by_lever = {}
    for levers in ({"a": "[{kind: swap, copies: 2}]"}, {"b": "[{kind: swap, copies: 2, alpha: 0.9}, {kind: drop}]"}):
        write_steps(**levers)
        main.run(**paths)
        copies_by_lever |= {name: list(read(OUTPUTS["augmented"], Example))[2:] for name in levers}
    write_steps(a="[{kind: swap, copies: 2}]", b="[{kind: swap, copies: 2, alpha: 0.9}, {kind: drop}]")
    main.run(**paths)
    first, second, *copies = read(OUTPUTS["augmented"], Example)
    assert [first, second] == TRAIN
    assert {(copy.parent, copy.text) for copy in copies} == {
        (c.parent, c.text) for c in copies_by_lever["a"] + copies_by_lever["b"]
    }
    assert len(copies) == len({(copy.parent, copy.text) for copy in copies}) == len({copy.id for copy in copies})
    assert copies[: len(copies_by_lever["a"])] == copies_by_lever["a"]
    values = json.loads(Path("reports/augment.json").read_text(encoding="utf-8"))
    assert set(values["params"]["levers"]) == {"a", "b"}


def test_an_unknown_lever_in_use_is_refused(paths: dict[str, Path]) -> None:
    write_levers({"swap": {"kind": "augment"}})
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(text.replace("[swap]", "[swpa]"), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"use: unknown lever 'swpa'; did you mean 'swap'\?"):
        main.run(**paths)


def test_entities_stay_on_their_words(paths: dict[str, Path]) -> None:
    PROBLEMS["ner"].model_validate({"labels": ["LOC"]}).save(Path("problem.json"))
    train = [
        Example("a", {"text": "we went to New York in May"}, answer=Spans((Span(11, 19, "LOC"),)), language="en"),
        Example(
            "b",
            {"text": "他昨天从北京坐火车去了上海"},
            answer=Spans((Span(4, 6, "LOC"), Span(11, 13, "LOC"))),
            language="zh",
        ),
    ]
    write(Path("train.parquet"), train, Example)
    main.run(**paths)
    copies = list(read(OUTPUTS["augmented"], Example))[2:]
    assert {copy.parent for copy in copies} == {"a", "b"}
    entities = {(copy.parent, copy.text[span.start : span.end]) for copy in copies for span in copy.answer.mentions}
    assert entities == {("a", "New York"), ("b", "北京"), ("b", "上海")}
    values = json.loads(Path("reports/augment.json").read_text(encoding="utf-8"))
    assert values["refused"]["drop"] > 0


def test_the_error_for_a_wrong_parameter_names_its_line(paths: dict[str, Path]) -> None:
    write_steps(mine="[{kind: swap, alpha: 3, copies: 2}]")
    with pytest.raises(ParamsError, match=r"params.yaml:2: levers.mine.steps.0.*less than or equal to 1 \(got 3\)"):
        main.run(**paths)
    assert not OUTPUTS["augmented"].exists()


def test_a_missing_input_is_named_and_nothing_is_written(paths: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"没有.parquet: no such file; run `dvc repro`, or the stage that makes it"):
        main.run(**{**paths, "train": Path("没有.parquet")})
    assert not OUTPUTS["augmented"].exists()
