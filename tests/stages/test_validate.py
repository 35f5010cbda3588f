"""The stage `validate` on files: faulty rows are quarantined, clean rows are kept, Data Docs need no network."""

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from satiety.core.answers import Label, Span, Spans
from satiety.core.errors import DataError, SetupError
from satiety.core.files import manifest
from satiety.core.records import Document, Example, Rejection, Split, read, write
from satiety.problems.base import PROBLEMS, Problem
from tasks.stage import Report
from tasks.validate import main, run_expectations

PROJECT = Path.cwd()
SUITES = PROJECT / "expectations"
ENGLISH = [f"{a}{b}" for a in ("ban", "cor", "del", "fim", "gul", "hot") for b in ("ade", "ing", "oso", "urn", "ymp")]
CHINESE = list("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈")
CLASSIFY = PROBLEMS["classify"].model_validate({"labels": ["bad", "good"], "names": {}})
NER = PROBLEMS["ner"].model_validate({"labels": ["LOC", "PER"]})
EXPECT = "expect_column_values_to_be_"
Rows = list[Example]


def replace_text(row: Example, text: str) -> Example:
    return replace(row, inputs={"text": text})


def make_texts(count: int, language: str, seed: int = 0) -> list[str]:
    """Return dissimilar texts."""
    draw = random.Random(f"{seed}{language}")
    if language == "zh":
        return ["".join(draw.choices(CHINESE, k=24)) for _ in range(count)]
    return [" ".join(draw.choices(ENGLISH, k=10)) for _ in range(count)]


def make_examples(language: str) -> Rows:
    """Return 60 clean examples: 40 to train, 8 to develop, 12 to test; labels independent of id and order."""
    draw = random.Random(7)
    labels = draw.sample(["good", "bad"] * 30, 60)
    splits: list[Split] = ["train"] * 40 + ["dev"] * 8 + ["test"] * 12
    ids = draw.sample(range(10**8), 60)
    return [
        Example(f"{id_number:x}", {"text": text}, Label(label), split=split, language=language, source=f"a.csv:{line}")
        for line, (id_number, text, label, split) in enumerate(
            zip(ids, make_texts(60, language), labels, splits, strict=True), 2
        )
    ]


def make_entities() -> Rows:
    """Return clean examples with spans, English and Chinese."""
    templates = [
        ("Ann went to Rome with {}", Span(0, 3, "PER"), Span(12, 16, "LOC")),
        ("王明去了北京{}", Span(0, 2, "PER"), Span(4, 6, "LOC")),
    ]
    splits: list[Split] = ["train"] * 12 + ["dev"] * 4 + ["test"] * 6
    rows = []
    for line, split in enumerate(splits):
        text, *spans = templates[line % 2]
        language = "zh" if line % 2 else "en"
        sentence = text.format(make_texts(22, language, seed=3)[line])
        rows.append(Example(f"e{line}", {"text": sentence}, answer=Spans(tuple(spans)), split=split, language=language))
    return rows


def make_documents(language: str) -> list[Document]:
    return [Document(f"d{i}", text, language) for i, text in enumerate(make_texts(30, language, seed=1))]


def run_stage(rows: Rows, corpus: list[Document], problem: Problem = CLASSIFY, suites: Path = SUITES) -> Report:
    """Run the stage in the current folder on the rows."""
    problem.save(Path("problem.json"))
    write(Path("labelled.parquet"), rows, Example)
    write(Path("raw.parquet"), corpus, Document)
    outs = {name: Path(f"out/{name}.parquet") for name in ("train", "dev", "test", "clean_corpus", "quarantine")}
    ins = {"problem": Path("problem.json"), "labelled": Path("labelled.parquet"), "corpus": Path("raw.parquet")}
    return main.run(**ins, **outs, expectations=suites, docs=Path("reports/data_docs"))


@contextmanager
def enter_workspace(folder: Path) -> Iterator[Path]:
    """Enter a folder with params.yaml."""
    shutil.copy(PROJECT / "params.yaml", folder)
    with chdir(folder):
        yield folder


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Report]]:
    """Return a function that runs the stage on the rows in an empty folder."""
    with enter_workspace(tmp_path):
        yield run_stage


