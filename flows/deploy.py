"""prefect.yaml -> a Prefect server that knows our pools, limits, deployments and automation; again is no harm."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from flows import slots
from flows.dvc import surroundings
from satiety.errors import SetupError
from satiety.section import read_yaml

FILE = Path("prefect.yaml")
SILENCE = timedelta(seconds=90)
"""Time without a sign of life after which a run is taken for dead: three heartbeats."""
ZOMBIES = "satiety: end runs whose process died"
PATIENCE = 40.0
"""Seconds to wait for a server that is just starting."""


def deploy() -> str:
    """Make everything that prefect.yaml and the flows need; return a line for each thing.

    Raises:
        SetupError: there is no prefect.yaml, no server is named or none answers, or Prefect refuses a deployment.
    """
    if not FILE.is_file():
        raise SetupError(f"{Path.cwd()}: holds no {FILE}; run from the project's root")
    if not os.environ.get("PREFECT_API_URL"):
        raise SetupError(
            "PREFECT_API_URL: not set, so no server is named; `make up` starts one and deploys to it, or export its URL"
        )
    deployments: list[dict[str, Any]] = read_yaml(FILE)["deployments"]
    pools = sorted({one["work_pool"]["name"] for one in deployments})
    _await_server()
    for pool in pools:
        _pool(pool)
    slots.ensure()
    _deployments()
    _automation(sorted({one["entrypoint"].rpartition(":")[2] for one in deployments}))
    names = [f"{one['entrypoint'].rpartition(':')[2]}/{one['name']}" for one in deployments]
    said = {"work pools": pools, "limits": [f"{k} ({v})" for k, v in slots.SLOTS.items()], "deployments": names}
    return "\n".join([*(f"{what}: {', '.join(which)}" for what, which in said.items()), f"automation: {ZOMBIES}"])


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


def _automation(flows: list[str]) -> None:
    """Let the server end a run of ours that has fallen silent, as Prefect's guide "detect zombie flows" has it.

    Other flows of the server may send their heartbeats more seldom: they are left alone.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    ended = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    automation = AutomationCore(
        name=ZOMBIES,
        description="A run sends heartbeats; one that sends none and has not ended is dead, and is called crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ended},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": flows}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its process sent no sign of life any more.")],
    )
    with get_client(sync_client=True) as client:
        there = client.read_automations_by_name(ZOMBIES)
        if not there:
            client.create_automation(automation)
        elif _said(there[0]) != _said(automation):
            client.update_automation(there[0].id, automation)


def _said(automation: Any) -> Any:
    """Return what an automation does, without the numbers that the server gives it.

    One that is written anew forgets whose heartbeats it waits for: then a run that died before never ends.
    """
    kept = ("name", "description", "enabled", "trigger", "actions")
    plain = automation.model_dump(mode="json", include=set(kept))
    plain["trigger"].pop("id", None)
    # Sets come in an order that differs from process to process.
    sets = {name: sorted(plain["trigger"][name]) for name in ("after", "expect", "for_each")}
    return plain | {"trigger": plain["trigger"] | sets}
