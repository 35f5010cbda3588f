"""prefect.yaml -> a Prefect server that knows our pools, limits, deployments and automations; again is no harm."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from flows import alerts, automations, concurrency
from flows.dvc import build_environment
from satiety.core.errors import SetupError
from satiety.core.section import read_yaml

FILE = Path("prefect.yaml")
PATIENCE = 120.0
"""Seconds to wait for a server that is just starting."""


def deploy() -> str:
    """Make everything that prefect.yaml and the flows need; return a line for each thing.

    Raises:
        SetupError: there is no prefect.yaml, no server is named or none answers, Prefect refuses a deployment, or
            alerts could not be sent with the settings there are.
    """
    if not FILE.is_file():
        raise SetupError(f"{Path.cwd()}: holds no {FILE}; run from the project's root")
    if not os.environ.get("PREFECT_API_URL"):
        raise SetupError(
            "PREFECT_API_URL: not set, so no server is named; `make up` starts one and deploys to it, or export its URL"
        )
    alerts.check()
    deployments: list[dict[str, Any]] = read_yaml(FILE)["deployments"]
    pools = sorted({deployment["work_pool"]["name"] for deployment in deployments})
    _await_server()
    for pool in pools:
        _ensure_pool(pool)
    concurrency.ensure_limits()
    _deploy_flows()
    names = [f"{deployment['entrypoint'].rpartition(':')[2]}/{deployment['name']}" for deployment in deployments]
    automation_names = automations.ensure(names)
    resources = {
        "work pools": pools,
        "limits": [f"{k} ({v})" for k, v in concurrency.LIMITS.items()],
        "deployments": names,
    }
    return "\n".join(
        f"{kind}: {', '.join(values)}" for kind, values in (resources | {"automations": automation_names}).items()
    )


def _await_server() -> None:
    from prefect.client.orchestration import get_client

    deadline, is_announced = time.monotonic() + PATIENCE, False
    with get_client(sync_client=True) as client:
        while (fault := client.api_healthcheck()) is not None:
            if time.monotonic() > deadline:
                raise SetupError(f"{client.api_url}: Prefect does not answer there: {fault}")
            if not is_announced:
                print(f"waiting for the Prefect server at {client.api_url}", file=sys.stderr, flush=True)  # noqa: T201
                is_announced = True
            time.sleep(1)


def _ensure_pool(name: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            try:
                client.create_work_pool(WorkPoolCreate(name=name, type="process"))
            except ObjectAlreadyExists:
                return  # somebody else was faster


def _deploy_flows() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    process = subprocess.run(command, env=build_environment(), capture_output=True, text=True, check=False)
    if process.returncode:
        raise SetupError(f"{FILE}: Prefect refuses it:\n{(process.stdout + process.stderr).strip()[-2000:]}")
