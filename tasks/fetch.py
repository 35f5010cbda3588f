"""Model version in MLflow's registry -> its verified package."""

from pathlib import Path
from typing import Any

from satiety import package as packages
from satiety.core.errors import ModelError, OutdatedError
from satiety.core.settings import Settings
from satiety.package.load import Package
from tasks.register import DIGEST_TAG


def fetch_package(version: Any, scratch: Path, role: str, advice: str, outdated: str) -> Package:
    """Copy the package of a version to ``scratch`` and verify it; the model is loaded at its first prediction.

    Args:
        version: MLflow model version.
        scratch: empty folder.
        role: description of the version in messages, such as ``the champion``.
        advice: what to do if it is damaged.
        outdated: consequence and advice if it was made by an earlier version of satiety.

    Raises:
        ModelError: the package is damaged, has another digest than registered, or cannot be fetched.
        OutdatedError: the package was made by an earlier version of satiety.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    uri = f"models:/{version.name}/{version.version}"
    try:
        folder = Path(download_artifacts(artifact_uri=uri, dst_path=str(scratch)))
        package = packages.inspect(next((folder / "data").iterdir()), Settings().device)
    except OutdatedError:
        raise OutdatedError(f"{uri} ({role}): made by an earlier version of satiety; {outdated}") from None
    except (MlflowException, ModelError, OSError, StopIteration) as error:
        raise ModelError(f"{uri} ({role}): damaged or unavailable: {error}\n{advice}") from None
    expected = version.tags.get(DIGEST_TAG)
    if expected and expected != package.digest:
        raise ModelError(f"{uri} ({role}): the digest is {package.digest}, expected {expected} as registered\n{advice}")
    return package
