"""An alert arrives once, even if it is raised repeatedly or concurrently, or a service is down for a while."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.alerts import Alert, Severity, check, send, sending
from flows.alerts.queue import AlertQueue
from flows.alerts.services import load_services
from satiety.core.errors import SetupError
from satiety.core.settings import Settings
from tests.flows.alerts.receivers import serve_mailbox, serve_web
from tests.patience import PATIENCE

CHINESE = Alert(
    "drift",
    Severity.WARNING,
    "有害漂移\n：约 40 个标注",
    "新词：退款、客服。",
    "http://127.0.0.1/report",
    {"标注": 40, "p": 0.01},
)


def build_alert(severity: Severity = Severity.WARNING, key: str = "drift") -> Alert:
    return Alert(key, severity, "Harmful drift", "Score is down by 0.04.", facts={"labels": 40})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with short pauses between retries."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sending, "PAUSES", (0.01, 0.01))
    return tmp_path


@pytest.fixture
def port() -> int:
    """A port on which nothing listens yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def set_addresses(monkeypatch: pytest.MonkeyPatch, *, webhook: int | None = None, mail: int | None = None) -> None:
    addresses = [f"json://127.0.0.1:{webhook}/hooks/s3cr/t"] if webhook else []
    if mail:
        addresses.append(f"mailto://127.0.0.1:{mail}?from=watch@example.org&to=a@example.org&mode=insecure")
    monkeypatch.setenv("SATIETY_ALERTS", " ".join(addresses))


def test_repeated_alerts_are_logged_once_and_the_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for severity in (Severity.RESOLVED, *[Severity.WARNING] * 3, *[Severity.RESOLVED] * 2):
            send(build_alert(severity))
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "[warning] Harmful drift",
        "[resolved] Harmful drift",
    ]


def test_a_webhook_gets_title_message_and_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web() as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        send(CHINESE)
    (content,) = hook.received
    assert (content["title"], content["type"]) == ("[warning] 有害漂移 ：约 40 个标注", "warning")
    assert content["message"].startswith("新词：退款、客服。\n\nhttp://127.0.0.1/report\n\nRaised at ")
    assert content["message"].endswith("标注: 40\np: 0.01")


def test_a_mail_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_mailbox() as box:
        set_addresses(monkeypatch, mail=box.port)
        send(CHINESE)
    (mail,) = box.received
    assert mail["Subject"] == "[warning] 有害漂移 ：约 40 个标注"
    assert "a@example.org" in mail["To"]
    assert "watch@example.org" in mail["From"]
    text = mail.get_body(("plain", "html")).get_content()
    assert "新词：退款、客服。" in text
    assert "标注: 40" in text


@pytest.mark.parametrize(
    "address",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "dingtalk://s3cr",
        "feishu://s3cr",
        "wecombot://s3cr",
        "mailtos://me:s3cr@example.org?to=a@example.org",
        "jsons://hooks.example.org/s3cr/t",
    ],
)
def test_the_name_of_a_service_does_not_contain_its_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_ALERTS", address)
    (name,) = load_services(Settings())
    assert "s3cr" not in name
    assert "://" not in name


def test_a_repeated_alert_is_sent_when_it_changes_or_after_the_quiet_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web() as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        raised = (1, 2, 2, 1, 3, 2, 0, 0, 1, 1)
        for severity in raised:
            send(build_alert(Severity(severity)))
        send(build_alert(Severity.NOTICE, key="another"))
        monkeypatch.setenv("SATIETY_ALERT_QUIET", "0.00001")
        time.sleep(0.1)
        send(build_alert(Severity.NOTICE))
    names = [content["type"] for content in hook.received]
    assert names == ["info", "warning", "failure", "success", "info", "info", "info"]


