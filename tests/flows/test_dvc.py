"""Which stage reads which outputs, the order of dvc.lock, and the repair of files that DVC left damaged."""

import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows import dvc, recovery
from satiety.core.errors import SetupError
from tests.patience import wait_until


def test_stages_have_the_order_of_dvc_yaml_and_follow_their_inputs() -> None:
    upstream = dvc.read_stages()
    names = list(upstream)
    assert (names[0], names[-1], len(names)) == ("ingest", "worth", 9)
    assert upstream["ingest"] == frozenset()
    assert upstream["finetune"] == {"ingest", "validate", "retrieve", "augment", "pretrain"}
    assert upstream["register"] >= {"evaluate", "finetune"}
    assert not upstream["augment"] & {"pretrain"}, "they can run in parallel"
    assert not upstream["pretrain"] & {"augment"}
    assert all(names.index(name) < names.index(stage) for stage, parents in upstream.items() for name in parents)


def test_a_folder_without_stages_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"no dvc\.yaml; change to the project's root"):
        dvc.read_stages()


def test_the_stage_that_writes_a_folder_is_upstream_of_readers_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stages = {
        "a": {"cmd": "a", "outs": [{"models/${name}": {"cache": False}}]},
        "b": {"cmd": "b", "deps": ["models/base/x"]},
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"vars": [{"name": "base"}], "stages": stages}))
    assert dvc.read_stages() == {"a": frozenset(), "b": {"a"}}


pytestmark = pytest.mark.xdist_group("flows")

LOCK = """schema: '2.0'
stages:
  c:
    cmd: python -m c
      --long
    deps:
    - path: 'a: b'
      md5: 1
  'b-b':
    cmd: b
  a:
    cmd: a
"""


def test_sorting_dvc_lock_orders_its_stages_and_keeps_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCK)
    recovery.sort_entries(["a", "b-b", "x"])
    text = Path("dvc.lock").read_text()
    assert [line.strip(" ':") for line in text.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "a",
        "b-b",
        "c",
    ]
    assert sorted(text.splitlines()) == sorted(LOCK.splitlines())
    recovery.sort_entries(["c", "b-b", "a"])
    assert Path("dvc.lock").read_text() == LOCK


@pytest.mark.parametrize("length", [0, 5, 14, 21, 23, *range(25, len(LOCK), 7), len(LOCK) - 1])
def test_a_truncated_dvc_lock_is_repaired(length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is truncated, DVC can read it after the repair, and complete entries stay."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Path("dvc.lock").write_text(LOCK[:length])
    was_complete = recovery.is_complete(LOCK[:length])
    assert recovery.repair_dvc_lock() != was_complete
    ends = [i for i in (LOCK.index("  'b-b':"), LOCK.index("  a:")) if i <= length]
    entries = yaml.safe_load(Path("dvc.lock").read_text())["stages"] if Path("dvc.lock").exists() else {}
    assert len(entries) >= len(ends)
    assert not Path("dvc.lock").exists() or recovery.is_complete(Path("dvc.lock").read_text())
    assert not recovery.repair_dvc_lock()


def test_a_dvc_lock_truncated_within_a_character_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_bytes(LOCK.encode() + "  项目:\n    cmd: 项".encode()[:-1])
    assert recovery.repair_dvc_lock()
    assert Path("dvc.lock").read_text() == LOCK


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC repository with one stage that ran."""
    root = tmp_path_factory.mktemp("dvc")
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=root, check=True)
    (root / "dvc.yaml").write_text("stages:\n  a:\n    cmd: echo a > out\n    outs: [out]\n")
    assert run_repro(root).returncode == 0
    return root


def run_repro(root: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["dvc", "repro", "-f"], cwd=root, text=True, capture_output=True, check=False)


LIST = json.dumps({"write": {"/x/out": {"pid": 1, "cmd": "dvc repro"}}, "read": {}})


@pytest.mark.parametrize("content", [b"", LIST[:30].encode(), LIST[:-1].encode(), bytes(90), b'"\xff'], ids=range(5))
def test_a_damaged_rwlock_is_renamed_and_dvc_runs(
    repository: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = repository / recovery.RWLOCK
    path.write_bytes(content)
    assert recovery.repair_rwlock(repository)
    assert path.with_suffix(".damaged").read_bytes() == content
    assert f"{path}: damaged, ignored, and renamed to rwlock.damaged" in caplog.text
    process = run_repro(repository)
    assert process.returncode == 0, process.stderr
    assert isinstance(json.loads(path.read_text()), dict)


def test_dvc_does_not_run_with_a_damaged_rwlock(repository: Path) -> None:
    """If DVC could repair it, our repair would not be needed."""
    (repository / recovery.RWLOCK).write_bytes(b"")
    assert "Unable to read RWLock-file" in run_repro(repository).stderr
    assert recovery.repair_rwlock(repository)


def test_an_intact_or_missing_rwlock_is_left_unchanged(repository: Path) -> None:
    for content in (LIST, "{}"):
        (repository / recovery.RWLOCK).write_text(content)
        assert not recovery.repair_rwlock(repository)
        assert (repository / recovery.RWLOCK).read_text() == content
    (repository / recovery.RWLOCK).unlink()
    assert not recovery.repair_rwlock(repository)


def test_an_rwlock_that_dvc_is_writing_is_left_unchanged(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC truncates it and then writes it: at the second check it is complete, or DVC holds its lock."""
    path = repository / recovery.RWLOCK
    path.write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda _: path.write_text(LIST))
        assert not recovery.repair_rwlock(repository)
    assert path.read_text() == LIST
    path.write_bytes(b"")
    with (repository / recovery.GUARD).open("a") as guard:  # created here if DVC has not run yet
        fcntl.flock(guard, fcntl.LOCK_EX)
        assert not recovery.repair_rwlock(repository)
        assert path.read_bytes() == b""
    assert recovery.repair_rwlock(repository)


def test_repairing_the_rwlock_leaves_no_lock_file(repository: Path) -> None:
    """With `core.hardlink_lock` the existence of the file is the lock."""
    (repository / recovery.GUARD).unlink(missing_ok=True)
    (repository / recovery.RWLOCK).write_bytes(b"")
    assert recovery.repair_rwlock(repository)
    assert not (repository / recovery.GUARD).exists()


def test_pdeathsig_ends_a_command_with_its_parent_process(tmp_path: Path) -> None:
    """The parent is killed with SIGKILL."""
    script = (
        "import os, subprocess, sys, time\n"
        "child = [sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)']\n"
        "subprocess.Popen([sys.executable, '-m', 'tasks.pdeathsig', str(os.getpid()), *child])\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        assert parent.stdout.read() == "", "the pipe closes when the child is gone too"
    wait_until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_pdeathsig_starts_nothing_for_a_dead_parent() -> None:
    command = [sys.executable, "-m", "tasks.pdeathsig", "1", "echo", "hello"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (1, "")
    assert "not started, the parent process" in process.stderr
