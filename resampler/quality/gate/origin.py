"""Where predicted rows come from: none may be synthetic, and none one that the model learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from resampler.errors import DataError
from resampler.quality.gate.predictions import row_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.quality.gate.predictions import Predictions


def check_flags(predictions: Predictions) -> None:
    """Refuse predictions of rows that their file says are synthetic.

    Parameters
    ----------
    predictions : Predictions
        Of rows that a figure is to be taken of.

    Raises
    ------
    DataError
        If there is one.
    """
    if predictions.synthetic is not None and predictions.synthetic.any():
        _refuse_synthetic(predictions, predictions.synthetic, "their file says so")


def check_learned(predictions: Predictions, train: pa.Table, synthetic: str, version: str) -> None:
    """Refuse predictions for a training figure of rows that a version does not train on.

    Parameters
    ----------
    predictions : Predictions
        With the columns of keys, and the event time where rows have one.
    train, synthetic, version
        As in `check_origin`.

    Raises
    ------
    DataError
        If there is such a row.
    """
    telling = [name for name in train.column_names if name != synthetic]
    if set(telling) <= set(predictions.keys.column_names):
        strange = ~found_in(predictions, train, telling)
        if strange.any():
            first = row_in_words(predictions.keys, int(np.flatnonzero(strange)[0]))
            raise DataError(
                f"{predictions.where}: {strange.sum():,} of {len(predictions):,} rows are no training rows of "
                f"{version}, the first {first}: give predictions of its training split"
            )


def check_origin(predictions: Predictions, train: pa.Table, synthetic: str, keys: Sequence[str], version: str) -> None:
    """Refuse predictions of rows that a version made, or that a model learned from.

    Parameters
    ----------
    predictions : Predictions
        With the columns of keys.
    train : pyarrow.Table
        Keys, event time if there is one, and kind of the version's training rows.
    synthetic : str
        Column of the kind.
    keys : sequence of str
        Join keys: those of a synthetic row are its own. A real row is told by its event time too, where there is one.
    version : str
        What messages call it.

    Raises
    ------
    DataError
        If there is such a row, or keys are of another type.
    """
    is_synthetic = train[synthetic].to_numpy()
    made = found_in(predictions, train.filter(pa.array(is_synthetic)), keys)
    if made.any():
        _refuse_synthetic(predictions, made, f"{version} made them")
    telling = [name for name in train.column_names if name != synthetic]
    if set(telling) <= set(predictions.keys.column_names):
        learned = found_in(predictions, train.filter(pa.array(~is_synthetic)), telling)
        if learned.any():
            first = row_in_words(predictions.keys, int(np.flatnonzero(learned)[0]))
            raise DataError(
                f"{predictions.where}: {learned.sum():,} of {len(predictions):,} rows are training rows of {version}, "
                f"the first {first}: measure rows that the model has not seen, or give these as --train"
            )


def found_in(predictions: Predictions, rows: pa.Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """Say which predictions are of rows of a table.

    Parameters
    ----------
    predictions : Predictions
        With the columns `names`.
    rows : pyarrow.Table
        With them too.
    names : sequence of str
        Columns that identify a row.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        Whether each is.

    Raises
    ------
    DataError
        If a column of the one cannot be compared with that of the other.
    """
    ours, theirs = predictions.keys.select(list(names)), rows.select(list(names))
    for one, other in zip(ours.schema, theirs.schema, strict=True):
        if one.type != other.type and not (pa.types.is_integer(one.type) and pa.types.is_integer(other.type)):
            raise DataError(
                f"{one.name!r} of {predictions.where} is of type {one.type} and the snapshot's of {other.type}: write "
                "keys as the snapshot has them"
            )
    try:
        theirs = theirs.cast(ours.schema)
    except pa.ArrowInvalid:  # the one has integers that the other cannot hold, so they are not all alike
        theirs, ours = theirs.cast(_in_text(theirs.schema)), ours.cast(_in_text(ours.schema))
    joined = ours.append_column("at", pa.array(np.arange(len(ours)))).join(
        theirs, keys=list(names), join_type="left semi"
    )
    found = np.zeros(len(ours), dtype=np.bool_)
    found[joined["at"].to_numpy()] = True
    return found


def _in_text(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(one.name, pa.string() if pa.types.is_integer(one.type) else one.type) for one in schema])


def _refuse_synthetic(predictions: Predictions, made: NDArray[np.bool_], why: str) -> None:
    first = int(np.flatnonzero(made)[0])
    named = row_in_words(predictions.keys, first) if predictions.keys.num_columns else f"row {first:,}"
    raise DataError(
        f"{predictions.where}: {made.sum():,} of {len(predictions):,} rows are synthetic ({why}), the first {named}: a "
        "figure of synthetic rows says nothing of a model; predict real rows of validation or test"
    )
