"""Where rows came from: `Synthetic`, made from a matrix, and `MicroBatch`, what a stream emits."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema

NO_ID = -1  # base_id and neighbor_id of a real row, row_id of a synthetic one
OUTPUT_COLUMNS = ("is_synthetic", "row_id", "base_id", "neighbor_id", "step")  # of a table, behind features and label


class Synthetic(NamedTuple):
    """Synthetic rows and where they came from.

    Parameters
    ----------
    X : ndarray of shape (n_synthetic, n_features)
        The rows, in the dtype of the rows that they were made from.
    base_id, neighbor_id : ndarray of shape (n_synthetic,), int64
        Row ids of the parents.
    step : ndarray of shape (n_synthetic,), float32
        In [0, 1).
    """

    X: NDArray[Any]
    base_id: NDArray[np.int64]
    neighbor_id: NDArray[np.int64]
    step: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    """Rows in the order of emission: each real row, then the synthetic rows that it caused.

    A synthetic row is ``X[base] + step * (X[neighbour] - X[base])`` in float32, one rounding an operation;
    categorical columns are the base's neighbourhood's vote instead.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
        The rows; categorical columns as codes.
    y : ndarray of shape (n_samples,), int64
        Class of each row (a string label's code in the contract's `classes`).
    is_synthetic : ndarray of shape (n_samples,), bool
        True where the row was made here.
    row_id : ndarray of shape (n_samples,), int64
        Identity of a real row; `NO_ID` for a synthetic one.
    base_id, neighbor_id : ndarray of shape (n_samples,), int64
        Identities of a synthetic row's parents; `NO_ID` for a real one.
    step : ndarray of shape (n_samples,), float32
        In [0, 1); 0 for a real row.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    is_synthetic: NDArray[np.bool_]
    row_id: NDArray[np.int64]
    base_id: NDArray[np.int64]
    neighbor_id: NDArray[np.int64]
    step: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_synthetic(self) -> int:
        """Number of synthetic rows."""
        return int(np.count_nonzero(self.is_synthetic))

    @classmethod
    def concat(cls, batches: Sequence[MicroBatch]) -> MicroBatch:
        """Join batches end to end.

        Parameters
        ----------
        batches : sequence of MicroBatch
            At least one, all of the same width.

        Returns
        -------
        MicroBatch
            Their rows in order.
        """
        columns = {f.name: np.concatenate([getattr(b, f.name) for b in batches]) for f in fields(cls)}
        return cls(**columns)

    def to_arrow(self, schema: FeatureSchema | None = None, *, codes: bool = False) -> pa.RecordBatch:
        """Return the batch as an Arrow record batch: a table, so with values in place of codes.

        Parameters
        ----------
        schema : FeatureSchema, optional
            Names the feature and label columns, and knows the values. Without it they are ``f0, f1, ...`` and
            ``label``, and codes are all there is.
        codes : bool
            Leave codes as `X` and `y` hold them and as the stream's output entries carry them.

        Returns
        -------
        pyarrow.RecordBatch
            The features, the label, then is_synthetic, row_id, base_id, neighbor_id, step. Listed categories and
            classes are strings or int64; other features are float32, another label is int64.

        Raises
        ------
        ContractError
            If the schema has another number of features or a column of the batch's own, or a code stands for no
            category or class of it.
        """
        import pyarrow as pa

        n_features = self.X.shape[1]
        if schema and schema.n_features != n_features:
            raise ContractError(
                f"schema must be that of the batch's {n_features} features, got one of {schema.n_features}"
            )
        names = schema.names if schema else tuple(f"f{j}" for j in range(n_features))
        label = schema.label.name if schema else "label"
        if taken := {*names, label} & {*OUTPUT_COLUMNS}:
            raise ContractError(f"column {min(taken)!r} is a column of the batch too: rename it in the contract")
        if schema and not codes:
            features = [column.to_value(self.X[:, j]) for j, column in enumerate(schema.columns)]
            labels = schema.label.column.to_value(self.y)
        else:
            features, labels = [pa.array(self.X[:, j]) for j in range(n_features)], pa.array(self.y)
        columns = dict(zip(names, features, strict=True)) | {label: labels}
        for name in OUTPUT_COLUMNS:
            columns[name] = pa.array(getattr(self, name))
        return pa.RecordBatch.from_pydict(columns)


def make_output(n_samples: int, n_features: int) -> tuple[NDArray[Any], ...]:
    """Allocate what the kernels write a micro-batch into.

    Parameters
    ----------
    n_samples, n_features : int
        Its shape.

    Returns
    -------
    tuple of ndarray
        The fields of `MicroBatch`, in order, not initialised.
    """
    return (
        np.empty((n_samples, n_features), dtype=np.float32),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.bool_),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.float32),
    )
