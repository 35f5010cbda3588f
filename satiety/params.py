"""params.yaml as one object: a block per stage, and one for `promote`. The stages themselves read only their own."""

from pathlib import Path

from satiety.augment import Augment
from satiety.evaluate import Evaluate
from satiety.ingest import Ingest
from satiety.package import Promote, Register
from satiety.pretrain import Pretrain
from satiety.retrieve import Retrieve
from satiety.section import PARAMS_FILE, Section, read_yaml
from satiety.tuning import Finetune
from satiety.validate import Validate


class Params(Section):
    """The whole file."""

    ingest: Ingest
    """Where texts, labels and the base model come from, and how they are split."""
    validate_: Validate
    """How much may be wrong with the data before the pipeline stops."""
    retrieve: Retrieve
    """Which documents of the corpus bear on the problem."""
    augment: Augment
    """Which copies of the examples are made."""
    pretrain: Pretrain
    """How the base model is continued on the retrieved documents."""
    finetune: Finetune
    """How the model is tuned on the examples."""
    evaluate: Evaluate
    """How before and after are measured."""
    register: Register
    """Under which name the model is kept."""
    promote: Promote
    """When a challenger becomes champion."""


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read every block; raise one ParamsError that names every wrong line of the file."""
    return Params.check(path, read_yaml(path))
