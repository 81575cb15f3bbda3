"""`ClassWindow`: real and synthetic rows of each class among the last that an online learner has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.quality.prior.correct import correct_prior
from resampler.quality.prior.counts import ClassCounts
from resampler.state import dump_state, load_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from resampler.provenance import MicroBatch

MAX_CLASSES = 64
REAL, SYNTHETIC, DROPPED = range(3)  # kinds of rows
PRIOR_ROWS = 0.5  # of each class, so that one that has not come lately keeps a chance


class ClassWindow:
    """Count real and synthetic rows of each class among the last rows of a stream.

    Parameters
    ----------
    rows : int
        How many rows back. As far as the learner remembers: where it forgets fast, a long window corrects it by shares
        that it no longer has.

    Raises
    ------
    InvalidInputError
        If `rows` is no number from 1 to 100,000,000.

    Notes
    -----
    Takes a byte a row, and some 10 ns in large batches. How rows are cut into batches changes nothing, unless `update`
    is given the labels of rows that under-sampling left out: these then count as the batch's last. Saved with the
    learner and the feed's cursors in one step, it goes on exactly where they do.

    Examples
    --------
    >>> import numpy as np
    >>> from resampler import FeatureSchema, OnlineResampler
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1000, 2)), np.arange(1000) % 20 == 0
    >>> batch = OnlineResampler(FeatureSchema.numeric(["a", "b"]), ratio=0.5).process(X, y, np.arange(1000))
    >>> window = ClassWindow(10_000)
    >>> window.update(batch)
    >>> window.real
    {0: 950, 1: 50}
    >>> window.correct([[0.5, 0.5]]).round(2).tolist()
    [[0.9, 0.1]]
    """

    def __init__(self, rows: int = 10_000) -> None:
        if not isinstance(rows, int | np.integer) or isinstance(rows, bool) or not 1 <= rows <= 100_000_000:
            raise InvalidInputError(f"rows must be a whole number from 1 to 100,000,000, got {rows!r}")
        self.rows = int(rows)
        self._labels = np.empty(0, dtype=np.int64)  # in order of appearance
        self._ring = np.empty(self.rows, dtype=np.uint8)  # three a class: its kinds
        self._seen = 0
        self._counts = np.zeros(3 * MAX_CLASSES, dtype=np.int64)

    def update(self, batch: MicroBatch, y: ArrayLike | None = None) -> None:
        """Count the next rows.

        Parameters
        ----------
        batch : MicroBatch
            Of a feed, or of an `OnlineResampler`.
        y : array-like of shape (n_samples,), integer, optional
            Labels of the rows that went into the resampler, where under-sampling leaves some out: these are real rows
            that nobody has learned from. A feed does not carry them.

        Raises
        ------
        InvalidInputError
            If there are more than 64 classes, or `y` lacks rows that the batch has; nothing changes.
        """
        labels = np.asarray(batch.y, dtype=np.int64)
        kinds = np.asarray(batch.is_synthetic, dtype=np.uint8)
        if y is not None:
            given = np.asarray(y).astype(np.int64)
            values, came = np.unique(given, return_counts=True)
            real = labels[kinds == REAL]
            left = came - np.array([np.count_nonzero(real == one) for one in values], dtype=np.int64)
            if (left < 0).any() or not np.isin(real, values).all():
                raise InvalidInputError("y must hold the label of every real row of the batch, and of those left out")
            labels = np.concatenate([labels, np.repeat(values, left)])
            kinds = np.concatenate([kinds, np.full(int(left.sum()), DROPPED, dtype=np.uint8)])
        if not len(labels):
            return
        self._count(self._codes(labels) * np.uint8(3) + kinds)

    def _codes(self, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the places of labels among those that have come; new ones are put behind them."""
        found = self._places(labels)
        if found is None:
            new = [one for one in np.unique(labels).tolist() if one not in self._labels]
            if len(self._labels) + len(new) > MAX_CLASSES:
                raise InvalidInputError(f"a stream may have {MAX_CLASSES} classes at most, got one more: {new[-1]}")
            self._labels = np.append(self._labels, np.array(new, dtype=np.int64))
            found = self._places(labels)
            assert found is not None, "all are known"  # noqa: S101
        return found

    def _places(self, labels: NDArray[np.int64]) -> NDArray[np.uint8] | None:
        """Return the places of labels; None where one of them is new."""
        if not len(self._labels):
            return None
        order = np.argsort(self._labels)
        known = self._labels[order]
        at = np.minimum(np.searchsorted(known, labels), len(known) - 1)
        return order.astype(np.uint8)[at] if (known[at] == labels).all() else None

    def _count(self, codes: NDArray[np.uint8]) -> None:
        kept = codes[-self.rows :]
        start = (self._seen + len(codes) - len(kept)) % self.rows
        first = min(len(kept), self.rows - start)  # the others begin the ring again
        parts = ((slice(start, start + first), kept[:first]), (slice(0, len(kept) - first), kept[first:]))
        for at, new in parts:
            # Where the ring is not full yet, its places behind those seen hold nothing.
            held = self._ring[at][: max(0, min(self._seen, self.rows) - at.start)]
            self._counts -= np.bincount(held, minlength=len(self._counts))
            self._counts += np.bincount(new, minlength=len(self._counts))
            self._ring[at] = new
        self._seen += len(codes)

    def _by_class(self, *kinds: int) -> dict[int, int]:
        table = self._counts.reshape(-1, 3)[: len(self._labels)]
        found = dict(zip(self._labels.tolist(), table[:, list(kinds)].sum(axis=1).tolist(), strict=True))
        return dict(sorted(found.items()))

    @property
    def real(self) -> dict[int, int]:
        """Real rows by class, those that under-sampling left out included."""
        return self._by_class(REAL, DROPPED)

    @property
    def synthetic(self) -> dict[int, int]:
        """Synthetic rows by class."""
        return self._by_class(SYNTHETIC)

    @property
    def trained(self) -> dict[int, int]:
        """Rows by class that a learner has seen, real and synthetic."""
        return self._by_class(REAL, SYNTHETIC)

    @property
    def class_counts(self) -> ClassCounts:
        """Real rows, and rows that a learner has seen."""
        return ClassCounts(self.real, self.trained)

    def correct(self, proba: ArrayLike, classes: Sequence[Any] | None = None) -> NDArray[Any]:
        """Map probabilities of a learner of these rows back to the real shares of the window.

        Parameters
        ----------
        proba : array-like of shape (n_rows, n_classes) or (n_rows,)
            As `correct_prior` takes them.
        classes : sequence of int, optional
            The learner's, in the order of the columns; by default those that the window has seen; 0 and 1 before
            it has seen two.

        Returns
        -------
        ndarray of the shape of `proba`
            As `correct_prior` returns them.

        Raises
        ------
        InvalidInputError, DataError
            As `correct_prior`.

        Notes
        -----
        Half a row of each class is added on both sides, so that a class that has not come in the window keeps a
        chance, and a window without rows changes nothing.
        """
        if classes is None:
            classes = sorted(self._labels.tolist()) if len(self._labels) > 1 else (0, 1)
        real, trained = self.real, self.trained
        names = [int(one) for one in classes]
        return correct_prior(
            proba,
            trained=[trained.get(one, 0) + PRIOR_ROWS for one in names],
            real=[real.get(one, 0) + PRIOR_ROWS for one in names],
            classes=names,
        )

    def to_bytes(self) -> bytes:
        """Save the window.

        Returns
        -------
        bytes
            For `from_bytes`; versioned and checksummed.
        """
        held = min(self._seen, self.rows)
        last = self._ring[np.arange(self._seen - held, self._seen) % self.rows]
        return dump_state("ClassWindow", {"rows": self.rows}, {"labels": self._labels, "last": last})

    @classmethod
    def from_bytes(cls, data: bytes) -> ClassWindow:
        """Read back a saved window, which then counts on as the saved one would have.

        Parameters
        ----------
        data : bytes
            What `to_bytes` gave.

        Returns
        -------
        ClassWindow
            Equal in all that can be observed.

        Raises
        ------
        InvalidInputError
            If `data` is no bytes.
        CorruptStateError
            If the bytes are damaged or of another format version.
        """
        meta, arrays = load_state("ClassWindow", data)
        window = cls(meta["rows"])
        window._labels = arrays["labels"]
        if len(arrays["last"]):
            window._count(arrays["last"])
        return window