def read_rejections(folder: Path = Path()) -> list[Rejection]:
    return list(read(folder / "out/quarantine.parquet", Rejection))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_clean_tables_are_written_complete_and_in_order(run: Callable[..., Report], language: str) -> None:
    rows, corpus = make_examples(language), make_documents(language)
    report = run(rows, corpus).values
    for split in ("train", "dev", "test"):
        assert list(read(Path(f"out/{split}.parquet"), Example)) == [row for row in rows if row.split == split]
    assert list(read(Path("out/clean_corpus.parquet"), Document)) == corpus
    assert (report["in"], report["out"], report["quarantined"], report["warnings"]) == (90, 90, 0, [])
    assert {split: sum(counts.values()) for split, counts in report["splits"].items()} == {
        "train": 40,
        "dev": 8,
        "test": 12,
    }
    assert report["languages"] == {"labelled_classify": {language: 60}, "corpus": {language: 30}}
    saved = json.loads(Path("reports/validate.json").read_text(encoding="utf-8"))
    assert saved == report | {"params": saved["params"]}


def add_mark(text: str) -> str:
    return f"{text} !" if " " in text else f"{text}！"


PLANTED: dict[str, tuple[Callable[[Example, Rows], Example], str]] = {
    "a blank text": (lambda row, _: replace_text(row, "\u3000 "), f"{EXPECT}between(characters)"),
    "an endless text": (lambda row, _: replace_text(row, "天ab " * 9000), f"{EXPECT}between(characters)"),
    "a wrong encoding": (lambda row, _: replace_text(row, "caf\ufffd\ufffd\ufffd"), f"{EXPECT}between(garbage)"),
    "no label": (lambda row, _: replace(row, answer=None), "expect_column_values_to_not_be_null(label)"),
    "a label of no problem": (lambda row, _: replace(row, answer=Label("坏")), f"{EXPECT}in_set(label)"),
    "a test text": (lambda row, rows: replace_text(row, rows[55].text), f"{EXPECT}null(in_held_out)"),
    "a test text in other case": (
        lambda row, rows: replace_text(row, f" {rows[56].text.title()}\n"), f"{EXPECT}null(in_held_out)"),
    "nearly a test text": (
        lambda row, rows: replace_text(row, add_mark(rows[57].text)), f"{EXPECT}null(near_held_out)"),
    "a dev text in full": (
        lambda row, rows: replace_text(row, f"RT @a: {rows[42].text} …"), f"{EXPECT}null(near_held_out)"),
    "the group of a test text": (lambda row, _: replace(row, group="作者"), f"{EXPECT}null(group_across)"),
    "a repeated example": (
        lambda row, rows: replace(row, inputs=rows[20].inputs, answer=rows[20].answer), f"{EXPECT}null(twin_of)"),
    "its own label": (lambda row, _: replace_text(row, f"{row.text} label: {row.answer!s}"),
                      f"{EXPECT}null(label_written)"),
}  # fmt: skip
"""Twelve faults, for the last twelve rows of train, and the expectation that finds each."""
FIRST = 40 - len(PLANTED)
DOCUMENTS = {
    "  ": f"{EXPECT}between(characters)",
    "?! :-) 😂": f"{EXPECT}between(symbols)",
    "\x00\x01\ufffd 好": f"{EXPECT}between(garbage)",
    "TEST": f"{EXPECT}null(in_held_out)",
    "TWIN": f"{EXPECT}null(twin_of)",
}
"""Five faults of documents; TEST stands for a test text, TWIN for another document's."""


@pytest.fixture(scope="module", params=["en", "zh"])
def faulty_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """Run the stage on tables with every fault of a row; return the folder and the examples."""
    rows, corpus = make_examples(request.param), make_documents(request.param)
    rows[55] = replace(rows[55], group="作者")
    for i, (plant, _) in enumerate(PLANTED.values()):
        rows[FIRST + i] = plant(rows[FIRST + i], rows)
    replacements = {"TEST": rows[55].text.upper(), "TWIN": corpus[3].text}
    corpus += [Document(f"x{i}", replacements.get(text, text), request.param) for i, text in enumerate(DOCUMENTS)]
    with enter_workspace(tmp_path_factory.mktemp("planted")) as folder:
        run_stage(rows, corpus)
    return folder, rows


