"""`GroupedRows`: the rows of one class, and the groups that hardened rows are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.buffer.allocation import make_record
from resampler.errors import CorruptStateError
from resampler.kernels.online.grouped import RING, Held, advance, keep_rows
from resampler.layout import as_kernel_array
from resampler.microaggregation import SPAN, Groups, form_groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from resampler.columns import Column
    from resampler.grids import Packed
    from resampler.schema import FeatureSchema


def listed_codes(schema: FeatureSchema) -> dict[int, NDArray[np.float64]]:
    """Return the codes that categorical columns may hold.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.

    Returns
    -------
    dict of int to ndarray of shape (n_codes,), float64
        By column; those that take any code are left out.
    """
    codes = {j: column.codes or _truths(column) for j, column in enumerate(schema.columns)}
    return {
        j: np.array(codes[j], dtype=np.float64) for j in np.flatnonzero(schema.categorical_mask).tolist() if codes[j]
    }


def _truths(column: Column) -> tuple[int, ...]:
    return (0, 1) if column.bounds == (0, 1) else ()


class GroupedRows:
    """The last rows of one class, cut into groups, which are formed anew as the rows turn over.

    Groups are formed when the class has rows for two, and again when a tenth of the rows held has come since, and rows
    for two groups at least: by counts of the class's rows alone. A row that leaves by age leaves the groups with the
    next renewal; one that is forgotten leaves them at once, whether or not it is still held.

    Parameters
    ----------
    schema : FeatureSchema
        The contract.
    capacity, k_neighbors : int
        See `OnlineResampler`: of groups, so many near ones.
    group_size : int
        Rows of a group, at least.
    grids : Packed, optional
        What synthetic rows are put on.
    """

    SAVED = ("rows", "row_ids", "members", "newcomers", *(f"groups_{name}" for name in Groups._fields))

    def __init__(
        self, schema: FeatureSchema, capacity: int, k_neighbors: int, group_size: int, grids: Packed | None = None
    ) -> None:
        self._schema, self._k, self._size, self._grids = schema, k_neighbors, group_size, grids
        self._listed = listed_codes(schema)
        self._column = np.flatnonzero(schema.categorical_mask)
        self._rows = Held(
            X=np.empty((capacity, schema.n_features), dtype=np.float32),
            row_ids=np.empty(capacity, dtype=np.int64),
            ring=make_record(RING),
        )
        self._take(Groups.none(schema.n_features, self._column))
        self._members = np.empty(0, dtype=np.int64)  # ids of the rows that the groups were formed of, ascending

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the record out of an array again: one that NumPy has unpickled drops what is written to its fields."""
        vars(self).update(state)
        (ring,) = np.array([self._rows.ring])
        self._rows = self._rows._replace(ring=ring)

    def __len__(self) -> int:
        return int(self._rows.ring["held"])

    @property
    def _slots(self) -> NDArray[np.int64]:
        """Slots of the rows held, oldest first."""
        return (self._rows.ring["oldest"] + np.arange(len(self))) % len(self._rows.X)

    @property
    def held(self) -> NDArray[np.float32]:
        """The rows, oldest first."""
        return self._rows.X[self._slots]

    @property
    def row_ids(self) -> NDArray[np.int64]:
        """Their ids, oldest first."""
        return self._rows.row_ids[self._slots]

    def advance(
        self,
        X: NDArray[np.float32],
        row_ids: NDArray[np.int64],
        keys: tuple[int, int, np.uint64, np.int64, int, NDArray[np.float64]],
        ops: tuple[NDArray[np.int64], ...],
        out: tuple[NDArray[Any], ...],
    ) -> None:
        """Carry out the class's operations, forming groups where they are due.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features), float32
            The rows of the micro-batch.
        row_ids : ndarray of shape (n_samples,), int64
            Their identities.
        keys : tuple
            Code and label of the class; seed and stream of its draws; the rest is not needed here.
        ops : tuple of ndarray
            What `resampler.kernels.online.window.plan` has listed: class, row, count and place of each operation.
        out : tuple of ndarray
            What `make_output` gave; the synthetic rows of the class are written.
        """
        op = 0
        while op < len(ops[0]):
            self._renew()
            code, label, seed, stream = keys[:4]
            given = code, label, seed, stream, self._size, SPAN, self._grids
            op = advance(self._rows, self._groups, self._edges, X, row_ids, *given, ops, op, out)

    def _renew(self) -> None:
        """Form groups anew if they are due."""
        if not self._rows.ring["due"]:
            return
        self._rows.ring["due"] = False
        self._rows.ring["newcomers"] = 0
        self._members = np.sort(self.row_ids)
        formed = form_groups(
            self.held,
            self.row_ids,
            group_size=self._size,
            k_neighbors=self._k,
            categorical=self._schema.categorical_mask,
            names=self._schema.names,
            listed=self._listed,
        )
        # What causes a row keys its draws, so that groups need no identities.
        self._take(formed._replace(id=np.empty(0, dtype=np.int64)))

    def _take(self, groups: Groups) -> None:
        """Make these the groups, in the layout of kernels."""
        none = Groups.none(self._schema.n_features, self._column)
        self._groups = Groups(*(as_kernel_array(a, b.dtype) for a, b in zip(groups, none, strict=True)))
        self._edges = np.cumsum(self._groups.size)

    def forget(self, row_ids: ArrayLike) -> int:
        """Delete rows; groups that were formed of one are formed anew, or none are left.

        Parameters
        ----------
        row_ids : array-like of int64
            Ids that are not there are passed over.

        Returns
        -------
        int
            How many rows left.
        """
        gone = np.zeros(len(self._rows.X), dtype=np.bool_)
        gone[self._slots] = np.isin(self.row_ids, row_ids)
        left = keep_rows(self._rows, gone)
        if left or np.isin(self._members, row_ids).any():
            enough = len(self) >= 2 * self._size
            self._rows.ring["due"] = enough
            if not enough:
                self._rows.ring["newcomers"] = len(self)
            self._members = self._members[:0]
            self._take(Groups.none(self._schema.n_features, self._column))
        return int(left)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Save what is held, and the groups.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        self._renew()
        saved: dict[str, NDArray[np.generic]] = {"rows": self.held, "row_ids": self.row_ids, "members": self._members}
        saved["newcomers"] = np.array([self._rows.ring["newcomers"]])
        return saved | {f"groups_{name}": array for name, array in self._groups._asdict().items()}

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> None:
        """Read back what `to_arrays` gave.

        Parameters
        ----------
        saved : dict of str to ndarray
            Of rows of the same parameters.

        Raises
        ------
        CorruptStateError
            If groups and rows do not belong together.
        """
        rows, ring = self._rows, self._rows.ring
        n = len(saved["rows"])
        none = Groups.none(self._schema.n_features, self._column)
        groups = Groups._make(saved[f"groups_{name}"] for name in Groups._fields)
        if n > len(rows.X) or n != len(saved["row_ids"]) or [a.ndim for a in groups] != [a.ndim for a in none]:
            raise CorruptStateError("saved OnlineResampler has groups of other rows: rebuild it by replay")
        rows.X[:n], rows.row_ids[:n] = saved["rows"], saved["row_ids"]
        ring["oldest"], ring["held"], ring["due"] = 0, n, False
        ring["newcomers"] = saved["newcomers"][0]
        self._members = as_kernel_array(saved["members"], np.int64)
        self._take(groups)
