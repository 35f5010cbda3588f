"""The whole pipeline in real processes: a second run does nothing, and a change reruns only what depends on it."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.patience import wait_until
from tests.pipeline.planted import GROUPS, PLANTED, find_leaks, get_needles
from tests.pipeline.project import Project, list_stages_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

STAGES = ["ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "worth"]


def test_every_stage_ran_and_reported(project: Project) -> None:
    assert sorted(path.stem for path in (project.root / "reports").glob("*.json")) == sorted(
        [*STAGES, "promote", "scores"]
    )
    for stage in STAGES:
        assert {"in", "out", "quarantined"} <= set(project.read_report(stage)), stage


def test_the_scores_have_intervals(project: Project) -> None:
    scores = project.read_report("evaluate")
    assert (scores["metric"], scores["examples"]) == ("macro_f1", 160)
    for name in ("before", "after", "difference"):
        assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"]


def test_the_decision_has_a_reason(project: Project) -> None:
    promoted = project.read_report("promote")
    assert {"decision", "reason", "champion", "challenger"} <= set(promoted)


def test_no_temporary_files_are_left(project: Project) -> None:
    assert not [path for path in project.root.rglob("*.tmp") if ".git/" not in path.as_posix()]


def test_secrets_occur_only_in_the_raw_files(finished_project: Project) -> None:
    """Neither in tables, reports, pages, models, caches and the MLflow store, nor in the output of commands."""
    rows = Counter(kind for group in GROUPS for kind in {secret.kind for secret in group})
    assert len(PLANTED) == 40
    assert finished_project.read_report("ingest")["masked"] == {kind: 4 * count for kind, count in sorted(rows.items())}
    files = [path for path in finished_project.root.rglob("*") if path.is_file()]
    assert {".parquet", ".json", ".html", ".safetensors", ".db"} <= {path.suffix for path in files}
    raw = finished_project.root / "data/raw"
    assert {leak.split(": ", 1)[1] for leak in find_leaks(raw, get_needles())} >= {
        secret.core for secret in PLANTED if "&" not in secret.core
    }
    assert find_leaks(finished_project.root.parent, get_needles(), but=[raw]) == []


def interrupt_dvc(project: Project) -> None:
    """Empty DVC's list of running commands, as a kill while DVC writes it does."""
    (project.root / ".dvc/tmp/rwlock").write_bytes(b"")


def test_a_second_run_runs_nothing(project: Project) -> None:
    process = project.repro()
    assert process.returncode == 0
    assert list_stages_run(process.stdout) == []
    assert "up to date" in process.stdout


def test_a_second_promotion_changes_nothing(project: Project) -> None:
    first = project.read_report("promote")
    process = project.run(sys.executable, "-m", "tasks.promote")
    assert process.returncode == 0, process.stderr
    second = project.read_report("promote")
    assert second["challenger"]["version"] == first["challenger"]["version"]
    assert second["decision"] == ("unchanged" if first["decision"] == "promoted" else first["decision"])


def test_git_sees_only_reports_as_new_files(project: Project) -> None:
    status = project.run("git", "status", "--short", "--untracked-files=all").stdout
    changed_paths = [
        line[3:] for line in status.splitlines() if line[3:].startswith(("data/", "models/", ".satiety/", "reports/"))
    ]
    assert sorted(changed_paths) == sorted(f"reports/{name}.json" for name in (*STAGES, "scores"))


def test_report_check_and_predict_work_after_a_run(project: Project) -> None:
    report = project.run("satiety", "report")
    assert report.returncode == 0, report.stderr
    assert "macro_f1 on 160 test examples" in report.stdout
    assert all(stage in report.stdout for stage in STAGES)
    assert max(map(len, report.stdout.splitlines())) <= 120
    interrupt_dvc(project)
    checked = project.run("satiety", "check")
    assert (checked.returncode, "is valid" in checked.stdout) == (0, True)
    assert project.repro().returncode == 0
    predicted = project.run("satiety", "predict", "our hotel room great lovely", "这本书店糟糕讨厌")
    assert predicted.returncode == 0, predicted.stderr
    lines = predicted.stdout.splitlines()
    assert len(lines) == 2
    assert '"text": "这本书店糟糕讨厌"' in lines[1]


