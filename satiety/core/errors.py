"""Errors that a user can cause or resolve.

SatietyError
├── ParamsError      params.yaml is invalid
├── DataError        a data file is missing, empty or in the wrong format
│   └── DamagedError     the file is corrupt: truncated, filled with NULs, or bytes changed
├── AssetError       a data or model source is missing, unpinned, unsafe, or its digest does not match
│   └── UnreachableError the server of a source does not respond
├── ModelError       a model or a training run is unusable
│   └── OutdatedError    the model was made by an earlier version of satiety
└── SetupError       the environment: a missing extra, a full disk
    └── BusyError        another run holds the lock

The exit status of a process is the error's ``code``: 1, or EX_TEMPFAIL where a retry may succeed.
"""

import os
from typing import ClassVar


class SatietyError(Exception):
    """Base class of errors that come from the user's input or environment; bugs raise other exceptions."""

    code: ClassVar[int] = 1
    """Exit status of the process."""


class ParamsError(SatietyError):
    """params.yaml is invalid. The message lists every problem with its line number."""


class DataError(SatietyError):
    """A data file is missing, empty, or in the wrong format."""


class DamagedError(DataError):
    """A file is corrupt: truncated, filled with NULs, or bytes changed since it was written."""


class AssetError(SatietyError):
    """A source cannot be read, is not pinned, or its digest does not match."""


class UnreachableError(AssetError):
    """The server of a source does not respond."""

    code = os.EX_TEMPFAIL


class ModelError(SatietyError):
    """A model cannot be loaded safely, or its training failed."""


class OutdatedError(ModelError):
    """A model was made by an earlier version of satiety and only runs there."""


class SetupError(SatietyError):
    """The environment is incomplete: a missing extra, a full or read-only disk, another run in the workspace."""


class BusyError(SetupError):
    """Another run holds the lock for the same work."""

    code = os.EX_TEMPFAIL
