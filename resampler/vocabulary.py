"""`Vocabulary`: the values that a coded column or a label may take, and the numbers that rows hold for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A closed list of values and the code of each.

    Parameters
    ----------
    values : tuple of (str or int)
        What stands outside the resampler; empty where the column is not closed.
    codes : tuple of int
        What rows hold for each value.
    """

    values: tuple[str, ...] | tuple[int, ...]
    codes: tuple[int, ...]

    @classmethod
    def numbered(cls, values: tuple[str, ...] | tuple[int, ...]) -> Vocabulary:
        """Give each value its place in the list as its code.

        Parameters
        ----------
        values : tuple of (str or int)
            Distinct.

        Returns
        -------
        Vocabulary
            With the codes 0, 1, ...
        """
        return cls(values, tuple(range(len(values))))

    def __len__(self) -> int:
        return len(self.values)

    def by_text(self) -> dict[bytes, int]:
        """Return the code of each value by its text.

        Returns
        -------
        dict of bytes to int
            Keys are UTF-8.
        """
        return {str(value).encode(): code for value, code in zip(self.values, self.codes, strict=True)}

    def to_arrow(self) -> pa.Array:
        """Return the values as an Arrow array.

        Returns
        -------
        pyarrow.Array
            Of type string or int64, in the order of the list.
        """
        import pyarrow as pa

        whole = bool(self.values) and isinstance(self.values[0], int)
        return pa.array(self.values, pa.int64() if whole else pa.string())

    def decode(self, codes: NDArray[np.number]) -> pa.Array:
        """Return the values that codes stand for.

        Parameters
        ----------
        codes : ndarray of shape (n,), integer or floating
            Codes of this vocabulary, as a feature (float32) or a label (int64) holds them.

        Returns
        -------
        pyarrow.Array
            Of type string or int64.

        Raises
        ------
        ValueError
            If a number is none of the codes.
        """
        import pyarrow as pa

        order = np.argsort(self.codes)
        known = np.asarray(self.codes, dtype=np.int64)[order]
        at = np.searchsorted(known, codes).clip(max=max(0, len(known) - 1))
        unknown = known[at] != codes if len(known) else np.ones(len(codes), dtype=np.bool_)
        if unknown.any():
            raise ValueError(f"code {codes[unknown.argmax()]} stands for none of the {len(known)} values")
        return self.to_arrow().take(pa.array(order[at]))

    def encode(self, values: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the codes of values.

        Parameters
        ----------
        values : pyarrow.Array or pyarrow.ChunkedArray
            Of the type of `to_arrow`.

        Returns
        -------
        codes : ndarray of shape (n,), int64
            0 where a value is null or none of the list.
        known : ndarray of shape (n,), bool
            Where it is one of the list.
        """
        import pyarrow.compute as pc

        places = np.asarray(pc.fill_null(pc.index_in(values, value_set=self.to_arrow()), -1))
        known = places >= 0
        codes = np.zeros(len(places), dtype=np.int64)
        codes[known] = np.asarray(self.codes, dtype=np.int64)[places[known]]
        return codes, known
