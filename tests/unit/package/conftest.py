"""One made package per problem, and copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging import Workspace


@pytest.fixture(scope="session")
def packaged(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the package of a problem, made once; not to be changed."""
    made: dict[str, Path] = {}

    def give(kind: str) -> Path:
        if kind not in made:
            workspace = Workspace(tmp_path_factory.mktemp(kind), tiny, kind)
            workspace.fill(count=20)
            made[kind] = workspace.package(workspace.root / "models/package")
        return made[kind]

    return give


@pytest.fixture
def copy(packaged: Callable[[str], Path], tmp_path: Path) -> Path:
    """Return a copy of a package, to be broken."""
    shutil.copytree(packaged("classify"), tmp_path / "package")
    return tmp_path / "package"
