"""Which rows of a class synthetic rows are made from: the strategies of `OnlineResampler`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.buffer import MinorityBuffer
from resampler.buffer.maintenance import finish_wave
from resampler.errors import CorruptStateError
from resampler.kernels.dispatch import CallSite
from resampler.kernels.online.danger import Danger, restore_weights
from resampler.kernels.online.operations import advance
from resampler.kernels.online.window import ASSESS
from resampler.methods.catalog import METHODS
from resampler.provenance import make_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from resampler.buffer import BufferStats
    from resampler.grids import Packed
    from resampler.parameters import Strategy


def weigh(strategy: Strategy, k_neighbors: int, *, clean: bool) -> NDArray[np.int64]:
    """Return the weight of a base by how many of its `k_neighbors` nearest rows are of other classes.

    Parameters
    ----------
    strategy : str
        One of `resampler.methods.catalog.STREAMED`.
    k_neighbors : int
        Nearest rows that are looked at.
    clean : bool
        Give noise, rows all of whose nearest rows are of other classes, no weight.

    Returns
    -------
    ndarray of shape (k_neighbors + 1,), int64
        Empty where all bases weigh the same whatever is around them, and where rows are made from groups.
    """
    foreign = np.arange(k_neighbors + 1)
    rule = METHODS[strategy].weigh
    if rule is None:
        return foreign[:0]
    weights = rule(foreign, k_neighbors).astype(np.int64)
    if clean:
        weights[-1] = 0
    return weights if len(set(weights.tolist())) > 1 else weights[:0]


class Bases:
    """The rows of one class, a sample of the other classes' rows, and the weights that follow from both.

    Parameters
    ----------
    make_buffer : callable
        ``make_buffer(capacity, k_neighbors)`` makes an empty buffer.
    capacity, k_neighbors : int
        See `OnlineResampler`.
    weights : ndarray of shape (k_neighbors + 1,) or (0,), int64
        What `weigh` gave.
    grids : Packed, optional
        What synthetic rows are put on.
    arrival : bool
        A row that comes is itself the base of the synthetic rows behind it, unless it weighs nothing beside others.
    """

    SAVED = ("buffer", "others", "weight")  # names of the arrays of saved bases

    def __init__(
        self,
        make_buffer: Callable[[int, int], MinorityBuffer],
        capacity: int,
        k_neighbors: int,
        weights: NDArray[np.int64],
        grids: Packed | None = None,
        *,
        arrival: bool = False,
    ) -> None:
        self._grids = grids
        self._arrival = arrival
        self._advance = CallSite(advance)
        self.buffer = make_buffer(capacity, k_neighbors)
        self.others: MinorityBuffer | None = None
        self.danger: Danger | None = None  # as long as all bases weigh the same
        if len(weights):
            self.others = make_buffer(capacity, 1)  # whose own neighbours nobody asks for
            self.others.ring.control["refit_rows"] = 0  # the categories' penalty is the class's
            self.danger = Danger(
                others=self.others.ring,
                weights=weights,
                weight=np.zeros(capacity, dtype=np.int64),
                tree=np.zeros(capacity + 1, dtype=np.int64),
                nn_stamps=np.zeros(k_neighbors, dtype=np.int32),
                nn_d2=np.zeros(k_neighbors, dtype=np.float32),
            )

    def __len__(self) -> int:
        return len(self.buffer)

    @property
    def held(self) -> NDArray[np.float32]:
        """The class's own rows, oldest first."""
        return self.buffer.held

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """Ids of all rows that are held, the class's own first."""
        if self.others is None:
            return self.buffer.row_ids
        return np.concatenate([self.buffer.row_ids, self.others.row_ids])

    def advance(
        self,
        X: NDArray[np.float32],
        row_ids: NDArray[np.int64],
        keys: tuple[int, int, np.uint64, np.int64, int, NDArray[np.float64]],
        ops: tuple[NDArray[np.int64], ...],
        out: tuple[NDArray[Any], ...],
    ) -> None:
        """Carry out the class's operations, ending waves in between.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features), float32
            The rows of the micro-batch.
        row_ids : ndarray of shape (n_samples,), int64
            Their identities.
        keys : tuple
            Code and label of the class; seed and stream of its draws; number of the place, and what it measures by.
        ops : tuple of ndarray
            What `resampler.kernels.online.window.plan` has listed: class, row, count and place of each operation.
        out : tuple of ndarray
            What `make_output` gave; the synthetic rows of the class are written.
        """
        op = 0
        while op < len(ops[0]):
            op = self._advance(
                self.buffer.ring, self.danger, X, row_ids, *keys, self._arrival, self._grids, ops, op, out
            )
            for buffer in (self.buffer, self.others):
                if buffer is not None:
                    finish_wave(buffer.ring)

    def forget(self, row_ids: ArrayLike) -> int:
        """Delete rows of the class and of the sample.

        Parameters
        ----------
        row_ids : array-like of int64
            Ids that are not there are passed over.

        Returns
        -------
        int
            How many rows left the class.
        """
        gone = self.buffer.discard(row_ids)
        if self.others is not None and self.danger is not None and gone + self.others.discard(row_ids):
            self._assess_all(self.danger)
        return gone

    def _assess_all(self, danger: Danger) -> None:
        """Weigh every row anew; none while there are too few for a synthetic row."""
        danger.weight[:] = 0
        danger.tree[:] = 0
        rows, n = self.buffer.ring.graph.rows, len(self.buffer)
        if n <= self.buffer.k_neighbors:
            return
        slots = (rows.cursor["oldest"] + np.arange(n)) % self.buffer.capacity
        ops = (np.zeros(n, dtype=np.int64), slots, np.full(n, ASSESS), np.zeros(n, dtype=np.int64))
        keys = 0, 0, np.uint64(0), np.int64(0), 0, np.empty(0)  # nothing is drawn
        self.advance(rows.X[:0], slots[:0], keys, ops, make_output(0, self.buffer.n_features))

    def stats(self) -> BufferStats:
        """Measure the class's buffer.

        Returns
        -------
        BufferStats
            What it holds, and how good its neighbours are.
        """
        return self.buffer.stats()

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Save what is held.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        saved: dict[str, NDArray[np.generic]] = {"buffer": np.frombuffer(self.buffer.to_bytes(), dtype=np.uint8)}
        if self.others is not None and self.danger is not None:
            saved["others"] = np.frombuffer(self.others.to_bytes(), dtype=np.uint8)
            oldest, held = self.buffer.ring.graph.rows.cursor["oldest"], self.buffer.ring.graph.rows.cursor["held"]
            saved["weight"] = self.danger.weight[(oldest + np.arange(held)) % self.buffer.capacity]
        return saved

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> None:
        """Read back what `to_arrays` gave.

        Parameters
        ----------
        saved : dict of str to ndarray
            Of bases of the same parameters.
        """
        self.buffer = MinorityBuffer.from_bytes(saved["buffer"].tobytes())
        self.buffer.reached = False  # as in a buffer that kernels fill: `OnlineResampler` itself knows of its classes
        if self.danger is None:
            return
        if len(saved["weight"]) != len(self.buffer):
            raise CorruptStateError("saved OnlineResampler has weights for other rows: rebuild it by replay")
        self.others = MinorityBuffer.from_bytes(saved["others"].tobytes())
        self.others.reached = False
        self.danger = self.danger._replace(others=self.others.ring)
        oldest = self.buffer.ring.graph.rows.cursor["oldest"] % self.buffer.capacity
        restore_weights(self.danger.weight, self.danger.tree, oldest, saved["weight"])
