"""Secrets that come in by every way there is: a source's address, files, what is asked, and what people say of answers.

Afterwards none is in any artefact, log, page, lock, database, cache or state, in the form it came in or plainly.
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
from tests.pipeline.made import BAD, GOOD, joined, sentence
from tests.pipeline.planted import PLANTED, TEXTS, leaks, needles
from tests.pipeline.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("secrets")]

PASSWORD, WRONG, SIGNATURE = "Tr0ub4dor&3", "batteryStaple9", "Zm9vYmFyc2lnbmVk"
EXTRA = "".join(json.dumps({"text": f"a guarded text about tea number {i}"}) + "\n" for i in range(9)).encode()


class Guarded(BaseHTTPRequestHandler):
    """Gives the extra texts to who knows password and signature."""

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        given = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode("latin-1")
        if given != f"bob:{PASSWORD}" or not self.path.endswith(f"?sig={SIGNATURE}"):
            return self.send_error(401)
        self.send_response(200)
        self.send_header("Content-Length", str(len(EXTRA)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(EXTRA)
        return None


@dataclass(frozen=True)
class Told(Project):
    """A project, and all that its commands said, in a file beside it."""

    password: str = PASSWORD
    signature: str = SIGNATURE

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        process = super().run(*command, cwd=cwd)
        with (self.root.parent / "said.log").open("a", encoding="utf-8") as log:
            log.write(process.stdout + process.stderr)
        return process

    def environment(self) -> dict[str, str]:
        return super().environment() | {"TEA_PASSWORD": self.password, "TEA_SIGNATURE": self.signature}


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://bob:{{TEA_PASSWORD}}@127.0.0.1:{server.server_address[1]}/extra.jsonl?sig={{TEA_SIGNATURE}}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def told(fresh: Callable[[], Project], uri: str) -> Told:
    """A project with a guarded source, whose pipeline ran once the password was right."""
    made = Told(fresh().root)
    params = made.params()
    source = {"uri": uri, "sha256": hashlib.sha256(EXTRA).hexdigest(), "reader": {"kind": "jsonl"}}
    params["ingest"]["corpus"].append(source | {"columns": {"text": "text"}})
    made.write_params(params)
    return made


def done(project: Project, *command: str) -> str:
    ended = project.run(*command)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def forbidden(*more: str) -> set[str]:
    return needles([PASSWORD, WRONG, SIGNATURE, *more])


def test_a_wrong_or_missing_password_is_one_message_without_it(told: Told, uri: str) -> None:
    for project, message in (
        (replace(told, password=WRONG), f"{uri}: cannot read: 401"),
        (replace(told, signature=""), f"{uri}: set the environment variable TEA_SIGNATURE"),
    ):
        ended = project.run("dvc", "repro", "ingest")
        assert ended.returncode != 0
        assert message in ended.stderr
        assert "Traceback" not in ended.stderr
    assert leaks(told.root.parent, forbidden(), but=[told.root / "data/raw"]) == []


def test_no_secret_is_anywhere_after_a_run_questions_answers_and_a_look(
    told: Told, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(told, "dvc", "repro", "register")
    done(told, sys.executable, "-m", "tasks.promote")
    corpus = read(told.root / "data/ingested/corpus.parquet", Document)
    assert {document.source.rpartition(":")[0] for document in corpus if "guarded" in document.text} == {uri}
    asked = tmp_path / "asked.txt"
    asked.write_text("\n".join(questions()), encoding="utf-8")
    done(told, "satiety", "predict", "--file", str(asked), "--out", str(tmp_path / "answers.jsonl"))
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(answers) == 2 * len(TEXTS)

    monkeypatch.chdir(told.root)
    for row, one in zip(answers, PLANTED, strict=False):
        record_corrections(row["id"], "good", None, f"Li {one.text}", Path("models/package"))
    done(told, "satiety", "feedback", answers[-1]["id"], "bad", "--by", TEXTS[0])
    refused = told.run("satiety", "feedback", answers[-1]["id"], TEXTS[0])
    assert (refused.returncode, "label '<email>' is not one of: bad, good" in refused.stderr) == (1, True)

    done(told, "satiety", "monitor")
    done(told, "satiety", "trace", answers[0]["id"])
    done(told, sys.executable, "-m", "tasks.publish")

    traffic = Traffic(told.root / ".satiety/traffic")
    texts, said = {row.id: row.text for row in traffic.read()}, traffic.corrections()
    kinds = {answer["id"]: f"<{one.kind}>" for answer, one in zip(answers, PLANTED * 2, strict=True)}
    assert [own for own, kind in kinds.items() if kind not in texts[own]] == []
    assert [own for own in said if kinds[own] not in said[own].by and own != answers[-1]["id"]] == []
    assert told.report("monitor")["window"]["texts"] == 2 * len(TEXTS)
    suffixes = {path.suffix for path in told.root.rglob("*") if path.is_file()}
    assert {".parquet", ".json", ".html", ".safetensors", ".db", ".lock", ".md"} <= suffixes
    assert leaks(told.root.parent, forbidden(), but=[told.root / "data/raw"]) == []


def questions() -> Iterator[str]:
    """Yield every planted secret in an English text, then every one in a Chinese one."""
    draw = random.Random(23)
    for language in ("en", "zh"):
        for one in PLANTED:
            lexicon = draw.choice((GOOD, BAD))[language]
            yield joined(language, sentence(draw, language, lexicon), [one])
