"""`Learner`: a classifier of scikit-learn, or one like it, with what it needs done to rows before it sees them."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Short names for what is often asked for; any other is an import path.
LEARNERS: dict[str, tuple[str, dict[str, Any]]] = {
    "logistic": ("sklearn.linear_model:LogisticRegression", {"max_iter": 1000}),
    "boosting": ("sklearn.ensemble:HistGradientBoostingClassifier", {}),
    "forest": ("sklearn.ensemble:RandomForestClassifier", {}),
    "tree": ("sklearn.tree:DecisionTreeClassifier", {}),
    "neighbors": ("sklearn.neighbors:KNeighborsClassifier", {}),
}
USUAL = ("logistic", "boosting")
SEEDS = 2**32  # that scikit-learn knows
_NATIVE = "sklearn.ensemble:HistGradientBoostingClassifier"
_CATEGORIES = 50  # of a column, that get a column each
_BINNED = 250  # that boosting takes of a column
_SHOWN = 60  # characters of parameters in a name


@dataclass(frozen=True)
class Learner:
    """A learner.

    Parameters
    ----------
    name : str
        What it is called.
    path : str
        ``package.module:Class``.
    params : dict
        What it is made with.
    estimator : object
        One, not fitted.
    """

    name: str
    path: str
    params: dict[str, Any]
    estimator: Any

    @classmethod
    def of(cls, asked: Any) -> Learner:
        """Find a learner.

        Parameters
        ----------
        asked : str or estimator
            A key of `LEARNERS`, an import path (``package.module:Class``, or with a dot in place of the colon) and,
            after a space, its parameters as a JSON object; or a classifier, of which a copy is taken.

        Returns
        -------
        Learner
            Not fitted.

        Raises
        ------
        InvalidInputError
            If there is none, or it is no classifier that ranks rows.
        MissingExtraError
            If its package is not installed.
        """
        if not isinstance(asked, str):
            return cls._checked(asked, f"{type(asked).__module__}:{type(asked).__qualname__}", None)
        path, _, text = asked.strip().partition(" ")
        brace = path.find("{")  # the space may be left out
        if brace > 0:
            path, text = path[:brace], path[brace:] + " " + text
        path, params = LEARNERS.get(path, (path, {}))
        params = params | _params(asked, text)
        made = _imported(path)
        try:
            estimator = made(**params)
        except Exception as error:
            raise InvalidInputError(f"learner {path!r} cannot be made with {json.dumps(params)}: {error}") from error
        return cls._checked(estimator, path, params)

    @classmethod
    def _checked(cls, estimator: Any, path: str, params: dict[str, Any] | None) -> Learner:
        from sklearn.base import clone, is_classifier

        try:
            estimator = clone(estimator)
            ranks = is_classifier(estimator)
        except Exception as error:
            raise InvalidInputError(
                f"learner {path!r} must be a classifier with scikit-learn's methods: {error}"
            ) from error
        if not ranks:
            raise InvalidInputError(f"learner {path!r} must be a classifier, got a {type(estimator).__name__}")
        if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
            raise InvalidInputError(
                f"learner {path!r} must rank rows by predict_proba or decision_function, and has neither: take another"
            )
        if params is None:
            # A difference to the defaults, as the representation has it; what JSON cannot hold is written as text.
            defaults = type(estimator)().get_params(deep=False) if _has_defaults(estimator) else {}
            given = estimator.get_params(deep=False)
            params = {
                name: _plain(value)
                for name, value in sorted(given.items())
                if name not in defaults or repr(value) != repr(defaults[name])
            }
        return cls(_name(path, params), path, params, estimator)

    @property
    def release(self) -> str:
        """Version of its package, as that says it."""
        package = sys.modules.get(self.path.partition(":")[0].partition(".")[0])
        return str(getattr(package, "__version__", ""))

    @property
    def gives_probabilities(self) -> bool:
        """Whether it has `predict_proba`."""
        return hasattr(self.estimator, "predict_proba")

    @property
    def takes_weights(self) -> bool:
        """Whether `fit` has `sample_weight`."""
        from sklearn.utils.validation import has_fit_parameter

        return bool(has_fit_parameter(self.estimator, "sample_weight"))

    def seeded(self, seed: int, mask: NDArray[np.bool_]) -> Any:
        """Return a new estimator.

        Parameters
        ----------
        seed : int
            What every `random_state` of it is set to.
        mask : ndarray of shape (n_features,), bool
            Which columns are categorical.

        Returns
        -------
        estimator
            Not fitted, for rows that `preparation` has prepared.
        """
        from sklearn.base import clone

        made = clone(self.estimator)
        seeds = [name for name in made.get_params() if name == "random_state" or name.endswith("__random_state")]
        made.set_params(**dict.fromkeys(seeds, seed % SEEDS))
        if self._is_native and mask.any():
            made.set_params(categorical_features=np.arange(len(mask)) < mask.sum())
        return made

    def preparation(self, X: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[Any, str]:
        """Return what rows are prepared by before it sees them, and that in words.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float64
            Rows, to see whether they have nulls.
        mask : ndarray of shape (n_features,), bool
            Which columns are categorical.

        Returns
        -------
        transformer, words : object, str
            Not fitted.
        """
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import Pipeline, make_pipeline
        from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

        numbers, categories = np.flatnonzero(~mask), np.flatnonzero(mask)
        if isinstance(self.estimator, Pipeline):
            return FunctionTransformer(), "its own"
        if self._is_native:
            codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=_BINNED)
            steps = [("categories", codes, categories), ("numbers", "passthrough", numbers)]
            words = "categories and nulls as they are" if len(categories) else "as they are"
            return ColumnTransformer(steps) if len(categories) else FunctionTransformer(), words
        tags = self.estimator.__sklearn_tags__().input_tags
        impute = bool(np.isnan(X[:, numbers]).any()) and not tags.allow_nan
        scaled = [SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)] if impute else []
        parts: list[tuple[str, Any, NDArray[np.int64]]] = []
        said: list[str] = []
        if len(numbers):
            parts.append(("numbers", make_pipeline(*scaled, StandardScaler()), numbers))
            said.append("nulls filled with the median and marked, numbers scaled" if impute else "numbers scaled")
        if len(categories):
            one_hot = OneHotEncoder(
                handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES, sparse_output=bool(tags.sparse)
            )
            parts.append(("categories", one_hot, categories))
            said.append("a column for each category")
        return parts[0][1] if len(parts) == 1 else ColumnTransformer(parts), ", ".join(said)

    @property
    def _is_native(self) -> bool:
        home, _, name = _NATIVE.partition(":")
        kind = type(self.estimator)
        return kind.__name__ == name and kind.__module__.startswith(home)


def _params(asked: str, text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        params = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(
            f"parameters of a learner are a JSON object, as in 'tree {{\"max_depth\": 5}}', got {asked!r}: {error}"
        ) from error
    if not isinstance(params, dict):
        raise InvalidInputError(f"parameters of a learner are a JSON object, got {text.strip()!r}")
    return params


def _imported(path: str) -> Any:
    home, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    if not home or not name:
        known = ", ".join(LEARNERS)
        raise InvalidInputError(
            f"a learner is one of {known} or an import path, as sklearn.tree:DecisionTreeClassifier, got {path!r}"
        )
    try:
        return getattr(importlib.import_module(home), name)
    except ModuleNotFoundError as error:
        package = (error.name or home).partition(".")[0]
        raise MissingExtraError(
            f"learner {path!r} needs {error.name}: install {package}, or correct the path"
        ) from error
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInputError(f"learner {path!r} cannot be imported: {error}") from error


def _has_defaults(estimator: Any) -> bool:
    try:
        type(estimator)()
    except TypeError:
        return False
    return True


def _plain(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return " ".join(repr(value).split())
    return value


def _name(path: str, params: Mapping[str, Any]) -> str:
    short = path.replace(":", ".").rpartition(".")[2]
    usual = next((having for of, having in LEARNERS.values() if of == path), {})
    shown = ", ".join(f"{name}={value}" for name, value in params.items() if usual.get(name) != value)
    if not shown:
        return short
    return f"{short}({shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'})"
