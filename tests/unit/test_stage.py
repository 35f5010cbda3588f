"""A function becomes a command: it reads paths and params, writes files and a report, once at a time."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from satiety.core.errors import DataError, SetupError
from satiety.core.files import sha256, write_text
from satiety.core.records import Document, write
from satiety.core.section import Section
from tasks import outbox
from tasks.outbox import OUTBOX
from tasks.stage import START_FILE, OutputPath, Report, begin_pipeline, stage
from tests.patience import PATIENCE, wait_until

SLEEPER = """
import time
from pathlib import Path
from satiety.core.section import Section
from tasks.stage import Report, stage

class Nap(Section):
    "Sleeps."
    seconds: float

@stage
def main(out: Path, *, params: Nap, report: Report) -> None:
    "Sleep, then write."
    Path("asleep").write_text("")
    time.sleep(params.seconds)
    out.write_text("awake")

main.cli()
"""
DEAF = SLEEPER.replace(
    "    time.sleep(params.seconds)",
    """
    try:
        time.sleep(params.seconds)
    except BaseException:
        time.sleep(params.seconds)
""",
)
"""Swallows the exception that a stop signal raises, as callbacks and imports of libraries do."""
HASTY = "import tasks.stage\ntasks.stage.GRACE = 1\n"
UNTOLD = HASTY + "tasks.stage.end_with_parent = lambda: None\n"
"""As on a system that does not signal the death of a parent process."""
PARENT = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"


class Copy(Section):
    """How to copy."""

    times: int


@stage
def copying(text: Path, out: Path, *, params: Copy, report: Report) -> None:
    """Copy a text several times."""
    if not text.exists():
        raise DataError(f"{text}: no such file")
    out.write_text(text.read_text(encoding="utf-8") * params.times, encoding="utf-8")
    report.add_counts(records_in=1, records_out=params.times)
    report.add(语言="zh", nested={"f1": 0.5})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("copy:\n  times: 2\nnap:\n  seconds: 30\n")
    (tmp_path / "in.txt").write_text("好", encoding="utf-8")
    return tmp_path


def start_sleeper(folder: Path, program: str = SLEEPER) -> subprocess.Popen[str]:
    """Start the sleeping stage, and wait until it sleeps."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    command = [sys.executable, "-c", program, "--out", "out.txt"]
    process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stderr=subprocess.PIPE)
    wait_until(lambda: (folder / "asleep").exists() or process.poll() is not None)
    assert process.poll() is None
    return process


def test_a_stage_writes_its_files_its_report_and_its_cost(folder: Path) -> None:
    copying.run(text=Path("in.txt"), out=Path("out.txt"))
    assert Path("out.txt").read_text(encoding="utf-8") == "好好"
    report = json.loads(Path("reports/copy.json").read_text(encoding="utf-8"))
    assert report == {"in": 1, "out": 2, "quarantined": 0, "语言": "zh", "nested": {"f1": 0.5}, "params": {"times": 2}}
    cost = json.loads(Path(".satiety/timings/copy.json").read_text())
    assert cost["seconds"] >= 0
    assert cost["peak_bytes"] > 1_000_000


