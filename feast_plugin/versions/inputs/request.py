"""`Request`: which rows a version holds, checked as far as it can be without Feast, which takes seconds to import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyarrow import fs

from resampler.errors import DataError, InvalidInputError
from resampler.options import FLAG, Rule, check_options, option
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAMES = (".parquet", ".csv", ".sql")
_SQL = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def _any(_name: str, value: object) -> object:
    return value


def _check_names(name: str, value: Any) -> tuple[str, ...]:
    names = tuple(word.strip() for word in value.split(",")) if isinstance(value, str) else tuple(value)
    if not names or not all(isinstance(word, str) and word for word in names):
        raise InvalidInputError(f"{name} must be one name or more, got {value!r}")
    if len(set(names)) < len(names):
        raise InvalidInputError(f"{name} must name each column once, got {', '.join(names)}")
    return names


def _check_frame(_name: str, value: Any) -> Any:
    several = isinstance(value, list | tuple)
    if several and not value:
        raise InvalidInputError("entity_df must name one file or more, got an empty list")
    for one in value if several else [value]:
        if several and not (isinstance(one, str | Path) and Path(frame_file(one).path).suffix == ".parquet"):
            raise InvalidInputError(f"entity_df lists {str(one)!r}: a list must be of .parquet files")
        if isinstance(one, str | Path) and not is_select(one):
            frame_file(one)
    return value


def _check_time(name: str, value: Any) -> Any:
    read_time(name, value)
    return value


NAME = Rule(str, _any, "a name")
NAMES = Rule(str, _check_names, "names, separated by commas")
FRAME = Rule(str, _check_frame, "a .parquet, .csv or .sql file, a directory of .parquet files, or a SELECT")
TIME = Rule(str, _check_time, "a time in ISO 8601")
VIEWS = (
    "feature_service",
    "start_date",
    "end_date",
    "full_feature_names",
    "filter_by_created_timestamp",
)  # what a table has none of
TABLE = ("join_keys", "timestamp", "categorical")  # what the views of a feature store say themselves


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # frames have no equality
class Request:
    """Which rows, features and label a version holds.

    Parameters
    ----------
    label, entity_df, feature_service, features, start_date, end_date, filter_by_created_timestamp, \
