"""dvc.yaml -> where the files of a workspace lie, for what is no stage and so is given no paths."""

from pathlib import Path

from satiety.core.errors import ParamsError
from satiety.core.section import read_yaml

PIPELINE = Path("dvc.yaml")


def find_paths(*names: str, folder: Path = Path()) -> list[Path]:
    """Return the paths that the folder's dvc.yaml gives these names.

    Raises:
        ParamsError: it is missing, or does not give one.
    """
    file = folder / PIPELINE
    paths = {name: path for block in read_yaml(file).get("vars", []) for name, path in block.items()}
    missing = [name for name in names if name not in paths]
    if missing:
        raise ParamsError(f"{file}: vars: gives no path for {', '.join(missing)}; write it anew by `satiety workspace`")
    return [folder / paths[name] for name in names]
