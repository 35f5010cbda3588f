"""DVC as a team uses it: experiments, comparisons, and a remote that never delivers a damaged file."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("team")]


def read_git_state(project: Project) -> str:
    """Return the git status and diff of a project."""
    return project.run("git", "status", "--short").stdout + project.run("git", "diff").stdout


@pytest.fixture(scope="module")
def project_with_experiment(committed_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project after an experiment with another seed of evaluate, which does not change its folder."""
    copy = committed_project.copy(tmp_path_factory.mktemp("tried"))
    assert copy.run("satiety", "workspace", "params.yaml").returncode == 0
    state_before = read_git_state(copy)
    raw = ["--copy-paths", "data/raw"]
    process = copy.run("dvc", "exp", "run", "--temp", *raw, "-S", "+evaluate.seed=5", "-n", "other-seed")
    assert process.returncode == 0, process.stdout + process.stderr
    assert read_git_state(copy) == state_before
    return copy


def test_the_experiment_table_shows_only_changed_columns(project_with_experiment: Project) -> None:
    process = project_with_experiment.run(
        "make", "-f", str(Path("Makefile").absolute()), "-o", ".venv/.installed", "experiments"
    )
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")] for line in process.stdout.splitlines() if line.startswith("|")
    ]
    (seed,) = (number for number, name in enumerate(head) if name in ("evaluate.seed", "params.yaml:evaluate.seed"))
    assert head[1:3] == ["Experiment", "Created"]
    assert any(name.endswith("difference_low") for name in head), "the interval has changed with the seed"
    assert len(head) <= 12, head
    (experiment,) = (row for row in rows if "other-seed" in row[1])
    assert experiment[seed] == "5"


def test_metrics_and_plots_are_compared(project_with_experiment: Project) -> None:
    changed = project_with_experiment.run("dvc", "metrics", "diff", "HEAD", "other-seed")
    assert "reports/scores.json" in changed.stdout, changed.stderr
    assert "difference_low" in changed.stdout
    table = project_with_experiment.run("dvc", "metrics", "show", "reports/scores.json").stdout
    assert max(len(line) for line in table.splitlines()) <= 130, table
    plotted = project_with_experiment.run("dvc", "plots", "diff", "HEAD", "other-seed", "-o", ".satiety/plots")
    assert plotted.returncode == 0, plotted.stderr
    page = (project_with_experiment.root / ".satiety/plots/index.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("confusion", "calibration"))
    assert re.search(r'"levers": "augment\+self_training", "labels": "?60"?, "score"', page), "a lever set is missing"
    assert '"field": "levers"' in page


def test_a_clone_pulls_everything_from_a_remote_but_no_damaged_file(committed_project: Project, tmp_path: Path) -> None:
    origin, remote, clone = committed_project.copy(tmp_path), tmp_path / "remote", Project(tmp_path / "clone")
    for words in (["add", "-d", "storage", str(remote)], ["modify", "storage", "verify", "true"]):
        assert origin.run("dvc", "remote", *words).returncode == 0
    pushed = origin.run("dvc", "push", "--run-cache")
    assert pushed.returncode == 0, pushed.stderr
    for command in (["git", "add", "-A"], ["git", "commit", "-qm", "remote"]):
        origin.run(*command)
    subprocess.run(["git", "clone", "-q", str(origin.root), str(clone.root)], check=True)

    weights = max((path for path in remote.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    content = weights.read_bytes()
    weights.chmod(0o644)
    weights.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert clone.run("dvc", "pull").returncode != 0
    weights.write_bytes(content)
    pulled = clone.run("dvc", "pull", "--run-cache")
    assert pulled.returncode == 0, pulled.stderr
    assert clone.read_digests() == origin.read_digests()
    assert clone.run("satiety", "verify").returncode == 0
