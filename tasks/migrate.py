"""`migrate`, which is no stage: MLflow's runs and registry from one database into another, empty one; all rows or none.

python -m tasks.migrate sqlite:///mlflow.db postgresql+psycopg://satiety@127.0.0.1/mlflow

Nothing may write to either meanwhile. Artifacts stay where they are, for a run keeps the address of its own. See
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
"""Tables in which MLflow itself puts one row when it makes them; the source has that row too."""
VERSION_TABLE = "alembic_version"
"""The table that holds the schema's version: MLflow writes it, and refuses a database of another one."""
BATCH_ROWS = 2000
"""Rows read and written at a time."""
log = logging.getLogger("tasks.migrate")


def migrate(source: str, target: str) -> dict[str, int]:
    """Copy every row; return how many each table has that has any.

    Args:
        source: SQLAlchemy's URL of the database that MLflow used so far.
        target: that of the new one, which may be without tables, and must be without runs, models and experiments.

    Raises:
        SetupError: a database cannot be opened, is of another MLflow version, holds more than MLflow's tables, or is
            not empty; nothing is written then.
    """
    import sqlalchemy as sa

    quieten()
    if sa.make_url(source) == sa.make_url(target):
        raise SetupError(f"{redact_secrets(source)} is both where from and where to; name two databases")
    with _open_engine(source).connect() as origin, _open_engine(target).begin() as destination:
        tables = _reflect_tables(origin, destination, source)
        _clear_defaults(destination, tables, target)
        counts = {table.name: _copy_table(origin, destination, table) for table in tables.sorted_tables}
        if destination.dialect.name == "postgresql":
            _advance_sequences(destination, tables)
    return {name: count for name, count in counts.items() if count}


def _open_engine(url: str) -> Any:
    """Return an engine for a database in which MLflow's tables are; without a pool, so no connection outlives its use.

    Raises:
        SetupError: it cannot be opened.
    """
    import sqlalchemy as sa
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):  # noqa: PTH110  # a URL's
        raise SetupError(f"{url}: no such file")
    try:
        MlflowClient(url, registry_uri=url).search_registered_models()  # makes the tables where there are none
        return sa.create_engine(url, poolclass=sa.NullPool)
    except (MlflowException, sa.exc.SQLAlchemyError, ImportError) as error:
        reason = redact_secrets(str(error).splitlines()[0])
        raise SetupError(
            f"{redact_secrets(url)}: cannot be opened: {reason}; is it of an older MLflow? `mlflow db upgrade`. "
            "Without psycopg2 write postgresql+psycopg://…"
        ) from None


def _reflect_tables(origin: "Connection", destination: "Connection", source: str) -> "MetaData":
    """Return the tables of the new database, which MLflow made; the old one must have no others."""
    import sqlalchemy as sa

    tables = sa.MetaData()
    tables.reflect(destination)
    foreign_tables = sorted(set(sa.inspect(origin).get_table_names()) - set(tables.tables))
    if foreign_tables:
        names = ", ".join(foreign_tables[:5])
        raise SetupError(f"{redact_secrets(source)} holds tables that are not MLflow's: {names}; move them elsewhere")
    tables.remove(tables.tables[VERSION_TABLE])
    return tables


def _clear_defaults(destination: "Connection", tables: "MetaData", target: str) -> None:
    """Delete the rows that MLflow put there when it made the tables; refuse where there are more."""
    import sqlalchemy as sa

    queries = {table.name: sa.select(sa.func.count()).select_from(table) for table in tables.sorted_tables}
    counts = {name: destination.scalar(query) or 0 for name, query in queries.items()}
    leftovers = [f"{name} {count:,}" for name, count in counts.items() if count > (name in SEEDED_TABLES)]
    if leftovers:
        raise SetupError(
            f"{redact_secrets(target)} is not empty ({', '.join(leftovers[:5])}); give a database of its own"
        )
    for table in reversed(tables.sorted_tables):
        destination.execute(table.delete())


def _copy_table(origin: "Connection", destination: "Connection", table: "Table") -> int:
    """Copy one table, streamed; return how many rows were read."""
    import sqlalchemy as sa

    # The old table as its own database describes it: a truth value is a number in one, a boolean in the other.
    origin_table = sa.Table(table.name, sa.MetaData(), autoload_with=origin, resolve_fks=False)
    count = 0
    for rows in origin.execution_options(yield_per=BATCH_ROWS).execute(sa.select(origin_table)).mappings().partitions():
        destination.execute(table.insert(), [dict(row) for row in rows])
        count += len(rows)
    return count


def _advance_sequences(destination: "Connection", tables: "MetaData") -> None:
    """Let PostgreSQL number the next rows after those that came with a number."""
    import sqlalchemy as sa

    keys = [column for table in tables.sorted_tables for column in table.primary_key.columns]
    for column in (key for key in keys if isinstance(key.type, sa.Integer)):
        sequence = destination.scalar(sa.select(sa.func.pg_get_serial_sequence(column.table.name, column.name)))
        highest = destination.scalar(sa.select(sa.func.max(column)))
        if sequence and highest:
            destination.execute(sa.select(sa.func.setval(sequence, highest)))


def cli() -> None:
    """Do what ``python -m tasks.migrate`` does. A user's mistake is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m tasks.migrate", description=__doc__)
    parser.add_argument("source", help="URL of the database that MLflow used so far, as sqlite:///mlflow.db")
    parser.add_argument("target", help="URL of the new one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        counts = migrate(arguments.source, arguments.target)
    except SatietyError as error:
        sys.exit(str(error))
    log.info("%s rows: %s", f"{sum(counts.values()):,}", ", ".join(f"{name} {n:,}" for name, n in counts.items()))


if __name__ == "__main__":
    cli()
