"""A block of params.yaml is read whole, or refused with every wrong line named."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, create_model

from satiety.core.errors import ParamsError
from satiety.core.registry import Component, Registry
from satiety.core.section import Section, read_yaml, suggest


class Shape(Component):
    """A shape with a size."""

    size: int = Field(ge=1, examples=[2])
    """How large."""


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> Registry[Any]:
    monkeypatch.setattr(Registry, "_discover", lambda _: None)
    registry: Registry[Any] = Registry("shape", "nowhere")
    registry.register("square")(type("Square", (Shape,), {"__doc__": "Even."}))
    return registry


class Block(Section):
    """The block that the tests read."""

    seed: int
    share: float = Field(ge=0, le=1)
    mode: Literal["max", "mean"]
    name: str


GOOD = "# 注释\nblock:\n  seed: 3\n  share: 0.5\n  mode: max\n  name: 情感\n"


def write_params(folder: Path, text: str) -> Path:
    path = folder / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_valid_block_is_read_and_frozen(tmp_path: Path) -> None:
    block = Block.load(write_params(tmp_path, GOOD))
    assert (block.seed, block.share, block.mode, block.name) == (3, 0.5, "max", "情感")
    with pytest.raises(ValidationError, match="frozen"):
        block.seed = 4  # type: ignore[misc]


def test_every_wrong_line_is_named_at_once(tmp_path: Path) -> None:
    path = write_params(tmp_path, "block:\n  seed: x\n  share: 3\n  mode: maxx\n  nme: 情感\n")
    with pytest.raises(ParamsError) as caught:
        Block.load(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert f"{path}:2: block.seed: must be a whole number" in lines[0]
    assert f"{path}:3: block.share: Input should be less than or equal to 1 (got 3)" in lines[1]
    assert f"{path}:4: block.mode: " in lines[2]
    assert f"{path}:1: block.name: required; this field has no default" in lines[3]
    assert f"{path}:5: block.nme: unknown field; did you mean 'name'?" in lines[4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("block:\n  seed: [1\n", r"params\.yaml:\d+: not YAML"),
        ("- a\n- b\n", r"params\.yaml:1: the file must be a mapping with one section per stage"),
        ("", r"params\.yaml:1: the file must be a mapping with one section per stage"),
        ("block:\n  seed: 1\n  seed: 2\n", r"params\.yaml:3: not YAML: duplicate key 'seed'"),
        ("? [a, b]\n: 1\n", r"params\.yaml:1: not YAML: a key must be a single word"),
        ("block: !!python/object/apply:os.system ['true']\n", r"params\.yaml:1: not YAML: could not determine"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        read_yaml(write_params(tmp_path, text))


def test_a_missing_file_and_another_encoding_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file$"):
        read_yaml(tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file; run the command in the folder of params"):
        read_yaml(Path("params.yaml"))
    (tmp_path / "params.yaml").write_bytes("name: 情感".encode("gb18030"))
    with pytest.raises(ParamsError, match=r"not UTF-8 at byte 6; save it as UTF-8"):
        read_yaml(tmp_path / "params.yaml")


def test_a_wrong_parameter_of_a_component_is_named_with_its_own_line(tmp_path: Path, shapes: Registry[Any]) -> None:
    drawing = create_model("Drawing", __base__=Section, shapes=(list[Annotated[Shape, shapes.choice()]], ...))
    path = write_params(
        tmp_path, "drawing:\n  shapes:\n    - kind: square\n      size: 1\n    - kind: square\n      size: 0\n"
    )
    with pytest.raises(ParamsError, match=r"params\.yaml:6: drawing\.shapes\.1\.size: .* greater than or equal to 1"):
        drawing.load(path)
    write_params(tmp_path, "drawing:\n  shapes:\n    - kind: squer\n      size: 1\n")
    with pytest.raises(
        ParamsError, match=r"params\.yaml:3: drawing\.shapes\.0: unknown shape 'squer'; did you mean 'square'"
    ):
        drawing.load(path)
    write_params(tmp_path, "drawing:\n  shapes:\n    - size: 1\n")
    with pytest.raises(ParamsError, match=r"choose a shape with `kind:`; available: square"):
        drawing.load(path)


@given(value=st.integers(), name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_written_block_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: int, name: str) -> None:
    path = tmp_path_factory.mktemp("p") / "params.yaml"
    text = yaml.safe_dump({"block": {"seed": value, "share": 1, "mode": "mean", "name": name}}, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    block = Block.load(path)
    assert (block.seed, block.name) == (value, name)


def test_only_a_near_name_is_suggested() -> None:
    assert suggest("hybird", ["hybrid", "bm25"]) == "did you mean 'hybrid'? "
    assert suggest("xyz", ["hybrid", "bm25"]) == ""
