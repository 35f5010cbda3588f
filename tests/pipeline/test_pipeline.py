"""The whole pipeline, for real: it runs, runs again for nothing, and runs again for just what changed."""

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
from tests.pipeline.planted import GROUPS, PLANTED, leaks, needles
from tests.pipeline.project import Project, ran

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

STAGES = ["ingest", "validate", "retrieve", "augment", "pretrain", "finetune", "evaluate", "register", "worth"]


def test_every_stage_ran_and_reported(project: Project) -> None:
    assert sorted(path.stem for path in (project.root / "reports").glob("*.json")) == sorted([*STAGES, "promote"])
    for stage in STAGES:
        assert {"in", "out", "quarantined"} <= set(project.report(stage)), stage


def test_the_scores_have_their_intervals(project: Project) -> None:
    scores = project.report("evaluate")
    assert (scores["metric"], scores["examples"]) == ("macro_f1", 160)
    for name in ("before", "after", "difference"):
        assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"]


def test_the_decision_has_its_reason(project: Project) -> None:
    promoted = project.report("promote")
    assert {"decision", "reason", "champion", "challenger"} <= set(promoted)


def test_no_temporary_file_is_left(project: Project) -> None:
    assert not [path for path in project.root.rglob("*.tmp") if ".git/" not in path.as_posix()]


def test_no_secret_is_anywhere_but_in_the_raw_files(finished: Project) -> None:
    """Neither in tables, reports, pages, models, caches and MLflow's store, nor in what was said."""
    rows = Counter(kind for group in GROUPS for kind in {one.kind for one in group})
    assert len(PLANTED) == 40
    assert finished.report("ingest")["masked"] == {kind: 4 * count for kind, count in sorted(rows.items())}
    files = [path for path in finished.root.rglob("*") if path.is_file()]
    assert {".parquet", ".json", ".html", ".safetensors", ".db"} <= {path.suffix for path in files}
    raw = finished.root / "data/raw"
    assert {leak.split(": ", 1)[1] for leak in leaks(raw, needles())} >= {
        one.core for one in PLANTED if "&" not in one.core
    }
    assert leaks(finished.root.parent, needles(), but=[raw]) == []


def cut_off(project: Project) -> None:
    """Leave the project as a kill does that DVC met while it wrote its list of running commands."""
    (project.root / ".dvc/tmp/rwlock").write_bytes(b"")


def test_a_second_run_runs_nothing(project: Project) -> None:
    again = project.repro()
    assert again.returncode == 0
    assert ran(again.stdout) == []
    assert "up to date" in again.stdout


def test_a_second_promotion_changes_nothing(project: Project) -> None:
    first = project.report("promote")
    again = project.run(sys.executable, "-m", "tasks.promote")
    assert again.returncode == 0, again.stderr
    second = project.report("promote")
    assert second["challenger"]["version"] == first["challenger"]["version"]
    assert second["decision"] == ("unchanged" if first["decision"] == "promoted" else first["decision"])


def test_git_sees_only_what_is_to_be_committed(project: Project) -> None:
    seen = project.run("git", "status", "--short", "--untracked-files=all").stdout
    made = [
        line[3:] for line in seen.splitlines() if line[3:].startswith(("data/", "models/", ".satiety/", "reports/"))
    ]
    assert sorted(made) == sorted(f"reports/{stage}.json" for stage in STAGES)


def test_the_command_line_knows_the_result(project: Project) -> None:
    report = project.run("satiety", "report")
    assert report.returncode == 0, report.stderr
    assert "macro_f1 on 160 test examples" in report.stdout
    assert all(stage in report.stdout for stage in STAGES)
    assert max(map(len, report.stdout.splitlines())) <= 120
    cut_off(project)
    checked = project.run("satiety", "check")
    assert (checked.returncode, "is valid" in checked.stdout) == (0, True)
    assert project.repro().returncode == 0
    answered = project.run("satiety", "predict", "our hotel room great lovely", "这本书店糟糕讨厌")
    assert answered.returncode == 0, answered.stderr
    lines = answered.stdout.splitlines()
    assert len(lines) == 2
    assert '"text": "这本书店糟糕讨厌"' in lines[1]


