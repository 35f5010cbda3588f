"""One bit flips on disk and the file keeps its time: its next reader reports or recomputes it.

The flipped files come from dvc.yaml and from the paths that the other tasks read: a new stage, input or cached file
that nothing checks fails here.
"""

import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from satiety.core.records import Example, read, write
from tasks.integrity import folder_md5
from tests.pipeline.made import BAD, GOOD, sentence
from tests.pipeline.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flipped")]

FILE = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
NAMES = {name: str(value) for block in FILE["vars"] for name, value in block.items()}
RAW = "data/raw"
"""The user's files: those with a .dvc file or a sha256 in params.yaml are checked."""
CACHES = {
    "worth": {"runs", "encoders", "features", "checkpoints"},
    "monitor": {""},
    "checkpoints": {"finetune", "pretrain"},
}
"""Folders of `.satiety/` with cached results; each has a test below or in tests/unit."""
OTHER_STATE = {"arrived", "log", "outbox", "pipeline.json", "retrain", "site", "timings", "traffic"}
"""Other contents: notes, locks, runs to be published to MLflow, and the traffic record, whose tables have checksums."""


def fill_variables(text: str) -> str:
    """Return a word of dvc.yaml with its variables filled in."""
    for name, path in NAMES.items():
        text = text.replace(f"${{{name}}}", path)
    return Path(text).as_posix()


def find_stage_inputs(stage: str) -> list[str]:
    """Return the data that a stage depends on: every dependency except the code in `root`."""
    return [fill_variables(dep) for dep in FILE["stages"][stage]["deps"] if not dep.startswith("${root}/")]


def find_task_inputs(task_name: str) -> list[str]:
    """Return the paths of dvc.yaml that a task outside the pipeline reads."""
    calls = re.findall(r"\bfind_paths\(([^)]*)\)", Path(f"tasks/{task_name}.py").read_text(encoding="utf-8"))
    return sorted({NAMES[name] for call in calls for name in re.findall(r'"(\w+)"', call)})


def flip(path: Path) -> None:
    """Flip a bit in the middle of a file, keeping time and permissions; flipping it again restores it."""
    content, stamp = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stamp.st_mode)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@contextmanager
def flip_all(*paths: Path) -> Iterator[None]:
    for path in paths:
        flip(path)
    try:
        yield
    finally:
        for path in paths:
            flip(path)


def choose_files(root: Path, names: list[str], turn: int) -> dict[str, Path]:
    """Return the file to flip for each path: in a folder, a different one for each turn."""
    paths = {}
    for name in names:
        members = sorted(path for path in (root / name).rglob("*") if path.is_file()) if (root / name).is_dir() else []
        paths[name] = members[turn % len(members)] if members else root / name
    return paths


