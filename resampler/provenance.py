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
DRAW_COLUMNS = ("draw_id", "draw_number")  # of `MicroBatch.draw`


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

    A synthetic row lies where its method has its place (`resampler.kernels.places`), with most on the segment,
    ``X[base] + step * (X[neighbour] - X[base])``, in float32, one rounding an operation. Categorical columns take the
    vote of the base's neighbours.

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
        Identities of a synthetic row's parents; `NO_ID` for a real one, and for one that was made from a group.
    step : ndarray of shape (n_samples,), float32
        In [0, 1); 0 for a real row, and for one that was made from a group.
    draw : ndarray of shape (n_samples, 2), int64, or None
        Where the method's place draws more than a step (`resampler.kernels.places`): the row id and the number that key
        a synthetic row's draw; `NO_ID` for a real one.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    is_synthetic: NDArray[np.bool_]
    row_id: NDArray[np.int64]
    base_id: NDArray[np.int64]
    neighbor_id: NDArray[np.int64]
    step: NDArray[np.float32]
    draw: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def n_synthetic(self) -> int:
        """Number of synthetic rows."""
        return int(np.count_nonzero(self.is_synthetic))

    @classmethod
    def empty(cls, n_features: int, *, draws: bool = False) -> MicroBatch:
        """Make a batch of no rows.

        Parameters
        ----------
        n_features : int
            Its width.
        draws : bool
            Whether it says what keyed each draw.

        Returns
        -------
        MicroBatch
            With the columns of any other.
        """
        return cls.of(make_output(0, n_features, draws=draws), draws=draws)

    @classmethod
    def of(cls, out: tuple[NDArray[Any], ...], *, draws: bool) -> MicroBatch:
        """Make a batch of what the kernels have written.

        Parameters
        ----------
        out : tuple of ndarray
            From `make_output`.
        draws : bool
            As there.

        Returns
        -------
        MicroBatch
            Of these arrays.
        """
        columns: list[Any] = [*out[:-1], out[-1] if draws else None]
        return cls(*columns)

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
        parts = ([getattr(batch, f.name) for batch in batches] for f in fields(cls))
        columns: list[Any] = [None if part[0] is None else np.concatenate(part) for part in parts]
        return cls(*columns)

    def rows(self, start: int, stop: int) -> MicroBatch:
        """Return some consecutive rows.

        Parameters
        ----------
        start, stop : int
            Which.

        Returns
        -------
        MicroBatch
            Views.
        """
        parts = (getattr(self, f.name) for f in fields(self))
        columns: list[Any] = [None if part is None else part[start:stop] for part in parts]
        return MicroBatch(*columns)

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
            The features, the label, then is_synthetic, row_id, base_id, neighbor_id, step, and draw_id, draw_number
            where rows have these. Listed categories and classes are strings or int64; other features are float32,
            another label is int64.

        Raises
        ------
        ContractError
            If the schema has another number of features or a column of the batch's own, or a code stands for no
            category or class of it.

        Notes
        -----
        NaN in a nullable column of the schema is null.
        """
        import pyarrow as pa

        n_features = self.X.shape[1]
        if schema and schema.n_features != n_features:
            raise ContractError(
                f"schema must be that of the batch's {n_features} features, got one of {schema.n_features}"
            )
        names = schema.names if schema else tuple(f"f{j}" for j in range(n_features))
        label = schema.label.name if schema else "label"
        own = OUTPUT_COLUMNS if self.draw is None else (*OUTPUT_COLUMNS, *DRAW_COLUMNS)
        if taken := {*names, label} & {*own}:
            raise ContractError(f"column {min(taken)!r} is a column of the batch too: rename it in the contract")
        if schema and not codes:
            features = [column.to_value(self.X[:, j]) for j, column in enumerate(schema.columns)]
            labels = schema.label.column.to_value(self.y)
        else:
            nullable = schema.nullable_mask if schema else np.zeros(n_features, dtype=np.bool_)
            features = [
                pa.array(values, mask=np.isnan(values) if null else None)
                for values, null in zip(self.X.T, nullable, strict=True)
            ]
            labels = pa.array(self.y)
        columns = dict(zip(names, features, strict=True)) | {label: labels}
        for name in OUTPUT_COLUMNS:
            columns[name] = pa.array(getattr(self, name))
        if self.draw is not None:
            columns |= {name: pa.array(self.draw[:, at]) for at, name in enumerate(DRAW_COLUMNS)}
        return pa.RecordBatch.from_pydict(columns)


def make_output(n_samples: int, n_features: int, *, draws: bool = False) -> tuple[NDArray[Any], ...]:
    """Allocate what the kernels write a micro-batch into.

    Parameters
    ----------
    n_samples, n_features : int
        Its shape.
    draws : bool
        Whether it says what keyed each draw.

    Returns
    -------
    tuple of ndarray
        The fields of `MicroBatch`, in order, not initialised; `draw` has no rows where it is not asked for.
    """
    return (
        np.empty((n_samples, n_features), dtype=np.float32),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.bool_),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.int64),
        np.empty(n_samples, dtype=np.float32),
        np.empty((n_samples if draws else 0, 2), dtype=np.int64),
    )
