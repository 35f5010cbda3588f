"""DVC as a team uses it: what was tried, what differs, a remote that hands out nothing damaged."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


def state(project: Project) -> str:
    """Return what git sees of a folder."""
    return project.run("git", "status", "--short").stdout + project.run("git", "diff").stdout


@pytest.fixture(scope="module")
def tried(committed: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after an experiment with another seed of evaluate, in a copy of the folder that is left alone."""
    copy = committed.copy(tmp_path_factory.mktemp("tried"))
    assert copy.run("satiety", "workspace", "params.yaml").returncode == 0
    before = state(copy)
    raw = ["--copy-paths", "data/raw"]
    process = copy.run("dvc", "exp", "run", "--temp", *raw, "-S", "+evaluate.seed=5", "-n", "other-seed")
    assert process.returncode == 0, process.stdout + process.stderr
    assert state(copy) == before
    return copy


def test_what_was_tried_is_shown_with_its_score_and_what_differs(tried: Project) -> None:
    shown = tried.run("make", "-f", str(Path("Makefile").absolute()), "-o", ".venv/.installed", "experiments")
    head, _, *rows = [
        [cell.strip() for cell in line.split("|")] for line in shown.stdout.splitlines() if line.startswith("|")
    ]
    (seed,) = (number for number, name in enumerate(head) if name in ("evaluate.seed", "params.yaml:evaluate.seed"))
    whole = tried.run("dvc", "exp", "show", "--only-changed", "--csv").stdout.splitlines()[0].split(",")
    assert len(head) < len(whole) / 3
    (mine,) = (row for row in rows if "other-seed" in row[1])
    assert mine[seed] == "5"


def test_metrics_and_plots_are_compared(tried: Project) -> None:
    changed = tried.run("dvc", "metrics", "diff", "HEAD", "other-seed")
    assert "reports/scores.json" in changed.stdout, changed.stderr
    assert "after" in changed.stdout
    shown = tried.run("dvc", "metrics", "show").stdout
    assert max(len(line) for line in shown.splitlines()) <= 120, shown
    drawn = tried.run("dvc", "plots", "diff", "HEAD", "other-seed", "-o", ".satiety/plots")
    assert drawn.returncode == 0, drawn.stderr
    page = (tried.root / ".satiety/plots/index.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("plots/loss.csv", "plots/dev.csv", "confusion", "calibration"))
    assert re.search(r'"levers": "augment\+self_training", "labels": "?60"?, "score"', page), "every lever set"
    assert '"field": "levers"' in page


def test_a_remote_gives_a_clone_everything_but_never_a_damaged_object(committed: Project, tmp_path: Path) -> None:
    origin, remote, clone = committed.copy(tmp_path), tmp_path / "remote", Project(tmp_path / "clone")
    for words in (["add", "-d", "storage", str(remote)], ["modify", "storage", "verify", "true"]):
        assert origin.run("dvc", "remote", *words).returncode == 0
    pushed = origin.run("dvc", "push", "--run-cache")
    assert pushed.returncode == 0, pushed.stderr
    for command in (["git", "add", "-A"], ["git", "commit", "-qm", "remote"]):
        origin.run(*command)
    subprocess.run(["git", "clone", "-q", str(origin.root), str(clone.root)], check=True)

    weights = max((path for path in remote.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    whole = weights.read_bytes()
    weights.chmod(0o644)
    weights.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    assert clone.run("dvc", "pull").returncode != 0
    weights.write_bytes(whole)
    pulled = clone.run("dvc", "pull", "--run-cache")
    assert pulled.returncode == 0, pulled.stderr
    assert clone.digests() == origin.digests()
    assert clone.run("satiety", "verify").returncode == 0
