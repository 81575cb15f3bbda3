"""How many rows of each class there are, and what range whole numbers have: the first pass, over few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from resampler.engines.task import Task
from resampler.errors import DataError
from resampler.partitioned.layout import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.inputs import Source, Unit


def survey(
    workplace: Workplace, source: Source, label: str, counted: Sequence[str]
) -> tuple[dict[Any, int], dict[str, list[Any]]]:
    """Look at labels and whole numbers.

    Parameters
    ----------
    workplace : Workplace
        Whose engine does it.
    source : Source
        All rows.
    label : str
        The column of classes.
    counted : sequence of str
        Columns of whole numbers or booleans.

    Returns
    -------
    counts : dict
        Rows of each class, by its label, in the order of labels.
    ranges : dict of str to list
        Least, most and nulls of each column that was looked at; None where it has no value.

    Raises
    ------
    DataError
        If a row has no class.
    """
    shared = {"label": label, "counted": list(counted)}
    memory = source.reading_bytes([label, *counted])
    tasks = [Task(f"survey/{at:05}", look, shared | {"unit": unit}, memory) for at, unit in enumerate(source.units)]
    found = workplace.run(tasks, "counting")
    counts: dict[Any, int] = {}
    ranges: dict[str, list[Any]] = {name: [None, None, 0] for name in counted}
    for one in found:
        for value, n in one.data["counts"]:
            if value is None or value != value:
                raise DataError(f"{label} must say the class of every row, got {n} rows without one: drop them")
            counts[value] = counts.get(value, 0) + n
        for name, (low, high, nulls) in one.data["ranges"].items():
            known = ranges[name]
            ranges[name] = [_of(min, known[0], low), _of(max, known[1], high), known[2] + nulls]
    return dict(sorted(counts.items())), ranges


def _of(choose: Any, one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else choose(one, other)


def look(output: Output, unit: Unit, label: str, counted: list[str]) -> dict[str, Any]:  # noqa: ARG001 - no files
    """Count the classes of some rows; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    unit : Unit
        The rows.
    label, counted
        As in `survey`.

    Returns
    -------
    dict
        Keys counts and ranges.
    """
    counts: dict[Any, int] = {}
    ranges: dict[str, list[Any]] = {name: [None, None, 0] for name in counted}
    for batch in unit.batches([label, *counted]):
        for one in pc.value_counts(plain(batch.column(label))):
            value = one["values"].as_py()
            counts[value] = counts.get(value, 0) + one["counts"].as_py()
        for name in counted:
            column = batch.column(name)
            column = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
            found = pc.min_max(column).as_py()
            known = ranges[name]
            ranges[name] = [
                _of(min, known[0], found["min"]),
                _of(max, known[1], found["max"]),
                known[2] + column.null_count,
            ]
    return {"counts": list(counts.items()), "ranges": ranges}
