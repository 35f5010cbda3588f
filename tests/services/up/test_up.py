"""`satiety up` and `satiety down`, with the real Prefect, MLflow and worker. In order: the last tests end them."""

import base64
import os
import signal
import socket
import stat
import subprocess
import sys
from http.client import HTTPConnection

import psutil
import pytest

from cli.health import request_json
from satiety.core.services import read
from tests.patience import PATIENCE
from tests.services.up.conftest import Home, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]
API = "/api/admin/version"


def asked(port: int, path: str, auth: str | None = None) -> int:
    """Return the code with which a server answers."""
    headers = {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {}
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers=headers)
    code = connection.getresponse().status
    connection.close()
    return code


@pytest.fixture
def secrets(home: Home, started: object) -> dict[str, str]:
    return read(home.root)


@pytest.fixture
def mlflow_auth(secrets: dict[str, str]) -> str:
    return f"{secrets['MLFLOW_TRACKING_USERNAME']}:{secrets['MLFLOW_TRACKING_PASSWORD']}"


def test_a_port_that_is_taken_is_named_with_the_setting_that_moves_it(ended: Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = ended.satiety("up", SATIETY_PREFECT_PORT=str(port))
    assert (refused.returncode, ended.members()) == (1, {})
    assert f"port {port} is in use: stop its process, or set SATIETY_PREFECT_PORT" in refused.stderr


def test_a_member_that_cannot_start_takes_the_others_down_and_is_named(ended: Home) -> None:
    done = ended.satiety("up", MLFLOW_BACKEND_STORE_URI="nonsense://nowhere", SATIETY_MLFLOW_PORT=str(free_port()))
    assert done.returncode == 1
    assert "mlflow ended; the last lines of .satiety/log/mlflow.log:" in done.stderr
    assert "nonsense" in done.stderr
    assert ended.members() == {}
    said = ended.satiety("down")
    assert "The services are not running." in said.stdout
    assert "mlflow stopped (rc=1): it ended by itself, so the others were stopped too" in said.stdout


def test_up_says_where_all_is_and_no_password(
    home: Home, started: subprocess.CompletedProcess[str], secrets: dict[str, str]
) -> None:
    for words in (
        f"http://127.0.0.1:{home.prefect}",
        f"http://127.0.0.1:{home.mlflow}",
        "source .satiety/services.env",
    ):
        assert words in started.stdout
    hidden = [secrets["MLFLOW_TRACKING_PASSWORD"], secrets["PREFECT_API_AUTH_STRING"].partition(":")[2]]
    assert min(map(len, hidden)) >= 32
    logs = "".join(path.read_text(encoding="utf-8") for path in (home.root / ".satiety/log").iterdir())
    commands = " ".join(word for process in home.members() for word in process.cmdline())
    assert not [secret for secret in hidden if secret in started.stdout + started.stderr + logs + commands]


def test_both_pages_open_with_their_password_and_not_without(
    home: Home, secrets: dict[str, str], mlflow_auth: str
) -> None:
    assert asked(home.prefect, API, secrets["PREFECT_API_AUTH_STRING"]) == 200
    assert [asked(home.prefect, API), asked(home.prefect, API, "satiety:wrong")] == [401, 401]
    assert [asked(home.mlflow, "/", mlflow_auth), asked(home.mlflow, "/"), asked(home.mlflow, "/", "a:b")] == [
        200,
        401,
        401,
    ]


def test_they_listen_on_loopback_only(home: Home, secrets: dict[str, str]) -> None:
    listening = [
        connection.laddr
        for process in home.members()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.port for address in listening} >= {home.prefect, home.mlflow}
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_no_pickle_is_loaded_and_nothing_is_told_to_anybody(home: Home, secrets: dict[str, str]) -> None:
    roles = {around["SATIETY_SERVICE"]: around for around in home.members().values()}
    assert set(roles) == {"runner", "prefect", "mlflow", "worker"}
    for role in ("prefect", "mlflow", "worker"):
        around = roles[role]
        assert around["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
        assert around["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        assert (around["MLFLOW_DISABLE_TELEMETRY"], around["DO_NOT_TRACK"], around["DVC_NO_ANALYTICS"]) == (
            "true",
            "1",
            "1",
        )
    page = request_json("GET", f"http://127.0.0.1:{home.prefect}/ui-settings", secrets["PREFECT_API_AUTH_STRING"])
    assert page["default_ui"] == "v1"  # the other one loads its configuration from a firm that counts visitors


def test_secrets_are_for_their_owner_alone(home: Home, secrets: dict[str, str]) -> None:
    state = home.root / ".satiety"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.glob("*") if path.is_file()}
    names = ("services.env", "mlflow-users.ini", "mlflow-users.db")
    assert {name: modes[name] for name in names} == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_second_up_says_that_they_run(home: Home, secrets: dict[str, str]) -> None:
    before = set(home.members())
    again = home.satiety("up")
    assert (again.returncode, set(home.members())) == (0, before)
    assert "already running" in again.stdout


def test_a_process_in_the_project_joins_unless_it_was_told_otherwise(home: Home, secrets: dict[str, str]) -> None:
    code = (
        "import os; from satiety.core.services import join_services; join_services(); "
        "print(*[os.environ.get(n) for n in "
        "('PREFECT_API_URL', 'PREFECT_API_AUTH_STRING', 'SATIETY_TRACKING_URI', 'MLFLOW_TRACKING_PASSWORD')])"
    )

    def sees(**more: str) -> list[str]:
        around = home.environment() | more
        return subprocess.check_output([sys.executable, "-c", code], cwd=home.root, env=around, text=True).split()

    ours = [secrets[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "SATIETY_TRACKING_URI")]
    assert sees() == [*ours, secrets["MLFLOW_TRACKING_PASSWORD"]]
    assert sees(PREFECT_API_URL="http://other/api")[:2] == ["http://other/api", "None"]
    assert sees(MLFLOW_TRACKING_URI="http://other")[2:] == ["None", "None"]


def test_a_shell_can_source_the_file(home: Home, secrets: dict[str, str]) -> None:
    command = "source .satiety/services.env && env"
    seen = subprocess.check_output(["bash", "-c", command], cwd=home.root, env=home.environment(), text=True)
    assert {f"{name}={value}" for name, value in secrets.items()} <= set(seen.splitlines())


def test_a_runner_that_was_killed_leaves_nothing_in_the_way(home: Home, secrets: dict[str, str]) -> None:
    before = home.members()
    runner = next(
        p for p, around in before.items() if around["SATIETY_SERVICE"] == "runner" and p.parent() not in before
    )
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait(PATIENCE)
    assert set(home.members()) - {runner}
    again = home.satiety("up")
    assert again.returncode == 0, again.stderr
    assert "already running" not in again.stdout
    assert not set(home.members()) & set(before)
    assert read(home.root) == secrets


def test_down_leaves_nothing_and_does_it_again(home: Home, secrets: dict[str, str]) -> None:
    done = home.satiety("down")
    assert (done.returncode, done.stdout) == (0, "The services have stopped.\n")
    assert home.members() == {}
    again = home.satiety("down")
    assert (again.returncode, again.stdout) == (0, "The services are not running.\n")
