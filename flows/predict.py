"""Flow `predict`: a file of texts -> a file of answers, which are on record for monitoring and for feedback.

prefect deployment run predict/batch --param file=today.txt --param out=answers.jsonl
"""

from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.alerts import HOOKS
from flows.commands import execute
from flows.dvc import surroundings
from flows.pipeline import bounded, entered
from satiety.errors import SatietyError, SetupError


@flow(name="predict", persist_result=False, **HOOKS)
def predict(workspace: str = ".", file: str = "", out: str = "") -> State[Any]:
    """Let the packaged model answer.

    Args:
        workspace: the folder of a params.yaml; paths are seen from there.
        file: of texts, one a line.
        out: where the answers go, as JSON lines.
    """
    try:
        with bounded(), entered(workspace):
            if not (file and out):
                raise SetupError("predict: name a `file` of texts, one a line, and where the answers go, `out`")
            execute("predict", ["satiety", "predict", "--file", file, "--out", out], surroundings())
            return Completed(message=f"the answers: {Path(out).absolute()}")
    except SatietyError as error:
        return Failed(message=str(error))
