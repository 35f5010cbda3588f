"""Fields of several blocks stand in `project` once; a block may have its own value."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import YAMLFileCorruptedError, load_yaml

from satiety.core.errors import ParamsError
from satiety.core.project import Project
from satiety.core.section import read_yaml
from satiety.evaluate import Evaluate
from satiety.ingest import Ingest
from satiety.levers.retrieve import Retrieve
from satiety.params import load_params
from satiety.promotion import Promote
from satiety.tuning import Finetune
from satiety.worth.section import Worth
from satiety.worth.selection import Augmentation

PARAMS = Path("params.yaml")


def write_params(folder: Path, **blocks: Any) -> Path:
    """Write the default file with other blocks."""
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(read_yaml(PARAMS) | blocks), encoding="utf-8")
    return path


def build_project(**values: Any) -> dict[str, Any]:
    return {**read_yaml(PARAMS)["project"], **values}


def test_a_value_of_project_is_that_of_every_block_that_has_such_a_field(tmp_path: Path) -> None:
    values = {
        "prefix": "query: ",
        "seed": 5,
        "dedup_threshold": 0.7,
        "confidence_level": 0.9,
        "max_length": 64,
        "bins": 9,
    }
    params = load_params(write_params(tmp_path, project=build_project(**values)))
    checked_fields = set()
    for block in (getattr(params, name) for name in type(params).__annotations__):
        for name, value in values.items():
            if name in type(block).model_fields:
                assert getattr(block, name) == value
                checked_fields.add(name)
    assert checked_fields == set(values)
    assert params.ingest.base == params.project.base
    lever = params.worth.levers["retrieve"].model_dump()
    assert (lever["prefix"], lever["dedup_threshold"]) == ("query: ", 0.7)
    assert params.worth.encoder_config.model_dump() == {"prefix": "query: ", "max_length": 64, "pooling": "mean"}


def test_a_block_may_have_its_own(tmp_path: Path) -> None:
    path = write_params(tmp_path, project=build_project(confidence_level=0.9), evaluate={"confidence_level": 0.8})
    assert (
        Evaluate.load(path).confidence_level,
        Promote.load(path).confidence_level,
        Worth.load(path).confidence_level,
    ) == (0.8, 0.9, 0.9)


def test_default_of_a_block_precedes_the_value_of_project(tmp_path: Path) -> None:
    """The meter has its own default of resamples: its intervals need as many, and each run costs time."""
    path = write_params(tmp_path, project=build_project(resamples=500))
    assert (Evaluate.load(path).resamples, Worth.load(path).resamples) == (500, 1000)


def test_a_wrong_value_of_project_is_named_once_and_hides_no_other_mistake(tmp_path: Path) -> None:
    path = write_params(tmp_path, project=build_project(confidence_level=2, sed=1), evaluate={"bins": 0})
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    lines = sorted(line.partition(": ")[2].partition(":")[0] for line in str(caught.value).splitlines())
    assert lines == ["evaluate.bins", "project.confidence_level", "project.sed"]
    with pytest.raises(ParamsError, match=r"project\.confidence_level: .*(got 2)"):
        Evaluate.load(path)


def test_a_file_of_an_earlier_version_is_refused_with_one_sentence(tmp_path: Path) -> None:
    """The sentence names the blocks of that version and what to do; other mistakes are not reported."""
    base, lever = read_yaml(PARAMS)["project"]["base"], {"kind": "self_training"}
    old_params: dict[str, Any] = {
        "ingest": {"base": base, "seed": 1},
        "retrieve": {"prefix": ""},
        "finetune": {"self_training": None},
    }
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(old_params | {"worth": {"levers": [lever]}, "nonsense": 1}), encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    (line,) = str(caught.value).splitlines()
    number = next(i for i, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if "base:" in text)
    assert line.startswith(f"{path}:{number}: ")
    for section in (Ingest, Retrieve, Augmentation, Finetune, Worth):
        with pytest.raises(ParamsError, match="from an earlier version"):
            section.load(path)
    assert line.endswith(
        "from an earlier version; move `ingest.base` to `project`; `retrieve`, `finetune.self_training` to `levers`, "
        "and name it in `use`; `worth.levers` to `levers`, and name it in `measure`"
    )


@pytest.mark.parametrize("blocks", [{"project": None}, {"project": {}}, {}])
def test_file_without_a_base_model_is_refused(tmp_path: Path, blocks: dict[str, Any]) -> None:
    path = tmp_path / "params.yaml"
    values = {name: block for name, block in read_yaml(PARAMS).items() if name != "project"}
    path.write_text(yaml.safe_dump(values | blocks, sort_keys=False), encoding="utf-8")
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    (line,) = str(caught.value).splitlines()
    assert "project.base: required" in line


def test_project_has_every_default_but_the_base_model() -> None:
    assert [name for name, field in Project.model_fields.items() if field.is_required()] == ["base"]


@pytest.mark.parametrize("base_text", ["{uri: file:data/raw/base}", "{\n    uri: file:data/raw/base}"])
def test_yaml_that_dvc_cannot_read_is_refused_with_its_line_and_how_to_write_it(tmp_path: Path, base_text: str) -> None:
    path, text = tmp_path / "params.yaml", PARAMS.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^project:.*\n(  .*\n)+", f"project:\n  base: {base_text}\n", text)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(YAMLFileCorruptedError):
        load_yaml(str(path))
    assert Project.load(path).base.uri == "file:data/raw/base"  # satiety itself can read it
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "uri: file:data/raw/base" in line)
    assert str(caught.value) == (
        f"{path}:{line}: DVC cannot parse this line: found unexpected ':'; put text in quotes, as in "
        '{uri: "file:data/raw/base"}'
    )

    path.write_text(text.replace("uri: file:data/raw/base", 'uri: "file:data/raw/base"'), encoding="utf-8")
    assert load_yaml(str(path))["project"] == {"base": {"uri": "file:data/raw/base"}}
    assert load_params(path).project.base.uri == "file:data/raw/base"
