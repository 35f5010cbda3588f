"""dvc.yaml -> paths of a workspace's files, for commands that are no DVC stages."""

from pathlib import Path

from satiety.core.errors import ParamsError
from satiety.core.section import read_yaml

PIPELINE = Path("dvc.yaml")


def find_paths(*names: str, folder: Path = Path()) -> list[Path]:
    """Return the paths of these names in the `vars` of a folder's dvc.yaml.

    Raises:
        ParamsError: dvc.yaml or one of the names is missing.
    """
    file = folder / PIPELINE
    paths = {name: path for block in read_yaml(file).get("vars", []) for name, path in block.items()}
    missing = [name for name in names if name not in paths]
    if missing:
        raise ParamsError(f"{file}: vars: no path for {', '.join(missing)}; rewrite the file with `satiety workspace`")
    return [folder / paths[name] for name in names]
