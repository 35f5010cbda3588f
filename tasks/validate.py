"""Stage `validate`: examples and corpus -> clean splits; rows that violate an expectation go to quarantine.

A violated table expectation stops the pipeline. This is the only module that imports Great Expectations.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, get_args

from satiety.core.errors import DataError, SetupError
from satiety.core.files import write_atomically
from satiety.core.records import Document, Example, Rejection, Split, read, write
from satiety.problems.base import Problem
from satiety.validate import Validate
from satiety.validate.features import column_names
from satiety.validate.pages import render_pages
from satiety.validate.screening import (
    MAX_WITNESSES,
    RuleFinding,
    ScreenedTable,
    list_warnings,
    screen,
    shorten,
    stop_if_broken,
)
from satiety.validate.suites import Rule, read_suite
from satiety.validate.table import Table
from tasks.stage import OutputPath, Report, stage

log = logging.getLogger(__name__)


@stage
def main(
    problem: Path,
    labelled: Path,
    corpus: Path,
    expectations: Path,
    train: OutputPath,
    dev: OutputPath,
    test: OutputPath,
    clean_corpus: OutputPath,
    quarantine: OutputPath,
    docs: OutputPath,
    *,
    params: Validate,
    report: Report,
) -> None:
    """Quarantine invalid rows and write the clean splits; raise if a table violates an expectation."""
    task = Problem.load(problem)
    examples = list(read(labelled, Example))
    if not examples:
        raise DataError(f"{labelled}: no labelled examples; check the report and the quarantine of stage `ingest`")
    held_out = [example for example in examples if example.split != "train"]
    documents = list(read(corpus, Document))
    screened_examples = _screen_table(expectations, task.suite, Table(Example, examples, task, params, held_out))
    screened_documents = _screen_table(expectations, "corpus", Table(Document, documents, task, params, held_out))
    screened: list[ScreenedTable[Any]] = [screened_examples, screened_documents]

    splits = {
        name: [example for example in screened_examples.clean if example.split == name] for name in get_args(Split)
    }
    counts = {name: _count_labels(rows) for name, rows in splits.items()}
    _write_docs(docs, render_pages(screened, counts))
    report.log_artifact(docs)
    stop_if_broken(screened, params.row_share, str(docs / "index.html"))

    row_count = sum(
        write(path, splits[name], Example) for name, path in (("train", train), ("dev", dev), ("test", test))
    )
    row_count += write(clean_corpus, screened_documents.clean, Document)
    quarantined = write(quarantine, [*screened_examples.rejected, *screened_documents.rejected], Rejection)
    report.add_counts(
        records_in=screened_examples.row_count + screened_documents.row_count,
        records_out=row_count,
        quarantined=quarantined,
    )
    _report_counts(report, screened, counts, docs)


def _screen_table(expectations: Path, name: str, table: Table[Any]) -> ScreenedTable[Any]:
    suite = read_suite(expectations, name, column_names(table.kind, table.problem), table.parameters())
    return screen(suite, table, run_expectations)


def _count_labels(rows: Iterable[Example]) -> dict[str, int]:
    """Count the rows with each label."""
    return dict(sorted(Counter(label for row in rows if row.answer for label in row.answer.labels).items()))


def _write_docs(folder: Path, content: Mapping[str, str]) -> None:
    with write_atomically(folder) as temporary:
        temporary.mkdir()
        for name, html in content.items():
            (temporary / name).write_text(html, encoding="utf-8")


def _report_counts(
    report: Report, screened: Sequence[ScreenedTable[Any]], counts: dict[str, dict[str, int]], docs: Path
) -> None:
    failed = {
        table.suite.name: {f.rule.name: f.failed for f in table.findings if f.failed or not f.passed}
        for table in screened
    }
    reasons = Counter(rejected.reason for table in screened for rejected in table.rejected)
    notes = [line for table in screened for line in list_warnings(table)]
    for line in notes:
        log.warning("%s", line)
    report.add(
        splits=counts,
        languages={table.suite.name: _count_languages(table.clean) for table in screened},
        expectations={
            table.suite.name: {"met": sum(f.passed for f in table.findings), "of": len(table.findings)}
            for table in screened
        },
        failed_rows=failed,
        reasons=dict(reasons.most_common()),
        warnings=notes,
        docs=(docs / "index.html").as_posix(),
    )


def _count_languages(rows: Sequence[Example] | Sequence[Document]) -> dict[str, int]:
    return dict(Counter(row.language or "unknown" for row in rows).most_common())


def run_expectations(
    rules: Sequence[Rule], columns: Mapping[str, Sequence[Any]], parameters: Mapping[str, Any]
) -> list[RuleFinding]:
    """Validate the columns of a table with Great Expectations; return one finding per rule, in order.

    Raises:
        DataError: an expectation does not exist, has wrong arguments, does not apply to rows, or failed to run.
        SetupError: the extra ``pipeline`` is not installed.
    """
    context = _make_context()
    import great_expectations as gx
    import pandas as pd
    from great_expectations.exceptions.exceptions import SuiteParameterError

    expectations = [_build_expectation(rule, number) for number, rule in enumerate(rules)]
    asset = context.data_sources.add_pandas("satiety").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": pd.DataFrame(dict(columns))})
    suite = gx.ExpectationSuite(name="rules", expectations=expectations)
    try:
        validation = batch.validate(
            suite,
            expectation_parameters=dict(parameters),
            result_format={"result_format": "COMPLETE", "partial_unexpected_count": MAX_WITNESSES},
        )
    except SuiteParameterError as error:
        has_parameter = [any(isinstance(v, dict) and "$PARAMETER" in v for v in rule.kwargs.values()) for rule in rules]
        names = ", ".join(rule.name for rule, uses in zip(rules, has_parameter, strict=True) if uses)
        raise DataError(f"{names}: a $PARAMETER has no value: {error}") from None
    by_number = {
        validation_result.expectation_config.meta["number"]: validation_result
        for validation_result in validation.results
    }
    return [_build_finding(rule, by_number[number]) for number, rule in enumerate(rules)]


def _make_context() -> Any:
    """Create an in-memory context without analytics or progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    try:
        import great_expectations as gx
        from great_expectations.data_context.types import base
    except ImportError:
        raise SetupError("stage `validate` needs the extra `pipeline`: pip install 'satiety[pipeline]'") from None
    config = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _build_expectation(rule: Rule, number: int) -> Any:
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        built = ExpectationConfiguration(
            type=rule.type, kwargs=dict(rule.kwargs), meta={"number": number}
        ).to_domain_obj()
    except ExpectationNotFoundError:
        raise DataError(f"{rule.name}: unknown expectation in Great Expectations") from None
    except (ValidationError, TypeError) as error:
        reason = (
            "; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors()[:MAX_WITNESSES])
            if hasattr(error, "errors")
            else error
        )
        raise DataError(f"{rule.name}: invalid kwargs: {reason}") from None
    per_row = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    if rule.level == "row" and not isinstance(built, per_row):
        raise DataError(f"{rule.name}: applies to the whole table; set its level to table or report")
    return built


