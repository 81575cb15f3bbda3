"""`Profile`: what the values of features are, in counts that later rows are compared with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import CorruptStateError, InvalidInputError
from resampler.profile.cells import FORMAT
from resampler.profile.reading import read_cells, read_part
from resampler.state import check_format

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.profile.cells import Cells
    from resampler.profile.counts import Part


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of every feature, by split, kind and class.

    Parameters
    ----------
    cells : dict of str to Cells
        Of each feature; an array is counted by its Euclidean length.
    parts : tuple of Part
        By split, kind and class, in this order.
    form : int
        Format of the file; profiles of format 1 have their cells, and are written as they were.
    """

    cells: dict[str, Cells]
    parts: tuple[Part, ...]
    form: int = FORMAT

    def counts(self, feature: str, split: str, *, synthetic: bool) -> NDArray[np.int64]:
        """Add up the counts of a feature.

        Parameters
        ----------
        feature : str
            One of `cells`.
        split : str
            Of which split.
        synthetic : bool
            Of which kind.

        Returns
        -------
        ndarray of shape (n_cells + 1,), int64
            The last is that of nulls.
        """
        total = np.zeros(self.cells[feature].n + 1, dtype=np.int64)
        for part in self.parts:
            if part.split == split and part.synthetic == synthetic:
                total += part.features[feature].counts
        return total

    def __add__(self, other: Profile) -> Profile:
        """Return the counts of both sets of rows.

        Parameters
        ----------
        other : Profile
            Counted in the same cells.

        Returns
        -------
        Profile
            The same whatever was counted first.

        Raises
        ------
        InvalidInputError
            If the cells are others.
        """
        if self.cells != other.cells:
            raise InvalidInputError(
                "profiles were counted in other cells, so their counts cannot be added: count both against one version"
            )
        parts: dict[tuple[str, bool, str], Part] = {}
        for part in (*self.parts, *other.parts):
            parts[part.key] = parts[part.key] + part if part.key in parts else part
        return Profile(self.cells, tuple(parts[key] for key in sorted(parts)), self.form)

    def to_json(self) -> str:
        """Return the file's content.

        Returns
        -------
        str
            Canonical, so that equal profiles are equal bytes.
        """
        cells = {name: asdict(of) for name, of in self.cells.items()}
        if self.form == 1:
            for of in cells.values():
                del of["single"]
        data = {"format": self.form, "cells": cells, "parts": [asdict(part) for part in self.parts]}
        return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "profile.json") -> Profile:
        """Read the file's content.

        Parameters
        ----------
        text : str or bytes
            What `to_json` wrote.
        where : str
            Its path, for the message.

        Returns
        -------
        Profile
            Equal to the one that was written.

        Raises
        ------
        CorruptStateError
            If it is none, or of a later format.
        """
        try:
            data = json.loads(text)
            form = data["format"]
            check_format(where, form, range(1, FORMAT + 1))
            cells = {name: read_cells(name, of) for name, of in data["cells"].items()}
            return cls(cells, tuple(read_part(part, cells) for part in data["parts"]), form)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise CorruptStateError(
                f"{where} holds no counts: {type(error).__name__}: {error}: rebuild the version, or restore it from a "
                "copy"
            ) from error
