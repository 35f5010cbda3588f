"""Findings -> Data Docs: plain HTML pages that open without a network, and are the same for the same findings.

Great Expectations' own pages load their style and scripts from six servers, stamp the hour into names, and put values
into HTML as they are. These say the same in its words, run no script, and escape every value: a text is never markup.
"""

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from satiety.validate.screening import RuleFinding, ScreenedTable, Witness

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --warn: #d29922; } }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; max-width: 76rem;
  margin: 0 auto; padding: 1rem 1.5rem 4rem; }
h1 { font-size: 1.5rem; margin: .6rem 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .45rem .6rem;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; } th { font-weight: 600; background: var(--soft); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.rules { table-layout: fixed; } .rules > * > tr > :nth-child(1) { width: 8.5rem; }
.rules > * > tr > :nth-child(3) { width: 20rem; } details table { table-layout: auto; }
code { font: 13px/1.4 ui-monospace, monospace; } .soft { opacity: .7; } small { font-size: 13px; }
.passed { color: var(--good); } .failed { color: var(--bad); } .quarantined, .warned { color: var(--warn); }
details { margin-top: .3rem; } summary { cursor: pointer; }
details td, details th { font-size: 13px; padding: .2rem .5rem; overflow-wrap: break-word; }
"""
_LEVELS = {
    "row": "row: a row that fails goes to quarantine",
    "table": "table: if it fails, the pipeline stops",
    "report": "report: if it fails, somebody should look",
}


def render_pages(screened: Sequence[ScreenedTable[Any]], splits: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Return every page by file name: ``index.html``, and one per suite."""
    suite_pages = {f"{table.suite.name}.html": _render_suite(table) for table in screened}
    return {"index.html": _render_index(screened, splits)} | suite_pages


def _render_index(screened: Sequence[ScreenedTable[Any]], splits: Mapping[str, Mapping[str, int]]) -> str:
    rows = [
        [
            f'<a href="{escape(table.suite.name)}.html">{escape(table.suite.name)}</a>',
            _render_state(*_find_worst(table)),
            f"{table.row_count:,}",
            f"{len(table.clean):,}",
            f"{len(table.rejected):,}",
            f"{sum(finding.passed for finding in table.findings)} of {len(table.findings)}",
        ]
        for table in screened
    ]
    heads = ["Suite", "", "Rows read", "Clean", "To quarantine", "Expectations met"]
    body = ["<h2>Suites</h2>", _render_table(heads, rows, numbers=(2, 3, 4, 5))]
    labels = sorted({label for counts in splits.values() for label in counts})
    if labels:
        counts = [[escape(name), *(f"{splits[name].get(label, 0):,}" for label in labels)] for name in splits]
        numbers = range(1, len(labels) + 1)
        body += [
            "<h2>Clean examples by split and label</h2>",
            _render_table(["Split", *map(escape, labels)], counts, numbers=numbers),
        ]
    return _render_page("Data Docs", "What was expected of the data, and what was found.", body)


def _render_suite(table: ScreenedTable[Any]) -> str:
    summary = f"{table.row_count:,} rows read, {len(table.clean):,} clean, {len(table.rejected):,} to quarantine."
    body = []
    for level, title in _LEVELS.items():
        rows = [_render_finding(finding) for finding in table.findings if finding.rule.level == level]
        if rows:
            body += [f"<h2>{title}</h2>", _render_table(["", "Expectation", "Observed"], rows, kind="rules")]
    return _render_page(table.suite.name, summary, ['<p><a href="index.html">← all suites</a></p>', *body])


def _render_finding(finding: RuleFinding) -> list[str]:
    words = f'{escape(finding.expected)}<br><small class="soft">{escape(finding.rule.rationale)}</small>'
    expectation = (
        f"{words}<br><small><code>{escape(finding.rule.name)}</code></small>{_render_witnesses(finding.witnesses)}"
    )
    return [_render_state(*_classify_finding(finding)), expectation, escape(finding.observed)]


def _render_witnesses(rows: Sequence[Witness]) -> str:
    if not rows:
        return ""
    cells = [[f"<code>{escape(row.id)}</code>", escape(row.value), escape(row.text)] for row in rows]
    return (
        f"<details><summary>{len(rows)} of the rows</summary>{_render_table(['Id', 'Value', 'Text'], cells)}</details>"
    )


def _classify_finding(finding: RuleFinding) -> tuple[str, str]:
    if finding.passed:
        return "passed", "✓ met"
    return {"row": ("quarantined", "→ quarantine"), "table": ("failed", "✗ stops"), "report": ("warned", "! look")}[
        finding.rule.level
    ]


def _find_worst(table: ScreenedTable[Any]) -> tuple[str, str]:
    order = ["failed", "quarantined", "warned", "passed"]
    verdicts = [_classify_finding(finding) for finding in table.findings] or [("passed", "✓ met")]
    return min(verdicts, key=lambda verdict: order.index(verdict[0]))


def _render_state(kind: str, words: str) -> str:
    return f'<b class="{kind}">{words}</b>'


def _render_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int] = (), kind: str = ""
) -> str:
    """Return a table of cells that are HTML already; columns ``numbers`` are set to the right."""

    def render_line(tag: str, cells: Sequence[str]) -> str:
        kinds = [' class="number"' if i in numbers else "" for i in range(len(cells))]
        inner = [f"<{tag}{attribute}>{content}</{tag}>" for attribute, content in zip(kinds, cells, strict=True)]
        return f"<tr>{''.join(inner)}</tr>"

    body = "\n".join(render_line("td", row) for row in rows)
    return f'<table class="{kind}"><thead>{render_line("th", heads)}</thead><tbody>\n{body}\n</tbody></table>'


def _render_page(title: str, lead: str, body: Sequence[str]) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    content = "\n".join(body)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}{policy}<style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1><p>{escape(lead)}</p>\n{content}\n</body></html>\n"
    )
