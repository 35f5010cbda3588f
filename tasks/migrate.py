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

from satiety.errors import SatietyError, SetupError
from satiety.secrets import without_secrets
from tasks.tracking import QUIET, check_database

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table

SEEDS = frozenset({"experiments", "workspaces"})
"""Tables in which MLflow itself puts one row when it makes them; the source has that row too."""
VERSION = "alembic_version"
"""The table that holds the schema's version: MLflow writes it, and refuses a database of another one."""
ROWS = 2000
"""Rows read and written at a time."""
log = logging.getLogger("tasks.migrate")


def migrate(source: str, target: str) -> dict[str, int]:
    """Copy every row; return how many each table has that has any.

    Args:
        source: SQLAlchemy's URL of the database that MLflow used so far.
        target: that of the new one, which may be without tables, and must be without runs, models and experiments.

    Raises:
        SetupError: a database cannot be opened, is of another MLflow version, holds more than MLflow's tables, is not
            empty, or a count is not the same afterwards; nothing is written then.
    """
    import sqlalchemy as sa

    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if sa.make_url(source) == sa.make_url(target):
        raise SetupError(f"{without_secrets(source)} is both where from and where to; name two databases")
    opened = [_open(url) for url in (source, target)]
    try:
        with opened[0].connect() as old, opened[1].begin() as new:
            tables = _tables(old, new, source)
            _clear(new, tables, target)
            counts = {table.name: _copy(old, new, table) for table in tables.sorted_tables}
            _check(new, tables, counts, target)
            _advance(new, tables)
    finally:
        for engine in opened:
            engine.dispose()
    return {name: count for name, count in counts.items() if count}


def _open(url: str) -> Any:
    """Return an engine for a database in which MLflow's tables are."""
    import sqlalchemy as sa
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    logging.getLogger("alembic").setLevel(logging.WARNING)
    if url.startswith("sqlite:///") and not os.path.exists(url.removeprefix("sqlite:///")):  # noqa: PTH110  # a URL's
        raise SetupError(f"{url}: no such file")
    check_database(url)
    try:
        MlflowClient(url, registry_uri=url).search_registered_models()  # makes the tables where there are none
        return sa.create_engine(url)
    except (MlflowException, sa.exc.SQLAlchemyError) as error:
        reason = without_secrets(str(error).splitlines()[0])
        raise SetupError(
            f"{without_secrets(url)}: cannot be opened: {reason}; is it of an older MLflow? `mlflow db upgrade`"
        ) from None


def _tables(old: "Connection", new: "Connection", source: str) -> "MetaData":
    """Return the tables of the new database, which MLflow made; the old one must have no others."""
    import sqlalchemy as sa

    tables = sa.MetaData()
    tables.reflect(new)
    foreign = sorted(set(sa.inspect(old).get_table_names()) - set(tables.tables))
    if foreign:
        names = ", ".join(foreign[:5])
        raise SetupError(f"{without_secrets(source)} holds tables that are not MLflow's: {names}; move them elsewhere")
    tables.remove(tables.tables[VERSION])
    return tables


def _clear(new: "Connection", tables: "MetaData", target: str) -> None:
    """Take out what MLflow put there when it made the tables; refuse where there is more."""
    counts = {table.name: _count(new, table) for table in tables.sorted_tables}
    more = [f"{name} {count:,}" for name, count in counts.items() if count > (name in SEEDS)]
    if more:
        raise SetupError(f"{without_secrets(target)} is not empty ({', '.join(more[:5])}); give a database of its own")
    for table in reversed(tables.sorted_tables):
        new.execute(table.delete())


def _copy(old: "Connection", new: "Connection", table: "Table") -> int:
    """Copy one table, streamed; return how many rows were read."""
    import sqlalchemy as sa

    # The old table as its own database describes it: a truth value is a number in one, a boolean in the other.
    own = sa.Table(table.name, sa.MetaData(), autoload_with=old, resolve_fks=False)
    count = 0
    for rows in old.execution_options(yield_per=ROWS).execute(sa.select(own)).mappings().partitions():
        new.execute(table.insert(), [dict(row) for row in rows])
        count += len(rows)
    return count


def _check(new: "Connection", tables: "MetaData", counts: dict[str, int], target: str) -> None:
    wrong = [name for name, count in counts.items() if _count(new, tables.tables[name]) != count]
    if wrong:
        raise SetupError(f"{without_secrets(target)}: {', '.join(wrong)}: rows are missing; nothing was written")


def _count(connection: "Connection", table: "Table") -> int:
    import sqlalchemy as sa

    return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _advance(new: "Connection", tables: "MetaData") -> None:
    """Let PostgreSQL number the next rows after those that came with a number."""
    import sqlalchemy as sa

    if new.dialect.name != "postgresql":
        return
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            if isinstance(column.type, sa.Integer):
                sequence = new.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
                highest = new.scalar(sa.select(sa.func.max(column)))
                if sequence and highest:
                    new.execute(sa.select(sa.func.setval(sequence, highest)))


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