def _build_finding(rule: Rule, validation_result: Any) -> RuleFinding:
    """Convert a result of Great Expectations to a finding; raise if the expectation failed to run."""
    info = validation_result.exception_info or {}
    for details in [info, *(value for value in info.values() if isinstance(value, dict))]:  # flat, or below a metric
        if details.get("raised_exception"):
            raise DataError(f"{rule.name}: failed to run: {details.get('exception_message')}")
    validation_result.render()
    values = validation_result.result
    rows = tuple(int(i) for i in values.get("unexpected_index_list") or ())
    return RuleFinding(
        rule=rule,
        passed=bool(validation_result.success),
        expected=_render_expectation(validation_result.expectation_config.rendered_content, rule),
        observed=_describe_observed(values, passed=bool(validation_result.success)),
        checked=int(values.get("element_count", 0)),
        failed=int(values.get("unexpected_count", 0)),
        rows=rows,
    )


def _render_expectation(rendered: Any, rule: Rule) -> str:
    """Return Great Expectations' description of a rule with its parameters, or the rule's name."""
    for block in rendered or ():
        value = block.to_json_dict()["value"]
        if value.get("template"):
            filled = {name: shorten(param.get("value")) for name, param in (value.get("params") or {}).items()}
            return " ".join(Template(value["template"]).safe_substitute(filled).split()).rstrip(".")
    return rule.name


def _describe_observed(values: Mapping[str, Any], *, passed: bool) -> str:
    """Describe the observation: the number of failed rows, missing or unexpected values, or the observed value."""
    if "element_count" in values:
        return f"{values['unexpected_count']:,} of {values['element_count']:,} rows fail"
    details = (values.get("details") or {}).get("mismatched") or {}
    parts = {
        "missing": values.get("partial_missing_list") or details.get("missing"),
        "not expected": values.get("partial_unexpected_list") or details.get("unexpected"),
    }
    sentences = [
        f"{label}: {', '.join(shorten(value) for value in entries)}" for label, entries in parts.items() if entries
    ]
    observed = values.get("observed_value")
    number = shorten(float(observed)) if isinstance(observed, int | float) else shorten(observed)
    if passed and not isinstance(observed, int | float):
        return "as expected"
    return "; ".join(sentences) or number


if __name__ == "__main__":
    main.cli()
