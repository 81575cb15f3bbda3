"""What predictions are compared with: those of another model, paired row by row where they can be, or its figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from resampler.errors import DataError
from resampler.quality.gate.figures import Figure, difference, figures, paired_differences
from resampler.quality.gate.labels import shown
from resampler.quality.gate.predictions import row_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from resampler.quality.gate.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Baseline:
    """A model that predictions are compared with.

    Parameters
    ----------
    name : str
        What rules call it.
    figures : mapping of str to Figure
        Of its predictions.
    predictions : Predictions, optional
        Where they are at hand.
    """

    name: str
    figures: Mapping[str, Figure]
    predictions: Predictions | None = None

    @classmethod
    def of(cls, name: str, predictions: Predictions) -> Baseline:
        """Measure a baseline.

        Parameters
        ----------
        name : str
            What rules call it.
        predictions : Predictions
            Of real rows.

        Returns
        -------
        Baseline
            With its figures.
        """
        measured = figures(predictions.y_true, predictions.y_pred, predictions.score)
        return cls(name, measured, predictions)

    def aligned(self, predictions: Predictions) -> Predictions | None:
        """Take its predictions of the same rows, in the same order.

        Parameters
        ----------
        predictions : Predictions
            Of a model that may take its place.

        Returns
        -------
        Predictions or None
            Without slices and keys; None where it has none, or none of these rows.

        Raises
        ------
        DataError
            If the two are of other classes, or disagree about the rows that they share.
        """
        other = self.predictions
        if other is None or (rows := _paired_rows(predictions, other)) is None:
            return None
        return replace(
            other,
            y_true=predictions.y_true,
            y_pred=other.y_pred[rows],
            score=None if other.score is None else other.score[rows],
            slices=predictions.slices.select([]),  # groups are those of the predictions
            keys=predictions.keys.select([]),
            synthetic=None,
        )

    def differences(
        self, predictions: Predictions, measured: Mapping[str, Figure], aligned: Predictions | None
    ) -> tuple[dict[str, Figure], str]:
        """Compare predictions with it.

        Parameters
        ----------
        predictions : Predictions
            Of a model that may take its place.
        measured : mapping of str to Figure
            Their figures.
        aligned : Predictions or None
            What `aligned` says of them.

        Returns
        -------
        differences : dict of str to Figure
            Theirs minus the baseline's, by measure that both have.
        how : str
            In words, how intervals were found.
        """
        if aligned is not None:
            first, second = (predictions.y_pred, predictions.score), (aligned.y_pred, aligned.score)
            found = paired_differences(predictions.y_true, first, second, (measured, self.figures))
            return found, "row by row"
        common = [name for name in measured if name in self.figures]
        return {name: difference(measured[name], self.figures[name]) for name in common}, "as rows that were not shared"


def _paired_rows(ours: Predictions, theirs: Predictions) -> NDArray[np.int64] | None:
    """Return the row of theirs that each of ours is; None where they share none."""
    if ours.positive != theirs.positive:
        raise DataError(
            f"{theirs.where} is of class {theirs.positive!r} and {ours.where} of {ours.positive!r}: compare one class"
        )
    names = ours.keys.column_names
    if not names or names != theirs.keys.column_names or not (ours.rows_differ and theirs.rows_differ):
        same = len(ours) == len(theirs) and bool(np.array_equal(ours.y_true, theirs.y_true))
        return np.arange(len(ours)) if same else None
    if ours.keys.schema.types != theirs.keys.schema.types:
        raise DataError(f"{shown(names)} are of other types in {theirs.where} than in {ours.where}: write them alike")
    first = ours.keys.append_column("at", pa.array(np.arange(len(ours))))
    second = theirs.keys.append_column("to", pa.array(np.arange(len(theirs))))
    joined = first.join(second, keys=names, join_type="inner")
    if len(joined) == 0:
        return None
    if len(joined) < len(ours) or len(ours) != len(theirs):
        raise DataError(
            f"{theirs.where} shares {len(joined):,} of {len(ours):,} rows with {ours.where} and has {len(theirs):,}: "
            "predict the same rows with both models, or rows that are all different"
        )
    rows = np.empty(len(ours), dtype=np.int64)
    rows[joined["at"].to_numpy()] = joined["to"].to_numpy()
    if len(other := np.flatnonzero(theirs.y_true[rows] != ours.y_true)):
        raise DataError(
            f"{len(other):,} rows have another true class in {theirs.where} than in {ours.where}, such as "
            f"{row_in_words(ours.keys, int(other[0]))}: take both labels at one time"
        )
    return rows
