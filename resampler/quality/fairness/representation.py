"""Which subgroups have more than their share of a class's synthetic rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from resampler.errors import InvalidInputError
from resampler.quality.fairness.groups import Groups, ranges
from resampler.quality.intervals import difference_interval
from resampler.quality.statistics import deviations, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

_FEW = 20  # distinct numbers of a column that are groups as they are; more are cut into ranges


class Representation(NamedTuple):
    """One subgroup of one class.

    Parameters
    ----------
    label : str
        The class.
    group : str
        Name of the subgroup.
    real, synthetic : int
        Its rows.
    share_of_real, share_of_synthetic : float
        Of the class's rows of that kind.
    interval : tuple of (float, float)
        Of ``share_of_synthetic - share_of_real``, of all subgroups of the class at once.
    """

    label: str
    group: str
    real: int
    synthetic: int
    share_of_real: float
    share_of_synthetic: float
    interval: tuple[float, float]

    @property
    def over_represented(self) -> bool:
        """Whether synthetic rows are more often of the subgroup than real ones, by more than chance does."""
        return self.interval[0] > 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields and `over_represented`.
        """
        return self._asdict() | {"interval": list(self.interval), "over_represented": self.over_represented}


def representation(
    sensitive_features: Mapping[str, Any] | pa.Table,
    *,
    labels: ArrayLike,
    is_synthetic: ArrayLike,
    level: float = 0.95,
) -> list[Representation]:
    """Compare the subgroups of synthetic rows with those of the real rows of their class.

    Parameters
    ----------
    sensitive_features : mapping of str to array-like, or pyarrow.Table
        Columns of a training split, crossed; numbers of more than 20 values are cut into five ranges.
    labels : array-like of shape (n_rows,)
        Their classes.
    is_synthetic : array-like of shape (n_rows,), bool
        Which rows are synthetic.
    level : float
        How often the intervals of a class hold the truth at once (Bonferroni).

    Returns
    -------
    list of Representation
        Of the classes that have synthetic rows, in order, the most over-represented subgroup first.

    Raises
    ------
    InvalidInputError
        If columns have other lengths, or make too many groups.

    Examples
    --------
    A published version, `version = open_version("fraud:prod", catalog=...)`::

        columns = ["country", version.label, version.synthetic]
        rows = version.read("train", columns)
        representation(
            rows.select(["country"]), labels=rows[version.label], is_synthetic=rows[version.synthetic]
        )
    """
    columns = sensitive_features
    names = columns.column_names if hasattr(columns, "column_names") else list(columns)
    made = np.asarray(is_synthetic, dtype=np.bool_)
    groups = Groups.of({name: _grouped(columns[name]) for name in names})
    of = Groups.of({"class": labels})
    if not len(made) == len(groups.codes) == len(of.codes):
        raise InvalidInputError(
            f"is_synthetic has {len(made)} rows, labels {len(of.codes)} and sensitive_features {len(groups.codes)}: "
            "give columns of the same rows"
        )
    n_groups = len(groups.values)
    cells = (of.codes * n_groups + groups.codes) * 2 + made
    counts = np.bincount(cells, minlength=2 * n_groups * len(of.values)).reshape(len(of.values), n_groups, 2)
    found = []
    for (label,), by_group in zip(of.values, counts, strict=True):
        real, synthetic = by_group.T
        if synthetic.any():
            found += _of_class(label, groups, real, synthetic, level)
    return found


def _of_class(label: Any, groups: Groups, real: Any, synthetic: Any, level: float) -> list[Representation]:
    present = np.flatnonzero(real + synthetic)
    z = deviations(1 - (1 - level) / len(present))
    shares = [counts / max(counts.sum(), 1) for counts in (synthetic, real)]
    ends = [wilson(counts, np.full(len(counts), counts.sum()), z) for counts in (synthetic, real)]
    low, high = difference_interval((shares[0], *ends[0]), (shares[1], *ends[1]))
    order = present[np.argsort((shares[1] - shares[0])[present], kind="stable")]
    return [
        Representation(
            str(label),
            groups.word(at),
            int(real[at]),
            int(synthetic[at]),
            float(shares[1][at]),
            float(shares[0][at]),
            (float(low[at]), float(high[at])),
        )
        for at in order.tolist()
    ]


def _grouped(column: Any) -> Any:
    """Return a column as it is, or cut into ranges where it has many numbers."""
    dtype = getattr(column, "type", None)
    if isinstance(dtype, pa.DataType) and not (pa.types.is_integer(dtype) or pa.types.is_floating(dtype)):
        return column  # text would become objects
    array = np.asarray(column)
    if array.dtype.kind not in "iuf" or len(np.unique(array[:100_000])) <= _FEW:
        return column
    return ranges(column)
