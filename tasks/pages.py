"""The packages in MLflow's registry -> what a person reads there of the model and of each version."""

from typing import Any

from satiety.package.load import Package
from satiety.package.page import SHOWN, Version, model_page, version_page


def describe(client: Any, package: Package, number: str) -> None:
    """Write the pages of the model and of this version of it anew: a promotion changes both.

    Args:
        client: MLflow's.
        package: the package of this version.
        number: of the version.
    """
    facts = package.facts()
    aliases: dict[str, list[str]] = {}
    for alias, held in client.get_registered_model(facts.name).aliases.items():
        aliases.setdefault(str(held), []).append(alias)
    newest = client.search_model_versions(f"name = '{facts.name}'", max_results=SHOWN, order_by=["version_number DESC"])
    versions = [_version(one, aliases) for one in newest]
    this = _version(client.get_model_version(facts.name, number), aliases)
    page = version_page(package.problem, package.scores(), facts, this)
    client.update_model_version(facts.name, number, description=page)
    client.update_registered_model(facts.name, description=model_page(package.problem, facts, versions))


def _version(found: Any, aliases: dict[str, list[str]]) -> Version:
    number = str(found.version)
    return Version(number, sorted(aliases.get(number, [])), found.tags)
