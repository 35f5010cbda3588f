"""A version of MLflow's registry -> its package, every byte of it verified."""

from pathlib import Path
from typing import Any

from satiety import package as packages
from satiety.core.errors import ModelError, OutdatedError
from satiety.core.settings import Settings
from satiety.package.load import Package
from tasks.register import DIGEST_TAG


def fetch(version: Any, scratch: Path, role: str, advice: str, outdated: str) -> Package:
    """Copy the package of a version to ``scratch`` and verify it; its model is loaded only when it must answer.

    Args:
        version: MLflow's model version.
        scratch: an empty folder.
        role: what the version is: ``the champion``.
        advice: what to do where it is damaged.
        outdated: what an earlier version of satiety having made it comes to, and what to do.

    Raises:
        ModelError: it is damaged, is another than the registry says, or cannot be fetched.
        OutdatedError: an earlier version of satiety made it.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    uri = f"models:/{version.name}/{version.version}"
    try:
        folder = Path(download_artifacts(artifact_uri=uri, dst_path=str(scratch)))
        package = packages.inspect(next((folder / "data").iterdir()), Settings().device)
    except OutdatedError:
        raise OutdatedError(f"{uri}, {role}, was made by an earlier version of satiety, {outdated}") from None
    except (MlflowException, ModelError, OSError, StopIteration) as error:
        raise ModelError(f"{uri}, {role}, is damaged, or cannot be fetched: {error}\n{advice}") from None
    expected = version.tags.get(DIGEST_TAG)
    if expected and expected != package.digest:
        raise ModelError(
            f"{uri}, {role}, holds a package of digest {package.digest}, not the registered {expected}\n{advice}"
        )
    return package
