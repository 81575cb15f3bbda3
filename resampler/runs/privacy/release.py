"""How a release is audited: as a file, beside the real rows that were left out of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from resampler.training_set import TRAIN

if TYPE_CHECKING:
    from resampler.training_set import TrainingSet


def command(release: TrainingSet) -> str:
    """Write the command that audits a release.

    Parameters
    ----------
    release : TrainingSet
        A version that stores its training split, without the real rows of its rarer classes.

    Returns
    -------
    str
        With ``FILE`` where the reader has to say which.
    """
    words = ["resampler", "audit", "privacy", release.uri_of(TRAIN)]
    words += ["--synthetic-column", release.synthetic, "--label", release.label]
    words += ["--drop", ",".join(release.keys)] if release.keys else []
    words += ["--time", release.timestamp] if release.timestamp is not None else []
    return f"{shlex.join(words)} --real FILE --held-out FILE"
