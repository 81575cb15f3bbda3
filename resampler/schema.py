"""`FeatureSchema`, the contract: ordered names, dtypes, categorical or numeric, the label, and its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.columns import CATEGORICAL, COLUMN_RULES, INHERIT, LABEL, NUMERIC, REFUSE, Column
from resampler.errors import ContractError, InvalidInputError
from resampler.grids import Grid
from resampler.layout import as_kernel_array
from resampler.metric import MAX_SCALE, MIN_SCALE
from resampler.pickled import pickled_briefly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

FORMAT_VERSION = 1
MAX_MAGNITUDE = 1e16  # units of scale, so that no distance overflows a float32: see resampler.kernels.simd.blocks


def _listed(spec: dict[str, Any], member: str) -> tuple[Any, ...]:
    values = spec.get(member, ())
    if isinstance(values, str):  # tuple("red") would be the categories r, e and d
        raise ContractError(f"{spec.get('name')!r}: {member} must be a list, got {values!r}")
    return tuple(values)


def _grid(name: str, grid: object) -> Grid | None:
    """Return what a feature says of its grid as one: a step, or plain data."""
    if grid is None or isinstance(grid, Grid):
        return grid
    try:
        if isinstance(grid, dict):
            unknown = sorted(grid.keys() - {each.name for each in fields(Grid)})
            if unknown:
                raise InvalidInputError(f"has no member {unknown[0]!r}: have step, values, low, high, single")
            read = Grid.from_dict(grid)
            return None if read == Grid() else read  # it says nothing
        if isinstance(grid, int | float) and not isinstance(grid, bool):
            return Grid(grid)
    except (InvalidInputError, OverflowError, TypeError) as error:
        raise ContractError(f"feature {name!r}: grid: {error}") from error
    raise ContractError(f"feature {name!r}: grid must be a step, or a step, values and bounds by name, got {grid!r}")


@pickled_briefly(COLUMN_RULES)
@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the contract.

    Parameters
    ----------
    name : str
        Column name, non-empty.
    dtype : {"float32", "float64", "int8", "int16", "int32", "int64", "bool", "string"}
        Type of the column outside the resampler. Inside it every column is one float32: a numeric value
        itself, a categorical one as its code.
    categorical : bool
        Categorical columns are never interpolated. Strings are always categorical.
    categories : tuple of (str or int)
        All values of a categorical column, in code order. Empty means open: an integer column is its own code; a
        string column must be given its values before rows can be encoded.
    scale : float
        Unit of distance: a difference of `scale` counts as 1 when neighbours are sought. It moves no value.
        Without it a sensor that reads 9,000 drowns one that reads 0.03.
    nulls : {"refuse", "inherit"}
        Whether a row with a null is refused, or is a row like others: its distance to another is measured by the
        columns that both have, scaled up to all, and a synthetic row has a null where its base has one.
    grid : Grid or float, optional
        What numbers a numeric column keeps, or the step of which all are multiples: synthetic values are put on it. By
        default they may lie anywhere.

    Raises
    ------
    ContractError
        If the name is empty, the dtype unknown, the scale not from 1e-30 to 1e30, a string column numeric, a category
        repeated or of another type, the rule for nulls unknown, or the grid not one of the column's.

    Examples
    --------
    >>> Feature("amount", scale=100.0, grid=0.01).column.grid.step
    0.01
    """

    name: str
    dtype: str = "float32"
    categorical: bool = False
    categories: tuple[str, ...] | tuple[int, ...] = ()
    scale: float = 1.0
    nulls: str = REFUSE
    grid: Grid | float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", _grid(self.name, self.grid))
        column = self.column
        if not isinstance(self.categorical, bool):
            raise ContractError(f"{column}: categorical must be true or false, got {self.categorical!r}")
        if not (isinstance(self.scale, int | float) and MIN_SCALE <= self.scale <= MAX_SCALE):
            raise ContractError(f"{column}: scale must be from {MIN_SCALE:g} to {MAX_SCALE:g}, got {self.scale!r}")

    @property
    def column(self) -> Column:
        """What the feature may hold, and the numbers that rows hold for it."""
        kind = CATEGORICAL if self.categorical else NUMERIC
        return Column(self.name, self.dtype, kind, self.categories, self.nulls, _grid(self.name, self.grid))

    def to_dict(self) -> dict[str, Any]:
        """Return the feature as plain JSON types.

        Returns
        -------
        dict
            A member a parameter; the rules for nulls and grids only where they are not the defaults, a grid that is a
            step as a number.
        """
        grid = _grid(self.name, self.grid)
        said = asdict(replace(self, grid=None)) | {"categories": list(self.categories)}
        said["grid"] = grid if grid is None else grid.step if grid == Grid(grid.step) else grid.to_dict()
        for name, default in COLUMN_RULES.items():
            if said[name] == default:
                del said[name]
        return said


