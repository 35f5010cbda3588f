"""One package per problem, and copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging import Workspace


@pytest.fixture(scope="session")
def build_package(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a problem to its package, which is made once and must not be changed."""
    packages: dict[str, Path] = {}

    def build(kind: str) -> Path:
        if kind not in packages:
            workspace = Workspace(tmp_path_factory.mktemp(kind), tiny, kind)
            workspace.fill(count=20)
            packages[kind] = workspace.package(workspace.root / "models/package")
        return packages[kind]

    return build


@pytest.fixture
def copy(build_package: Callable[[str], Path], tmp_path: Path) -> Path:
    """Return a copy of a package, to be broken."""
    shutil.copytree(build_package("classify"), tmp_path / "package")
    return tmp_path / "package"
