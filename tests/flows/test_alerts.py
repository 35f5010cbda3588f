"""Failed runs of deployments send one alert without personal data; runs started by hand send none."""

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from satiety.core.errors import SetupError
from tests.flows.alerts.receivers import serve_web

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("flows")]


def end_run(state: Any, deployment: bool = True, **parameters: Any) -> None:
    """Call the hooks as Prefect does when a run ends in a state."""
    from prefect.client.schemas.objects import FlowRun

    from flows.alerts.hooks import HOOKS
    from flows.pipeline import pipeline

    run = FlowRun(
        flow_id=uuid4(), name="brave-bee", deployment_id=uuid4() if deployment else None, parameters=parameters
    )
    hook = "on_completion" if state.is_completed() else "on_crashed" if state.is_crashed() else "on_failure"
    for function in HOOKS[hook]:
        function(pipeline, run, state)


def test_a_failed_run_sends_alerts_until_a_run_completes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.states import Completed, Crashed, Failed

    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    words = "train.csv:7: 退款请打 13812345678, zhao.li@example.com, http://me:s3cr@example.org" + " x" * 600
    with serve_web() as hook:
        monkeypatch.setenv("SATIETY_ALERTS", f"json://127.0.0.1:{hook.port}/")
        for state in (Completed(), Failed(message="no data"), Failed(message=words), Crashed(message=words)):
            end_run(state)
        end_run(Completed(), workspace="another")
        end_run(Failed(message=words), deployment=False)
        end_run(Completed())
    assert [(content["type"], content["title"]) for content in hook.received] == [
        ("warning", "[warning] pipeline: the run brave-bee has failed"),
        ("failure", "[critical] pipeline: the run brave-bee has crashed"),
        ("success", "[resolved] pipeline: the run brave-bee completed"),
    ]
    assert "no data" in hook.received[0]["message"]
    assert not [secret for secret in ("13812345678", "zhao.li", "s3cr") if secret in hook.received[1]["message"]]
    assert len(hook.received[1]["message"]) < 1500


def test_invalid_alert_settings_are_refused_at_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.deploy import deploy

    monkeypatch.chdir(tmp_path)
    Path("prefect.yaml").write_text("deployments: []\n")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("SATIETY_ALERTS", "a@example.org")
    with pytest.raises(SetupError, match=r"SATIETY_ALERTS: address 1 .* is not a valid Apprise URL"):
        deploy()


def test_an_event_that_is_too_large_is_logged_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from flows.events import HARMFUL, emit

    with caplog.at_level(logging.ERROR):
        emit(HARMFUL, tmp_path, {"texts": "长" * 2_000_000})
    assert f"event {HARMFUL} was not sent: " in caplog.text


def test_sending_an_event_does_not_wait_for_an_unreachable_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")  # no server listens there
    code = "from pathlib import Path; from flows.events import *; emit(VERDICT, Path(), {}); print('on', flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        process.kill()  # it would retry for a while


def test_projects_with_equal_folder_names_have_different_ids() -> None:
    from flows.events import derive_project_id

    assert derive_project_id(Path("/a/Meine Daten")).startswith("satiety.project.meine-daten-")
    assert derive_project_id(Path("/a/数据")) != derive_project_id(Path("/b/数据"))
