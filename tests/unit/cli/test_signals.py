"""A signal that ends a command leaves no half-written file, and its children end cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from satiety.serving.traffic import Traffic
from tests.patience import PATIENCE

PREDICT = """
import sys, time
from satiety import package
from satiety.package.card import Facts
from satiety.core.answers import Label
from satiety.problems import PROBLEMS, Prediction

class Slow:
    digest, threshold, batches, problem = "d" * 64, None, 0, PROBLEMS["classify"].sample()
    def facts(self):
        return Facts("slow", "unknown", {}, [], 0, {})
    def predict(self, texts):
        self.batches += 1
        if self.batches == 3:
            print("third", flush=True)
            time.sleep(WAIT)
        return [Prediction(Label("good"))] * len(texts)

package.open = lambda *_: Slow()
from cli.main import run
sys.argv = ["satiety", "predict", "--file", "texts.txt", "--out", "answers.jsonl"]
run()
"""
CHILD = """
import signal, sys
from pathlib import Path
from cli.child import run_child
import cli.main

command = "import signal, sys, time; from pathlib import Path; " \\
    "signal.signal(signal.SIGTERM, lambda *_: (Path('closed').touch(), sys.exit(143))); " \\
    "print('on', flush=True); time.sleep(120)"
signal.signal(signal.SIGTERM, cli.main._stop)
run_child([sys.executable, "-c", command], Path())
"""


def start_program(folder: Path, program: str, line: str) -> subprocess.Popen[str]:
    """Start a program, and wait until it, or what it started, prints a line."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    environment["SATIETY_TRAFFIC"] = str(folder / "traffic")
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_terminated_predict_leaves_no_file_and_keeps_its_record(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "texts.txt").write_text("很好\n" * 600, encoding="utf-8")
    prefix = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # whether or not the tests run under nohup
    process = start_program(tmp_path, prefix + PREDICT.replace("WAIT", "120"), "third")
    assert len(list(tmp_path.glob(".answers.jsonl.*"))) == 1
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["texts.txt", "traffic"]
    assert len(Traffic(tmp_path / "traffic").read()) == 512


def test_predict_under_nohup_goes_on_when_its_terminal_is_gone(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("很好\n" * 600, encoding="utf-8")
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + PREDICT.replace("WAIT", "1")
    process = start_program(tmp_path, program, "third")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert (tmp_path / "answers.jsonl").read_text(encoding="utf-8").count("\n") == 600


def test_child_of_a_command_is_stopped_and_waited_for(tmp_path: Path) -> None:
    process = start_program(tmp_path, CHILD, "on")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert (tmp_path / "closed").exists()
