"""Defaults are code: DVC knows that a stage must run again when one changes that it reads."""

import json
from pathlib import Path

import pytest
import yaml

from tests.pipeline.project import Project

ALL = ("ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "worth")


@pytest.fixture(scope="module")
def settled(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of which DVC believes that every stage ran: what they would make is empty."""
    made = Project(template).copy(tmp_path_factory.mktemp("settled"))
    file = yaml.safe_load((made.root / "dvc.yaml").read_text(encoding="utf-8"))
    names = {name: path for group in file["vars"] for name, path in group.items()}
    for stage in file["stages"].values():
        for kind in ("outs", "metrics", "plots"):
            for out in stage.get(kind, []):
                path = made.root / (out if isinstance(out, str) else next(iter(out))).strip("${}")
                path = made.root / names.get(path.name, path.relative_to(made.root))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")
    process = made.run("dvc", "commit", "--force")
    assert process.returncode == 0, process.stderr
    assert stale(made) == set()
    return made


def stale(project: Project) -> set[str]:
    """Return the stages that DVC would run."""
    process = project.run("dvc", "status", "--json")
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout))


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("ingest/__init__.py", "default=2000", "default=2001", {"ingest", "register"}),
        ("validate/__init__.py", "default=20_000", "default=20_001", {"validate", "register"}),
        ("levers/retrieve/hybrid.py", "default=3000", "default=3001", {"retrieve", "augment", "register", "worth"}),
        ("levers/augment/swap.py", "default=4", "default=5", {"augment", "register", "worth"}),
        ("levers/pretrain/mlm.py", "default=64", "default=65", {"augment", "pretrain", "register", "worth"}),
        (
            "tuning/recipes/fine_tune.py",
            "default=0.1",
            "default=0.2",
            {"augment", "finetune", "evaluate", "register", "worth"},
        ),
        ("core/project.py", "default=15", "default=16", {*ALL}),
        ("worth/section.py", "default=24", "default=25", {"worth"}),
        ("levers/controls.py", "default=0.6", "default=0.7", {"augment", "register", "worth"}),
    ],
)
def test_a_changed_default_makes_the_stages_stale_that_read_it_and_no_other(
    settled: Project, file: str, old: str, new: str, stages: set[str]
) -> None:
    path = settled.root / "satiety" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        # `register` because the card shows it, `worth` because the meter does the same. `augment` has every lever at
        # hand, for one of a kind of your own may stand on whatever the others do.
        assert stale(settled) == stages
    finally:
        path.write_text(text, encoding="utf-8")


def test_what_the_file_says_is_stale_as_before(settled: Project) -> None:
    params = settled.params()
    try:
        settled.write_params(params | {"evaluate": params["evaluate"] | {"bins": 9}})
        assert stale(settled) == {"evaluate", "register"}
    finally:
        settled.write_params(params)
