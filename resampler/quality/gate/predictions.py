"""`Predictions`: what a model said of rows, read from a file and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.errors import DataError
from resampler.quality.fairness.groups import MOST
from resampler.quality.gate.labels import Labels, check_kinds, kind_of, plain, positive_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from resampler.quality.gate.rules import GateRules
    from resampler.table_file import TableFile

_OTHER_FLAG = "resampler__is_synthetic"  # of versions with full feature names


@dataclass(frozen=True)
class Predictions:
    """Predictions of one class.

    Parameters
    ----------
    where : str
        What messages call the file.
    positive : str, int or bool
        The class.
    y_true, y_pred : ndarray of shape (n_rows,), bool
        Whether a row is of it, and is predicted to be.
    score : ndarray of shape (n_rows,), float64, or None
        Its probability; None where the file has none.
    slices : pyarrow.Table
        Columns whose values make groups, each with a dictionary: rows are sorted and gathered by its short codes.
    keys : pyarrow.Table
        Columns that identify rows; none where the file has none.
    synthetic : ndarray of shape (n_rows,), bool, or None
        What the file says of its rows; None where it says nothing.
    """

    where: str
    positive: Any
    y_true: NDArray[np.bool_]
    y_pred: NDArray[np.bool_]
    score: NDArray[np.float64] | None
    slices: pa.Table
    keys: pa.Table
    synthetic: NDArray[np.bool_] | None

    def __len__(self) -> int:
        return len(self.y_true)

    @classmethod
    def read(
        cls,
        file: TableFile,
        rules: GateRules,
        *,
        keys: Sequence[str] = (),
        slices: Collection[str] = (),
        classes: Collection[str] | None = None,
    ) -> Predictions:
        """Read a file.

        Parameters
        ----------
        file : TableFile
            Opened.
        rules : GateRules
            Say which columns, and which class.
        keys : sequence of str
            Columns that identify rows together, all or none of which the file has.
        slices : collection of str
            Columns of groups.
        classes : collection of str, optional
            All classes that there are, as `str` names them; by default those of the rows.

        Returns
        -------
        Predictions
            Of all rows.

        Raises
        ------
        DataError
            If the file has no rows, lacks a column, or holds what is no class, probability or group.
        """
        have, where = file.schema.names, f"{file.option} {file.where!r}"
        if file.n_rows == 0:
            raise DataError(f"{where} has no rows: nothing can be measured; see what writes it")
        file.check(rules.y_true, "y_true")
        for name in slices:
            file.check(name, f"[gate.slices.{name}]")
        if rules.y_pred not in have and rules.score not in have:
            raise DataError(
                f"{where} has neither {rules.y_pred!r} nor {rules.score!r}, only {', '.join(have)}: add predicted "
                "classes or scores, or name their columns in [gate]"
            )
        flag = next((name for name in (rules.synthetic, _OTHER_FLAG) if name in have), None)
        found_keys = [name for name in keys if name in have]
        wanted = dict.fromkeys([rules.y_true, *slices, *found_keys])
        wanted |= dict.fromkeys(name for name in (rules.y_pred, rules.score, *([flag] if flag else [])) if name in have)
        table = file.read(list(wanted))

        groups = pa.table({name: _groups(table[name], f"{name!r} of {where}") for name in slices})
        truth = Labels.of(table[rules.y_true], f"{rules.y_true!r} of {where}")
        _check_known(truth.classes, classes, f"{rules.y_true!r} of {where}")
        positive = positive_of(truth, rules.positive, f"{rules.y_true!r} of {where}")
        score = _scores(table[rules.score], f"{rules.score!r} of {where}") if rules.score in have else None
        if rules.y_pred in have:
            said = Labels.of(table[rules.y_pred], f"{rules.y_pred!r} of {where}")
            check_kinds(truth, repr(rules.y_true), said, f"{rules.y_pred!r} of {where}")
            _check_known(said.classes, classes or list(map(str, truth.classes)), f"{rules.y_pred!r} of {where}")
            y_pred = _is(said, positive)
        elif score is not None:
            y_pred = score >= rules.threshold
        return cls(
            where=where,
            positive=positive,
            y_true=_is(truth, positive),
            y_pred=y_pred,
            score=score,
            slices=groups,
            keys=_keys(table.select(found_keys), where),
            synthetic=None if flag is None else _flags(table[flag], f"{flag!r} of {where}"),
        )

    @cached_property
    def rows_differ(self) -> bool:
        """Whether keys, of which there are some, tell all rows apart."""
        if self.keys.num_columns == 1:  # in a fifth of the time
            return pc.count_distinct(self.keys[0], mode="all").as_py() == len(self)
        return len(self.keys.group_by(self.keys.column_names).aggregate([])) == len(self)

    def check_rows_differ(self) -> None:
        """Refuse rows that stand twice, as far as keys say.

        Raises
        ------
        DataError
            If two rows have the same.
        """
        if self.rows_differ:
            return
        names = self.keys.column_names
        counts = self.keys.group_by(names).aggregate([([], "count_all")])
        twice = counts.filter(pc.greater(counts["count_all"], 1))
        raise DataError(
            f"{self.where}: {len(self) - len(counts):,} rows repeat another's {', '.join(names)}, such as "
            f"{row_in_words(twice, 0)}: a row counts once, so leave repeats out"
        )

    def by_score(self) -> NDArray[np.int64] | None:
        """Sort the rows.

        Returns
        -------
        ndarray of shape (n_rows,), int64, or None
            Their positions, the greatest score first; None where there are no scores.
        """
        return None if self.score is None else np.argsort(-self.score, kind="stable")

    def taken(self, rows: NDArray[np.int64] | None) -> Predictions:
        """Take rows in an order.

        Parameters
        ----------
        rows : ndarray of int64, or None
            Their positions; None for all of them as they are.

        Returns
        -------
        Predictions
            Without keys and flags, where they are not as they were.
        """
        if rows is None:
            return self
        return replace(
            self,
            y_true=self.y_true[rows],
            y_pred=self.y_pred[rows],
            score=None if self.score is None else self.score[rows],
            slices=self.slices.take(pa.array(rows)),
            keys=self.keys.select([]),
            synthetic=None,
        )


def _is(labels: Labels, positive: Any) -> NDArray[np.bool_]:
    code = labels.classes.index(positive) if positive in labels.classes else -1
    return labels.codes == code


def _check_known(found: Collection[Any], classes: Collection[str] | None, where: str) -> None:
    if classes is None:
        return
    # a version names a boolean class by its number
    unknown = [
        value for value in found if not {str(value), *([str(int(value))] if value in (0, 1) else [])} & {*classes}
    ]
    if unknown:
        raise DataError(
            f"{where} has unknown classes, {shown(unknown)}; known are {shown(sorted(classes))}: see how "
            "classes are written there"
        )


def _scores(column: pa.ChunkedArray, where: str) -> NDArray[np.float64]:
    column = plain(column)
    is_number = (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal)
    if not any(holds(column.type) for holds in is_number):
        raise DataError(f"{where} is of type {column.type}: scores are numbers from 0 to 1")
    score = column.cast(pa.float64(), safe=False).to_numpy()
    wrong = np.flatnonzero(~((score >= 0) & (score <= 1)))
    if len(wrong):
        value = score[wrong[0]]
        if np.isnan(value):
            what, remedy = "NaN or null", "see why the model gives none, and leave out no row that it fails on"
        else:
            what, remedy = f"{value:.6g}", "write probabilities of the class, not margins or logarithms"
        raise DataError(
            f"{where} must lie from 0 to 1; {len(wrong):,} of {len(score):,} do not, the first, in row {wrong[0]:,}, "
            f"is {what}: {remedy}"
        )
    return score


def _flags(column: pa.ChunkedArray, where: str) -> NDArray[np.bool_]:
    labels = Labels.of(column, where)
    if labels.kind == "text" or not set(labels.classes) <= {0, 1}:
        raise DataError(f"{where} must be true or false, got {shown(labels.classes)}")
    return _is(labels, True)


def _keys(table: pa.Table, where: str) -> pa.Table:
    """Write keys so that those of other files can be compared with them: whole numbers, text, or times in UTC."""
    for at, field in enumerate(table.schema):
        column = table[field.name]
        column = plain(column)
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
            column = column.cast(pa.timestamp("us", "UTC"))  # one without a zone is taken as UTC
        elif pa.types.is_integer(column.type) and column.type != pa.uint64():
            column = column.cast(pa.int64())
        elif kind_of(column.type) is None:
            raise DataError(
                f"{field.name!r} of {where} is of type {column.type}: keys are whole numbers, text or times"
            )
        table = table.set_column(at, field.name, column)
    return table


def _groups(column: pa.ChunkedArray, where: str) -> pa.DictionaryArray:
    dtype = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if kind_of(dtype) is None and not pa.types.is_floating(dtype) and not pa.types.is_null(dtype):
        raise DataError(f"{where} is of type {dtype}: groups are told by text, numbers or booleans")
    encoded = plain(column).combine_chunks().dictionary_encode()
    n_groups = len(encoded.dictionary) + (encoded.null_count > 0)
    if n_groups > MOST:
        raise DataError(
            f"{where} has {n_groups:,} values, of at most {MOST:,}: a slice is a column of few values; put numbers in "
            "ranges first"
        )
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(pa.int16()), encoded.dictionary)


def row_in_words(table: pa.Table, row: int) -> str:
    """Name a row by its keys.

    Parameters
    ----------
    table : pyarrow.Table
        Keys, and what else there is.
    row : int
        Which.

    Returns
    -------
    str
        ``id=5, event_timestamp=2024-01-01 00:00:00+00:00``.
    """
    return ", ".join(f"{name}={table[name][row].as_py()}" for name in table.column_names if name != "count_all")
