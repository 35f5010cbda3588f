"""Automations of the Prefect server: mark runs of dead processes crashed, and retrain on harmful drift."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flows.events import HARMFUL

SILENCE = timedelta(seconds=90)
"""Time without a heartbeat after which a run counts as dead: three intervals."""
ZOMBIES = "satiety: end runs whose process died"
RETRAIN = "satiety: retrain on harmful drift"
RETRAINING = "retrain/weekly"
"""Deployment that the automation above starts."""
PAUSE = timedelta(days=1)
"""Period in which a project's first event starts a retraining; drift is reported hourly until it has finished."""


def ensure(deployments: Iterable[str]) -> list[str]:
    """Create the automations, or update those whose definition differs; return their names.

    Args:
        deployments: deployments of prefect.yaml, as flow/name.
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
    """Return the automation that marks silent runs of these flows crashed (Prefect's guide "detect zombie flows").

    Other flows on the server are excluded, since they may send heartbeats less often.
    """
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    final_events = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    return AutomationCore(
        name=ZOMBIES,
        description="Marks a run crashed if it has not ended and sends no heartbeats.",
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
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its process stopped sending heartbeats.")],
    )


def _build_retrain_automation(deployment: Any) -> Any:
    """Return the automation that retrains in the folder of a harmful drift event, once per `PAUSE` and folder."""
    from prefect.events.actions import RunDeployment
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification

    return AutomationCore(
        name=RETRAIN,
        description="Retrains after harmful drift; the new model is promoted if it is better.",
        trigger=EventTrigger(
            expect={HARMFUL},
            match=ResourceSpecification({"prefect.resource.id": ["satiety.project.*"]}),
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
    """Return the definition of an automation without the ids that the server assigns.

    It is compared to avoid needless updates, which reset a trigger: a run that died before would never end, and drift
    would start a second retraining.
    """
    fields = ("name", "description", "enabled", "trigger", "actions")
    definition = automation.model_dump(mode="json", include=set(fields))
    definition["trigger"].pop("id", None)
    # The order of sets differs between processes.
    sets = {name: sorted(definition["trigger"][name]) for name in ("after", "expect", "for_each")}
    return definition | {"trigger": definition["trigger"] | sets}