@pytest.mark.parametrize("fault", PLANTED)
def test_a_row_that_fails_an_expectation_is_quarantined_with_its_name(
    faulty_run: tuple[Path, Rows], fault: str
) -> None:
    folder, rows = faulty_run
    bad = rows[FIRST + list(PLANTED).index(fault)]
    (rejection,) = [row for row in read_rejections(folder) if row.id == bad.id]
    assert (rejection.source, rejection.reason, rejection.text) == (bad.source, PLANTED[fault][1], bad.text[:10_000])
    assert bad.id not in {row.id for row in read(folder / "out/train.parquet", Example)}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_a_document_that_fails_an_expectation_is_quarantined_with_its_name(
    faulty_run: tuple[Path, Rows], text: str
) -> None:
    folder, _ = faulty_run
    document_id = f"x{list(DOCUMENTS).index(text)}"
    assert [row.reason for row in read_rejections(folder) if row.id == document_id] == [DOCUMENTS[text]]
    assert document_id not in {row.id for row in read(folder / "out/clean_corpus.parquet", Document)}


def test_every_row_is_kept_or_quarantined_and_counted(faulty_run: tuple[Path, Rows]) -> None:
    folder, rows = faulty_run
    report = json.loads((folder / "reports/validate.json").read_text(encoding="utf-8"))
    kept_rows = [row for split in ("train", "dev", "test") for row in read(folder / f"out/{split}.parquet", Example)]
    assert kept_rows == rows[:FIRST] + rows[40:]
    assert (report["in"], report["out"], report["quarantined"]) == (95, 78, len(PLANTED) + len(DOCUMENTS))
    assert sum(report["reasons"].values()) == report["quarantined"] == len(read_rejections(folder))
    assert report["failed_rows"]["corpus"][f"{EXPECT}between(symbols)"] >= 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_rows_of_a_conflict_are_quarantined(run: Callable[..., Report], language: str) -> None:
    rows = make_examples(language)
    rows[0] = replace(
        rows[0], inputs={"text": rows[1].text.upper()}, answer=Label("good" if str(rows[1].answer) == "bad" else "bad")
    )
    run(rows, make_documents(language))
    assert {(row.id, row.reason, row.twin) for row in read_rejections()} == {
        (rows[0].id, f"{EXPECT}null(conflict_with)", rows[1].id),
        (rows[1].id, f"{EXPECT}null(conflict_with)", rows[0].id),
    }


