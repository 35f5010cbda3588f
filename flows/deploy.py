"""Create or update the work pools, limits, deployments and automations of prefect.yaml on a Prefect server."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_fixed

from flows import alerts, automations, concurrency
from flows.dvc import build_environment
from satiety.core.errors import SetupError
from satiety.core.section import read_yaml

FILE = Path("prefect.yaml")
PATIENCE = 120.0
"""Seconds to wait for a server that is starting."""


def deploy() -> str:
    """Create or update everything that prefect.yaml and the flows need; return one line per kind of object.

    Raises:
        SetupError: prefect.yaml is missing, PREFECT_API_URL is not set, the server does not answer, Prefect rejects a
            deployment, or the settings of alerts are invalid.
    """
    if not FILE.is_file():
        raise SetupError(f"{Path.cwd()}: no {FILE}; change to the project's root")
    if not os.environ.get("PREFECT_API_URL"):
        raise SetupError(
            "PREFECT_API_URL: not set; `make up` starts a server and deploys to it, or export the URL of a server"
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
    resources = {
        "work pools": pools,
        "limits": [f"{k} ({v})" for k, v in concurrency.LIMITS.items()],
        "deployments": names,
        "automations": automations.ensure(names),
    }
    return "\n".join(f"{kind}: {', '.join(values)}" for kind, values in resources.items())


def _await_server() -> None:
    from prefect.client.orchestration import get_client

    def announce(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            print(f"waiting for the Prefect server at {client.api_url}", file=sys.stderr, flush=True)  # noqa: T201

    with get_client(sync_client=True) as client:
        retrying = Retrying(
            retry=retry_if_result(lambda error: error is not None),
            wait=wait_fixed(1),
            stop=stop_after_delay(PATIENCE),
            before_sleep=announce,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        if (error := retrying(client.api_healthcheck)) is not None:
            raise SetupError(f"{client.api_url}: no Prefect server answers: {error}")


def _ensure_pool(name: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            with suppress(ObjectAlreadyExists):  # another process may create it at the same time
                client.create_work_pool(WorkPoolCreate(name=name, type="process"))


def _deploy_flows() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    process = subprocess.run(command, env=build_environment(), capture_output=True, text=True, check=False)
    if process.returncode:
        raise SetupError(f"{FILE}: Prefect rejects it:\n{(process.stdout + process.stderr).strip()[-2000:]}")