def test_tables_of_a_stage_are_data_sets_of_its_run_and_its_report_and_plots_are_artifacts(folder: Path) -> None:
    @stage
    def draws(
        table: Path, broken: Path, missing: Path, plot: OutputPath, out: OutputPath, *, params: Copy, report: Report
    ) -> None:
        write_text(plot, "x,y\n")
        write(out, [Document("2", "b")], Document)

    write(Path("in.parquet"), [Document("1", "a"), Document("2", "b")], Document)
    Path("broken.parquet").write_bytes(b"PAR1")
    inputs = {"table": Path("in.parquet"), "broken": Path("broken.parquet"), "missing": Path("missing.parquet")}
    draws.run(**inputs, plot=Path("plots/p.csv"), out=Path("out.parquet"))
    (run,) = (path for path in OUTBOX.iterdir() if path.is_dir())
    record = json.loads((run / outbox.RUN).read_text(encoding="utf-8"))
    assert {entry["name"]: (entry["digest"], entry["rows"]) for entry in record["inputs"]} == {
        "table": (sha256(Path("in.parquet")), 2),
        "broken": (sha256(Path("broken.parquet")), None),
    }
    artifacts = run / outbox.ARTIFACTS
    names = [path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*") if path.is_file()]
    assert sorted(names) == ["plots/p.csv", "reports/copy.json"]
    assert (record["report"], record["status"]) == ("reports/copy.json", "FINISHED")
    assert json.loads(Path(".satiety/timings/copy.json").read_text())["run"] == run.name


def test_the_name_of_a_stage_is_that_of_its_block() -> None:
    assert (copying.name, copying.paths) == ("copy", ["text", "out"])


def test_a_failed_stage_leaves_no_report(folder: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt: no such file"):
        copying.run(text=Path("nowhere.txt"), out=Path("out.txt"))
    assert not Path("reports").exists()
    assert not Path(".satiety/timings").exists()


def test_a_user_error_is_one_line_and_exit_code_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["copy", "--text", "nowhere.txt", "--out", "out.txt"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match=r"^1$"):
        copying.cli()
    assert capsys.readouterr().err == "nowhere.txt: no such file\n"


def test_a_nan_in_a_report_stops_the_stage(folder: Path) -> None:
    @stage
    def broken(*, params: Copy, report: Report) -> None:
        report.add(f1=float("nan"))

    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.run()
    assert not Path("reports").exists()
    (record,) = OUTBOX.glob(f"*/{outbox.RUN}")
    assert json.loads(record.read_text(encoding="utf-8"))["status"] == "FAILED"


@pytest.mark.slow
def test_a_second_run_names_the_running_process_and_ignores_a_dead_one(folder: Path) -> None:
    first = start_sleeper(folder)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    command = [sys.executable, "-c", SLEEPER, "--out", "out.txt"]
    second = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert second.returncode == os.EX_TEMPFAIL, "a later attempt may succeed"
    assert f"nap is already running in this workspace (process {first.pid})" in second.stderr
    first.kill()
    first.communicate()
    Path("params.yaml").write_text("nap:\n  seconds: 0\n")
    third = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert (third.returncode, Path("out.txt").read_text()) == (0, "awake")


@pytest.mark.slow
@pytest.mark.parametrize(("stop_signal", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop_signal_ends_a_stage_with_the_usual_code(folder: Path, stop_signal: signal.Signals, code: int) -> None:
    process = start_sleeper(folder)
    process.send_signal(stop_signal)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert not Path("out.txt").exists()


@pytest.mark.slow
def test_a_stop_signal_that_a_library_swallows_still_ends_a_stage(folder: Path) -> None:
    process = start_sleeper(folder, HASTY + DEAF)
    process.send_signal(signal.SIGTERM)
    stderr = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode
    assert "in main" in stderr
    assert not Path("out.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("program", [UNTOLD + SLEEPER, UNTOLD + DEAF, HASTY + DEAF], ids=["untold", "both", "deaf"])
def test_a_stage_ends_with_its_parent_on_any_system(folder: Path, program: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path)), "DVC_STAGE": "nap"}
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", program, "--out", "out.txt"]
    with subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        stage = psutil.Process(int(parent.stdout.readline()))
        wait_until((folder / "asleep").exists)
        parent.kill()
    stage.wait(PATIENCE)
    assert not Path("out.txt").exists()


def test_the_state_of_a_workspace_is_private(folder: Path) -> None:
    begin_pipeline(folder)
    assert stat.S_IMODE((folder / ".satiety").stat().st_mode) == 0o700
    assert abs(float((folder / START_FILE).read_text()) - time.time()) < 60


def test_a_lock_held_in_this_process_is_detected(folder: Path) -> None:
    @stage
    def run_itself(*, params: Copy, report: Report) -> None:
        with pytest.raises(SetupError, match=rf"copy is already running in this workspace \(process {os.getpid()}\)"):
            run_itself.run()

    run_itself.run()
