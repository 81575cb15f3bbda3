"""`MinorityBuffer`: the rows of one class that synthetic rows are made from, first in first out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from resampler.buffer.allocation import make_ring
from resampler.buffer.effort import FIRST, KEPT_NEEDS, Effort, effort_name
from resampler.buffer.insertion import insert_in_order, insert_side_by_side
from resampler.buffer.maintenance import look_up_rows, mend, read_neighbors
from resampler.buffer.saved import held_slots, restore, to_arrays
from resampler.errors import InvalidInputError
from resampler.kernels.buffer.ring import (
    FIRST_BUDGET,
    discard,
    evict,
    expire,
    resettle,
)
from resampler.kernels.buffer.sample import BATCH, sample
from resampler.kernels.buffer.walk import ALL
from resampler.kernels.simd.blocks import DEAD
from resampler.layout import as_kernel_array
from resampler.metric import check_count, check_integers, check_positive, check_seed, make_penalty, make_scale
from resampler.provenance import Synthetic
from resampler.resolution import MIN_REACH, reach
from resampler.schema import check_magnitude
from resampler.state import dump_state, load_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from resampler.kernels.buffer.cells import Cells
    from resampler.kernels.buffer.graph import Rows

Metric = Literal["euclidean", "cosine"]
Index = Literal["auto", "exact", "graph"]

SAMPLE_STREAM = 0  # `sample` keys its draws by (seed, this, draw number); a class label's key is never asked here
EXACT_CAPACITY = 2_000  # what index="auto" takes for small: docs/buffer.md has the measured crossover
FLAT_VALUES = 1 << 18  # of an exact buffer that has no cells, at most: there measuring all rows is faster
RECALL_ROWS = 200  # rows that `stats` searches exactly
MAX_HALF_LIFE = 2.0**40  # 32 of them, the oldest age that a draw can give, still fit into an int64
MAX_TIME = 2**62  # so that no difference of times overflows
REFIT_ROWS = 64  # after which a small buffer looks whether the categories' penalty has moved
_NO_TIMES = np.empty(0, dtype=np.int64)


def has_cells(capacity: int, n_features: int, index: Index = "auto", *, nullable: bool = False) -> bool:
    """Say whether a buffer keeps its rows in cells, or measures all of them: the kernels for that are others.

    Parameters
    ----------
    capacity, n_features : int
        See `MinorityBuffer`.
    index : {"auto", "exact", "graph"}
        As there.
    nullable : bool
        Whether there are nullable columns.

    Returns
    -------
    bool
        False where searches are exact and rows are few, or may have nulls.

    Examples
    --------
    >>> has_cells(10_000, 32), has_cells(1_000, 32), has_cells(1_000, 32, "graph")
    (True, False, True)
    """
    exact = index == "exact" or (index == "auto" and capacity <= EXACT_CAPACITY)
    return not nullable and not (exact and capacity * n_features <= FLAT_VALUES)


class BufferStats(NamedTuple):
    """What a buffer holds, and how good its neighbours are.

    Parameters
    ----------
    rows : int
        Rows held.
    recall : float
        Share of true neighbours among those that the graph keeps, of a sample of up to 200 rows searched exactly;
        NaN while there are k_neighbors rows or fewer.
    budget : int or None
        Rows that an approximate search settles; None where searches are exact.
    neighbor_distance : float
        Median distance of the sample's nearest neighbours; NaN while there are k_neighbors rows or fewer.
    nbytes : int
        Size of the buffer's arrays.
    effort : str or None
        The rule that the budget follows, by name: see `MinorityBuffer`; None where searches are exact.
    """

    rows: int
    recall: float
    budget: int | None
    neighbor_distance: float
    nbytes: int
    effort: str | None


class MinorityBuffer:
    """Keep the last `capacity` rows of a class, and each row's nearest neighbours, to make synthetic rows of them.

    Parameters
    ----------
    n_features : int
        Width of a row.
    capacity : int
        Rows that it holds; at least ``k_neighbors + 1`` and at most 2**30.
    k_neighbors : int
        Neighbours that a base may be joined with.
    categorical_features : sequence of int, optional
        Columns that hold codes. Two codes that differ are as far apart as the median of the numeric columns' standard
        deviations (SMOTENC's rule), which follows the rows that are held to within a tenth; 1 without numeric columns.
    nullable_features : sequence of int, optional
        Columns that may hold NaN, a null. The squared distance of two rows is then summed over the columns that both
        have and scaled up to all (scikit-learn's `nan_euclidean_distances`, categories included), infinite where they
        have none in common; a synthetic row has its base's nulls, and categories are voted for by the rows that have
        one. Such buffers are exact, by a scan of all rows.
    metric : {"euclidean", "cosine"}
        Distance between rows in units of scale; cosine is for numeric rows.
    index : {"auto", "exact", "graph"}
        "exact" gives the true neighbours. "graph" searches the nearest cells only, and compares itself with exact
        searches now and then to spend no more effort than `recall` takes. "auto" is exact up to a capacity of 2,000,
        and wherever there are nullable columns.
    scale : array-like of shape (n_features,), optional
        Unit of distance of each column, by default 1.
    max_age : int, optional
        Rows leave once a row has come whose time is later by more than this; `insert` then takes times. By default
        they leave by number alone.
    half_life : float, optional
        Age at which a row is chosen for a base half as often as the newest, in rows of the class that came later. By
        default all are chosen equally often.
    recall : float
        Share of true neighbours, in (0, 1], that a graph shall have.
    effort : {"auto", "effort-1", "effort-2"}
        By what rule a graph's searches take so much effort that it has that recall. "auto" is the newest; a saved
        buffer goes on by the rule that it was made with, whatever "auto" has come to mean.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or the buffer would not fit into this machine's memory.

    Notes
    -----
    Neighbours are ordered by (distance, row id). All that comes out depends on the sequence of insertions, evictions,
    discards and samples alone, not on how rows were cut into calls, nor on what was read in between. An insertion costs
    a search of the cells around the row, an eviction nothing to speak of, a synthetic row no search. Not thread-safe:
    one thread a buffer; different buffers run in parallel.

    Examples
    --------
    >>> import numpy as np
    >>> buffer = MinorityBuffer(n_features=2, capacity=100, k_neighbors=3)
    >>> buffer.insert(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50))
    >>> buffer.sample(1000, seed=7).X.shape
    (1000, 2)
    """

    def __init__(
        self,
        n_features: int,
        capacity: int,
        k_neighbors: int = 5,
        *,
        categorical_features: Sequence[int] | None = None,
        nullable_features: Sequence[int] | None = None,
        metric: Metric = "euclidean",
        index: Index = "auto",
        scale: Sequence[float] | NDArray[np.floating[Any]] | None = None,
        max_age: int | None = None,
        half_life: float | None = None,
        recall: float = 0.95,
        effort: Effort = "auto",
    ) -> None:
        self.n_features = check_positive("n_features", n_features)
        self.capacity = check_positive("capacity", capacity)
        self.k_neighbors = check_positive("k_neighbors", k_neighbors)
        if not self.k_neighbors < self.capacity <= 2**30:
            raise InvalidInputError(
                f"capacity must be at least k_neighbors + 1 = {self.k_neighbors + 1} and at most 2**30, "
                f"got {self.capacity}"
            )
        for name, value, choices in (
            ("metric", metric, get_args(Metric)),
            ("index", index, get_args(Index)),
            ("effort", effort, get_args(Effort)),
        ):
            if value not in choices:
                raise InvalidInputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
        self.categorical_features = _check_columns("categorical_features", categorical_features, self.n_features)
        if self.categorical_features and metric == "cosine":
            raise InvalidInputError('metric="cosine" takes numeric columns only: use "euclidean" for mixed rows')
        self.nullable_features = _check_columns("nullable_features", nullable_features, self.n_features)
        for name, value, taken in (("metric", metric, "euclidean"), ("index", index, "exact")):
            if self.nullable_features and value in ("cosine", "graph"):
                raise InvalidInputError(f"{name}={value!r} takes complete rows only: use {taken!r} for rows with nulls")
        self.metric, self.index = metric, index
        mask, nullable = (np.zeros(self.n_features, dtype=np.bool_) for _ in range(2))
        mask[list(self.categorical_features)] = True
        nullable[list(self.nullable_features)] = True
        self.scale = np.where(mask, 1.0, make_scale(scale, self.n_features))
        self.max_age = None if max_age is None else check_positive("max_age", max_age)
        if self.max_age is not None and self.max_age > MAX_TIME:
            raise InvalidInputError(f"max_age must be at most 2**62, got {max_age}")
        self.half_life = None if half_life is None else _check_half_life(half_life)
        self.recall = _check_recall(recall)
        small = self.capacity <= EXACT_CAPACITY or bool(self.nullable_features)
        exact = index == "exact" or (index == "auto" and small)
        self.effort = None if exact else effort_name(effort)
        self.ring = make_ring(
            self.capacity,
            self.k_neighbors,
            (1.0 / self.scale).astype(np.float32),
            make_penalty(mask, None, self.n_features).astype(np.float32),
            cosine=metric == "cosine",
            aged=max_age is not None,
            budget=int(ALL) if exact else FIRST_BUDGET,
            refit_rows=max(REFIT_ROWS, self.capacity // 16) if mask.any() and not mask.all() else 0,
            recall=self.recall,
            half_life=self.half_life or 0.0,
            kept_needs=0 if self.effort is None else KEPT_NEEDS[self.effort],
            flat=not has_cells(self.capacity, self.n_features, index, nullable=bool(self.nullable_features)),
            nullable=bool(self.nullable_features),
        )
        self._highest_id = -1
        self._numeric = ~mask
        self._nullable = nullable
        self.reached = metric == "cosine"  # rows have been of a magnitude at which distances can be distinguished

    def __len__(self) -> int:
        return int(self.ring.graph.rows.cursor["held"])

    @property
    def exact(self) -> bool:
        """Whether neighbours are the true ones."""
        return bool(self.ring.control["budget"] == ALL)

    @property
    def categorical_penalty(self) -> float:
        """Distance of two rows that differ in one category and in nothing else; NaN without categorical columns."""
        penalty = float(self.ring.graph.rows.penalty.max())
        return penalty**0.5 if penalty >= 0 else float("nan")

    @property
    def _rows_and_cells(self) -> tuple[Rows, Cells]:
        return self.ring.graph.rows, self.ring.graph.cells

    @property
    def held(self) -> NDArray[np.float32]:
        """The rows, oldest first; a copy."""
        return self.ring.graph.rows.X[self._slots]

    @property
    def _slots(self) -> NDArray[np.int64]:
        return held_slots(self.ring)

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """Row ids, oldest first; a copy."""
        return self.ring.graph.rows.row_ids[self._slots]

    def _check_rows(self, X: ArrayLike) -> NDArray[np.float32]:
        try:
            values = np.asarray(X)
            if values.dtype.kind not in "biufO":
                raise TypeError(f"got dtype {values.dtype}")
            with np.errstate(over="ignore"):  # what overflows is refused below
                rows = as_kernel_array(values, np.float32)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"X must be an array of real numbers: {error}") from error
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise InvalidInputError(f"X must have shape (n_samples, {self.n_features}), got {rows.shape}")
        check_magnitude(rows, self.scale, [f"column {j}" for j in range(self.n_features)], self._nullable)
        if self.metric == "cosine":
            length = np.linalg.norm(rows / self.scale, axis=1)
            if (length < 1e-16).any():
                raise InvalidInputError(
                    f"X must have rows of at least 1e-16 units length under the cosine metric, got "
                    f"{length.min()} in row {length.argmin()}: drop such rows or use metric='euclidean'"
                )
        return rows

    def _check_ids(self, row_ids: ArrayLike, n: int) -> NDArray[np.int64]:
        ids = check_integers("row_ids", row_ids, n)
        if n and ids[0] > self._highest_id and (ids[1:] > ids[:-1]).all():  # none is negative, twice there or held
            return ids
        if n and ids.min() < 0:
            raise InvalidInputError(f"row_ids must be 0 or more, got {ids.min()}")
        values, counts = np.unique(ids, return_counts=True)
        taken = values[counts > 1]
        if n and ids.min() <= self._highest_id and not len(taken):
            taken = ids[np.isin(ids, self.row_ids)]
        if len(taken):
            raise InvalidInputError(
                f"row_ids must be distinct and new, got {taken[0]} again: discard the old row of an id first"
            )
        return ids

    def _check_times(self, times: ArrayLike | None, n: int) -> NDArray[np.int64]:
        if (times is None) != (self.max_age is None):
            raise InvalidInputError(
                "times must be given if and only if the buffer has a max_age, got "
                f"{'no times' if times is None else 'times'} and max_age={self.max_age}"
            )
        if times is None:
            return _NO_TIMES
        checked = check_integers("times", times, n)
        newest = self.ring.graph.rows.times[self._slots[-1:]]
        if n and max(abs(int(checked.min())), abs(int(checked.max()))) > MAX_TIME:
            raise InvalidInputError(f"times must be within 2**62 of 0, got {checked.min()} to {checked.max()}")
        if (np.diff(checked, prepend=newest) < 0).any():
            raise InvalidInputError("times must never fall, neither among themselves nor below the newest row's")
        return checked

    def insert(self, X: ArrayLike, row_ids: ArrayLike, times: ArrayLike | None = None, *, n_threads: int = 1) -> None:
        """Add rows, the oldest leaving when the buffer is full.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite in float32, or NaN in nullable columns.
        row_ids : array-like of shape (n_samples,), int64
            0 or more, distinct, none of them in the buffer. Ascending ids are checked fastest.
        times : array-like of shape (n_samples,), int64, optional
            When each row came, in the unit of `max_age`; never falling. Given if and only if there is a `max_age`.
        n_threads : int
            Threads that search for the rows' neighbours. The buffer is the same, bit for bit, whatever it is; more than
            one pay from some hundred rows on.

        Raises
        ------
        InvalidInputError
            On another shape or dtype, a value that is not finite, an id that is negative or taken, or times that
            fall; nothing changes.
        """
        rows = self._check_rows(X)
        ids = self._check_ids(row_ids, len(rows))
        moments = self._check_times(times, len(rows))
        if check_positive("n_threads", n_threads) > 1 and self.ring.graph.cells.home is not None:  # else: no waves
            insert_side_by_side(self.ring, rows, ids, moments, self.max_age or 0, n_threads)
        else:
            insert_in_order(self.ring, rows, ids, moments, self.max_age or 0)
        self._highest_id = max(self._highest_id, int(ids.max(initial=-1)))
        # Decided as rows come, not as they are read: else a buffer that was read would know more than another.
        self.reached = self.reached or reach(rows, self.scale, self._numeric)[1]

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
        if check_count("n", n) > len(self):
            raise InvalidInputError(f"n must be from 0 to the buffer's {len(self)} rows, got {n}")
        evict(*self._rows_and_cells, n)

    def expire(self, now: int) -> int:
        """Drop the rows that are older than `max_age`; `insert` does so by itself.

        Parameters
        ----------
        now : int
            The time, in the unit of `max_age`.

        Returns
        -------
        int
            How many rows left.

        Raises
        ------
        InvalidInputError
            If the buffer has no `max_age`, or `now` is no integer.
        """
        if self.max_age is None:
            raise InvalidInputError("expire needs a buffer with a max_age: use evict or discard")
        if isinstance(now, bool) or not isinstance(now, int | np.integer) or abs(int(now)) > MAX_TIME:
            raise InvalidInputError(f"now must be an integer within 2**62 of 0, got {now!r}")
        return int(expire(*self._rows_and_cells, int(now) - self.max_age))

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

        Raises
        ------
        InvalidInputError
            If the ids are no list of integers; nothing changes.
        """
        rows, lists, cells, scratch = self.ring.graph
        gone = np.isin(rows.row_ids, check_integers("row_ids", row_ids))
        n = int(discard(rows, lists, cells, gone, np.empty(self.capacity, dtype=np.int32)))
        if n and cells.home is None:
            resettle(rows, cells, np.empty(self.capacity, dtype=np.float32), scratch.query)
        return n

    def _check_reach(self) -> None:
        """Refuse rows whose distances vanish in float32."""
        if self.reached:
            return
        furthest, enough = reach(self.held, self.scale, self._numeric)
        if furthest > 0 and not enough:
            raise InvalidInputError(
                f"rows must reach {MIN_REACH:g} units of scale for their distances to be distinguished, got "
                f"{furthest:g} as the furthest from 0 of {len(self)}: give the columns' spread as scale"
            )

    def _distances(self, d2: NDArray[np.float32]) -> NDArray[np.float32]:
        return d2 / np.float32(2) if self.metric == "cosine" else np.sqrt(d2)

    def kneighbors(self, X: ArrayLike, n_neighbors: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the rows nearest to each query: exactly, or among the nearest cells where the index is a graph.

        Parameters
        ----------
        X : array-like of shape (n_queries, n_features)
            The queries.
        n_neighbors : int
            How many, at most the number of rows.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors), float32
            In units of scale (1 - cosine under that metric), ascending.
        row_ids : ndarray of shape (n_queries, n_neighbors), int64
            Ties go to the lower id.

        Raises
        ------
        InvalidInputError
            If the buffer holds fewer rows, on queries that `insert` would refuse, or if all values, not all 0, lie
            within 1e-16 units of scale of 0.
        """
        rows = self._check_rows(X)
        k = check_positive("n_neighbors", n_neighbors)
        if k > len(self):
            raise InvalidInputError(f"n_neighbors must be at most the buffer's {len(self)} rows, got {k}")
        self._check_reach()
        stamps, d2 = look_up_rows(self.ring, rows, k, int(self.ring.control["budget"]))
        return self._distances(d2), self.ring.graph.rows.row_ids[stamps % self.capacity]

    def graph(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return every row's neighbours.

        Returns
        -------
        row_ids : ndarray of shape (n_rows,), int64
            Oldest first.
        neighbor_ids : ndarray of shape (n_rows, k_neighbors), int64
            Nearest first; -1 where there are fewer other rows.
        distances : ndarray of shape (n_rows, k_neighbors), float32
            See `kneighbors`; infinite where there are fewer other rows.

        Raises
        ------
        InvalidInputError
            If all values, not all 0, lie within 1e-16 units of scale of 0.
        """
        self._check_reach()
        slots = self._slots
        nn_slots, nn_d2 = read_neighbors(self.ring, slots)
        ids = self.ring.graph.rows.row_ids
        return ids[slots], np.where(nn_slots == DEAD, -1, ids[nn_slots]), self._distances(nn_d2)

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
            If the buffer holds k_neighbors rows or fewer, their values, not all 0, lie within 1e-16 units of scale of
            0, or a parameter breaks its rule.
        """
        if len(self) <= self.k_neighbors:
            raise InvalidInputError(
                f"k_neighbors={self.k_neighbors} needs at least {self.k_neighbors + 1} minority rows, "
                f"got {len(self)}: lower k_neighbors or wait for more rows"
            )
        self._check_reach()
        n, start = check_count("n", n), check_count("start", start)
        out = Synthetic(
            np.empty((n, self.n_features), dtype=np.float32),
            np.empty(n, dtype=np.int64),
            np.empty(n, dtype=np.int64),
            np.empty(n, dtype=np.float32),
        )
        state = *self.ring.graph[:2], self.ring.control["half_life"], self.ring.nn_slots, self.ring.nn_d2
        key, short, begin = np.uint64(check_seed(seed)), np.empty(BATCH, dtype=np.int64), 0
        while begin < n:
            begin, n_short = sample(*state, key, SAMPLE_STREAM, start, begin, short, *out)
            mend(self.ring, short[:n_short])
        return out

    def stats(self) -> BufferStats:
        """Measure the buffer.

        Returns
        -------
        BufferStats
            Rows, recall, effort, neighbour distance and bytes.

        Notes
        -----
        Costs up to 200 exact searches, and changes nothing that comes out later.
        """
        recall = distance = float("nan")
        k, n = self.k_neighbors, len(self)
        if n > k:
            slots = self._slots[:: -(-n // RECALL_ROWS)].copy()  # kernels are compiled for rows side by side
            rows = self.ring.graph.rows
            nn_slots, nn_d2 = read_neighbors(self.ring, slots)
            true = look_up_rows(self.ring, rows.X[slots], k + 1, int(ALL))[0] % self.capacity
            # Of k + 1 nearest rows, k are others, unless duplicates of a lower id crowd the row itself out.
            hits = (nn_slots[:, :, None] == true[:, None, :]) & (true != slots[:, None])[:, None, :]
            recall = float(np.minimum(hits.sum(axis=(1, 2)) / k, 1).mean())
            distance = float(np.median(self._distances(nn_d2[:, 0])))
        arrays = [array for part in self.ring.graph for array in part if array is not None]
        return BufferStats(
            rows=n,
            recall=recall,
            budget=None if self.exact else int(self.ring.control["budget"]),
            neighbor_distance=distance,
            nbytes=sum(array.nbytes for array in arrays) + self.ring.needs.nbytes,
            effort=self.effort,
        )

    def to_bytes(self) -> bytes:
        """Save the buffer.

        Returns
        -------
        bytes
            For `from_bytes`; versioned and checksummed.

        Notes
        -----
        Of an exact buffer the rows are saved: neighbours follow from them. Of a graph all is saved but what can be
        computed, since what a later search finds depends on how the cells came to be.
        """
        meta = {
            "n_features": self.n_features,
            "capacity": self.capacity,
            "k_neighbors": self.k_neighbors,
            "categorical_features": self.categorical_features,
            "metric": self.metric,
            "index": "exact" if self.exact else "graph",
            "max_age": self.max_age,
            "half_life": self.half_life,
            "recall": self.recall,
            "highest_id": self._highest_id,
        }
        if self.nullable_features:
            meta["nullable_features"] = self.nullable_features
        if self.reached and self.metric != "cosine" and not reach(self.held, self.scale, self._numeric)[1]:
            meta["reached"] = True  # what the rows that are held do not show
        if self.effort not in (None, FIRST):  # a state without is that of earlier releases
            meta["effort"] = self.effort
        arrays = to_arrays(self.ring)
        # The scale stands behind the rows, for the format's sake.
        rows = {name: arrays.pop(name) for name in ("X", "row_ids")}
        return dump_state(
            "MinorityBuffer", meta, rows | {"scale": self.scale} | arrays, nullable=bool(self.nullable_features)
        )

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
        InvalidInputError
            If `data` is no bytes.
        CorruptStateError
            If the bytes are damaged or of another format version.
        """
        meta, arrays = load_state("MinorityBuffer", data)
        highest_id, reached = meta.pop("highest_id"), meta.pop("reached", False)
        buffer = cls(**{"effort": FIRST, **meta}, scale=arrays["scale"])
        restore(buffer.ring, arrays, buffer.max_age or 0)
        buffer._highest_id = highest_id
        buffer.reached = buffer.reached or reached or reach(buffer.held, buffer.scale, buffer._numeric)[1]
        return buffer


def _check_columns(name: str, columns: Sequence[int] | None, n_features: int) -> tuple[int, ...]:
    numbers = tuple(sorted({int(j) for j in columns or ()}))
    if numbers and not (numbers[0] >= 0 and numbers[-1] < n_features):
        raise InvalidInputError(f"{name} must be column numbers below {n_features}, got {numbers}")
    return numbers


def _check_half_life(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value <= MAX_HALF_LIFE:
        raise InvalidInputError(f"half_life must be a number of rows above 0 and at most 2**40, got {value!r}")
    return float(value)


def _check_recall(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value <= 1:
        raise InvalidInputError(f"recall must be a share of true neighbours in (0, 1], got {value!r}")
    return float(value)
