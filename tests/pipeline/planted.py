"""Forty secrets (ten, of five kinds, in four forms) and a search for them in a folder."""

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
"""Kind -> the text before the secret, the secret, and the text after it."""


def _keep(text: str) -> str:
    return text


def _write_entities(text: str) -> str:
    """Write every punctuation mark and the middle character as an HTML entity."""
    middle = len(text) // 2
    return "".join(f"&#{ord(c)};" if not c.isalnum() or i == middle else c for i, c in enumerate(text))


def _insert_zero_width(text: str) -> str:
    return f"{text[: len(text) // 2]}\u200b{text[len(text) // 2 :]}" if text else ""


def _widen(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


FORMS: tuple[Callable[[str], str], ...] = (_keep, _write_entities, _insert_zero_width, _widen)


@dataclass(frozen=True)
class Planted:
    """One secret in one form."""

    kind: str
    text: str
    """The secret with its context, as written in a text."""
    core: str
    """The part that must not be found anywhere."""


PLANTED = [
    Planted(kind, form(before) + form(core) + form(after), form(core))
    for kind, secrets in KINDS.items()
    for before, core, after in secrets
    for form in FORMS
]
TEXTS = [secret.text for secret in PLANTED]
GROUPS = [PLANTED[i : i + 8] for i in range(0, len(PLANTED), 8)]
"""Several secrets go into one text, so few texts differ from the others."""
FRAGMENTS = ("zhao.li", "hunter2", "Ab3dEf6hIj9k", "AKIAIOSF", "eyJhbGciOiJIUzI1NiJ9")
"""Parts that occur in no other text: they find a secret that is only half masked."""


def get_needles(extra: Iterable[str] = ()) -> set[str]:
    """Return the strings that must not be found: the secrets in every form, also escaped as JSON, HTML and URL."""
    cores = {*(secret.core for secret in PLANTED), *FRAGMENTS, *extra}
    forms = (str, html.escape, partial(quote, safe=""), lambda core: json.dumps(core)[1:-1])
    return {escape(core) for core in cores for escape in forms}


def find_leaks(root: Path, forbidden: Collection[str], but: Collection[Path] = ()) -> list[str]:
    """Return the files below a folder that contain a forbidden string, except in the folders ``but``."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    searched = [path for path in files if not any(path.is_relative_to(folder) for folder in but)]
    return [
        f"{path}: {needle}"
        for path in searched
        for text in [read_content(path)]
        for needle in forbidden
        if needle in text
    ]


def read_content(path: Path) -> str:
    """Return all text of a file; a Parquet table or SQLite database is unpacked."""
    raw = path.read_bytes()
    text = raw.decode("utf-8", "replace")
    if raw[:4] == b"PAR1":
        return json.dumps(parquet.read_table(path).to_pylist(), ensure_ascii=False, default=str)
    return text + _read_database(path) if raw.startswith(b"SQLite format 3\0") else text


def _read_database(path: Path) -> str:
    """Return the contents of the tables of a database: in the file a long text is split over pages."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
        tables = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'")]
        rows = [row for name in tables for row in store.execute(f'select * from "{name}"')]  # noqa: S608  # its own names
    return "\n".join(str(cell) for row in rows for cell in row)
