"""What an estimator asks for, of classes that are counted already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from imblearn.utils import check_sampling_strategy
from sklearn.base import clone

from resampler.errors import DataError, InvalidInputError, absent_column
from resampler.methods.catalog import METHODS
from resampler.samplers import (
    ADASYN,
    SMOTE,
    SMOTEENN,
    SMOTEN,
    SMOTENC,
    SVMSMOTE,
    BorderlineSMOTE,
    EditedNearestNeighbours,
    KMeansSMOTE,
    OverSampler,
    RandomOverSampler,
    SMOTETomek,
    TomekLinks,
)
from resampler.samplers.contain import contain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUPPORTED = (SMOTE, BorderlineSMOTE, ADASYN, SVMSMOTE, KMeansSMOTE, SMOTENC, SMOTEN, OverSampler, RandomOverSampler)
CLEANING = (SMOTEENN, SMOTETomek)


class Asked(NamedTuple):
    """What `resampler.methods.oversample` is asked for, and what else an estimator wants.

    Parameters
    ----------
    sampler : object
        The over-sampler, a clone.
    cleaner : TomekLinks or EditedNearestNeighbours, optional
        What cleans afterwards.
    categorical : tuple of str
        Features that are categories.
    copies : bool
        Whether rows are taken again as they are, whatever they hold.
    refuses_nulls : bool
        Whether the estimator, or what cleans, takes no nulls, whatever the over-sampler does.
    around : object, optional
        The ``sampling_strategy`` of an estimator whose over-sampler was given: it is checked, and no more.
    """

    sampler: Any
    cleaner: Any
    categorical: tuple[str, ...]
    copies: bool
    refuses_nulls: bool = False
    around: Any = None

    @property
    def method(self) -> str:
        """Of the catalogue."""
        return str(self.sampler._method)

    @property
    def missing(self) -> str:
        """What rows with nulls are."""
        return "inherit" if isinstance(self.sampler, RandomOverSampler) else str(self.sampler.missing)

    @property
    def refused(self) -> str | None:
        """What to do about nulls of numbers, where they are refused: what cleans may do so, too."""
        if isinstance(self.sampler, RandomOverSampler):
            return None if self.copies else "impute or drop them, or leave shrinkage out"
        if self.refuses_nulls or self.missing == "refuse":
            return "impute or drop them, or use missing='inherit' or missing='complete'"
        return None

    @property
    def reads_all(self) -> bool:
        """Whether rows of all classes matter to it, not only of those that grow."""
        rule = METHODS[self.method]
        return rule.looks_around or self.cleaner is not None or self.sampler.grid != "off"

    @property
    def nulls_are_categories(self) -> bool:
        """Whether a null of a categorical column is one more category."""
        return self.missing == "refuse"

    def wanted(self, counts: Mapping[Any, int]) -> dict[Any, int]:
        """Say how many synthetic rows of each class there are to be.

        Parameters
        ----------
        counts : dict
            Rows of each class.

        Returns
        -------
        dict
            Also left in the sampler, as when it is fitted.

        Raises
        ------
        InvalidInputError
            If that cannot be had.
        """
        if len(counts) < 2:
            raise DataError(f"there must be rows of two classes or more, got those of {list(counts)}")
        if self.around is not None:
            _growing(self.around, counts)
        self.sampler.sampling_strategy_ = _growing(self.sampler.sampling_strategy, counts)
        return dict(self.sampler.sampling_strategy_)


def _growing(strategy: Any, counts: Mapping[Any, int]) -> dict[Any, int]:
    """Return how many rows of each class a strategy asks for."""
    labels = list(counts)
    codes = np.repeat(np.arange(len(labels), dtype=np.min_scalar_type(len(labels))), list(counts.values()))
    if callable(strategy):
        strategy = strategy(np.repeat(np.array(labels), list(counts.values())))
    if hasattr(strategy, "items"):
        if unknown := [label for label in strategy if label not in counts]:
            raise InvalidInputError(f"sampling_strategy names classes {unknown}, of which there is no row: {labels}")
        strategy = {labels.index(label): n for label, n in strategy.items()}
    try:
        found = check_sampling_strategy(strategy, codes, "over-sampling")
    except ValueError as error:
        raise InvalidInputError(str(error)) from error
    return {labels[code]: int(n) for code, n in found.items()}


def ask(sampler: Any, schema: pa.Schema, features: Sequence[str], categorical: Sequence[str] | None) -> Asked:
    """Look at an estimator.

    Parameters
    ----------
    sampler : object
        Of `resampler.samplers`.
    schema : pyarrow.Schema
        Of the table.
    features : sequence of str
        Columns that synthetic rows have.
    categorical : sequence of str, optional
        Those of them that are categories, where the estimator does not say.

    Returns
    -------
    Asked
        Of a clone.

    Raises
    ------
    InvalidInputError
        If it is none that works by parts, or asks for what does not.
    """
    over, cleaner = clone(sampler), None
    if isinstance(sampler, CLEANING):
        over._validate_params()
        over._validate_estimator()
        if sampler.smote is not None and sampler.secret_key is not None:
            raise InvalidInputError("secret_key goes with the default smote: give it to the smote that you pass")
        over, cleaner = over.smote_, over._cleaner()
        if type(cleaner) not in (EditedNearestNeighbours, TomekLinks):
            raise InvalidInputError(f"the cleaner must be of resampler.samplers, got {type(cleaner).__name__}")
        cleaner._validate_params()
    if type(over) not in SUPPORTED:
        raise InvalidInputError(
            f"sampler must be one of {sorted(kind.__name__ for kind in (*SUPPORTED, *CLEANING))} of resampler.samplers "
            f"to work by parts, got {type(over).__name__}: call its fit_resample on rows that are in memory"
        )
    over._validate_params()
    for name, usual in (("group_by", None), ("categorical_encoder", None)):
        if getattr(over, name, usual) is not usual:
            raise InvalidInputError(f"{name} does not work by parts, got {getattr(over, name)!r}: leave it out")
    for name in ("k_neighbors", "m_neighbors", "n_neighbors"):
        for one in (over, cleaner):
            if not isinstance(getattr(one, name, 0), int | np.integer):
                raise InvalidInputError(f"{name} must be a number by parts, got {getattr(one, name)!r}: give a number")
    own = isinstance(over, SMOTENC | SMOTEN)
    if own and categorical is not None:
        raise InvalidInputError(
            f"categorical goes with other samplers, {type(over).__name__} says it itself: leave it out"
        )
    named = tuple(categorical or ())
    for name in named:
        if name not in features:
            raise absent_column("categorical", name, "the features are", features)
    if isinstance(over, SMOTEN):
        named = tuple(features)
    elif isinstance(over, SMOTENC):
        over._names = tuple(features)
        empty = contain(pa.schema([schema.field(name) for name in features]).empty_table())
        over._validate_column_types(empty)
        named = tuple(features[at] for at in over.categorical_features_)
    if cleaner is not None and named:
        raise InvalidInputError(
            f"{type(sampler).__name__} measures numbers only, got the categories {list(named)}: name them in carried"
        )
    over.n_features_in_ = len(features)
    if hasattr(over, "_validate_estimator"):
        over._validate_estimator()
    copies = isinstance(over, RandomOverSampler) and over.shrinkage is None
    refuses = cleaner is not None and "refuse" in (sampler.missing, cleaner.missing)
    around = None if cleaner is None or sampler.smote is None else sampler.sampling_strategy
    return Asked(over, cleaner, named, copies, refuses, around)
