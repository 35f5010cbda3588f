"""Package -> descriptions of the registered model and its versions in MLflow."""

from typing import Any

from satiety.package.load import Package
from satiety.package.page import SHOWN, ModelVersion, render_model_page, render_version_page


def update_descriptions(client: Any, package: Package, number: str) -> None:
    """Rewrite the descriptions of the model and of this version in MLflow.

    Args:
        client: MLflow client.
        package: package of this version.
        number: version number.
    """
    facts = package.facts()
    aliases: dict[str, list[str]] = {}
    for alias, version in client.get_registered_model(facts.name).aliases.items():
        aliases.setdefault(str(version), []).append(alias)
    newest = client.search_model_versions(f"name = '{facts.name}'", max_results=SHOWN, order_by=["version_number DESC"])
    versions = [_build_version(model_version, aliases) for model_version in newest]
    current = _build_version(client.get_model_version(facts.name, number), aliases)
    page = render_version_page(package.problem, package.scores(), facts, current)
    client.update_model_version(facts.name, number, description=page)
    client.update_registered_model(facts.name, description=render_model_page(package.problem, facts, versions))


def _build_version(model_version: Any, aliases: dict[str, list[str]]) -> ModelVersion:
    number = str(model_version.version)
    return ModelVersion(number, sorted(aliases.get(number, [])), model_version.tags)
