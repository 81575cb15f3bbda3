"""Advice on a version: which of its rows are compared and how, and what is kept of what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from resampler.errors import DataError, InvalidInputError
from resampler.ledger import FOLDER, STOPPED, Ledger, Run, key_of, now
from resampler.quality.comparison.comparison import Advice
from resampler.quality.comparison.printing import headline
from resampler.quality.comparison.rows import Roles, Rows

if TYPE_CHECKING:
    from resampler.quality.comparison.comparison import Comparison
    from resampler.training_set import TrainingSet

STEP = "advise"


# What the ledger calls it: a remedy passes; to leave rows as they are is a no.
OUTCOMES = {"remedy": "pass", "threshold": "no", "nothing": "no", "unknown": "unknown"}


def rows_of(
    version: TrainingSet, *, drop: tuple[str, ...] = (), group: str | None = None, time: str | None = None
) -> tuple[Rows, tuple[str, ...]]:
    """Read the real training rows of a version, split as it was: by time, or so that no entity is on both sides.

    Parameters
    ----------
    version : TrainingSet
        A published version.
    drop : tuple of str
        Features that are left out.
    group, time : str, optional
        A column in place of the version's own rule.

    Returns
    -------
    rows : Rows
        Of its training split; none is synthetic.
    notes : tuple of str
        How they are split, and what a reader should know.

    Raises
    ------
    InvalidInputError
        If no feature is left.
    DataError
        If a column is not the version's, or it does not store its training split, or its rows cannot be compared.
    """
    if version.parameters.get("release"):
        raise DataError(
            f"{version} is a release without the real rows of its rarer classes, on which remedies are compared: ask "
            "for advice on the version that you keep"
        )
    table = version.real_training_rows()
    rule, _, column = str(version.parameters.get("split", "")).partition(":")
    notes = []
    if group is None and time is None:
        if rule == "time" and version.timestamp is not None:
            time = version.timestamp
            notes.append(f"What is tested comes later than what was learned from: {version} was split by time.")
        else:
            group = column.partition(":")[0] if rule == "group" else None
            group = group if group in table.column_names else None
            group = group or next(
                (key for key in version.keys if pc.count_distinct(table[key]).as_py() < table.num_rows), None
            )
            if group is not None:
                notes.append(f"Rows of one {group} are never learned from and tested at once.")
    if version.parameters.get("undersample") is not None:
        notes.append(
            f"{version} was undersampled: its real rows do not have the prior of the rows it was made of, so precision "
            "and calibration are those of its own mix."
        )
    features = tuple(name for name in version.features if name not in (*drop, group))
    if not features:
        raise InvalidInputError(f"--drop leaves {version} without a feature: it has {', '.join(version.features)}")
    roles = Roles(
        version.label,
        features=features,
        drop=drop,
        categorical=tuple(f.name for f in version.schema.features if f.categorical and f.name in version.features),
        group=group,
        time=time,
    )
    return Rows.of(table, roles), tuple(notes)


def keep(version: TrainingSet, found: Comparison, seconds: float, spending: dict[str, Any] | None = None) -> Run:
    """Record advice with the version that it is on.

    Parameters
    ----------
    version : TrainingSet
        Which.
    found : Comparison
        What came of it.
    seconds : float
        How long it took.
    spending : dict, optional
        Its ``cost`` and, where its budget ended it, ``stopped`` and ``resume``.

    Returns
    -------
    Run
        As it stands in the ledger: means, intervals and names of columns, and nothing of single rows or parts. Pages
        need no more; the values of parts are in the cache, from which `--json` takes them when asked again.
    """
    run = Run(
        STEP,
        STOPPED if "stopped" in (spending or {}) else OUTCOMES[found.recommendation.verdict],
        key_of(step=STEP, version=version.digest, asked=found.asked.key),
        str(version),
        now(),
        round(seconds, 3),
        {"digest": version.digest} | found.to_dict(by_part=False) | (spending or {}),
    )
    Ledger(version.home / FOLDER).append(run)
    return run


def in_words(run: Run) -> str:
    """Say what was advised, and when.

    Parameters
    ----------
    run : Run
        Of the ledger.

    Returns
    -------
    str
        A line.
    """
    try:
        said = headline(Advice(**run.details["advice"][0]))
    except (KeyError, IndexError, TypeError):  # of a release that wrote it otherwise
        said = run.outcome
    return f"{said.rstrip('.')} ({run.at[:10]})"
