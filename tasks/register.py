"""Stage `register`: tuned model and its scores -> a verified package, registered as a model version in MLflow."""

import json
import logging
import warnings
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from satiety import package as packages
from satiety.core.files import sha256
from satiety.core.records import Example, count_rows, read
from satiety.core.section import Section
from satiety.core.settings import Settings
from satiety.evaluate import Evaluate
from satiety.evaluate.gold import select_gold
from satiety.ingest import Ingest
from satiety.levers.pretrain import Pretrain
from satiety.levers.retrieve import Retrieve
from satiety.package import Register
from satiety.package.builder import build_package
from satiety.package.card import Facts, format_interval
from satiety.package.contents import CARD, SIGNATURE
from satiety.package.load import Package
from satiety.tuning import Finetune
from satiety.validate import Validate
from satiety.worth.selection import Augmentation
from tasks import tracking
from tasks.outbox import Run, run_git
from tasks.pages import update_descriptions
from tasks.publish import publish
from tasks.stage import OutputPath, Report, stage

DIGEST_TAG = "satiety.digest"
"""Tag of a model version with the digest of its package; each digest has one version."""
CHALLENGER = "challenger"
SECTIONS: tuple[type[Section], ...] = (Ingest, Validate, Retrieve, Augmentation, Pretrain, Finetune, Evaluate, Register)
"""Sections of params.yaml that determine a model."""
log = logging.getLogger("tasks.register")


@stage
def main(
    problem: Path,
    tuned: Path,
    train: Path,
    dev: Path,
    test: Path,
    predictions: Path,
    scores: Path,
    package: OutputPath,
    *,
    params: Register,
    report: Report,
) -> None:
    """Package the tuned model, verify that it reproduces its predictions, and register it in MLflow."""
    examples = list(read(train, Example))
    facts = Facts(
        name=params.name,
        revision=_find_revision(),
        data={path.stem: sha256(path) for path in (problem, train, test)},
        languages=[x for x, n in Counter(e.language for e in examples).most_common() if n >= 0.05 * len(examples)],
        trained=len(examples),
        params={section.key(): section.load().model_dump(mode="json") for section in SECTIONS},
        dev=count_rows(dev),
    )
    device, (gold, _) = Settings().device, select_gold(read(test, Example), examples)
    build_package(package, tuned, predictions, scores, facts, gold=gold, device=device)
    packaged_model = packages.inspect(package, device)
    report.add_counts(records_in=len(packaged_model.read_predictions()), records_out=1)
    size = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    report.add(name=params.name, digest=packaged_model.digest, bytes=size)
    report.log_artifact(package / CARD)
    report.log_artifact(scores)
    try:
        register_package(packaged_model, report.run)
    except tracking.TrackingError as error:
        log.warning("%s. The package was written but not registered; `promote` will register it", error)


def register_package(package: Package, run: Run) -> str:
    """Register the package unless a version with its digest exists; make it challenger; return the version number.

    Args:
        package: verified package.
        run: run that registers it.

    Raises:
        TrackingError: MLflow does not respond.
    """
    client, name = tracking.connect(), package.facts().name
    with tracking.translate_errors():
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        existing = find_version(client, name, package.digest)
        run_id = tracking.find_or_create_with_parent(client, run.key, run.record["parent"])
        number = existing or _add_version(client, package, run_id, run.key)
        client.set_registered_model_alias(name, CHALLENGER, number)
        update_descriptions(client, package, number)
    log.info("%s version %s %s", name, number, "already exists" if existing else "was created")
    return number


def find_version(client: Any, name: str, digest: str) -> str | None:
    """Return the number of the newest version with this digest, or None."""
    matches = client.search_model_versions(f"name = '{name}' and tags.`{DIGEST_TAG}` = '{digest}'")
    return max((str(match.version) for match in matches), key=int, default=None)


def _add_version(client: Any, package: Package, run_id: str, key: str) -> str:
    """Upload the package as a pyfunc model, loaded by `satiety.package.pyfunc`, and create a version of it."""
    schemas = json.loads((package.folder / SIGNATURE).read_text(encoding="utf-8"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")  # from MLflow's own type hints
        warnings.filterwarnings("ignore", ".*input example was not provided")  # the package contains a verified one
        import mlflow.pyfunc
        from mlflow.models import Model, ModelSignature

        logged = Model.log(
            artifact_path=None,
            name="package",
            flavor=mlflow.pyfunc,
            run_id=run_id,
            loader_module="satiety.package.pyfunc",
            data_path=str(package.folder),
            signature=ModelSignature.from_dict({side: json.dumps(schema) for side, schema in schemas.items()}),
            pip_requirements=[_find_requirement()],
        )
    model_version = client.create_model_version(
        package.facts().name,
        source=logged.model_uri,
        run_id=run_id,
        model_id=logged.model_id,  # required by an MLflow server
        tags=_build_tags(package, key),
    )
    return str(model_version.version)


def _build_tags(package: Package, key: str) -> dict[str, str]:
    scores, facts = package.scores(), package.facts()
    tags = {DIGEST_TAG: package.digest, tracking.RUN_TAG: key, "satiety.revision": facts.revision}
    tags |= {f"satiety.data.{name}": value for name, value in facts.data.items()}
    signs = {"before": "", "after": "", "difference": "+"}
    tags |= {f"satiety.{name}": format_interval(scores[name], sign) for name, sign in signs.items()}
    return tags | {"satiety.metric": scores["metric"]}


def _find_requirement() -> str:
    try:
        return f"satiety[train]=={version('satiety')}"
    except PackageNotFoundError:
        return "satiety[train]"


def _find_revision() -> str:
    """Return the git commit of the working folder, marked if files have changed; ``unknown`` without git."""
    commit = run_git("rev-parse", "HEAD")
    is_changed = run_git("status", "--porcelain", "--untracked-files=no")
    return commit + (" (changed since)" if is_changed else "") or "unknown"


if __name__ == "__main__":
    main.cli()
    publish()
