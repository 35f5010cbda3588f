"""A saved model answers the same in a fresh process: its answers do not depend on what was imported before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from satiety.core.answers import dump
from satiety.core.inputs import dump_inputs
from satiety.problems import PROBLEMS
from satiety.training.checkpoint import CheckpointStore
from tests.contracts.test_methods import WRITTEN, get_base, params

ASK = """
import json, sys
from pathlib import Path
from satiety.core.answers import dump
from satiety.core.inputs import load_inputs
from satiety.tuning import load
inputs = [load_inputs(line) for line in sys.stdin.read().splitlines()]
answers = load(Path(sys.argv[1]), "cpu").predict(inputs)
print(json.dumps([[dump(answer.answer), answer.confidence, dict(answer.scores)] for answer in answers]))
"""


@pytest.mark.parametrize("problem_name", list(PROBLEMS))
def test_each_problem_is_answered_alike_in_a_fresh_process(
    problem_name: str, tiny: Path, writer: Path, tmp_path: Path
) -> None:
    from satiety.tuning.finetune import finetune

    problem = PROBLEMS[problem_name].sample()
    examples = [*problem.examples("en"), *problem.examples("zh")]
    base, section = get_base(problem_name, tiny, writer), params("adapter", writes=problem_name in WRITTEN)
    outcome = finetune(
        base, problem, examples, examples, params=section, store=CheckpointStore(tmp_path / "run", 1e9), device="cpu"
    )
    outcome.model.save(tmp_path / "tuned", base)

    inputs = [example.inputs for example in examples]
    lines = "".join(f"{dump_inputs(row)}\n" for row in inputs)
    command = [sys.executable, "-c", ASK, str(tmp_path / "tuned")]
    process = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    for (answer, confidence, scores), actual in zip(
        json.loads(process.stdout), outcome.model.predict(inputs), strict=True
    ):
        assert answer == dump(actual.answer)
        assert confidence == pytest.approx(actual.confidence)
        assert scores == pytest.approx(dict(actual.scores))
