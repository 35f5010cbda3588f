"""Stage `validate`: what breaks an expectation goes to quarantine, or stops the pipeline; the rest is clean.

The only module that knows Great Expectations: it runs the rules of a suite over columns, and says what was found.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, get_args

from satiety.errors import DataError, SetupError
from satiety.files import replacing
from satiety.problems.base import Problem
from satiety.records import Document, Example, Rejected, Split, read, write
from satiety.validate import Validate
from satiety.validate.features import column_names
from satiety.validate.pages import pages
from satiety.validate.screening import SHOWN, Finding, Screened, screen, shorten, stop_if_broken, warnings
from satiety.validate.suites import Rule, read_suite
from satiety.validate.table import Table
from tasks.stage import Made, Report, stage

log = logging.getLogger(__name__)


@stage
def main(
    problem: Path,
    labelled: Path,
    corpus: Path,
    expectations: Path,
    train: Made,
    dev: Made,
    test: Made,
    clean_corpus: Made,
    quarantine: Made,
    docs: Made,
    *,
    params: Validate,
    report: Report,
) -> None:
    """Tell clean rows from the others; stop where a table is not fit to go on."""
    asked = Problem.load(problem)
    examples = list(read(labelled, Example))
    if not examples:
        raise DataError(
            f"{labelled}: no labelled examples; look at the report and the quarantine of the stage `ingest`"
        )
    held_out = [example for example in examples if example.split != "train"]
    documents = list(read(corpus, Document))
    ours = _screen(expectations, asked.suite, Table(Example, examples, asked, params, held_out))
    raw = _screen(expectations, "corpus", Table(Document, documents, asked, params, held_out))
    screened: list[Screened[Any]] = [ours, raw]

    splits = {name: [example for example in ours.clean if example.split == name] for name in get_args(Split)}
    counts = {name: _labels(rows) for name, rows in splits.items()}
    _write_docs(docs, pages(screened, counts))
    report.keep(docs)
    stop_if_broken(screened, params.row_share, str(docs / "index.html"))

    wrote = sum(write(path, splits[name], Example) for name, path in (("train", train), ("dev", dev), ("test", test)))
    wrote += write(clean_corpus, raw.clean, Document)
    quarantined = write(quarantine, [*ours.rejected, *raw.rejected], Rejected)
    report.flow(read=ours.read + raw.read, wrote=wrote, quarantined=quarantined)
    _describe(report, screened, counts, docs)


def _screen(expectations: Path, name: str, table: Table[Any]) -> Screened[Any]:
    suite = read_suite(expectations, name, column_names(table.kind, table.problem), table.parameters())
    return screen(suite, table, check)


def _labels(rows: Iterable[Example]) -> dict[str, int]:
    """Count how often each label is given."""
    return dict(sorted(Counter(label for row in rows if row.answer for label in row.answer.labels).items()))


def _write_docs(folder: Path, content: Mapping[str, str]) -> None:
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name, html in content.items():
            (temporary / name).write_text(html, encoding="utf-8")


def _describe(report: Report, screened: Sequence[Screened[Any]], counts: dict[str, dict[str, int]], docs: Path) -> None:
    failed = {
        one.suite.name: {f.rule.name: f.failed for f in one.findings if f.failed or not f.passed} for one in screened
    }
    reasons = Counter(rejected.reason for one in screened for rejected in one.rejected)
    notes = [line for one in screened for line in warnings(one)]
    for line in notes:
        log.warning("%s", line)
    report.add(
        splits=counts,
        languages={one.suite.name: _languages(one.clean) for one in screened},
        expectations={
            one.suite.name: {"met": sum(f.passed for f in one.findings), "of": len(one.findings)} for one in screened
        },
        failed_rows=failed,
        reasons=dict(reasons.most_common()),
        warnings=notes,
        docs=(docs / "index.html").as_posix(),
    )


def _languages(rows: Sequence[Example] | Sequence[Document]) -> dict[str, int]:
    return dict(Counter(row.language or "unknown" for row in rows).most_common())


def check(rules: Sequence[Rule], columns: Mapping[str, Sequence[Any]], parameters: Mapping[str, Any]) -> list[Finding]:
    """Run rules over the columns of a table with Great Expectations; return a finding per rule, in their order.

    Raises:
        DataError: an expectation does not exist, is not one of rows, has wrong arguments, or cannot be computed.
        SetupError: the extra ``pipeline`` is not installed.
    """
    context = _context()
    import great_expectations as gx
    import pandas as pd
    from great_expectations.exceptions.exceptions import SuiteParameterError

    expectations = [_build(rule, number) for number, rule in enumerate(rules)]
    asset = context.data_sources.add_pandas("satiety").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": pd.DataFrame(dict(columns))})
    suite = gx.ExpectationSuite(name="rules", expectations=expectations)
    try:
        found = batch.validate(
            suite,
            expectation_parameters=dict(parameters),
            result_format={"result_format": "COMPLETE", "partial_unexpected_count": SHOWN},
        )
    except SuiteParameterError as error:
        raise DataError(f"{_names(rules)}: a $PARAMETER cannot be filled in: {error}") from None
    by_number = {result.expectation_config.meta["number"]: result for result in found.results}
    return [_finding(rule, by_number[number]) for number, rule in enumerate(rules)]


def _context() -> Any:
    """Make a context that writes nothing, asks no network, and draws no bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    try:
        import great_expectations as gx
        from great_expectations.data_context.types import base
    except ImportError:
        raise SetupError("the stage `validate` needs the extra `pipeline`: pip install 'satiety[pipeline]'") from None
    config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _build(rule: Rule, number: int) -> Any:
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        built = ExpectationConfiguration(
            type=rule.type, kwargs=dict(rule.kwargs), meta={"number": number}
        ).to_domain_obj()
    except ExpectationNotFoundError:
        raise DataError(f"{rule.name}: Great Expectations has no expectation of this name") from None
    except (ValidationError, TypeError) as error:
        reason = (
            "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors()[:SHOWN])
            if hasattr(error, "errors")
            else error
        )
        raise DataError(f"{rule.name}: its kwargs are wrong: {reason}") from None
    per_row = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    if rule.level == "row" and not isinstance(built, per_row):
        raise DataError(
            f"{rule.name}: is about the table as a whole, so no row can fail it; make its level table or report"
        )
    return built


