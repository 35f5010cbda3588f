"""prefect.yaml -> a Prefect server that knows our pools, limits, deployments and automations; again is no harm."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from flows import automations, slots
from flows.dvc import surroundings
from satiety import alerts
from satiety.errors import SetupError
from satiety.section import read_yaml

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
    pools = sorted({one["work_pool"]["name"] for one in deployments})
    _await_server()
    for pool in pools:
        _pool(pool)
    slots.ensure()
    _deployments()
    names = [f"{one['entrypoint'].rpartition(':')[2]}/{one['name']}" for one in deployments]
    made = automations.ensure(names)
    said = {"work pools": pools, "limits": [f"{k} ({v})" for k, v in slots.SLOTS.items()], "deployments": names}
    return "\n".join(f"{what}: {', '.join(which)}" for what, which in (said | {"automations": made}).items())


def _await_server() -> None:
    from prefect.client.orchestration import get_client

    deadline, told = time.monotonic() + PATIENCE, False
    with get_client(sync_client=True) as client:
        while (fault := client.api_healthcheck()) is not None:
            if time.monotonic() > deadline:
                raise SetupError(f"{client.api_url}: Prefect does not answer there: {fault}")
            if not told:
                print(f"waiting for the Prefect server at {client.api_url}", file=sys.stderr, flush=True)  # noqa: T201
                told = True
            time.sleep(1)


def _pool(name: str) -> None:
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


def _deployments() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{FILE}: Prefect refuses it:\n{(done.stdout + done.stderr).strip()[-2000:]}")
