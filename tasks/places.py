"""dvc.yaml -> where the files of this workspace lie, for what is no stage and so is given no paths."""

from pathlib import Path

from satiety.errors import ParamsError
from satiety.section import read_yaml

PIPELINE = Path("dvc.yaml")


def places(*names: str) -> list[Path]:
    """Return the paths that dvc.yaml gives these names.

    Raises:
        ParamsError: it is missing, or does not give one.
    """
    known = {name: path for block in read_yaml(PIPELINE).get("vars", []) for name, path in block.items()}
    missing = [name for name in names if name not in known]
    if missing:
        raise ParamsError(f"{PIPELINE}: vars: gives no path for {', '.join(missing)}; write it anew from the root's")
    return [Path(known[name]) for name in names]
