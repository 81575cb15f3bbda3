"""`Reference`: the version that a stream's rows are counted against, matched with the stream's contract."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.columns import CATEGORICAL
from resampler.dtypes import BOOLEAN, INTEGER, TEXT
from resampler.errors import DataError
from resampler.kernels.counting import CELLS, NULL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.columns import Column
    from resampler.profile.cells import Cells
    from resampler.profile.profile import Profile
    from resampler.schema import FeatureSchema

MAX_CODE = (1 << 16) - 1  # of an integer category without a list: every code up to it has a place in a table
_FAMILIES = {str: TEXT, bool: BOOLEAN, int: INTEGER}


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A version's profile, as a stream's rows are counted in it.

    Parameters
    ----------
    name : str
        Of the version, for people.
    cells : dict of str to Cells
        Of the features that are counted, in the contract's order.
    before : ndarray of shape (n_counted, 65), int64
        Of the same: counts of the real rows of the training split, in the places of the kernel that counts.
    ordered : ndarray of shape (n_counted,), bool
        Which of them are numbers.
    columns : ndarray of shape (n_counted,), intp
        Their places in the contract.
    left_out : tuple of str
        A line for each feature that is not counted, on either side: which, and why.
    categories : dict of str to sequence
        Of the categorical ones, the value of each code.
    """

    name: str
    cells: dict[str, Cells]
    before: NDArray[np.int64]
    ordered: NDArray[np.bool_]
    columns: NDArray[np.intp]
    left_out: tuple[str, ...]
    categories: dict[str, Sequence[Any]]

    @classmethod
    def matched(cls, name: str, profile: Profile, schema: FeatureSchema) -> Reference:
        """Match a profile with a contract.

        Parameters
        ----------
        name : str
            Of the version, for people.
        profile : Profile
            Of the version.
        schema : FeatureSchema
            The stream's contract.

        Returns
        -------
        Reference
            Of the features that both have in the same sense.

        Raises
        ------
        DataError
            If there are none, or the version's training split has no real row.
        """
        names = set(schema.names)
        left_out = [
            f"{feature!r} is no column of the stream's contract" for feature in profile.cells if feature not in names
        ]
        cells: dict[str, Cells] = {}
        for column in schema.columns:
            found = profile.cells.get(column.name)
            if found is None or (why := _mismatch(column, found)):
                left_out.append(f"{column.name!r} {'is no feature of the version' if found is None else why}")
            else:
                cells[column.name] = found
        if not cells:
            raise DataError(
                f"no column of the stream's contract can be counted against {name}: {'; '.join(left_out[:5])}; name "
                "the version whose features the stream holds"
            )
        before = np.stack([_in_places(profile.counts(f, "train", synthetic=False)) for f in cells])
        if not before[0].sum():
            raise DataError(f"{name} has no real rows of training to count against: name a version that has")
        counted = [(place, column) for place, column in enumerate(schema.columns) if column.name in cells]
        return cls(
            name=name,
            cells=cells,
            before=before,
            ordered=np.array([not of.categorical for of in cells.values()]),
            columns=np.array([place for place, _ in counted], dtype=np.intp),
            left_out=tuple(left_out),
            categories={
                column.name: _values_of_codes(column, cells[column.name])
                for _, column in counted
                if column.kind == CATEGORICAL
            },
        )

    @property
    def digest(self) -> str:
        """The sha256 of what decides how rows are counted: counts of equal digests add up."""
        data = json.dumps(self.described(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(data.encode()).hexdigest()

    def described(self) -> dict[str, Any]:
        """Describe the cells.

        Returns
        -------
        dict
            JSON types, by feature in the contract's order.
        """
        return {feature: asdict(cells) for feature, cells in self.cells.items()}


def _mismatch(column: Column, cells: Cells) -> str:
    """Say why a column cannot be counted; empty if it can."""
    if cells.categorical != (column.kind == CATEGORICAL):
        kinds = ("a category", "a number") if cells.categorical else ("a number", "a category")
        return f"is {kinds[0]} in the version and {kinds[1]} in the stream"
    if not cells.categorical:
        edges = np.asarray(cells.edges, dtype=np.float64)
        if len(np.unique(edges.astype(np.float32))) < len(edges):
            return "has bins in the version that are one and the same in float32, as the stream's rows are"
        return ""
    families = {_FAMILIES[type(value)] for value in cells.values}
    if families - {column.type.family}:
        return f"holds {min(families)} in the version and {column.type.family} in the stream"
    if not column.values and any(not 0 <= int(value) <= MAX_CODE for value in cells.values):
        return f"has categories below 0 or above {MAX_CODE} in the version: list them in the contract"
    return ""


def _in_places(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return counts of a feature's cells where the kernel has them."""
    out = np.zeros(CELLS + 1, dtype=np.int64)
    out[: len(counts) - 1], out[NULL] = counts[:-1], counts[-1]
    return out


def _values_of_codes(column: Column, cells: Cells) -> Sequence[Any]:
    """Return the value of each code; codes beyond are other values."""
    if column.values:
        return column.values
    if column.type.family == BOOLEAN:
        return False, True
    return range(max((int(value) for value in cells.values), default=-1) + 1)
