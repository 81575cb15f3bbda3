"""The real rows that a method looks at, as numbers: in this process, or mapped by tasks; and synthetic rows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.making.encoded import Encoded, encode_by_parts
from feast_plugin.versions.making.made import make_by_parts
from feast_plugin.versions.making.mapped import Mapped
from feast_plugin.versions.making.matrix import decode, encode, folded, whole_numbers, wide_columns
from feast_plugin.versions.making.nulls import may_be_parents
from resampler.methods.place import build, build_integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract, StoredFeature
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.engines.workplace import Workplace
    from resampler.methods.parameters import Missing
    from resampler.methods.provenance import Provenance


class Here(NamedTuple):
    """Real rows that a method looks at, in the memory of this process.

    Parameters
    ----------
    matrix : ndarray of shape (n_parental, n_features)
        Those that may be parents.
    parental : ndarray of shape (n_rows,), bool
        Which of all these are.
    vocabularies, contract
        As in `decode`.
    wide : list of (StoredFeature, slice, pyarrow.Array)
        Integers that a float64 does not hold, of the rows of `matrix`.
    """

    matrix: NDArray[Any]
    parental: NDArray[np.bool_]
    vocabularies: dict[str, pa.Array]
    contract: Contract
    wide: list[tuple[StoredFeature, slice, pa.Array]]

    def made(self, made: Provenance) -> pa.Table:
        """Make synthetic rows.

        Parameters
        ----------
        made : Provenance
            Of the rows; positions are those of `matrix`.

        Returns
        -------
        pyarrow.Table
            Feature columns.
        """
        values = build(self.matrix, made)
        for at, j in enumerate(made.categorical_features):
            values[:, j] = self.matrix[made.donor[:, at], j]
        numbers = decode(values, self.contract, self.vocabularies)
        return _with_wide_integers(numbers, made, self.wide, self.matrix, values) if self.wide else numbers


class ByParts(NamedTuple):
    """Real rows that a method looks at, mapped by tasks.

    Parameters
    ----------
    place : Workplace
        Whose engine makes rows.
    encoded : Encoded
        Real rows.
    contract : Contract
        Of the columns.
    """

    place: Workplace
    encoded: Encoded
    contract: Contract

    @property
    def matrix(self) -> NDArray[Any]:
        """Those that may be parents."""
        return self.encoded.matrix

    @property
    def parental(self) -> NDArray[np.bool_]:
        """Which of all these are."""
        return self.encoded.parental

    def made(self, made: Provenance) -> Mapped:
        """Make synthetic rows.

        Parameters
        ----------
        made : Provenance
            Of the rows; positions are those of `matrix`.

        Returns
        -------
        Mapped
            The files that tasks left them in.
        """
        return make_by_parts(self.place, "made", made, self.encoded, self.contract)


def looked_at(
    rows: CanonicalRows, seen: NDArray[np.int64], contract: Contract, missing: Missing, place: Workplace | None
) -> Here | ByParts:
    """Return the rows that a method looks at, as numbers.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    seen : ndarray of shape (n_rows,), int64
        Their positions in it.
    contract : Contract
        Its columns, measured.
    missing : {"refuse", "complete", "inherit"}
        Whether rows with nulls may be parents.
    place : Workplace or None
        Whose engine encodes them; None for this process.

    Returns
    -------
    Here or ByParts
        Both have `matrix`, `parental` and `made`.
    """
    if place is not None:
        source = Mapped.canonical(rows, seen, place, "looked-at")
        return ByParts(place, encode_by_parts(place, "matrix", [source], contract, missing), contract)
    real = rows.take([c.name for c in contract.columns], seen)
    matrix, vocabularies = encode(real, contract)
    parental = may_be_parents(matrix, missing)
    wide = [
        (c, span, real[c.name].filter(pa.array(parental)).combine_chunks()) for c, span in wide_columns(real, contract)
    ]
    return Here(matrix[parental], parental, vocabularies, contract, wide)


def _with_wide_integers(
    table: pa.Table,
    made: Provenance,
    wide: list[tuple[StoredFeature, slice, pa.Array]],
    matrix: NDArray[Any],
    values: NDArray[Any],
) -> pa.Table:
    """Make the columns of integers that a float64 does not hold in integers."""
    for c, span, held in wide:
        flat = whole_numbers(held, c)
        made_of = [
            build_integers(flat[:, at], made, matrix[:, j], values[:, j])
            for at, j in enumerate(range(span.start, span.stop))
        ]
        column = folded(np.stack(made_of, axis=1), np.isnan(values[:, span]), c)
        table = table.set_column(table.schema.get_field_index(c.name), c.name, column)
    return table