@dataclass(frozen=True, slots=True)
class Label:
    """The class column.

    Parameters
    ----------
    name : str
        Column name, non-empty and not the name of a feature.
    dtype : {"int64", "string"}
        Integers are their own class; strings need `classes`.
    classes : tuple of (str or int)
        The closed list of classes, in code order. Empty means that any integer is a class.

    Raises
    ------
    ContractError
        If the name is empty, the dtype unknown, a class repeated or of another type, or a string label has none.

    Examples
    --------
    >>> Label("fraud", "string", ("no", "yes")).codes
    (0, 1)
    """

    name: str
    dtype: str = "int64"
    classes: tuple[str, ...] | tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _ = self.column  # refuses what is wrong

    @property
    def column(self) -> Column:
        """What the label may hold, and the numbers that rows hold for it."""
        return Column(self.name, self.dtype, LABEL, self.classes)

    @property
    def codes(self) -> tuple[int, ...]:
        """What rows hold for `classes`: an integer itself, a string's place. Empty means any integer."""
        return self.column.codes


@dataclass(frozen=True)
class FeatureSchema:
    """Ordered, typed features and their label: what both wings and every stored row agree on.

    Parameters
    ----------
    features : tuple of Feature
        In column order. Names are distinct.
    label : Label
        The class column.

    Raises
    ------
    ContractError
        If there is no feature, two share a name, or one has the label's name.

    Examples
    --------
    >>> schema = FeatureSchema.numeric(["amount", "age"], label="fraud")
    >>> schema.names
    ('amount', 'age')
    >>> FeatureSchema.from_json(schema.to_json()) == schema
    True
    """

    features: tuple[Feature, ...]
    label: Label = field(default_factory=lambda: Label("label"))

    def __post_init__(self) -> None:
        if not self.features:
            raise ContractError("a schema needs at least one feature, got none")
        seen: set[str] = set()
        for name in (*self.names, self.label.name):
            if name in seen:
                raise ContractError(f"column names must be distinct, got {name!r} twice")
            seen.add(name)

    @classmethod
    def numeric(cls, names: Iterable[str], *, label: str = "label") -> FeatureSchema:
        """Make the schema of float32 columns `names` and an integer label.

        Parameters
        ----------
        names : iterable of str
            Column names, in order.
        label : str
            Name of the class column.

        Returns
        -------
        FeatureSchema
            All numeric, scale 1.
        """
        if isinstance(names, str):
            raise ContractError(f"names must be a list of column names, got {names!r}")
        return cls(tuple(Feature(name) for name in names), Label(label))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Feature names in column order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What each feature may hold, in column order; `label.column` has the same of the label."""
        return tuple(feature.column for feature in self.features)

    @property
    def n_features(self) -> int:
        """Number of features, the width of every row."""
        return len(self.features)

    @cached_property
    def categorical_mask(self) -> NDArray[np.bool_]:
        """Array of shape (n_features,), true where the column is categorical."""
        return np.array([feature.categorical for feature in self.features], dtype=np.bool_)

    @cached_property
    def scale(self) -> NDArray[np.float32]:
        """Array of shape (n_features,): the unit of distance of each column."""
        return np.array([feature.scale for feature in self.features], dtype=np.float32)

    @cached_property
    def nullable_mask(self) -> NDArray[np.bool_]:
        """Array of shape (n_features,), true where a null is a value."""
        return np.array([column.nullable for column in self.columns], dtype=np.bool_)

    @cached_property
    def grids(self) -> tuple[Grid | None, ...]:
        """What numbers each column keeps, in column order; None where any may come."""
        return tuple(column.grid for column in self.columns)

    def with_rules(
        self, nullable: Iterable[str] = (), grids: Mapping[str, Grid | float] | None = None
    ) -> FeatureSchema:
        """Copy the schema with other rules for nulls and grids, as learned from a training split.

        Parameters
        ----------
        nullable : iterable of str
            Features of which a null is a value; of the others it is refused.
        grids : mapping of str to Grid or float, optional
            By feature, what numbers it keeps, or the step of which they are multiples; the others have none.

        Returns
        -------
        FeatureSchema
            The same columns and label.

        Raises
        ------
        ContractError
            If a name is no feature's, or a grid breaks its rule.
        """
        nulls, kept = set(nullable), dict(grids or {})
        if unknown := (nulls | set(kept)) - set(self.names):
            raise ContractError(f"contract has no feature {min(unknown)!r}: have {', '.join(self.names)}")
        ruled = (replace(f, nulls=INHERIT if f.name in nulls else REFUSE, grid=kept.get(f.name)) for f in self.features)
        return replace(self, features=tuple(ruled))

    def with_scale(self, scale: Sequence[float] | NDArray[np.floating[Any]]) -> FeatureSchema:
        """Copy the schema with other units of distance, as fitted on a training split.

        Parameters
        ----------
        scale : array-like of shape (n_features,)
            Positive and finite; a constant column is given 1 by convention.

        Returns
        -------
        FeatureSchema
            The same columns and label.
        """
        if len(scale) != self.n_features:
            raise ContractError(f"scale must have {self.n_features} values, one a feature, got {len(scale)}")
        pairs = zip(self.features, scale, strict=True)
        return replace(self, features=tuple(replace(f, scale=float(s)) for f, s in pairs))

    @cached_property
    def hash(self) -> str:
        """The sha256 of the canonical JSON form, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as plain JSON types.

        Returns
        -------
        dict
            Keys `format`, `features` and `label`.
        """
        return {
            "format": FORMAT_VERSION,
            "features": [feature.to_dict() for feature in self.features],
            "label": asdict(self.label) | {"classes": list(self.label.classes)},
        }

    def to_json(self) -> str:
        """Return the contract as canonical JSON: sorted keys, no white space.

        Returns
        -------
        str
            What `hash` is taken over and `from_json` reads.
        """
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FeatureSchema:
        """Read the contract back from `to_dict`.

        Parameters
        ----------
        data : dict
            Only `name` is required of a feature and of the label; the rest has defaults.

        Returns
        -------
        FeatureSchema
            Equal to the one that was written.
        """
        try:
            if data.get("format", FORMAT_VERSION) != FORMAT_VERSION:
                raise ContractError(f"contract format must be {FORMAT_VERSION}, got {data['format']!r}")
            unknown = set(data) - {"format", "features", "label"}
            if unknown:
                raise ContractError(f"contract has no member {min(unknown)!r}: have format, features, label")
            features = tuple(
                Feature(**(spec | {"categories": _listed(spec, "categories")})) for spec in data["features"]
            )
            label = data.get("label", {"name": "label"})
            return cls(features, Label(**(label | {"classes": _listed(label, "classes")})))
        except (AttributeError, KeyError, TypeError) as error:
            raise ContractError(
                'contract must look like {"features": [{"name": "x", "dtype": "float32"}], '
                f'"label": {{"name": "y"}}}}; {type(error).__name__}: {error}'
            ) from error

    @classmethod
    def from_json(cls, text: str) -> FeatureSchema:
        """Read the contract back from `to_json`.

        Parameters
        ----------
        text : str
            JSON object.

        Returns
        -------
        FeatureSchema
            Equal to the one that was written.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:  # not JSON, or nested beyond measure
            raise ContractError(f"contract is not JSON: {error}") from error
        return cls.from_dict(data)

    @classmethod
    def from_file(cls, path: str | Path) -> FeatureSchema:
        """Read a contract file.

        Parameters
        ----------
        path : str or Path
            A file that holds `to_json`'s form.

        Returns
        -------
        FeatureSchema
            The contract.
        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInputError(f"contract file {str(path)!r} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ContractError(f"contract file {str(path)!r} is not JSON in UTF-8: {error}") from error

    def validate_rows(self, X: ArrayLike) -> NDArray[np.float32]:
        """Check a matrix of rows and return it as the resampler holds it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numeric values; categorical columns as codes; NaN for a null.

        Returns
        -------
        ndarray of shape (n_samples, n_features), float32
            As kernels take it (`resampler.layout`): `X` itself where it already is that.

        Raises
        ------
        ContractError
            On another width, a table with other columns or another order of them, a non-numeric dtype, a value that
            float32 cannot hold finitely, a code that stands for no category, a value that an integer or boolean
            feature cannot have, or a null in a feature that is not nullable.
        """
        names = getattr(X, "column_names", getattr(X, "columns", None))  # of Arrow; of pandas and Polars
        if names is not None and tuple(names) != self.names:
            raise ContractError(
                f"X must have the columns {', '.join(self.names)} in this order, got {', '.join(map(str, names))}: "
                "pass X[list(schema.names)]"
            )
        try:
            array = np.asarray(X)
        except ValueError as error:  # rows of different lengths
            raise ContractError(f"X must have shape (n_samples, {self.n_features}): {error}") from error
        if array.ndim != 2 or array.shape[1] != self.n_features:
            raise ContractError(f"X must have shape (n_samples, {self.n_features}), got {array.shape}")
        if array.dtype.kind not in "fiub":
            raise ContractError(f"X must be numeric, got dtype {array.dtype}")
        with np.errstate(over="ignore"):
            rows = as_kernel_array(array, np.float32)
        check_magnitude(rows, self.scale, self.names, self.nullable_mask)
        self._check_whole(rows)
        return rows

    def _check_whole(self, rows: NDArray[np.float32]) -> None:
        whole, lowest, highest = self._whole
        if not len(whole):
            return
        values = rows[:, whole]
        wrong = (values != np.rint(values)) | (values < lowest) | (values > highest)
        wrong &= ~np.isnan(values)  # those that are left may be null
        if wrong.any():
            i, k = np.argwhere(wrong)[0]
            column, got = self.columns[whole[k]], f"got {values[i, k]:g} in row {i}"
            least, most = column.bounds or (0, 0)
            if column.closed:
                raise ContractError(
                    f"{column} must hold codes of its {len(column.values)} categories, {least} to {most}, {got}"
                )
            raise ContractError(f"{column} must be a whole number from {least} to {most} ({column.dtype}), {got}")

    @cached_property
    def _whole(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Positions of the columns that hold whole numbers, and the least and the greatest of each, as rows hold them.

        Where nothing is listed, a categorical column's codes are the caller's own.
        """
        found = [
            (j, *column.bounds)
            for j, column in enumerate(self.columns)
            if column.bounds and (column.kind == NUMERIC or column.values)
        ]
        table = np.array(found, dtype=np.float64).reshape(-1, 3)
        return table[:, 0].astype(np.int64), table[:, 1].astype(np.float32), table[:, 2].astype(np.float32)


