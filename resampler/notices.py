"""Warnings that name the user's own line, however deep they are given."""

from __future__ import annotations

import sys
import warnings

_OURS = ("resampler", "stream", "feast_plugin", "imblearn", "sklearn", "joblib")


def warn(message: str, category: type[Warning]) -> None:
    """Warn the caller outside this package and the libraries that it is called through.

    Parameters
    ----------
    message : str
        The thing, the rule, the value, and the remedy.
    category : type
        Of the warning.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
