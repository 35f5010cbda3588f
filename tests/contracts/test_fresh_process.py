"""A saved model answers the same in a process that did not make it: nothing of it hangs on what was imported before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from satiety.core.answers import dump
from satiety.core.inputs import dump_inputs
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from tests.contracts.test_methods import WRITTEN, base_of, params

ASK = """
import json, sys
from pathlib import Path
from satiety.core.answers import dump
from satiety.core.inputs import load_inputs
from satiety.tuning import load
inputs = [load_inputs(line) for line in sys.stdin.read().splitlines()]
answers = load(Path(sys.argv[1]), "cpu").predict(inputs)
print(json.dumps([[dump(one.answer), one.confidence, dict(one.scores)] for one in answers]))
"""


@pytest.mark.parametrize("problem_name", list(PROBLEMS))
def test_each_problem_is_answered_alike_in_a_fresh_process(
    problem_name: str, tiny: Path, writer: Path, tmp_path: Path
) -> None:
    from satiety.tuning.finetune import finetune

    problem = PROBLEMS[problem_name].sample()
    examples = [*problem.examples("en"), *problem.examples("zh")]
    base, section = base_of(problem_name, tiny, writer), params("adapter", writes=problem_name in WRITTEN)
    outcome = finetune(
        base, problem, examples, examples, params=section, store=CheckpointStore(tmp_path / "run", 1e9), device="cpu"
    )
    outcome.model.save(tmp_path / "tuned", base)

    inputs = [example.inputs for example in examples]
    asked = "".join(f"{dump_inputs(one)}\n" for one in inputs)
    command = [sys.executable, "-c", ASK, str(tmp_path / "tuned")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for (answer, confidence, scores), actual in zip(
        json.loads(done.stdout), outcome.model.predict(inputs), strict=True
    ):
        assert answer == dump(actual.answer)
        assert confidence == pytest.approx(actual.confidence)
        assert scores == pytest.approx(dict(actual.scores))
