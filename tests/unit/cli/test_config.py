"""`satiety config` prints the values in use, and with all defaults the origin of each value."""

from pathlib import Path

import pytest
import yaml

from cli.config import render_config, render_values
from satiety.params import load_params, section_names

FILES = ["params.yaml", *sorted(map(str, Path("examples").glob("*/params.yaml")))]


def read_origins(path: Path) -> dict[str, tuple[str, str]]:
    """Return, by place, each value as it is printed, and where it comes from."""
    lines = (line.rpartition("  # ") for line in render_values(path).splitlines())
    return {value.partition(": ")[0]: (value.partition(": ")[2].strip(), origin) for value, _, origin in lines}


@pytest.mark.parametrize("file", FILES)
def test_printed_config_is_the_file_with_defaults_written_out(file: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(render_config(Path(file)), encoding="utf-8")
    assert load_params(path) == load_params(Path(file))
    assert "default of" not in render_values(path)


def test_every_value_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = Path("params.yaml").read_text(encoding="utf-8")
    text = text.replace("\nfinetune: {}", "\nfinetune:\n  recipe: {method: {layer_decay: 0.9}}")
    path.write_text(text + "promote: {bins: 9}\n", encoding="utf-8")
    lines, values = path.read_text(encoding="utf-8").splitlines(), read_origins(path)
    budget, decay = (next(i for i, line in enumerate(lines, 1) if word in line) for word in ("budget:", "layer_decay"))
    assert set(section_names()) == {place.partition(".")[0] for place in values}
    assert values["ingest.budget"] == ("240", f"{path}:{budget}")
    assert values["finetune.recipe.method.layer_decay"] == ("0.9", f"{path}:{decay}")
    assert values["finetune.recipe.method.kind"] == ('"full"', "default of satiety/tuning/recipes/fine_tune.py")
    assert values["finetune.recipe.method.head_start"] == ("true", "default of satiety/tuning/methods/base.py")
    assert values["finetune.recipe.training.epochs"] == ("8", "default of satiety/training/arguments.py")
    base = next(i for i, line in enumerate(lines, 1) if "uri:" in line)
    assert values["project.base.uri"][1] == f"{path}:{base}"
    assert values["ingest.base.uri"][1] == f"project, {path}:{base}"
    assert values["evaluate.bins"] == ("15", "project, default of satiety/core/project.py")
    assert values["promote.bins"] == ("9", f"{path}:{len(lines)}")
    assert values["monitor.simulation.rewrites.0.probability"] == ("0.4", "default of satiety/monitor/section.py")
    assert values["monitor.simulation.rewrites.1.min_characters"] == (
        "2",
        "default of satiety/levers/augment/char_swap.py",
    )


@pytest.mark.parametrize("file", FILES)
def test_every_origin_is_a_source_file_with_the_field_or_the_line_of_the_value(file: str) -> None:
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    for place, (_, origin) in read_origins(Path(file)).items():
        *_, name = (key for key in place.split(".") if not key.isdigit() and key != "kind")
        source = origin.removeprefix("project, ")
        if source.startswith("default of "):
            assert name in Path(source.removeprefix("default of ")).read_text(encoding="utf-8")
        else:
            path, _, number = source.rpartition(":")
            assert (path, place.rpartition(".")[2] in lines[int(number) - 1]) == (file, True)


def test_printed_values_are_yaml() -> None:
    printed = yaml.safe_load(render_values(Path("params.yaml")))
    assert printed["ingest.budget"] == 240
    assert printed["finetune.recipe.folds"] == 3
