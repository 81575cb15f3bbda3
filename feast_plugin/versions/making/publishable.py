"""`Publishable`: synthetic rows with the columns of a published split, and keys that no real row has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE, Contract
from resampler.dtypes import TEXT, family_of
from resampler.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.schema import Label

SYNTHETIC_KEY = "synthetic:"


class Publishable(NamedTuple):
    """What gives synthetic rows the columns of a published split; small, and picklable.

    No synthetic row pretends to be a real entity: an integer key lies below 0 and below every real key, a string
    key begins with ``synthetic:``, each row its own.

    Parameters
    ----------
    contract : Contract
        Columns.
    schema : pyarrow.Schema
        Of the split.
    classes : Label
        What codes of classes mean.
    first : dict of str to int or None
        Of each join key, that of the first synthetic row; the others lie below it. None of a string.
    """

    contract: Contract
    schema: pa.Schema
    classes: Label
    first: dict[str, int | None]

    @classmethod
    def of(cls, rows: CanonicalRows, n: int, contract: Contract, schema: pa.Schema) -> Publishable:
        """See which keys real rows leave.

        Parameters
        ----------
        rows : CanonicalRows
            The canonical table.
        n : int
            Synthetic rows.
        contract : Contract
            Columns.
        schema : pyarrow.Schema
            Of the split.

        Returns
        -------
        Publishable
            For these rows.

        Raises
        ------
        DataError
            If a real key begins with ``synthetic:``, or an integer key leaves no room below.
        """
        first = {name: _first_key(name, rows.table[name], n, of) for name, of in contract.join_keys.items()}
        return cls(contract, schema, rows.classes, first)

    def table(
        self, features: pa.Table, label: NDArray[np.int64], times: NDArray[np.int64] | None, start: int = 0
    ) -> pa.Table:
        """Return rows as they are published.

        Parameters
        ----------
        features : pyarrow.Table of n_rows
            Feature columns.
        label : ndarray of shape (n_rows,), int64
            Their classes.
        times : ndarray of shape (n_rows,), int64, or None
            Event timestamps.
        start : int
            Number of the first of them among all synthetic rows.

        Returns
        -------
        pyarrow.Table
            In their order.
        """
        contract, n = self.contract, features.num_rows
        columns: dict[str, pa.Array | pa.ChunkedArray] = {}
        for name, key_type in contract.join_keys.items():
            first = self.first[name]
            if first is None:
                columns[name] = pa.array([f"{SYNTHETIC_KEY}{i}" for i in range(start, start + n)], pa.string())
            else:
                columns[name] = pa.array(first - np.arange(start, start + n), key_type)
        if times is not None:
            columns[TIMESTAMP] = pa.array(times, pa.int64()).cast(TIMESTAMP_TYPE)
        columns |= dict(zip(features.column_names, features.columns, strict=True))
        value = self.classes.column.to_value(label)
        columns[contract.published_label] = value.cast(self.schema.field(contract.published_label).type)
        columns[contract.published_synthetic] = pa.array(np.ones(n, dtype=np.bool_))
        return pa.table(columns, schema=self.schema)


def _first_key(name: str, real: pa.ChunkedArray, n: int, key_type: pa.DataType) -> int | None:
    if family_of(key_type) == TEXT:
        taken = pc.sum(pc.starts_with(real, SYNTHETIC_KEY)).as_py()
        if taken:
            raise DataError(
                f"join key {name!r} has {taken} values that begin with {SYNTHETIC_KEY!r}, which marks synthetic rows: "
                "rename them, or leave synthetic rows of an earlier snapshot out of the entity frame"
            )
        return None
    first: int = min(pc.min(real).as_py(), 0) - 1
    floor = np.iinfo(key_type.to_pandas_dtype()).min
    if first - n < floor:
        raise DataError(f"join key {name!r} reaches down to {first + 1}: {n} synthetic keys have no room below")
    return first
