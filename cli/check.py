"""A params.yaml -> one line saying that it is right, or one error that lists all that is not."""

from pathlib import Path

from flows.overrides import recover
from satiety.core.section import PARAMS_FILE, read_yaml
from satiety.params import load_params


def check_params(params: Path) -> str:
    """Read every block of the file as its stage would; first undo what a run that died has left in it.

    Raises:
        ParamsError: lists every problem at once.
    """
    path = params / PARAMS_FILE if params.is_dir() else params
    notice = f"{path}: put back as it was before a run with overrides, which died\n" if recover(path.parent) else ""
    loaded = load_params(path)
    return f"{notice}{path}: right: {len(read_yaml(path))} blocks, problem {loaded.ingest.problem.kind}"