def test_a_flipped_byte_is_found_by_verify_and_mended_as_it_says(project: Project) -> None:
    whole = project.run("satiety", "verify")
    assert whole.returncode == 0, whole.stderr
    weights = project.root / "models/tuned/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-7] ^= 1
    stamp = weights.stat()
    weights.write_bytes(content)
    os.utime(weights, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    found = project.run("satiety", "verify")
    assert found.returncode == 1
    said = "models/tuned: model.safetensors differs from dvc.lock; remove models/tuned, then run `dvc checkout models/"
    assert said in found.stderr
    assert project.run("rm", "-r", "models/tuned").returncode == 0
    assert project.run("dvc", "checkout", "models/tuned").returncode == 0
    assert project.run("satiety", "verify").returncode == 0


def test_the_same_seed_from_an_empty_cache_gives_the_same_files(project: Project, fresh: Callable[[], Project]) -> None:
    other = fresh()
    done = other.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    ours, theirs = project.digests(), other.digests()
    assert {path: digest for path, digest in theirs.items() if digest != ours[path]} == {}


def change(project: Project, block: str) -> None:
    """Change the seed of a block, or move the name of a lever."""
    params = project.params()
    if isinstance(params[block], list):
        params[block] = [name for name in params["levers"] if name != params[block][0]]
    elif block == "levers":
        params[block]["self_training"]["max_per_label"] = 1.5
    else:
        params[block]["seed"] = 12345
    project.write_params(params)


@pytest.mark.parametrize("block", ["ingest", "finetune", "evaluate", "worth", "promote", "use", "measure", "levers"])
def test_a_changed_param_changes_no_stage_but_its_own(project: Project, block: str) -> None:
    """The card of `register` shows how the model was made; `worth` fine-tunes. The rest no dry run can know."""
    lever = ["retrieve", "augment", "pretrain", "finetune", "register"]
    more = {"worth": ["worth"], "finetune": ["finetune", "register", "worth"], "promote": []}
    more |= {"use": lever, "measure": ["worth"], "levers": [*lever, "worth"]}
    change(project, block)
    assert ran(project.repro("--dry").stdout) == more.get(block, [block, "register"])


def test_a_lever_whose_name_is_moved_into_use_is_what_the_pipeline_draws_on(project: Project) -> None:
    """So advice is followed, and taken back."""
    before, params = project.digests(), project.params()
    project.write_params(params | {"use": [*params["use"], "augment"]})
    done = project.repro("finetune")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sum(project.report("augment")["copies"].values()) > 0
    project.write_params(params)
    assert project.repro("finetune").returncode == 0
    assert {path: digest for path, digest in project.digests().items() if digest != before[path]} == {}


def test_a_changed_param_reruns_only_what_depends_on_it(project: Project) -> None:
    before = project.digests()
    change(project, "evaluate")
    done = project.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == ["evaluate", "register"]
    after = project.digests()
    moved = {path for path in after if after[path] != before[path]}
    assert "reports/evaluate.json" in moved
    assert moved <= {"reports/evaluate.json", "reports/register.json", "models/package"}


def test_a_param_put_back_brings_the_old_results_back(project: Project) -> None:
    before, params, scores = project.digests(), project.params(), project.report("evaluate")
    change(project, "evaluate")
    assert project.repro().returncode == 0
    project.write_params(params)
    done = project.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(done.stdout) == []
    assert (project.digests(), project.report("evaluate")) == (before, scores), done.stdout + done.stderr
    assert project.run("dvc", "status", "-q").returncode == 0


def test_a_killed_run_is_taken_up_by_the_next(project: Project) -> None:
    """Both ways: DVC and the stage at once, and DVC alone, which must not leave an orphan that writes."""
    predictions = project.digests()["data/predictions.parquet"]
    for alone in (False, True):
        started = begin_finetune(project)
        stage = int((project.root / ".satiety/finetune.lock").read_text())
        os.kill(started.pid, signal.SIGKILL)
        if not alone:
            os.kill(stage, signal.SIGKILL)
        started.communicate()
        wait_until(lambda stage=stage: not alive(stage))
    done = project.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.digests()["data/predictions.parquet"] == predictions
    assert project.run("satiety", "verify").returncode == 0


def begin_finetune(project: Project) -> "subprocess.Popen[str]":
    """Start `dvc repro` of finetune, and wait until the stage has come to a checkpoint."""
    lock, states = project.root / ".satiety/finetune.lock", project.root / ".satiety/checkpoints/finetune"
    lock.unlink(missing_ok=True)
    command = ["dvc", "repro", "--force", "--single-item", "finetune"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    around = project.environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
    process = subprocess.Popen(command, cwd=project.root, env=around, text=True, **quiet)

    def at_work() -> bool:
        return lock.exists() and lock.read_text().strip().isdigit() and any(states.glob("*/state.json"))

    wait_until(lambda: at_work() or process.poll() is not None)
    assert process.poll() is None, "finetune ended before it could be killed"
    return process


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_the_meter_measures_and_its_page_is_whole(project: Project) -> None:
    told = project.report("worth")
    assert told["budgets"] == [0, 8, 15, 30, 60]
    assert {one["lever"] for one in told["levers"]} >= {
        "augment",
        "self_training",
        "retrieve",
        "augment+retrieve+self_training",
    }
    assert {"oracle", "copy", "poison", "leak"} == set(told["calibration"])
    assert told["calibration"]["leak"]["let through"] == 0
    cut_off(project)
    output = project.run("satiety", "worth")
    assert output.returncode == 0, output.stderr
    assert told["headline"]["en"] in " ".join(output.stdout.split())
    assert (project.root / "reports/worth.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_meters_flow_looks_at_what_it_rests_on_alone(project: Project) -> None:
    cut_off(project)
    process = project.run(sys.executable, "-m", "flows.worth")
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout + process.stderr
    rested = {stage for stage in STAGES if f"The dependencies of {stage} did not change" in output}
    assert rested == {"ingest", "validate", "worth"}


def test_the_flow_runs_the_same_stages_without_a_server(project: Project) -> None:
    cut_off(project)
    process = project.run(sys.executable, "-m", "flows.pipeline")
    assert process.returncode == 0, process.stdout + process.stderr
    output = process.stdout + process.stderr
    assert all(f"The dependencies of {stage} did not change" in output for stage in STAGES)
    assert project.report("promote")["decision"] in ("unchanged", "kept", "refused")


def test_a_problem_in_a_folder_of_its_own_touches_nothing_of_the_roots(project: Project) -> None:
    mine, digests = project.root / "mine", project.digests()
    (mine / "data").mkdir(parents=True)
    project.run("cp", "-r", "data/raw", "mine/data/raw")
    (mine / "params.yaml").write_text((project.root / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    cut_off(project)
    made = project.run("satiety", "workspace", "mine/params.yaml")
    assert made.returncode == 0, made.stderr
    process = project.run("dvc", "repro", "validate", cwd=mine)
    assert process.returncode == 0, process.stdout + process.stderr
    assert (mine / "data/train.parquet").is_file()
    assert project.digests() == digests
    assert ran(project.repro().stdout) == []


@pytest.fixture
def broken(fresh: Callable[[], Project]) -> Project:
    """A copy that a test may spoil."""
    return fresh()


class TestWrongInput:
    """One message, exit code 1, nothing half-written."""

    def refused(self, project: Project) -> str:
        """Run ingest as DVC would; return its one message."""
        cmd = yaml.safe_load((project.root / "dvc.yaml").read_text(encoding="utf-8"))
        names = {name: value for group in cmd["vars"] for name, value in group.items()}
        line = cmd["stages"]["ingest"]["cmd"]
        for name, value in names.items():
            line = line.replace(f"${{{name}}}", value)
        process = project.run(sys.executable, *line.split()[2:])  # after `exec python`
        assert process.returncode == 1, process.stdout + process.stderr
        assert "Traceback" not in process.stderr
        left = [path for path in (project.root / "data").rglob("*") if path.is_file() and "raw" not in path.parts]
        assert left == []
        assert not (project.root / "reports/ingest.json").exists()
        return process.stderr

    def with_source(self, project: Project, **changes: Any) -> None:
        params = project.params()
        params["ingest"]["labelled"][0] |= changes
        project.write_params(params)

    def test_a_wrong_params_file(self, broken: Project) -> None:
        params = broken.params()
        params["ingest"] |= {"budget": "many", "dev": 2}
        broken.write_params(params)
        message = self.refused(broken)
        assert "params.yaml" in message
        assert "ingest.budget" in message
        assert "ingest.dev" in message

    def test_a_missing_file(self, broken: Project) -> None:
        self.with_source(broken, uri="file:data/raw/nowhere.csv")
        assert "nowhere.csv: no such file; data/raw/ contains: " in self.refused(broken)

    def test_an_empty_file(self, broken: Project) -> None:
        (broken.root / "data/raw/empty.csv").write_text("")
        self.with_source(broken, uri="file:data/raw/empty.csv")
        assert "empty.csv" in self.refused(broken)

    def test_one_class_only(self, broken: Project) -> None:
        texts = [f"{number} good old book number {number * 37}, 好书" for number in range(300)]
        (broken.root / "data/raw/one.csv").write_text("text,label\n" + "".join(f'"{t}",good\n' for t in texts))
        self.with_source(broken, uri="file:data/raw/one.csv")
        assert "at least two labels" in self.refused(broken)

    def test_a_digest_that_does_not_fit(self, broken: Project) -> None:
        uri = f"local://{broken.root}/data/raw/labelled.csv"
        self.with_source(broken, uri=uri, sha256="0" * 64)
        assert "sha256 is " in self.refused(broken)
