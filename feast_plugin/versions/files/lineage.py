"""The parents of each synthetic row, kept apart from the rows: they are as sensitive as the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance

FILE = "lineage.parquet"
PARENTS = [
    ("row", pa.int64()),  # of the synthetic row in the train file
    ("base_row", pa.int64()),  # of its parents there
    ("neighbor_row", pa.int64()),
    ("base_id", pa.int64()),  # their identities, which outlive this version
    ("neighbor_id", pa.int64()),
    ("step", pa.float32()),
]
DRAWS = [
    ("draw", pa.int64())
]  # number of the draw that `base_id` and the seed key, where a place draws more than a step


def lineage_schema(made: Provenance, manifest_format: int) -> pa.Schema:
    """Return the columns of the lineage.

    Parameters
    ----------
    made : Provenance
        Of the synthetic rows.
    manifest_format : int
        Of the version; before 3 the lineage had no donors.

    Returns
    -------
    pyarrow.Schema
        What makes a row again: parents and step; the draw where the method's place needs it; and whose categories it
        has, where there are such. Of hardened rows nothing but which they are.
    """
    if made.groups is not None:  # who knows which rows share a group has its mean; under the key they come out again
        return pa.schema(PARENTS[:1])
    columns = list(PARENTS) if made.draws is None else [*PARENTS, *DRAWS]
    n_categorical = made.donor.shape[1]
    if n_categorical and manifest_format >= 3:
        columns.append(("donor_rows", pa.list_(pa.int64(), n_categorical)))  # in the order of the features
    return pa.schema(columns)


def lineage_tables(
    made: Provenance, train: NDArray[np.bool_], row_id: NDArray[np.int64], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Write parents as positions in the train file and as row ids.

    Parameters
    ----------
    made : Provenance
        Positions in the canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split of the canonical table.
    row_id : ndarray of shape (n_rows,), int64
        Identities.
    schema : pyarrow.Schema
        From `lineage_schema`.

    Yields
    ------
    pyarrow.Table
        A row a synthetic row, in their order, `BATCH_ROWS` at a time.
    """
    n, n_real = len(made.base), int(np.count_nonzero(train))
    row_in_train = np.cumsum(train) - 1
    for first in range(0, n, BATCH_ROWS):
        last = min(first + BATCH_ROWS, n)
        row = n_real + np.arange(first, last)
        if made.groups is not None:
            yield pa.table({"row": row}, schema=schema)
        else:
            yield _table(made.take(slice(first, last)), row, row_in_train, row_id, schema)


def _table(
    made: Provenance,
    row: NDArray[np.int64],
    row_in_train: NDArray[np.int64],
    row_id: NDArray[np.int64],
    schema: pa.Schema,
) -> pa.Table:
    columns: dict[str, Any] = {
        "row": row,
        "base_row": row_in_train[made.base],
        "neighbor_row": row_in_train[made.neighbor],
        "base_id": row_id[made.base],
        "neighbor_id": row_id[made.neighbor],
        "step": made.step,
    }
    if made.draws is not None:
        columns["draw"] = made.draws.number
    if "donor_rows" in schema.names:
        rows = pa.array(row_in_train[made.donor].ravel())
        columns["donor_rows"] = pa.FixedSizeListArray.from_arrays(rows, made.donor.shape[1])
    return pa.table(columns, schema=schema)
