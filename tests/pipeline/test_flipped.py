"""One byte flips on disk, and the time of the file stays: who reads it next says so, or makes it anew; nobody uses it.

What is flipped is read from dvc.yaml, and from what the tasks beside the stages ask it for: a new stage, input or kept
file that nobody checks fails here.
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

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]

FILE = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))
NAMES = {name: str(value) for block in FILE["vars"] for name, value in block.items()}
RAW = "data/raw"
"""Its files are the user's: those are checked that have a .dvc file, or a sha256 in params.yaml."""
KEPT = {
    "worth": {"runs", "encoders", "features", "checkpoints"},
    "monitor": {""},
    "checkpoints": {"finetune", "pretrain"},
}
"""Folders of `.satiety/` with results that are kept to spare work; each has a case below, or in its unit's tests."""
PASSING = {"arrived", "log", "outbox", "pipeline.json", "retrain", "site", "timings", "traffic"}
"""What else is there: notes, locks, runs on their way to MLflow, and the record, whose tables have checksums."""


def real(text: str) -> str:
    """Return a word of dvc.yaml as DVC reads it."""
    for name, path in NAMES.items():
        text = text.replace(f"${{{name}}}", path)
    return Path(text).as_posix()


def inputs(stage: str) -> list[str]:
    """Return the data that a stage depends on: every dep but the code's, which stands in `root`."""
    return [real(dep) for dep in FILE["stages"][stage]["deps"] if not dep.startswith("${root}/")]


def beside(task: str) -> list[str]:
    """Return what a task that is no stage asks dvc.yaml for."""
    calls = re.findall(r"\bfind_paths\(([^)]*)\)", Path(f"tasks/{task}.py").read_text(encoding="utf-8"))
    return sorted({NAMES[name] for call in calls for name in re.findall(r'"(\w+)"', call)})


def flip(path: Path) -> None:
    """Flip a bit in the middle of a file; time and permissions stay. Twice is as before."""
    content, stamp = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(stamp.st_mode)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@contextmanager
def flipped(*paths: Path) -> Iterator[None]:
    for path in paths:
        flip(path)
    try:
        yield
    finally:
        for path in paths:
            flip(path)


def files(root: Path, names: list[str], turn: int) -> dict[str, Path]:
    """Return of each path the file to flip: of a folder one, another one at each turn."""
    paths = {}
    for name in names:
        inside = sorted(path for path in (root / name).rglob("*") if path.is_file()) if (root / name).is_dir() else []
        paths[name] = inside[turn % len(inside)] if inside else root / name
    return paths


