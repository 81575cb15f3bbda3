"""Where what is measured is kept if nobody says where, so that a run that was cut goes on."""

from __future__ import annotations

import os
from pathlib import Path

from resampler.notices import warn


class StoreWarning(UserWarning):
    """Warn that measurements are not kept."""


def usual_store(step: str = "advise") -> Path | None:
    """Return where what is measured is kept if nobody says where: the user's cache.

    Parameters
    ----------
    step : str
        What is measured: ``advise``, ``privacy``.

    Returns
    -------
    Path or None
        ``$XDG_CACHE_HOME/resampler/STEP``, or the same in ``~/.cache``; None where it cannot be written to, which is
        warned of.

    Notes
    -----
    It holds figures, under keys of all that decides them, and nothing of rows. It is not beside the rows,
    which may be far away, or read-only.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path("~", ".cache").expanduser()
    place = Path(home, "resampler", step)
    try:
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
        why = "permission denied"
    except OSError as error:
        why = error.strerror or str(error)
    warn(
        f"{place} cannot be written ({why}), so what is measured is not kept, and a run that is cut begins anew: give "
        "--resume a directory",
        StoreWarning,
    )
    return None
