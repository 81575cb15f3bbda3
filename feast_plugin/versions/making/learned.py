"""`Learned`: what a version takes from its training split, and is made again by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.files.manifest import Manifest


class Learned(NamedTuple):
    """What was learned when a version was made first; what is None is learned anew.

    Parameters
    ----------
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each column.
    drawn_scale : ndarray of float32, optional
        The same of the columns of `contract.drawn`, where on-demand features are computed.
    grids : dict, optional
        By feature, what synthetic values are put on where the recipe asks for it.
    related : list of dict, optional
        Which features follow from others, likewise.
    """

    scale: NDArray[np.float32] | None = None
    drawn_scale: NDArray[np.float32] | None = None
    grids: dict[str, Any] | None = None
    related: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, manifest: Manifest) -> Learned:
        """Read what a version learned.

        Parameters
        ----------
        manifest : Manifest
            Of the version.

        Returns
        -------
        Learned
            Another release may learn other grids; summed over other batches, a scale could differ in its last bit.
        """
        drawn = manifest.columns.get("drawn_scale")
        return cls(
            np.array(manifest.schema.scale),
            None if drawn is None else np.array(drawn, dtype=np.float32),
            manifest.grids,
            manifest.notes.get("relations"),
        )


ANEW = Learned()
