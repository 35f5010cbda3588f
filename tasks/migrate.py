"""Command `migrate`: copy MLflow's runs and registry from one database into an empty one, in one transaction.

python -m tasks.migrate sqlite:///mlflow.db postgresql+psycopg://satiety@127.0.0.1/mlflow

Stop all writers to both databases first. Artifacts are not moved: each run keeps its artifact location. See
docs/postgresql.md.
"""

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from satiety.core.errors import SatietyError, SetupError
from satiety.core.secrets import redact_secrets
from tasks.tracking import quieten

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table

SEEDED_TABLES = frozenset({"experiments", "workspaces"})
"""Tables that MLflow creates with one row; the source contains the same row."""
VERSION_TABLE = "alembic_version"
"""Table with the schema version; it is set by MLflow, which rejects other versions."""
BATCH_ROWS = 2000
"""Rows per batch."""
log = logging.getLogger("tasks.migrate")


def migrate(source: str, target: str) -> dict[str, int]:
    """Copy every row; return the row count of each table that is not empty.

    Args:
        source: SQLAlchemy URL of the current database.
        target: SQLAlchemy URL of the new database: without tables, or with MLflow's tables but no data.

    Raises:
        SetupError: a database cannot be opened or has another MLflow version, the source contains other tables, or
            the target is not empty; nothing is written then.
    """
    import sqlalchemy as sa

    quieten()
    if sa.make_url(source) == sa.make_url(target):
        raise SetupError(f"source and target are the same database, {redact_secrets(source)}; give two different URLs")
    with _open_engine(source).connect() as origin, _open_engine(target).begin() as destination:
        tables = _reflect_tables(origin, destination, source)
        _clear_defaults(destination, tables, target)
        counts = {table.name: _copy_table(origin, destination, table) for table in tables.sorted_tables}
        if destination.dialect.name == "postgresql":
            _advance_sequences(destination, tables)
    return {name: count for name, count in counts.items() if count}


def _open_engine(url: str) -> Any:
    """Return an engine without a connection pool for a database, after MLflow has created its tables.

    Raises:
        SetupError: the database cannot be opened.
    """
    import sqlalchemy as sa
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):  # noqa: PTH110  # a URL's
        raise SetupError(f"{url}: no such file")
    try:
        MlflowClient(url, registry_uri=url).search_registered_models()  # creates missing tables
        return sa.create_engine(url, poolclass=sa.NullPool)
    except (MlflowException, sa.exc.SQLAlchemyError, ImportError) as error:
        reason = redact_secrets(str(error).splitlines()[0])
        raise SetupError(
            f"{redact_secrets(url)}: cannot be opened: {reason}; for a database of an older MLflow run "
            "`mlflow db upgrade`; without psycopg2 use postgresql+psycopg://…"
        ) from None


def _reflect_tables(origin: "Connection", destination: "Connection", source: str) -> "MetaData":
    """Return the tables of the new database; raise if the old one has others."""
    import sqlalchemy as sa

    tables = sa.MetaData()
    tables.reflect(destination)
    foreign_tables = sorted(set(sa.inspect(origin).get_table_names()) - set(tables.tables))
    if foreign_tables:
        names = ", ".join(foreign_tables[:5])
        raise SetupError(f"{redact_secrets(source)} contains tables of other software: {names}; move them")
    tables.remove(tables.tables[VERSION_TABLE])
    return tables


def _clear_defaults(destination: "Connection", tables: "MetaData", target: str) -> None:
    """Delete the rows that MLflow created with the tables; raise if there are others."""
    import sqlalchemy as sa

    queries = {table.name: sa.select(sa.func.count()).select_from(table) for table in tables.sorted_tables}
    counts = {name: destination.scalar(query) or 0 for name, query in queries.items()}
    leftovers = [f"{name} {count:,}" for name, count in counts.items() if count > (name in SEEDED_TABLES)]
    if leftovers:
        raise SetupError(
            f"{redact_secrets(target)} is not empty ({', '.join(leftovers[:5])}); create an empty database"
        )
    for table in reversed(tables.sorted_tables):
        destination.execute(table.delete())


def _copy_table(origin: "Connection", destination: "Connection", table: "Table") -> int:
    """Copy one table in batches; return the number of rows."""
    import sqlalchemy as sa

    # Column types of the old database: SQLite stores booleans as numbers, PostgreSQL does not.
    origin_table = sa.Table(table.name, sa.MetaData(), autoload_with=origin, resolve_fks=False)
    count = 0
    for rows in origin.execution_options(yield_per=BATCH_ROWS).execute(sa.select(origin_table)).mappings().partitions():
        destination.execute(table.insert(), [dict(row) for row in rows])
        count += len(rows)
    return count


def _advance_sequences(destination: "Connection", tables: "MetaData") -> None:
    """Set PostgreSQL's sequences to the highest copied ids."""
    import sqlalchemy as sa

    keys = [column for table in tables.sorted_tables for column in table.primary_key.columns]
    for column in (key for key in keys if isinstance(key.type, sa.Integer)):
        sequence = destination.scalar(sa.select(sa.func.pg_get_serial_sequence(column.table.name, column.name)))
        highest = destination.scalar(sa.select(sa.func.max(column)))
        if sequence and highest:
            destination.execute(sa.select(sa.func.setval(sequence, highest)))


def cli() -> None:
    """Run ``python -m tasks.migrate``; print a user's error as one line without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tasks.migrate", description=__doc__)
    parser.add_argument("source", help="URL of the current MLflow database, such as sqlite:///mlflow.db")
    parser.add_argument("target", help="URL of the new, empty database")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        counts = migrate(arguments.source, arguments.target)
    except SatietyError as error:
        sys.exit(str(error))
    log.info("%s rows: %s", f"{sum(counts.values()):,}", ", ".join(f"{name} {n:,}" for name, n in counts.items()))


if __name__ == "__main__":
    cli()
