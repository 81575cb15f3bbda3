"""`MinorityBuffer`: the rows of one class that synthetic rows are made from, first in first out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.kernels.exact import DEAD, LANES, nearest
from resampler.kernels.random import draw
from resampler.kernels.ring import Ring, discard, emit, evict, insert
from resampler.metric import check_positive, check_seed, make_penalty, make_scale
from resampler.schema import check_magnitude
from resampler.state import dump_state, load_state
from resampler.synthesize import Synthetic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SAMPLE_STREAM = 0  # `sample` keys its draws by (seed, this, draw number); a class label's key is never asked here


class MinorityBuffer:
    """Keep the last `capacity` rows of a class and make synthetic rows of them.

    Parameters
    ----------
    n_features : int
        Width of a row.
    capacity : int
        Rows that it holds; at least ``k_neighbors + 1``.
    k_neighbors : int
        Neighbours that a base may be joined with.
    categorical_features : sequence of int, optional
        Columns that hold codes.
    scale : array-like of shape (n_features,), optional
        Unit of distance of each column, by default 1.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.

    Notes
    -----
    Neighbours are exact, by (distance, row id). Not thread-safe: one thread a buffer.
    """

    def __init__(
        self,
        n_features: int,
        capacity: int,
        k_neighbors: int = 5,
        *,
        categorical_features: Sequence[int] | None = None,
        scale: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    ) -> None:
        self.n_features = check_positive("n_features", n_features)
        self.capacity = check_positive("capacity", capacity)
        self.k_neighbors = check_positive("k_neighbors", k_neighbors)
        if self.capacity <= self.k_neighbors:
            raise InvalidInputError(
                f"capacity must be at least k_neighbors + 1 = {self.k_neighbors + 1}, got {self.capacity}"
            )
        self.categorical_features = tuple(sorted({int(j) for j in categorical_features or ()}))
        if self.categorical_features and not (
            self.categorical_features[0] >= 0 and self.categorical_features[-1] < self.n_features
        ):
            raise InvalidInputError(
                f"categorical_features must be column numbers below {self.n_features}, got {self.categorical_features}"
            )
        mask = np.zeros(self.n_features, dtype=np.bool_)
        mask[list(self.categorical_features)] = True
        self.scale = np.where(mask, 1.0, make_scale(scale, self.n_features))
        n_blocks = -(-self.capacity // LANES)
        self.ring = Ring(
            X=np.zeros((self.capacity, self.n_features), dtype=np.float32),
            blocks=np.zeros((n_blocks, self.n_features, LANES), dtype=np.float32),
            row_ids=np.full(self.capacity, DEAD, dtype=np.int64),
            cursor=np.zeros(2, dtype=np.int64),
            inverse_scale=(1.0 / self.scale).astype(np.float32),
            penalty=make_penalty(mask, None, self.n_features).astype(np.float32),
        )

    def __len__(self) -> int:
        return int(self.ring.cursor[1])

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """Row ids, oldest first; a copy."""
        start, count = self.ring.cursor
        return self.ring.row_ids[(start + np.arange(count)) % self.capacity]

    def _check_rows(self, X: ArrayLike) -> NDArray[np.float32]:
        rows = np.ascontiguousarray(X, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise InvalidInputError(f"X must have shape (n_samples, {self.n_features}), got {rows.shape}")
        check_magnitude(rows, self.scale, [f"column {j}" for j in range(self.n_features)])
        return rows

    def insert(self, X: ArrayLike, row_ids: ArrayLike) -> None:
        """Add rows, the oldest leaving when the buffer is full.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite in float32.
        row_ids : array-like of shape (n_samples,), int64
            0 or more, distinct, none of them in the buffer.

        Raises
        ------
        InvalidInputError
            On another shape, a value that is not finite, or an id that is negative or taken; nothing changes.
        """
        rows = self._check_rows(X)
        ids = np.ascontiguousarray(row_ids, dtype=np.int64)
        if ids.shape != (len(rows),) or (len(ids) and ids.min() < 0):
            raise InvalidInputError(f"row_ids must be {len(rows)} integers of 0 or more, one a row")
        if len(np.unique(ids)) != len(ids) or np.isin(ids, self.row_ids).any():
            raise InvalidInputError("row_ids must be distinct and new: discard the old row of an id first")
        self._append(rows, ids)

    def _append(self, rows: NDArray[np.float32], ids: NDArray[np.int64]) -> None:
        for i in range(len(rows)):
            insert(self.ring, rows[i], ids[i])

    def evict(self, n: int) -> None:
        """Drop the `n` oldest rows.

        Parameters
        ----------
        n : int
            From 0 to the number of rows.

        Raises
        ------
        InvalidInputError
            If there are fewer.
        """
        if not 0 <= n <= len(self):
            raise InvalidInputError(f"n must be from 0 to the buffer's {len(self)} rows, got {n}")
        evict(self.ring, n)

    def discard(self, row_ids: ArrayLike) -> int:
        """Delete rows for good.

        Parameters
        ----------
        row_ids : array-like of int64
            Ids that are not there are passed over.

        Returns
        -------
        int
            How many rows left.
        """
        ids = np.unique(np.asarray(row_ids, dtype=np.int64))
        return int(discard(self.ring, ids))

    def kneighbors(self, X: ArrayLike, n_neighbors: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the rows nearest to each query.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        n_neighbors : int
            How many, at most the number of rows.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float32
            In units of scale, ascending.
        row_ids : ndarray of shape (n_queries, n_neighbors), int64
            Ties go to the lower id.

        Raises
        ------
        InvalidInputError
            If the buffer holds fewer rows.
        """
        rows = self._check_rows(X)
        k = check_positive("n_neighbors", n_neighbors)
        if k > len(self):
            raise InvalidInputError(f"n_neighbors must be at most the buffer's {len(self)} rows, got {k}")
        scaled = rows * self.ring.inverse_scale
        slots = np.empty((len(rows), k), dtype=np.int64)
        distances = np.empty((len(rows), k), dtype=np.float32)
        for i in range(len(rows)):
            nearest(
                self.ring.blocks,
                self.capacity,
                self.ring.row_ids,
                scaled[i],
                -1,
                self.ring.penalty,
                slots[i],
                distances[i],
            )
        return np.sqrt(distances), self.ring.row_ids[slots]

    def sample(self, n: int, seed: int, start: int = 0) -> Synthetic:
        """Make synthetic rows start, start + 1, ... of the endless sequence that `seed` gives.

        Parameters
        ----------
        n : int
            How many, 0 or more.
        seed : int
            From 0 to 2**64 - 1.
        start : int
            Number of the first.

        Returns
        -------
        Synthetic
            The rows with their provenance.

        Raises
        ------
        InvalidInputError
            If the buffer holds k_neighbors rows or fewer.
        """
        if len(self) <= self.k_neighbors:
            raise InvalidInputError(
                f"k_neighbors={self.k_neighbors} needs at least {self.k_neighbors + 1} minority rows, "
                f"got {len(self)}: lower k_neighbors or wait for more rows"
            )
        if n < 0 or start < 0:
            raise InvalidInputError(f"n and start must be 0 or more, got {n} and {start}")
        out = Synthetic(
            np.empty((n, self.n_features), dtype=np.float32),
            np.empty(n, dtype=np.int64),
            np.empty(n, dtype=np.int64),
            np.empty(n, dtype=np.float32),
        )
        key = np.uint64(check_seed(seed))
        slots = np.empty(self.k_neighbors, dtype=np.int64)
        distances = np.empty(self.k_neighbors, dtype=np.float32)
        query = np.empty(self.n_features, dtype=np.float32)
        for i in range(n):
            words = draw(key, SAMPLE_STREAM, start + i, 0)
            out.base_id[i], out.neighbor_id[i], out.step[i] = emit(self.ring, words, slots, distances, query, out.X[i])
        return out

    def to_bytes(self) -> bytes:
        """Save the buffer.

        Returns
        -------
        bytes
            For `from_bytes`; versioned and checksummed.
        """
        start, count = self.ring.cursor
        slots = (start + np.arange(count)) % self.capacity
        meta = {
            "n_features": self.n_features,
            "capacity": self.capacity,
            "k_neighbors": self.k_neighbors,
            "categorical_features": self.categorical_features,
        }
        arrays = {"X": self.ring.X[slots], "row_ids": self.ring.row_ids[slots], "scale": self.scale}
        return dump_state("MinorityBuffer", meta, arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> MinorityBuffer:
        """Read back a saved buffer, which then goes on as the saved one would have.

        Parameters
        ----------
        data : bytes
            What `to_bytes` gave.

        Returns
        -------
        MinorityBuffer
            Equal in all that can be observed.

        Raises
        ------
        CorruptStateError
            If the bytes are damaged or of another format version.
        """
        meta, arrays = load_state("MinorityBuffer", data)
        buffer = cls(**meta, scale=arrays["scale"])
        buffer._append(arrays["X"], arrays["row_ids"])
        return buffer