@pytest.fixture(scope="module", params=["en", "zh"])
def stopped_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the stage on a table with every fault of a table; return the folder and the error message."""
    rows = [
        row
        for row in make_examples(request.param)
        if row.split == "dev" or (row.split == "train" and str(row.answer) == "good")
    ]
    rows = [replace(row, language=("en", "zh", "de", "und")[i % 4]) for i, row in enumerate(rows)]
    rows = [replace_text(row, f"{row.text} {row.answer!s}") for row in rows]
    rows[0] = replace(rows[0], id=rows[1].id)
    blank = next(row for row in make_examples(request.param) if row.split == "test")
    rows.append(replace_text(blank, " "))  # goes to quarantine, so that the test has no row left
    folder = tmp_path_factory.mktemp("broken")
    with enter_workspace(folder), pytest.raises(DataError) as raised:
        run_stage(rows, make_documents(request.param))
    return folder, str(raised.value)


@pytest.mark.parametrize(
    "message",
    [
        r"unique\(id\): observed: 2 of \d+ rows fail; expected: id values must be unique; why: .*\n    \w+: '\w+'",
        r"contain_set\(split\): observed: missing: test; expected: .*train test",
        r"contain_set\(label where split == train\): observed: missing: bad; expected: .*bad good",
        r"max_to_be_between\(label_share\): observed: 1; expected: .* less than or equal to 0\.95",
        r"in_set\(language\): observed: \d+ of \d+ rows fail; expected: .*at least 50 % of the time",
        r"mean_to_be_between\(label_named\): observed: 1; expected: .* less than or equal to 0\.5",
    ],
)
def test_a_table_that_fails_an_expectation_stops_the_pipeline(stopped_run: tuple[Path, str], message: str) -> None:
    assert re.search(rf"(?m)^suite labelled_classify: \S*{message}", stopped_run[1])


@pytest.mark.parametrize(("task", "rows"), [(CLASSIFY, make_examples("zh")), (NER, make_entities())])
def test_a_table_in_which_ingest_drew_no_test_passes(run: Callable[..., Report], task: Problem, rows: Rows) -> None:
    report = run([row for row in rows if row.split == "train"], make_documents("zh"), task).values
    assert report["splits"]["test"] == {}
    assert not any("split == test" in line for line in report["warnings"])


def test_a_stopped_pipeline_writes_only_the_data_docs(stopped_run: tuple[Path, str]) -> None:
    folder, message = stopped_run
    assert message.endswith("No output was written. See the Data Docs for details: reports/data_docs/index.html")
    assert not (folder / "out").exists()
    assert not (folder / "reports/validate.json").exists()
    assert "✗ failed, pipeline stopped" in (folder / "reports/data_docs/labelled_classify.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_warnings_are_reported_and_do_not_stop_the_pipeline(run: Callable[..., Report], language: str) -> None:
    rows = [replace(row, id=f"{row.answer!s}{row.id}") for row in make_examples(language)]
    rows = [replace_text(row, f"{row.text} 甲乙" if str(row.answer) == "good" else row.text) for row in rows]
    rows.sort(key=lambda row: str(row.answer))
    warnings = run(rows, make_documents(language)).values["warnings"]
    assert [re.findall(r"\((\w+)\)", warning)[0] for warning in warnings] == ["id_tells", "order_tells", "trigger"]
    assert "! failed, please check" in Path("reports/data_docs/index.html").read_text(encoding="utf-8")


def test_too_many_rows_in_quarantine_stop_the_pipeline(run: Callable[..., Report]) -> None:
    blank = [Document(f"b{i}", "　", "zh") for i in range(30)]
    message = (
        r"suite corpus: 30 of 60 rows would go to quarantine \(0\.500\); validate\.row_share allows 0\.2.*\n.*char"
    )
    with pytest.raises(DataError, match=message):
        run(make_examples("en"), [*make_documents("en"), *blank])


def test_an_empty_table_is_an_error_and_an_empty_corpus_is_not(run: Callable[..., Report]) -> None:
    with pytest.raises(DataError, match=r"labelled\.parquet: no labelled examples"):
        run([], make_documents("en"))
    assert run(make_examples("zh"), []).values["out"] == 60


def test_clean_entities_are_kept(run: Callable[..., Report]) -> None:
    rows = make_entities()
    report = run(rows, make_documents("zh"), NER).values
    assert list(read(Path("out/train.parquet"), Example)) == rows[:12]
    assert report["splits"] == {split: {"LOC": n, "PER": n} for split, n in [("train", 12), ("dev", 4), ("test", 6)]}


@pytest.mark.parametrize(
    ("spans", "column"),
    [
        ((Span(0, 999, "PER"),), "span_outside"),
        ((Span(0, 2, "PER"), Span(1, 3, "PER")), "span_disorder"),
        ((Span(2, 3, "LOC"),), "span_blank"),
        ((Span(0, 2, "职务"),), "span_unknown"),
        ((Span(4, 6, "LOC"),), "span_cut"),
    ],
)
def test_a_wrong_span_goes_to_quarantine(run: Callable[..., Report], spans: tuple[Span, ...], column: str) -> None:
    bad = Example("x", {"text": "北京 London"}, answer=Spans(spans), language="en")
    run([*make_entities(), bad], make_documents("en"), NER)
    assert [(row.id, row.reason) for row in read_rejections()] == [("x", f"{EXPECT}null({column})")]


def test_training_examples_without_an_entity_stop_the_pipeline(run: Callable[..., Report]) -> None:
    rows = [replace(row, answer=Spans(())) if row.split == "train" else row for row in make_entities()]
    with pytest.raises(
        DataError, match=r"max_to_be_between\(span_count where split == train\): observed: 0; expected: "
    ):
        run(rows, make_documents("zh"), NER)


def test_equal_tables_give_equal_files(run: Callable[..., Report]) -> None:
    def run_and_digest() -> dict[str, str]:
        run([*make_examples("en"), Example("x", {"text": " "}, Label("good"))], make_documents("zh"))
        return manifest(Path("out")) | manifest(Path("reports"))

    assert run_and_digest() == run_and_digest()


class ReferenceCollector(HTMLParser):
    """Collect the references of a page: what it would load or link to."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "iframe", "object", "embed", "img", "link"}
        self.references += [value or "" for name, value in attrs if name in {"src", "href", "action", "srcset", "data"}]


