"""The parents of each synthetic row, kept apart from the rows: they are as sensitive as the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.augmentation import Parents

FILE = "lineage.parquet"
SCHEMA = pa.schema(
    [
        ("row", pa.int64()),  # of the synthetic row in the train file
        ("base_row", pa.int64()),  # of its parents there
        ("neighbor_row", pa.int64()),
        ("base_id", pa.int64()),  # their identities, which outlive this version
        ("neighbor_id", pa.int64()),
        ("step", pa.float32()),
    ]
)


def lineage_table(parents: Parents, train: NDArray[np.bool_], row_id: NDArray[np.int64]) -> pa.Table:
    """Write parents as positions in the train file and as row ids.

    Parameters
    ----------
    parents : Parents
        Positions in the canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split of the canonical table.
    row_id : ndarray of shape (n_rows,), int64
        Identities.

    Returns
    -------
    pyarrow.Table
        As `SCHEMA`, a row a synthetic row, in their order.
    """
    n_real = int(np.count_nonzero(train))
    row_in_train = np.cumsum(train) - 1
    return pa.table(
        {
            "row": n_real + np.arange(len(parents.base)),
            "base_row": row_in_train[parents.base],
            "neighbor_row": row_in_train[parents.neighbor],
            "base_id": row_id[parents.base],
            "neighbor_id": row_id[parents.neighbor],
            "step": parents.step,
        },
        schema=SCHEMA,
    )
