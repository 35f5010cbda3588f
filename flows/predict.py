"""Flow `predict`: predict a file of texts and record the predictions for monitoring and feedback.

prefect deployment run predict/batch --param file=today.txt --param output=answers.jsonl
"""

from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Completed, Failed

from flows.alerts.hooks import HOOKS
from flows.commands import enter_workspace, execute
from flows.dvc import build_environment
from satiety.core.errors import SatietyError, SetupError


@flow(name="predict", persist_result=False, **HOOKS)
def predict(workspace: str = ".", file: str = "", output: str = "") -> State[Any]:
    """Run the packaged model on a file of texts.

    Args:
        workspace: folder of a params.yaml; paths are relative to it.
        file: texts, one per line.
        output: file for the predictions, as JSON lines.
    """
    try:
        with enter_workspace(workspace):
            if not (file and output):
                raise SetupError("predict: set `file` (texts, one per line) and `output` (a file for the predictions)")
            execute("predict", ["satiety", "predict", "--file", file, "--out", output], build_environment())
            return Completed(message=f"predictions: {Path(output).absolute()}")
    except SatietyError as error:
        return Failed(message=str(error))
