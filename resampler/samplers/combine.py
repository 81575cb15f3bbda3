"""Over-sampling, then cleaning: `SMOTEENN` and `SMOTETomek`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from imblearn import combine

from resampler.errors import InvalidInputError
from resampler.samplers.base import SECRET_KEY, TableMixin, renumbered
from resampler.samplers.cleaning import EditedNearestNeighbours, TomekLinks
from resampler.samplers.contain import contain
from resampler.samplers.smote import SMOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.parameters import Missing
    from resampler.methods.provenance import Provenance
    from resampler.samplers.containers import Container
    from resampler.secret import SecretKey


class _Combined(TableMixin):
    """Mixin: subgroups, identities, and the provenance of the synthetic rows that stayed."""

    smote_: Any
    provenance_: Provenance
    secret_key: SecretKey | str | None

    def _cleaner(self) -> Any:
        raise NotImplementedError

    def fit_resample(
        self, X: Any, y: Any, *, groups: Any = None, row_ids: Any = None, **params: Any
    ) -> tuple[Any, Any]:
        """Resample the data set.

        Parameters
        ----------
        X : {array-like, sparse matrix, pandas or Polars DataFrame, Arrow table} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            Their classes.
        groups : array-like of shape (n_samples,), optional
            The subgroup of each row, for the over-sampler. It can be routed through a pipeline:
            ``set_fit_resample_request(groups=True)``.
        row_ids : array-like of shape (n_samples,), int64, optional
            Identities, for the over-sampler: as in `SMOTE`.
        **params : dict
            Passed on to the method.

        Returns
        -------
        X_resampled : of the type and dtypes of `X`
            The rows that stay, real ones as they are.
        y_resampled : of the type of `y`
            Their classes.
        """
        return super().fit_resample(X, y, groups=groups, row_ids=row_ids, **params)

    def _over_sampler(self) -> SMOTE:
        """Return the over-sampler of a sampler that was given none."""
        return SMOTE(
            sampling_strategy=self.sampling_strategy,  # type: ignore[attr-defined]
            random_state=self.random_state,  # type: ignore[attr-defined]
            missing=self.missing,
            secret_key=self.secret_key,
        )

    def _fit_resample(
        self, X: Any, y: NDArray[Any], groups: Any = None, row_ids: Any = None
    ) -> tuple[Any, NDArray[Any]]:
        if self.secret_key is not None and self.smote is not None:  # type: ignore[attr-defined]
            raise InvalidInputError("secret_key goes with the default smote: give it to the smote that you pass")
        self._validate_estimator()  # type: ignore[attr-defined]
        self.sampling_strategy_ = self.sampling_strategy  # type: ignore[attr-defined]
        known = {name: of for name, of in (("groups", groups), ("row_ids", row_ids)) if of is not None}
        X_over, y_over = self.smote_.fit_resample(X, y, **known)
        X_new, y_new = self._cleaner().fit_resample(X_over, y_over)
        kept = self._cleaner().sample_indices_
        self.provenance_ = self.smote_.provenance_.take(kept[kept >= len(y)] - len(y))
        return X_new, y_new

    def _put_together(self, rows: Container, X_new: Any) -> Any:  # noqa: ARG002
        over = contain(rows.followed_by(rows.made(self.smote_.provenance_)))
        return renumbered(over.take(self._cleaner().sample_indices_))  # type: ignore[union-attr]

    def _sources(self, n: int) -> NDArray[np.int64]:
        return np.concatenate([np.arange(n), self.smote_.provenance_.base])[self._cleaner().sample_indices_]


class SMOTEENN(_Combined, combine.SMOTEENN):  # type: ignore[misc]
    """Over-sample by SMOTE and clean by edited nearest neighbours.

    Parameters
    ----------
    sampling_strategy, random_state
        As in `SMOTE`.
    smote : SMOTE or None
        By default `SMOTE` with these parameters.
    enn : EditedNearestNeighbours or None
        By default one that cleans all classes.
    n_jobs : int or None
        Threads of the cleaner.
    missing : {"refuse", "inherit", "complete"}
        As in `SMOTE` and `TomekLinks`; `smote` and `enn` that are given have their own, which must agree.
    secret_key : SecretKey, str or None
        As in `SMOTE`; a `smote` that is given has its own.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    smote_ : SMOTE
        The over-sampler, fitted.
    enn_ : EditedNearestNeighbours
        The cleaner, fitted.
    provenance_ : Provenance
        Of the synthetic rows that stayed, in the order of the rows.

    References
    ----------
    Batista, Prati, Monard: A study of the behavior of several methods for balancing machine learning training data.
    SIGKDD Explorations 6 (2004), doi:10.1145/1007730.1007735.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **combine.SMOTEENN._parameter_constraints,
        **TableMixin._missing_constraint,
        **SECRET_KEY,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        smote: Any = None,
        enn: Any = None,
        n_jobs: int | None = None,
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy, random_state=random_state, smote=smote, enn=enn, n_jobs=n_jobs
        )
        self.missing = missing
        self.secret_key = secret_key

    def _validate_estimator(self) -> None:
        super()._validate_estimator()
        if self.smote is None:
            self.smote_ = self._over_sampler()
        if self.enn is None:
            self.enn_ = EditedNearestNeighbours(sampling_strategy="all", n_jobs=self.n_jobs, missing=self.missing)

    def _cleaner(self) -> Any:
        return self.enn_


class SMOTETomek(_Combined, combine.SMOTETomek):  # type: ignore[misc]
    """Over-sample by SMOTE and clean by Tomek links.

    Parameters
    ----------
    sampling_strategy, random_state
        As in `SMOTE`.
    smote : SMOTE or None
        By default `SMOTE` with these parameters.
    tomek : TomekLinks or None
        By default one that cleans all classes.
    n_jobs : int or None
        Threads of the cleaner.
    missing : {"refuse", "inherit", "complete"}
        As in `SMOTE` and `TomekLinks`; `smote` and `tomek` that are given have their own, which must agree.
    secret_key : SecretKey, str or None
        As in `SMOTE`; a `smote` that is given has its own.

    Attributes
    ----------
    sampling_strategy_
        As in `SMOTE`.
    n_features_in_
        As in `SMOTE`.
    feature_names_in_
        As in `SMOTE`: only where `X` has names.
    smote_ : SMOTE
        The over-sampler, fitted.
    tomek_ : TomekLinks
        The cleaner, fitted.
    provenance_ : Provenance
        Of the synthetic rows that stayed, in the order of the rows.

    References
    ----------
    Batista, Bazzan, Monard: Balancing training data for automated annotation of keywords. WOB 2003.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **combine.SMOTETomek._parameter_constraints,
        **TableMixin._missing_constraint,
        **SECRET_KEY,
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
        smote: Any = None,
        tomek: Any = None,
        n_jobs: int | None = None,
        missing: Missing = "refuse",
        secret_key: SecretKey | str | None = None,
    ) -> None:
        super().__init__(
            sampling_strategy=sampling_strategy, random_state=random_state, smote=smote, tomek=tomek, n_jobs=n_jobs
        )
        self.missing = missing
        self.secret_key = secret_key

    def _validate_estimator(self) -> None:
        super()._validate_estimator()
        if self.smote is None:
            self.smote_ = self._over_sampler()
        if self.tomek is None:
            self.tomek_ = TomekLinks(sampling_strategy="all", n_jobs=self.n_jobs, missing=self.missing)

    def _cleaner(self) -> Any:
        return self.tomek_