def test_verify_finds_a_flipped_byte_and_its_repair_works(project: Project) -> None:
    intact = project.run("satiety", "verify")
    assert intact.returncode == 0, intact.stderr
    weights = project.root / "models/tuned/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-7] ^= 1
    stamp = weights.stat()
    weights.write_bytes(content)
    os.utime(weights, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    verified = project.run("satiety", "verify")
    assert verified.returncode == 1
    message = (
        "models/tuned: model.safetensors differs from dvc.lock; remove models/tuned, then run `dvc checkout models/"
    )
    assert message in verified.stderr
    assert project.run("rm", "-r", "models/tuned").returncode == 0
    assert project.run("dvc", "checkout", "models/tuned").returncode == 0
    assert project.run("satiety", "verify").returncode == 0


def test_equal_seeds_give_equal_files_from_an_empty_cache(
    project: Project, copy_template: Callable[[], Project]
) -> None:
    copy = copy_template()
    process = copy.repro("register")
    assert process.returncode == 0, process.stdout + process.stderr
    digests, copy_digests = project.read_digests(), copy.read_digests()
    assert {path: digest for path, digest in copy_digests.items() if digest != digests[path]} == {}


def change_params(project: Project, block: str) -> None:
    """Change the seed of a block, or the levers of a list."""
    params = project.read_params()
    if isinstance(params[block], list):
        params[block] = [name for name in params["levers"] if name != params[block][0]]
    elif block == "levers":
        params[block]["self_training"]["max_per_label"] = 1.5
    else:
        params[block]["seed"] = 12345
    project.write_params(params)


@pytest.mark.parametrize("block", ["ingest", "finetune", "evaluate", "worth", "promote", "use", "measure", "levers"])
def test_a_changed_param_makes_only_its_own_stages_stale(project: Project, block: str) -> None:
    """The card of `register` shows the params; `evaluate`, without a test, and `worth` fine-tune.

    A dry run cannot know about later stages.
    """
    lever = ["retrieve", "augment", "pretrain", "finetune", "evaluate", "register"]
    stages = {"worth": ["worth"], "finetune": ["finetune", "evaluate", "register", "worth"], "promote": []}
    stages |= {"use": lever, "measure": ["worth"], "levers": [*lever, "worth"]}
    change_params(project, block)
    assert list_stages_run(project.repro("--dry").stdout) == stages.get(block, [block, "register"])


@pytest.mark.long
def test_a_lever_added_to_use_is_applied(project: Project) -> None:
    """As when a user follows advice, and then reverts it."""
    digests, params = project.read_digests(), project.read_params()
    project.write_params(params | {"use": [*params["use"], "augment"]})
    process = project.repro("finetune")
    assert process.returncode == 0, process.stdout + process.stderr
    assert sum(project.read_report("augment")["copies"].values()) > 0
    project.write_params(params)
    assert project.repro("finetune").returncode == 0
    assert {path: digest for path, digest in project.read_digests().items() if digest != digests[path]} == {}


@pytest.mark.long
def test_a_changed_param_reruns_only_what_depends_on_it(project: Project) -> None:
    initial = project.read_digests()
    change_params(project, "evaluate")
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    assert list_stages_run(process.stdout) == ["evaluate", "register"]
    digests = project.read_digests()
    changed = {path for path in digests if digests[path] != initial[path]}
    assert "reports/evaluate.json" in changed
    assert changed <= {"reports/evaluate.json", "reports/scores.json", "reports/register.json", "models/package"}


def test_a_reverted_param_restores_the_cached_results(project: Project) -> None:
    digests, params, scores = project.read_digests(), project.read_params(), project.read_report("evaluate")
    change_params(project, "evaluate")
    assert project.repro().returncode == 0
    project.write_params(params)
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    assert list_stages_run(process.stdout) == []
    assert (project.read_digests(), project.read_report("evaluate")) == (digests, scores), (
        process.stdout + process.stderr
    )
    assert project.run("dvc", "status", "-q").returncode == 0


def test_a_killed_run_is_resumed_by_the_next(project: Project) -> None:
    """Kill DVC and the stage together, then DVC alone, which must not leave an orphan that writes."""
    predictions = project.read_digests()["data/predictions.parquet"]
    for keep_stage in (False, True):
        started = begin_finetune(project)
        stage = int((project.root / ".satiety/finetune.lock").read_text())
        os.kill(started.pid, signal.SIGKILL)
        if not keep_stage:
            os.kill(stage, signal.SIGKILL)
        started.communicate()
        wait_until(lambda stage=stage: not is_alive(stage))
    process = project.repro()
    assert process.returncode == 0, process.stdout + process.stderr
    assert project.read_digests()["data/predictions.parquet"] == predictions
    assert project.run("satiety", "verify").returncode == 0


def begin_finetune(project: Project) -> "subprocess.Popen[str]":
    """Start `dvc repro` of finetune, and wait until the stage has written a checkpoint."""
    lock, states = project.root / ".satiety/finetune.lock", project.root / ".satiety/checkpoints/finetune"
    lock.unlink(missing_ok=True)
    command = ["dvc", "repro", "--force", "--single-item", "finetune"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = project.build_environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
    process = subprocess.Popen(command, cwd=project.root, env=environment, text=True, **quiet)

    def has_checkpoint() -> bool:
        return lock.exists() and lock.read_text().strip().isdigit() and any(states.glob("**/state.json"))

    wait_until(lambda: has_checkpoint() or process.poll() is not None)
    assert process.poll() is None, "finetune ended before it could be killed"
    return process


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_worth_measures_every_lever_and_writes_its_page(project: Project) -> None:
    report = project.read_report("worth")
    assert report["budgets"] == [0, 8, 15, 30, 60]
    assert {row["lever"] for row in report["levers"]} >= {
        "augment",
        "self_training",
        "retrieve",
        "augment+retrieve+self_training",
    }
    assert {"oracle", "copy", "poison", "leak"} == set(report["calibration"])
    assert report["calibration"]["leak"]["let through"] == 0
    interrupt_dvc(project)
    output = project.run("satiety", "worth")
    assert output.returncode == 0, output.stderr
    assert report["headline"]["en"] in " ".join(output.stdout.split())
    assert (project.root / "reports/worth.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.long
def test_the_worth_flow_checks_only_the_stages_it_needs(project: Project) -> None:
    interrupt_dvc(project)
    process = project.run(sys.executable, "-m", "flows.worth")
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout + process.stderr
    checked = {stage for stage in STAGES if f"The dependencies of {stage} did not change" in output}
    assert checked == {"ingest", "validate", "worth"}


def test_the_pipeline_flow_runs_without_a_server(project: Project) -> None:
    interrupt_dvc(project)
    process = project.run(sys.executable, "-m", "flows.pipeline")
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout + process.stderr
    assert all(f"The dependencies of {stage} did not change" in output for stage in STAGES)
    assert project.read_report("promote")["decision"] in ("unchanged", "kept", "refused")


def test_a_problem_in_its_own_folder_leaves_the_root_unchanged(project: Project) -> None:
    folder, digests = project.root / "mine", project.read_digests()
    (folder / "data").mkdir(parents=True)
    project.run("cp", "-r", "data/raw", "mine/data/raw")
    (folder / "params.yaml").write_text((project.root / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    interrupt_dvc(project)
    process = project.run("satiety", "workspace", "mine/params.yaml")
    assert process.returncode == 0, process.stderr
    process = project.run("dvc", "repro", "validate", cwd=folder)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (folder / "data/train.parquet").is_file()
    assert project.read_digests() == digests
    assert list_stages_run(project.repro().stdout) == []


@pytest.fixture
def damaged_project(copy_template: Callable[[], Project]) -> Project:
    """A new copy that a test may damage."""
    return copy_template()


class TestWrongInput:
    """Wrong input is one message and exit code 1, and no output is written."""

    def run_failing_ingest(self, project: Project) -> str:
        """Run ingest as DVC would; return its error message."""
        cmd = yaml.safe_load((project.root / "dvc.yaml").read_text(encoding="utf-8"))
        names = {name: value for group in cmd["vars"] for name, value in group.items()}
        line = cmd["stages"]["ingest"]["cmd"]
        for name, value in names.items():
            line = line.replace(f"${{{name}}}", value)
        process = project.run(sys.executable, *line.split()[2:])  # after `exec python`
        assert process.returncode == 1, process.stdout + process.stderr
        assert "Traceback" not in process.stderr
        outputs = [path for path in (project.root / "data").rglob("*") if path.is_file() and "raw" not in path.parts]
        assert outputs == []
        assert not (project.root / "reports/ingest.json").exists()
        return process.stderr

    def change_source(self, project: Project, **changes: Any) -> None:
        params = project.read_params()
        params["ingest"]["labelled"][0] |= changes
        project.write_params(params)

    def test_a_wrong_params_file(self, damaged_project: Project) -> None:
        params = damaged_project.read_params()
        params["ingest"] |= {"budget": "many", "dev": 2}
        damaged_project.write_params(params)
        message = self.run_failing_ingest(damaged_project)
        assert "params.yaml" in message
        assert "ingest.budget" in message
        assert "ingest.dev" in message

    def test_a_missing_file(self, damaged_project: Project) -> None:
        self.change_source(damaged_project, uri="file:data/raw/nowhere.csv")
        assert "nowhere.csv: no such file; data/raw/ contains: " in self.run_failing_ingest(damaged_project)

    def test_an_empty_file(self, damaged_project: Project) -> None:
        (damaged_project.root / "data/raw/empty.csv").write_text("")
        self.change_source(damaged_project, uri="file:data/raw/empty.csv")
        assert "empty.csv" in self.run_failing_ingest(damaged_project)

    def test_one_class_only(self, damaged_project: Project) -> None:
        texts = [f"{number} good old book number {number * 37}, 好书" for number in range(300)]
        (damaged_project.root / "data/raw/one.csv").write_text("text,label\n" + "".join(f'"{t}",good\n' for t in texts))
        self.change_source(damaged_project, uri="file:data/raw/one.csv")
        assert "at least two labels" in self.run_failing_ingest(damaged_project)

    def test_a_wrong_digest(self, damaged_project: Project) -> None:
        uri = f"local://{damaged_project.root}/data/raw/labelled.csv"
        self.change_source(damaged_project, uri=uri, sha256="0" * 64)
        assert "sha256 is " in self.run_failing_ingest(damaged_project)
