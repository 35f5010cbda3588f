"""What DVC knows: who reads whose outs, what is stale, the order of dvc.lock."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from flows import dvc, lock
from satiety.errors import SetupError


def test_stages_come_in_the_order_of_the_file_each_after_what_it_reads() -> None:
    upstream = dvc.stages()
    names = list(upstream)
    assert (names[0], names[-1], len(names)) == ("ingest", "worth", 9)
    assert upstream["ingest"] == frozenset()
    assert upstream["finetune"] == {"ingest", "validate", "retrieve", "augment", "pretrain"}
    assert upstream["register"] >= {"evaluate", "finetune"}
    assert not upstream["augment"] & {"retrieve"}, "they may run side by side"
    assert all(names.index(one) < names.index(stage) for stage, before in upstream.items() for one in before)


def test_a_folder_without_stages_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"holds no dvc\.yaml"):
        dvc.stages()


def test_a_folder_that_is_read_is_upstream_of_who_reads_a_file_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stages = {
        "a": {"cmd": "a", "outs": [{"models/${name}": {"cache": False}}]},
        "b": {"cmd": "b", "deps": ["models/base/x"]},
    }
    Path("dvc.yaml").write_text(yaml.safe_dump({"vars": [{"name": "base"}], "stages": stages}))
    assert dvc.stages() == {"a": frozenset(), "b": {"a"}}


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
    lock.tidy(["a", "b-b", "x"])
    found = Path("dvc.lock").read_text()
    assert [line.strip(" ':") for line in found.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "a",
        "b-b",
        "c",
    ]
    assert sorted(found.splitlines()) == sorted(LOCK.splitlines())
    lock.tidy(["c", "b-b", "a"])
    assert Path("dvc.lock").read_text() == LOCK


@pytest.mark.parametrize("cut", [0, 5, 14, 21, 23, *range(25, len(LOCK), 7), len(LOCK) - 1])
def test_a_lock_cut_off_by_a_kill_is_mended(cut: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut anywhere, it is read by DVC again afterwards, and keeps the entries that were whole."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    Path("dvc.lock").write_text(LOCK[:cut])
    was_whole = lock.whole(LOCK[:cut])
    assert lock.mend() != was_whole
    ends = [i for i in (LOCK.index("  'b-b':"), LOCK.index("  a:")) if i <= cut]
    kept = yaml.safe_load(Path("dvc.lock").read_text())["stages"] if Path("dvc.lock").exists() else {}
    assert len(kept) >= len(ends)
    assert not Path("dvc.lock").exists() or lock.whole(Path("dvc.lock").read_text())
    assert not lock.mend()


def test_the_leash_ends_a_command_with_the_process_that_started_it(tmp_path: Path) -> None:
    """The parent is killed in a way it cannot see coming."""
    script = (
        "import os, subprocess, sys, time\n"
        "child = [sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)']\n"
        "subprocess.Popen([sys.executable, '-m', 'tasks.leash', str(os.getpid()), *child])\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        assert parent.stdout.read() == "", "the pipe closes when the child is gone too"
    deadline = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_leash_starts_nothing_for_a_process_that_is_gone() -> None:
    command = [sys.executable, "-m", "tasks.leash", "1", "echo", "hello"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the process that asked for it is gone" in done.stderr