@pytest.fixture(scope="module")
def prepared(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, with fresh test examples, one raw file in DVC, a remote, and a table of texts."""
    copy = finished.copy(tmp_path_factory.mktemp("flipped"))
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
def flipping(prepared: Project, tmp_path: Path) -> Project:
    """The same, for a test alone."""
    return prepared.copy(tmp_path)


def task(project: Project, name: str, *arguments: str, **around: str) -> "subprocess.CompletedProcess[str]":
    """Run a task as DVC does."""
    command, environment = [sys.executable, "-m", f"tasks.{name}", *arguments], project.environment() | around
    return subprocess.run(command, cwd=project.root, env=environment, text=True, capture_output=True, check=False)


def command_of(stage: str) -> list[str]:
    return [real(word) for word in shlex.split(FILE["stages"][stage]["cmd"])[4:]]


def refuses(done: "subprocess.CompletedProcess[str]", root: Path, damaged: dict[str, Path]) -> None:
    """Assert that a task named each damaged path and the file in it, and did nothing."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if ": " in line]
    for name, path in damaged.items():
        inside = "" if path == root / name else f"{path.relative_to(root / name).as_posix()} "
        assert any(line.startswith(f"{name}: {inside}differs from ") for line in lines), (name, done.stderr)


@pytest.mark.parametrize("stage", FILE["stages"])
def test_a_stage_refuses_each_input_that_is_not_whole(flipping: Project, stage: str) -> None:
    names = [f"{RAW}/corpus.json" if name == RAW else name for name in inputs(stage)]
    assert names, "a stage without data is a stage without a case: say here what it reads"
    damaged = files(flipping.root, names, list(FILE["stages"]).index(stage))
    before = flipping.report(stage)
    with flipped(*damaged.values()):
        refuses(task(flipping, stage, *command_of(stage)), flipping.root, damaged)
    assert flipping.report(stage) == before


@pytest.mark.parametrize("name", ["promote", "monitor"])
def test_what_is_no_stage_refuses_each_input_that_is_not_whole(flipping: Project, name: str) -> None:
    names = [*beside(name), *(["reports/worth.json"] if name == "monitor" else [])]
    assert len(names) > 2
    damaged = files(flipping.root, names, 2)
    with flipped(*damaged.values()):
        done = task(flipping, name, *(["--table", "texts.csv"] if name == "monitor" else []))
        refuses(done, flipping.root, damaged)


def test_a_package_that_is_not_whole_answers_nothing(flipping: Project) -> None:
    for path in sorted((flipping.root / NAMES["package"]).rglob("*"))[::5]:
        if path.is_file():
            with flipped(path):
                process = flipping.run("satiety", "predict", "a great lovely film")
            assert (process.returncode, process.stdout) == (1, "")
            assert path.name in process.stderr


def mended(project: Project, message: str) -> list[str]:
    """Do what a message says; return the commands."""
    (things, command) = re.findall(r"remove (.+?), then run `(.+?)`", message)[0]
    for thing in things.split(" and "):
        path = project.root / thing
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


@pytest.mark.parametrize(("stage", "name", "inside", "too", "way"), CASES.values(), ids=CASES)
def test_what_the_message_says_mends_it(
    flipping: Project, stage: str, name: str, inside: str, too: bool, way: str
) -> None:
    """The same files as before, and no second complaint; the cached copy is read-only, as DVC leaves it."""
    before, path = flipping.digests(), flipping.root / name / inside
    whole = path.read_bytes()
    flip(path)
    if too:
        copy = next(copy for copy in cached(flipping) if copy.read_bytes() == whole)
        flip(copy)
        assert copy.stat().st_mode & 0o222 == 0
    refused = task(flipping, stage, *command_of(stage))
    assert refused.returncode == 1, refused.stderr
    assert mended(flipping, refused.stderr)[0] == way
    assert path.read_bytes() == whole
    again = flipping.repro(stage)
    assert again.returncode == 0, again.stdout + again.stderr
    assert flipping.digests() == before
    verified = flipping.run("satiety", "verify")
    assert verified.returncode == 0, verified.stderr


def cached(project: Project) -> list[Path]:
    return [path for path in (project.root / ".dvc/cache/files/md5").glob("??/*") if path.is_file()]


def test_a_damaged_object_that_dvc_restores_is_refused_by_the_stage_that_reads_it(flipping: Project) -> None:
    """It is read-only, so DVC takes it for whole."""
    model = flipping.root / NAMES["tuned"]
    whole = (model / "head.safetensors").read_bytes()
    copy = next(copy for copy in cached(flipping) if copy.read_bytes() == whole)
    with flipped(copy):
        shutil.rmtree(model)
        done = flipping.repro("--force", "--single-item", "evaluate")
        assert done.returncode != 0
        restored = flipping.run("dvc", "checkout", NAMES["tuned"])
        assert restored.returncode == 0, restored.stderr
        done = flipping.repro("--force", "--single-item", "evaluate")
        assert done.returncode != 0
        assert f"{NAMES['tuned']}: head.safetensors differs from dvc.lock, and DVC's cached copy" in done.stderr
        shutil.rmtree(model)
    assert flipping.run("dvc", "checkout", NAMES["tuned"]).returncode == 0


def test_what_the_meter_keeps_is_computed_anew_where_it_is_not_whole(flipping: Project) -> None:
    before = (flipping.root / "reports/worth.json").read_bytes()
    home = flipping.root / ".satiety/worth"
    features, cells = (sorted((home / name).rglob("*.safetensors")) for name in ("features", "runs"))
    damaged = [features[0], cells[0], cells[len(cells) // 2]]
    for path in damaged:
        flip(path)
    done = task(flipping, "worth", *command_of("worth"))
    assert done.returncode == 0, done.stderr
    assert (flipping.root / "reports/worth.json").read_bytes() == before
    for path in damaged:
        assert f"{path.relative_to(flipping.root)}: damaged (" in done.stderr


def test_what_the_monitor_keeps_is_computed_anew_where_it_is_not_whole(flipping: Project) -> None:
    reports = []
    for _ in range(2):
        done = task(flipping, "monitor", "--table", "texts.csv")
        assert done.returncode == 0, done.stderr
        reports.append((flipping.root / "reports/monitor-table.json").read_bytes())
        (pool,) = (flipping.root / ".satiety/monitor").glob("*.safetensors")
        assert ("damaged" in done.stderr) == (len(reports) == 2)
        flip(pool)
    assert reports[0] == reports[1]
    flip(pool)


def test_a_checkpoint_that_is_not_whole_is_not_taken_up(flipping: Project) -> None:
    home = flipping.root / ".satiety/checkpoints/finetune"
    command = [sys.executable, "-m", "tasks.finetune", *command_of("finetune")]
    environment = flipping.environment() | {"SATIETY_CHECKPOINT_SECONDS": "0"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=flipping.root, env=environment, **quiet) as process:
        while not list(home.glob("*/state.json")) and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    damaged = [*home.glob("*/state.json"), *home.glob("*/head.json")]
    assert len(damaged) == 2
    for path in damaged:
        flip(path)
    done = task(flipping, "finetune", *command_of("finetune"))
    assert done.returncode == 0, done.stderr
    for path in damaged:
        assert f"{path.relative_to(flipping.root)}: damaged (" in done.stderr
    assert f"{folder_md5(flipping.root / NAMES['tuned'])}.dir" == flipping.digests()[NAMES["tuned"]]


def test_nothing_else_is_kept_to_spare_work(flipping: Project) -> None:
    """Whoever keeps more says here how it is checked."""
    assert task(flipping, "monitor", "--table", "texts.csv").returncode == 0
    state = flipping.root / ".satiety"
    names = {path.name for path in state.iterdir()} - PASSING
    assert {name for name in names if not name.endswith(".lock") and name != "begun"} <= set(KEPT)
    for name, kinds in KEPT.items():
        folders: set[Any] = (
            {path.name for path in (state / name).iterdir() if path.is_dir()} if (state / name).is_dir() else set()
        )
        assert folders <= kinds, name
