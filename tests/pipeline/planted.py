"""Forty secrets: ten of five kinds in four forms; and whether any of them is anywhere in a folder."""

from __future__ import annotations

import html
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from pyarrow import parquet

KINDS = {
    "email": [("", "zhao.li@example.com", "")],
    "phone": [("", "13812345678", ""), ("", "212-736-5000", "")],
    "id_card": [("", "11010519491231002X", "")],
    "bank_card": [("", "4111111111111111", "")],
    "secret": [
        ("https://bob:", "hunter2Horse", "@data.example/x.csv"),
        ("", "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8t", ""),
        ("", "ghp_Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb7d", ""),
        ("", "AKIAIOSFODNN7EXAMPLE", ""),
        ("", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9", ""),
    ],
}
"""Kind -> what stands before the secret, the secret, and what stands behind it."""


def _plain(text: str) -> str:
    return text


def _entity(text: str) -> str:
    """Write every sign, and the character in the middle, as an HTML entity."""
    middle = len(text) // 2
    return "".join(f"&#{ord(c)};" if not c.isalnum() or i == middle else c for i, c in enumerate(text))


def _zero_width(text: str) -> str:
    return f"{text[: len(text) // 2]}\u200b{text[len(text) // 2 :]}" if text else ""


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


FORMS: tuple[Callable[[str], str], ...] = (_plain, _entity, _zero_width, _full_width)


@dataclass(frozen=True)
class Planted:
    """One secret in one form."""

    kind: str
    text: str
    """As it stands in a text."""
    core: str
    """Of that, what must not be found anywhere."""


PLANTED = [
    Planted(kind, form(before) + form(core) + form(after), form(core))
    for kind, secrets in KINDS.items()
    for before, core, after in secrets
    for form in FORMS
]
TEXTS = [one.text for one in PLANTED]
GROUPS = [PLANTED[i : i + 8] for i in range(0, len(PLANTED), 8)]
"""Several go into one text, so that few texts are unlike the others."""
FRAGMENTS = ("zhao.li", "hunter2", "Ab3dEf6hIj9k", "AKIAIOSF", "eyJhbGciOiJIUzI1NiJ9")
"""Parts that no text has by chance, should one be masked by half."""


def needles(more: Iterable[str] = ()) -> set[str]:
    """Return all that must not be found: the secrets in every form, as JSON, HTML and URLs write them, too."""
    cores = {*(one.core for one in PLANTED), *FRAGMENTS, *more}
    forms = (str, html.escape, partial(quote, safe=""), lambda core: json.dumps(core)[1:-1])
    return {written(core) for core in cores for written in forms}


def leaks(root: Path, forbidden: Collection[str], but: Collection[Path] = ()) -> list[str]:
    """Return which files below a folder hold what; ``but`` these folders."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    asked = [path for path in files if not any(path.is_relative_to(folder) for folder in but)]
    return [f"{path}: {needle}" for path in asked for text in [content(path)] for needle in forbidden if needle in text]


def content(path: Path) -> str:
    """Return all text that a file holds, that of a Parquet table or a SQLite database unpacked."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", "replace")
    if raw[:4] == b"PAR1":
        return json.dumps(parquet.read_table(path).to_pylist(), ensure_ascii=False, default=str)
    return text + _cells(path) if raw.startswith(b"SQLite format 3\0") else text


def _cells(path: Path) -> str:
    """Return what stands in the tables of a database: a long text is parted among its pages."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
        tables = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'")]
        rows = [row for name in tables for row in store.execute(f'select * from "{name}"')]  # noqa: S608  # its own names
    return "\n".join(str(cell) for row in rows for cell in row)
