"""An alert arrives, once, however often it is raised, by however many, and whatever was down meanwhile."""

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
from flows.alerts.outbox import Outbox
from flows.alerts.services import load_services
from satiety.core.errors import SetupError
from satiety.core.settings import Settings
from tests.flows.alerts.receivers import mailbox, web
from tests.patience import PATIENCE

CHINESE = Alert(
    "drift",
    Severity.WARNING,
    "有害漂移\n：约 40 个标注",
    "新词：退款、客服。",
    "http://127.0.0.1/report",
    {"标注": 40, "p": 0.01},
)


def drift(severity: Severity = Severity.WARNING, key: str = "drift") -> Alert:
    return Alert(key, severity, "Harmful drift", "Score is down by 0.04.", facts={"labels": 40})


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and nobody who waits long."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sending, "PAUSES", (0.01, 0.01))
    return tmp_path


@pytest.fixture
def port() -> int:
    """A port that nobody listens on, yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def set_up(monkeypatch: pytest.MonkeyPatch, *, webhook: int | None = None, mail: int | None = None) -> None:
    addresses = [f"json://127.0.0.1:{webhook}/hooks/s3cr/t"] if webhook else []
    if mail:
        addresses.append(f"mailto://127.0.0.1:{mail}?from=watch@example.org&to=a@example.org&mode=insecure")
    monkeypatch.setenv("SATIETY_ALERTS", " ".join(addresses))


def test_the_log_has_every_alert_once_and_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for severity in (Severity.RESOLVED, *[Severity.WARNING] * 3, *[Severity.RESOLVED] * 2):
            send(drift(severity))
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "[warning] Harmful drift",
        "[resolved] Harmful drift",
    ]


def test_a_webhook_is_given_the_matter_and_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as hook:
        set_up(monkeypatch, webhook=hook.port)
        send(CHINESE)
    (content,) = hook.came
    assert (content["title"], content["type"]) == ("[warning] 有害漂移 ：约 40 个标注", "warning")
    assert content["message"].startswith("新词：退款、客服。\n\nhttp://127.0.0.1/report\n\nRaised at ")
    assert content["message"].endswith("标注: 40\np: 0.01")


def test_a_mail_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as box:
        set_up(monkeypatch, mail=box.port)
        send(CHINESE)
    (mail,) = box.came
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
def test_services_are_told_by_their_kind_and_not_by_their_address(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SATIETY_ALERTS", address)
    (name,) = load_services(Settings())
    assert "s3cr" not in name
    assert "://" not in name


def test_the_same_is_sent_again_when_worse_over_or_after_the_quiet_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as hook:
        set_up(monkeypatch, webhook=hook.port)
        raised = (1, 2, 2, 1, 3, 2, 0, 0, 1, 1)
        for severity in raised:
            send(drift(Severity(severity)))
        send(drift(Severity.NOTICE, key="another"))
        monkeypatch.setenv("SATIETY_ALERT_QUIET", "0.00001")
        time.sleep(0.1)
        send(drift(Severity.NOTICE))
    names = [content["type"] for content in hook.came]
    assert names == ["info", "warning", "failure", "success", "info", "info", "info"]


def test_what_could_not_be_delivered_comes_with_the_next_alert_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with mailbox() as box:
        set_up(monkeypatch, webhook=port, mail=box.port)
        send(drift())
        send(drift(Severity.CRITICAL))
        assert [mail["Subject"] for mail in box.came] == ["[warning] Harmful drift", "[critical] Harmful drift"]
        with web(port) as hook:
            send(drift())  # no news, but an occasion
            send(drift())
    assert [content["type"] for content in hook.came] == ["warning", "failure"]
    assert len(box.came) == 2
    assert "alert not delivered, retried with the next alert: [warning] Harmful drift" in caplog.text
    assert "s3cr" not in caplog.text


def test_a_receiver_that_falters_is_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with web(answer=503) as hook:
        set_up(monkeypatch, webhook=hook.port)
        send(drift())
        assert hook.tries == 3
        hook.answer = 204
        send(drift())
    assert len(hook.came) == 1


@pytest.mark.parametrize("answer", [301, 404])
def test_an_address_that_leads_elsewhere_has_not_got_it(monkeypatch: pytest.MonkeyPatch, answer: int) -> None:
    with web(answer=answer) as hook:
        set_up(monkeypatch, webhook=hook.port)
        send(drift())
        hook.answer = 200
        send(drift())
    assert len(hook.came) == 1


def test_an_alert_that_is_refused_keeps_no_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as hook:
        hook.unwanted = "Too long"
        set_up(monkeypatch, webhook=hook.port)
        send(Alert("long", Severity.WARNING, "Too long", "x"))
        send(drift())
        assert [content["title"] for content in hook.came] == ["[warning] Harmful drift"]
        hook.unwanted = None
        send(drift())
    assert [content["title"] for content in hook.came] == ["[warning] Harmful drift", "[warning] Too long"]


def test_a_service_that_is_down_is_not_tried_for_every_alert_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with web(answer=503) as hook:
        set_up(monkeypatch, webhook=hook.port)
        for number in range(5):
            send(drift(key=f"{number}"))
        before = hook.tries
        send(drift(key="last"))
        assert hook.tries - before == 4, "the first that waits three times, the second once"


def test_a_channel_that_is_set_up_later_has_a_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody looks by hand, without the settings of the worker: the worker's alert is not swallowed by that."""
    send(drift())
    with web() as hook:
        set_up(monkeypatch, webhook=hook.port)
        send(drift())
    assert len(hook.came) == 1


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
def test_settings_that_cannot_work_are_named_before_there_is_an_alert(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"SATIETY_{name}", value)
    with pytest.raises(SetupError, match=f"^{message}") as found:
        check()
    assert "s3cr" not in str(found.value)


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SATIETY_ALERTS", "x y")
    monkeypatch.setenv("SATIETY_SMTP", "x")
    with pytest.raises(SetupError, match=r"^SATIETY_SMTP: .*; SATIETY_ALERTS: address 1 .*; SATIETY_ALERTS: address 2"):
        check()