@pytest.fixture(scope="module")
def prepared_project(finished_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, with fresh test examples, one raw file in DVC, a remote, and a table of texts."""
    copy = finished_project.copy(tmp_path_factory.mktemp("flipped"))
    root = copy.root
    write(root / NAMES["fresh"], list(read(root / NAMES["test"], Example))[:5], Example)
    for command in (
        ["remote", "add", "--local", "-d", "store", str(root.parent / "store")],
        ["add", NAMES["fresh"], f"{RAW}/corpus.json"],
        ["push"],
    ):
        process = copy.run("dvc", *command)
        assert process.returncode == 0, process.stderr
    texts = [sentence(random.Random(i), "en", (GOOD, BAD)[i % 2]["en"]) for i in range(60)]
    (root / "texts.csv").write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    return copy


@pytest.fixture
def project_copy(prepared_project: Project, tmp_path: Path) -> Project:
    """A copy of the prepared project for one test."""
    return prepared_project.copy(tmp_path)


def run_task(project: Project, name: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a task as DVC would."""
    command, environment = [sys.executable, "-m", f"tasks.{name}", *arguments], project.build_environment() | variables
    return subprocess.run(command, cwd=project.root, env=environment, text=True, capture_output=True, check=False)


def get_arguments(stage: str) -> list[str]:
    return [fill_variables(word) for word in shlex.split(FILE["stages"][stage]["cmd"])[4:]]


def assert_refused(process: "subprocess.CompletedProcess[str]", root: Path, damaged: dict[str, Path]) -> None:
    """Assert that a task failed and named each damaged path and the file in it."""
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    lines = [line for line in process.stderr.splitlines() if ": " in line]
    for name, path in damaged.items():
        member = "" if path == root / name else f"{path.relative_to(root / name).as_posix()} "
        assert any(line.startswith(f"{name}: {member}differs from ") for line in lines), (name, process.stderr)


@pytest.mark.parametrize("stage", FILE["stages"])
def test_a_stage_refuses_each_damaged_input(project_copy: Project, stage: str) -> None:
    names = [f"{RAW}/corpus.json" if name == RAW else name for name in find_stage_inputs(stage)]
    assert names, "the stage reads no data: this test needs an input to flip"
    damaged = choose_files(project_copy.root, names, list(FILE["stages"]).index(stage))
    report = project_copy.read_report(stage)
    with flip_all(*damaged.values()):
        assert_refused(run_task(project_copy, stage, *get_arguments(stage)), project_copy.root, damaged)
    assert project_copy.read_report(stage) == report


@pytest.mark.parametrize("name", ["promote", "monitor"])
def test_other_tasks_refuse_each_damaged_input(project_copy: Project, name: str) -> None:
    names = [*find_task_inputs(name), *(["reports/worth.json"] if name == "monitor" else [])]
    assert len(names) > 2
    damaged = choose_files(project_copy.root, names, 2)
    with flip_all(*damaged.values()):
        process = run_task(project_copy, name, *(["--table", "texts.csv"] if name == "monitor" else []))
        assert_refused(process, project_copy.root, damaged)


def test_a_damaged_package_predicts_nothing(project_copy: Project) -> None:
    for path in sorted((project_copy.root / NAMES["package"]).rglob("*"))[::5]:
        if path.is_file():
            with flip_all(path):
                process = project_copy.run("satiety", "predict", "a great lovely film")
            assert (process.returncode, process.stdout) == (1, "")
            assert path.name in process.stderr


def follow_message(project: Project, message: str) -> list[str]:
    """Carry out the repair that a message describes; return the arguments of its command."""
    (paths, command) = re.findall(r"remove (.+?), then run `(.+?)`", message)[0]
    for name in paths.split(" and "):
        path = project.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    process = project.run(*shlex.split(command))
    assert process.returncode == 0, process.stdout + process.stderr
    return shlex.split(command)[1:]


CASES: dict[str, tuple[str, str, str, bool, str]] = {
    "a model": ("evaluate", NAMES["tuned"], "head.safetensors", False, "checkout"),
    "a model, cached copy too": ("evaluate", NAMES["tuned"], "head.safetensors", True, "repro"),
    "a table": ("finetune", NAMES["augmented"], "", False, "checkout"),
    "a table, cached copy too": ("finetune", NAMES["augmented"], "", True, "repro"),
    "a report": ("register", "reports/evaluate.json", "", False, "repro"),
    "raw data": ("ingest", f"{RAW}/corpus.json", "", False, "checkout"),
    "raw data, cached copy too": ("ingest", f"{RAW}/corpus.json", "", True, "pull"),
}
QUICK_CASES = ("a model", "a table, cached copy too", "a report", "raw data, cached copy too")
"""Each command once or twice; the others are `long`."""


@pytest.mark.parametrize(
    ("stage", "name", "file", "flip_cached", "dvc_command"),
    [
        pytest.param(*values, id=name, marks=[] if name in QUICK_CASES else [pytest.mark.long])
        for name, values in CASES.items()
    ],
)
def test_the_repair_in_the_message_restores_the_file(
    project_copy: Project, stage: str, name: str, file: str, flip_cached: bool, dvc_command: str
) -> None:
    """It restores the same files and causes no second error; the cached copy stays read-only, as DVC leaves it."""
    digests, path = project_copy.read_digests(), project_copy.root / name / file
    content = path.read_bytes()
    flip(path)
    if flip_cached:
        cached_file = next(
            cached_file for cached_file in find_cached_files(project_copy) if cached_file.read_bytes() == content
        )
        flip(cached_file)
        assert cached_file.stat().st_mode & 0o222 == 0
    refused = run_task(project_copy, stage, *get_arguments(stage))
    assert refused.returncode == 1, refused.stderr
    assert follow_message(project_copy, refused.stderr)[0] == dvc_command
    assert path.read_bytes() == content
    repeated = project_copy.repro(stage)
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr
    assert project_copy.read_digests() == digests
    verified = project_copy.run("satiety", "verify")
    assert verified.returncode == 0, verified.stderr


def find_cached_files(project: Project) -> list[Path]:
    return [path for path in (project.root / ".dvc/cache/files/md5").glob("??/*") if path.is_file()]


def test_a_damaged_file_restored_from_the_dvc_cache_is_refused(project_copy: Project) -> None:
    """DVC trusts it because it is read-only."""
    model = project_copy.root / NAMES["tuned"]
    content = (model / "head.safetensors").read_bytes()
    cached_file = next(
        cached_file for cached_file in find_cached_files(project_copy) if cached_file.read_bytes() == content
    )
    with flip_all(cached_file):
        shutil.rmtree(model)
        process = project_copy.repro("--force", "--single-item", "evaluate")
        assert process.returncode != 0
        restored = project_copy.run("dvc", "checkout", NAMES["tuned"])
        assert restored.returncode == 0, restored.stderr
        process = project_copy.repro("--force", "--single-item", "evaluate")
        assert process.returncode != 0
        assert f"{NAMES['tuned']}: head.safetensors differs from dvc.lock, and DVC's cached copy" in process.stderr
        shutil.rmtree(model)
    assert project_copy.run("dvc", "checkout", NAMES["tuned"]).returncode == 0


def test_damaged_caches_of_worth_are_computed_again(project_copy: Project) -> None:
    report = (project_copy.root / "reports/worth.json").read_bytes()
    folder = project_copy.root / ".satiety/worth"
    features, runs = (sorted((folder / name).rglob("*.safetensors")) for name in ("features", "runs"))
    damaged = [features[0], runs[0], runs[len(runs) // 2]]
    for path in damaged:
        flip(path)
    process = run_task(project_copy, "worth", *get_arguments("worth"))
    assert process.returncode == 0, process.stderr
    assert (project_copy.root / "reports/worth.json").read_bytes() == report
    for path in damaged:
        assert f"{path.relative_to(project_copy.root)}: damaged (" in process.stderr


def test_damaged_caches_of_monitor_are_computed_again(project_copy: Project) -> None:
    reports = []
    for _ in range(2):
        process = run_task(project_copy, "monitor", "--table", "texts.csv")
        assert process.returncode == 0, process.stderr
        reports.append((project_copy.root / "reports/monitor-table.json").read_bytes())
        (pool,) = (project_copy.root / ".satiety/monitor").glob("*.safetensors")
        assert ("damaged" in process.stderr) == (len(reports) == 2)
        flip(pool)
    assert reports[0] == reports[1]
    flip(pool)


def test_a_damaged_checkpoint_is_not_resumed(project_copy: Project) -> None:
    folder = project_copy.root / ".satiety/checkpoints/finetune"
    command = [sys.executable, "-m", "tasks.finetune", *get_arguments("finetune")]
    environment = project_copy.build_environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=project_copy.root, env=environment, **quiet) as process:
        while not list(folder.glob("**/state.json")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    damaged = [*folder.glob("**/state.json"), *folder.glob("*/trial-transductive-*.json")]
    assert len(damaged) == 3  # a checkpoint, and an answer for each of two folds
    for path in damaged:
        flip(path)
    resumed = run_task(project_copy, "finetune", *get_arguments("finetune"))
    assert resumed.returncode == 0, resumed.stderr
    for path in damaged:
        assert f"{path.relative_to(project_copy.root)}: damaged (" in resumed.stderr
    assert f"{folder_md5(project_copy.root / NAMES['tuned'])}.dir" == project_copy.read_digests()[NAMES["tuned"]]


def test_every_cache_folder_is_listed(project_copy: Project) -> None:
    """A new cache must be listed here with its test."""
    assert run_task(project_copy, "monitor", "--table", "texts.csv").returncode == 0
    state = project_copy.root / ".satiety"
    names = {path.name for path in state.iterdir()} - OTHER_STATE
    assert {name for name in names if not name.endswith(".lock") and name != "run_started"} <= set(CACHES)
    for name, kinds in CACHES.items():
        folders: set[Any] = (
            {path.name for path in (state / name).iterdir() if path.is_dir()} if (state / name).is_dir() else set()
        )
        assert folders <= kinds, name
