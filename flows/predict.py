"""Flow `predict`: a file of texts -> a file of answers, which are on record for monitoring and for feedback.

prefect deployment run predict/batch --param file=today.txt --param out=answers.jsonl
"""

from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.alerts.hooks import HOOKS
from flows.commands import execute
from flows.dvc import build_environment
from flows.pipeline import enter_workspace, limit_lifetime
from satiety.core.errors import SatietyError, SetupError


@flow(name="predict", persist_result=False, **HOOKS)
def predict(workspace: str = ".", file: str = "", output: str = "") -> State[Any]:
    """Let the packaged model answer.

    Args:
        workspace: the folder of a params.yaml; paths are seen from there.
        file: of texts, one a line.
        output: where the answers go, as JSON lines.
    """
    try:
        with limit_lifetime(), enter_workspace(workspace):
            if not (file and output):
                raise SetupError("predict: name a `file` of texts, one a line, and where the answers go, `out`")
            execute("predict", ["satiety", "predict", "--file", file, "--out", output], build_environment())
            return Completed(message=f"the answers: {Path(output).absolute()}")
    except SatietyError as error:
        return Failed(message=str(error))
