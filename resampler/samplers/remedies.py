"""What to do about the errors that scikit-learn and imbalanced-learn raise: theirs name the rule and the value only."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sklearn.utils._param_validation import InvalidParameterError

from resampler.errors import InvalidInputError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEDIES = {
    r"The '(\w+)' parameter of \w+ must be": r"give \1 such a value",
    "more than 1 class": "y needs rows of at least two classes",
    "Input y contains NaN": "give the rows without a label one, or drop them",
    "contains NaN|contains infinity": "impute or drop it first, in a step of the same pipeline",
    "minimum of 1 is required": "X needs at least one row and one column",
    "inconsistent numbers? of samples": "X and y need one entry a row each",
    "Expected 2D array|dim <= 2|Expected array-like|Input should be": "give X as rows by columns and a label a row",
    "Complex data": "split real and imaginary parts into columns",
    "bytes/strings|could not convert string": "encode such columns first, or use SMOTENC and name them in "
    "categorical_features",
    "Unknown label type: unknown": "give y an integer or string dtype, such as y.astype(int) or y.astype(str)",
    "labels represented as bytes": "decode them, such as by y.astype(str)",
    "Unknown label type": "bin y into classes first",
    "unknown categories": "give categorical_encoder all categories of the column",
    "all features must be in|not columns of the dataframe|only supported for dataframes": "change categorical_features",
    "No valid specification": "change categorical_features",
    "input data should be a pandas.DataFrame": "give categorical_features as column numbers or a mask",
    "work only with categorical": "use SMOTEN, or leave the numeric columns out of categorical_features",
    "work only with numerical": "use SMOTE, or name the categorical columns",
    "required to remove samples|greater or equal to the original": "raise sampling_strategy to what the class has",
    "can be a float only": "give a count for each class that is to grow",
    "not present in the data": "take it out of sampling_strategy",
    "should be >= n_clusters": "lower kmeans_estimator, the number of clusters",
}


class RefusedError(InvalidInputError, InvalidParameterError):  # type: ignore[misc]
    """Raise when scikit-learn or imbalanced-learn refused an input: their message, and the remedy."""


@contextmanager
def with_remedies() -> Iterator[None]:
    """Add the remedy to what a library refuses.

    Yields
    ------
    None
        To the block whose errors are meant; those that nothing is known of pass as they are.

    Raises
    ------
    RefusedError
        In place of a ValueError or TypeError of the libraries; it is both.
    """
    try:
        yield
    except ResamplerError:
        raise
    except (ValueError, TypeError) as error:
        message = str(error)
        for pattern, remedy in _REMEDIES.items():
            if match := re.search(pattern, message):
                raise RefusedError(f"{message.rstrip('. ')}. Remedy: {match.expand(remedy)}") from error
        raise
