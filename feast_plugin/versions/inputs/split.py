"""Which split a row belongs to: by time, by group, stratified by class, or as a column says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.identity import hash_values, seeded_rank
from resampler.metric import check_ratio

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
TRAIN = 0
LEFT_OUT = 255  # of every split: a training row that undersampling dropped
FORMS = "time:0.7,0.15,0.15 | group:COLUMN:0.7,0.15,0.15 | stratified:0.7,0.15,0.15 | column:COLUMN"


@dataclass(frozen=True, slots=True)
class SplitRule:
    """How rows are divided among train, validation and test.

    Parameters
    ----------
    kind : {"time", "group", "stratified", "column"}
        `time` cuts at two instants, no instant standing on both sides. `group` keeps all rows of one value of
        `column` together and counts groups, as scikit-learn's GroupShuffleSplit does. `stratified` cuts each
        class alike. `column` reads the split's name from `column`.
    column : str, optional
        For `group` and `column`.
    fractions : tuple of float
        Shares of train, validation and test; they sum to 1, and train's is positive. Empty for `column`.
    """

    kind: str
    column: str | None = None
    fractions: tuple[float, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SplitRule:
        """Read a rule as the command line writes it.

        Parameters
        ----------
        text : str
            One of the forms in `FORMS`.

        Returns
        -------
        SplitRule
            The rule.

        Raises
        ------
        InvalidInputError
            If the text has none of these forms, or the fractions are not three shares that sum to 1.
        """
        kind, _, rest = text.partition(":")
        column: str | None = None
        if kind in ("group", "column"):
            column, _, rest = rest.partition(":") if kind == "group" else (rest, "", "")
            if not column:
                raise InvalidInputError(f"split {text!r} names no column: write it as {FORMS}")
        if kind == "column":
            return cls(kind, column)
        if kind not in ("time", "group", "stratified"):
            raise InvalidInputError(f"split {text!r} is unknown: write it as {FORMS}")
        try:
            fractions = tuple(float(part) for part in rest.split(","))
        except ValueError:
            fractions = ()
        if (
            len(fractions) != len(SPLITS)
            or not all(math.isfinite(f) and f >= 0 for f in fractions)
            or fractions[TRAIN] == 0
            or abs(sum(fractions) - 1) > 1e-9
        ):
            raise InvalidInputError(
                f"split {text!r} must give three shares of 0 or more, train's above 0, that sum to 1: as {FORMS}"
            )
        return cls(kind, column, fractions)

    def __str__(self) -> str:
        parts = [self.kind, *([self.column] if self.column else [])]
        if self.fractions:
            parts.append(",".join(repr(fraction) for fraction in self.fractions))
        return ":".join(parts)

    def assign(
        self,
        *,
        timestamps: NDArray[np.int64] | None,
        row_id: NDArray[np.int64],
        label: NDArray[np.int64],
        values: pa.ChunkedArray | None,
        seed: int,
    ) -> NDArray[np.uint8]:
        """Give each row its split.

        Parameters
        ----------
        timestamps : ndarray of shape (n_rows,), int64, or None
            Event times in microseconds, ascending; None where rows have none.
        row_id : ndarray of shape (n_rows,), int64
            Identities, which the stratified draw is keyed on.
        label : ndarray of shape (n_rows,), int64
            Classes.
        values : pyarrow.ChunkedArray of shape (n_rows,), optional
            The rule's column.
        seed : int
            Keys the draws.

        Returns
        -------
        ndarray of shape (n_rows,), uint8
            Positions in `SPLITS`.

        Raises
        ------
        InvalidInputError
            If the rule is `time` and rows have none.
        DataError
            If a value of the column is null or no split's name, or a split with a share gets no row.
        """
        if values is not None and values.null_count:
            raise DataError(f"split {str(self)!r}: column {self.column!r} must have no null, got {values.null_count}")
        if values is not None:
            assignment = self._by_group(values, seed) if self.kind == "group" else self._by_name(values)
        elif self.kind == "time":
            if timestamps is None:
                raise InvalidInputError(
                    f"split {str(self)!r} needs event times, and rows have none: name their column (timestamp), or "
                    "split in another way, such as stratified:0.7,0.15,0.15"
                )
            assignment = self._by_time(timestamps)
        else:
            assignment = self._by_class(row_id, label, seed)
        sizes = np.bincount(assignment, minlength=len(SPLITS))
        wanted = self.fractions or (1.0, 0.0, 0.0)
        for split, size, share in zip(SPLITS, sizes, wanted, strict=True):
            if share > 0 and size == 0:
                raise DataError(
                    f"split {str(self)!r} leaves {split} without a row among {len(label)} rows: "
                    "change the shares or the kind of split"
                )
        return assignment

    def _cuts(self, n: int) -> NDArray[np.int64]:
        return np.rint(np.cumsum(self.fractions)[:-1] * n).astype(np.int64)

    def _by_time(self, timestamps: NDArray[np.int64]) -> NDArray[np.uint8]:
        n = len(timestamps)
        last = timestamps[-1] + 1
        instants = [timestamps[cut] if cut < n else last for cut in self._cuts(n)]
        return np.searchsorted(np.array(instants), timestamps, side="right").astype(np.uint8)

    def _by_rank(self, keys: NDArray[np.uint64]) -> NDArray[np.uint8]:
        out = np.empty(len(keys), dtype=np.uint8)
        out[np.argsort(keys, kind="stable")] = np.searchsorted(
            self._cuts(len(keys)), np.arange(len(keys)), side="right"
        )
        return out

    def _by_class(self, row_id: NDArray[np.int64], label: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
        keys = seeded_rank(row_id.view(np.uint64), seed)
        out = np.empty(len(label), dtype=np.uint8)
        for code in np.unique(label):
            members = np.flatnonzero(label == code)
            out[members] = self._by_rank(keys[members])
        return out

    def _by_group(self, values: pa.ChunkedArray, seed: int) -> NDArray[np.uint8]:
        groups, members = np.unique(hash_values(values), return_inverse=True)
        return self._by_rank(seeded_rank(groups, seed))[members]

    def _by_name(self, values: pa.ChunkedArray) -> NDArray[np.uint8]:
        names = values.combine_chunks().dictionary_encode()
        known = {name: code for code, name in enumerate(SPLITS)}
        strangers = [name for name in names.dictionary.to_pylist() if name not in known]
        if strangers:
            raise DataError(
                f"split {str(self)!r}: column {self.column!r} must say one of {SPLITS}, got {strangers[0]!r}"
            )
        codes = np.array([known[name] for name in names.dictionary.to_pylist()], dtype=np.uint8)
        return codes[names.indices.to_numpy()]


def undersample(
    assignment: NDArray[np.uint8],
    *,
    label: NDArray[np.int64],
    row_id: NDArray[np.int64],
    ratio: float | Decimal,
    seed: int,
) -> NDArray[np.uint8]:
    """Leave training rows of the larger classes out until the smallest has `ratio` times as many rows as each.

    Parameters
    ----------
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row.
    label : ndarray of shape (n_rows,), int64
        Classes.
    row_id : ndarray of shape (n_rows,), int64
        Identities; which rows stay is drawn by them, so a row's fate changes only when its class's quota does.
    ratio : float or decimal.Decimal
        Smallest : larger class afterwards, above 0 and at most 1; a decimal number is exact.
    seed : int
        Keys the draw.

    Returns
    -------
    ndarray of shape (n_rows,), uint8
        A copy, `LEFT_OUT` where a row was dropped. Validation and test are as they were.

    Raises
    ------
    InvalidInputError
        If `ratio` is out of range.
    DataError
        If no class is large enough to lose a row.
    """
    check_ratio("undersample", float(ratio) if isinstance(ratio, Decimal) else ratio)
    train = assignment == TRAIN
    codes, sizes = np.unique(label[train], return_counts=True)
    quota = int(int(sizes.min()) / ratio)
    if sizes.max() <= quota:
        raise DataError(
            f"undersample={ratio} drops no row: the smallest class has {sizes.min()} rows for {sizes.max()} of the "
            "largest; ask for more or leave it out"
        )
    out = assignment.copy()
    for code in codes[sizes > quota]:
        members = np.flatnonzero(train & (label == code))
        keys = seeded_rank(row_id[members].view(np.uint64), seed)
        out[members[np.argsort(keys, kind="stable")[quota:]]] = LEFT_OUT
    return out
