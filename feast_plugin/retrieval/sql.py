"""SQL entity frames: one query that only reads, in the dialect of the store that runs it."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from resampler.errors import InvalidInputError

# The offline stores that Feast gives SQL to, and what sqlglot calls their dialects.
DIALECTS = {
    "athena": "athena",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse",
    "mssql": "tsql",
    "oracle": "oracle",
    "postgres": "postgres",
    "redshift": "redshift",
    "snowflake.offline": "snowflake",
    "spark": "spark",
    "trino": "trino",
}
_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Set, exp.Use)


def checked_sql(text: str, store_type: str) -> tuple[str, list[str]]:
    """Check a SQL entity frame, and write it anew from what was understood of it.

    Feast pastes the text into its own statements: only what is parsed as one query goes there, without comments.

    Parameters
    ----------
    text : str
        One SELECT, with or without a WITH before it.
    store_type : str
        Of the offline store, as in feature_store.yaml.

    Returns
    -------
    sql : str
        The query.
    names : list of str
        Its columns, in order.

    Raises
    ------
    InvalidInputError
        If the store takes no SQL, or the text is anything but one query that only reads and names its columns.
    """
    dialect = DIALECTS.get(store_type)
    if dialect is None:
        raise InvalidInputError(
            f"the {store_type} offline store takes no SQL entity frame: give a Parquet or CSV file, or a span of time"
        )
    try:
        statements = [statement for statement in sqlglot.parse(text, dialect=dialect) if statement is not None]
    except SqlglotError as error:
        raise InvalidInputError(f"the SQL entity frame cannot be parsed as {dialect}: {error}") from error
    if len(statements) != 1:
        raise InvalidInputError(f"the SQL entity frame must be one query, got {len(statements)} statements")
    (query,) = statements
    if not isinstance(query, exp.Query):
        raise InvalidInputError(f"the SQL entity frame must be a SELECT, got {query.key.upper()}")
    writes = query.find(*_WRITES)
    if writes is not None:
        raise InvalidInputError(f"the SQL entity frame must only read, got {writes.key.upper()}: leave it out")
    names = list(query.named_selects)
    if "*" in names or "" in names:
        raise InvalidInputError("the SQL entity frame must name its columns: write them out in place of *, with AS")
    return query.sql(dialect=dialect, comments=False), names