def _finding(rule: Rule, result: Any) -> Finding:
    """Turn a result of Great Expectations into a finding."""
    _refuse_failure(rule, result.exception_info)
    result.render()
    values = result.result
    rows = tuple(int(i) for i in values.get("unexpected_index_list") or ())
    return Finding(
        rule=rule,
        passed=bool(result.success),
        expected=_words(result.expectation_config.rendered_content, rule),
        observed=_observed(values, passed=bool(result.success)),
        checked=int(values.get("element_count", 0)),
        failed=int(values.get("unexpected_count", 0)),
        rows=rows,
    )


def _refuse_failure(rule: Rule, info: Mapping[str, Any] | None) -> None:
    """Raise where an expectation could not be computed; the information is flat, or lies below a metric's name."""
    for found in [info or {}, *(value for value in (info or {}).values() if isinstance(value, dict))]:
        if found.get("raised_exception"):
            raise DataError(f"{rule.name}: cannot be computed: {found.get('exception_message')}")


def _words(rendered: Any, rule: Rule) -> str:
    """Return Great Expectations' own words for a rule, its parameters filled in."""
    for block in rendered or ():
        value = block.to_json_dict()["value"]
        if value.get("template"):
            filled = {name: shorten(param.get("value")) for name, param in (value.get("params") or {}).items()}
            return " ".join(Template(value["template"]).safe_substitute(filled).split()).rstrip(".")
    return rule.name


def _observed(values: Mapping[str, Any], *, passed: bool) -> str:
    """Say what was found: how many rows failed, which values are missing or too many, or the one value that counts."""
    if "element_count" in values:
        return f"{values['unexpected_count']:,} of {values['element_count']:,} rows fail"
    details = (values.get("details") or {}).get("mismatched") or {}
    parts = {
        "missing": values.get("partial_missing_list") or details.get("missing"),
        "not expected": values.get("partial_unexpected_list") or details.get("unexpected"),
    }
    said = [f"{what}: {', '.join(shorten(value) for value in found)}" for what, found in parts.items() if found]
    observed = values.get("observed_value")
    number = shorten(float(observed)) if isinstance(observed, int | float) else shorten(observed)
    if passed and not isinstance(observed, int | float):
        return "as expected"
    return "; ".join(said) or number


def _names(rules: Sequence[Rule]) -> str:
    return ", ".join(
        rule.name for rule in rules if any(isinstance(v, dict) and "$PARAMETER" in v for v in rule.kwargs.values())
    )


if __name__ == "__main__":
    main.cli()
