"""What a snapshot is asked for, checked as far as it can be without Feast, which takes seconds to import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.split import SplitRule
from feast_plugin.versions.storage import Location, check_name
from resampler.errors import DataError, InvalidInputError
from resampler.metric import check_positive, check_ratio, check_seed

if TYPE_CHECKING:
    from collections.abc import Collection

PLAIN = ("smote", "smotenc")
ADAPTIVE = ("borderline", "adasyn")
SAMPLERS = (*PLAIN, *ADAPTIVE)
CLEANERS = ("tomek", "enn")
RETAINED = {"full": None, "sample": 1_000, "recipe": 0}  # synthetic rows that are stored; None is all
DEFAULT_SPLIT = "time:0.7,0.15,0.15"
FRAMES = (".parquet", ".csv", ".sql")
_SQL = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the training split is augmented.

    Parameters
    ----------
    ratio : float
        Minority : majority afterwards, above 0 and at most 1.
    seed : int
        From 0 to 2**64 - 1; keys every draw.
    k_neighbors : int
        Neighbours of its class that a row may be joined with, 1 or more.
    sampler : str, optional
        One of `SAMPLERS`.
    clean : str, optional
        One of `CLEANERS`.
    undersample : float, optional
        Smallest : larger class before, above 0 and at most 1.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.
    """

    ratio: float = 0.2
    seed: int = 0
    k_neighbors: int = 5
    sampler: str | None = None
    clean: str | None = None
    undersample: float | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_positive("k_neighbors", self.k_neighbors)
        check_ratio("ratio", self.ratio)
        check_choice("sampler", self.sampler, SAMPLERS)
        check_choice("clean", self.clean, CLEANERS)
        if self.undersample is not None:
            check_ratio("undersample", self.undersample)


def check_request(
    *,
    name: str,
    split: str | SplitRule,
    retain: str,
    feature_service: Any,
    features: Any,
    entity_df: Any,
    start_date: str | datetime | None,
    end_date: str | datetime | None,
) -> SplitRule:
    """Check what `feast_plugin.create_snapshot` was asked for beside `Sampling`.

    Parameters
    ----------
    name, split, retain, feature_service, features, entity_df, start_date, end_date
        As in `feast_plugin.create_snapshot`.

    Returns
    -------
    SplitRule
        What `split` says.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule, or two that exclude each other are given.
    DataError
        If `entity_df` names a file on this machine that does not exist.
    """
    check_name(name)
    check_choice("retain", retain, RETAINED)
    if (feature_service is None) == (features is None):
        raise InvalidInputError("give either feature_service or features")
    for reference in features or ():
        view, _, feature = reference.partition(":")
        if not view or not feature:
            raise InvalidInputError(f"feature {reference!r} must be written view:feature")
    if entity_df is None:
        span(start_date, end_date)
    elif start_date is not None or end_date is not None:
        raise InvalidInputError("give either an entity frame or a span of time, not both: filter the frame by time")
    elif isinstance(entity_df, str | Path) and not is_select(entity_df):
        frame_file(entity_df)
    return split if isinstance(split, SplitRule) else SplitRule.parse(split)


def check_choice(name: str, value: object, known: Collection[str]) -> None:
    """Check that a word is one of those that are known.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : object
        What was given; None is no choice and passes.
    known : collection of str
        The words.

    Raises
    ------
    InvalidInputError
        If it is another.
    """
    if value is not None and value not in known:
        raise InvalidInputError(f"{name} must be one of {tuple(known)}, got {value!r}")


def is_select(entity_df: str | Path) -> bool:
    """Tell whether an entity frame is given as SQL.

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
        If its name ends in none of `FRAMES`, or the URI cannot be used.
    DataError
        If it is to be on this machine and does not exist.
    """
    file = Location.parse(entity_df)
    where = str(entity_df) if "://" in str(entity_df) else file.path
    if Path(file.path).suffix not in FRAMES:
        raise InvalidInputError(f"entity frame {where!r} must be a .parquet, .csv or .sql file, or a SELECT")
    if file.is_local and not file.exists():
        raise DataError(f"entity frame {where!r} cannot be read: there is no such file")
    return file


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
