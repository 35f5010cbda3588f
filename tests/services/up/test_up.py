"""`satiety up` and `satiety down` with the real Prefect, MLflow and worker. In order: the last tests stop them."""

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
from tests.services.up.conftest import Home, find_free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("services")]
API = "/api/admin/version"


def get_status(port: int, path: str, auth: str | None = None) -> int:
    """Return the HTTP status of a server's answer."""
    headers = {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {}
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers=headers)
    code = connection.getresponse().status
    connection.close()
    return code


@pytest.fixture
def secrets(home: Home, up_process: object) -> dict[str, str]:
    return read(home.root)


@pytest.fixture
def mlflow_auth(secrets: dict[str, str]) -> str:
    return f"{secrets['MLFLOW_TRACKING_USERNAME']}:{secrets['MLFLOW_TRACKING_PASSWORD']}"


def test_a_port_in_use_is_an_error_that_names_its_setting(stopped_home: Home) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        refused = stopped_home.run_satiety("up", SATIETY_PREFECT_PORT=str(port))
    assert (refused.returncode, stopped_home.find_members()) == (1, {})
    assert f"port {port} is in use: stop its process, or set SATIETY_PREFECT_PORT" in refused.stderr


def test_a_service_that_cannot_start_stops_the_others_and_is_named(stopped_home: Home) -> None:
    process = stopped_home.run_satiety(
        "up", MLFLOW_BACKEND_STORE_URI="nonsense://nowhere", SATIETY_MLFLOW_PORT=str(find_free_port())
    )
    assert process.returncode == 1
    assert "mlflow ended; the last lines of .satiety/log/mlflow.log:" in process.stderr
    assert "nonsense" in process.stderr
    assert stopped_home.find_members() == {}
    down_process = stopped_home.run_satiety("down")
    assert "The services are not running." in down_process.stdout
    assert "mlflow stopped (rc=1): it ended by itself, so the others were stopped too" in down_process.stdout


def test_up_prints_the_addresses_and_no_password(
    home: Home, up_process: subprocess.CompletedProcess[str], secrets: dict[str, str]
) -> None:
    for words in (
        f"http://127.0.0.1:{home.prefect}",
        f"http://127.0.0.1:{home.mlflow}",
        "source .satiety/services.env",
    ):
        assert words in up_process.stdout
    passwords = [secrets["MLFLOW_TRACKING_PASSWORD"], secrets["PREFECT_API_AUTH_STRING"].partition(":")[2]]
    assert min(map(len, passwords)) >= 32
    logs = "".join(path.read_text(encoding="utf-8") for path in (home.root / ".satiety/log").iterdir())
    commands = " ".join(word for process in home.find_members() for word in process.cmdline())
    assert not [secret for secret in passwords if secret in up_process.stdout + up_process.stderr + logs + commands]


def test_both_pages_need_their_password(home: Home, secrets: dict[str, str], mlflow_auth: str) -> None:
    assert get_status(home.prefect, API, secrets["PREFECT_API_AUTH_STRING"]) == 200
    assert [get_status(home.prefect, API), get_status(home.prefect, API, "satiety:wrong")] == [401, 401]
    assert [
        get_status(home.mlflow, "/", mlflow_auth),
        get_status(home.mlflow, "/"),
        get_status(home.mlflow, "/", "a:b"),
    ] == [
        200,
        401,
        401,
    ]


def test_the_services_listen_on_loopback_only(home: Home, secrets: dict[str, str]) -> None:
    listening = [
        connection.laddr
        for process in home.find_members()
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.port for address in listening} >= {home.prefect, home.mlflow}
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_the_services_refuse_pickles_and_send_no_telemetry(home: Home, secrets: dict[str, str]) -> None:
    roles = {environment["SATIETY_SERVICE"]: environment for environment in home.find_members().values()}
    assert set(roles) == {"runner", "prefect", "mlflow", "worker"}
    for role in ("prefect", "mlflow", "worker"):
        environment = roles[role]
        assert environment["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
        assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        assert (
            environment["MLFLOW_DISABLE_TELEMETRY"],
            environment["DO_NOT_TRACK"],
            environment["DVC_NO_ANALYTICS"],
        ) == (
            "true",
            "1",
            "1",
        )
    page = request_json("GET", f"http://127.0.0.1:{home.prefect}/ui-settings", secrets["PREFECT_API_AUTH_STRING"])
    assert page["default_ui"] == "v1"  # the other UI loads its configuration from a third party that tracks visitors


def test_only_the_owner_can_read_the_secrets(home: Home, secrets: dict[str, str]) -> None:
    state = home.root / ".satiety"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.glob("*") if path.is_file()}
    names = ("services.env", "mlflow-users.ini", "mlflow-users.db")
    assert {name: modes[name] for name in names} == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_second_up_leaves_the_services_running(home: Home, secrets: dict[str, str]) -> None:
    members = set(home.find_members())
    process = home.run_satiety("up")
    assert (process.returncode, set(home.find_members())) == (0, members)
    assert "already running" in process.stdout


def test_join_services_sets_only_unset_variables(home: Home, secrets: dict[str, str]) -> None:
    code = (
        "import os; from satiety.core.services import join_services; join_services(); "
        "print(*[os.environ.get(n) for n in "
        "('PREFECT_API_URL', 'PREFECT_API_AUTH_STRING', 'SATIETY_TRACKING_URI', 'MLFLOW_TRACKING_PASSWORD')])"
    )

    def read_settings(**variables: str) -> list[str]:
        environment = home.build_environment() | variables
        return subprocess.check_output([sys.executable, "-c", code], cwd=home.root, env=environment, text=True).split()

    expected = [secrets[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "SATIETY_TRACKING_URI")]
    assert read_settings() == [*expected, secrets["MLFLOW_TRACKING_PASSWORD"]]
    assert read_settings(PREFECT_API_URL="http://other/api")[:2] == ["http://other/api", "None"]
    assert read_settings(MLFLOW_TRACKING_URI="http://other")[2:] == ["None", "None"]


def test_a_shell_can_source_the_file(home: Home, secrets: dict[str, str]) -> None:
    command = "source .satiety/services.env && env"
    output = subprocess.check_output(["bash", "-c", command], cwd=home.root, env=home.build_environment(), text=True)
    assert {f"{name}={value}" for name, value in secrets.items()} <= set(output.splitlines())


def test_up_works_after_the_runner_was_killed(home: Home, secrets: dict[str, str]) -> None:
    members = home.find_members()
    runner = next(
        p
        for p, environment in members.items()
        if environment["SATIETY_SERVICE"] == "runner" and p.parent() not in members
    )
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait(PATIENCE)
    assert set(home.find_members()) - {runner}
    process = home.run_satiety("up")
    assert process.returncode == 0, process.stderr
    assert "already running" not in process.stdout
    assert not set(home.find_members()) & set(members)
    assert read(home.root) == secrets


def test_down_stops_every_process_and_can_be_repeated(home: Home, secrets: dict[str, str]) -> None:
    process = home.run_satiety("down")
    assert (process.returncode, process.stdout) == (0, "The services have stopped.\n")
    assert home.find_members() == {}
    repeated = home.run_satiety("down")
    assert (repeated.returncode, repeated.stdout) == (0, "The services are not running.\n")