def test_undelivered_alerts_are_sent_once_and_in_order_with_the_next(
    monkeypatch: pytest.MonkeyPatch, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serve_mailbox() as box:
        set_addresses(monkeypatch, webhook=port, mail=box.port)
        send(build_alert())
        send(build_alert(Severity.CRITICAL))
        assert [mail["Subject"] for mail in box.received] == ["[warning] Harmful drift", "[critical] Harmful drift"]
        with serve_web(port) as hook:
            send(build_alert())  # not sent itself, but triggers delivery
            send(build_alert())
    assert [content["type"] for content in hook.received] == ["warning", "failure"]
    assert len(box.received) == 2
    assert "alert not delivered, retried with the next alert: [warning] Harmful drift" in caplog.text
    assert "s3cr" not in caplog.text


def test_a_failed_delivery_is_retried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web(answer=503) as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        send(build_alert())
        assert hook.tries == 3
        hook.answer = 204
        send(build_alert())
    assert len(hook.received) == 1


@pytest.mark.parametrize("answer", [301, 404])
def test_a_redirected_or_missing_address_counts_as_undelivered(monkeypatch: pytest.MonkeyPatch, answer: int) -> None:
    with serve_web(answer=answer) as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        send(build_alert())
        hook.answer = 200
        send(build_alert())
    assert len(hook.received) == 1


def test_a_refused_alert_does_not_block_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web() as hook:
        hook.unwanted = "Too long"
        set_addresses(monkeypatch, webhook=hook.port)
        send(Alert("long", Severity.WARNING, "Too long", "x"))
        send(build_alert())
        assert [content["title"] for content in hook.received] == ["[warning] Harmful drift"]
        hook.unwanted = None
        send(build_alert())
    assert [content["title"] for content in hook.received] == ["[warning] Harmful drift", "[warning] Too long"]


def test_an_unreachable_service_is_not_retried_for_every_pending_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web(answer=503) as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        for number in range(5):
            send(build_alert(key=f"{number}"))
        tries = hook.tries
        send(build_alert(key="last"))
        assert hook.tries - tries == 4, "expected three tries for the first pending alert and one for the second"


def test_a_service_added_later_gets_alerts_that_others_already_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run by hand without the worker's settings logs an alert; the worker must still send it."""
    send(build_alert())
    with serve_web() as hook:
        set_addresses(monkeypatch, webhook=hook.port)
        send(build_alert())
    assert len(hook.received) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "ALERTS",
            "hooks.example.org/s3cr/t",
            r"SATIETY_ALERTS: address 1 .* is not a valid Apprise URL",
        ),
        ("ALERTS", "json://127.0.0.1/x file:///s3cr", r"SATIETY_ALERTS: address 2 .* is not a valid Apprise URL"),
        (
            "ALERTS",
            "mailto://me:s3cr@example.org?to=a@example.org",
            r"SATIETY_ALERTS: .*unencrypted: use mailtos:",
        ),
        (
            "ALERTS",
            "mailto://127.0.0.1?from=a@s3cr.org&to=a@s3cr.org,b@s3cr.org",
            "SATIETY_ALERTS: .*has several rec",
        ),
        (
            "ALERT_WEBHOOK",
            "https://s3cr",
            "SATIETY_ALERT_WEBHOOK: obsolete; move its address",
        ),
        ("ALERT_QUIET", "-1", "SATIETY_ALERT_QUIET: .*greater than or equal to 0"),
    ],
)
def test_invalid_settings_are_named_by_check(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"SATIETY_{name}", value)
    with pytest.raises(SetupError, match=f"^{message}") as raised:
        check()
    assert "s3cr" not in str(raised.value)


def test_all_invalid_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_ALERTS", "x y")
    monkeypatch.setenv("SATIETY_SMTP", "x")
    with pytest.raises(SetupError, match=r"^SATIETY_SMTP: .*; SATIETY_ALERTS: address 1 .*; SATIETY_ALERTS: address 2"):
        check()


SEND_ALERT = """if True:
    import logging
    from flows.alerts import Alert, Severity, send
    logging.basicConfig()
    send(Alert("drift", Severity.WARNING, "Harmful drift", "x"))
"""


def test_two_concurrent_processes_send_an_alert_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_web() as hook, serve_mailbox() as box:
        set_addresses(monkeypatch, webhook=hook.port, mail=box.port)
        senders = [subprocess.Popen([sys.executable, "-c", SEND_ALERT], stderr=subprocess.PIPE) for _ in range(2)]
        log = b"".join(sender.communicate(timeout=PATIENCE)[1] for sender in senders)
    assert [sender.returncode for sender in senders] == [0, 0]
    assert (len(hook.received), len(box.received)) == (1, 1)
    assert log.count(b"[warning] Harmful drift") == 1


def test_an_alert_of_a_killed_process_is_sent_later(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        set_addresses(monkeypatch, webhook=port)
        process = subprocess.Popen([sys.executable, "-c", SEND_ALERT], stderr=subprocess.DEVNULL)
        connection, _ = silent.accept()  # the process sends the alert and gets no answer
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        connection.close()
    with serve_web(port) as hook:
        send(build_alert())
    assert [content["message"].split("\n")[0] for content in hook.received] == ["x"]
    assert json.loads((project / ".satiety/alerts/queue.json").read_text())["notifications"] == []


def test_a_damaged_queue_file_is_renamed_and_logged(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = project / ".satiety/alerts/queue.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"sent": {"dri')
    send(build_alert())
    assert "queue.json: damaged, ignored, and renamed to queue.damaged" in caplog.text
    assert file.with_suffix(".damaged").read_text() == '{"sent": {"dri'
    assert "[warning] Harmful drift" in caplog.text


def test_alerts_are_sent_if_the_queue_cannot_be_saved(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / ".satiety").write_text("no folder")
    send(build_alert())
    assert "alerts may be sent twice: " in caplog.text
    assert "cannot save the queue of alerts, so some may be repeated or lost: " in caplog.text
    assert "[warning] Harmful drift" in caplog.text


def test_a_full_queue_discards_the_oldest_alert_and_logs_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.alerts.queue.MAX_PENDING", 3)
    queue = AlertQueue(project / "queue.json")
    for number in range(4):
        queue.post(build_alert(key=f"{number}"), ["mail"], 24, timestamp=float(number))
    assert [notification.alert.key for notification in AlertQueue(project / "queue.json").pending] == ["1", "2", "3"]
    assert "discarded, the queue is full: " in caplog.text


def test_the_queue_forgets_old_alerts(project: Path) -> None:
    queue = AlertQueue(project / "queue.json")
    queue.post(build_alert(key="old"), ["log"], 24, timestamp=0.0)
    queue.post(build_alert(), ["log"], 24, timestamp=91 * 86_400.0)
    assert list(AlertQueue(project / "queue.json").sent) == ["drift"]


def test_a_clock_set_back_does_not_suppress_alerts(project: Path) -> None:
    queue = AlertQueue(project / "queue.json")
    assert queue.post(build_alert(), ["log"], 24, timestamp=1e9) == ["log"]
    assert queue.post(build_alert(), ["log"], 24, timestamp=1e9 - 86_400) == ["log"]
