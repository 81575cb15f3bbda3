"""Nulls of a version: which rows may be parents, and which features are declared to have some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from feast_plugin.versions.inputs.rows import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.grids import Grid
    from resampler.methods.parameters import Missing
    from resampler.schema import FeatureSchema


def may_be_parents(matrix: NDArray[Any], missing: Missing) -> NDArray[np.bool_]:
    """Find the rows that synthetic ones may be made of.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_features)
        Rows, a null as NaN.
    missing : {"inherit", "complete", "refuse"}
        What rows with nulls are.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        Those without an infinite value, and without a null where nulls are not inherited.
    """
    return ~np.isinf(matrix).any(axis=1) if missing == "inherit" else np.isfinite(matrix).all(axis=1)


def nulls_of_training(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> NDArray[np.int64]:
    """Count the nulls of the training split.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    ndarray of shape (n_features,), int64
        By column of the matrix; a null array counts in each of its columns.
    """
    counts = np.zeros(contract.width, dtype=np.int64)
    for c, span in contract.spans:
        column = rows.table[c.name]
        if column.null_count:
            for start in range(0, len(train), BATCH_ROWS):
                nulls = pc.is_null(column.slice(start, BATCH_ROWS)).to_numpy()
                counts[span] += np.count_nonzero(nulls & train[start : start + BATCH_ROWS])
            rows.release()
    return counts


def declared(schema: FeatureSchema, nulls: NDArray[np.int64], grids: Sequence[Grid | None]) -> FeatureSchema:
    """Say in a contract which features have nulls and what numbers they keep, so that a stream does as the version.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    nulls : ndarray of shape (n_features,) or (0,), int64
        From `nulls_of_training`; empty where a row with nulls is no parent.
    grids : sequence of Grid or None
        One a feature, or none at all.

    Returns
    -------
    FeatureSchema
        The same columns.
    """
    nullable = [name for name, n in zip(schema.names, nulls, strict=False) if n]
    kept = {name: grid for name, grid in zip(schema.names, grids, strict=False) if grid is not None}
    return schema.with_rules(nullable, kept)
