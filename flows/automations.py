"""What the server does by itself: ends runs whose process died, and retrains on harmful drift. Again is no harm."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flows.events import HARMFUL

SILENCE = timedelta(seconds=90)
"""Time without a sign of life after which a run is taken for dead: three heartbeats."""
ZOMBIES = "satiety: end runs whose process died"
RETRAIN = "satiety: retrain on harmful drift"
RETRAINING = "retrain/weekly"
"""The deployment that it runs."""
PAUSE = timedelta(days=1)
"""Drift stays while a model learns, and every hour says so: of a project's events of this time, the first counts."""


def ensure(deployments: Iterable[str]) -> list[str]:
    """Make the automations, or change them where they say something else; return their names.

    Args:
        deployments: those of prefect.yaml, as flow/name.
    """
    from prefect.client.orchestration import get_client

    names = sorted(deployments)
    with get_client(sync_client=True) as client:
        automations = [_build_zombie_automation(sorted({name.partition("/")[0] for name in names}))]
        if RETRAINING in names:
            automations.append(_build_retrain_automation(client.read_deployment_by_name(RETRAINING).id))
        for automation in automations:
            matches = client.read_automations_by_name(automation.name)
            if not matches:
                client.create_automation(automation)
            elif _extract_definition(matches[0]) != _extract_definition(automation):
                client.update_automation(matches[0].id, automation)
    return [automation.name for automation in automations]


def _build_zombie_automation(flows: list[str]) -> Any:
    """Let the server end a run of ours that has fallen silent, as Prefect's guide "detect zombie flows" has it.

    Other flows of the server may send their heartbeats more seldom: they are left alone.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    final_events = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    return AutomationCore(
        name=ZOMBIES,
        description="A run sends heartbeats; one that sends none and has not ended is dead, and is called crashed.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *final_events},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": flows}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its process sent no sign of life any more.")],
    )


def _build_retrain_automation(deployment: Any) -> Any:
    """Let an event start retraining at once, in the folder that it is about, and others of the day none."""
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=RETRAIN,
        description="Monitoring found drift that costs score: a new model is trained, and takes over if it is better.",
        trigger=EventTrigger(
            expect={HARMFUL},
            match=ResourceSpecification({"prefect.resource.id": ["satiety.core.project.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
            within=PAUSE,
        ),
        actions=[
            RunDeployment(
                deployment_id=deployment,
                parameters={
                    "workspace": "{{ event.payload.workspace }}",
                    "reason": "harmful drift, event {{ event.id }}",
                },
            )
        ],
    )


def _extract_definition(automation: Any) -> Any:
    """Return what an automation does, without the numbers that the server gives it.

    One that is written anew forgets what it waits for: a run that died before never ends, and drift starts retraining
    once more.
    """
    fields = ("name", "description", "enabled", "trigger", "actions")
    definition = automation.model_dump(mode="json", include=set(fields))
    definition["trigger"].pop("id", None)
    # Sets come in an order that differs from process to process.
    sets = {name: sorted(definition["trigger"][name]) for name in ("after", "expect", "for_each")}
    return definition | {"trigger": definition["trigger"] | sets}
