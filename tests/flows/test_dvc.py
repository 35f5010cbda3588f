"""What DVC knows: who reads whose outs, what is stale, the order of dvc.lock."""

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


def test_stages_come_in_the_order_of_the_file_each_after_what_it_reads() -> None:
    upstream = dvc.read_stages()
    names = list(upstream)
    assert (names[0], names[-1], len(names)) == ("ingest", "worth", 9)
    assert upstream["ingest"] == frozenset()
    assert upstream["finetune"] == {"ingest", "validate", "retrieve", "augment", "pretrain"}
    assert upstream["register"] >= {"evaluate", "finetune"}
    assert not upstream["augment"] & {"pretrain"}, "they may run side by side"
    assert not upstream["pretrain"] & {"augment"}
    assert all(names.index(name) < names.index(stage) for stage, parents in upstream.items() for name in parents)


def test_a_folder_without_stages_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"no dvc\.yaml; change to the project's root"):
        dvc.read_stages()


def test_a_folder_that_is_read_is_upstream_of_who_reads_a_file_in_it(
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


def test_the_lock_gets_the_order_of_the_stages_and_keeps_every_byte(
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


@pytest.mark.parametrize("cut", [0, 5, 14, 21, 23, *range(25, len(LOCK), 7), len(LOCK) - 1])
def test_a_lock_cut_off_by_a_kill_is_mended(cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut anywhere, it is read by DVC again afterwards, and keeps the entries that were whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Path("dvc.lock").write_text(LOCK[:cut])
    was_whole = recovery.is_complete(LOCK[:cut])
    assert recovery.repair_dvc_lock() != was_whole
    ends = [i for i in (LOCK.index("  'b-b':"), LOCK.index("  a:")) if i <= cut]
    entries = yaml.safe_load(Path("dvc.lock").read_text())["stages"] if Path("dvc.lock").exists() else {}
    assert len(entries) >= len(ends)
    assert not Path("dvc.lock").exists() or recovery.is_complete(Path("dvc.lock").read_text())
    assert not recovery.repair_dvc_lock()


def test_a_lock_cut_off_within_a_character_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_bytes(LOCK.encode() + "  项目:\n    cmd: 项".encode()[:-1])
    assert recovery.repair_dvc_lock()
    assert Path("dvc.lock").read_text() == LOCK


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC of its own, with one stage that ran."""
    root = tmp_path_factory.mktemp("dvc")
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=root, check=True)
    (root / "dvc.yaml").write_text("stages:\n  a:\n    cmd: echo a > out\n    outs: [out]\n")
    assert repro(root).returncode == 0
    return root


def repro(root: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["dvc", "repro", "-f"], cwd=root, text=True, capture_output=True, check=False)


LIST = json.dumps({"write": {"/x/out": {"pid": 1, "cmd": "dvc repro"}}, "read": {}})


@pytest.mark.parametrize("content", [b"", LIST[:30].encode(), LIST[:-1].encode(), bytes(90), b'"\xff'], ids=range(5))
def test_a_list_of_running_commands_that_is_cut_off_is_put_aside_and_dvc_runs(
    repository: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = repository / recovery.RWLOCK
    path.write_bytes(content)
    assert recovery.repair_rwlock(repository)
    assert path.with_suffix(".damaged").read_bytes() == content
    assert f"{path}: damaged, ignored, and renamed to rwlock.damaged" in caplog.text
    process = repro(repository)
    assert process.returncode == 0, process.stderr
    assert isinstance(json.loads(path.read_text()), dict)


def test_without_mending_dvc_does_not_run(repository: Path) -> None:
    """Else all of this could go."""
    (repository / recovery.RWLOCK).write_bytes(b"")
    assert "Unable to read RWLock-file" in repro(repository).stderr
    assert recovery.repair_rwlock(repository)


def test_a_whole_list_or_none_is_left_alone(repository: Path) -> None:
    for content in (LIST, "{}"):
        (repository / recovery.RWLOCK).write_text(content)
        assert not recovery.repair_rwlock(repository)
        assert (repository / recovery.RWLOCK).read_text() == content
    (repository / recovery.RWLOCK).unlink()
    assert not recovery.repair_rwlock(repository)


def test_a_list_that_dvc_is_writing_is_left_alone(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC cuts it off and then writes it; either it has done so at the second look, or it holds its lock."""
    path = repository / recovery.RWLOCK
    path.write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda _: path.write_text(LIST))
        assert not recovery.repair_rwlock(repository)
    assert path.read_text() == LIST
    path.write_bytes(b"")
    with (repository / recovery.GUARD).open("a") as guard:  # made here where no DVC ran before
        fcntl.flock(guard, fcntl.LOCK_EX)
        assert not recovery.repair_rwlock(repository)
        assert path.read_bytes() == b""
    assert recovery.repair_rwlock(repository)


def test_no_lock_is_made_that_dvc_would_take_for_held(repository: Path) -> None:
    """With `core.hardlink_lock` the mere file is the lock."""
    (repository / recovery.GUARD).unlink(missing_ok=True)
    (repository / recovery.RWLOCK).write_bytes(b"")
    assert recovery.repair_rwlock(repository)
    assert not (repository / recovery.GUARD).exists()


def test_the_leash_ends_a_command_with_the_process_that_started_it(tmp_path: Path) -> None:
    """The parent is killed in a way it cannot see coming."""
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
    wait_until(lambda: not alive(child))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_leash_starts_nothing_for_a_process_that_is_gone() -> None:
    command = [sys.executable, "-m", "tasks.pdeathsig", "1", "echo", "hello"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout) == (1, "")
    assert "not started, the parent process" in process.stderr
