"""Defaults are code: DVC runs a stage again when a default that it reads changes."""

import json
from pathlib import Path

import pytest
import yaml

from tests.pipeline.project import Project

ALL = ("ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "worth")
LEVERS = ("augment", "evaluate", "register", "worth")
"""Stages that read all levers: a lever of your own may use any other, and without a test `evaluate` applies them in
each fold. `register` reads them because the card shows the params, `worth` because it measures them."""


@pytest.fixture(scope="module")
def committed_stages(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy whose stages DVC considers up to date: their outputs are empty files."""
    project = Project(template).copy(tmp_path_factory.mktemp("settled"))
    file = yaml.safe_load((project.root / "dvc.yaml").read_text(encoding="utf-8"))
    names = {name: path for group in file["vars"] for name, path in group.items()}
    for stage in file["stages"].values():
        for kind in ("outs", "metrics", "plots"):
            for output in stage.get(kind, []):
                path = project.root / (output if isinstance(output, str) else next(iter(output))).strip("${}")
                path = project.root / names.get(path.name, path.relative_to(project.root))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
    process = project.run("dvc", "commit", "--force")
    assert process.returncode == 0, process.stderr
    assert list_stale_stages(project) == set()
    return project


def list_stale_stages(project: Project) -> set[str]:
    """Return the stages that DVC would run."""
    process = project.run("dvc", "status", "--json")
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout))


@pytest.mark.parametrize(
    ("file", "original", "changed", "stages"),
    [
        ("ingest/__init__.py", "default=0.65", "default=0.66", {"ingest", "register"}),
        ("validate/__init__.py", "default=20_000", "default=20_001", {"validate", "register"}),
        ("levers/retrieve/hybrid.py", "default=3000", "default=3001", {"retrieve", *LEVERS}),
        ("levers/augment/swap.py", "default=4", "default=5", {*LEVERS}),
        ("levers/pretrain/mlm.py", "default=64", "default=65", {"pretrain", *LEVERS}),
        (
            "tuning/recipes/fine_tune.py",
            "default=0.1",
            "default=0.2",
            {"finetune", *LEVERS},
        ),
        ("core/project.py", "default=15", "default=16", {*ALL}),
        ("worth/section.py", "default=24", "default=25", {"worth"}),
        ("levers/controls.py", "default=0.6", "default=0.7", {*LEVERS}),
    ],
)
def test_a_changed_default_makes_only_the_stages_that_read_it_stale(
    committed_stages: Project, file: str, original: str, changed: str, stages: set[str]
) -> None:
    path = committed_stages.root / "satiety" / file
    text = path.read_text(encoding="utf-8")
    assert original in text
    path.write_text(text.replace(original, changed, 1), encoding="utf-8")
    try:
        assert list_stale_stages(committed_stages) == stages
    finally:
        path.write_text(text, encoding="utf-8")


def test_a_changed_param_makes_its_stages_stale(committed_stages: Project) -> None:
    params = committed_stages.read_params()
    try:
        committed_stages.write_params(params | {"evaluate": params["evaluate"] | {"bins": 9}})
        assert list_stale_stages(committed_stages) == {"evaluate", "register"}
    finally:
        committed_stages.write_params(params)
