"""A params.yaml -> one line saying that it is right, or one error that lists all that is not."""

from pathlib import Path

from satiety.params import load_params, sections
from satiety.section import PARAMS_FILE


def check_params(params: Path) -> str:
    """Read every block of the file as its stage would.

    Raises:
        ParamsError: lists every problem at once.
    """
    path = params / PARAMS_FILE if params.is_dir() else params
    loaded = load_params(path)
    return f"{path}: right: {len(sections())} blocks, problem {loaded.ingest.problem.kind}"
