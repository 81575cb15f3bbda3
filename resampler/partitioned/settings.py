"""`ResampleOptions`: what `resampler resample` is asked for, and the estimator that this means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError
from resampler.grids import GRIDS
from resampler.methods.catalog import ALIASES, METHODS
from resampler.methods.parameters import DANGER_NEIGHBORS, MISSING
from resampler.options import COLUMN, RATIO, RECALL, SEED, Rule, check_options, count, one_of, option
from resampler.secret import SecretKey

if TYPE_CHECKING:
    from resampler.grids import Grids
    from resampler.methods.parameters import Missing

MARK = "synthetic"
BY_PARTS = tuple(name for name in METHODS if name not in ("embedding", "hardened"))


def _check_names(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise InvalidInputError(f"{name} must be a list of columns, got {value!r}")
    return tuple(value)


_NAMES = Rule(str, _check_names, "names of columns", repeated=True, metavar="COLUMN")
_SECRET = Rule(str, lambda _name, value: SecretKey.of(value), "an environment variable or a file")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampleOptions:
    """What is made of a table.

    Parameters
    ----------
    method, ratio, k_neighbors, m_neighbors, seed, missing, grid, secret_key
        Of the estimator.
    categorical, key, carried, mark, recall
        As in `resampler.partitioned.resample`.

    Raises
    ------
    InvalidInputError
        If one of them breaks its rule.

    Examples
    --------
    >>> ResampleOptions(method="smotenc", categorical=("city",)).estimator()
    SMOTENC(categorical_features=['city'], random_state=0)
    """

    method: str = option("smote", one_of(BY_PARTS, former=ALIASES), "How synthetic rows are made.")
    ratio: float | None = option(None, RATIO, "Minority : majority afterwards; by default all classes get equal.")
    k_neighbors: int = option(5, count(1), "Neighbours of its class that a row may be joined with.")
    m_neighbors: int = option(
        DANGER_NEIGHBORS, count(1), "Neighbours that decide whether a row is in danger, for methods that ask."
    )
    seed: int = option(0, SEED, "What every random draw is keyed on.")
    categorical: tuple[str, ...] = option((), _NAMES, "Feature that is a category; may be repeated.")
    key: tuple[str, ...] = option(
        (), _NAMES, "Column that identifies a row; may be repeated. By default a row is what it holds."
    )
    carried: tuple[str, ...] = option(
        (), _NAMES, "Column that is no feature: real rows keep it, synthetic ones have none; may be repeated."
    )
    mark: str = option(MARK, COLUMN, "Column that is added: true in synthetic rows.")
    missing: Missing = option(
        "refuse", one_of(MISSING), "Rows with nulls: refused; parents, whose nulls synthetic rows have; or no parents."
    )
    grid: Grids = option("off", one_of(GRIDS), "Put synthetic values on the steps that the real ones keep, or do not.")
    secret_key: SecretKey | None = option(None, _SECRET, "Where a secret is that is mixed into every draw.")
    recall: float | None = option(
        None, RECALL, "Share of the true neighbours that an approximate search has to find; by default it is exact."
    )

    def __post_init__(self) -> None:
        check_options(self)

    def estimator(self) -> Any:
        """Make the estimator of the method.

        Returns
        -------
        object
            Of `resampler.samplers`.

        Raises
        ------
        InvalidInputError
            If an option does not go with the method.
        """
        from resampler import samplers

        usual = type(self)()
        given = {
            name: getattr(self, name)
            for name in ("k_neighbors", "m_neighbors", "missing", "grid", "secret_key")
            if getattr(self, name) != getattr(usual, name)
        }
        kinds: dict[str, Any] = {
            "smote": samplers.SMOTE,
            "smotenc": samplers.SMOTENC,
            "smoten": samplers.SMOTEN,
            "adasyn": samplers.ADASYN,
            "svm": samplers.SVMSMOTE,
            "kmeans": samplers.KMeansSMOTE,
            "random": samplers.RandomOverSampler,
            "smoteenn": samplers.SMOTEENN,
            "smotetomek": samplers.SMOTETomek,
        }
        kind = kinds.get(self.method, samplers.OverSampler)
        if self.method == "adasyn" and "k_neighbors" in given:
            given["n_neighbors"] = given.pop("k_neighbors")
        if kind is samplers.OverSampler:
            given["method"] = self.method
        elif kind is samplers.SMOTENC:
            given["categorical_features"] = list(self.categorical) or "auto"
        if unknown := sorted(given.keys() - kind().get_params().keys() if kind is not samplers.SMOTENC else ()):
            raise InvalidInputError(f"{unknown[0]} does not go with method {self.method!r}: leave it out")
        return kind(sampling_strategy="auto" if self.ratio is None else self.ratio, random_state=self.seed, **given)

    def arguments(self) -> dict[str, Any]:
        """Return what `resampler.partitioned.resample` is given beside the estimator.

        Returns
        -------
        dict
            By name.
        """
        own = self.method in ("smotenc", "smoten")  # which says itself what is a category
        return {
            "categorical": None if own or not self.categorical else self.categorical,
            "key": self.key or None,
            "carried": self.carried,
            "mark": self.mark,
            "recall": self.recall,
        }
