"""Every error a user can cause.

SatietyError
├── ParamsError      params.yaml says something that cannot be
├── DataError        a data file is not what the stage needs
│   └── DamagedError     it is not whole: torn, filled with NULs, or a byte of it is another
├── AssetError       a source of data or of a model is missing, unpinned, unsafe, or not what its digest says
├── ModelError       a model or a training run is not usable
│   └── OutdatedError    an earlier version of satiety made the model
└── SetupError       the surroundings: a missing extra, a full disk, another run in the way

A process ends with an error's ``code``: 1, or EX_TEMPFAIL where the same again may work a minute later.
"""

import os
from typing import ClassVar


class SatietyError(Exception):
    """Base of all errors caused by what the user gave us; never by a bug of ours."""

    code: ClassVar[int] = 1
    """What a process ends with."""


class ParamsError(SatietyError):
    """params.yaml is wrong. Lists every problem at once, each with its line."""


class DataError(SatietyError):
    """A data file is missing, empty, or not of the promised shape."""


class DamagedError(DataError):
    """A file is not as it was written: torn, filled with NULs, or a byte of it is another."""


class AssetError(SatietyError):
    """A source cannot be read, is not pinned, or is not what its digest says."""


class UnreachableError(AssetError):
    """The place of a source does not answer."""

    code = os.EX_TEMPFAIL


class ModelError(SatietyError):
    """A model cannot be loaded safely, or training it went wrong."""


class OutdatedError(ModelError):
    """A model is of an earlier version of satiety, which alone can answer with it."""


class SetupError(SatietyError):
    """An extra is not installed, the disk refuses, or another run holds the workspace."""


class BusyError(SetupError):
    """Another run is at the same work."""

    code = os.EX_TEMPFAIL