def check_magnitude(
    rows: NDArray[np.floating[Any]],
    scale: NDArray[np.floating[Any]],
    names: Sequence[str],
    nullable: NDArray[np.bool_] | None = None,
) -> None:
    """Refuse values that are not finite, or so large that a distance could overflow.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features), floating
        The rows.
    scale : ndarray of shape (n_features,)
        Unit of distance of each column.
    names : sequence of str
        Column names for the message.
    nullable : ndarray of shape (n_features,), bool, optional
        Columns that may hold NaN, a null; by default none.

    Raises
    ------
    ContractError
        If a value is NaN where it may not be, infinite, or beyond 1e16 units of its column's scale.
    """
    if rows.size == 0:
        return
    # Two reductions pass good rows; NaN fails every comparison. The culprit is sought only when there is one.
    limit = MAX_MAGNITUDE * float(scale.min())
    if float(rows.max()) <= limit and float(rows.min()) >= -limit:
        return
    bad = ~(np.abs(rows) <= MAX_MAGNITUDE * scale.astype(np.float64))
    if nullable is not None:
        bad &= ~(np.isnan(rows) & nullable)
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise ContractError(
            f"feature {names[j]!r} must be finite and within {MAX_MAGNITUDE:g} units of its scale, "
            f"got {rows[i, j]} in row {i}: drop, impute or rescale it first"
        )
