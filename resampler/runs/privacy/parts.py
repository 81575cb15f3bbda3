"""`Parts`: synthetic rows, the real ones behind them and held-out ones, as tables; classes as attackers see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.dtypes import INTEGER, TEXT, family_of
from resampler.errors import DataError
from resampler.metric import label_key
from resampler.quality.comparison.rows import Roles, Rows
from resampler.quality.privacy.exposure import Exposure, Known, Marks, grain, within
from resampler.quality.privacy.what_if import Making

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_SHOWN = 5


@dataclass(frozen=True)
class Parts:
    """Rows that an audit is of.

    Parameters
    ----------
    synthetic, real, held_out : pyarrow.Table
        What is published, in its order; what it was made from, rows of other classes too; real rows that it was not
        made from.
    label : str
        Column of the class.
    features : tuple of str
        What rows are compared by; empty for all columns that are nothing else.
    drop : tuple of str
        Columns of the synthetic rows that are left out.
    categorical : tuple of str
        Columns of integers that are codes.
    time : str, optional
        Column of the event time.
    marks : tuple of str
        Other columns that tell rows apart, such as join keys.
    precision : mapping of str to float
        By feature, what its values are rounded to, where it is known.
    seed : int, optional
        What an attacker knows that draws were keyed on; None where no one knows.
    method, k_neighbors : str, int
        How the rows were made.
    keyed : bool
        Whether a secret key was mixed in.
    parents : ndarray of shape (n_synthetic, 2), int64, optional
        Identities of the base and the neighbour of each synthetic row; None where they are not known.
    base_rows : ndarray of shape (n_synthetic,), int64, optional
        Which row of `real` each synthetic one was made from, -1 for none of these; None where it is not known.
    notes : tuple of str
        What has to be known to read what comes of it.
    """

    synthetic: pa.Table
    real: pa.Table
    held_out: pa.Table
    label: str
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    time: str | None = None
    marks: tuple[str, ...] = ()
    precision: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    method: str = "smote"
    k_neighbors: int = 5
    keyed: bool = False
    parents: NDArray[np.int64] | None = None
    base_rows: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


class Exposed(NamedTuple):
    """What is audited of parts.

    Parameters
    ----------
    exposures : list of Exposure
        A class each, those that have synthetic rows, in the order of their names.
    making : Making
        How they were made.
    bases : dict of str to ndarray
        By class, which row each synthetic one was made from; empty where it is not known.
    notes : tuple of str
        What has to be known to read what comes of it.
    """

    exposures: list[Exposure]
    making: Making
    bases: dict[str, NDArray[np.int64]]
    notes: tuple[str, ...]


def expose(parts: Parts, only: Sequence[str] = ()) -> Exposed:
    """See the classes of parts as an attacker does.

    Parameters
    ----------
    parts : Parts
        Tables.
    only : sequence of str
        Classes that are attacked, as `str` names them; by default all that have synthetic rows.

    Returns
    -------
    Exposed
        Numbers, a category by one code in all parts.

    Raises
    ------
    DataError
        If there is no synthetic row, a column is missing or cannot be read, or no class has a name that is given.
    """
    if not parts.synthetic.num_rows:
        raise DataError("there are no synthetic rows: nothing can be attacked")
    tables = (parts.synthetic, parts.real, parts.held_out)
    counts = [table.num_rows for table in tables]
    table = _joined(tables, parts)
    roles = Roles(parts.label, features=parts.features, categorical=parts.categorical)
    taken = {parts.time, *parts.marks} - {None, *parts.features}
    rows = Rows.of(table.drop_columns([name for name in taken if name in table.column_names]), roles)
    names = rows.y.astype(np.str_) if rows.y.dtype.kind != "b" else np.where(rows.y, "true", "false")
    cut = np.cumsum(counts)[:-1]
    X, y = np.split(rows.X, cut), np.split(names, cut)
    marks = {name: np.split(_integers(table[name]), cut) for name in (parts.time, *parts.marks) if name is not None}
    there = sorted(set(y[0].tolist()))
    for name in only:
        if name not in there:
            raise DataError(f"--class {name!r} has no synthetic rows: {', '.join(there[:_SHOWN])} have")
    precision = _precision(table, rows, parts, X)
    exposures, bases, missing = [], {}, []
    for name in only or there:
        at = [of == name for of in y]
        if not at[1].any():
            missing.append(name)
            continue
        # Without identities, those that an estimator gives: the places of a class's rows.
        ids = np.arange(np.count_nonzero(at[1])) if parts.parents is None else np.unique(parts.parents[at[0]])
        key = label_key(_plain(rows.y[: counts[0]][at[0]][0]))
        exposures.append(
            Exposure.of(
                *(part[chosen] for part, chosen in zip(X, at, strict=True)),
                name=name,
                categorical=rows.categorical,
                precision=precision,
                marks={
                    mark: Marks(*(part[chosen] for part, chosen in zip(of, at, strict=True)))
                    for mark, of in marks.items()
                },
                time=parts.time,
                known=None if parts.seed is None else Known(parts.seed, key, parts.method, parts.k_neighbors, ids),
                base=None if parts.base_rows is None else within(parts.base_rows[at[0]], at[1]),
                identity=_identities(parts, at[1]),
            )
        )
        if parts.parents is not None:
            bases[name] = parts.parents[at[0], 0]
    if missing and (only or not exposures):
        raise DataError(
            f"class {missing[0]!r} has synthetic rows and no real one here: give the rows that it was made from, or "
            "audit it before real rows are left out"
        )
    notes = [*parts.notes, *rows.notes]
    notes += [f"class {name!r} was left out: it has synthetic rows and no real one here" for name in missing]
    making = Making(X[1], y[1], rows.categorical, parts.method, parts.k_neighbors, parts.seed or 0, keyed=parts.keyed)
    return Exposed(exposures, making, bases, tuple(notes))


def _identities(parts: Parts, chosen: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Return the identities of real rows of a class, -1 of those that no row was made from."""
    if parts.parents is None:
        return np.arange(np.count_nonzero(chosen))
    if parts.base_rows is None:
        return None
    found = np.full(len(chosen), -1)
    there = parts.base_rows >= 0
    found[parts.base_rows[there]] = parts.parents[there, 0]
    return found[chosen]


