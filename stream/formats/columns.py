"""`Columns`: the contract as arrays, for the kernels that read rows by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.layout import as_kernel_array
from stream.formats.cells import magnitude_limits
from stream.kernels.text import FLOAT, INTEGER, VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema


class Columns(NamedTuple):
    """The features in order, and the label behind them.

    Parameters
    ----------
    names : ndarray of uint8
        All column names, end to end.
    ends : ndarray of shape (n_columns + 1,), int64
        Name j is ``names[ends[j]:ends[j + 1]]``.
    kinds : ndarray of shape (n_columns,), int64
        FLOAT, INTEGER or VOCABULARY.
    lowest, highest : ndarray of shape (n_columns,), int64
        Bounds of an integer.
    limits : ndarray of shape (n_columns - 1,), float64
        Largest magnitude of a feature.
    vocabulary : ndarray of shape (n_columns + 1,), int64
        Words ``vocabulary[j]`` to ``vocabulary[j + 1]`` belong to column j.
    words : ndarray of uint8
        All words, end to end.
    word_ends : ndarray of shape (n_words + 1,), int64
        As `ends`.
    values : ndarray of shape (n_words,), int64
        What each word stands for.
    nullable : ndarray of shape (n_columns,), bool
        Columns that may be left out, or hold nothing.
    """

    names: NDArray[np.uint8]
    ends: NDArray[np.int64]
    kinds: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    limits: NDArray[np.float64]
    vocabulary: NDArray[np.int64]
    words: NDArray[np.uint8]
    word_ends: NDArray[np.int64]
    values: NDArray[np.int64]
    nullable: NDArray[np.bool_]

    @classmethod
    def of(cls, schema: FeatureSchema) -> Columns:
        """Lay out a contract.

        Parameters
        ----------
        schema : FeatureSchema
            The contract.

        Returns
        -------
        Columns
            Its columns.
        """
        every = (*schema.columns, schema.label.column)
        n, info = len(every), np.iinfo(np.int64)
        kinds = np.full(n, FLOAT, dtype=np.int64)
        lowest = np.full(n, info.min, dtype=np.int64)
        highest = np.full(n, info.max, dtype=np.int64)
        vocabularies: list[dict[bytes, int]] = []
        for j, column in enumerate(every):
            words = column.words
            vocabularies.append(words or {})
            if words is not None:
                kinds[j] = VOCABULARY
            elif column.bounds is not None:
                kinds[j] = INTEGER
                lowest[j], highest[j] = column.bounds
        names, ends = join_words([column.name.encode() for column in every])
        joined, word_ends = join_words(word for words in vocabularies for word in words)
        sizes = np.array([0, *map(len, vocabularies)], dtype=np.int64)
        values = np.array([value for words in vocabularies for value in words.values()], dtype=np.int64)
        limits = magnitude_limits(schema)
        nullable = np.append(schema.nullable_mask, False)
        return cls(names, ends, kinds, lowest, highest, limits, np.cumsum(sizes), joined, word_ends, values, nullable)


def join_words(words: Iterable[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Lay words end to end.

    Parameters
    ----------
    words : iterable of bytes
        The words.

    Returns
    -------
    blob : ndarray of uint8
        Their bytes.
    ends : ndarray of shape (n_words + 1,), int64
        Word j is ``blob[ends[j]:ends[j + 1]]``.
    """
    words = list(words)
    ends = np.cumsum([0, *map(len, words)], dtype=np.int64)
    return as_kernel_array(np.frombuffer(b"".join(words), dtype=np.uint8), np.uint8), ends
