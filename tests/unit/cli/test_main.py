"""The command: help for people, messages on stderr, exit codes for machines."""

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app, run
from cli.predict import read_texts
from satiety.core.answers import Label, Span, Spans, load
from satiety.core.errors import DataError
from satiety.core.inputs import Inputs, text_of
from satiety.package.card import Facts
from satiety.problems import PROBLEMS, Problem
from satiety.problems.base import Prediction
from satiety.serving.traffic import Traffic

ROOT = Path.cwd()


def run_command(*arguments: str) -> str:
    """Return what the command prints."""
    process = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert process.exit_code == 0, process.output
    return process.output


def run_refused(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Return the message that the command ends with, as a user meets it."""
    monkeypatch.setattr(sys, "argv", ["satiety", *arguments])
    with pytest.raises(SystemExit) as end:
        run()
    assert isinstance(end.value.code, str), "a message exits with code 1"
    return end.value.code


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


class TestCheck:
    def test_the_default_file_is_right(self) -> None:
        assert run_command("check") == "params.yaml is valid (10 sections, problem: classify)\n"

    @pytest.mark.parametrize("folder", sorted(p.parent.name for p in Path("examples").glob("*/params.yaml")))
    def test_every_example_is_right(self, folder: str) -> None:
        assert "is valid (10 sections" in run_command("check", f"examples/{folder}")

    def test_all_errors_come_at_once_with_their_lines(self, params: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        text = params.read_text(encoding="utf-8")
        damaged = text.replace("  budget: 240", "  budget: -3").replace("\nregister:", "\nregistster:")
        damaged = damaged.replace("{kind: csv}", "{kind: cvs}").replace("name: tweets-", "name: /tweets-")
        params.write_text(damaged, encoding="utf-8")
        lines = run_refused(monkeypatch, "check", str(params)).splitlines()
        assert any("unknown section; did you mean 'register'?" in line for line in lines)
        assert any("unknown reader 'cvs'; did you mean 'csv'?" in line for line in lines)
        assert any("ingest.budget" in line and "(got -3)" in line for line in lines)
        assert any("registster.name: must be at most 100 letters" in line for line in lines)
        assert not any("the section is missing" in line for line in lines)
        line = damaged[: damaged.index("registster")].count("\n") + 1
        assert any(f"params.yaml:{line}: registster: " in error for error in lines)

    @pytest.mark.parametrize(
        ("original", "replacement", "message"),
        [
            ("budget: 240", "budget: " + "9" * 5000, r"not YAML: cannot read '9{20}' as int"),
            ("name: tweets-sentiment", "name: 2026-99-99", r"not YAML: cannot read '2026-99-99' as timestamp"),
            ("validate: {}", "validate: " + "[" * 5000 + "]" * 5000, r"nested too deeply"),
            ("validate: {}", "validate: {}  # 退\x07格", r"not YAML: a control character, U\+0007"),
            ("name: tweets-sentiment", 'name: "\\uD800"', r"not YAML: incomplete surrogate pair"),
            (
                "finetune: {}",
                "finetune: {recipe: {head: {l2: [-0.1]}}}",
                r"finetune\.recipe\.head\.l2\.0: .* greater than 0",
            ),
            ("evaluate: {}", f"evaluate: {{seed: {2**32}}}", r"evaluate\.seed: Input should be less than 4294967296"),
            (
                "budget: 240",
                f"limits: {{row_bytes: {10**20}}}\n  budget: 240",
                r"ingest\.limits\.row_bytes: .* 1000000000 ",
            ),
            ("budget: 240", f"budget: {10**12}", r"ingest\.budget: .* less than or equal to 1000000000 "),
            (
                "finetune: {}",
                "finetune: {recipe: {training: {max_grad_norm: .inf}}}",
                r"finetune\.recipe\.training\.max_grad_norm: Input should be a finite number",
            ),
            ("sha256: f610f15e", f"sha256: {'0' * 64}  # ", r"ingest\.labelled\.0\.sha256: .* in quotes"),
            (
                "finetune: {}",
                "finetune: {recipe: {methd: {kind: lora}}}",
                r"finetune\.recipe\.methd: unknown field; did you mean 'method'",
            ),
            (
                "finetune: {}",
                "finetune: {recipe: {training: {epoch: 3}}}",
                r"finetune\.recipe\.training\.epoch: unknown field; did you mean 'epochs'",
            ),
        ],
    )
    def test_invalid_value_is_one_line_of_output(
        self, params: Path, monkeypatch: pytest.MonkeyPatch, original: str, replacement: str, message: str
    ) -> None:
        text = params.read_text(encoding="utf-8")
        line = text[: text.index(original)].count("\n") + 1
        params.write_text(text.replace(original, replacement, 1), encoding="utf-8")
        output = run_refused(monkeypatch, "check", str(params))
        assert len(output.splitlines()) == 1
        assert re.search(rf"params\.yaml:{line}: {message}", output), output

    def test_a_missing_block_of_a_stage_is_named_and_how_to_write_it(
        self, params: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """DVC would say only that parameters are missing."""
        text = params.read_text(encoding="utf-8").replace("\nvalidate: {}", "\n")
        params.write_text(text, encoding="utf-8")
        output = run_refused(monkeypatch, "check", str(params))
        assert output == f"{params}: validate: the section is missing; add `validate: {{}}`, which DVC requires"

    def test_a_block_with_nothing_in_it_is_right(self, params: Path) -> None:
        params.write_text(params.read_text(encoding="utf-8").replace("\nvalidate: {}", "\nvalidate:"), encoding="utf-8")
        assert "is valid (10 sections" in run_command("check", str(params))

    def test_a_missing_file_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "params.yaml: no such file" in run_refused(monkeypatch, "check", str(tmp_path))


class TestListAndExplain:
    def test_every_kind_is_listed_with_a_line_per_name(self) -> None:
        listed = run_command("list")
        for kind in ("section", "augmenter", "method", "pretrainer", "problem", "reader", "retriever"):
            assert f"\n{kind}\n" in f"\n{listed}"
        assert "  bm25 " in listed

    def test_one_kind_is_listed_alone(self) -> None:
        listed = run_command("list", "problem")
        assert "classify" in listed
        assert "bm25" not in listed

    def test_a_component_is_explained_with_bounds_and_an_example(self) -> None:
        output = run_command("explain", "retriever", "bm25")
        assert "documents: int, ≥ 1, ≤ 1000000000; default 2000" in output
        assert "Example:\n  kind: bm25" in output

    def test_a_section_is_explained_down_to_what_its_fields_hold(self) -> None:
        output = run_command("explain", "section", "ingest")
        assert "  budget: int, ≥ 2" in output
        assert "  labelled.uri: str; required" in output
        assert "  corpus: list of Source; default []" in output
        assert "  seed: int, ≥ 0, < 4294967296; default: that of section project" in output
        assert "  base: Asset; required" in run_command("explain", "section", "project")
        assert "  measure: list of str, length ≤ 6; default []" in run_command("explain", "section", "levers")
        assert "self_training" not in run_command("explain", "section", "finetune"), "it belongs to the lever"
        assert "  conflicts: 'drop' | 'majority'" in output

    def test_a_wrong_kind_or_name_is_answered_with_what_there_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "no kind is called 'retreiver'; did you mean 'retriever'?" in run_refused(
            monkeypatch, "list", "retreiver"
        )
        where = run_refused(monkeypatch, "explain", "section", "use")
        assert "use is described with the levers: `satiety explain section levers`" in where
        assert "no retriever is called 'bm52'; did you mean 'bm25'?" in run_refused(
            monkeypatch, "explain", "retriever", "bm52"
        )


class Parrot:
    """A package that records its texts and gives fixed answers."""

    asked: list[list[str]]
    digest = "d" * 64
    threshold: float | None = None

    def __init__(self) -> None:
        self.asked = []
        self.problem: Problem = PROBLEMS["classify"].sample()

    def facts(self) -> Facts:
        return Facts("parrot", "unknown", {}, [], 0, {})

    def predict(self, questions: Sequence[Inputs]) -> list[Prediction]:
        self.asked.append([text_of(inputs) for inputs in questions])
        return [self.answer(text) for text in self.asked[-1]]

    def answer(self, text: str) -> Prediction:
        if self.problem.kind == "ner":
            start = text.find("北京")
            return Prediction(Spans((Span(start, start + 2, "LOC"),) if start >= 0 else ()), confidence=0.75)
        return Prediction(Label("good [b]"), confidence=0.5, scores={"good [b]": 0.5, "bad": 0.5})


class TestPredict:
    @pytest.fixture
    def parrot(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Parrot:
        from satiety import package

        parrot = Parrot()
        monkeypatch.setenv("SATIETY_TRAFFIC", str(tmp_path / "traffic"))
        monkeypatch.setattr(package, "open", lambda *_: parrot)
        return parrot

    def test_texts_are_answered_as_json_lines(self, parrot: Parrot) -> None:
        assert run_command("predict", "fine").startswith(
            '{"text": "fine", "label": "good [b]", "confidence": 0.5, "scores": {"good [b]": 0.5, "bad": 0.5}, "id": "'
        )
        parrot.problem = PROBLEMS["ner"].sample()
        output = '"spans": [{"start": 2, "end": 4, "label": "LOC", "text": "北京"}]'
        assert output in run_command("predict", "我在北京")

    def test_prediction_is_recorded_under_the_printed_id(self, parrot: Parrot, tmp_path: Path) -> None:
        answers = [json.loads(run_command("predict", "fine"))]
        parrot.problem = PROBLEMS["ner"].sample()
        answers.append(json.loads(run_command("predict", "我在北京")))
        rows = {row.id: row for row in Traffic(tmp_path / "traffic").read()}
        assert [rows[answer["id"]].text for answer in answers] == ["fine", "我在北京"]
        assert [load(rows[answer["id"]].answer) for answer in answers] == [
            Label("good [b]"),
            Spans((Span(2, 4, "LOC"),)),
        ]
        assert {row.model for row in rows.values()} == {parrot.digest}

    def test_predictions_are_recorded_in_a_project_only(
        self, parrot: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SATIETY_TRAFFIC")
        monkeypatch.chdir(tmp_path)
        assert "id" not in json.loads(run_command("predict", "fine"))
        assert not list(tmp_path.rglob("*.parquet"))
        (tmp_path / ".dvc").mkdir()
        assert "id" in json.loads(run_command("predict", "fine"))
        assert len(list((tmp_path / ".satiety/traffic").glob("*.parquet"))) == 1

    def test_predictions_are_printed_where_they_cannot_be_recorded(
        self, parrot: Parrot, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "traffic").write_text("a file where the folder should be")
        (tmp_path / "texts.txt").write_text("很好\n" * 600, encoding="utf-8")
        lines = run_command("predict", "--file", str(tmp_path / "texts.txt")).splitlines()
        assert len(lines) == 600
        assert not any("id" in json.loads(line) for line in lines)
        assert [record.message.count("predictions are not recorded") for record in caplog.records] == [1]

    def test_answers_go_into_a_file_where_one_is_named(
        self, parrot: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers_file = tmp_path / "answers.jsonl"
        assert run_command("predict", "fine", "我在北京", "--out", str(answers_file)) == ""
        assert [json.loads(line)["text"] for line in answers_file.read_text("utf-8").splitlines()] == [
            "fine",
            "我在北京",
        ]
        output = run_refused(monkeypatch, "predict", "fine", "--format", "table", "--out", str(answers_file))
        assert output == "predict: --format table cannot be written to --out; leave one of them out"
        for path in (answers_file.parent, Path(os.devnull), Path()):
            output = run_refused(monkeypatch, "predict", "fine", "--out", str(path))
            assert output == f"predict: --out: {path} is a folder or a device; give a file"
        assert answers_file.is_file()

    def test_table_shows_predictions(self, parrot: Parrot) -> None:
        assert "good [b]" in run_command("predict", "--format", "table", "fine")
        parrot.problem = PROBLEMS["ner"].sample()
        table = run_command("predict", "--format", "table", "我在北京", "我在")
        assert "北京 LOC" in table
        assert "none " in table

    def test_a_file_is_answered_in_batches(self, parrot: Parrot, tmp_path: Path) -> None:
        (tmp_path / "texts.txt").write_text("\ufeff" + "很好\n" * 300, encoding="utf-8")
        assert len(run_command("predict", "--file", str(tmp_path / "texts.txt")).splitlines()) == 300
        assert [len(batch) for batch in parrot.asked] == [256, 44]
        assert parrot.asked[0][0] == "很好"

    def test_texts_are_read_from_a_pipe(self, parrot: Parrot) -> None:
        process = CliRunner().invoke(app, ["predict"], input="one\n二\n")
        assert [batch for batch in parrot.asked] == [["one", "二"]]
        assert process.exit_code == 0

    def test_bytes_that_are_no_text_are_named_with_their_line(
        self, parrot: Parrot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        piped = io.TextIOWrapper(io.BytesIO(b"fine\n\xff\xfe\n"), encoding="utf-8", errors="surrogateescape")
        monkeypatch.setattr(sys, "stdin", piped)
        with pytest.raises(DataError, match=r"stdin:2: not UTF-8; convert it to UTF-8"):
            list(read_texts(None, None))

    def test_nothing_to_answer_is_refused(self, parrot: Parrot, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Terminal())
        assert "predict: no texts; pass them as arguments" in run_refused(monkeypatch, "predict")
        assert "give texts or --file, not both" in run_refused(monkeypatch, "predict", "a", "--file", "x")

    def test_a_file_that_cannot_be_read_is_named(
        self, parrot: Parrot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert "nowhere.txt: cannot read: No such file" in run_refused(monkeypatch, "predict", "--file", "nowhere.txt")
        (tmp_path / "gb.txt").write_bytes(b"fine\n" + "很好".encode("gb18030"))
        assert "gb.txt:2: not UTF-8" in run_refused(monkeypatch, "predict", "--file", str(tmp_path / "gb.txt"))

    def test_an_argument_that_is_no_text_is_refused(self, parrot: Parrot, monkeypatch: pytest.MonkeyPatch) -> None:
        output = run_refused(monkeypatch, "predict", "很好", os.fsdecode(b"caf\xe9"))
        assert output == "predict: text 2: not UTF-8; convert it to UTF-8"

    @pytest.mark.parametrize("format", ["jsonl", "table"])
    def test_control_characters_are_escaped(self, parrot: Parrot, format: str) -> None:
        text = run_command("predict", "--format", format, "red \x1b[31m \x9b31m 反\u202e向 👨\u200d👩")
        assert not set(text) & set("\x1b\x9b\u202e")
        assert all(code in text for code in (r"\u001b", r"\u009b", r"反\u202e向", "👨\u200d👩"))
        if format == "jsonl":
            assert json.loads(text)["text"] == "red \x1b[31m \x9b31m 反\u202e向 👨\u200d👩"

    @pytest.mark.parametrize("format", ["jsonl", "table"])
    def test_a_terminal_without_the_character_shows_its_code(
        self, parrot: Parrot, monkeypatch: pytest.MonkeyPatch, format: str
    ) -> None:
        ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, "stdout", ascii_only)
        monkeypatch.setattr(sys, "argv", ["satiety", "predict", "--format", format, "café 中"])
        with pytest.raises(SystemExit):
            run()
        ascii_only.flush()
        text = ascii_only.buffer.getvalue().decode("ascii")
        assert json.loads(text)["text"] == "café 中" if format == "jsonl" else r"\u4e2d" in text

    def test_a_wrong_setting_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SATIETY_DEVICE", "foo")
        assert run_refused(monkeypatch, "predict", "a").startswith(
            "SATIETY_DEVICE: Input should be 'auto', 'cpu' or 'cuda'"
        )

    def test_a_missing_package_is_one_message(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        assert "models/package" in run_refused(monkeypatch, "predict", "a text")