def _joined(tables: Sequence[pa.Table], parts: Parts) -> pa.Table:
    """Return the tables one behind the other, by the columns that count."""
    wanted = list(parts.features) or [name for name in tables[0].column_names if name not in parts.drop]
    wanted = list(dict.fromkeys([*wanted, parts.label, *parts.marks, *([parts.time] if parts.time else [])]))
    for what, table in zip(("synthetic", "real", "held-out"), tables, strict=True):
        for name in wanted:
            if name not in table.column_names:
                raise DataError(
                    f"the {what} rows have no column {name!r}: they have {', '.join(table.column_names)}; name what is "
                    "compared (--features), or leave it out (--drop)"
                )
    try:
        plain = [_without_dictionaries(table.select(wanted)) for table in tables]
        return pa.concat_tables(plain, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise DataError(f"synthetic, real and held-out rows differ in the type of a column: {error}") from None


def _without_dictionaries(table: pa.Table) -> pa.Table:
    for at, of in enumerate(table.schema):
        if pa.types.is_dictionary(of.type):
            table = table.set_column(at, of.name, table[of.name].cast(of.type.value_type))
    return table


def _integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return values as integers: times in microseconds, others that are no integers by their place among all."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        to = pa.timestamp("us", getattr(kind, "tz", None))
        return np.asarray(pc.fill_null(column.cast(to, safe=False).cast(pa.int64()), -1))
    if family_of(kind) == INTEGER:
        return np.asarray(pc.fill_null(column.cast(pa.int64(), safe=False), -1))
    values = column.cast(pa.string()) if family_of(kind) == TEXT else column
    ordered = pc.unique(values).drop_null()
    ordered = ordered.take(pc.sort_indices(ordered))
    return np.asarray(pc.fill_null(pc.index_in(values, value_set=ordered), -1)).astype(np.int64)


def _precision(table: pa.Table, rows: Rows, parts: Parts, X: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return what values of each column are rounded to, in its own units."""
    found = []
    for j, name in enumerate(rows.names):
        plain = name.partition("[")[0] if name not in table.column_names else name
        if name in parts.precision:
            found.append(parts.precision[name])
        elif rows.categorical[j]:
            found.append(0.0)
        elif plain in table.column_names and family_of(table[plain].type) == INTEGER:
            found.append(0.5)
        else:
            made, real = X[0][:, j], X[1][:, j]
            found.append(grain(real, made))
    return np.array(found)


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
