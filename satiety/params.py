"""params.yaml as one object: a block per stage, and one for `promote`. A stage itself reads only its own block."""

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from satiety.augment import Augment
from satiety.errors import ParamsError
from satiety.evaluate import Evaluate
from satiety.ingest import Ingest
from satiety.package import Promote, Register
from satiety.pretrain import Pretrain
from satiety.retrieve import Retrieve
from satiety.section import PARAMS_FILE, Section, nearest, read_yaml
from satiety.tuning import Finetune
from satiety.validate import Validate


@dataclass(frozen=True, slots=True)
class Params:
    """The whole file. A field's name is the block's, which is the stage's."""

    ingest: Ingest
    validate: Validate
    retrieve: Retrieve
    augment: Augment
    pretrain: Pretrain
    finetune: Finetune
    evaluate: Evaluate
    register: Register
    promote: Promote


def sections() -> dict[str, type[Section]]:
    """Return the class of every block by its name, in order of the file."""
    return typing.get_type_hints(Params)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read every block; raise one ParamsError that names every wrong line of the file."""
    values, blocks = read_yaml(path), sections()
    wrong = [_unknown(path, name, blocks) for name in values if name not in blocks]
    loaded: dict[str, Any] = {}
    for name, section in blocks.items():
        try:
            loaded[name] = section.load(path)
        except ParamsError as error:
            wrong.append(str(error) if name in values else f"{path}: {name}: the block is missing")
    if wrong:
        raise ParamsError("\n".join(wrong))
    return Params(**loaded)


def _unknown(path: Path, name: Any, blocks: dict[str, type[Section]]) -> str:
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    keys = [key for key, _ in tree.value] if isinstance(tree, yaml.MappingNode) else []
    line = next((key.start_mark.line for key in keys if key.value == str(name)), 0) + 1
    return f"{path}:{line}: {name}: there is no such block; {nearest(str(name), blocks)}there are: {', '.join(blocks)}"