ONE = """if True:
    import logging
    from flows.alerts import Alert, Severity, send
    logging.basicConfig()
    send(Alert("drift", Severity.WARNING, "Harmful drift", "x"))
"""


def test_two_processes_at_once_send_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as hook, mailbox() as box:
        set_up(monkeypatch, webhook=hook.port, mail=box.port)
        both = [subprocess.Popen([sys.executable, "-c", ONE], stderr=subprocess.PIPE) for _ in range(2)]
        said = b"".join(one.communicate(timeout=PATIENCE)[1] for one in both)
    assert [one.returncode for one in both] == [0, 0]
    assert (len(hook.came), len(box.came)) == (1, 1)
    assert said.count(b"[warning] Harmful drift") == 1


def test_a_kill_in_the_middle_loses_nothing(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        set_up(monkeypatch, webhook=port)
        process = subprocess.Popen([sys.executable, "-c", ONE], stderr=subprocess.DEVNULL)
        connection, _ = silent.accept()  # it hands the alert over, to somebody who says nothing
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        connection.close()
    with web(port) as hook:
        send(drift())
    assert [content["message"].split("\n")[0] for content in hook.came] == ["x"]
    assert json.loads((project / ".satiety/alerts/outbox.json").read_text())["letters"] == []


def test_a_file_that_is_not_whole_is_kept_aside_and_said(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = project / ".satiety/alerts/outbox.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"sent": {"dri')
    send(drift())
    assert "outbox.json: damaged, ignored, and renamed to outbox.damaged" in caplog.text
    assert file.with_suffix(".damaged").read_text() == '{"sent": {"dri'
    assert "[warning] Harmful drift" in caplog.text


def test_a_disk_that_refuses_keeps_no_alert_back(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / ".satiety").write_text("no folder")
    send(drift())
    assert "alerts may be sent twice: " in caplog.text
    assert "cannot save the queue of alerts, so some may be repeated or lost: " in caplog.text
    assert "[warning] Harmful drift" in caplog.text


def test_the_outbox_is_bounded_and_says_what_it_gives_up(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("flows.alerts.outbox.MAX_PENDING", 3)
    box = Outbox(project / "outbox.json")
    for number in range(4):
        box.post(drift(key=f"{number}"), ["mail"], 24, timestamp=float(number))
    assert [letter.alert.key for letter in Outbox(project / "outbox.json").pending] == ["1", "2", "3"]
    assert "discarded, the queue is full: " in caplog.text


def test_what_nobody_speaks_of_any_more_is_forgotten(project: Path) -> None:
    box = Outbox(project / "outbox.json")
    box.post(drift(key="old"), ["log"], 24, timestamp=0.0)
    box.post(drift(), ["log"], 24, timestamp=91 * 86_400.0)
    assert list(Outbox(project / "outbox.json").sent) == ["drift"]


def test_a_clock_that_was_set_back_silences_nothing(project: Path) -> None:
    box = Outbox(project / "outbox.json")
    assert box.post(drift(), ["log"], 24, timestamp=1e9) == ["log"]
    assert box.post(drift(), ["log"], 24, timestamp=1e9 - 86_400) == ["log"]