full_feature_names, join_keys, timestamp, categorical
        As in `feast_plugin.create_snapshot`.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule, or two that exclude each other are given.
    DataError
        If `entity_df` names a file on this machine that does not exist.
    """

    label: str = option(None, NAME, "The class (required): a column of the entity frame, a feature, or view:feature.")
    entity_df: Any = option(
        None, FRAME, "The rows: keys, timestamp and, usually, the label; with --catalog, all columns."
    )
    feature_service: Any = option(None, NAME, "Feature service to retrieve.")
    features: Sequence[str] | None = option(
        None, NAMES, "view:feature, ... instead of a service; with --catalog, columns, by default all others."
    )
    start_date: str | datetime | None = option(
        None, TIME, "Instead of an entity frame: the label's view from this instant on ..."
    )
    end_date: str | datetime | None = option(None, TIME, "... up to this one.")
    filter_by_created_timestamp: bool = option(
        False, FLAG, "Leave out values that were created after the row's time, where a view says when (Feast 0.67)."
    )
    full_feature_names: bool = option(
        False, FLAG, "Name columns view__feature, ours resampler__is_synthetic and resampler__LABEL."
    )
    join_keys: Sequence[str] | None = option(
        None, NAMES, "With --catalog: columns that identify an entity, such as a customer."
    )
    timestamp: str | None = option(None, NAME, "With --catalog: column of the event time, if rows have one.")
    categorical: Sequence[str] | None = option(
        None, NAMES, "With --catalog: integer columns that are codes; text and booleans always are."
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not self.label or not isinstance(self.label, str):
            raise InvalidInputError(f"label must be the name of a column or feature, got {self.label!r}")
        if self.entity_df is not None and (self.start_date is not None or self.end_date is not None):
            raise InvalidInputError("give either an entity frame or a span of time, not both: filter the frame by time")

    def check_views(self) -> None:
        """Check that this can be asked of a feature store.

        Raises
        ------
        InvalidInputError
            Unless there are features, a frame or a span of time, and nothing that the views say themselves.
        """
        for name in TABLE:
            if getattr(self, name) is not None:
                raise InvalidInputError(f"{name} is for a plain catalogue: a repository's views say it themselves")
        if (self.feature_service is None) == (self.features is None):
            raise InvalidInputError("give either feature_service or features")
        for reference in self.features or ():
            view, _, feature = reference.partition(":")
            if not view or not feature:
                raise InvalidInputError(f"feature {reference!r} must be written view:feature")
        if self.entity_df is None:
            span(self.start_date, self.end_date)

    def check_table(self) -> None:
        """Check that this can be asked of a table.

        Raises
        ------
        InvalidInputError
            Unless there are a table and join keys, and nothing that only a feature store has.
        """
        for name in VIEWS:
            if getattr(self, name):
                raise InvalidInputError(
                    f"{name} is for a Feast repository: a plain catalogue's rows come from entity_df"
                )
        if self.entity_df is None:
            raise InvalidInputError("entity_df must give the rows, as a table or the path of a .parquet or .csv file")
        if isinstance(self.entity_df, str | Path) and (
            is_select(self.entity_df) or Path(frame_file(self.entity_df).path).suffix == ".sql"
        ):
            raise InvalidInputError("a plain catalogue runs no SQL: give entity_df as a .parquet or .csv file")
        if not self.join_keys:
            raise InvalidInputError("join_keys must name the columns that identify an entity, such as a customer's id")


def is_select(entity_df: str | Path) -> bool:
    """Say whether an entity frame is given as SQL.

    Parameters
    ----------
    entity_df : str or Path
        SQL, or the path or URI of a file.

    Returns
    -------
    bool
        True for text whose first word is SELECT or WITH.
    """
    return isinstance(entity_df, str) and _SQL.match(entity_df) is not None


def frame_file(entity_df: str | Path) -> Location:
    """Find the file of an entity frame.

    Parameters
    ----------
    entity_df : str or Path
        Path or URI.

    Returns
    -------
    Location
        Of the file.

    Raises
    ------
    InvalidInputError
        If it is no directory and its name ends in none of `FRAMES`, or the URI cannot be used.
    DataError
        If it is to be on this machine and does not exist.
    """
    file = Location.parse(entity_df)
    where = str(entity_df) if "://" in str(entity_df) else file.path
    if is_directory(file):
        return file
    if Path(file.path).suffix not in FRAMES:
        raise InvalidInputError(
            f"entity_df {where!r} must be a .parquet, .csv or .sql file, a directory of .parquet files, or a SELECT"
        )
    if file.is_local and not file.exists():
        raise DataError(f"entity_df {where!r} cannot be read: there is no such file")
    return file


def is_directory(file: Location) -> bool:
    """Say whether an entity frame is a directory of files.

    Parameters
    ----------
    file : Location
        From `frame_file`.

    Returns
    -------
    bool
        Of a file system elsewhere it is asked only where the name has no suffix of a file.
    """
    if not file.is_local and Path(file.path).suffix in FRAMES:
        return False
    return bool(file.filesystem.get_file_info(file.path).type == fs.FileType.Directory)


def span(start_date: str | datetime | None, end_date: str | datetime | None) -> tuple[datetime | None, datetime | None]:
    """Read a span of time.

    Parameters
    ----------
    start_date, end_date : str or datetime, optional
        ISO 8601; UTC where no zone is named.

    Returns
    -------
    tuple of (datetime or None)
        First and last instant, in UTC.

    Raises
    ------
    InvalidInputError
        If neither is given, one is no time, or the first comes after the last.
    """
    if start_date is None and end_date is None:
        raise InvalidInputError(
            "give an entity frame (entity_df), or a span of time (start_date, end_date) of the label's view"
        )
    first, last = _instant("start_date", start_date), _instant("end_date", end_date)
    if first is not None and last is not None and first > last:
        raise InvalidInputError(f"start_date {start_date} must not be after end_date {end_date}")
    return first, last


def _instant(name: str, value: str | datetime | None) -> datetime | None:
    if value is None:
        return None
    instant = read_time(name, value)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def read_time(name: str, value: str | datetime) -> datetime:
    """Read a time.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : str or datetime
        ISO 8601.

    Returns
    -------
    datetime
        Without a zone where `value` names none.

    Raises
    ------
    InvalidInputError
        If it is no time.
    """
    try:
        return value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must be a time in ISO 8601, got {value!r}") from error