def test_data_docs_open_without_a_network(run: Callable[..., Report], socket_disabled: None) -> None:
    nasty = Document("n", "<script src='https://evil.example/x.js'></script> ?!", "en")
    run(
        [*make_examples("en"), Example("x", {"text": " "}, Label("good"))],
        [*make_documents("zh"), nasty, replace(nasty, id="n2")],
    )
    pages = sorted(Path("reports/data_docs").iterdir())
    assert [page.name for page in pages] == ["corpus.html", "index.html", "labelled_classify.html"]
    for page in pages:
        text, collector = page.read_text(encoding="utf-8"), ReferenceCollector()
        collector.feed(text)
        assert all((page.parent / reference).is_file() for reference in collector.references), page
        assert "url(" not in text
        assert "@import" not in text
    assert "evil.example" in (pages[0].read_text(encoding="utf-8"))


def write_suite(folder: Path, **fields: Any) -> Path:
    """Write a suite of one expectation for each table; return their folder."""
    meta = {"level": "row", "why": "because"}
    expectation = {"type": f"{EXPECT}null", "kwargs": {"column": "parent"}, "meta": meta} | fields
    for name in ("labelled_classify", "corpus"):
        table_expectation = (
            expectation
            if name == "labelled_classify"
            else {"type": f"{EXPECT}unique", "kwargs": {"column": "id"}, "meta": meta}
        )
        (folder / f"{name}.json").write_text(
            json.dumps({"name": name, "expectations": [table_expectation]}), encoding="utf-8"
        )
    return folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "expect_nothing"}, r"expect_nothing\(parent\): unknown expectation in Great Expectations"),
        ({"kwargs": {"column": "parent", "vlaue": 3}}, r"null\(parent\): invalid kwargs: vlaue: extra fields"),
        ({"type": "expect_column_max_to_be_between", "kwargs": {"column": "characters", "max_value": 9}},
         r"characters\): applies to the whole table; set its level to table or report"),
        ({"type": "expect_column_mean_to_be_between", "kwargs": {"column": "text", "max_value": 9},
          "meta": {"level": "table", "why": "x"}}, r"mean_to_be_between\(text\): failed to run: "),
        ({"type": f"{EXPECT}between",
          "kwargs": {"column": "characters", "max_value": {"$PARAMETER": "max_characters *"}}},
         r"between\(characters\): a \$PARAMETER has no value: "),
    ],
)  # fmt: skip
def test_an_invalid_suite_is_one_error(
    run: Callable[..., Report], tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        run(make_examples("en"), make_documents("en"), suites=write_suite(tmp_path, **fields))


def test_an_expectation_may_compute_with_a_parameter(run: Callable[..., Report], tmp_path: Path) -> None:
    kwargs = {"column": "characters", "max_value": {"$PARAMETER": "max_characters / 100"}}
    run(make_examples("zh"), make_documents("zh"), suites=write_suite(tmp_path, type=f"{EXPECT}between", kwargs=kwargs))


def test_an_empty_list_of_expectations_is_no_error() -> None:
    assert run_expectations([], {"text": ["a"]}, {}) == []


def test_without_great_expectations_the_extra_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    with pytest.raises(SetupError, match=r"`validate` needs the extra `pipeline`: pip install 'satiety\[pipeline\]'"):
        run_expectations([], {"text": ["a"]}, {})


def test_a_missing_file_is_one_line_and_exit_code_one(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    paths = [word for path in main.paths for word in (f"--{path.replace('_', '-')}", path)]
    process = subprocess.run(
        [sys.executable, "-m", "tasks.validate", *paths],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert process.stderr == "problem: no such file: run the stage `ingest`, or `dvc repro`\n"
