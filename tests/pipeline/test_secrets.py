"""Secrets enter by every possible way: the address of a source, files, texts to predict, and feedback.

Afterwards none is in any artefact, log, page, lock, database, cache or state, in its original form or decoded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.feedback import record_corrections
from satiety.core.records import Document, read
from satiety.serving.traffic import Traffic
from tests.pipeline.made import BAD, GOOD, append_secrets, sentence
from tests.pipeline.planted import PLANTED, TEXTS, find_leaks, get_needles
from tests.pipeline.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("secrets")]

PASSWORD, WRONG, SIGNATURE = "Tr0ub4dor&3", "batteryStaple9", "Zm9vYmFyc2lnbmVk"
EXTRA = "".join(json.dumps({"text": f"a guarded text about tea number {i}"}) + "\n" for i in range(9)).encode()


class GuardedHandler(BaseHTTPRequestHandler):
    """Serve the extra texts to requests with the password and the signature."""

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        credentials = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode("latin-1")
        if credentials != f"bob:{PASSWORD}" or not self.path.endswith(f"?sig={SIGNATURE}"):
            return self.send_error(401)
        self.send_response(200)
        self.send_header("Content-Length", str(len(EXTRA)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(EXTRA)
        return None


@dataclass(frozen=True)
class LoggedProject(Project):
    """A project that writes the output of its commands to a file next to it."""

    password: str = PASSWORD
    signature: str = SIGNATURE

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        process = super().run(*command, cwd=cwd)
        with (self.root.parent / "output.log").open("a", encoding="utf-8") as log:
            log.write(process.stdout + process.stderr)
        return process

    def build_environment(self) -> dict[str, str]:
        return super().build_environment() | {"TEA_PASSWORD": self.password, "TEA_SIGNATURE": self.signature}


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), GuardedHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://bob:{{TEA_PASSWORD}}@127.0.0.1:{server.server_address[1]}/extra.jsonl?sig={{TEA_SIGNATURE}}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def guarded_project(copy_template: Callable[[], Project], uri: str) -> LoggedProject:
    """A project with a source that needs a password."""
    project = LoggedProject(copy_template().root)
    params = project.read_params()
    source = {"uri": uri, "sha256": hashlib.sha256(EXTRA).hexdigest(), "reader": {"kind": "jsonl"}}
    params["ingest"]["corpus"].append(source | {"columns": {"text": "text"}})
    project.write_params(params)
    return project


def run_checked(project: Project, *command: str) -> str:
    process = project.run(*command)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def get_forbidden(*secrets: str) -> set[str]:
    return get_needles([PASSWORD, WRONG, SIGNATURE, *secrets])


def test_a_wrong_or_missing_password_is_an_error_that_does_not_show_it(
    guarded_project: LoggedProject, uri: str
) -> None:
    for project, message in (
        (replace(guarded_project, password=WRONG), f"{uri}: cannot read: 401"),
        (replace(guarded_project, signature=""), f"{uri}: set the environment variable TEA_SIGNATURE"),
    ):
        process = project.run("dvc", "repro", "ingest")
        assert process.returncode != 0
        assert message in process.stderr
        assert "Traceback" not in process.stderr
    assert find_leaks(guarded_project.root.parent, get_forbidden(), but=[guarded_project.root / "data/raw"]) == []


def test_secrets_occur_nowhere_after_a_run_predictions_feedback_and_monitoring(
    guarded_project: LoggedProject, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_checked(guarded_project, "dvc", "repro", "register")
    run_checked(guarded_project, sys.executable, "-m", "tasks.promote")
    corpus = read(guarded_project.root / "data/ingested/corpus.parquet", Document)
    assert {document.source.rpartition(":")[0] for document in corpus if "guarded" in document.text} == {uri}
    questions_file = tmp_path / "asked.txt"
    questions_file.write_text("\n".join(iterate_questions()), encoding="utf-8")
    run_checked(
        guarded_project, "satiety", "predict", "--file", str(questions_file), "--out", str(tmp_path / "answers.jsonl")
    )
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(answers) == 2 * len(TEXTS)

    monkeypatch.chdir(guarded_project.root)
    for row, secret in zip(answers, PLANTED, strict=False):
        record_corrections(row["id"], "good", None, f"Li {secret.text}", Path("models/package"))
    run_checked(guarded_project, "satiety", "feedback", answers[-1]["id"], "bad", "--by", TEXTS[0])
    refused = guarded_project.run("satiety", "feedback", answers[-1]["id"], TEXTS[0])
    assert (refused.returncode, "label '<email>' is not one of: bad, good" in refused.stderr) == (1, True)

    run_checked(guarded_project, "satiety", "monitor")
    run_checked(guarded_project, "satiety", "trace", answers[0]["id"])
    run_checked(guarded_project, sys.executable, "-m", "tasks.publish")

    traffic = Traffic(guarded_project.root / ".satiety/traffic")
    texts, corrections = {row.id: row.text for row in traffic.read()}, traffic.corrections()
    kinds = {answer["id"]: f"<{secret.kind}>" for answer, secret in zip(answers, PLANTED * 2, strict=True)}
    assert [id for id, kind in kinds.items() if kind not in texts[id]] == []
    assert [id for id in corrections if kinds[id] not in corrections[id].by and id != answers[-1]["id"]] == []
    assert guarded_project.read_report("monitor")["window"]["texts"] == 2 * len(TEXTS)
    suffixes = {path.suffix for path in guarded_project.root.rglob("*") if path.is_file()}
    assert {".parquet", ".json", ".html", ".safetensors", ".db", ".lock", ".md"} <= suffixes
    assert find_leaks(guarded_project.root.parent, get_forbidden(), but=[guarded_project.root / "data/raw"]) == []


def iterate_questions() -> Iterator[str]:
    """Yield every planted secret in an English text, then every one in a Chinese one."""
    draw = random.Random(23)
    for language in ("en", "zh"):
        for secret in PLANTED:
            lexicon = draw.choice((GOOD, BAD))[language]
            yield append_secrets(language, sentence(draw, language, lexicon), [secret])
